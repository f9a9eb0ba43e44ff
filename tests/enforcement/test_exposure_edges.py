"""Contracts in minis where a program has figures of its own."""

from decimal import Decimal
from typing import Any

import pytest

from enforcement.exposure import mini_equivalents, position_risk
from enforcement.program import ProductLimit
from tests.enforcement.make import BARE, EURUSD, GC, MNQ, NQ, SIL, make_position, make_terms

pytestmark = pytest.mark.core

HELD = [(NQ, Decimal(2)), (MNQ, Decimal(5)), (SIL, Decimal(4))]
GOLD = ProductLimit(product="GC", weight=Decimal(2))

MINIS: list[Any] = [
    pytest.param({}, "2.9", id="2 + 5 x 0.1 + 4 x 0.1: the instruments' own"),
    pytest.param({"micro_weight": "0.2"}, "3.8", id="2 + 5 x 0.2 + 4 x 0.2: the program's for micros"),
    pytest.param({"product_limits": (ProductLimit(product="SIL", weight=Decimal("0.5")),)}, "4.5", id="2 + 5 x 0.1 + 4 x 0.5: the program's for one of them"),
    pytest.param({"product_limits": (GOLD,), "micro_weight": "0.2"}, "3.8", id="a weight of what isn't held changes nothing"),
]  # fmt: skip


@pytest.mark.parametrize(("terms", "minis"), MINIS)
def test_contracts_count_by_the_programs_own_weights(terms: dict[str, Any], minis: str) -> None:
    assert mini_equivalents(HELD, make_terms(**terms)) == Decimal(minis)


def test_a_product_can_weigh_more_than_a_mini() -> None:
    assert mini_equivalents([(GC, Decimal(3))], make_terms(product_limits=(GOLD,))) == 6


@pytest.mark.parametrize(
    ("quantity", "stop", "loss"),
    [("0.5", "1.09", 500), ("-0.5", "1.11", 500), ("-0.5", "1.09", 0)],
    ids=["half a lot long", "half a lot short", "half a lot short, beyond its stop"],
)
def test_parts_of_lots_lose_on_their_own_side(quantity: str, stop: str, loss: int) -> None:
    held = make_position(quantity, instrument=EURUSD, price="1.10", stop=stop)
    assert position_risk(held, BARE) == loss
