"""How old equity may be, to the second."""

import pytest

from enforcement.account import StateSource
from enforcement.decision import Outcome
from enforcement.explain import explain
from enforcement.rules import RULES
from tests.enforcement.make import (
    NOON,
    Row,
    judged,
    make_context,
    make_guard,
    make_position,
    make_state,
    seconds,
    table,
)

pytestmark = pytest.mark.core

RULE = next(rule for rule in RULES if rule.code == "account_data_fresh")
HOURS = 24 * 3600


def aged(name: str, age: float, code: str, outcome: Outcome, limit: int = 900, **fields: object) -> Row:
    source = fields.pop("source", StateSource.VENUE)
    ctx = make_context(
        state=make_state(as_of=NOON - seconds(age), source=source),
        guard=make_guard(max_state_age_seconds=limit),
        **fields,
    )
    return Row(name, ctx, outcome, f"account_data_fresh.{code}", "stale")


PASS, UNDETERMINED = Outcome.PASS, Outcome.UNDETERMINED
ROWS = [
    aged("this very moment", 0, "fresh", PASS),
    aged("a second inside", 899, "fresh", PASS),
    aged("exactly the limit", 900, "fresh", PASS),
    aged("a second beyond", 901, "stale", UNDETERMINED),
    aged("the account's own limit", 61, "stale", UNDETERMINED, limit=60),
    aged("a tenth of a second beyond it", 900.1, "stale", UNDETERMINED),
    aged("a clock two seconds ahead", -2, "fresh", PASS),
    aged("a clock a tenth more ahead", -2.1, "from_the_future", UNDETERMINED),
    aged("a clock three seconds ahead", -3, "from_the_future", UNDETERMINED),
    aged("a flat paper account is exact at any age", HOURS, "exact", PASS, source=StateSource.PAPER),
    aged(
        "a paper account with a position is not",
        901, "stale", UNDETERMINED, source=StateSource.PAPER, positions=(make_position(),),
    ),
    aged("a declared state ages like any other", 901, "stale", UNDETERMINED, source=StateSource.DECLARED),
    aged("an exit is judged the same way; the engine lets it pass", 901, "stale", UNDETERMINED, reduces=True),
    Row("never reported", make_context(state=None), UNDETERMINED, "account_data_fresh.unknown", "stale"),
]  # fmt: skip


@table(ROWS)
def test_equity_older_than_its_limit_is_not_known(row: Row) -> None:
    judged(RULE, row)


def test_the_finding_gives_age_and_limit_in_seconds() -> None:
    ages = {"a second inside": 899, "a second beyond": 901, "a clock two seconds ahead": 0}
    for row in ROWS:
        if row.id in ages:
            finding = RULE.check(row.ctx)
            assert (finding.observed, finding.limit) == (ages[row.id], 900)


def test_a_report_from_the_future_says_by_how_many_seconds() -> None:
    ctx = make_context(state=make_state(as_of=NOON + seconds(3)))
    assert explain(RULE.check(ctx)) == "Equity is dated 3 s in the future: a clock is wrong."
