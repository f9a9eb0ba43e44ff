"""Connections that forward: credentials go in and never come out, a test trades nothing, blindness is said."""

import logging
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from execution.connectors.forward import ForwardConnector
from execution.models import Connection, ForwardTarget, Order
from execution.order_state import OrderStatus
from firms.models import Account, AuditEntry
from tests.admin.test_credentials import is_stored_anywhere
from tests.execution.connectors.contract import buy
from tests.execution.connectors.forward.make import make_target
from tests.execution.connectors.forward.receiver import crosstrade, receiving, response, traderspost
from tests.execution.make import make_order
from tests.make import make_account

pytestmark = pytest.mark.django_db

ADDRESS_CANARY, TOKEN_CANARY = "canary-path-81c2", "canary-token-5d9e"
ADDRESS = f"https://webhooks.traderspost.io/trading/webhook/uuid/{ADDRESS_CANARY}"


def form(**fields: str) -> dict[str, str]:
    """The page's form as a browser sends it."""
    inline = {
        "service": "traderspost", "address": ADDRESS, "secret": "", "signing_secret": "", "headers": "", "shape": "",
        "entry_template": "", "flat_template": "", "symbols": "", "whole_contracts": "on",
    }  # fmt: skip
    given = {
        "name": "TP",
        "venue": "forward",
        **{k: v for k, v in fields.items() if k in ("name", "venue", "initial", "pk")},
    }
    initial, pk = given.pop("initial", "0"), given.pop("pk", "")
    inline |= {k: v for k, v in fields.items() if k in inline or k == "local_network"}
    return {
        **given,
        "forward_target-TOTAL_FORMS": "1", "forward_target-INITIAL_FORMS": initial,
        "forward_target-0-connection": pk,
        **{f"forward_target-0-{name}": value for name, value in inline.items()},
    }  # fmt: skip


def add(client: Client, **fields: str) -> Any:
    return client.post(reverse("admin:execution_connection_add"), form(**fields))


def page_of(client: Client, connection: Connection) -> str:
    return client.get(reverse("admin:execution_connection_change", args=[connection.pk])).content.decode()


def test_a_connection_is_added_and_its_credentials_are_never_shown_again(admin_client: Client) -> None:
    answer = add(admin_client, service="pickmytrade", secret=TOKEN_CANARY)
    assert answer.status_code == 302, answer.content.decode()[:3000]
    target = ForwardTarget.objects.get()
    assert (target.address.reveal(), target.secret.reveal()) == (ADDRESS, TOKEN_CANARY)
    for canary in (ADDRESS_CANARY, TOKEN_CANARY):
        assert not is_stored_anywhere(canary)
    pages = [
        page_of(admin_client, target.connection),
        admin_client.get(reverse("admin:execution_connection_changelist")).content.decode(),
        admin_client.get(reverse("admin:execution_connection_history", args=[target.pk])).content.decode(),
    ]
    for page in pages:
        assert ADDRESS_CANARY not in page
        assert TOKEN_CANARY not in page
        assert target.address.token not in page
    assert "stored; type to replace" in pages[0]
    assert "https://webhooks.traderspost.io/…" in pages[1]


def test_what_is_left_empty_stays_and_what_is_typed_replaces(admin_client: Client) -> None:
    add(admin_client, service="pickmytrade", secret=TOKEN_CANARY)
    target = ForwardTarget.objects.get()
    change = reverse("admin:execution_connection_change", args=[target.pk])
    pk = str(target.pk)
    kept = form(service="pickmytrade", address="", symbols="NQ = NQZ2026", initial="1", pk=pk)
    assert admin_client.post(change, kept).status_code == 302
    target.refresh_from_db()
    assert (target.address.reveal(), target.secret.reveal(), target.symbols) == (
        ADDRESS,
        TOKEN_CANARY,
        "NQ = NQZ2026",
    )
    admin_client.post(change, form(service="pickmytrade", address="", secret="another", initial="1", pk=pk))
    target.refresh_from_db()
    assert (target.address.reveal(), target.secret.reveal()) == (ADDRESS, "another")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"address": ""}, "needs its service and its address"),
        ({"address": "http://example.com/x"}, "Only https"),
        ({"address": "https://127.0.0.1/x"}, "not on the internet"),
        ({"address": "https://localhost/api/v1/webhooks/tv/"}, "own network"),
        ({"service": "pickmytrade"}, "PickMyTrade needs its token or key"),
        ({"signing_secret": "whsec_short"}, "24 to 64 bytes"),
        ({"headers": "Host: evil"}, "own to set"),
        ({"symbols": "FOO = BAR"}, "a known symbol"),
        ({"entry_template": '{"a": "{{ticker}}", "b": "{{action}}", "c": "{{quantity}}"}'}, "{{stop}}"),
        ({"entry_template": "{% debug %}"}, "not JSON"),
        ({"shape": "text"}, "needs both templates"),
        ({"venue": "paper"}, "forwards nothing"),
    ],
    ids=lambda value: str(value)[:40],
)  # fmt: skip
def test_what_could_never_be_sent_is_refused(admin_client: Client, fields: dict[str, str], said: str) -> None:
    answer = add(admin_client, **fields)
    assert answer.status_code == 200
    assert said in answer.content.decode().replace("&#x27;", "'")
    assert not ForwardTarget.objects.exists()
    assert ADDRESS_CANARY not in answer.content.decode()


def test_paper_still_needs_none(admin_client: Client) -> None:
    empty = form(venue="paper", address="", name="Paper")
    assert admin_client.post(reverse("admin:execution_connection_add"), empty).status_code == 302
    assert not ForwardTarget.objects.exists()


def send_test(client: Client, target: ForwardTarget, reason: str = "does it arrive?") -> str:
    page = reverse("admin:execution_connection_send_test", args=[target.pk])
    return client.post(page, {"_form_submitted": "True", "reason": reason}).content.decode()


def test_a_test_reaches_the_service_and_is_no_order(admin_client: Client, admin_user: User) -> None:
    with receiving(traderspost) as there:
        target = make_target(make_account(), there.url())
        page = send_test(admin_client, target)
        [received] = there.received
    assert received.json["action"] == "propguard-test"
    assert "invalid-action" in page
    assert "HTTP 400: refused" in page
    assert "s3cret-path-word" not in page
    entry = AuditEntry.objects.get(action="connection.tested")
    assert (entry.actor, entry.reason) == (admin_user, "does it arrive?")


def test_a_test_without_a_reason_or_by_a_get_sends_nothing(admin_client: Client) -> None:
    with receiving(crosstrade) as there:
        target = make_target(make_account(), there.url(), "crosstrade")
        send_test(admin_client, target, reason="")
        admin_client.get(reverse("admin:execution_connection_send_test", args=[target.pk]))
        assert not there.received


def test_what_comes_back_is_shown_as_words_and_capped(admin_client: Client) -> None:
    hostile = '"><img src=x onerror=alert(1)>' + "x" * 5000
    with receiving(lambda received: response(200, hostile + received.line, "text/plain")) as there:
        page = send_test(admin_client, make_target(make_account(), there.url(), "standard"))
    assert "<img src=x" not in page
    assert "&lt;img src=x" in page
    assert len(page) < 4000


def test_a_test_that_could_not_be_sent_says_so(admin_client: Client) -> None:
    target = make_target(make_account(), ADDRESS, local_network=False, symbols="")
    ForwardTarget.objects.update(symbols="broken")
    assert "nothing was sent" in send_test(admin_client, target)


def test_no_log_line_has_a_credential_even_at_its_loudest(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with receiving(crosstrade) as there:
        account = make_account()
        make_target(account, there.url(), "crosstrade", headers=f"Authorization: Bearer {TOKEN_CANARY}")
        ForwardConnector(account).submit(buy())
        assert there.received[0].headers["authorization"] == f"Bearer {TOKEN_CANARY}"
    assert caplog.records
    for record in caplog.records:
        line = f"{record.getMessage()} {record.args}"
        for canary in ("s3cret-path-word", "ct-key-12345", TOKEN_CANARY):
            assert canary not in line


# --- the account's page -------------------------------------------------------------------------------


@pytest.fixture
def blind_account() -> Account:
    account = make_account(live=True)
    make_target(account, ADDRESS)
    return account


def test_a_blind_account_says_so(admin_client: Client, blind_account: Account) -> None:
    other = make_account("Other")
    said = "Blind: the venue can&#x27;t be asked; state is declared or posted, positions are assumed"
    change = "admin:firms_account_change"
    assert said in admin_client.get(reverse(change, args=[blind_account.pk])).content.decode()
    assert said not in admin_client.get(reverse(change, args=[other.pk])).content.decode()


def test_a_person_says_that_nothing_is_open(admin_client: Client, blind_account: Account) -> None:
    page = reverse("admin:firms_account_change", args=[blind_account.pk])
    assert "Nothing is open" not in admin_client.get(page).content.decode()
    order = make_order(blind_account, status=OrderStatus.ACCEPTED, claimed_at=timezone.now())
    assert "Nothing is open" in admin_client.get(page).content.decode()
    act = reverse("admin:firms_account_nothing_open", args=[blind_account.pk])
    admin_client.post(act, {"_form_submitted": "True", "reason": ""})
    assert Order.objects.get(pk=order.pk).status == "accepted"
    admin_client.post(act, {"_form_submitted": "True", "reason": "stopped out at 14:05"})
    assert Order.objects.get(pk=order.pk).status == "filled"
    assert AuditEntry.objects.get(action="account.declared_flat").reason == "stopped out at 14:05"


def test_of_an_account_that_can_be_asked_nobody_can_say_so(admin_client: Client) -> None:
    account = make_account(paper=True)
    act = reverse("admin:firms_account_nothing_open", args=[account.pk])
    order = make_order(account, status=OrderStatus.ACCEPTED)
    answer = admin_client.post(act, {"_form_submitted": "True", "reason": "flat"})
    assert answer.status_code == 404
    assert Order.objects.get(pk=order.pk).status == "accepted"
