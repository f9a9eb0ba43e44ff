"""The account's pure moves: a report, and the turn of the day."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from enforcement.account import (
    AccountState,
    CashFlow,
    StateReport,
    StateSource,
    cash_flow,
    mark,
    opening_state,
    roll_day,
)
from enforcement.floors import level_of
from tests.enforcement.make import CHICAGO, NOON, PRAGUE, TOPSTEP_DAY, make_floor, make_state

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
    friday = make_state(
        trading_day=date(2026, 3, 6), closed_day=THURSDAY, as_of=datetime(2026, 3, 6, 15, 0, tzinfo=UTC)
    )
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


# --- a close before the reset (Topstep: 15:10 and 17:00 in Chicago) -----------------------------------

CLOSE = datetime(2026, 3, 4, 21, 10, tzinfo=UTC)  # 15:10 in Chicago
WEDNESDAY, TUESDAY = date(2026, 3, 4), date(2026, 3, 3)
MINUTE = timedelta(minutes=1)


def test_the_close_comes_before_the_reset_and_moves_only_what_is_its_own() -> None:
    state = make_state(51_200, balance=51_000)
    closed = roll_day(state, TOPSTEP_DAY, CLOSE, settled=True)
    assert (closed.closed_day, closed.trading_day) == (WEDNESDAY, WEDNESDAY)
    assert (closed.last_close, closed.highest_close) == (Decimal(51_000), Decimal(51_000))
    assert (closed.day_start_balance, closed.day_start_equity) == (Decimal(50_000), Decimal(50_000))
    reset = roll_day(closed, TOPSTEP_DAY, RESET, settled=True)
    assert (reset.trading_day, reset.day_start_balance) == (THURSDAY, Decimal(51_000))
    assert reset.last_close == 51_000


def test_until_its_close_the_day_before_is_the_last_closed_one() -> None:
    state = make_state()
    assert state.closed_day == TUESDAY
    assert roll_day(state, TOPSTEP_DAY, CLOSE - timedelta(seconds=1), settled=True) is state


def test_what_is_won_between_close_and_reset_counts_for_the_next_close() -> None:
    closed = roll_day(make_state(51_000), TOPSTEP_DAY, CLOSE, settled=True)
    later = mark(closed, replace(report(51_900), as_of=CLOSE + 30 * MINUTE))
    assert (later.last_close, later.highest_close, later.highest_balance) == (
        Decimal(51_000), Decimal(51_000), Decimal(51_900),
    )  # fmt: skip
    thursday = roll_day(later, TOPSTEP_DAY, RESET, settled=True)
    assert (thursday.day_start_balance, thursday.last_close) == (Decimal(51_900), Decimal(51_000))
    friday = roll_day(thursday, TOPSTEP_DAY, CLOSE + timedelta(days=1), settled=True)
    assert (friday.last_close, friday.highest_close) == (Decimal(51_900), Decimal(51_900))


def test_a_close_that_was_not_seen_is_unknown_until_it_is_told() -> None:
    missed = roll_day(make_state(50_700), TOPSTEP_DAY, CLOSE, settled=False)
    assert (missed.last_close, missed.highest_close) == (None, Decimal(50_000))
    assert (
        level_of(make_floor("drawdown", "highest_close", 2000), missed, Decimal(50_000), Decimal(50_000))
        is None
    )
    told = mark(missed, replace(report(50_800, last_close=50_900), as_of=CLOSE + MINUTE))
    assert (told.last_close, told.highest_close) == (Decimal(50_900), Decimal(50_900))


def test_the_days_opening_balance_is_the_close_before_it_only_until_the_day_itself_closes() -> None:
    before = mark(make_state(last_close=None), report(50_300, day_start_balance=50_100))
    assert before.last_close == 50_100
    closed = roll_day(make_state(50_300), TOPSTEP_DAY, CLOSE, settled=True)
    after = mark(closed, replace(report(50_300, day_start_balance=50_100), as_of=CLOSE + MINUTE))
    assert (after.last_close, after.day_start_balance) == (Decimal(50_300), Decimal(50_100))


@pytest.mark.parametrize(
    ("before", "known"),
    [(timedelta(0), True), (2 * MINUTE, True), (2 * MINUTE + timedelta(seconds=1), False)],
    ids=["at the close", "two minutes before", "a second earlier"],
)
def test_with_something_open_only_a_snapshot_at_the_close_tells_it(before: timedelta, known: bool) -> None:
    state = make_state(50_700, balance=50_500, as_of=CLOSE - before)
    assert roll_day(state, TOPSTEP_DAY, CLOSE, settled=False).last_close == (50_500 if known else None)


# --- the highest balance ------------------------------------------------------------------------------


def test_the_highest_balance_follows_the_balance_not_the_equity() -> None:
    up = mark(make_state(), report(51_000, balance=50_400))
    assert (up.highest_balance, up.highest_equity) == (Decimal(50_400), Decimal(51_000))
    down = mark(up, report(50_000, balance=49_900, after=120))
    assert down.highest_balance == 50_400
    told = mark(make_state(highest_balance=None), report(50_000, highest_balance=52_000))
    assert told.highest_balance == 52_000
    assert mark(make_state(highest_balance=None), report(60_000)).highest_balance is None


def test_a_reported_floor_is_kept_until_another_comes() -> None:
    told = mark(make_state(), report(50_100, floor=48_200))
    assert mark(told, report(50_200, after=120)).reported_floor == 48_200
    assert mark(told, report(50_200, after=120, floor=48_300)).reported_floor == 48_300


def test_an_account_known_by_one_report_knows_only_what_it_tells() -> None:
    state = opening_state(report(50_100, balance=50_000), TOPSTEP_DAY)
    assert (state.trading_day, state.closed_day) == (WEDNESDAY, TUESDAY)
    assert (state.balance, state.equity) == (Decimal(50_000), Decimal(50_100))
    unknown = (
        state.day_start_balance, state.day_start_equity, state.last_close, state.highest_equity,
        state.highest_close, state.highest_balance, state.reported_floor,
    )  # fmt: skip
    assert set(unknown) == {None}
    assert opening_state(report(50_100, day_start_balance=49_900), TOPSTEP_DAY).last_close == 49_900


# --- payouts ------------------------------------------------------------------------------------------

WON = make_state(
    54_100, balance=54_000, day_start_balance=53_500, day_start_equity=53_600, last_close=53_500,
    highest_equity=54_500, highest_close=53_500, highest_balance=54_000, reported_floor=50_000,
)  # fmt: skip


def test_a_payout_lowers_the_days_anchors_and_never_the_peaks() -> None:
    paid = cash_flow(WON, CashFlow.PAYOUT_PAID, Decimal(2000))
    assert (paid.balance, paid.equity) == (Decimal(52_000), Decimal(52_100))
    assert (paid.day_start_balance, paid.day_start_equity) == (Decimal(51_500), Decimal(51_600))
    assert (paid.highest_equity, paid.highest_close, paid.highest_balance) == (
        Decimal(54_500), Decimal(53_500), Decimal(54_000),
    )  # fmt: skip
    assert (paid.payouts_requested, paid.payouts_paid, paid.reported_floor) == (1, 1, 50_000)


def test_a_payout_is_no_loss_of_the_day() -> None:
    paid = cash_flow(WON, CashFlow.PAYOUT_PAID, Decimal(2000))
    assert paid.day_start_balance is not None
    assert WON.day_start_balance is not None
    assert paid.equity - paid.day_start_balance == WON.equity - WON.day_start_balance


def test_asking_for_a_payout_moves_no_money() -> None:
    asked = cash_flow(WON, CashFlow.PAYOUT_REQUESTED, Decimal(2000))
    assert asked == replace(WON, payouts_requested=1)


def test_asked_for_and_then_paid_is_one_payout() -> None:
    asked = cash_flow(WON, CashFlow.PAYOUT_REQUESTED, Decimal(2000))
    paid = cash_flow(asked, CashFlow.PAYOUT_PAID, Decimal(2000))
    assert (paid.payouts_requested, paid.payouts_paid) == (1, 1)
    second = cash_flow(paid, CashFlow.PAYOUT_PAID, Decimal(500))
    assert (second.payouts_requested, second.payouts_paid) == (2, 2)


def test_a_program_may_start_its_peaks_anew() -> None:
    paid = cash_flow(WON, CashFlow.PAYOUT_PAID, Decimal(4000), peaks_reset_to=Decimal(50_000))
    assert (paid.highest_equity, paid.highest_close, paid.highest_balance) == (
        Decimal(50_100), Decimal(50_000), Decimal(50_000),
    )  # fmt: skip
    kept = cash_flow(WON, CashFlow.PAYOUT_PAID, Decimal(1000), peaks_reset_to=Decimal(50_000))
    assert (kept.highest_equity, kept.highest_balance) == (Decimal(53_100), Decimal(53_000))


def test_an_unknown_day_start_stays_unknown_over_a_payout() -> None:
    blind = replace(WON, day_start_balance=None, day_start_equity=None)
    paid = cash_flow(blind, CashFlow.PAYOUT_PAID, Decimal(2000))
    assert (paid.day_start_balance, paid.day_start_equity) == (None, None)


# --- over several days, and with a position open ------------------------------------------------------


@pytest.mark.parametrize("settled", [True, False])
def test_rolling_over_a_week_twice_is_rolling_it_once(settled: bool) -> None:
    after = RESET + timedelta(days=7)
    for day in (CHICAGO, TOPSTEP_DAY, PRAGUE):
        once = roll_day(make_state(50_700), day, after, settled=settled)
        assert roll_day(once, day, after, settled=settled) is once
        assert (once.trading_day, once.closed_day) == (day.day_of(after), day.last_closed(after))


def test_a_week_in_hourly_steps_is_a_week_in_one() -> None:
    state, hour = make_state(50_700), timedelta(hours=1)
    for day in (CHICAGO, TOPSTEP_DAY):
        step, now = state, NOON
        while now <= NOON + timedelta(days=7):
            step = roll_day(step, day, now, settled=True)
            now += hour
        assert step == roll_day(state, day, now - hour, settled=True)


def test_a_reset_while_a_position_is_open_takes_the_equity_of_that_moment() -> None:
    """Open since noon; a report a minute before 17:00 shows 700 of open profit, the balance unchanged."""
    held = mark(make_state(), replace(report(50_700, balance=50_000), as_of=RESET - MINUTE))
    opened = roll_day(held, CHICAGO, RESET + MINUTE, settled=False)
    assert (opened.day_start_balance, opened.day_start_equity) == (Decimal(50_000), Decimal(50_700))
    assert (opened.last_close, opened.highest_equity) == (Decimal(50_000), Decimal(50_700))


def test_trades_are_counted_from_the_reset_and_losses_go_on() -> None:
    state = make_state(trades_today=4, losses_in_a_row=2, last_loss_at=NOON, last_trade_at=NOON)
    thursday = roll_day(state, CHICAGO, RESET, settled=True)
    assert (thursday.trades_today, thursday.losses_in_a_row) == (0, 2)
    assert (thursday.last_loss_at, thursday.last_trade_at) == (NOON, NOON)


def test_over_a_close_alone_trades_are_counted_on() -> None:
    closed = roll_day(make_state(trades_today=4), TOPSTEP_DAY, CLOSE, settled=True)
    assert closed.trades_today == 4
