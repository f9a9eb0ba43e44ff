"""F43–F47: contracts that are over, clocks, ids, lists that are not there, money that can't be right."""

import re
from typing import Any

import pytest

from execution.models import Reconciliation
from execution.order_state import OrderStatus as S
from tests.faults.trading import Trading

pytestmark = pytest.mark.process


def test_f43_an_expired_contract_is_refused_and_nothing_is_guessed(trading: Trading) -> None:
    trading.venue.set("expired", ["NQ"])
    order = trading.order()
    assert order.status == S.REJECTED
    assert "contract_not_active" in order.note
    assert [body["symbol"] for body in trading.venue.asked("place")] == ["NQ"]
    trading.check()


def test_f43_an_account_that_was_disabled_in_between_is_refused_and_can_still_be_closed(
    trading: Trading,
) -> None:
    assert trading.settle(trading.order()) is S.FILLED
    trading.venue.set("disabled", ["A-1"])
    assert trading.order(entry_price="20000.50").status == S.REJECTED
    trading.venue.set("disabled", [])
    trading.flatten()
    trading.check()


# --- F44 ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("offset", [3600, -3600, 86_400, -86_400, 30, -30])
def test_f44_an_order_is_found_by_its_id_whatever_the_venues_clock_says(
    trading: Trading, offset: int
) -> None:
    trading.venue.rule(on="place", answer="drop")
    trading.venue.set("clock_offset", offset)
    order = trading.order()
    assert order.status == S.UNKNOWN
    assert trading.settle(order) is S.FILLED
    assert trading.held == 2
    trading.check()
    trading.flatten()
    trading.until(lambda: trading.held == 0)
    trading.check()


@pytest.mark.parametrize("offset", [3600, -3600])
def test_f44_figures_from_another_time_are_not_believed_and_stop_entries(
    trading: Trading, offset: int
) -> None:
    assert trading.settle(trading.order()) is S.FILLED
    trading.venue.set("clock_offset", offset)
    Reconciliation.objects.update(at=None)  # the comparison before the clock went wrong no longer counts
    trading.look()
    assert trading.is_blocked()


def test_f44_times_without_a_zone_are_not_guessed_and_stop_entries(trading: Trading) -> None:
    trading.venue.set("zoneless", True)
    Reconciliation.objects.update(at=None)
    trading.look()
    assert trading.is_blocked()
    trading.venue.set("zoneless", False)
    trading.look()
    assert trading.settle(trading.order(entry_price="20001")) is S.FILLED


# --- F45 ------------------------------------------------------------------------------------------------

# What venues take: the longest that all of cTrader (50), TradeLocker (32) and MetaApi (26) let pass.
ANY_VENUES_ID = re.compile(r"[A-Za-z0-9-]{1,26}")


def test_f45_our_ids_suit_every_venue(trading: Trading) -> None:
    order = trading.order()
    assert ANY_VENUES_ID.fullmatch(order.client_order_id)
    assert trading.settle(order) is S.FILLED
    trading.flatten()
    for body in trading.venue.asked("close"):
        assert ANY_VENUES_ID.fullmatch(body["client_order_id"])


@pytest.mark.parametrize(
    ("name", "value"), [("id_max", 3), ("id_pattern", "[0-9]+")], ids=["too long", "letters"]
)
def test_f45_an_id_the_venue_does_not_take_is_a_refusal(trading: Trading, name: str, value: Any) -> None:
    trading.venue.set(name, value)
    order = trading.order()
    assert order.status == S.REJECTED
    trading.check()


@pytest.mark.parametrize("shown", [True, False], ids=["shown", "hidden"])
def test_f45_a_used_id_means_that_the_order_is_there(trading: Trading, shown: bool) -> None:
    """Whoever has sent it: "duplicate" is no refusal."""
    trading.venue.set("hidden", not shown)
    trading.venue.rule(on="place", answer="no", code="duplicate_id")
    order = trading.order()
    assert order.status == (S.ACCEPTED if shown else S.UNKNOWN)
    trading.venue.set("hidden", False)
    assert trading.settle(order) is S.FILLED
    assert trading.held == 2
    trading.check()


# --- F46 ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rows", ["null", "missing", "wrong_type"])
@pytest.mark.parametrize("on", ["positions", "fills", "orders"])
def test_f46_a_list_that_is_not_there_is_not_flat_and_not_no_order(
    trading: Trading, on: str, rows: str
) -> None:
    assert trading.settle(trading.order()) is S.FILLED
    Reconciliation.objects.update(at=None)
    trading.venue.rule(on=on, rows=rows, times=None)
    trading.supervise()
    assert trading.held == 2
    assert trading.is_blocked()
    trading.venue.clear()
    trading.flatten()
    trading.until(lambda: trading.held == 0)
    trading.check()


def test_f46_an_exit_is_not_done_by_a_list_that_is_not_there(trading: Trading) -> None:
    assert trading.settle(trading.order()) is S.FILLED
    trading.venue.rule(on="positions", rows="null", times=4)
    trading.flatten()
    trading.until(lambda: trading.held == 0)
    trading.check()


def test_f46_an_empty_list_where_we_hold_something_is_a_difference(trading: Trading) -> None:
    assert trading.settle(trading.order()) is S.FILLED
    trading.age_orders()
    trading.venue.rule(on="positions", rows="empty", times=None)
    trading.look()
    assert "reconcile" in trading.alarms()
    assert trading.held == 2
    assert trading.is_blocked()
    trading.check()


# --- F47 ------------------------------------------------------------------------------------------------

MONEY: dict[str, tuple[str, Any]] = {
    "not a number": ("balance", "NaN"),
    "null": ("balance", "null"),
    "zero": ("balance", "0"),
    "negative": ("balance", "-1"),
    "another currency": ("currency", "EUR"),
    "another account's": ("account_id", "A-9"),
}


@pytest.mark.parametrize(("name", "value"), MONEY.values(), ids=MONEY)
def test_f47_money_that_can_not_be_right_stops_entries_and_no_exit(
    trading: Trading, name: str, value: Any
) -> None:
    assert trading.settle(trading.order()) is S.FILLED
    trading.venue.set(name, value)
    Reconciliation.objects.update(at=None)
    trading.look()
    assert trading.is_blocked()
    trading.flatten()
    trading.venue.set(name, None)
    trading.until(lambda: trading.held == 0)
    assert trading.venue.held("A-1") == 0
