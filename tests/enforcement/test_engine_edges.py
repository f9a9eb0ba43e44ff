"""What is done with an order that passed, and what the engine says where a figure is missing."""

from typing import Any

import pytest

from enforcement import evaluate_account, evaluate_order
from enforcement.decision import Handling
from enforcement.program import Automation
from tests.enforcement.make import daily_floor, make_context, make_state, make_terms, static_floor

pytestmark = pytest.mark.core

CONFIRM, ADVISE = Automation.CONFIRM_BY_HAND, Automation.ADVISE_ONLY
HANDLED: list[Any] = [
    pytest.param(CONFIRM, {"live": True}, Handling.CONFIRM, id="a live entry that a person must confirm"),
    pytest.param(ADVISE, {"live": True}, Handling.ADVISE, id="a live entry of an advise-only program"),
    pytest.param(Automation.AUTO, {"live": True}, Handling.SEND, id="a live entry where nothing is asked"),
    pytest.param(CONFIRM, {"live": False}, Handling.SEND, id="on paper nobody is asked"),
    pytest.param(CONFIRM, {}, Handling.SEND, id="an account is not live unless somebody says so"),
    pytest.param(CONFIRM, {"live": True, "reduces": True}, Handling.SEND, id="an exit waits for nobody"),
    pytest.param(CONFIRM, {"live": True, "automated": False}, Handling.SEND, id="a person typed it"),
]


@pytest.mark.parametrize(("policy", "fields", "handling"), HANDLED)
def test_what_is_done_with_an_order_that_passed(
    policy: Automation, fields: dict[str, Any], handling: Handling
) -> None:
    ctx = make_context(terms=make_terms(automation=policy), **fields)
    assert evaluate_order(ctx).handling is handling


def test_the_binding_floor_is_the_one_with_the_least_room() -> None:
    """From 50,000: 1,000 to the daily floor, 2,500 to the static one."""
    floors = (static_floor(2500), daily_floor(1000))
    standing = evaluate_account(make_context(terms=make_terms(floors=floors)))
    assert standing.binding is not None
    assert (standing.binding.floor, standing.room) == (floors[1], 1000)


def test_the_room_is_not_known_while_a_floor_is_not() -> None:
    standing = evaluate_account(make_context(state=make_state(day_start_balance=None)))
    assert standing.room is None
    assert standing.binding is not None
    assert standing.binding.room == 2500


@pytest.mark.parametrize(
    "missing", [{"instrument": None}, {"quantity": None}, {"entry_price": None}, {"target": None}]
)
def test_the_gain_at_the_target_is_not_known_where_anything_of_it_is_missing(missing: dict[str, Any]) -> None:
    assert make_context(target=20_010).gain_at_target == 400
    assert make_context(**{"target": 20_010, **missing}).gain_at_target is None
