"""What may have become of the account by the time an order is stopped: the floors may stand higher then.

Open positions may have been stopped first (a stop in profit secures it), price may have run to the order's
target, and the day may have closed or turned. Each is a state of its own; the worst case is held against the
floors of all of them. Only what can raise a floor is looked at: for most orders that is nothing.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from enforcement.account import AccountState
from enforcement.context import OrderContext
from enforcement.floors import Anchor, LockTrigger, LossFloor, ShareOf
from enforcement.program import HoldsOverReset
from enforcement.trading_window import window_of

ZERO, CENT = Decimal(0), Decimal("0.01")
_BY_THE_DAY = frozenset({Anchor.DAY_START_BALANCE, Anchor.DAY_START_HIGHER, Anchor.HIGHEST_CLOSE})


class Prospect(NamedTuple):
    """A state that may come; `over_reset` says that a close or a reset lies before it."""

    state: AccountState
    over_reset: bool


def prospects(ctx: OrderContext, state: AccountState) -> Iterator[Prospect]:
    """States in which a floor may be higher than now. Guard policies: `count_run_up`, `holds_over_reset`."""
    over_close, over_reset = _held_over(ctx)
    runs_to = _run(ctx, state)
    for balance in _balances(ctx, state):
        closed = _with_balance(state, balance)
        ran = closed if runs_to is None else replace(closed, highest_equity=runs_to)
        if ctx.guard.count_run_up and balance >= state.balance:
            if closed is not state:
                yield Prospect(closed, over_reset=False)
            if ran is not closed:
                yield Prospect(ran, over_reset=False)
        if over_close or over_reset:
            yield Prospect(_turned(ctx, closed, over_close, over_reset), over_reset=True)
            if ran is not closed:
                yield Prospect(_turned(ctx, ran, over_close, over_reset), over_reset=True)


def follow_equity(ctx: OrderContext) -> list[Decimal]:
    """The levels of the floors that rise with every favourable tick."""
    return [
        at.level
        for at in ctx.levels
        if at.floor.anchor is Anchor.HIGHEST_EQUITY and not at.locked and at.level is not None
    ]


def _run(ctx: OrderContext, state: AccountState) -> Decimal | None:
    """The peak of equity after a run to the target; None where there is no target or nothing follows it."""
    gain = ctx.gain_at_target
    if gain is None or state.highest_equity is None or not ctx.guard.count_run_up:
        return None
    peak = state.equity + gain
    return peak if peak > state.highest_equity and follow_equity(ctx) else None


def _balances(ctx: OrderContext, state: AccountState) -> list[Decimal]:
    """The balance as it is now; with every open position stopped; and, where amounts go by the profit,
    with all losses and the entry's commission taken off, or just enough of them to go under a step."""
    balances = [state.balance]
    if ctx.positions and ctx.open_risk is not None:
        stopped = state.equity - ctx.open_risk + _reserved(ctx)
        if stopped > state.balance:
            balances.append(stopped)
    steps = [step for at in ctx.levels for step in _steps(at.floor)]
    if steps:
        risk = ZERO if ctx.open_risk is None else ctx.open_risk
        lowest = min(state.balance, state.equity) - risk - _entry_commission(ctx)
        start = ctx.terms.starting_balance
        balances += [start + step - CENT for step in steps if lowest < start + step <= state.balance]
        balances.append(lowest)
    return balances


def _steps(floor: LossFloor) -> list[Decimal]:
    """The profits at which the amount of a floor changes: a loss on the way may take it under one."""
    steps = [tier.from_profit for tier in floor.tiers]
    if floor.share_of is ShareOf.HIGHEST_CLOSE_PROFIT and floor.share_from_profit is not None:
        steps.append(floor.share_from_profit + CENT)
    return steps


def _reserved(ctx: OrderContext) -> Decimal:
    return sum((order.risk for order in ctx.working), ZERO)


def _entry_commission(ctx: OrderContext) -> Decimal:
    if ctx.intent.commission is not None:
        return ctx.intent.commission
    return ctx.guard.commission_per_side * (ctx.intent.quantity or ZERO)


def _with_balance(state: AccountState, balance: Decimal) -> AccountState:
    if balance == state.balance:
        return state
    peak = None if state.highest_balance is None else max(state.highest_balance, balance)
    return replace(state, balance=balance, highest_balance=peak)


def _turned(ctx: OrderContext, state: AccountState, over_close: bool, over_reset: bool) -> AccountState:
    """After the close, the reset, or both: the balance is the one at hand, equity may have run to the
    target."""
    if over_close and state.highest_close is not None:
        highest = max(state.highest_close, state.balance)
        state = replace(state, highest_close=highest, last_close=state.balance)
    if over_reset:
        equity = state.equity + (ctx.gain_at_target or ZERO)
        state = replace(
            state,
            day_start_balance=state.balance,
            day_start_equity=equity,
            day_start_highest_close=state.highest_close,
        )
    return state


def _held_over(ctx: OrderContext) -> tuple[bool, bool]:
    """Whether the position may be held over the next close, and over the next reset."""
    if ctx.guard.holds(ctx.terms) is HoldsOverReset.NEVER:
        return False, False
    if not any(_goes_by_the_day(ctx, at.floor) for at in ctx.levels):
        return False, False
    ends = _ends_at(ctx)
    if ends is None:
        return True, True
    day = ctx.terms.day
    return ends > day.next_close(ctx.now), ends > day.next_reset(ctx.now)


def _goes_by_the_day(ctx: OrderContext, floor: LossFloor) -> bool:
    """Whether the next close or reset can raise a floor: what it is measured from, how far below, or,
    where a close locks a floor that stood still, all at once."""
    state, anchor = ctx.state, floor.anchor
    if state is None:
        return False
    if floor.tiers or floor.share_of is ShareOf.HIGHEST_CLOSE_PROFIT or _jumps_at_a_close(floor):
        return True
    if anchor not in _BY_THE_DAY:
        return False
    if ctx.positions:
        return True
    reached = state.balance
    if anchor is Anchor.HIGHEST_CLOSE:
        return state.highest_close is None or reached > state.highest_close
    if anchor is Anchor.DAY_START_BALANCE:
        return state.day_start_balance is None or reached > state.day_start_balance
    reached = max(reached, state.equity + (ctx.gain_at_target or ZERO))
    known = (state.day_start_balance, state.day_start_equity)
    return any(start is None for start in known) or reached > max(
        start for start in known if start is not None
    )


def _jumps_at_a_close(floor: LossFloor) -> bool:
    return (
        floor.anchor is Anchor.INITIAL
        and floor.lock_at is not None
        and floor.lock_trigger is LockTrigger.CLOSE
    )


def _ends_at(ctx: OrderContext) -> datetime | None:
    """When the position is closed in any case (flat-by, the order's own expiry); None: nobody says."""
    flat = None
    if (ctx.terms.flat_by or ctx.terms.hours) and not ctx.terms.overnight:
        group = "" if ctx.intent.instrument is None else ctx.intent.instrument.group
        window = window_of(ctx.terms, ctx.now, group)
        flat = None if window is None else window.flat
    return min((end for end in (flat, ctx.intent.expires_at) if end is not None), default=None)
