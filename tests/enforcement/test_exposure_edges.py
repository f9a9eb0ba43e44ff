"""Contracts in minis where a program has figures of its own."""

from decimal import Decimal
from typing import Any

import pytest

from enforcement.exposure import mini_equivalents
from enforcement.program import ProductLimit
from tests.enforcement.make import GC, MNQ, NQ, SIL, make_terms

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
