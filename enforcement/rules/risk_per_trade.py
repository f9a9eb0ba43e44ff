"""One order risks no more than its share of equity."""

from decimal import Decimal

from enforcement.context import OrderContext
from enforcement.decision import BreachType, Finding, Outcome
from enforcement.exposure import stop_loss_money

RULE = "risk_per_trade"
MESSAGES = {
    "risk_per_trade.not_set": "The program has no limit on the risk of one order.",
    "risk_per_trade.reduces": "An exit risks nothing.",
    "risk_per_trade.unknown": "The risk of the order can't be known: {missing} is missing.",
    "risk_per_trade.within": "The order risks {observed:money} of {limit:money} allowed ({share:percent} of equity).",
    "risk_per_trade.over": "The order risks {observed:money} to its stop, allowed are {limit:money} ({share:percent} of equity).",
}


def check(ctx: OrderContext) -> Finding:
    """Refuses when the loss at the stop is above the share; exactly at it passes.

    The firm's arithmetic: stop distance in ticks x tick value x contracts, without the guard's slippage
    and commission; an account that starts at 0 is measured by its
    nominal size instead of its equity. Without a stop the guard's assumed distance counts, if there is one.
    """
    share = ctx.terms.max_risk_share
    if share is None:
        return Finding(RULE, "risk_per_trade.not_set", Outcome.PASS, BreachType.RISK)
    if ctx.intent.reduces:
        return Finding(RULE, "risk_per_trade.reduces", Outcome.PASS, BreachType.RISK)
    if ctx.state is None:
        return _unknown("equity")
    risk = _risk_at_stop(ctx)
    if risk is None:
        return _unknown("the stop, the price, the size or the instrument")
    base = ctx.state.equity if ctx.terms.starting_balance else ctx.terms.size
    limit = base * share
    over = risk > limit
    return Finding(
        RULE,
        "risk_per_trade.over" if over else "risk_per_trade.within",
        Outcome.DENY if over else Outcome.PASS,
        BreachType.RISK,
        observed=risk,
        limit=limit,
        room=limit,
        facts={"share": share},
    )


def _risk_at_stop(ctx: OrderContext) -> Decimal | None:
    intent, instrument = ctx.intent, ctx.intent.instrument
    if instrument is None or intent.quantity is None or instrument.currency != ctx.terms.currency:
        return None
    if intent.stop_loss is None:
        ticks = ctx.guard.no_stop_ticks
        return None if ticks is None else ticks * instrument.tick_value * intent.quantity
    if intent.entry_price is None:
        return None
    return stop_loss_money(instrument, intent.entry_price, intent.stop_loss, intent.quantity)


def _unknown(missing: str) -> Finding:
    return Finding(
        RULE, "risk_per_trade.unknown", Outcome.UNDETERMINED, BreachType.RISK, facts={"missing": missing}
    )
