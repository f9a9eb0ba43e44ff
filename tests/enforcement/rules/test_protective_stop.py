"""An order carries a stop, or something else bounds its loss."""

import pytest

from enforcement.decision import Outcome
from enforcement.rules import RULES
from tests.enforcement.make import Row, judged, make_context, make_guard, make_terms, table

pytestmark = pytest.mark.core

RULE = next(rule for rule in RULES if rule.code == "protective_stop")
ASSUMED, REQUIRED = make_guard(no_stop_ticks=100), make_terms(stop_required=True)


def row(name: str, code: str, outcome: Outcome, **fields: object) -> Row:
    return Row(name, make_context(**fields), outcome, f"protective_stop.{code}", "risk")


ROWS = [
    row("a stop", "present", Outcome.PASS),
    row("a stop where one is required", "present", Outcome.PASS, terms=REQUIRED),
    row("no stop and no bound", "no_bound", Outcome.DENY, stop_loss=None),
    row("no stop, the account's own distance", "assumed", Outcome.WARN, stop_loss=None, guard=ASSUMED),
    row("no stop where one is required", "required", Outcome.DENY, stop_loss=None, terms=REQUIRED),
    row(
        "required, whatever the account assumes",
        "required",
        Outcome.DENY,
        stop_loss=None,
        terms=REQUIRED,
        guard=ASSUMED,
    ),
    row("an exit needs none", "reduces", Outcome.PASS, stop_loss=None, reduces=True, terms=REQUIRED),
]


@table(ROWS)
def test_something_bounds_the_loss(row: Row) -> None:
    judged(RULE, row)
