"""Not too many orders: in a minute by the owner's guard, in a day by the firm."""

from datetime import timedelta

from enforcement.context import OrderContext
from enforcement.decision import FIRM, GUARD, BreachType, Finding, Outcome

RULE = "order_rate"
MESSAGES = {
    "order_rate.not_set": "Nothing limits how many orders are sent.",
    "order_rate.reduces": "An exit is never too many.",
    "order_rate.within": "The account's orders are within their rate.",
    "order_rate.minute": "{observed} entries in the last minute, the account allows {limit}.",
    "order_rate.day": "{observed} orders were sent today, the program allows {limit}.",
    "order_rate.unknown": "It is not known how many orders were sent today; the program allows {limit}.",
}
MINUTE = timedelta(minutes=1)
_NOT_SET = Finding(RULE, "order_rate.not_set", Outcome.PASS, BreachType.RATE)


def check(ctx: OrderContext) -> Finding:
    """Refuses the entry after the last one allowed: with a limit of 3 the third passes, the fourth not."""
    a_minute, a_day = ctx.guard.max_entries_per_minute, ctx.terms.max_requests_per_day
    if a_minute is None and a_day is None:
        return _NOT_SET
    if ctx.intent.reduces:
        return Finding(RULE, "order_rate.reduces", Outcome.PASS, BreachType.RATE)
    if a_minute is not None:
        lately = sum(entry.at > ctx.now - MINUTE for entry in ctx.activity.entries)
        if lately >= a_minute:
            return _finding("minute", Outcome.DENY, lately, a_minute, GUARD)
    if a_day is not None:
        sent = ctx.activity.requests_today
        if sent is None:
            return _finding("unknown", Outcome.UNDETERMINED, None, a_day, FIRM)
        if sent >= a_day:
            return _finding("day", Outcome.DENY, sent, a_day, FIRM)
    return Finding(RULE, "order_rate.within", Outcome.PASS, BreachType.RATE)


def _finding(code: str, outcome: Outcome, observed: int | None, limit: int, by: str) -> Finding:
    return Finding(RULE, f"{RULE}.{code}", outcome, BreachType.RATE, observed=observed, limit=limit, by=by)
