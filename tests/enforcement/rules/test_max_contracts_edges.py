"""Contracts: tiers beside a cap, and orders that only bring a position nearer to zero."""

from decimal import Decimal
from typing import Any

import pytest

from enforcement.decision import Finding, Outcome
from enforcement.orders import Side
from enforcement.rules import max_contracts
from tests.enforcement.make import (
    ES,
    EURUSD,
    make_context,
    make_position,
    make_state,
    make_terms,
    make_tiers,
    make_working,
)

pytestmark = pytest.mark.core

SELL: dict[str, Any] = {"side": "sell", "stop_loss": 20_010}
TWELVE_ES = make_position(12, instrument=ES, price=6000, stop=5990)  # beyond the cap of ten already


def code(**fields: Any) -> str:
    return max_contracts.check(make_context(**fields)).code


REDUCING: list[Any] = [
    pytest.param({"positions": (make_position(1), TWELVE_ES), "quantity": 1, **SELL}, "within", id="the last contract of a product is closed"),
    pytest.param({"positions": (make_position(3), TWELVE_ES), "quantity": 2, **SELL}, "within", id="two of three are closed"),
    pytest.param({"positions": (make_position(1), TWELVE_ES), "quantity": 2, **SELL}, "over", id="closed and reversed"),
    pytest.param({"positions": (TWELVE_ES,), "quantity": 1, **SELL}, "over", id="nothing of the product is held"),
    pytest.param({"positions": (make_position(1), TWELVE_ES), "quantity": 1}, "over", id="more of the same"),
    pytest.param({"positions": (make_position(2), TWELVE_ES), "working": (make_working(1, side=Side.SELL),), "quantity": 2, **SELL}, "over", id="with a working sell it could reverse"),
    pytest.param({"positions": (make_position(2), TWELVE_ES), "working": (make_working(1, side=Side.SELL),), "quantity": 1, **SELL}, "within", id="with a working sell it closes the rest"),
    pytest.param({"positions": (make_position(2), TWELVE_ES), "working": (make_working(3, instrument=ES, side=Side.SELL),), "quantity": 2, **SELL}, "within", id="a sell working elsewhere closes nothing here"),
    pytest.param({"positions": (make_position(2), TWELVE_ES), "working": (make_working(3),), "quantity": 2, **SELL}, "within", id="a working buy closes nothing"),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "said"), REDUCING)
def test_what_only_reduces_is_never_over_the_cap(fields: dict[str, Any], said: str) -> None:
    assert code(**fields) == f"max_contracts.{said}"


def test_a_part_of_a_lot_in_the_same_direction_is_more_not_less() -> None:
    """0.5 lots held long, 0.2 more bought: 0.7 of the 0.6 allowed."""
    held = make_position("0.5", instrument=EURUSD, price="1.1", stop="1.09")
    fields: dict[str, Any] = {
        "instrument": EURUSD,
        "quantity": "0.2",
        "entry_price": "1.1",
        "stop_loss": "1.09",
    }
    assert code(terms=make_terms(max_contracts="0.6"), positions=(held,), **fields) == "max_contracts.over"


def tiered(max_contracts_: int | None, **fields: Any) -> Finding:
    """Three contracts from the start, five from a profit of 1,500; six are wished for."""
    terms = make_terms(tiers=make_tiers((0, 3), (1500, 5)), max_contracts=max_contracts_, **fields)
    state = make_state(51_000, last_close=49_000, highest_close=51_000)
    return max_contracts.check(make_context(terms=terms, state=state, quantity=6))


@pytest.mark.parametrize(
    ("cap", "said", "limit"),
    [(2, "over", 2), (3, "over_tier", 3), (None, "over_tier", 3)],
    ids=["a cap under the tier", "a cap that is the tier", "no cap"],
)
def test_the_lower_of_cap_and_tier_is_named(cap: int | None, said: str, limit: int) -> None:
    finding = tiered(cap)
    assert (finding.code, finding.limit, finding.outcome) == (f"max_contracts.{said}", limit, Outcome.DENY)


@pytest.mark.parametrize(
    ("may_fall", "profit"),
    [(True, -1000), (False, 1000)],
    ids=["it may fall again", "the highest close stays"],
)
def test_whose_profit_makes_the_tier(may_fall: bool, profit: int) -> None:
    finding = tiered(None, scaling_may_fall=may_fall)
    assert (finding.facts["profit"], finding.limit) == (Decimal(profit), 3)


def test_what_is_left_under_a_cap_of_minis_is_named() -> None:
    """Two are held, six wished for, three allowed: one is left."""
    ctx = make_context(terms=make_terms(max_minis=3), positions=(make_position(2),), quantity=6)
    finding = max_contracts.check(ctx)
    assert (finding.code, finding.observed, finding.room) == ("max_contracts.over_minis", 8, 1)
