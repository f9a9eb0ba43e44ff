"""What the router found in the way of an order."""

import pytest

from enforcement.decision import Outcome
from enforcement.rules import RULES
from tests.enforcement.make import Row, judged, make_context, table

pytestmark = pytest.mark.core

RULE = next(rule for rule in RULES if rule.code == "admission")


def refused(name: str, code: str, breach_type: str) -> Row:
    return Row(name, make_context(obstacle=code), Outcome.DENY, code, breach_type)


ROWS = [
    Row("nothing is in the way", make_context(), Outcome.PASS, "admission.open", "routing"),
    refused("the source is off", "admission.source_disabled", "routing"),
    refused("the route is off", "admission.route_disabled", "routing"),
    refused("the account is off", "admission.account_disabled", "routing"),
    refused("a later exit has overtaken it", "admission.superseded", "exit_pending"),
    refused("an exit was still being worked", "admission.exit_pending", "exit_pending"),
    refused("nobody knows what became of an earlier entry", "admission.order_in_doubt", "routing"),
    refused("its venue was not compared with the books", "admission.not_reconciled", "routing"),
    refused("the clock can't be right", "admission.clock", "routing"),
]


@table(ROWS)
def test_an_obstacle_refuses(row: Row) -> None:
    judged(RULE, row)


def test_an_obstacle_of_an_unknown_name_refuses_as_well() -> None:
    assert RULE.check(make_context(obstacle="admission.something_new")).outcome is Outcome.DENY
