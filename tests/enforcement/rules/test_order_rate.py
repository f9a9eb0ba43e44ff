"""Orders in a minute by the account's guard, and in a day by the firm."""

from typing import Any

import pytest

from enforcement.decision import FIRM, GUARD, Outcome
from enforcement.explain import explain
from enforcement.rules import RULES
from tests.enforcement.make import (
    Row,
    judged,
    make_activity,
    make_context,
    make_entry,
    make_guard,
    make_terms,
    table,
)

pytestmark = pytest.mark.core

RULE = next(rule for rule in RULES if rule.code == "order_rate")
PASS, DENY, UNDETERMINED = Outcome.PASS, Outcome.DENY, Outcome.UNDETERMINED
THREE_A_MINUTE = make_guard(max_entries_per_minute=3)
FTMO = make_terms(max_requests_per_day=2000)


def row(name: str, code: str, outcome: Outcome = PASS, **fields: Any) -> Row:
    return Row(name, make_context(**fields), outcome, f"order_rate.{code}", "rate")


def a_minute(name: str, code: str, outcome: Outcome, *ago: float, **fields: Any) -> Row:
    """With three entries a minute allowed, entries so many seconds ago."""
    activity = make_activity(*(make_entry(seconds) for seconds in ago))
    return row(name, code, outcome, guard=THREE_A_MINUTE, activity=activity, **fields)


def a_day(name: str, code: str, outcome: Outcome, sent: int | None, **fields: Any) -> Row:
    return row(name, code, outcome, terms=FTMO, activity=make_activity(requests_today=sent), **fields)


ROWS = [
    row("nothing is limited", "not_set", activity=make_activity(*[make_entry()] * 100)),
    a_minute("the first of three", "within", PASS),
    a_minute("the third of three", "within", PASS, 10, 20),
    a_minute("the fourth of three", "minute", DENY, 10, 20, 30),
    a_minute("the first is 59 seconds ago", "minute", DENY, 10, 20, 59),
    a_minute("the first is exactly a minute ago", "within", PASS, 10, 20, 60),
    a_minute("an exit is never too many", "reduces", PASS, 1, 2, 3, reduces=True),
    row("none a minute at all", "minute", DENY, guard=make_guard(max_entries_per_minute=0)),
    a_day("the 2,000th of the day", "within", PASS, 1999),
    a_day("the 2,001st", "day", DENY, 2000),
    a_day("far beyond", "day", DENY, 5000),
    a_day("nobody has counted", "unknown", UNDETERMINED, None),
    a_day("an exit on a day that is full", "reduces", PASS, 2000, reduces=True),
    row(
        "both are full: the minute is named", "minute", DENY, terms=FTMO, guard=THREE_A_MINUTE,
        activity=make_activity(*[make_entry()] * 3, requests_today=2000),
    ),
]  # fmt: skip


@table(ROWS)
def test_one_more_than_allowed_is_refused(row: Row) -> None:
    judged(RULE, row)


def test_the_minute_is_the_guards_word_and_the_day_the_firms() -> None:
    found = {row.id: RULE.check(row.ctx) for row in ROWS}
    assert found["the fourth of three"].by == GUARD
    assert found["the 2,001st"].by == FIRM
    assert found["nobody has counted"].by == FIRM


def test_the_message_gives_both_counts() -> None:
    ctx = next(row.ctx for row in ROWS if row.id == "the 2,001st")
    assert explain(RULE.check(ctx)) == "2,000 orders were sent today, the program allows 2,000."
