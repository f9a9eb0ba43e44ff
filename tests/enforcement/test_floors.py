"""Where each kind of floor is, and what touching it means. Figures of firms are from their own pages."""

from decimal import Decimal
from typing import Any

import pytest

from enforcement.account import AccountState
from enforcement.floors import LossFloor, level_of
from tests.enforcement.make import daily_floor, make_floor, make_state, static_floor, trailing_floor

pytestmark = pytest.mark.core


def level(floor: LossFloor, state: AccountState, start: int = 50_000, size: int = 50_000) -> Decimal | None:
    return level_of(floor, state, Decimal(start), Decimal(size))


@pytest.mark.parametrize("equity", [40_000, 50_000, 60_000])
def test_a_static_floor_never_moves(equity: int) -> None:
    state = make_state(equity, highest_equity=60_000, highest_close=60_000)
    assert level(static_floor(2500), state) == 47_500


@pytest.mark.parametrize(
    ("peak", "expected"),
    [(49_000, 47_500), (50_000, 47_500), ("50000.01", "47500.01"), (52_000, 49_500), (60_000, 57_500)],
    ids=["never under the start", "on day one", "a cent higher", "with unrealised profit", "without a lock"],
)
def test_an_intraday_trailing_floor_follows_the_peak_of_equity(peak: Any, expected: Any) -> None:
    state = make_state(50_100, highest_equity=peak, highest_close=50_000)
    assert level(trailing_floor(2500), state) == Decimal(expected)


@pytest.mark.parametrize(
    ("peak", "expected"),
    [("52099.99", "50099.99"), (52_100, 50_100), (53_000, 50_100)],
    ids=["a cent before the lock", "Apex 50K locks at a peak of 52,100", "and stays there"],
)
def test_a_lock_ends_the_trailing(peak: Any, expected: Any) -> None:
    assert level(trailing_floor(2000, lock_at=50_100), make_state(highest_equity=peak)) == Decimal(expected)


def test_an_end_of_day_floor_follows_closes_not_the_peak() -> None:
    floor = make_floor("drawdown", "highest_close", 2000, lock_at=50_000)
    assert level(floor, make_state(51_900, highest_equity=51_900)) == 48_000
    assert level(floor, make_state(highest_close=51_200, highest_equity=51_900)) == 49_200
    assert level(floor, make_state(highest_close=52_500)) == 50_000
    assert level(floor, make_state(highest_close=49_000)) == 48_000


# rules.md §2.4, "numerical comparison, 100K, 5%": balance and equity at the reset, floor by arithmetic.
ARITHMETICS = [
    pytest.param("day_start_balance", "initial", 103_000, "95000", id="FTMO: balance, share of initial"),
    pytest.param(
        "day_start_balance", "anchor", 103_000, "95000", id="Alpha Capital 10: balance, share of it"
    ),
    pytest.param("day_start_higher", "initial", 103_000, "98000", id="Aqua: the higher, share of initial"),
    pytest.param("day_start_higher", "anchor", 103_000, "97850", id="The5ers: the higher, share of it"),
    pytest.param("day_start_balance", "initial", 98_000, "95000", id="FTMO over an open loss"),
    pytest.param("day_start_balance", "anchor", 98_000, "95000", id="Alpha Capital over an open loss"),
    pytest.param("day_start_higher", "initial", 98_000, "95000", id="Aqua over an open loss"),
    pytest.param("day_start_higher", "anchor", 98_000, "95000", id="The5ers over an open loss"),
]


@pytest.mark.parametrize(("anchor", "share_of", "equity", "expected"), ARITHMETICS)
def test_two_firms_with_five_percent_a_day_differ_by_thousands(
    anchor: str, share_of: str, equity: int, expected: str
) -> None:
    floor = make_floor("daily_loss", anchor, share="0.05", share_of=share_of)
    state = make_state(day_start_balance=100_000, day_start_equity=equity)
    assert level(floor, state, 100_000, 100_000) == Decimal(expected)


def test_fundednexts_own_example_carries_cents() -> None:
    state = make_state(day_start_balance="103258.16")
    assert level(daily_floor(4000), state, 100_000, 100_000) == Decimal("99258.16")


def test_a_daily_floor_is_not_recomputed_from_todays_profit() -> None:
    state = make_state(52_000, highest_equity=52_000, day_start_balance=50_400)
    assert level(daily_floor(1000), state) == 49_400


def test_an_account_that_starts_at_zero_has_floors_below_zero() -> None:
    state = make_state(0, highest_equity=0, highest_close=0, day_start_balance=0, day_start_equity=0)
    assert level(static_floor(2000), state, start=0) == -2000
    assert level(make_floor("drawdown", "initial", share="0.04"), state, start=0) == -2000
    assert level(trailing_floor(2000, lock_at=0), make_state(highest_equity=3000), start=0) == 0


@pytest.mark.parametrize(
    ("floor", "unknown"),
    [
        (trailing_floor(), {"highest_equity": None}),
        (make_floor("drawdown", "highest_close", 2500), {"highest_close": None}),
        (make_floor("drawdown", "highest_close", 2500), {"day_start_balance": None}),
        (daily_floor(), {"day_start_balance": None}),
        (daily_floor(anchor="day_start_higher"), {"day_start_balance": None}),
        (daily_floor(anchor="day_start_higher"), {"day_start_equity": None}),
        (make_floor("drawdown", "initial"), {}),
    ],
    ids=[
        "peak of equity", "highest close", "the last close", "day's opening balance",
        "opening balance of the higher", "opening equity of the higher", "neither amount nor share",
    ],
)  # fmt: skip
def test_a_floor_measured_from_something_unknown_is_unknown(
    floor: LossFloor, unknown: dict[str, Any]
) -> None:
    assert level(floor, make_state(**unknown)) is None


@pytest.mark.parametrize(
    ("equity", "at", "below"),
    [("47500.01", False, False), ("47500.00", True, False), ("47499.99", True, True)],
    ids=["one cent above", "at the floor", "one cent below"],
)
def test_at_or_below(equity: str, at: bool, below: bool) -> None:
    floor_level = Decimal(47_500)
    assert static_floor(boundary="at").is_crossed(Decimal(equity), floor_level) is at
    assert static_floor(boundary="below").is_crossed(Decimal(equity), floor_level) is below
    guarded = static_floor(boundary="below").is_crossed(Decimal(equity), floor_level, block_at_floor=True)
    assert guarded is at, "the guard treats touching as broken whatever the firm says"
