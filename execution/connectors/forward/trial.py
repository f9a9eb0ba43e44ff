"""Try a connection out: one message that can't be an order, and what came back."""

import secrets
from typing import NamedTuple

from execution.connectors.base import InDoubt, Unavailable
from execution.connectors.forward import redacted, send, signing
from execution.connectors.forward.address import Refused
from execution.connectors.forward.target import target_of
from execution.connectors.forward.template import Unfillable
from execution.models import ForwardTarget
from execution.vault import Unreadable

SHOWN_BODY = 1000


class Trial(NamedTuple):
    """`outcome` is what an order with this answer would come to; texts have no secret in them."""

    outcome: str
    means: str
    sent: str
    answer: str


def send_test(row: ForwardTarget) -> Trial:
    """Send a preset's harmless message once. Raises nothing: what went wrong is the outcome."""
    try:
        target = target_of(row)
    except (Refused, Unfillable, Unreadable, signing.BadSecret) as error:
        return Trial(f"nothing was sent: {error}", "", "", "")
    link = row.connection.venue_accounts.order_by("pk").first()
    account = link.venue_account_id if link is not None else ""
    test = target._replace(media_type=target.preset.media_type)  # the service's own message, in its shape
    text, means = target.preset.test, target.preset.test_means
    try:
        name = f"pg-test-{secrets.token_hex(6)}"
        verdict, answer = send(test, text, name, "", account or "test", {"action": "test"})
    except (Unavailable, InDoubt) as error:
        return Trial(redacted(str(error), target), means, text, "")
    body = redacted(answer.body.decode(errors="replace"), target)[:SHOWN_BODY]
    outcome = f"HTTP {answer.status}: {verdict.reading}"
    return Trial(f"{outcome} ({verdict.text})" if verdict.text else outcome, means, text, body)


def shown_address(row: ForwardTarget) -> str:
    """Where it goes, as far as that is no secret."""
    try:
        return target_of(row).destination.shown
    except (Refused, Unfillable, Unreadable, signing.BadSecret) as error:
        return f"can't be used: {error}"
