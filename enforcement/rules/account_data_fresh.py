"""The account's equity is known and recent."""

from datetime import timedelta

from enforcement.account import StateSource
from enforcement.context import OrderContext
from enforcement.decision import GUARD, BreachType, Finding, Outcome

RULE = "account_data_fresh"
NO_TIME, ONE_SECOND = timedelta(0), timedelta(seconds=1)
CLOCK_TOLERANCE = timedelta(seconds=2)
MESSAGES = {
    "account_data_fresh.fresh": "Equity is {observed} s old, {limit} s are allowed.",
    "account_data_fresh.exact": "The paper account is flat: its equity can't have changed.",
    "account_data_fresh.unknown": "Nothing is known of the account's equity yet.",
    "account_data_fresh.stale": "Equity was last reported {observed} s ago, at most {limit} s are allowed.",
    "account_data_fresh.from_the_future": "Equity is dated {observed} s in the future: a clock is wrong.",
}


def check(ctx: OrderContext) -> Finding:
    """UNDETERMINED when equity is unknown or older than the guard's `max_state_age_seconds`.

    Judged by the report's own time. A flat paper account is exact at any age: only its own fills
    change it.
    """
    state = ctx.state
    if state is None:
        return _finding("unknown", Outcome.UNDETERMINED)
    if state.source is StateSource.PAPER and not ctx.positions:
        return _finding("exact", Outcome.PASS)
    age = ctx.now - state.as_of
    limit = ctx.guard.max_state_age_seconds
    if age < -CLOCK_TOLERANCE:
        return _finding("from_the_future", Outcome.UNDETERMINED, -age)
    if age > timedelta(seconds=limit):
        return _finding("stale", Outcome.UNDETERMINED, age, limit)
    return _finding("fresh", Outcome.PASS, max(age, NO_TIME), limit)


def _finding(code: str, outcome: Outcome, age: timedelta | None = None, limit: int | None = None) -> Finding:
    seconds = None if age is None else -(-age // ONE_SECOND)  # begun seconds count
    return Finding(RULE, f"{RULE}.{code}", outcome, BreachType.STALE, observed=seconds, limit=limit, by=GUARD)
