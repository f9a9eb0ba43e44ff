"""Equity stays above every floor, now and if every stop were hit."""

from decimal import Decimal

from enforcement.context import OrderContext
from enforcement.decision import BreachType, Finding, Outcome
from enforcement.floors import Consequence, FloorLevel

RULE = "loss_floors"
MESSAGES = {
    "loss_floors.above": "At worst equity is {observed:money}, the highest floor is {limit:money}.",
    "loss_floors.reduces": "An exit brings equity no nearer to a floor.",
    "loss_floors.equity_unknown": "Equity is not known, so the room above the floors isn't either.",
    "loss_floors.floor_unknown": "The {kind} floor can't be computed: what it is measured from is not known for this trading day.",
    "loss_floors.loss_unknown": "The worst case has no bound: an open position or this order has no stop, no price or no known tick value.",
    "daily_loss.at_floor": "Equity {equity:money} is at the daily floor of {limit:money}.",
    "daily_loss.would_breach": "At its stop this order would leave {observed:money}, the daily floor is {limit:money}: it risks {risk:money} and {room:money} are left.",
    "drawdown.at_floor": "Equity {equity:money} is at the drawdown floor of {limit:money}.",
    "drawdown.would_breach": "At its stop this order would leave {observed:money}, the drawdown floor is {limit:money}: it risks {risk:money} and {room:money} are left.",
}


def check(ctx: OrderContext) -> Finding:
    """Refuses when the worst case puts equity at or under a floor (under it where only that breaches).

    Worst case: equity, less the loss at the stops of open positions, of everything working and of this
    order, slippage allowance and commissions included, less the account's own buffer. Of the floors
    crossed, hard ones come before soft ones, then the higher one; it names the breach type.
    """
    if ctx.intent.reduces:
        return Finding(RULE, "loss_floors.reduces", Outcome.PASS, BreachType.DRAWDOWN)
    state = ctx.state
    if state is None:
        return _unknown("equity_unknown", BreachType.DRAWDOWN)
    known = [(at.level, at) for at in ctx.levels if at.level is not None]
    projected = ctx.projected_equity
    worst = (state.equity if projected is None else projected) - ctx.guard.floor_buffer
    crossed = [
        (at.floor.consequence is Consequence.HARD, level, at)
        for level, at in known
        if at.floor.is_crossed(worst, level, block_at_floor=ctx.guard.block_at_floor)
    ]
    if crossed:
        _, level, at = max(crossed, key=lambda candidate: candidate[:2])
        return _crossed(ctx, at, level, state.equity, worst)
    for at in ctx.levels:
        if at.level is None:
            return _unknown("floor_unknown", at.floor.kind.value)
    if projected is None:
        return _unknown("loss_unknown", BreachType.DRAWDOWN)
    highest = max((level for level, _ in known), default=None)
    room = None if highest is None else state.equity - highest
    return Finding(
        RULE, "loss_floors.above", Outcome.PASS, BreachType.DRAWDOWN, observed=worst, limit=highest, room=room
    )


def _crossed(ctx: OrderContext, at: FloorLevel, level: Decimal, equity: Decimal, worst: Decimal) -> Finding:
    kind = at.floor.kind.value
    already = at.floor.is_crossed(equity, level, block_at_floor=ctx.guard.block_at_floor)
    reserved = (ctx.open_risk or Decimal(0)) + ctx.guard.floor_buffer
    return Finding(
        RULE,
        f"{kind}.at_floor" if already else f"{kind}.would_breach",
        Outcome.DENY,
        kind,
        observed=worst,
        limit=level,
        room=max(equity - level - reserved, Decimal(0)),
        facts={"equity": equity, "risk": ctx.order_risk, "consequence": at.floor.consequence.value},
    )


def _unknown(code: str, kind: str) -> Finding:
    return Finding(RULE, f"{RULE}.{code}", Outcome.UNDETERMINED, kind, facts={"kind": kind.replace("_", " ")})
