"""No order in the minutes around a release that the firm has shut."""

from datetime import datetime, timedelta
from decimal import Decimal

from enforcement.context import NewsEvent, OrderContext
from enforcement.decision import BreachType, Finding, Outcome
from enforcement.program import NewsRule
from enforcement.releases import in_window

RULE = "news_window"
ZERO = Decimal(0)
MESSAGES = {
    "news_window.not_set": "The program has no rule about news.",
    "news_window.clear": "No release that the program speaks of is near.",
    "news_window.unknown": "The calendar of releases can't be had, so it isn't known whether one is near.",
    "news_window.entries_shut": "{event} is at {at}: no new position from {before} s before to {after} s after it.",
    "news_window.executions_shut": "{event} is at {at}: no execution of any kind from {before} s before to {after} s after it.",
    "news_window.must_be_flat": "{event} is at {at}: nothing may be held or sent from {before} s before to {after} s after it.",
    "news_window.micros_capped": "{event} is at {at}: {observed} micros would be held, {limit} are allowed around it.",
    "news_window.straddle": "{event} is at {at}: an order on the other side is working, and orders on both sides of a release are prohibited.",
    "news_window.no_straddle": "{event} is at {at}: nothing on the other side of it is working.",
    "news_window.exempt": "{event} is at {at}, but the position was opened early enough before it.",
    "news_window.exit_allowed": "{event} is at {at}: closing is allowed.",
}
_NOT_SET = Finding(RULE, "news_window.not_set", Outcome.PASS, BreachType.NEWS)


def check(ctx: OrderContext) -> Finding:
    """Refuses in a release's window, both ends inside. An exit is refused by the firm only where it
    forbids executions of any kind, and not if the position was opened long enough before."""
    rules, instrument = ctx.terms.news, ctx.intent.instrument
    if not rules:
        return _NOT_SET
    if ctx.news is None:
        return Finding(RULE, "news_window.unknown", Outcome.UNDETERMINED, BreachType.NEWS)
    if instrument is None:
        return Finding(RULE, "news_window.clear", Outcome.PASS, BreachType.NEWS)
    found = [_judged(ctx, rule, event) for rule, event in in_window(rules, ctx.news, instrument, ctx.now)]
    if not found:
        return Finding(RULE, "news_window.clear", Outcome.PASS, BreachType.NEWS)
    return max(found, key=lambda finding: finding.outcome)


def _judged(ctx: OrderContext, rule: NewsRule, event: NewsEvent) -> Finding:
    intent = ctx.intent
    if intent.reduces:
        if not rule.exits_restricted:
            return _finding("exit_allowed", Outcome.PASS, rule, event)
        if _is_exempt(rule, event, intent.opened_at):
            return _finding("exempt", Outcome.PASS, rule, event)
        return _finding("executions_shut", Outcome.DENY, rule, event)
    if rule.straddles_only:
        opposite = any(
            order.instrument.family == intent.instrument.family and order.side is intent.side.opposite
            for order in ctx.working
            if intent.instrument is not None
        )
        if opposite:
            return _finding("straddle", Outcome.DENY, rule, event)
        return _finding("no_straddle", Outcome.PASS, rule, event)
    if rule.max_micros is not None and intent.instrument is not None and intent.instrument.weight < 1:
        after = (intent.quantity or ZERO) + sum(
            (abs(held.quantity) for held in ctx.positions if held.instrument.weight < 1), ZERO
        )
        after += sum((order.quantity for order in ctx.working if order.instrument.weight < 1), ZERO)
        outcome = Outcome.DENY if after > rule.max_micros else Outcome.PASS
        return _finding("micros_capped", outcome, rule, event)._replace(observed=after, limit=rule.max_micros)
    code = "entries_shut"
    if rule.must_be_flat:
        code = "must_be_flat"
    elif rule.exits_restricted:
        code = "executions_shut"
    return _finding(code, Outcome.DENY, rule, event)


def _is_exempt(rule: NewsRule, event: NewsEvent, opened_at: datetime | None) -> bool:
    if rule.exempt_opened_minutes is None or opened_at is None:
        return False
    return event.at - opened_at >= timedelta(minutes=rule.exempt_opened_minutes)


def _finding(code: str, outcome: Outcome, rule: NewsRule, event: NewsEvent) -> Finding:
    return Finding(
        RULE, f"{RULE}.{code}", outcome, BreachType.NEWS,
        facts={
            "event": event.name, "at": f"{event.at:%Y-%m-%d %H:%M} UTC", "before": rule.before_seconds,
            "after": rule.after_seconds, "severity": rule.severity,
        },
    )  # fmt: skip
