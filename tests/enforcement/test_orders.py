"""Sides, and prices put on the tick so that an order never looks safer than it is."""

from decimal import Decimal
from typing import Any

import pytest

from enforcement.orders import OrderIntent, Side, on_tick
from tests.enforcement.make import NOON, NQ

pytestmark = pytest.mark.core


def test_a_buy_adds_one_contract_and_a_sell_takes_one() -> None:
    assert (Side.BUY.sign, Side.SELL.sign) == (1, -1)
    assert (Side.BUY.opposite, Side.SELL.opposite) == (Side.SELL, Side.BUY)


def test_an_intent_is_an_automated_entry_without_an_id_unless_it_says_otherwise() -> None:
    intent = OrderIntent(symbol="NQ", side=Side.BUY, signalled_at=NOON)
    assert (intent.reduces, intent.automated, intent.has_own_id) == (False, True, False)


ON_TICK: list[Any] = [
    pytest.param(Side.BUY, "20000.10", "19990.10", "20000.25", "19990.00", id="long: entry up, stop down"),
    pytest.param(Side.SELL, "20000.10", "20010.10", "20000.00", "20010.25", id="short: entry down, stop up"),
    pytest.param(Side.BUY, "20000.25", "19990.50", "20000.25", "19990.50", id="on the tick already"),
    pytest.param(Side.BUY, None, "19990.10", None, "19990.00", id="no entry price"),
    pytest.param(Side.SELL, "20000.10", None, "20000.00", None, id="no stop"),
]


@pytest.mark.parametrize(("side", "entry", "stop", "entry_then", "stop_then"), ON_TICK)
def test_prices_move_apart_onto_the_tick(
    side: Side, entry: str | None, stop: str | None, entry_then: str | None, stop_then: str | None
) -> None:
    given = (None if price is None else Decimal(price) for price in (entry, stop))
    then = tuple(None if price is None else Decimal(price) for price in (entry_then, stop_then))
    assert on_tick(NQ, side, *given) == then
