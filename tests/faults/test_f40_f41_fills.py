"""F40, F41: fills in parts, out of order, twice, before the answer, or seen by polling only."""

from datetime import timedelta
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from enforcement.account import StateReport, StateSource
from enforcement.orders import Side
from execution import orders, reports
from execution.clock import database_now
from execution.connectors import VenueFill, VenuePosition, VenueReport
from execution.models import Fill, Order, Position
from execution.order_state import OrderStatus as S
from firms.services import lock_traders
from tests.execution.make import make_order
from tests.faults.trading import Trading
from tests.make import make_account

pytestmark = pytest.mark.process


# --- F40 ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["canceled", "rejected", "expired"])
def test_f40_what_is_left_of_a_part_filled_order_ends_and_the_part_stays(trading: Trading, end: str) -> None:
    trading.venue.set("fill", 1)
    order = trading.order()
    trading.until(lambda: trading.status(order) is S.PARTIALLY_FILLED)
    assert (trading.held, order_left(order)) == (1, 1)
    trading.venue.do("end", client_order_id=order.client_order_id, status=end)
    trading.until(lambda: trading.status(order) not in (S.PARTIALLY_FILLED, S.ACCEPTED))
    assert trading.held == trading.venue.held("A-1") == 1
    assert trading.status(order) in (S.CANCELED, S.EXPIRED)
    trading.check()
    trading.flatten()
    trading.check()


def test_f40_the_rest_that_fills_later_is_booked(trading: Trading) -> None:
    trading.venue.set("fill", 1)
    order = trading.order()
    trading.until(lambda: trading.held == 1)
    trading.venue.do("fill", client_order_id=order.client_order_id)
    assert trading.settle(order) is S.FILLED
    assert trading.held == 2
    trading.check()


def order_left(order: Order) -> Decimal:
    order.refresh_from_db()
    return order.unfilled


# --- F41 ------------------------------------------------------------------------------------------------


def test_f41_fills_that_come_before_the_answer(trading: Trading) -> None:
    """A reconcile sees the fill while the worker still waits for the venue's yes."""
    trading.venue.rule(on="place", linger=0.2)
    signal = trading.signal()
    trading.deliver(signal, times=2)
    order = Order.objects.get(signal=signal)
    assert trading.settle(order) is S.FILLED
    assert order.venue_order_id
    trading.check()


@pytest.mark.parametrize("rows", ["duplicated", "reversed", "stale"])
def test_f41_lists_that_repeat_turn_round_or_lag(trading: Trading, rows: str) -> None:
    trading.venue.set("fill", 2)
    trading.venue.rule(on="fills", rows=rows, times=3, seconds=5)
    order = trading.order()
    assert trading.settle(order) is S.FILLED
    assert (trading.held, Fill.objects.filter(order=order).count()) == (2, 2)
    trading.check()


STEPS = ("answer", "first", "second", "both", "nothing", "both")


@pytest.mark.django_db
@pytest.mark.parametrize("number", range(0, 720, 30))
def test_f41_every_order_of_events_ends_the_same(number: int) -> None:
    """An answer, two fills one by one, both at once and twice, and a list that lags: in any sequence."""
    account = make_account(live=True)
    order = make_order(account, status=S.SUBMITTING, claimed_at=timezone.now())
    now = database_now()
    fills = [
        VenueFill(f"f{n}", order.client_order_id, "NQ", Side.BUY, Decimal(1), Decimal(20_000 + n), Decimal(0),
                  now - timedelta(seconds=2 - n), "entry")
        for n in (0, 1)
    ]  # fmt: skip
    shown: dict[str, list[VenueFill]] = {
        "first": fills[:1], "second": fills[1:], "both": fills, "nothing": []
    }  # fmt: skip
    for step in list(permutations(STEPS))[number]:
        with transaction.atomic():
            lock_traders([account.trader_id])
            order.refresh_from_db()
            if step == "answer":
                orders.move(order, S.ACCEPTED, now=now, venue_order_id="v1")
            else:
                reports.book(account, _report(shown[step], now), now=now)
    order.refresh_from_db()
    position = Position.objects.get(account=account)
    assert (order.status, order.filled_quantity, order.average_price) == (S.FILLED, 2, Decimal("20000.5"))
    assert (position.quantity, position.average_price) == (2, Decimal("20000.5"))
    assert Fill.objects.count() == 2
    assert not account.flags.exists()


def _report(fills: list[VenueFill], now: Any) -> VenueReport:
    state = StateReport(balance=Decimal(50_000), equity=Decimal(50_000), as_of=now, source=StateSource.VENUE)
    return VenueReport(state, [VenuePosition("NQ", Decimal(2), Decimal(20_000))], fills)
