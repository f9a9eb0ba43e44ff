"""The size that fits, where there is nothing to size."""

from typing import Any

import pytest

from enforcement.rules import RULES
from enforcement.sizing import largest_that_passes
from tests.enforcement.make import make_context

pytestmark = pytest.mark.core


@pytest.mark.parametrize(
    "missing", [{"instrument": None}, {"quantity": None}], ids=["no instrument", "no size"]
)
def test_nothing_fits_an_order_without_a_size_or_an_instrument(missing: dict[str, Any]) -> None:
    assert largest_that_passes(make_context(**missing), (), RULES) == 0


def test_what_fits_is_found_to_the_contract() -> None:
    """215 a contract at worst: four stay above the daily floor of 49,000, five don't."""
    ctx = make_context(quantity=9)
    assert largest_that_passes(ctx, (), RULES) == 4
