"""What each program says about orders that no person has confirmed."""

import pytest

from enforcement.decision import Outcome
from enforcement.program import Automation
from enforcement.rules import RULES
from tests.enforcement.make import Row, judged, make_context, make_terms, table

pytestmark = pytest.mark.core

RULE = next(rule for rule in RULES if rule.code == "automation_policy")
STRICT = (Automation.CONFIRM_BY_HAND, Automation.ADVISE_ONLY, Automation.PROHIBITED)


def row(name: str, policy: Automation, outcome: Outcome, code: str, **fields: object) -> Row:
    ctx = make_context(terms=make_terms(automation=policy), **fields)
    return Row(name, ctx, outcome, f"automation_policy.{code}", "automation")


ROWS = [
    row("auto, live", Automation.AUTO, Outcome.PASS, "allowed", live=True),
    row("own device, live", Automation.OWN_DEVICE, Outcome.PASS, "allowed", live=True),
    *(row(f"{policy}, live", policy, Outcome.DENY, "forbidden", live=True) for policy in STRICT),
    *(row(f"{policy}, on paper", policy, Outcome.WARN, "not_live") for policy in STRICT),
    *(
        row(f"{policy}, typed by a person", policy, Outcome.PASS, "by_hand", live=True, automated=False)
        for policy in STRICT
    ),
]


@table(ROWS)
def test_a_live_automated_order_needs_a_program_that_allows_it(row: Row) -> None:
    judged(RULE, row)
