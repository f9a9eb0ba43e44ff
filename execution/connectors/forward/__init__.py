"""Forward: approved orders leave as a webhook, to a service that passes them on or to one's own receiver.

Blind by nature: what became of an order can't be asked, nor what is held. An entry is sent once; what is not
answered clearly is in doubt, and stays so until a person says. The command that flattens a symbol can be
repeated: at its target it does nothing.
"""

import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import ClassVar

from execution.connectors.base import (
    ApprovedOrder,
    ClosingOrder,
    Connector,
    InDoubt,
    Rejected,
    Sent,
    Unavailable,
    VenueOrder,
    VenuePosition,
    VenueReport,
)
from execution.connectors.forward import signing
from execution.connectors.forward.address import Refused, vet
from execution.connectors.forward.answers import Reading, Verdict
from execution.connectors.forward.sending import Answer, post
from execution.connectors.forward.target import HOP_HEADER, Target, is_whole, target_of
from execution.connectors.forward.template import Unfillable, Values
from execution.models import ForwardTarget, VenueAccount
from execution.vault import Unreadable
from firms.models import Account

log = logging.getLogger(__name__)

CANT_BE_ASKED = "a forward connection can't be asked: its account is blind"
LONGEST_NOTE = 300


class ForwardConnector(Connector):
    """One account at a receiver of webhooks."""

    blind: ClassVar[bool] = True
    must_reconcile: ClassVar[bool] = False  # nothing to compare the books with

    def __init__(self, account: Account) -> None:
        """Reads the connection here, in the thread that may ask the database; `submit` runs in a pool."""
        super().__init__(account)
        link = VenueAccount.objects.filter(account=account).first()
        self.venue_account_id = "" if link is None else link.venue_account_id
        row = None if link is None else ForwardTarget.objects.filter(connection=link.connection_id).first()
        self.target: Target | None = None
        self.problem = "the connection does not say where to send"
        if row is not None:
            try:
                self.target = target_of(row)
            except (Refused, Unfillable, Unreadable, signing.BadSecret) as error:
                self.problem = str(error)

    def submit(self, order: ApprovedOrder) -> Sent:
        target = self._ready(order.quantity)
        values: Values = {
            "action": order.side.value,
            "quantity": order.quantity,
            "price": order.entry_price,
            "stop": order.stop_loss,
            "target": order.target,
        }
        return self._send(target, target.entry, order.client_order_id, order.symbol, values)

    def close(self, order: ClosingOrder) -> Sent:
        """Flatten the symbol, whatever `order` says of a size: one that is expressed in contracts could cross
        zero where nobody can look."""
        target = self._ready()
        return self._send(target, target.flat, order.client_order_id, order.symbol, {"action": "exit"})

    def _ready(self, quantity: Decimal = Decimal(1)) -> Target:
        if self.target is None:
            raise Unavailable(self.problem)
        if self.target.whole_contracts and not is_whole(quantity):
            raise Unavailable(f"{quantity.normalize():f} is not a whole number of contracts")
        return self.target

    def _send(self, target: Target, text: str, message_id: str, symbol: str, values: Values) -> Sent:
        verdict, _ = send(target, text, message_id, symbol, self.venue_account_id, values)
        if verdict.reading is Reading.REFUSED:
            raise Rejected(verdict.text)
        if verdict.reading is Reading.IN_DOUBT:
            raise InDoubt(verdict.text)
        return Sent(verdict.text[:80] or message_id)

    def cancel(self, client_order_id: str) -> None:
        raise InDoubt(CANT_BE_ASKED)

    def find(self, client_order_id: str) -> VenueOrder | None:
        raise InDoubt(CANT_BE_ASKED)

    def working_orders(self) -> Sequence[VenueOrder]:
        raise InDoubt(CANT_BE_ASKED)

    def positions(self) -> Sequence[VenuePosition]:
        raise InDoubt(CANT_BE_ASKED)

    def has_working_orders(self, symbols: Sequence[str]) -> bool:
        raise InDoubt(CANT_BE_ASKED)

    def cancel_all(self, symbols: Sequence[str]) -> None:
        raise InDoubt(CANT_BE_ASKED)

    def report(self, known_fills: frozenset[str]) -> VenueReport:
        raise InDoubt(f"{CANT_BE_ASKED}; its state is posted or typed")


def send(
    target: Target, text: str, message_id: str, symbol: str, account: str, values: Values
) -> tuple[Verdict, Answer]:
    """Fill a message, send it once and read the answer. Raises Unavailable and InDoubt; no text that comes
    back to the caller has a secret in it."""
    now = datetime.now(UTC)
    filled: Values = {
        "id": message_id,
        "time": f"{now:%Y-%m-%dT%H:%M:%S}.{now.microsecond // 1000:03d}Z",
        "account": account,
        "secret": target.secret,
        "symbol": symbol,
        "ticker": target.ticker(symbol) if symbol else "",
        **values,
    }
    try:
        body = target.fill(text, filled)
        addresses = vet(target.destination, target.policy)
    except (Unfillable, Refused) as error:
        raise Unavailable(redacted(str(error), target)) from error
    except OSError as error:
        raise Unavailable(f"{target.destination.host}: {error}") from error
    headers = {
        "Content-Type": f"{target.media_type}; charset=utf-8",
        "User-Agent": "PropGuard",
        HOP_HEADER: "1",
        **target.headers,
    }
    if target.signing_secret:
        headers |= signing.headers(target.signing_secret, message_id, now, body)
    answer = post(target.destination, addresses, headers, body)
    verdict = target.preset.read(answer)
    return verdict._replace(text=redacted(verdict.text, target)[:LONGEST_NOTE]), answer


def redacted(text: str, target: Target) -> str:
    """A text from outside, without the connection's secrets and without control characters."""
    for secret in target.secrets:
        text = text.replace(secret, "***")
    return "".join(c if c.isprintable() else " " for c in text)
