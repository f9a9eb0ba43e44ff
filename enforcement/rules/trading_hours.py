"""The order comes in a session the program allows, within its hours, in time to be flat again."""

from datetime import datetime

from enforcement.calendar import session_at
from enforcement.context import OrderContext
from enforcement.decision import BreachType, Finding, Outcome
from enforcement.holding import evaluate_closing, evaluate_holding
from enforcement.trading_window import Window, window_of

RULE = "trading_hours"
MESSAGES = {
    "trading_hours.not_set": "The program allows every session, at any hour.",
    "trading_hours.reduces": "An exit is allowed at any hour.",
    "trading_hours.allowed": "{observed} is an allowed session, and it is open.",
    "trading_hours.in_hours": "The program's hours are open.",
    "trading_hours.session_unknown": "No session is named and none is open now; allowed: {limit}.",
    "trading_hours.session_not_allowed": "The session {observed} is not allowed; allowed: {limit}.",
    "trading_hours.clock_outside": "By the clock it is {observed}, which is not allowed; allowed: {limit}.",
    "trading_hours.not_open": "The program's hours are closed; they open at {limit}.",
    "trading_hours.too_late": "It is {observed}: the program lets positions be opened until {limit}, and trades again after its close.",
    "trading_hours.closes_soon": "It is {observed}: what is opened now would be closed at once, {limit} minutes before nothing may be held.",
    "trading_hours.holiday": "It is {observed}: because of {why} positions may be opened until {limit} only.",
}
_IN_HOURS = Finding(RULE, "trading_hours.in_hours", Outcome.PASS, BreachType.SESSION)
_NOT_SET = Finding(RULE, "trading_hours.not_set", Outcome.PASS, BreachType.SESSION)


def check(ctx: OrderContext) -> Finding:
    """Refuses outside the program's hours, from flat-by (less its lead) on, on holidays and after early
    closes, and when the owner's own lead has begun in which positions are closed; and unless the alert's
    session and the clock's are both allowed: a word never widens.

    At the closing instant itself it is closed.
    """
    if ctx.intent.reduces:
        return Finding(RULE, "trading_hours.reduces", Outcome.PASS, BreachType.SESSION)
    allowed = ctx.terms.allowed_sessions
    if allowed is not None:
        names = ", ".join(session.name for session in allowed) or "none"
        word = ctx.intent.session
        if word is None:
            return _denied("session_unknown", None, names, Outcome.UNDETERMINED)
        if all(session.name != word for session in allowed):
            return _denied("session_not_allowed", word, names)
        if session_at(ctx.now, allowed) is None:
            return _denied("clock_outside", "outside these sessions", names)
    group = "" if ctx.intent.instrument is None else ctx.intent.instrument.group
    window = window_of(ctx.terms, ctx.now, group)
    if window is not None and not window.lets_open(ctx.now):
        return _shut(ctx.now, window)
    if _would_be_closed(ctx):
        return _denied("closes_soon", f"{ctx.now:%H:%M:%S} UTC", str(ctx.guard.flatten_lead_minutes))
    if window is not None:
        return _IN_HOURS
    if allowed is None:
        return _NOT_SET
    return Finding(
        RULE, "trading_hours.allowed", Outcome.PASS, BreachType.SESSION, observed=word, limit=names
    )


def _would_be_closed(ctx: OrderContext) -> bool:
    """Whether the owner's own lead closes it again at once. What may not be held now, others refuse."""
    instrument = ctx.intent.instrument
    if instrument is None or not evaluate_closing(ctx, instrument).outcome.blocks:
        return False
    return not evaluate_holding(ctx, instrument).outcome.blocks


def _shut(now: datetime, window: Window) -> Finding:
    at, last = f"{now:%H:%M:%S} UTC", f"{window.last_entry:%Y-%m-%d %H:%M} UTC"
    if now < window.opens:
        return _denied("not_open", at, f"{window.opens:%Y-%m-%d %H:%M} UTC")
    if window.closure:
        return _denied("holiday", at, last)._replace(facts={"why": window.closure})
    return _denied("too_late", at, last)


def _denied(code: str, observed: str | None, allowed: str, outcome: Outcome = Outcome.DENY) -> Finding:
    return Finding(RULE, f"{RULE}.{code}", outcome, BreachType.SESSION, observed=observed, limit=allowed)
