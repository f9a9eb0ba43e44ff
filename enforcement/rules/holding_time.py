"""A position is held as long as the firm wants it to be: said of exits, which it never stops."""

from datetime import timedelta

from enforcement.context import OrderContext
from enforcement.decision import BreachType, Finding, Outcome

RULE = "holding_time"
MESSAGES = {
    "holding_time.not_set": "The program has no shortest holding time.",
    "holding_time.opens": "A new position has no holding time yet.",
    "holding_time.unknown": "It is not known when the position was opened; the program wants {limit} s.",
    "holding_time.long_enough": "The position was held for {observed} s, the program wants {limit} s.",
    "holding_time.too_short": "The position was held for {observed} s, the program wants at least {limit} s: the firm flags trades closed sooner.",
}
ONE_SECOND = timedelta(seconds=1)
_NOT_SET = Finding(RULE, "holding_time.not_set", Outcome.PASS, BreachType.SESSION)


def check(ctx: OrderContext) -> Finding:
    """The firm's word on an exit that comes too soon; at exactly the shortest time it is fine."""
    shortest = ctx.terms.min_hold_seconds
    if shortest is None:
        return _NOT_SET
    if not ctx.intent.reduces:
        return Finding(RULE, "holding_time.opens", Outcome.PASS, BreachType.SESSION)
    opened_at = ctx.intent.opened_at
    if opened_at is None:
        return Finding(RULE, "holding_time.unknown", Outcome.WARN, BreachType.SESSION, limit=shortest)
    held = (ctx.now - opened_at) // ONE_SECOND
    short = held < shortest
    return Finding(
        RULE,
        "holding_time.too_short" if short else "holding_time.long_enough",
        Outcome.DENY if short else Outcome.PASS,
        BreachType.SESSION,
        observed=held,
        limit=shortest,
    )
