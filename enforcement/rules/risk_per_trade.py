"""One order, or one trade idea, risks no more than its share."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from enforcement.context import OrderContext
from enforcement.decision import FIRM, OWNER, BreachType, Finding, Outcome
from enforcement.exposure import position_risk, stop_loss_money
from enforcement.floors import FloorKind, LossFloor
from enforcement.program import RiskOf

RULE = "risk_per_trade"
ZERO = Decimal(0)
MESSAGES = {
    "risk_per_trade.not_set": "The program has no limit on the risk of one order.",
    "risk_per_trade.reduces": "An exit risks nothing.",
    "risk_per_trade.unknown": "The risk of the order can't be known: {missing} is missing.",
    "risk_per_trade.within": "The order risks {observed:money} of {limit:money} allowed ({share:percent} of {what}).",
    "risk_per_trade.over": "The order risks {observed:money} to its stop, allowed are {limit:money} ({share:percent} of {what}).",
    "risk_per_trade.idea_over": "The trade idea risks {observed:money} ({before:money} of it before this order), allowed are {limit:money} ({share:percent} of {what}).",
    "risk_per_trade.whole_day": "The order risks {observed:money} to its stop: the whole daily limit of {limit:money} on one trade is prohibited.",
}
_WHAT = {
    RiskOf.EQUITY: "equity",
    RiskOf.BALANCE: "the balance",
    RiskOf.INITIAL: "the account's size",
    RiskOf.DAY_LOSS: "the daily limit",
    RiskOf.DAY_PROFIT: "the day's starting profit",
}
_NOT_SET = Finding(RULE, "risk_per_trade.not_set", Outcome.PASS, BreachType.RISK)


def check(ctx: OrderContext) -> Finding:
    """Refuses when the loss at the stop is above the share; exactly at it passes (a share of the daily
    limit: reaching it is refused, "the whole daily limit on one trade").

    The firm's arithmetic: stop distance in ticks x tick value x contracts, without the guard's slippage
    and commission. A share of equity on an account that starts at 0 is of its nominal size. Where the
    program counts trade ideas, what the idea has lost and still risks comes on top (FundingPips: the same
    market and side, open together or entered again within the window). Without a stop the guard's
    assumed distance counts, if there is one.
    """
    terms = ctx.terms
    if terms.max_risk_share is None and terms.max_equity_risk_share is None:
        return _NOT_SET
    if ctx.intent.reduces:
        return Finding(RULE, "risk_per_trade.reduces", Outcome.PASS, BreachType.RISK)
    if ctx.state is None:
        return _unknown("equity")
    risk = risk_at_stop(ctx)
    if risk is None:
        return _unknown("the stop, the price, the size or the instrument")
    findings = []
    for share, risk_of, by in (
        (terms.max_risk_share, terms.risk_of, FIRM),
        (terms.max_equity_risk_share, RiskOf.EQUITY, OWNER),
    ):
        if share is not None:
            findings.append(_against(ctx, risk, share, risk_of, by))
    return max(findings, key=lambda finding: finding.outcome)


def _against(ctx: OrderContext, risk: Decimal, share: Decimal, risk_of: RiskOf, by: str) -> Finding:
    base = _base(ctx, risk_of)
    if base is None:
        return _unknown(_WHAT[risk_of])
    limit = base * share
    before = _idea_before(ctx) if by == FIRM else ZERO
    observed = risk + before
    over = observed >= limit if risk_of is RiskOf.DAY_LOSS else observed > limit
    code = "within"
    if over and risk_of is RiskOf.DAY_LOSS and share == 1:
        code = "whole_day"
    elif over:
        code = "idea_over" if before else "over"
    return Finding(
        RULE,
        f"risk_per_trade.{code}",
        Outcome.DENY if over else Outcome.PASS,
        BreachType.RISK,
        observed=observed,
        limit=limit,
        room=max(limit - before, ZERO),
        facts={"share": share, "what": _WHAT[risk_of], "before": before},
        by=by,
    )


def _base(ctx: OrderContext, risk_of: RiskOf) -> Decimal | None:
    """What the share is of, in money; None where it is not known."""
    state, terms = ctx.state, ctx.terms
    if state is None:
        return None
    if risk_of is RiskOf.INITIAL:
        return terms.size
    if risk_of in (RiskOf.EQUITY, RiskOf.BALANCE):
        if not terms.starting_balance:  # an account that starts at 0
            return terms.size
        return state.equity if risk_of is RiskOf.EQUITY else state.balance
    if state.day_start_balance is None:
        return None
    if risk_of is RiskOf.DAY_LOSS:
        distances = [
            state.day_start_balance - at.level
            for at in ctx.levels
            if at.level is not None and at.floor.kind is FloorKind.DAILY_LOSS and not at.floor.personal
        ]
        return min(distances, default=None)
    profit = state.day_start_balance - terms.starting_balance
    drawdowns = [_distance(at.floor, terms.size) for at in ctx.levels if at.floor.kind is FloorKind.DRAWDOWN]
    return max([profit, *drawdowns])


def _distance(floor: LossFloor, size: Decimal) -> Decimal:
    return (floor.share or ZERO) * size if floor.amount is None else floor.amount


def risk_at_stop(ctx: OrderContext) -> Decimal | None:
    """What the order loses at its stop, in the account's currency, by the firm's arithmetic."""
    intent, instrument = ctx.intent, ctx.intent.instrument
    if instrument is None or intent.quantity is None or instrument.currency != ctx.terms.currency:
        return None
    if intent.stop_loss is None:
        ticks = ctx.guard.no_stop_ticks
        return None if ticks is None else ticks * instrument.tick_value * intent.quantity
    if intent.entry_price is None:
        return None
    return stop_loss_money(instrument, intent.entry_price, intent.stop_loss, intent.quantity)


def _idea_before(ctx: OrderContext) -> Decimal:
    """What the order's idea has at risk already: positions and working orders of its market and side, and
    what it has lost within the program's window."""
    own = ctx.intent.instrument
    if ctx.terms.idea_window_minutes is None or own is None:
        return ZERO
    since = ctx.now - timedelta(minutes=ctx.terms.idea_window_minutes)
    mine = (own.family, ctx.intent.side.sign)
    total = sum((x.loss for x in ctx.activity.losses if x.at > since and (x.family, x.sign) == mine), ZERO)
    bare = replace(ctx.guard, slippage_ticks=ZERO, commission_per_side=ZERO)
    for held in ctx.positions:
        if held.instrument.family == own.family and held.quantity * ctx.intent.side.sign > 0:
            total += position_risk(held, bare) or ZERO
    for order in ctx.working:
        if order.instrument.family == own.family and order.side is ctx.intent.side:
            total += order.risk
    return total


def _unknown(missing: str) -> Finding:
    return Finding(
        RULE, "risk_per_trade.unknown", Outcome.UNDETERMINED, BreachType.RISK, facts={"missing": missing}
    )
