"""The size that would have passed."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enforcement import evaluate_order
from enforcement.context import OrderContext
from tests.enforcement.make import (
    EURUSD,
    MNQ,
    PROPERTY,
    daily_floor,
    make_context,
    make_flag,
    make_position,
    make_state,
    make_terms,
    static_floor,
)

pytestmark = pytest.mark.core


def fits(**fields: Any) -> Decimal | None:
    return evaluate_order(make_context(**fields)).fits


LOTS = {"instrument": EURUSD, "entry_price": "1.10000", "stop_loss": "1.09000", "session": None}
CAP_OF_3 = make_terms(max_contracts=3)
RISK_OF_400 = make_terms(max_risk_share="0.008")
CASES: list[Any] = [
    pytest.param({"quantity": 12}, 4, id="the daily room of 1,000 bears 4 x 215"),
    pytest.param({"quantity": 12, "terms": CAP_OF_3}, 3, id="the contract cap"),
    pytest.param({"quantity": 12, "terms": CAP_OF_3, "positions": (make_position(2),)}, 1, id="one is left"),
    pytest.param({"quantity": 12, "terms": RISK_OF_400}, 2, id="a risk of 400 bears 2 x 200"),
    pytest.param({"quantity": 40, "instrument": MNQ}, 38, id="1,000 bears 38 micros of 26"),
    pytest.param({"quantity": 5, "state": make_state("49215.00")}, 0, id="one contract's loss exactly: none"),
    pytest.param({"quantity": 5, "state": make_state("49215.01")}, 1, id="a cent more: one"),
    pytest.param({"quantity": 5, "state": make_state(49_000)}, 0, id="at the floor: none"),
    pytest.param({"quantity": 5, **LOTS}, "0.99", id="lots: 1,000 bears 0.99 x 1,007"),
    pytest.param({"quantity": 5, "flags": (make_flag("paused"),)}, 0, id="paused: no size helps"),
    pytest.param({"quantity": None}, 0, id="no size was wished"),
    pytest.param({"quantity": 5, "instrument": None}, 0, id="no known instrument"),
    pytest.param({"quantity": 5, "state": None}, 0, id="equity not known"),
    pytest.param({"quantity": 5, "stop_loss": None}, 0, id="no bound on the loss"),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "size"), CASES)
def test_the_size_that_would_have_passed(fields: dict[str, Any], size: int | str) -> None:
    assert fits(**fields) == Decimal(size)


def test_an_order_that_passes_as_it_is_names_no_size() -> None:
    assert fits(quantity=1) is None


def resized(ctx: OrderContext, quantity: Decimal) -> OrderContext:
    return replace(ctx, intent=replace(ctx.intent, quantity=quantity))


@PROPERTY
@given(
    equity_cents=st.integers(4_700_000, 5_100_000),
    wished=st.integers(1, 40),
    stop_ticks=st.integers(1, 400),
    cap=st.none() | st.integers(0, 30),
    share=st.none() | st.integers(1, 100),
    held=st.integers(0, 5),
)
def test_fits_is_the_largest_passing_size(
    equity_cents: int, wished: int, stop_ticks: int, cap: int | None, share: int | None, held: int
) -> None:
    ctx = make_context(
        quantity=wished,
        stop_loss=20_000 - Decimal(stop_ticks) / 4,
        state=make_state(Decimal(equity_cents) / 100),
        terms=make_terms(
            max_contracts=cap,
            max_risk_share=None if share is None else Decimal(share) / 1000,
            floors=(daily_floor(1000), static_floor(2500)),
        ),
        positions=(make_position(held),) if held else (),
    )
    decision = evaluate_order(ctx)
    passing = [size for size in range(1, wished + 1) if evaluate_order(resized(ctx, Decimal(size))).allowed]
    assert decision.allowed == (wished in passing)
    assert decision.fits == (None if decision.allowed else max(passing, default=0))
    assert passing == list(range(1, len(passing) + 1)), "a smaller size never fails where a larger one passes"
