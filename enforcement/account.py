"""An account's state and its pure moves: a report, the turn of the day, a payout."""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from enforcement.calendar import TradingDay

# A snapshot this close before a reset or a close is taken as the state at it.
SNAPSHOT_GRACE = timedelta(minutes=2)


class StateSource(StrEnum):
    """Who says so. What is simulated or typed by a person is never passed off as the venue's word."""

    VENUE = "venue"
    DECLARED = "declared"
    PAPER = "paper"


@dataclass(frozen=True, slots=True, kw_only=True)
class StateReport:
    """Balance and equity at one instant, in the account's currency.

    The anchors (`day_start_*`, `highest_*`, `last_close`) and the drawdown floor are given where the
    reporter knows them (a venue's own figures, a person reading them off the firm's dashboard).
    """

    balance: Decimal
    equity: Decimal
    as_of: datetime
    source: StateSource
    day_start_balance: Decimal | None = None
    day_start_equity: Decimal | None = None
    highest_equity: Decimal | None = None
    highest_close: Decimal | None = None
    highest_balance: Decimal | None = None
    last_close: Decimal | None = None
    floor: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountState:
    """What the rules know of an account, in its currency. None means not known, which blocks.

    balance            closed results, commissions booked
    equity             balance plus unrealised profit and loss
    trading_day        the day the figures stand in
    closed_day         the last trading day whose close has passed
    day_start_*        both at the reset that opened `trading_day`
    last_close         the balance at the close of `closed_day`
    highest_equity     the peak of equity since the account began
    highest_close      the highest balance at a day's close since the account began
    highest_balance    the highest balance at any moment since the account began
    day_start_highest_close   the highest close as it was at the reset; None: as `highest_close`
    reported_floor     the drawdown floor as the venue or a person last gave it
    payouts_*          how many were asked for and paid since the account began
    trades_today       positions opened since the reset
    losses_in_a_row    positions closed at a loss since the last one closed at a profit
    last_loss_at       when the last of them was closed
    last_trade_at      when anything was last filled
    close_missed       the close of `closed_day` was not seen; it may still be told
    since              when money was last paid out or the state restated: what is older knows other money
    """

    balance: Decimal
    equity: Decimal
    as_of: datetime
    source: StateSource
    trading_day: date
    closed_day: date
    day_start_balance: Decimal | None
    day_start_equity: Decimal | None
    last_close: Decimal | None
    highest_equity: Decimal | None
    highest_close: Decimal | None
    highest_balance: Decimal | None
    day_start_highest_close: Decimal | None = None
    reported_floor: Decimal | None = None
    payouts_requested: int = 0
    payouts_paid: int = 0
    trades_today: int = 0
    losses_in_a_row: int = 0
    last_loss_at: datetime | None = None
    last_trade_at: datetime | None = None
    close_missed: bool = False
    since: datetime | None = None


def opening_state(report: StateReport, day: TradingDay) -> AccountState:
    """The state of an account known by one report only: what it doesn't tell is not known.

    The day's opening balance is the last close, unless the day itself has closed already.
    """
    trading_day, closed_day = day.day_of(report.as_of), day.last_closed(report.as_of)
    last_close = report.last_close
    if last_close is None and closed_day < trading_day:
        last_close = report.day_start_balance
    return AccountState(
        balance=report.balance,
        equity=report.equity,
        as_of=report.as_of,
        source=report.source,
        trading_day=trading_day,
        closed_day=closed_day,
        day_start_balance=report.day_start_balance,
        day_start_equity=report.day_start_equity,
        last_close=last_close,
        highest_equity=report.highest_equity,
        highest_close=report.highest_close,
        highest_balance=report.highest_balance,
        day_start_highest_close=report.highest_close,
        reported_floor=report.floor,
        since=report.as_of,
    )


def mark(state: AccountState, report: StateReport) -> AccountState:
    """The state after a report. A report older than the state changes nothing (see `days.book`).

    Run `roll_day` up to the report's own time first: a report belongs to the day of its own time.
    A day's opening balance is the close before it, as long as the day itself has not closed.
    """
    if report.as_of < state.as_of:
        return state
    last_close = state.last_close
    if state.closed_day < state.trading_day:
        last_close = _told(report.day_start_balance, last_close)
    last_close = _told(report.last_close, last_close)
    highest_close = _raised(_told(report.highest_close, state.highest_close), report.day_start_balance)
    return replace(
        state,
        balance=report.balance,
        equity=report.equity,
        as_of=report.as_of,
        source=report.source,
        day_start_balance=_told(report.day_start_balance, state.day_start_balance),
        day_start_equity=_told(report.day_start_equity, state.day_start_equity),
        last_close=last_close,
        close_missed=state.close_missed and last_close is None and report.highest_close is None,
        highest_equity=_raised(_told(report.highest_equity, state.highest_equity), report.equity),
        highest_close=_raised(highest_close, report.last_close),
        highest_balance=_raised(_told(report.highest_balance, state.highest_balance), report.balance),
        reported_floor=_told(report.floor, state.reported_floor),
    )


def roll_day(state: AccountState, day: TradingDay, now: datetime, *, settled: bool) -> AccountState:
    """The state on the trading day of `now`; the same object if no close and no reset lies between.

    `settled` says that nothing was open or working since the last report and nothing happens on the
    account without us, so the balance at every reset and close since then is the last one. Otherwise
    they are known only from a snapshot just before; without one they are None until the venue or a
    person reports them. Several days at once are one step. Idempotent.
    """
    closed, today = day.last_closed(now), day.day_of(now)
    if closed > state.closed_day:
        state = _past_close(state, day, closed, settled=settled)
    if today > state.trading_day:
        state = _past_reset(state, day, today, settled=settled)
    return state


def _past_close(state: AccountState, day: TradingDay, closed: date, *, settled: bool) -> AccountState:
    # The one close may still be told (it is the next day's opening balance); of several, one never is.
    if settled or day.closes_at(closed) - state.as_of <= SNAPSHOT_GRACE:
        highest = None if state.close_missed else _raised(state.highest_close, state.balance)
        return replace(
            state, closed_day=closed, last_close=state.balance, highest_close=highest, close_missed=False
        )
    missed_several = day.next_day(state.closed_day) != closed
    highest_close = None if missed_several or state.last_close is None else state.highest_close
    return replace(state, closed_day=closed, last_close=None, highest_close=highest_close, close_missed=True)


def _past_reset(state: AccountState, day: TradingDay, today: date, *, settled: bool) -> AccountState:
    known = settled or day.opens_at(today) - state.as_of <= SNAPSHOT_GRACE
    return replace(
        state,
        trading_day=today,
        day_start_balance=state.balance if known else None,
        day_start_equity=state.equity if known else None,
        day_start_highest_close=state.highest_close,
        trades_today=0,
    )


class CashFlow(StrEnum):
    """What moves money without a trade."""

    PAYOUT_REQUESTED = "payout_requested"
    PAYOUT_PAID = "payout_paid"


def cash_flow(
    state: AccountState, event: CashFlow, amount: Decimal, *, peaks_reset_to: Decimal | None = None
) -> AccountState:
    """The state after a payout is asked for or paid; `amount` (above zero) leaves the account when paid.

    A paid one lowers the day's anchors with the balance: it is no loss. Peaks stay, so a trailing floor
    does too; `peaks_reset_to` is given where the program starts its floor anew (FTMO 1-Step): then a floor
    that was reported before no longer counts.
    """
    if event is CashFlow.PAYOUT_REQUESTED:
        return replace(state, payouts_requested=state.payouts_requested + 1)
    state = replace(
        state,
        balance=state.balance - amount,
        equity=state.equity - amount,
        day_start_balance=_less(state.day_start_balance, amount),
        day_start_equity=_less(state.day_start_equity, amount),
        payouts_requested=max(state.payouts_requested, state.payouts_paid + 1),
        payouts_paid=state.payouts_paid + 1,
    )
    if peaks_reset_to is None:
        return state
    return replace(
        state,
        highest_equity=max(peaks_reset_to, state.equity),
        highest_close=peaks_reset_to,
        day_start_highest_close=peaks_reset_to,
        reported_floor=None,
        highest_balance=max(peaks_reset_to, state.balance),
    )


def _told(reported: Decimal | None, known: Decimal | None) -> Decimal | None:
    return known if reported is None else reported


def _raised(peak: Decimal | None, value: Decimal | None) -> Decimal | None:
    """The peak after `value`. An unknown peak stays unknown: it may have been higher."""
    return peak if peak is None or value is None else max(peak, value)


def _less(anchor: Decimal | None, amount: Decimal) -> Decimal | None:
    return None if anchor is None else anchor - amount
