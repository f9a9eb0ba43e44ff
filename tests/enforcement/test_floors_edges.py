"""Floors: what is said of them besides their level, and shares of a profit at nothing."""

from decimal import Decimal
from typing import Any

import pytest

from enforcement.floors import FloorLevel, LossFloor, Tier, levels_of
from tests.enforcement.make import (
    daily_floor,
    make_floor,
    make_state,
    make_terms,
    static_floor,
    trailing_floor,
)

pytestmark = pytest.mark.core

START = Decimal(50_000)


def levels(*floors: LossFloor, **state: Any) -> list[tuple[Decimal | None, bool]]:
    found = levels_of(floors, make_state(**state), START, START)
    return [(at.level, at.locked) for at in found]


AFTER_PAYOUT: dict[str, Any] = {"payout_effect": "lock", "floor_after_payout": 50_000}
LOCKED: list[Any] = [
    pytest.param(trailing_floor(), {}, (47_500, False), id="trailing without a lock"),
    pytest.param(trailing_floor(lock_at=50_100), {"highest_equity": 52_599}, (50_099, False), id="a dollar before its lock"),
    pytest.param(trailing_floor(lock_at=50_100), {"highest_equity": 52_600}, (50_100, True), id="at its lock"),
    pytest.param(trailing_floor(**AFTER_PAYOUT), {"payouts_paid": 1}, (50_000, True), id="locked by a payout"),
    pytest.param(trailing_floor(**AFTER_PAYOUT), {"payouts_requested": 1}, (47_500, False), id="asked for only, it moves nothing"),
    pytest.param(trailing_floor(**AFTER_PAYOUT, payout_on_request=True), {"payouts_requested": 1}, (50_000, True), id="unless the request counts"),
    pytest.param(trailing_floor(lock_at=50_100), {"highest_equity": None}, (None, False), id="the peak is not known"),
    pytest.param(daily_floor(tiers=(Tier(Decimal(0), Decimal(1000)),)), {"day_start_balance": None}, (None, False), id="the day's opening balance is not known"),
    pytest.param(make_floor("drawdown", "initial", tiers=(Tier(Decimal(0), Decimal(1000)),)), {"day_start_balance": None}, (None, False), id="the tier is not known"),
    pytest.param(make_floor("drawdown", "highest_equity", 2500, lock_at=50_100, lock_trigger="close"), {"highest_close": None}, (None, False), id="what would lock it is not known"),
]  # fmt: skip


@pytest.mark.parametrize(("floor", "state", "level"), LOCKED)
def test_where_a_floor_is_and_whether_it_is_locked(
    floor: LossFloor, state: dict[str, Any], level: tuple[int | None, bool]
) -> None:
    assert levels(floor, **state) == [level]


def test_a_limit_that_has_ended_leaves_the_others_in_force() -> None:
    ended = daily_floor(1000, ends_from_profit=500)
    assert levels(ended, static_floor(2500), highest_close=50_500) == [(47_500, False)]


SHARE: dict[str, Any] = {"share": "0.3", "share_of": "highest_close_profit"}
SHARES: list[Any] = [
    pytest.param(daily_floor(1000, **SHARE), 50_000, "49000.0", id="no profit: the amount"),
    pytest.param(daily_floor(1000, **SHARE), 50_001, "49999.7", id="a dollar of profit: its share"),
    pytest.param(daily_floor(1000, **SHARE, share_from_profit=2100), 52_100, "49000.0", id="at the profit it begins beyond: the amount"),
    pytest.param(daily_floor(1000, **SHARE, share_from_profit=2100), 52_101, "49369.7", id="beyond it: 0.3 of 2,101"),
    pytest.param(daily_floor(None, **SHARE), 49_000, "50000", id="a share alone, under water: nothing may be lost"),
]  # fmt: skip


@pytest.mark.parametrize(("floor", "highest_close", "level"), SHARES)
def test_a_share_of_the_highest_closing_profit(floor: LossFloor, highest_close: int, level: str) -> None:
    assert levels(floor, highest_close=highest_close) == [(Decimal(level), False)]


def test_hard_floors_end_the_account_and_soft_ones_do_not() -> None:
    assert static_floor().is_hard
    assert not daily_floor().is_hard
    assert daily_floor(consequence="hard").is_hard


def test_touching_breaks_only_what_breaks_at_the_floor() -> None:
    """Nobody who asks without `block_at_floor` is told that touching is broken."""
    below = static_floor(boundary="below")
    (level,) = levels_of((below,), make_state(), START, START)
    assert not level.is_crossed(Decimal(47_500), Decimal(47_500))
    assert level.is_crossed(Decimal(47_500), Decimal(47_500), block_at_floor=True)
    assert not FloorLevel(below, level.level, below.boundary).locked


def test_a_tier_is_reached_at_its_profit_unless_it_must_be_passed() -> None:
    assert Tier(Decimal(1500), Decimal(3)).is_reached(Decimal(1500))
    assert not Tier(Decimal(1500), Decimal(3), above=True).is_reached(Decimal(1500))


def test_the_stock_programs_floors_stand_where_the_builders_say() -> None:
    assert levels(*make_terms().floors) == [(49_000, False), (47_500, False)]


REPORTED: list[Any] = [
    pytest.param(trailing_floor(), {}, 48_200, id="the higher one is believed"),
    pytest.param(trailing_floor(), {"reported_floor": 47_000}, 47_500, id="a lower one is not"),
    pytest.param(trailing_floor(**AFTER_PAYOUT), {}, 48_200, id="before the payout that locks it"),
    pytest.param(trailing_floor(**AFTER_PAYOUT), {"payouts_paid": 1}, 50_000, id="locked by a payout: its own level"),
    pytest.param(trailing_floor(payout_effect="set", floor_after_payout=47_000), {"payouts_paid": 1}, 48_200, id="set by a payout, it trails on"),
    pytest.param(trailing_floor(personal=True), {}, 47_500, id="nobody reports the owner's own limit"),
    pytest.param(daily_floor(), {}, 49_000, id="a daily floor is not what is reported"),
    pytest.param(make_floor("drawdown", "balance", 2500), {}, 47_500, id="nor is a limit on the open loss"),
]  # fmt: skip


@pytest.mark.parametrize(("floor", "state", "level"), REPORTED)
def test_which_floors_a_reported_one_raises(floor: LossFloor, state: dict[str, Any], level: int) -> None:
    assert levels(floor, **{"reported_floor": 48_200, **state})[0][0] == level
