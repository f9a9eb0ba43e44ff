"""A person's word on an order that waits, by API key; and what the status page says meanwhile."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from execution.models import ApiKey, Decision, Order
from firms.models import AuditEntry
from firms.services import raise_flag
from tests.execution.make import entry_signal, make_follower, make_live_follower, route, the_entry
from tests.execution.venue import Venue
from tests.make import NOON
from tests.signals_api.test_marks_and_state import KEY, call, make_key

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


@pytest.fixture
def order(venue: Venue) -> Order:
    make_key("confirm")
    source, account = make_live_follower()
    route(entry_signal(source))
    return the_entry(account)


def answer(order: Order, word: str, body: Any = None, key: str | None = KEY) -> Any:
    said = {"reason": "looks good"} if body is None else body
    return call("post", f"/api/v1/orders/{order.pk}/{word}/", said, key)


@pytest.mark.parametrize(
    ("happened", "status"), [(True, "accepted"), (False, "canceled")], ids=["it happened", "it did not"]
)
def test_a_key_that_may_settle_says_what_became_of_an_order_in_doubt(
    order: Order, happened: bool, status: str
) -> None:
    Order.objects.update(status="held")
    said = {"happened": happened, "reason": "seen in the list"}
    assert answer(order, "settle", said).status_code == 403
    ApiKey.objects.update(scopes="settle")
    found = answer(order, "settle", said)
    assert (found.status_code, found.json()["status"]) == (200, status)
    again = answer(order, "settle", said)
    assert (again.status_code, again.json()["code"]) == (409, "not_in_doubt")


@pytest.mark.parametrize("happened", ["no", 0, None, "true"])
def test_only_true_and_false_settle_an_order(order: Order, happened: object) -> None:
    ApiKey.objects.update(scopes="settle")
    Order.objects.update(status="held")
    found = answer(order, "settle", {"happened": happened, "reason": "x"})
    assert found.status_code == 400
    order.refresh_from_db()
    assert order.status == "held"


def status_of(order: Order) -> dict[str, Any]:
    [decision] = Client().get(f"/api/v1/signals/{order.signal.public_id}/").json()["decisions"]  # type: ignore[union-attr]
    found: dict[str, Any] = decision
    return found


def test_the_status_page_says_until_when_it_can_be_confirmed(order: Order) -> None:
    decision = status_of(order)
    assert (decision["allowed"], decision["revision"]) == (True, 1)
    assert (decision["order"]["id"], decision["order"]["status"], decision["order"]["confirm_until"]) == (
        order.pk, "awaiting_confirmation", "2026-03-04T17:02:00Z",
    )  # fmt: skip


def test_confirming_sends_it_and_repeating_changes_nothing(order: Order, venue: Venue) -> None:
    for _ in range(3):
        found = answer(order, "confirm")
        assert (found.status_code, found.json()["status"], found.json()["confirm_until"]) == (
            200,
            "accepted",
            None,
        )
    assert (len(venue.asked("submit")), Decision.objects.count()) == (1, 2)
    entry = AuditEntry.objects.get(action="order.confirmed")
    assert (entry.actor, entry.reason) == (None, "confirmed by API key feed (abcdefgh…): looks good")
    decision = status_of(order)
    assert (decision["revision"], decision["order"]["status"]) == (2, "accepted")


def test_what_the_new_decision_refuses_is_a_conflict_with_its_reason(order: Order) -> None:
    raise_flag(order.account, reason="holiday")
    for _ in range(2):
        found = answer(order, "confirm")
        assert (found.status_code, found["Content-Type"], found.json()["code"]) == (
            409, "application/problem+json", "order_denied",
        )  # fmt: skip
        assert found.json()["detail"].endswith("The account is paused (holiday).")
    decision = status_of(order)
    assert (decision["allowed"], decision["breach_type"], decision["order"]["status"]) == (
        False,
        "paused",
        "denied",
    )
    assert answer(order, "decline").status_code == 200  # it is not sent anyway


def test_declining_ends_it_and_repeating_changes_nothing(order: Order, venue: Venue) -> None:
    for _ in range(2):
        found = answer(order, "decline")
        assert (found.status_code, found.json()["status"]) == (200, "canceled")
    found = answer(order, "confirm")
    assert (found.status_code, found.json()["code"], venue.calls) == (409, "order_canceled", [])
    assert AuditEntry.objects.filter(action__startswith="order.").count() == 1


def test_what_was_confirmed_can_not_be_declined(order: Order) -> None:
    answer(order, "confirm")
    found = answer(order, "decline")
    assert (found.status_code, found.json()["code"]) == (409, "already_confirmed")


def test_after_its_time_it_has_expired(order: Order) -> None:
    with time_machine.travel(NOON + timedelta(seconds=120), tick=False):
        found = answer(order, "confirm")
        assert (found.status_code, found.json()["code"]) == (409, "order_expired")
        assert answer(order, "decline").json()["status"] == "expired"


def test_an_order_that_nobody_was_asked_about_is_neither_confirmed_nor_declined(order: Order) -> None:
    from tests.make import make_program

    source, account = make_follower("paper", program=make_program(number=9))
    route(entry_signal(source, alert_id="2"))
    for word in ("confirm", "decline"):
        found = answer(the_entry(account), word)
        assert (found.status_code, found.json()["code"]) == (409, "not_asked")


@pytest.mark.parametrize("word", ["confirm", "decline"])
@pytest.mark.parametrize("body", [{}, {"reason": ""}, {"reason": "x" * 501}, {"reason": None}], ids=str)
def test_it_needs_a_reason(order: Order, word: str, body: dict[str, Any]) -> None:
    found = answer(order, word, body)
    assert (found.status_code, [error["field"] for error in found.json()["errors"]]) == (400, ["reason"])
    order.refresh_from_db()
    assert order.status == "awaiting_confirmation"


@pytest.mark.parametrize("word", ["confirm", "decline"])
def test_it_needs_a_key_with_the_scope(order: Order, word: str) -> None:
    from execution.models import ApiKey

    assert answer(order, word, key=None).status_code == 401
    ApiKey.objects.update(scopes="marks state")
    assert answer(order, word).status_code == 403
    order.refresh_from_db()
    assert order.status == "awaiting_confirmation"


@pytest.mark.parametrize("word", ["confirm", "decline"])
def test_an_order_that_is_not_there_is_a_404(word: str) -> None:
    make_key("confirm")
    found = call("post", f"/api/v1/orders/4711/{word}/", {"reason": "x"})
    assert (found.status_code, found.json()["code"]) == (404, "not_found")
