"""The signal is recent: a late entry is another trade."""

from datetime import timedelta

from enforcement.context import OrderContext
from enforcement.decision import GUARD, BreachType, Finding, Outcome

RULE = "signal_fresh"
NO_TIME, ONE_SECOND = timedelta(0), timedelta(seconds=1)
# A market entry that has not left this long after its signal arrived is not sent any more.
ENTRY_LIFETIME_SECONDS = 15
CLOCK_TOLERANCE_SECONDS = 60  # of the sender's clock
OWN_CLOCK_TOLERANCE_SECONDS = 2  # of ours: the same clock wrote both times
MESSAGES = {
    "signal_fresh.fresh": "The signal is {observed} s old, {limit} s are allowed.",
    "signal_fresh.expired": "The signal arrived {observed} s ago; a market entry is sent within {limit} s or not at all.",
    "signal_fresh.clock_wrong": "The signal arrived {observed} s after now: our clock was set back.",
    "signal_fresh.late": "The alert is dated {observed} s before now, at most {limit} s are allowed.",
    "signal_fresh.from_the_future": "The alert is dated {observed} s in the future, at most {limit} s are believed.",
}


def check(ctx: OrderContext) -> Finding:
    """Refuses an order past its lifetime, or whose alert carries an old (or a future) time of its own."""
    waited = ctx.now - ctx.intent.signalled_at
    if waited >= timedelta(seconds=ENTRY_LIFETIME_SECONDS):
        return _finding("expired", Outcome.DENY, waited, ENTRY_LIFETIME_SECONDS)
    if waited < -timedelta(seconds=OWN_CLOCK_TOLERANCE_SECONDS):
        return _finding("clock_wrong", Outcome.UNDETERMINED, -waited, OWN_CLOCK_TOLERANCE_SECONDS)
    if ctx.intent.alert_time is None:
        return _finding("fresh", Outcome.PASS, max(waited, NO_TIME), ENTRY_LIFETIME_SECONDS)
    age = ctx.now - ctx.intent.alert_time
    limit = ctx.guard.max_signal_age_seconds
    if age > timedelta(seconds=limit):
        return _finding("late", Outcome.DENY, age, limit)
    if age < -timedelta(seconds=CLOCK_TOLERANCE_SECONDS):
        return _finding("from_the_future", Outcome.UNDETERMINED, -age, CLOCK_TOLERANCE_SECONDS)
    return _finding("fresh", Outcome.PASS, max(age, NO_TIME), limit)


def _finding(code: str, outcome: Outcome, age: timedelta, limit: int) -> Finding:
    return Finding(
        RULE,
        f"{RULE}.{code}",
        outcome,
        BreachType.STALE,
        observed=-(-age // ONE_SECOND),
        limit=limit,
        by=GUARD,
    )
