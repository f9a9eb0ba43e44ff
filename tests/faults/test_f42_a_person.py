"""F42 (C34): somebody trades at the venue by hand. Never ignored, and never fought."""

import pytest

from execution.order_state import OrderStatus as S
from tests.faults.trading import Trading

pytestmark = pytest.mark.process


def test_f42_a_position_that_nobody_here_ordered_stops_entries_until_it_is_gone(trading: Trading) -> None:
    trading.venue.do("person", account="A-1", symbol="NQ", side="buy", quantity="1")
    trading.look()
    assert "reconcile" in trading.alarms()
    assert trading.is_blocked()
    trading.check()
    trading.venue.do("person", account="A-1", symbol="NQ", side="sell", quantity="1")
    trading.look()
    assert "reconcile" not in trading.alarms()
    assert trading.settle(trading.order(entry_price="20001")) is S.FILLED
    trading.check()


def test_f42_a_resting_order_by_hand_stops_entries(trading: Trading) -> None:
    trading.venue.do("person", account="A-1", symbol="ES", side="buy", quantity="1", rests=True)
    trading.look()
    assert "reconcile" in trading.alarms()
    assert trading.is_blocked()
    trading.check()


def test_f42_our_position_closed_by_hand_is_booked_and_not_closed_again(trading: Trading) -> None:
    assert trading.settle(trading.order()) is S.FILLED
    trading.venue.do("person", account="A-1", symbol="NQ", side="sell", quantity="2")
    trading.supervise()
    assert trading.held == 0
    trading.flatten()
    assert trading.venue.held("A-1") == 0
    assert trading.venue.asked("close") == []
    trading.check()


def test_f42_an_exit_closes_what_is_there_whoever_bought_it(trading: Trading) -> None:
    assert trading.settle(trading.order()) is S.FILLED
    trading.venue.do("person", account="A-1", symbol="NQ", side="buy", quantity="1")
    trading.flatten()
    trading.until(lambda: trading.held == 0)
    assert trading.venue.held("A-1") == 0
    trading.check()


def test_f42_a_position_turned_round_by_hand_is_closed_the_other_way(trading: Trading) -> None:
    assert trading.settle(trading.order()) is S.FILLED
    trading.venue.do("person", account="A-1", symbol="NQ", side="sell", quantity="3")
    trading.flatten()
    trading.until(lambda: trading.held == 0)
    assert trading.venue.held("A-1") == 0
    assert [body["side"] for body in trading.venue.asked("close")] == ["buy"]
    trading.check()
