"""What is known of an account's days, whatever the order in which reports arrive.

Each figure carries the instant of its evidence, and the newest evidence wins: a snapshot just before a close
or a reset, or what a reporter says of it later. The anchors of an account's state follow from these figures,
so a late report changes what it knows better, and nothing else.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

from enforcement.account import SNAPSHOT_GRACE, AccountState, StateReport, mark, roll_day
from enforcement.calendar import TradingDay


class Figure(NamedTuple):
    """An amount in the account's currency, and the instant of the report it is known from."""

    amount: Decimal
    as_of: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DayFigures:
    """The figures of one trading day. None: not known.

    opening_*      at the reset that opens it
    close          the balance at its close
    highest_close  the highest close up to and with this day's, as somebody said it
    """

    opening_balance: Figure | None = None
    opening_equity: Figure | None = None
    close: Figure | None = None
    highest_close: Figure | None = None


NOTHING = DayFigures()
Days = Mapping[date, DayFigures]


def book(
    state: AccountState, days: Days, report: StateReport, day: TradingDay, *, settled: bool
) -> tuple[AccountState, Days]:
    """The state and the days after a report, in whatever order it arrives. `settled`: see `roll_day`.

    A late report, older than the state, leaves balance and equity alone. One from before the last payout or
    restatement knows nothing of the state: both come back as they were.
    """
    if is_outdated(state, report):
        return state, days
    if report.as_of < state.as_of:
        state = _raised_by(state, report)
    else:
        state, days = turn(state, days, day, report.as_of, settled=settled)
        state = mark(state, report)
    told = figures_of(report, day)
    if told:
        days = learn(days, told)
        state = anchored(state, days, day)
    return state, days


def concerns_days(state: AccountState, report: StateReport, day: TradingDay) -> bool:
    """Whether a report needs the days at all: it is late, turns the day, or says something of one."""
    return (
        report.as_of < state.as_of
        or day.last_closed(report.as_of) > state.closed_day
        or day.day_of(report.as_of) > state.trading_day
        or bool(figures_of(report, day))
    )


def turn(
    state: AccountState, days: Days, day: TradingDay, now: datetime, *, settled: bool
) -> tuple[AccountState, Days]:
    """The state on the trading day of `now`; both the same objects if no close and no reset lies between."""
    turned = roll_day(state, day, now, settled=settled)
    if turned is state:
        return state, days
    if settled:
        days = learn(days, _figures_at_rest(state, turned))
    return anchored(turned, days, day), days


def is_outdated(state: AccountState, report: StateReport) -> bool:
    """Whether a report is from before the last payout or restatement: it speaks of other money."""
    return state.since is not None and report.as_of < state.since


def figures_of(report: StateReport, day: TradingDay) -> Days:
    """What a report says of closes and resets: it comes just before one, or its reporter tells. For most
    reports that is nothing."""
    at, today, closed = report.as_of, day.day_of(report.as_of), day.last_closed(report.as_of)
    found: Days = {}
    if day.next_close(at) - at <= SNAPSHOT_GRACE:
        found = learn(found, {day.next_day(closed): DayFigures(close=Figure(report.balance, at))})
    if day.next_reset(at) - at <= SNAPSHOT_GRACE:
        opening = _opening(report.balance, report.equity, at)
        found = learn(found, {day.next_day(today): opening})
    if report.day_start_balance is not None:  # a day's opening balance is the close before it
        close = DayFigures(close=Figure(report.day_start_balance, at))
        found = learn(found, {day.day_before(today): close})
    if report.day_start_balance is not None or report.day_start_equity is not None:
        found = learn(found, {today: _opening(report.day_start_balance, report.day_start_equity, at)})
    if report.last_close is not None:
        found = learn(found, {closed: DayFigures(close=Figure(report.last_close, at))})
    if report.highest_close is not None:
        told = (report.highest_close, report.day_start_balance, report.last_close)
        highest = max(amount for amount in told if amount is not None)
        found = learn(found, {closed: DayFigures(highest_close=Figure(highest, at))})
    return found


def figures_known(state: AccountState) -> Days:
    """What a state knows by itself of its days, where nothing was kept of them."""
    known = figures_now(state, state.as_of)
    if state.last_close is None:
        return known
    close = DayFigures(close=Figure(state.last_close, state.as_of))
    return learn(known, {state.closed_day: close})


def figures_now(state: AccountState, at: datetime) -> Days:
    """The state's own anchors as figures that hold from `at` on: after a payout has moved them."""
    opening = _opening(state.day_start_balance, state.day_start_equity, at)
    found = learn({}, {state.trading_day: opening})
    if state.highest_close is not None:
        highest = DayFigures(highest_close=Figure(state.highest_close, at))
        found = learn(found, {state.closed_day: highest})
    return found


def learn(days: Days, told: Days) -> Days:
    """The days with what is told of them: for each figure the newest evidence, of two alike the last."""
    merged = dict(days)
    for date_of_day, figures in told.items():
        known = merged.get(date_of_day, NOTHING)
        merged[date_of_day] = DayFigures(
            **{f.name: _newer(getattr(known, f.name), getattr(figures, f.name)) for f in fields(figures)}
        )
    return merged


def anchored(state: AccountState, days: Days, day: TradingDay) -> AccountState:
    """The state with its anchors as they follow from the days."""
    opening = days.get(state.trading_day, NOTHING)
    last_close = days.get(state.closed_day, NOTHING).close
    base = _base(days, state.closed_day)
    return replace(
        state,
        day_start_balance=_amount(opening.opening_balance),
        day_start_equity=_amount(opening.opening_equity),
        last_close=_amount(last_close),
        highest_close=highest_close(days, state.closed_day, day),
        day_start_highest_close=highest_close(days, day.day_before(state.trading_day), day),
        close_missed=last_close is None and base is not None and base[0] < state.closed_day,
    )


def highest_close(days: Days, until: date, day: TradingDay) -> Decimal | None:
    """The highest close up to that of `until`; None where one before it is missing. That of `until` itself
    may still be told."""
    base = _base(days, until)
    if base is None:
        return None
    at, told = base
    highest, close = told.amount, days[at].close
    if close is not None and close.as_of > told.as_of:
        highest = max(highest, close.amount)
    missed = False
    while at < until:
        if missed:
            return None
        at = day.next_day(at)
        close = days.get(at, NOTHING).close
        missed = close is None
        highest = highest if close is None else max(highest, close.amount)
    return highest


def _base(days: Days, until: date) -> tuple[date, Figure] | None:
    """The last day up to `until` for which somebody said the highest close, and what it was."""
    told = [
        (at, figures.highest_close)
        for at, figures in days.items()
        if figures.highest_close is not None and at <= until
    ]
    return max(told, default=None)


def _figures_at_rest(before: AccountState, turned: AccountState) -> Days:
    """What a settled account had at the closes and resets it has passed: what it has had all along."""
    at, found = before.as_of, {}
    if turned.closed_day > before.closed_day:
        highest = None if turned.highest_close is None else Figure(turned.highest_close, at)
        found[turned.closed_day] = DayFigures(close=Figure(before.balance, at), highest_close=highest)
    if turned.trading_day > before.trading_day:
        return learn(found, {turned.trading_day: _opening(before.balance, before.equity, at)})
    return found


def _raised_by(state: AccountState, report: StateReport) -> AccountState:
    """The peaks after a late report: they may have been higher than was known. What is not known at all may
    be told late, too."""

    def peak(known: Decimal | None, told: Decimal | None, seen: Decimal) -> Decimal | None:
        values = [value for value in (known, told) if value is not None]
        return max(*values, seen) if values else None

    floor = state.reported_floor if state.reported_floor is not None else report.floor
    return replace(
        state,
        highest_equity=peak(state.highest_equity, report.highest_equity, report.equity),
        highest_balance=peak(state.highest_balance, report.highest_balance, report.balance),
        reported_floor=floor,
    )


def _opening(balance: Decimal | None, equity: Decimal | None, at: datetime) -> DayFigures:
    return DayFigures(
        opening_balance=None if balance is None else Figure(balance, at),
        opening_equity=None if equity is None else Figure(equity, at),
    )


def _newer(known: Figure | None, told: Figure | None) -> Figure | None:
    if known is None or told is None:
        return known if told is None else told
    return told if told.as_of >= known.as_of else known


def _amount(figure: Figure | None) -> Decimal | None:
    return None if figure is None else figure.amount
