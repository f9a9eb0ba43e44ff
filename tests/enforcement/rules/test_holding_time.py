"""How long a position was held when its exit comes: the firm's word, which stops nothing."""

from typing import Any

import pytest

from enforcement import evaluate_order
from enforcement.decision import Outcome
from enforcement.explain import explain
from enforcement.rules import RULES
from tests.enforcement.make import NOON, Row, judged, make_context, make_terms, seconds, table

pytestmark = pytest.mark.core

RULE = next(rule for rule in RULES if rule.code == "holding_time")
TEN_SECONDS = make_terms(min_hold_seconds=10)


def leaving(name: str, code: str, outcome: Outcome, held: float | None, **fields: Any) -> Row:
    opened = None if held is None else NOON - seconds(held)
    ctx = make_context(**{"terms": TEN_SECONDS, "reduces": True, "opened_at": opened, **fields})
    return Row(name, ctx, outcome, f"holding_time.{code}", "session")


PASS, WARN, DENY = Outcome.PASS, Outcome.WARN, Outcome.DENY
ROWS = [
    leaving("no shortest time", "not_set", PASS, 0, terms=make_terms()),
    leaving("an entry holds nothing yet", "opens", PASS, None, reduces=False),
    leaving("held for exactly ten seconds", "long_enough", PASS, 10),
    leaving("held for eleven", "long_enough", PASS, 11),
    leaving("held for nine", "too_short", DENY, 9),
    leaving("held for 9.9", "too_short", DENY, 9.9),
    leaving("closed in the moment it was opened", "too_short", DENY, 0),
    leaving("a clock that went back", "too_short", DENY, -1),
    leaving("nobody knows since when", "unknown", WARN, None),
]


@table(ROWS)
def test_a_position_is_held_as_long_as_the_firm_wants(row: Row) -> None:
    judged(RULE, row)


def test_the_exit_is_sent_all_the_same_and_keeps_the_firms_word() -> None:
    decision = evaluate_order(make_context(terms=TEN_SECONDS, reduces=True, opened_at=NOON - seconds(3)))
    finding = next(one for one in decision.findings if one.rule == "holding_time")
    assert decision.allowed
    assert (finding.outcome, finding.verdict) == (WARN, DENY)
    assert explain(finding) == (
        "The position was held for 3 s, the program wants at least 10 s: the firm flags trades closed sooner."
    )
