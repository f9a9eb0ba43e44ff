"""May a position be held at this instant: the question that flattening answers."""

from dataclasses import replace
from datetime import datetime, time, timedelta

from enforcement.calendar import FRIDAY, SATURDAY, SUNDAY, zone_named
from enforcement.context import AccountContext
from enforcement.decision import BreachType, Finding, Outcome
from enforcement.instruments import Instrument
from enforcement.releases import in_window
from enforcement.trading_window import last_flat, window_of

RULE = "holding"
MESSAGES = {
    "holding.allowed": "The position may be held.",
    "holding.news": "{event} is at {at}: nothing may be held from {before} s before to {after} s after it.",
    "holding.after_hours": "The position had to be flat by {limit}.",
    "holding.weekend": "The program lets nothing be held over the weekend.",
}

WEEKEND = "holding.weekend"
_ALLOWED = Finding(RULE, "holding.allowed", Outcome.PASS, BreachType.SESSION)


def evaluate_holding(ctx: AccountContext, instrument: Instrument) -> Finding:
    """The firm's word on a position held now: past flat-by or its hours, over a weekend, around a release
    for which it must be flat. Both ends of a release's window are inside; at flat-by it is too late."""
    window = window_of(ctx.terms, ctx.now, instrument.group)
    if window is not None and not ctx.terms.overnight and not window.lets_hold(ctx.now):
        limit = last_flat(ctx.terms, ctx.now, instrument.group) or window.opens
        return _finding("after_hours", BreachType.SESSION, limit=f"{limit:%Y-%m-%d %H:%M} UTC")
    if ctx.terms.weekend is False and _is_weekend(ctx.now):
        return _finding("weekend", BreachType.SESSION)
    for rule, event in in_window(ctx.terms.news, ctx.news or (), instrument, ctx.now):
        if rule.must_be_flat:
            return _finding("news", BreachType.NEWS)._replace(
                facts={
                    "event": event.name, "at": f"{event.at:%Y-%m-%d %H:%M} UTC",
                    "before": rule.before_seconds, "after": rule.after_seconds, "severity": rule.severity,
                }
            )  # fmt: skip
    return _ALLOWED


def evaluate_closing(ctx: AccountContext, instrument: Instrument) -> Finding:
    """The word on holding, the owner's lead ahead of time: a position that it denies is closed now, and none
    is opened any more. Allowed where the owner set no lead.

    A weekend is left to people where the program's hours aren't known: neither is when its products close.
    """
    lead = ctx.guard.flatten_lead_minutes
    if lead is None:
        return _ALLOWED
    found = evaluate_holding(replace(ctx, now=ctx.now + timedelta(minutes=lead)), instrument)
    return _ALLOWED if found.code == WEEKEND and not has_hours(ctx) else found


def has_hours(ctx: AccountContext) -> bool:
    """Whether it is known by when a day's positions have to be closed."""
    return ctx.terms.hours is not None or ctx.terms.flat_by is not None


def _is_weekend(at: datetime) -> bool:
    """From the markets' close on Friday, 17:00 in New York, to their opening on Sunday at the same hour."""
    local = at.astimezone(zone_named("America/New_York"))
    day, late = local.weekday(), local.time() >= time(17)
    return day == SATURDAY or (day == FRIDAY and late) or (day == SUNDAY and not late)


def _finding(code: str, breach_type: str, limit: str | None = None) -> Finding:
    return Finding(RULE, f"holding.{code}", Outcome.DENY, breach_type, limit=limit)
