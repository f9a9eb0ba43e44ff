"""Sizes, prices, stops and targets that make no sense, and those one tick away that do."""

from decimal import Decimal
from typing import Any

import pytest

from enforcement.decision import Outcome
from enforcement.explain import explain
from enforcement.rules import RULES
from tests.enforcement.make import EURUSD, Row, judged, make_context, table

pytestmark = pytest.mark.core

RULE = next(rule for rule in RULES if rule.code == "order_shape")
DENY, UNDETERMINED = Outcome.DENY, Outcome.UNDETERMINED


def sound(name: str, **intent: object) -> Row:
    return Row(name, make_context(**intent), Outcome.PASS, "order_shape.sound", "instrument")


def refused(
    name: str, code: str, outcome: Outcome = DENY, breach_type: str = "instrument", **intent: object
) -> Row:
    return Row(name, make_context(**intent), outcome, f"order_shape.{code}", breach_type)


SHORT: dict[str, Any] = {"side": "sell", "stop_loss": 20_010}
LOTS: dict[str, Any] = {"instrument": EURUSD, "entry_price": "1.10000", "stop_loss": "1.09500"}
ROWS = [
    sound("a long with its stop below"),
    sound("a short with its stop above", **SHORT),
    sound("no stop: another rule's matter", stop_loss=None),
    sound("one contract", quantity=1),
    sound("a hundredth of a lot", quantity="0.01", **LOTS),
    sound("stop one tick below a long", stop_loss="19999.75"),
    sound("stop one tick above a short", side="sell", stop_loss="20000.25"),
    sound("target one tick above a long", target="20000.25"),
    sound("target one tick below a short", **SHORT, target="19999.75"),
    sound("prices below zero exist", entry_price=-10, stop_loss=-20),
    sound("an exit needs none of this", reduces=True, quantity=None, entry_price=None, stop_loss=20_010),
    refused("no known instrument", "no_instrument", UNDETERMINED, instrument=None),
    refused("an exit in nothing known", "no_instrument", UNDETERMINED, instrument=None, reduces=True),
    refused("no usable size", "size_missing", UNDETERMINED, "contracts", quantity=None),
    refused("a size of zero", "size_not_positive", DENY, "contracts", quantity=0),
    refused("a size below zero", "size_not_positive", DENY, "contracts", quantity=-1),
    refused("half a contract", "size_off_step", DENY, "contracts", quantity="0.5"),
    refused("a thousandth of a lot", "size_off_step", DENY, "contracts", quantity="0.011", **LOTS),
    refused("no price", "price_missing", UNDETERMINED, entry_price=None),
    refused("a price off the tick", "price_off_tick", entry_price="20000.10"),
    refused("a stop off the tick", "price_off_tick", stop_loss="19990.10"),
    refused("a target off the tick", "price_off_tick", target="20010.10"),
    refused("a long's stop at its entry", "stop_on_wrong_side", stop_loss=20_000),
    refused("a long's stop one tick above", "stop_on_wrong_side", stop_loss="20000.25"),
    refused("a short's stop at its entry", "stop_on_wrong_side", side="sell", stop_loss=20_000),
    refused("a short's stop one tick below", "stop_on_wrong_side", side="sell", stop_loss="19999.75"),
    refused("a long's target at its entry", "target_on_wrong_side", target=20_000),
    refused("a long's target one tick below", "target_on_wrong_side", target="19999.75"),
    refused("a short's target at its entry", "target_on_wrong_side", **SHORT, target=20_000),
    refused("a short's target above", "target_on_wrong_side", **SHORT, target=20_001),
]  # fmt: skip


@table(ROWS)
def test_an_order_must_make_sense(row: Row) -> None:
    judged(RULE, row)


def test_the_message_says_on_which_side_the_stop_belongs() -> None:
    long = RULE.check(make_context(stop_loss=Decimal(20_010)))
    assert explain(long) == "The stop 20,010 does not protect a buy at 20,000: it must be below the entry."
    short = RULE.check(make_context(side="sell", stop_loss=Decimal(19_990)))
    assert explain(short) == "The stop 19,990 does not protect a sell at 20,000: it must be above the entry."


def test_the_message_says_on_which_side_the_target_belongs() -> None:
    long = RULE.check(make_context(target=Decimal(19_990)))
    assert explain(long) == "The target 19,990 is no profit for a buy at 20,000: it must be above the entry."
    short = RULE.check(make_context(**SHORT, target=20_010))
    assert (
        explain(short) == "The target 20,010 is no profit for a sell at 20,000: it must be below the entry."
    )
