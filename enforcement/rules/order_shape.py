"""The order makes sense: a size, a price, both on the instrument's grid, the stop on the losing side."""

from decimal import Decimal

from enforcement.context import OrderContext
from enforcement.decision import BreachType, Fact, Finding, Outcome
from enforcement.orders import Side

RULE = "order_shape"
MESSAGES = {
    "order_shape.sound": "Size, price and stop fit the instrument.",
    "order_shape.no_instrument": "Without a known instrument, size and price can't be judged.",
    "order_shape.size_missing": "The alert has no usable number of contracts.",
    "order_shape.size_not_positive": "The size {observed} is not above zero.",
    "order_shape.size_off_step": "The size {observed} is not a multiple of {limit}.",
    "order_shape.price_missing": "The alert has no entry price, so nothing can be computed from it.",
    "order_shape.price_off_tick": "The price {observed} is not on the tick of {limit}.",
    "order_shape.stop_on_wrong_side": "The stop {observed} does not protect a {side} at {limit}: it must be {where} the entry.",
    "order_shape.target_on_wrong_side": "The target {observed} is no profit for a {side} at {limit}: it must be {where} the entry.",
}
_SOUND = Finding(RULE, "order_shape.sound", Outcome.PASS, BreachType.INSTRUMENT)


def check(ctx: OrderContext) -> Finding:
    """Refuses sizes off the step, prices off the tick, stops and targets at or beyond the wrong side.

    An exit needs none of this: its size comes from the position.
    """
    intent, instrument = ctx.intent, ctx.intent.instrument
    if instrument is None:
        return _finding("no_instrument", Outcome.UNDETERMINED)
    if intent.reduces:
        return _SOUND
    if intent.quantity is None:
        return _finding("size_missing", Outcome.UNDETERMINED, breach_type=BreachType.CONTRACTS)
    if intent.quantity <= 0:
        return _finding("size_not_positive", Outcome.DENY, intent.quantity, breach_type=BreachType.CONTRACTS)
    if intent.quantity % instrument.step != 0:
        return _finding("size_off_step", Outcome.DENY, intent.quantity, instrument.step, BreachType.CONTRACTS)
    if intent.entry_price is None:
        return _finding("price_missing", Outcome.UNDETERMINED)
    for price in (intent.entry_price, intent.stop_loss, intent.target):
        if price is not None and not instrument.is_on_tick(price):
            return _finding("price_off_tick", Outcome.DENY, price, instrument.tick_size)
    return _sides(ctx, intent.entry_price)


def _sides(ctx: OrderContext, entry: Decimal) -> Finding:
    intent = ctx.intent
    sign = intent.side.sign
    if intent.stop_loss is not None and (entry - intent.stop_loss) * sign <= 0:
        return _wrong_side("stop", intent.side, intent.stop_loss, entry, below=sign > 0)
    if intent.target is not None and (intent.target - entry) * sign <= 0:
        return _wrong_side("target", intent.side, intent.target, entry, below=sign < 0)
    return _SOUND


def _wrong_side(what: str, side: Side, price: Decimal, entry: Decimal, *, below: bool) -> Finding:
    return Finding(
        RULE,
        f"{RULE}.{what}_on_wrong_side",
        Outcome.DENY,
        BreachType.INSTRUMENT,
        observed=price,
        limit=entry,
        facts={"side": side.value, "where": "below" if below else "above"},
    )


def _finding(
    code: str,
    outcome: Outcome,
    observed: Fact = None,
    limit: Fact = None,
    breach_type: str = BreachType.INSTRUMENT,
) -> Finding:
    return Finding(RULE, f"{RULE}.{code}", outcome, breach_type, observed=observed, limit=limit)
