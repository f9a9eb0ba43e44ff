"""What each program says about orders that no person has confirmed, and from where they may come."""

from typing import Any

import pytest

from enforcement import evaluate_order
from enforcement.decision import Handling, Outcome
from enforcement.explain import explain
from enforcement.program import Automation, Deployment
from enforcement.rules import RULES
from tests.enforcement.make import Row, judged, make_context, make_terms, table

pytestmark = pytest.mark.core

RULE = next(rule for rule in RULES if rule.code == "automation_policy")
OWN, SERVER = Deployment.OWN_DEVICE, Deployment.SERVER
STRICT = (
    Automation.OWN_DEVICE, Automation.CONFIRM_BY_HAND, Automation.ADVISE_ONLY, Automation.PROHIBITED,
)  # fmt: skip


def row(name: str, policy: Automation, outcome: Outcome, code: str, **fields: Any) -> Row:
    ctx = make_context(terms=make_terms(automation=policy), **fields)
    return Row(name, ctx, outcome, f"automation_policy.{code}", "automation")


PASS, WARN, DENY = Outcome.PASS, Outcome.WARN, Outcome.DENY
ROWS = [
    row("auto, live", Automation.AUTO, PASS, "allowed", live=True),
    row("auto, live, on a server", Automation.AUTO, PASS, "allowed", live=True, deployment=SERVER),
    row("own device, and it is one", Automation.OWN_DEVICE, PASS, "own_device", live=True, deployment=OWN),
    row("own device, on a server", Automation.OWN_DEVICE, DENY, "forbidden", live=True, deployment=SERVER),
    row("own device, nobody says where we are", Automation.OWN_DEVICE, DENY, "forbidden", live=True),
    row("confirm by hand, live", Automation.CONFIRM_BY_HAND, WARN, "confirm", live=True),
    row("advise only, live", Automation.ADVISE_ONLY, WARN, "advise", live=True),
    row("prohibited, live", Automation.PROHIBITED, DENY, "forbidden", live=True),
    row("prohibited, live, on the own device", Automation.PROHIBITED, DENY, "forbidden", live=True, deployment=OWN),
    *(row(f"{policy}, on paper", policy, WARN, "not_live") for policy in STRICT),
    row("own device, on paper on the own device", Automation.OWN_DEVICE, PASS, "own_device", deployment=OWN),
    *(
        row(f"{policy}, typed by a person", policy, PASS, "by_hand", live=True, automated=False)
        for policy in STRICT
    ),
]  # fmt: skip


@table(ROWS)
def test_a_live_automated_order_needs_a_program_that_allows_it(row: Row) -> None:
    judged(RULE, row)


@pytest.mark.parametrize(
    ("policy", "fields", "handling"),
    [
        (Automation.AUTO, {"live": True}, Handling.SEND),
        (Automation.OWN_DEVICE, {"live": True, "deployment": OWN}, Handling.SEND),
        (Automation.CONFIRM_BY_HAND, {"live": True}, Handling.CONFIRM),
        (Automation.ADVISE_ONLY, {"live": True}, Handling.ADVISE),
        (Automation.CONFIRM_BY_HAND, {}, Handling.SEND),
        (Automation.ADVISE_ONLY, {}, Handling.SEND),
        (Automation.CONFIRM_BY_HAND, {"live": True, "automated": False}, Handling.SEND),
        (Automation.ADVISE_ONLY, {"live": True, "reduces": True}, Handling.SEND),
    ],
    ids=[
        "auto", "from the own device", "a person confirms it", "told only", "confirm, but on paper",
        "advise, but on paper", "a person has typed it", "an exit is always sent",
    ],
)  # fmt: skip
def test_what_is_done_with_an_order_that_passed(
    policy: Automation, fields: dict[str, Any], handling: Handling
) -> None:
    decision = evaluate_order(make_context(terms=make_terms(automation=policy), **fields))
    assert decision.allowed
    assert decision.handling is handling


@pytest.mark.parametrize(
    ("deployment", "said"),
    [
        (
            SERVER,
            "Refused: the program allows automated orders from your own device only, and this is a server.",
        ),
        (
            None,
            "Refused: the program allows automated orders from your own device only; say PROPGUARD_DEPLOYMENT=own_device if this is one.",
        ),
    ],
    ids=["a server", "nobody says"],
)
def test_the_message_says_what_to_do(deployment: Deployment | None, said: str) -> None:
    terms = make_terms(automation=Automation.OWN_DEVICE)
    assert explain(RULE.check(make_context(terms=terms, live=True, deployment=deployment))) == said
