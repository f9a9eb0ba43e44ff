"""The venue says no and does it: found and stopped within one comparison."""

import pytest

from execution.models import Alarm, Order
from execution.order_state import OrderStatus as S
from firms.services import open_flags_on
from tests.faults.trading import Trading

pytestmark = pytest.mark.process


def test_what_was_rejected_and_yet_executed_is_found_by_the_next_comparison(trading: Trading) -> None:
    trading.venue.rule(on="place", answer="no", code="account_disabled")
    order = trading.order()
    assert order.status == S.REJECTED
    assert trading.venue.executed(order.client_order_id) == 2
    assert trading.look()
    order.refresh_from_db()
    assert (order.status, order.filled_quantity, trading.held) == (S.FILLED, 2, 2)
    assert "late_evidence" in {flag.cause for flag in open_flags_on(trading.account)}
    assert Alarm.objects.filter(subject=f"order {order.pk}", closed_at=None).exists()
    assert trading.is_blocked()
    trading.check()


def test_its_position_can_be_closed(trading: Trading) -> None:
    trading.venue.rule(on="place", answer="no", code="unknown_symbol")
    trading.order()
    trading.flatten()
    trading.until(lambda: trading.held == 0)
    assert trading.venue.held("A-1") == 0
    trading.check()


def test_one_that_works_after_the_no_is_found_as_well(trading: Trading) -> None:
    """Not filled yet: it stands among the venue's working orders though it is over here."""
    trading.venue.set("fill", "none")
    trading.venue.rule(on="place", answer="no", code="account_disabled")
    order = trading.order()
    assert order.status == S.REJECTED
    trading.until(lambda: "reconcile" in trading.alarms())
    assert trading.is_blocked()
    trading.venue.do("fill", client_order_id=order.client_order_id)
    trading.look()
    order.refresh_from_db()
    assert (order.status, trading.held) == (S.FILLED, 2)
    trading.check()


def test_a_close_that_was_rejected_and_yet_executed_does_not_cross_zero(trading: Trading) -> None:
    assert trading.settle(trading.order()) is S.FILLED
    trading.venue.rule(on="close", answer="no", code="nothing_to_close")
    trading.flatten()
    trading.until(lambda: trading.held == 0)
    assert trading.venue.held("A-1") == 0
    assert Order.objects.filter(leg="exit").count() >= 1
    trading.check()
