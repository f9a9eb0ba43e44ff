"""Sessions, hours, flat-by, holidays: the alert's word and the clock's must both be allowed."""

from datetime import UTC, date, datetime, time
from typing import Any

import pytest

from enforcement.calendar import Closure, Session, TradingHours
from enforcement.decision import Outcome
from enforcement.explain import explain
from enforcement.program import FlatBy
from enforcement.rules import RULES
from tests.enforcement.make import (
    CHICAGO,
    CL,
    LONDON,
    MORNING,
    NOON,
    NY_AM,
    NY_LUNCH,
    PRAGUE,
    Row,
    judged,
    make_context,
    make_guard,
    make_terms,
    seconds,
    table,
)

pytestmark = pytest.mark.core

RULE = next(rule for rule in RULES if rule.code == "trading_hours")
PASS, DENY, UNDETERMINED = Outcome.PASS, Outcome.DENY, Outcome.UNDETERMINED


def row(
    name: str,
    code: str,
    outcome: Outcome,
    *,
    allowed: tuple[Session, ...] | None = (NY_AM,),
    word: str | None = "NY AM",
    now: datetime = MORNING,
    **fields: Any,
) -> Row:
    ctx = make_context(terms=make_terms(allowed_sessions=allowed), session=word, now=now, **fields)
    return Row(name, ctx, outcome, f"trading_hours.{code}", "session")


def at(name: str, code: str, now: str, firm: dict[str, Any], **fields: Any) -> Row:
    """A stock order at an instant (UTC), by a firm's hours."""
    ctx = make_context(
        terms=make_terms(**firm), now=datetime.fromisoformat(now).replace(tzinfo=UTC), **fields
    )
    outcome = PASS if code in ("in_hours", "not_set", "reduces") else DENY
    return Row(name, ctx, outcome, f"trading_hours.{code}", "session")


TWO_MINUTES = make_guard(flatten_lead_minutes=2)
CT, ET, PRAGUE_TIME = "America/Chicago", "America/New_York", "Europe/Prague"
# rules.md §2.14. 10 March 2026 is a Tuesday in summer time; Chicago is UTC-5, New York UTC-4, Prague UTC+1.
APEX: dict[str, Any] = {"hours": TradingHours(time(18), time(16, 59), ET)}
TOPSTEP: dict[str, Any] = {
    "hours": TradingHours(time(17), time(15, 10), CT), "flat_by": FlatBy(at=time(15, 10), zone=CT, lead_minutes=2),
}  # fmt: skip
E8_ZERO: dict[str, Any] = {"flat_by": FlatBy(at=time(15, 10), zone=CT)}
TRADIFY: dict[str, Any] = {"flat_by": FlatBy(at=time(16, 45), zone=ET), "no_entry_minutes": 15}
DAYTIME: dict[str, Any] = {"hours": TradingHours(time(9), time(17), ET)}
PRAGUES: dict[str, Any] = {"day": PRAGUE, "flat_by": FlatBy(at=time(23), zone=PRAGUE_TIME)}
# 26 November 2026 is Thanksgiving, the 27th closes early; winter: Chicago UTC-6, New York UTC-5.
THANKSGIVING = (
    Closure(date(2026, 11, 26), "", None, ET, "Thanksgiving"),
    Closure(date(2026, 11, 27), "equity_index", time(13, 15), ET, "the day after Thanksgiving"),
    Closure(date(2026, 11, 27), "energy", time(14, 45), ET, "the day after Thanksgiving"),
)
HOLIDAYS: dict[str, Any] = {**APEX, "closures": THANKSGIVING}
TOPSTEPS_HOLIDAYS: dict[str, Any] = {**TOPSTEP, "closures": THANKSGIVING, "early_close_lead_minutes": 15}
ROWS = [
    row("every session is allowed", "not_set", PASS, allowed=None, word=None),
    row("the only one allowed, and it is open", "allowed", PASS),
    row("one of two allowed", "allowed", PASS, allowed=(LONDON, NY_AM)),
    row("its last second", "allowed", PASS, now=NOON - seconds(1)),
    row("at its close by the clock", "clock_outside", DENY, now=NOON),
    row("a second before it opens", "clock_outside", DENY, now=MORNING - seconds(1801)),
    row("the second it opens", "allowed", PASS, now=MORNING - seconds(1800)),
    row("another session's word", "session_not_allowed", DENY, word="NY LUNCH"),
    row("a word never widens: NY AM's word in NY LUNCH's time", "clock_outside", DENY, now=NOON),
    row(
        "two allowed: the word of one, the clock of the other", "allowed", PASS,
        allowed=(NY_AM, NY_LUNCH), now=NOON,
    ),
    row("a word in small letters is another word", "session_not_allowed", DENY, word="ny am"),
    row("an empty word", "session_not_allowed", DENY, word=""),
    row("no word, and no session open", "session_unknown", UNDETERMINED, word=None),
    row("none allowed at all", "session_not_allowed", DENY, allowed=()),
    row("an exit outside every session", "reduces", PASS, now=NOON, reduces=True),
    # hours over midnight
    at("Apex opens at 18:00 New York", "in_hours", "2026-03-10T22:00:00", APEX),
    at("a second before it opens", "too_late", "2026-03-10T21:59:59", APEX),
    at("before midnight", "in_hours", "2026-03-11T03:59:59", APEX),
    at("after midnight", "in_hours", "2026-03-11T04:00:00", APEX),
    at("Apex, a second before 16:59", "in_hours", "2026-03-10T20:58:59", APEX),
    at("at the closing instant it is closed", "too_late", "2026-03-10T20:59:00", APEX),
    at("Friday evening", "not_open", "2026-03-13T23:00:00", APEX),
    at("Saturday", "not_open", "2026-03-14T15:00:00", APEX),
    at("Sunday, a second before the open", "not_open", "2026-03-15T21:59:59", APEX),
    at("Sunday at the open", "in_hours", "2026-03-15T22:00:00", APEX),
    at("an exit on a Saturday", "reduces", "2026-03-14T15:00:00", APEX, reduces=True),
    # both regions' clock changes: the same local hours, other instants
    at("in winter Apex opens an hour later by UTC", "in_hours", "2026-03-04T23:00:00", APEX),
    at("and not a second earlier", "too_late", "2026-03-04T22:59:59", APEX),
    at("New York is in winter on Sunday the 1st of November", "not_open", "2026-11-01T22:59:59", APEX),
    at("and opens at 23:00 UTC", "in_hours", "2026-11-01T23:00:00", APEX),
    at("Prague in winter: flat by 23:00 is 22:00 UTC", "in_hours", "2026-03-27T21:59:59", PRAGUES),
    at("at it", "too_late", "2026-03-27T22:00:00", PRAGUES),
    at("Prague in summer: an hour earlier by UTC", "in_hours", "2026-03-30T20:59:59", PRAGUES),
    at("at it in summer", "too_late", "2026-03-30T21:00:00", PRAGUES),
    # hours within a day
    at("a second before nine", "not_open", "2026-03-10T12:59:59", DAYTIME),
    at("at nine", "in_hours", "2026-03-10T13:00:00", DAYTIME),
    at("a second before five", "in_hours", "2026-03-10T20:59:59", DAYTIME),
    at("at five the next span is tomorrow's", "not_open", "2026-03-10T21:00:00", DAYTIME),
    # flat-by with its lead
    at("Topstep: no new position from 15:08, a second before", "in_hours", "2026-03-10T20:07:59", TOPSTEP),
    at("Topstep: at 15:08", "too_late", "2026-03-10T20:08:00", TOPSTEP),
    at("Topstep: at 15:10", "too_late", "2026-03-10T20:10:00", TOPSTEP),
    at("Topstep: an exit at 15:09", "reduces", "2026-03-10T20:09:00", TOPSTEP, reduces=True),
    at("Topstep: a new day at 17:00", "in_hours", "2026-03-10T22:00:00", TOPSTEP),
    at("flat-by without hours: a second before it", "in_hours", "2026-03-10T20:09:59", E8_ZERO),
    at("flat-by without hours: at it", "too_late", "2026-03-10T20:10:00", E8_ZERO),
    at("the owner's own lead: a second before", "in_hours", "2026-03-10T20:07:59", E8_ZERO, guard=TWO_MINUTES),
    at("the owner's own lead: in it", "closes_soon", "2026-03-10T20:08:00", E8_ZERO, guard=TWO_MINUTES),
    at("until the reset", "too_late", "2026-03-10T21:59:59", E8_ZERO),
    at("the new day's flat-by is tomorrow's", "in_hours", "2026-03-10T22:00:00", E8_ZERO),
    at("Friday's flat-by holds over the weekend", "too_late", "2026-03-14T15:00:00", E8_ZERO),
    at("to Sunday's open", "in_hours", "2026-03-15T22:00:00", E8_ZERO),
    at("no entries in the last 15 minutes, a second before", "in_hours", "2026-03-10T20:29:59", TRADIFY),
    at("no entries in the last 15 minutes, at it", "too_late", "2026-03-10T20:30:00", TRADIFY),
    # holidays and early closes
    at("Thanksgiving", "holiday", "2026-11-26T15:00:00", HOLIDAYS),
    at("Thanksgiving's evening before belongs to it", "holiday", "2026-11-25T23:30:00", HOLIDAYS),
    at("the day before Thanksgiving", "in_hours", "2026-11-25T15:00:00", HOLIDAYS),
    at("the indices' early close, a second before", "in_hours", "2026-11-27T18:14:59", HOLIDAYS),
    at("the indices' early close, at it", "holiday", "2026-11-27T18:15:00", HOLIDAYS),
    at("crude trades on", "in_hours", "2026-11-27T18:15:00", HOLIDAYS, instrument=CL),
    at("crude's own early close", "holiday", "2026-11-27T19:45:00", HOLIDAYS, instrument=CL),
    at("Topstep: flat 15 minutes before an early close, no entry from 2 before that, a second before", "in_hours", "2026-11-27T17:57:59", TOPSTEPS_HOLIDAYS),
    at("Topstep: flat 15 minutes before an early close, no entry from 2 before that", "holiday", "2026-11-27T17:58:00", TOPSTEPS_HOLIDAYS),
    at("an exit on a holiday", "reduces", "2026-11-26T15:00:00", HOLIDAYS, reduces=True),
    at("the Monday after", "in_hours", "2026-11-30T18:15:00", HOLIDAYS),
]  # fmt: skip


@table(ROWS)
def test_word_and_clock_must_both_be_allowed(row: Row) -> None:
    judged(RULE, row)


def test_the_message_names_the_session_and_those_allowed() -> None:
    ctx = make_context(terms=make_terms(allowed_sessions=(LONDON, NY_AM)), session="ASIA", now=MORNING)
    assert explain(RULE.check(ctx)) == "The session ASIA is not allowed; allowed: LONDON, NY AM."


def test_the_messages_give_the_instants() -> None:
    said = {row.id: explain(RULE.check(row.ctx)) for row in ROWS}
    assert said["Saturday"] == "The program's hours are closed; they open at 2026-03-15 22:00 UTC."
    assert said["Topstep: at 15:08"] == (
        "It is 20:08:00 UTC: the program lets positions be opened until 2026-03-10 20:08 UTC, and trades "
        "again after its close."
    )
    assert said["the indices' early close, at it"] == (
        "It is 18:15:00 UTC: because of the day after Thanksgiving positions may be opened until "
        "2026-11-27 18:15 UTC only."
    )


def test_a_closure_without_a_name_is_a_holiday() -> None:
    closed = (Closure(date(2026, 3, 4), "", None, CT),)
    finding = RULE.check(make_context(terms=make_terms(**TOPSTEP, closures=closed)))
    assert finding.facts["why"] == "a holiday"


def test_sessions_and_hours_must_both_be_open() -> None:
    both = make_terms(allowed_sessions=(NY_AM,), **TOPSTEP)
    assert RULE.check(make_context(terms=both, now=MORNING)).code == "trading_hours.in_hours"
    assert RULE.check(make_context(terms=both, now=NOON)).code == "trading_hours.clock_outside"
    early = make_terms(allowed_sessions=(NY_AM,), hours=TradingHours(time(18), time(10), ET), day=CHICAGO)
    assert RULE.check(make_context(terms=early, now=MORNING)).code == "trading_hours.too_late"
