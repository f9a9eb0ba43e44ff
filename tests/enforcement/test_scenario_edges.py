"""Timelines with parts of lots and trades that end where they began."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from enforcement.account import CashFlow
from enforcement.instruments import Instrument
from enforcement.program import Automation
from enforcement.scenario import Fill, Order, Payout, Step, TimelineError, run
from tests.enforcement.make import BARE, EURUSD, NQ, make_guard, make_intent, make_terms, static_floor

pytestmark = pytest.mark.core

TEN = datetime(2026, 9, 14, 10, tzinfo=UTC)


def fill(
    minute: int, quantity: str, price: str, stop: str | None = None, instrument: Instrument = EURUSD
) -> Fill:
    return Fill(
        at=TEN + timedelta(minutes=minute), instrument=instrument, quantity=Decimal(quantity),
        price=Decimal(price), stop=None if stop is None else Decimal(stop),
    )  # fmt: skip


def steps_of(*timeline: Fill | Order) -> list[Step]:
    return list(run(timeline, make_terms(floors=(static_floor(4000),)), BARE))


def test_half_a_lot_more_closes_nothing_and_is_stopped_where_the_farther_stop_is() -> None:
    """A lot held at 1.10 down to 1.08 loses 2,000, the stock order 200 a contract."""
    at = TEN + timedelta(minutes=3)
    wish = Order(at=at, intent=make_intent(signalled_at=at, quantity=1))
    first, second, third, asked = steps_of(
        fill(0, "0.5", "1.10", "1.09"), fill(1, "0.5", "1.10", "1.08"), fill(2, "-0.5", "1.10"), wish
    )
    assert [step.state.balance for step in (first, second, third)] == [50_000] * 3
    assert asked.decision is not None
    assert asked.decision.floors[0].projected == 50_000 - 1000 - 200


def test_adding_at_a_better_price_books_no_result() -> None:
    _, second = steps_of(fill(0, "0.5", "1.10", "1.09"), fill(1, "0.5", "1.11", "1.09"))
    assert (second.state.balance, second.state.equity) == (50_000, 50_500)
    assert second.state.trades_today == 1


def test_a_trade_that_ends_where_it_began_is_neither_a_loss_nor_a_win() -> None:
    steps = steps_of(
        fill(0, "1", "20000", "19990", NQ), fill(1, "-1", "19995", None, NQ),
        fill(2, "1", "20000", "19990", NQ), fill(3, "-1", "20000", None, NQ),
        fill(4, "1", "20000", "19990", NQ), fill(5, "-1", "20000.25", None, NQ),
    )  # fmt: skip
    assert [step.state.losses_in_a_row for step in steps[1::2]] == [1, 1, 0]


def test_a_payout_of_less_than_a_dollar_is_one_and_of_nothing_is_none() -> None:
    terms = make_terms(floors=(static_floor(4000),))
    (step,) = run([Payout(at=TEN, flow=CashFlow.PAYOUT_PAID, amount=Decimal("0.50"))], terms, BARE)
    assert (step.state.balance, step.state.payouts_paid) == (Decimal("49999.50"), 1)
    with pytest.raises(TimelineError, match="not above zero"):
        list(run([Payout(at=TEN, flow=CashFlow.PAYOUT_PAID, amount=Decimal(0))], terms, BARE))


def test_a_timeline_is_not_live_so_a_prohibition_only_warns() -> None:
    terms = make_terms(automation=Automation.PROHIBITED)
    (step,) = run([Order(at=TEN, intent=make_intent(signalled_at=TEN))], terms, BARE)
    assert step.decision is not None
    assert step.decision.allowed


@pytest.mark.parametrize(("after", "allowed"), [(59, False), (60, True)])
def test_entries_of_the_last_minute_count_against_the_rate(after: int, allowed: bool) -> None:
    guard = make_guard(max_entries_per_minute=1)
    later = TEN + timedelta(seconds=after)
    orders = [Order(at=at, intent=make_intent(signalled_at=at, quantity=1)) for at in (TEN, later)]
    *_, last = run(orders, make_terms(), guard)
    assert last.decision is not None
    assert last.decision.allowed is allowed


def test_a_trade_closed_in_two_parts_is_one_loss_and_an_opening_fill_is_none() -> None:
    opened, half, rest = steps_of(
        fill(0, "2", "20000", "19990", NQ), fill(1, "-1", "19995", None, NQ), fill(2, "-1", "19995", None, NQ)
    )
    assert [step.state.losses_in_a_row for step in (opened, half, rest)] == [0, 0, 1]
    paid = replace(fill(0, "2", "20000", "19990", NQ), commission=Decimal(5))
    (step,) = steps_of(paid)
    assert (step.state.losses_in_a_row, step.state.balance) == (0, 49_995)
