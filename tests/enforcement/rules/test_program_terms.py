"""A program whose rules can't be had, or that limits no loss, sends nothing."""

import pytest

from enforcement.decision import Outcome
from enforcement.explain import explain
from enforcement.rules import RULES
from tests.enforcement.make import Row, daily_floor, judged, make_context, make_terms, table

pytestmark = pytest.mark.core

RULE = next(rule for rule in RULES if rule.code == "program_terms")
UNREADABLE = make_terms(unavailable="APEX_1_MAX_CONTRACTS='five' can't be read")

ROWS = [
    Row("rules with floors", make_context(), Outcome.PASS, "program_terms.known", "error"),
    Row(
        "one floor is enough", make_context(terms=make_terms(floors=(daily_floor(),))),
        Outcome.PASS, "program_terms.known", "error",
    ),
    Row(
        "no floor at all", make_context(terms=make_terms(floors=())),
        Outcome.UNDETERMINED, "program_terms.no_loss_limit", "error",
    ),
    Row(
        "unavailable", make_context(terms=UNREADABLE),
        Outcome.UNDETERMINED, "program_terms.unavailable", "error",
    ),
]  # fmt: skip


@table(ROWS)
def test_rules_must_be_known_and_limit_losses(row: Row) -> None:
    judged(RULE, row)


def test_the_message_says_why_the_rules_can_not_be_used() -> None:
    finding = RULE.check(make_context(terms=UNREADABLE))
    assert explain(finding) == "The program's rules can't be used: APEX_1_MAX_CONTRACTS='five' can't be read."
