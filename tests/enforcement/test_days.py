"""Reports that arrive late, twice or in another order: the same account at the end."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from enforcement.account import AccountState, StateReport, StateSource, mark, opening_state, roll_day
from enforcement.calendar import TradingDay
from enforcement.days import Days, anchored, book, figures_now, figures_of, learn, turn
from enforcement.floors import level_of
from tests.enforcement.make import CHICAGO, PRAGUE, PROPERTY, TOPSTEP_DAY, Number, make_floor

pytestmark = pytest.mark.core

OPENED = datetime(2026, 3, 3, 12, tzinfo=UTC)  # a Tuesday, before every reset below
MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)
RESET = CHICAGO.next_reset(OPENED + timedelta(days=1))  # Wednesday 17:00 in Chicago
EOD = make_floor("drawdown", "highest_close", 2000)
Account = tuple[AccountState, Days]


def report(equity: Number, at: datetime, balance: Number | None = None, **told: Any) -> StateReport:
    amounts = {name: None if value is None else Decimal(value) for name, value in told.items()}
    return StateReport(
        balance=Decimal(equity if balance is None else balance), equity=Decimal(equity), as_of=at,
        source=StateSource.VENUE, **amounts,
    )  # fmt: skip


def opened(day: TradingDay = CHICAGO, at: datetime = OPENED) -> Account:
    """A fresh account of 50,000, everything known."""
    names = (
        "day_start_balance",
        "day_start_equity",
        "highest_equity",
        "highest_close",
        "highest_balance",
        "last_close",
    )
    first = report(50_000, at, **dict.fromkeys(names, 50_000))
    return opening_state(first, day), figures_of(first, day)


def after(*reports: StateReport, day: TradingDay = CHICAGO, start: Account | None = None) -> Account:
    state, days = start or opened(day)
    for one in reports:
        state, days = book(state, days, one, day, settled=False)
    return state, days


# --- every order of arrival ---------------------------------------------------------------------------


def near(day: TradingDay) -> list[datetime]:
    """Instants about two closes and two resets: early, just outside and inside the grace, at it, after it."""
    turns = [day.next_close(OPENED), day.next_reset(OPENED)]
    turns += [day.next_close(turns[0]), day.next_reset(turns[1])]
    away = (timedelta(hours=-1), -2 * MINUTE - SECOND, -2 * MINUTE, -MINUTE, -SECOND, 0 * SECOND, 3 * MINUTE)
    return sorted({at + by for at in turns for by in away})


@st.composite
def arrivals(draw: st.DrawFn) -> tuple[TradingDay, list[StateReport], list[StateReport]]:
    """A day's rule, a handful of reports in order, and the same in another order, some of them twice."""
    day = draw(st.sampled_from([CHICAGO, TOPSTEP_DAY, PRAGUE]))
    money = st.integers(49_000, 52_000)
    instants = sorted(draw(st.lists(st.sampled_from(near(day)), min_size=2, max_size=6, unique=True)))
    told = st.fixed_dictionaries({}, optional={"day_start_balance": money, "last_close": money})
    plain = st.just({})
    reports = [report(draw(money), at, draw(money), **draw(plain | plain | told)) for at in instants]
    again = draw(st.lists(st.sampled_from(reports), max_size=2))
    return day, reports, draw(st.permutations(reports + again))


@PROPERTY
@given(case=arrivals())
def test_whatever_the_order_of_arrival_the_account_is_the_same(case: Any) -> None:
    day, in_order, arriving = case
    assert after(*arriving, day=day) == after(*in_order, day=day)


@settings(PROPERTY, max_examples=150)
@given(case=arrivals())
def test_in_order_the_anchors_are_those_of_marking_and_rolling(case: Any) -> None:
    """Without anything told: what a reporter says of a close replaces what was seen of it."""
    day, in_order, _ = case
    plain = [replace(one, day_start_balance=None, last_close=None) for one in in_order]
    state, _ = opened(day)
    for one in plain:
        state = mark(roll_day(state, day, one.as_of, settled=False), one)
    found, _ = after(*plain, day=day)
    if state.highest_close is None:  # rolled over several days at once it forgets what it saw of the first
        names = ("highest_close", "day_start_highest_close")
        found = replace(found, **{name: getattr(state, name) for name in names})
    if found.highest_close is None:
        found = replace(found, day_start_highest_close=state.day_start_highest_close)
    assert found == state


def test_six_reports_across_two_resets_in_every_order() -> None:
    reports = [
        report(50_100, RESET - timedelta(days=1, minutes=1)),
        report(50_900, RESET - MINUTE, 50_500),
        report(50_300, RESET + timedelta(hours=1)),
        report(51_200, RESET + timedelta(hours=20)),
        report(50_800, RESET + timedelta(days=1) - MINUTE),
        report(50_700, RESET + timedelta(days=1, hours=1)),
    ]
    expected = after(*reports)
    assert all(after(*arriving) == expected for arriving in permutations(reports))
    state, _ = after(*reports[::-1])
    assert (state.balance, state.day_start_balance, state.last_close) == (50_700, 50_800, 50_800)
    assert (state.highest_close, state.highest_equity, state.highest_balance) == (50_800, 51_200, 51_200)


# --- what a late report knows ---------------------------------------------------------------------------

MISSED = (report(50_600, RESET - timedelta(hours=3)), report(50_700, RESET + timedelta(hours=1)))


def test_asleep_over_the_reset_the_anchors_are_unknown() -> None:
    state, _ = after(report(50_000, RESET - timedelta(days=1, minutes=1)), *MISSED)
    assert (state.day_start_balance, state.day_start_equity, state.last_close) == (None, None, None)
    assert state.close_missed
    assert level_of(EOD, state, Decimal(50_000), Decimal(50_000)) is None


@pytest.mark.parametrize(
    ("before", "known"),
    [(SECOND, True), (2 * MINUTE, True), (2 * MINUTE + SECOND, False), (0 * SECOND, False)],
    ids=["a second before it", "two minutes", "a second more", "at the reset: the new day's"],
)
def test_a_late_report_from_just_before_the_reset_tells_its_anchors(before: timedelta, known: bool) -> None:
    start = after(report(50_000, RESET - timedelta(days=1, minutes=1)), *MISSED)
    state, _ = after(report(51_000, RESET - before, 50_900), start=start)
    assert state.day_start_balance == (50_900 if known else None)
    assert state.day_start_equity == (51_000 if known else None)
    assert state.last_close == (50_900 if known else None)
    assert state.highest_close == (50_900 if known else 50_000)
    assert (state.balance, state.equity, state.as_of) == (50_700, 50_700, MISSED[-1].as_of)
    assert (state.highest_equity, state.highest_balance) == (51_000, 50_900), "peaks in any case"


def test_a_snapshot_nearer_to_the_reset_replaces_an_older_one_and_not_the_reverse() -> None:
    far, close = report(50_800, RESET - 2 * MINUTE), report(50_500, RESET - SECOND)
    later = report(50_400, RESET + MINUTE)
    for arriving in permutations([far, close, later]):
        state, _ = after(report(50_000, RESET - timedelta(days=1, minutes=1)), *arriving)
        assert (state.day_start_balance, state.highest_close) == (50_500, 50_500)
        assert state.highest_balance == 50_800


def test_what_was_told_of_the_day_is_not_replaced_by_an_earlier_snapshot() -> None:
    told = report(50_400, RESET + MINUTE, day_start_balance=50_450)
    state, _ = after(
        report(50_000, RESET - timedelta(days=1, minutes=1)), told, report(50_500, RESET - SECOND)
    )
    assert (state.day_start_balance, state.last_close) == (50_450, 50_450)
    assert state.day_start_equity == 50_500, "only the balance was told"


def test_a_close_missed_two_days_ago_may_still_be_told_by_a_late_report() -> None:
    first = report(50_000, RESET - timedelta(days=1, minutes=1))
    late = report(51_500, RESET - MINUTE)
    seen = report(50_600, RESET + timedelta(days=1) - MINUTE)
    last = report(50_700, RESET + timedelta(days=1, hours=1))
    missing, _ = after(first, seen, last)
    assert (missing.last_close, missing.highest_close) == (50_600, None), "one before it was never seen"
    state, _ = after(late, start=after(first, seen, last))
    assert (state.last_close, state.highest_close) == (50_600, 51_500)


def test_a_close_that_was_missed_is_not_forgotten_with_the_next_one() -> None:
    state, _ = opened()
    state = roll_day(state, CHICAGO, RESET + timedelta(hours=1), settled=False)
    state = mark(state, report(50_600, RESET + timedelta(days=1) - MINUTE))
    state = roll_day(state, CHICAGO, RESET + timedelta(days=1), settled=False)
    assert (state.last_close, state.highest_close) == (50_600, None)


@pytest.mark.parametrize("told", [{"last_close": 50_300}, {"highest_close": 50_300}])
def test_a_close_that_was_missed_and_told_is_known(told: dict[str, int]) -> None:
    state, _ = opened()
    state = roll_day(state, CHICAGO, OPENED + timedelta(hours=12), settled=False)
    assert state.close_missed
    state = mark(state, report(50_200, OPENED + timedelta(hours=13), **told))
    assert not state.close_missed
    state = mark(state, report(50_100, RESET - MINUTE))
    assert roll_day(state, CHICAGO, RESET, settled=False).highest_close == 50_300


def test_a_late_report_tells_what_nobody_knew_and_takes_nothing_back() -> None:
    start = after(report(50_500, RESET + MINUTE, floor=48_300))
    late = report(50_100, RESET - timedelta(hours=1), floor=47_000, highest_equity=50_050)
    state, _ = after(late, start=start)
    assert (state.reported_floor, state.highest_equity) == (48_300, 50_500)
    unknown = replace(start[0], reported_floor=None, highest_equity=None, highest_balance=None)
    state, _ = after(late, start=(unknown, start[1]))
    assert (state.reported_floor, state.highest_equity, state.highest_balance) == (47_000, 50_100, None)


def test_a_report_from_before_the_last_payout_changes_nothing() -> None:
    state, days = after(report(52_000, RESET + MINUTE, day_start_balance=52_000))
    paid_at = RESET + 2 * MINUTE
    paid = replace(state, balance=Decimal(51_000), day_start_balance=Decimal(51_000), since=paid_at)
    start = (paid, learn(days, figures_now(paid, paid_at)))
    for at in (RESET - SECOND, RESET + MINUTE, paid_at - SECOND):
        assert after(report(55_000, at), start=start) == start
    state, _ = after(report(51_100, paid_at), start=start)
    assert (state.balance, state.day_start_balance) == (51_100, 51_000)


def test_a_settled_account_knows_the_resets_it_slept_through() -> None:
    state, days = opened()
    state, days = turn(state, days, CHICAGO, RESET + timedelta(days=3), settled=True)
    assert (state.day_start_balance, state.last_close, state.highest_close) == (50_000, 50_000, 50_000)
    assert state == anchored(state, days, CHICAGO)
    assert turn(state, days, CHICAGO, RESET + timedelta(days=3), settled=True)[0] is state
