"""The signal is recent: a late entry is another trade."""

from enforcement.context import OrderContext
from enforcement.decision import BreachType, Finding, Outcome

RULE = "signal_fresh"
# A market entry that has not left this long after its signal arrived is not sent any more.
ENTRY_LIFETIME_SECONDS = 15
CLOCK_TOLERANCE_SECONDS = 60
MESSAGES = {
    "signal_fresh.fresh": "The signal is {observed} s old, {limit} s are allowed.",
    "signal_fresh.expired": "The signal arrived {observed} s ago; a market entry is sent within {limit} s or not at all.",
    "signal_fresh.late": "The alert is dated {observed} s before now, at most {limit} s are allowed.",
    "signal_fresh.from_the_future": "The alert is dated {observed} s in the future, at most {limit} s are believed.",
}


def check(ctx: OrderContext) -> Finding:
    """Refuses an order past its lifetime, or whose alert carries an old (or a future) time of its own."""
    waited = int((ctx.now - ctx.intent.signalled_at).total_seconds())
    if waited >= ENTRY_LIFETIME_SECONDS:
        return _finding("expired", Outcome.DENY, waited, ENTRY_LIFETIME_SECONDS)
    if ctx.intent.alert_time is None:
        return _finding("fresh", Outcome.PASS, max(waited, 0), ENTRY_LIFETIME_SECONDS)
    age = int((ctx.now - ctx.intent.alert_time).total_seconds())
    limit = ctx.guard.max_signal_age_seconds
    if age > limit:
        return _finding("late", Outcome.DENY, age, limit)
    if age < -CLOCK_TOLERANCE_SECONDS:
        return _finding("from_the_future", Outcome.UNDETERMINED, -age, CLOCK_TOLERANCE_SECONDS)
    return _finding("fresh", Outcome.PASS, max(age, 0), limit)


def _finding(code: str, outcome: Outcome, age: int, limit: int) -> Finding:
    return Finding(RULE, f"{RULE}.{code}", outcome, BreachType.STALE, observed=age, limit=limit)
