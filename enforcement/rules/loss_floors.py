"""Equity stays above every floor: now, if every stop were hit, over the next reset, after a run-up."""

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal

from enforcement.account import AccountState
from enforcement.context import OrderContext
from enforcement.decision import FIRM, GUARD, OWNER, BreachType, Finding, Outcome
from enforcement.exposure import open_risk, order_risk
from enforcement.floors import FloorLevel
from enforcement.program import HoldsOverReset
from enforcement.prospects import follow_equity, prospects

RULE = "loss_floors"
ZERO = Decimal(0)
MESSAGES = {
    "loss_floors.above": "At worst equity is {observed:money}, the highest floor is {limit:money}.",
    "loss_floors.reduces": "An exit brings equity no nearer to a floor.",
    "loss_floors.equity_unknown": "Equity is not known, so the room above the floors isn't either.",
    "loss_floors.floor_unknown": "The {kind} floor can't be computed: what it is measured from is not known for this trading day.",
    "loss_floors.loss_unknown": "The worst case has no bound: an open position or this order has no stop, no price or no known tick value.",
    "daily_loss.at_floor": "Equity {equity:money} is at the daily floor of {limit:money}.",
    "daily_loss.would_breach": "At its stop this order would leave {observed:money}, the daily floor is {limit:money}: it risks {risk:money} and {room:money} are left.",
    "daily_loss.over_reset": "Held over the next reset, this order would at its stop leave {observed:money}, and the daily floor will be {limit:money}: it risks {risk:money} and {room:money} are left.",
    "daily_loss.may_cross_reset": "If it is held over the next reset, this order would at its stop leave {observed:money}, and the daily floor will be {limit:money}.",
    "drawdown.at_floor": "Equity {equity:money} is at the drawdown floor of {limit:money}.",
    "drawdown.would_breach": "At its stop this order would leave {observed:money}, the drawdown floor is {limit:money}: it risks {risk:money} and {room:money} are left.",
    "drawdown.over_reset": "Held over the next close, this order would at its stop leave {observed:money}, and the drawdown floor will be {limit:money}: it risks {risk:money} and {room:money} are left.",
    "drawdown.may_cross_reset": "If it is held over the next close, this order would at its stop leave {observed:money}, and the drawdown floor will be {limit:money}.",
    "daily_loss.run_up_would_breach": "If price runs to the target, or an open position is stopped, before this order is: {observed:money} would be left, and the daily floor will have risen to {limit:money}: it risks {risk:money} and {room:money} are left.",
    "drawdown.run_up_would_breach": "If price runs to the target and back to the stop, {observed:money} would be left, and the trailing floor will have risen to {limit:money}: it risks {risk:money} and {room:money} are left.",
    "drawdown.run_up": "A favourable run raises the trailing floor of {limit:money} before the stop is hit: give back no more than the drawdown from the peak.",
}


def check(ctx: OrderContext) -> Finding:
    """Refuses when the worst case puts equity at or under a floor (under it where only that breaches).

    Worst case: equity, less the loss at the stops of open positions, of everything working and of this
    order, slippage allowance and commissions included, less the account's own buffer. Held against every
    floor now; against those of the next reset or close, where the position may be held over it; and
    against an intraday trailing floor as it would be after a run to the target. Of the floors crossed,
    hard ones come before soft ones, then the higher one; it names the breach type.
    """
    if ctx.intent.reduces:
        return Finding(RULE, "loss_floors.reduces", Outcome.PASS, BreachType.DRAWDOWN)
    state = ctx.state
    if state is None:
        return _unknown("equity_unknown", BreachType.DRAWDOWN)
    projected = ctx.projected_equity
    crossed = _worst_of(ctx, state, ctx.levels, state.equity if projected is None else projected)
    if crossed is not None:
        at_floor = _is_crossed(ctx, state, crossed, state.equity)
        return _crossed(ctx, state, crossed, "at_floor" if at_floor else "would_breach")
    for at in ctx.levels:
        if at.level is None:
            return _unknown("floor_unknown", at.floor.kind.value)
    if projected is None:
        return _unknown("loss_unknown", BreachType.DRAWDOWN)
    return _in_prospect(ctx, state, projected) or _above(ctx, state, projected)


def _in_prospect(ctx: OrderContext, state: AccountState, projected: Decimal) -> Finding | None:
    """The first refusal by what may come before the stop; else a warning."""
    warning = None
    asks = ctx.guard.holds(ctx.terms) is HoldsOverReset.ASK
    for then, over_reset in prospects(ctx, state):
        crossed = _worst_of(ctx, state, ctx.levels_in(then), projected)
        if crossed is None:
            continue
        if over_reset and asks:
            warning = _crossed(ctx, state, crossed, "may_cross_reset")._replace(outcome=Outcome.WARN)
        else:
            return _crossed(ctx, state, crossed, "over_reset" if over_reset else "run_up_would_breach")
    if warning is None and ctx.guard.count_run_up and ctx.gain_at_target is None:
        highest = max(follow_equity(ctx), default=None)
        if highest is not None:
            return Finding(
                RULE, "drawdown.run_up", Outcome.WARN, BreachType.DRAWDOWN, observed=projected, limit=highest,
                by=GUARD,
            )  # fmt: skip
    return warning


def _above(ctx: OrderContext, state: AccountState, projected: Decimal) -> Finding:
    highest = max((at.level for at in ctx.levels if at.level is not None), default=None)
    room = None if highest is None else state.equity - highest
    worst = projected - ctx.guard.floor_buffer
    return Finding(
        RULE, "loss_floors.above", Outcome.PASS, BreachType.DRAWDOWN, observed=worst, limit=highest, room=room
    )


def _worst_of(
    ctx: OrderContext, state: AccountState, levels: Iterable[FloorLevel], worst: Decimal
) -> FloorLevel | None:
    """Of the floors that the worst case crosses the one that counts: hard before soft, then the higher."""
    crossed = [at for at in levels if _is_crossed(ctx, state, at, worst)]
    if not crossed:
        return None
    return max(crossed, key=lambda at: (at.floor.is_hard, at.level))


def _is_crossed(ctx: OrderContext, state: AccountState, at: FloorLevel, worst: Decimal) -> bool:
    """Where the lower of equity and balance counts, this order and what is working may be stopped while
    an open position still runs."""
    buffer = _buffer(ctx, state, at.level)
    at_stake = ZERO if worst == state.equity else (ctx.order_risk or ZERO) + _reserved(ctx)
    balance = state.balance - at_stake
    return at.is_crossed(worst - buffer, balance - buffer, block_at_floor=ctx.guard.block_at_floor)


def _reserved(ctx: OrderContext) -> Decimal:
    return sum((order.risk for order in ctx.working), ZERO)


def _buffer(ctx: OrderContext, state: AccountState, level: Decimal | None) -> Decimal:
    share = ctx.guard.floor_buffer_share
    if not share or level is None:
        return ctx.guard.floor_buffer
    return ctx.guard.floor_buffer + share * max(state.equity - level, ZERO)


def _crossed(ctx: OrderContext, state: AccountState, at: FloorLevel, what: str) -> Finding:
    kind = at.floor.kind.value
    level = at.level or ZERO
    projected, buffer = ctx.projected_equity, _buffer(ctx, state, at.level)
    worst = (state.equity if projected is None else projected) - buffer
    reserved = (ctx.open_risk or ZERO) + buffer
    return Finding(
        RULE,
        f"{kind}.{what}",
        Outcome.DENY,
        kind,
        observed=worst,
        limit=level,
        room=max(state.equity - level - reserved, ZERO),
        facts={
            "equity": state.equity,
            "risk": ctx.order_risk,
            "consequence": at.floor.consequence.value,
        },
        by=_whose(ctx, state, at, what),
    )


def _whose(ctx: OrderContext, state: AccountState, at: FloorLevel, what: str) -> str:
    """The owner's own limit; the guard's, where the firm's own arithmetic would have let it pass."""
    if at.floor.personal:
        return OWNER
    if what not in ("at_floor", "would_breach"):
        return GUARD
    bare = replace(ctx.guard, slippage_ticks=ZERO)
    still, new = open_risk(ctx.positions, ctx.working, bare), None
    if ctx.order_risk is not None:
        new = order_risk(ctx.intent, bare)
    if what == "at_floor" or still is None or new is None:
        return FIRM if at.is_crossed(state.equity, state.balance) else GUARD
    balance = state.balance - new - _reserved(ctx)
    return FIRM if at.is_crossed(state.equity - still - new, balance) else GUARD


def _unknown(code: str, kind: str) -> Finding:
    return Finding(RULE, f"{RULE}.{code}", Outcome.UNDETERMINED, kind, facts={"kind": kind.replace("_", " ")})
