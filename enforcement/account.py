"""An account's state and its pure moves: old state and a report in, new state out."""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from enforcement.calendar import TradingDay

# A snapshot this close before a reset is taken as the state at the reset.
SNAPSHOT_GRACE = timedelta(minutes=2)


class StateSource(StrEnum):
    """Who says so. What is simulated or typed by a person is never passed off as the venue's word."""

    VENUE = "venue"
    DECLARED = "declared"
    PAPER = "paper"


@dataclass(frozen=True, slots=True, kw_only=True)
class StateReport:
    """Balance and equity at one instant, in the account's currency.

    The anchors (`day_start_*`, `highest_*`) are given where the reporter knows them
    (a venue's own figures, a person reading them off the firm's dashboard).
    """

    balance: Decimal
    equity: Decimal
    as_of: datetime
    source: StateSource
    day_start_balance: Decimal | None = None
    day_start_equity: Decimal | None = None
    highest_equity: Decimal | None = None
    highest_close: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountState:
    """What the rules know of an account, in its currency. None means not known, which blocks.

    balance            closed results, commissions booked
    equity             balance plus unrealised profit and loss
    day_start_*        both at the reset that opened `trading_day`
    highest_equity     the peak of equity since the account began
    highest_close      the highest balance at a day's close since the account began
    """

    balance: Decimal
    equity: Decimal
    as_of: datetime
    source: StateSource
    trading_day: date
    day_start_balance: Decimal | None
    day_start_equity: Decimal | None
    highest_equity: Decimal | None
    highest_close: Decimal | None


def mark(state: AccountState, report: StateReport) -> AccountState:
    """The state after a report. A report older than the state changes nothing.

    Run `roll_day` up to the report's own time first: a report belongs to the day of its own time.
    """
    if report.as_of < state.as_of:
        return state
    return replace(
        state,
        balance=report.balance,
        equity=report.equity,
        as_of=report.as_of,
        source=report.source,
        day_start_balance=_told(report.day_start_balance, state.day_start_balance),
        day_start_equity=_told(report.day_start_equity, state.day_start_equity),
        highest_equity=_raised(_told(report.highest_equity, state.highest_equity), report.equity),
        highest_close=_raised(_told(report.highest_close, state.highest_close), report.day_start_balance),
    )


def roll_day(state: AccountState, day: TradingDay, now: datetime, *, settled: bool) -> AccountState:
    """The state on the trading day of `now`; the same object if that is its day already.

    `settled` says that nothing was open or working since the last report and nothing happens on the
    account without us, so the balance at every reset since then is the last one. Otherwise the anchors
    of the new day are known only from a snapshot just before its reset; without one they are None
    until the venue or a person reports them. Several days at once are one step. Idempotent.
    """
    today = day.day_of(now)
    if today <= state.trading_day:
        return state
    if settled or day.opens_at(today) - state.as_of <= SNAPSHOT_GRACE:
        return replace(
            state,
            trading_day=today,
            day_start_balance=state.balance,
            day_start_equity=state.equity,
            highest_close=_raised(state.highest_close, state.balance),
        )
    missed_several = day.next_day(state.trading_day) != today
    return replace(
        state,
        trading_day=today,
        day_start_balance=None,
        day_start_equity=None,
        highest_close=None if missed_several else state.highest_close,
    )


def _told(reported: Decimal | None, known: Decimal | None) -> Decimal | None:
    return known if reported is None else reported


def _raised(peak: Decimal | None, value: Decimal | None) -> Decimal | None:
    """The peak after `value`. An unknown peak stays unknown: it may have been higher."""
    return peak if peak is None or value is None else max(peak, value)
