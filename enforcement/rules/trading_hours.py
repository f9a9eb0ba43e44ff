"""The order's session is one the program allows."""

from enforcement.calendar import session_at
from enforcement.context import OrderContext
from enforcement.decision import BreachType, Finding, Outcome

RULE = "trading_hours"
MESSAGES = {
    "trading_hours.not_set": "The program allows every session.",
    "trading_hours.allowed": "{observed} is an allowed session, and it is open.",
    "trading_hours.session_unknown": "No session is named and none is open now; allowed: {limit}.",
    "trading_hours.session_not_allowed": "The session {observed} is not allowed; allowed: {limit}.",
    "trading_hours.clock_outside": "By the clock it is {observed}, which is not allowed; allowed: {limit}.",
}


def check(ctx: OrderContext) -> Finding:
    """Refuses unless the alert's session and the clock's are both allowed: a word never widens."""
    allowed = ctx.terms.allowed_sessions
    if allowed is None:
        return Finding(RULE, "trading_hours.not_set", Outcome.PASS, BreachType.SESSION)
    names = ", ".join(session.name for session in allowed) or "none"
    word = ctx.intent.session
    if word is None:
        return _denied("session_unknown", None, names, Outcome.UNDETERMINED)
    if all(session.name != word for session in allowed):
        return _denied("session_not_allowed", word, names)
    if session_at(ctx.now, allowed) is None:
        return _denied("clock_outside", "outside these sessions", names)
    return Finding(
        RULE, "trading_hours.allowed", Outcome.PASS, BreachType.SESSION, observed=word, limit=names
    )


def _denied(code: str, observed: str | None, allowed: str, outcome: Outcome = Outcome.DENY) -> Finding:
    return Finding(RULE, f"{RULE}.{code}", outcome, BreachType.SESSION, observed=observed, limit=allowed)
