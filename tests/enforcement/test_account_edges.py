"""What one report alone tells of an account, and what it leaves open."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from enforcement.account import StateReport, StateSource, opening_state
from tests.enforcement.make import NOON, TOPSTEP_DAY

pytestmark = pytest.mark.core

AFTER_THE_CLOSE = datetime(2026, 3, 4, 22, 0, tzinfo=UTC)  # 16:00 in Chicago: closed at 15:10, reset at 17:00


def report(as_of: datetime, last_close: int | None = None) -> StateReport:
    return StateReport(
        balance=Decimal(50_400), equity=Decimal(50_400), as_of=as_of, source=StateSource.DECLARED,
        day_start_balance=Decimal(50_100), last_close=None if last_close is None else Decimal(last_close),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("as_of", "told", "known"),
    [
        (NOON, None, 50_100),
        (NOON, 49_900, 49_900),
        (AFTER_THE_CLOSE, None, None),
        (AFTER_THE_CLOSE, 50_400, 50_400),
    ],
    ids=["the day's opening balance", "told otherwise", "the day has closed since", "told after the close"],
)
def test_the_last_close_of_an_account_known_by_one_report(
    as_of: datetime, told: int | None, known: int | None
) -> None:
    assert opening_state(report(as_of, told), TOPSTEP_DAY).last_close == known


def test_an_account_begins_without_trades_losses_or_payouts() -> None:
    state = opening_state(report(NOON), TOPSTEP_DAY)
    assert (state.payouts_requested, state.payouts_paid) == (0, 0)
    assert (state.trades_today, state.losses_in_a_row) == (0, 0)
    assert (state.last_loss_at, state.last_trade_at, state.reported_floor) == (None, None, None)
