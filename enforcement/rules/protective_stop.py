"""The order carries a stop, so that its loss has a bound."""

from enforcement.context import OrderContext
from enforcement.decision import GUARD, BreachType, Finding, Outcome

RULE = "protective_stop"
MESSAGES = {
    "protective_stop.present": "The order carries a stop.",
    "protective_stop.reduces": "An exit needs no stop.",
    "protective_stop.assumed": "No stop: the account's own worst case of {observed} ticks is assumed.",
    "protective_stop.required": "The program requires a stop and the alert has none.",
    "protective_stop.no_bound": "The alert has no stop, so its loss has no bound. Send a stop, or set a worst-case distance on the account.",
}
_PRESENT = Finding(RULE, "protective_stop.present", Outcome.PASS, BreachType.RISK)


def check(ctx: OrderContext) -> Finding:
    """Refuses without a stop where the program wants one, or where nothing else bounds the loss."""
    if ctx.intent.reduces:
        return _finding("reduces", Outcome.PASS)
    if ctx.intent.stop_loss is not None:
        return _PRESENT
    if ctx.terms.stop_required:
        return _finding("required", Outcome.DENY)
    if ctx.guard.no_stop_ticks is None:
        return _finding("no_bound", Outcome.DENY)._replace(by=GUARD)
    return Finding(
        RULE,
        "protective_stop.assumed",
        Outcome.WARN,
        BreachType.RISK,
        observed=ctx.guard.no_stop_ticks,
        by=GUARD,
    )


def _finding(code: str, outcome: Outcome) -> Finding:
    return Finding(RULE, f"{RULE}.{code}", outcome, BreachType.RISK)
