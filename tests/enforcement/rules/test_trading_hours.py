"""The alert's session and the clock's: both must be allowed."""

from datetime import datetime

import pytest

from enforcement.calendar import Session
from enforcement.decision import Outcome
from enforcement.explain import explain
from enforcement.rules import RULES
from tests.enforcement.make import (
    LONDON,
    MORNING,
    NOON,
    NY_AM,
    NY_LUNCH,
    Row,
    judged,
    make_context,
    make_terms,
    seconds,
    table,
)

pytestmark = pytest.mark.core

RULE = next(rule for rule in RULES if rule.code == "trading_hours")


def row(
    name: str,
    code: str,
    outcome: Outcome,
    *,
    allowed: tuple[Session, ...] | None = (NY_AM,),
    word: str | None = "NY AM",
    now: datetime = MORNING,
    **fields: object,
) -> Row:
    ctx = make_context(terms=make_terms(allowed_sessions=allowed), session=word, now=now, **fields)
    return Row(name, ctx, outcome, f"trading_hours.{code}", "session")


PASS, DENY, UNDETERMINED = Outcome.PASS, Outcome.DENY, Outcome.UNDETERMINED
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
        "two allowed: the word of one, the clock of the other",
        "allowed",
        PASS,
        allowed=(NY_AM, NY_LUNCH),
        now=NOON,
    ),
    row("a word in small letters is another word", "session_not_allowed", DENY, word="ny am"),
    row("an empty word", "session_not_allowed", DENY, word=""),
    row("no word, and no session open", "session_unknown", UNDETERMINED, word=None),
    row("none allowed at all", "session_not_allowed", DENY, allowed=()),
    row(
        "an exit is judged the same way; the engine lets it pass",
        "clock_outside",
        DENY,
        now=NOON,
        reduces=True,
    ),
]


@table(ROWS)
def test_word_and_clock_must_both_be_allowed(row: Row) -> None:
    judged(RULE, row)


def test_the_message_names_the_session_and_those_allowed() -> None:
    ctx = make_context(terms=make_terms(allowed_sessions=(LONDON, NY_AM)), session="ASIA", now=MORNING)
    assert explain(RULE.check(ctx)) == "The session ASIA is not allowed; allowed: LONDON, NY AM."
