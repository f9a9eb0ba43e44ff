"""The account's pure moves: a report, and the turn of the day."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from enforcement.account import AccountState, StateReport, StateSource, mark, roll_day
from tests.enforcement.make import CHICAGO, NOON, make_state

pytestmark = pytest.mark.core

RESET = datetime(2026, 3, 4, 23, 0, tzinfo=UTC)  # Wednesday 17:00 in Chicago: Thursday begins
THURSDAY = date(2026, 3, 5)


def report(
    equity: int | str, *, balance: int | str | None = None, after: int = 60, **anchors: int | None
) -> StateReport:
    return StateReport(
        balance=Decimal(equity if balance is None else balance),
        equity=Decimal(equity),
        as_of=NOON + timedelta(seconds=after),
        source=StateSource.VENUE,
        **{name: None if value is None else Decimal(value) for name, value in anchors.items()},
    )


def test_a_report_replaces_balance_equity_time_and_source() -> None:
    state = mark(make_state(), report("50412.50", balance=50_100))
    assert (state.balance, state.equity) == (Decimal(50_100), Decimal("50412.50"))
    assert (state.as_of, state.source) == (NOON + timedelta(seconds=60), StateSource.VENUE)
    assert state.trading_day == make_state().trading_day


def test_a_higher_equity_raises_the_peak_and_a_lower_one_leaves_it() -> None:
    up = mark(make_state(), report(50_800))
    down = mark(up, report(49_500, after=120))
    assert (up.highest_equity, down.highest_equity) == (Decimal(50_800), Decimal(50_800))
    assert (up.highest_close, up.day_start_balance) == (Decimal(50_000), Decimal(50_000))


@pytest.mark.parametrize(("after", "equity"), [(-1, 50_000), (0, 49_000), (1, 49_000)])
def test_a_report_older_than_the_state_changes_nothing(after: int, equity: int) -> None:
    assert mark(make_state(), report(49_000, after=after)).equity == equity


def test_an_unknown_peak_stays_unknown_it_may_have_been_higher() -> None:
    assert mark(make_state(highest_equity=None), report(60_000)).highest_equity is None


def test_a_told_peak_becomes_known_and_is_never_below_the_equity_told_with_it() -> None:
    state = make_state(highest_equity=None, highest_close=None)
    assert mark(state, report(50_000, highest_equity=52_000)).highest_equity == 52_000
    assert mark(state, report(53_000, highest_equity=52_000)).highest_equity == 53_000
    assert mark(state, report(50_000, highest_close=51_000)).highest_close == 51_000


def test_a_told_day_start_becomes_the_anchor_and_is_a_close_as_well() -> None:
    state = mark(make_state(), report(50_300, day_start_balance=51_000, day_start_equity=51_200))
    assert (state.day_start_balance, state.day_start_equity) == (Decimal(51_000), Decimal(51_200))
    assert state.highest_close == 51_000


def test_on_its_own_day_a_state_does_not_roll() -> None:
    state = make_state()
    assert roll_day(state, CHICAGO, NOON, settled=True) is state
    assert roll_day(state, CHICAGO, RESET - timedelta(seconds=1), settled=False) is state


def test_a_clock_that_went_back_does_not_roll_backwards() -> None:
    state = make_state(trading_day=THURSDAY)
    assert roll_day(state, CHICAGO, NOON, settled=True) is state


def test_a_settled_account_opens_the_day_with_its_last_balance() -> None:
    state = roll_day(make_state(51_200), CHICAGO, RESET, settled=True)
    assert state.trading_day == THURSDAY
    assert (state.day_start_balance, state.day_start_equity) == (Decimal(51_200), Decimal(51_200))
    assert state.highest_close == 51_200
    assert (state.as_of, state.equity) == (NOON, Decimal(51_200))


def test_a_losing_close_never_lowers_the_highest_close() -> None:
    assert roll_day(make_state(49_000), CHICAGO, RESET, settled=True).highest_close == 50_000


@pytest.mark.parametrize(
    ("before", "known"),
    [
        pytest.param(timedelta(0), True, id="at the reset"),
        pytest.param(timedelta(minutes=2), True, id="two minutes before"),
        pytest.param(timedelta(minutes=2, seconds=1), False, id="a second earlier"),
        pytest.param(timedelta(hours=6), False, id="at noon"),
    ],
)
def test_with_something_open_only_a_snapshot_at_the_reset_tells_the_day_start(
    before: timedelta, known: bool
) -> None:
    state = make_state(50_700, balance=50_500, as_of=RESET - before)
    rolled = roll_day(state, CHICAGO, RESET + timedelta(minutes=5), settled=False)
    assert rolled.trading_day == THURSDAY
    assert rolled.day_start_balance == (Decimal(50_500) if known else None)
    assert rolled.day_start_equity == (Decimal(50_700) if known else None)
    assert rolled.highest_close == (Decimal(50_500) if known else Decimal(50_000))


@pytest.mark.parametrize("settled", [True, False])
def test_rolling_twice_is_rolling_once(settled: bool) -> None:
    once = roll_day(make_state(50_700), CHICAGO, RESET, settled=settled)
    assert roll_day(once, CHICAGO, RESET, settled=settled) is once
    assert roll_day(once, CHICAGO, RESET + timedelta(hours=3), settled=settled) is once


def test_several_days_are_one_step() -> None:
    friday_evening = RESET + timedelta(days=2)
    state = make_state(50_700)
    step_by_step = roll_day(
        roll_day(state, CHICAGO, RESET, settled=True), CHICAGO, friday_evening, settled=True
    )
    assert roll_day(state, CHICAGO, friday_evening, settled=True) == step_by_step
    assert step_by_step.trading_day == date(2026, 3, 6)


def test_a_close_that_was_missed_makes_the_highest_close_unknown() -> None:
    """Of one missed reset the close is the new day's own opening; of two, one was never seen."""
    state = make_state(50_700)
    assert roll_day(state, CHICAGO, RESET, settled=False).highest_close == 50_000
    assert roll_day(state, CHICAGO, RESET + timedelta(days=1), settled=False).highest_close is None


def test_friday_to_monday_is_one_reset() -> None:
    friday = make_state(trading_day=date(2026, 3, 6), as_of=datetime(2026, 3, 6, 15, 0, tzinfo=UTC))
    monday = roll_day(friday, CHICAGO, datetime(2026, 3, 9, 15, 0, tzinfo=UTC), settled=False)
    assert (monday.trading_day, monday.highest_close) == (date(2026, 3, 9), Decimal(50_000))
    assert monday.day_start_balance is None


def test_the_peak_of_equity_survives_the_night() -> None:
    state = make_state(50_700, highest_equity=51_000)
    assert roll_day(state, CHICAGO, RESET, settled=False).highest_equity == 51_000


def test_an_unknown_anchor_comes_back_when_the_venue_tells_it() -> None:
    lost = roll_day(make_state(50_700), CHICAGO, RESET, settled=False)
    told = replace(report(50_750, day_start_balance=50_650), as_of=RESET + timedelta(minutes=1))
    found: AccountState = mark(lost, told)
    assert (found.day_start_balance, found.highest_close) == (Decimal(50_650), Decimal(50_650))
