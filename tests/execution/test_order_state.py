"""Which status may follow which: the whole square, and what happens where it says no."""

from decimal import Decimal
from itertools import product

import pytest

from execution import orders
from execution.models import Alarm, Order, OrderEvent
from execution.order_state import (
    IN_DOUBT,
    IN_FLIGHT,
    OVERTAKEN,
    RESERVING,
    TRANSITIONS,
    UNCONFIRMED,
    WORKING,
    may_follow,
)
from execution.order_state import OrderStatus as S
from firms.services import open_flags_on
from tests.execution.make import decide, entry_signal, make_follower, make_order
from tests.make import NOON, make_account, make_source

# design/orders.md, and three things it leaves open: a fill report may overtake the answer to its own request,
# so SUBMITTING also goes straight to what the venue says; a dry run whose process died may still answer; and
# an order that a venue accepted and later does not know is held for a person.
AT_VENUE = {S.ACCEPTED, S.PARTIALLY_FILLED, S.FILLED, S.CANCELED, S.EXPIRED, S.REJECTED}
DESIGN: dict[S, set[S]] = {
    S.AWAITING_CONFIRMATION: {S.APPROVED, S.DENIED, S.EXPIRED, S.CANCELED},
    S.DENIED: set(),
    S.APPROVED: {S.SUBMITTING, S.CANCELED, S.EXPIRED},
    S.SUBMITTING: AT_VENUE | {S.UNKNOWN, S.SKIPPED},
    S.ACCEPTED: {S.PARTIALLY_FILLED, S.FILLED, S.CANCELED, S.EXPIRED, S.REJECTED, S.HELD},
    S.PARTIALLY_FILLED: {S.PARTIALLY_FILLED, S.FILLED, S.CANCELED, S.EXPIRED, S.HELD},
    S.UNKNOWN: AT_VENUE | {S.HELD, S.SKIPPED},
    S.HELD: AT_VENUE,
    S.CANCELED: {S.FILLED},
    S.REJECTED: {S.FILLED},
    S.EXPIRED: {S.FILLED},
    S.FILLED: set(),
    S.SKIPPED: set(),
}
SQUARE = list(product(S, S))


@pytest.mark.core
@pytest.mark.parametrize(("before", "after"), SQUARE, ids=lambda status: status.value)
def test_a_status_follows_where_the_design_says_so_and_nowhere_else(before: S, after: S) -> None:
    assert may_follow(before, after) is (after in DESIGN[before])
    assert may_follow(before, after) is (after in TRANSITIONS[before])


@pytest.mark.core
def test_nothing_returns_to_approved_so_nothing_is_sent_twice() -> None:
    assert [status for status in S if may_follow(status, S.APPROVED)] == [S.AWAITING_CONFIRMATION]
    assert not any(may_follow(status, S.AWAITING_CONFIRMATION) for status in S)
    assert [status for status in S if may_follow(status, S.SUBMITTING)] == [S.APPROVED]


@pytest.mark.core
def test_a_fill_is_possible_from_everywhere_an_order_may_have_reached_the_venue() -> None:
    never_left = {S.AWAITING_CONFIRMATION, S.DENIED, S.APPROVED, S.FILLED, S.SKIPPED}
    assert {status for status in S if may_follow(status, S.FILLED)} == set(S) - never_left


@pytest.mark.core
def test_an_order_that_may_still_fill_reserves_and_every_other_does_not() -> None:
    assert {S.APPROVED} | IN_FLIGHT | IN_DOUBT | WORKING == RESERVING
    assert set(S) - RESERVING == UNCONFIRMED | {S.FILLED, S.SKIPPED, S.CANCELED, S.REJECTED, S.EXPIRED}


@pytest.mark.core
def test_old_news_is_no_possible_move() -> None:
    assert not any(may_follow(now, old) for now, old in OVERTAKEN)


# --- moving -------------------------------------------------------------------------------------------


@pytest.fixture
def order(db: None) -> Order:
    return make_order(make_account())


@pytest.mark.parametrize(("before", "after"), SQUARE, ids=lambda status: status.value)
def test_every_move_is_made_recorded_ignored_or_impossible(order: Order, before: S, after: S) -> None:
    """Made: with its event. Said before or overtaken: nothing. All else: recorded, paused, alarmed."""
    Order.objects.update(status=before.value)
    order.refresh_from_db()
    moved = orders.move(order, after, now=NOON)
    order.refresh_from_db()
    events = list(OrderEvent.objects.values_list("before", "after"))
    if after in DESIGN[before]:
        assert (moved, order.status, events) == (True, after.value, [(before.value, after.value)])
    else:
        assert (moved, order.status) == (False, before.value)
    impossible = after not in DESIGN[before] and before is not after and (before, after) not in OVERTAKEN
    assert Alarm.objects.filter(kind="impossible_report").exists() is impossible
    assert [flag.cause for flag in open_flags_on(order.account)] == ["impossible_report"] * impossible
    if impossible:
        assert events == [(before.value, before.value)]


def test_an_impossible_report_blocks_the_accounts_next_entry(clock: object, db: None) -> None:
    source = make_source()
    _, account = make_follower(source=source)
    order = make_order(account, status=S.FILLED, filled_quantity=Decimal(2))
    orders.move(order, S.REJECTED, now=NOON, detail="no such order")
    [decision] = decide(entry_signal(source))
    assert (decision.allowed, decision.breach_type) == (False, "paused")
    assert "no such order" in decision.reason
    orders.move(order, S.REJECTED, now=NOON)
    assert Alarm.objects.count() == 1


def test_a_move_that_somebody_else_made_first_is_lost(order: Order) -> None:
    stale = Order.objects.get(pk=order.pk)
    assert orders.move(order, S.FILLED, now=NOON)
    assert not orders.move(stale, S.CANCELED, now=NOON)
    order.refresh_from_db()
    assert (order.status, OrderEvent.objects.count()) == ("filled", 1)
