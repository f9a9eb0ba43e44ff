"""Where each kind of floor is, and what touching it means. Figures of firms are from their own pages."""

from decimal import Decimal
from typing import Any

import pytest

from enforcement.account import AccountState, CashFlow, cash_flow
from enforcement.floors import Boundary, FloorLevel, LossFloor, Tier, level_of, levels_of, tier_value
from tests.enforcement.make import (
    Number,
    daily_floor,
    make_floor,
    make_state,
    make_tiers,
    static_floor,
    trailing_floor,
)

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
        (make_floor("drawdown", "highest_close", 2500), {"last_close": None}),
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
    def crossed(boundary: str, *, guarded: bool = False) -> bool:
        floor = static_floor(boundary=boundary)
        level = FloorLevel(floor, Decimal(47_500), floor.boundary)
        return level.is_crossed(Decimal(equity), Decimal(60_000), block_at_floor=guarded)

    assert crossed("at") is at
    assert crossed("below") is below
    assert crossed("below", guarded=True) is at, "the guard treats touching as broken whatever the firm says"


# --- locks and their triggers -------------------------------------------------------------------------


def in_force(floor: LossFloor, state: AccountState, start: int = 50_000) -> FloorLevel:
    (found,) = levels_of([floor], state, Decimal(start), Decimal(50_000))
    return found


def eod(amount: Number = 2000, **fields: Any) -> LossFloor:
    return make_floor("drawdown", "highest_close", amount, **fields)


LOCKS: list[Any] = [
    # PEAK: as soon as the floor gets there
    pytest.param("peak", {"highest_equity": 52_099}, 50_099, id="peak: a dollar before"),
    pytest.param("peak", {"highest_equity": 52_100}, 50_100, id="peak: reached by equity"),
    pytest.param("peak", {"highest_equity": 53_000}, 50_100, id="peak: and it stays"),
    # CLOSE (LucidDaily): the floor trails on until a close is far enough above
    pytest.param("close", {"highest_equity": 53_000, "highest_close": 52_099}, 51_000, id="close: the peak doesn't lock"),
    pytest.param("close", {"highest_equity": 53_000, "highest_close": 52_100}, 50_100, id="close: a close at 52,100 locks, and lowers"),
    pytest.param("close", {"highest_equity": 51_000, "highest_close": 50_500}, 49_000, id="close: far from it"),
    # CLOSED PROFIT (E8 Signature): at once when the closed balance is there
    pytest.param("closed_profit", {"highest_equity": 53_000, "highest_balance": 52_099}, 51_000, id="closed profit: a dollar before"),
    pytest.param("closed_profit", {"highest_equity": 53_000, "highest_balance": 52_100}, 50_100, id="closed profit: reached"),
    # with the first payout
    pytest.param("payout_requested", {"highest_equity": 51_000}, 49_000, id="payout asked for: not yet"),
    pytest.param("payout_requested", {"highest_equity": 51_000, "payouts_requested": 1}, 50_100, id="payout asked for"),
    pytest.param("payout_paid", {"highest_equity": 51_000, "payouts_requested": 1}, 49_000, id="payout paid: asking is not enough"),
    pytest.param("payout_paid", {"highest_equity": 55_000, "payouts_requested": 1, "payouts_paid": 1}, 50_100, id="payout paid"),
]  # fmt: skip


@pytest.mark.parametrize(("trigger", "known", "expected"), LOCKS)
def test_when_a_lock_closes(trigger: str, known: dict[str, Any], expected: int) -> None:
    floor = trailing_floor(2000, lock_at=50_100, lock_trigger=trigger)
    assert level(floor, make_state(50_500, **known)) == expected


@pytest.mark.parametrize(
    ("trigger", "unknown"), [("close", "highest_close"), ("closed_profit", "highest_balance")]
)
def test_while_it_is_not_known_whether_a_lock_has_closed_the_floor_is_not_known(
    trigger: str, unknown: str
) -> None:
    floor = trailing_floor(2000, lock_at=50_100, lock_trigger=trigger)
    anchors: dict[str, Any] = {"highest_equity": 53_000, unknown: None}
    assert level(floor, make_state(**anchors)) is None


@pytest.mark.parametrize(
    ("close", "locked"), [(52_099, 50_099), (52_100, 50_100), (60_000, 50_100)], ids=["before", "at", "after"]
)
def test_an_end_of_day_floor_locks_by_its_close(close: int, locked: int) -> None:
    """My Funded Futures publishes 52,100 as the locking close of a 50K account."""
    assert level(eod(lock_at=50_100), make_state(highest_close=close)) == locked


def test_a_floor_on_the_closed_balance_moves_when_profit_is_closed() -> None:
    floor = make_floor("drawdown", "highest_balance", 2000)
    assert level(floor, make_state(52_000, balance=50_000, highest_equity=52_000)) == 48_000
    assert level(floor, make_state(51_000, highest_balance=51_500)) == 49_500


def test_the_comparator_may_change_with_the_lock() -> None:
    """My Funded Futures: reaching before the lock, dropping below after it."""
    floor = eod(lock_at=50_100, boundary_after_lock="below")
    assert in_force(floor, make_state(highest_close=52_099)).boundary is Boundary.AT
    assert in_force(floor, make_state(highest_close=52_100)).boundary is Boundary.BELOW
    assert in_force(eod(lock_at=50_100), make_state(highest_close=60_000)).boundary is Boundary.AT


# --- payouts ------------------------------------------------------------------------------------------

ASKED = {"payouts_requested": 1}
PAID = {"payouts_requested": 1, "payouts_paid": 1}
PAYOUTS: list[Any] = [
    pytest.param({"payout_effect": "lock", "floor_after_payout": 50_000}, ASKED, 52_500, 50_500, id="lock: not by asking"),
    pytest.param({"payout_effect": "lock", "floor_after_payout": 50_000}, PAID, 52_500, 50_000, id="lock: when it is paid, for good"),
    pytest.param({"payout_effect": "lock", "floor_after_payout": 50_000}, PAID, 60_000, 50_000, id="lock: whatever comes later"),
    pytest.param({"payout_effect": "lock", "floor_after_payout": 50_100, "payout_on_request": True}, ASKED, 51_000, 50_100, id="lock with the request"),
    pytest.param({"payout_effect": "set", "floor_after_payout": 50_000}, ASKED, 51_000, 49_000, id="set: not by asking"),
    pytest.param({"payout_effect": "set", "floor_after_payout": 50_000}, PAID, 51_000, 50_000, id="set: at least that"),
    pytest.param({"payout_effect": "set", "floor_after_payout": 50_000}, PAID, 53_000, 51_000, id="set: and it trails on"),
    pytest.param({"payout_effect": "none", "floor_after_payout": 50_000}, PAID, 51_000, 49_000, id="none: Apex, TradeDay Quick Pay"),
]  # fmt: skip


@pytest.mark.parametrize(("effect", "events", "peak", "expected"), PAYOUTS)
def test_what_the_first_payout_does(
    effect: dict[str, Any], events: dict[str, int], peak: int, expected: int
) -> None:
    state = make_state(50_500, highest_close=peak, last_close=peak, **events)
    assert level(eod(2000, **effect), state) == expected


def test_topsteps_funded_floor_is_zero_for_good_from_the_first_payout() -> None:
    floor = eod(2000, lock_at=0, payout_effect="lock", floor_after_payout=0)
    state = make_state(900, balance=900, day_start_balance=0, highest_close=900, last_close=900)
    assert level(floor, state, start=0) == -1100
    assert level(floor, cash_flow(state, CashFlow.PAYOUT_PAID, Decimal(450)), start=0) == 0


def test_ftmos_one_step_floor_returns_to_90_percent_after_a_reward() -> None:
    floor = make_floor("drawdown", "highest_close", share="0.1", payout_effect="reset")
    state = make_state(104_000, highest_close=104_000, last_close=104_000)
    assert level(floor, state, 100_000, 100_000) == 94_000
    paid = cash_flow(state, CashFlow.PAYOUT_PAID, Decimal(4000), peaks_reset_to=Decimal(100_000))
    assert level(floor, paid, 100_000, 100_000) == 90_000


# --- amounts that follow the profit -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day_start", "expected"),
    [(49_000, 48_000), (50_000, 49_000), (51_499, 50_499), (51_500, 49_500), (53_000, 51_000)],
    ids=["in loss: the first tier", "on day one", "a dollar under 1,500", "from 1,500 on", "the last tier"],
)
def test_a_daily_amount_may_come_in_tiers_of_the_closing_profit(day_start: int, expected: int) -> None:
    floor = make_floor("daily_loss", "day_start_balance", tiers=make_tiers((0, 1000), (1500, 2000)))
    assert level(floor, make_state(day_start_balance=day_start)) == expected


def test_tiers_of_an_unknown_day_start_are_unknown() -> None:
    floor = make_floor("drawdown", "initial", tiers=make_tiers((0, 1000), (1500, 2000)))
    assert level(floor, make_state(day_start_balance=None)) is None


@pytest.mark.parametrize(
    ("profit", "value"),
    [(-500, 2), (0, 2), (1499, 2), (1500, 3), (1999, 3), (2000, 5), (9000, 5)],
)
def test_the_last_tier_reached_counts(profit: int, value: int) -> None:
    assert tier_value(make_tiers((0, 2), (1500, 3), (2000, 5)), Decimal(profit)) == value


def test_a_boundary_of_a_tier_may_lie_above() -> None:
    assert Tier(Decimal(1500), Decimal(3)).is_reached(Decimal(1500))
    assert not Tier(Decimal(1500), Decimal(3), above=True).is_reached(Decimal(1500))
    assert Tier(Decimal(1500), Decimal(3), above=True).is_reached(Decimal("1500.01"))


LUCID_PRO = make_floor(
    "daily_loss",
    "day_start_balance",
    1200,
    share="0.6",
    share_of="highest_close_profit",
    share_from_profit=2100,
)


@pytest.mark.parametrize(
    ("highest_close", "expected"),
    [(50_000, 50_800), (52_100, 50_800), ("52100.01", "50739.994"), (55_000, 49_000), (49_000, 50_800)],
    ids=[
        "fixed at first",
        "52,100 is still fixed",
        "above it 60 % of the highest",
        "60 % of 5,000",
        "in loss",
    ],
)
def test_lucid_pros_daily_loss_becomes_a_share_of_the_highest_closing_profit(
    highest_close: Number, expected: Number
) -> None:
    """Start + drawdown + 100: 1,200 until a close above 52,100, then 60 % of the highest closing profit."""
    state = make_state(52_000, day_start_balance=52_000, highest_close=highest_close)
    assert level(LUCID_PRO, state) == Decimal(expected)


def test_lucid_pros_daily_loss_is_unknown_while_the_highest_close_is() -> None:
    assert level(LUCID_PRO, make_state(highest_close=None)) is None


def test_a_share_of_profit_without_a_fixed_amount() -> None:
    floor = make_floor("daily_loss", "day_start_balance", share="0.6", share_of="highest_close_profit")
    assert level(floor, make_state(day_start_balance=52_000, highest_close=55_000)) == 49_000
    assert level(floor, make_state(day_start_balance=49_000, highest_close=50_000)) == 49_000


@pytest.mark.parametrize(
    ("highest_close", "holds"),
    [(51_499, True), (51_500, False), (None, True)],
    ids=["under", "at", "unknown"],
)
def test_a_limit_may_end_from_a_profit_on(highest_close: int | None, holds: bool) -> None:
    floor = daily_floor(1000, ends_from_profit=1500)
    found = levels_of([floor], make_state(highest_close=highest_close), Decimal(50_000), Decimal(50_000))
    assert [at.level for at in found] == ([Decimal(49_000)] if holds else [])


def test_a_limit_on_the_open_loss_is_measured_from_the_balance_now() -> None:
    floor = make_floor("drawdown", "balance", 600)
    assert level(floor, make_state(50_000, balance=51_000)) == 50_400


# --- reported floors ----------------------------------------------------------------------------------

REPORTED: list[Any] = [
    pytest.param(trailing_floor(2500), 48_200, 48_200, id="higher than ours: polled marks understate peaks"),
    pytest.param(trailing_floor(2500), 46_000, 47_500, id="lower than ours"),
    pytest.param(eod(2000), 48_700, 48_700, id="end of day as well"),
    pytest.param(make_floor("drawdown", "highest_balance", 2000), 48_700, 48_700, id="and on closed balance"),
    pytest.param(static_floor(2500), 48_200, 48_200, id="a static one too: a payout may have moved it"),
    pytest.param(daily_floor(1000), 49_500, 49_000, id="nor does a daily one: it is another floor"),
]


@pytest.mark.parametrize(("floor", "reported", "expected"), REPORTED)
def test_a_trailing_floor_is_the_higher_of_ours_and_the_reported(
    floor: LossFloor, reported: int, expected: int
) -> None:
    assert in_force(floor, make_state(reported_floor=reported)).level == expected


def test_a_reported_floor_helps_where_the_peak_is_not_known() -> None:
    assert (
        in_force(trailing_floor(2500), make_state(highest_equity=None, reported_floor=48_000)).level == 48_000
    )
    assert in_force(trailing_floor(2500), make_state(highest_equity=None)).level is None


# --- what is held against a floor ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("equity", "balance", "crossed"),
    [(48_000, 50_000, False), (47_500, 50_000, True), (50_000, 47_500, True), (47_501, 47_501, False)],
    ids=["both above", "equity at it", "the balance at it, equity above", "both a dollar above"],
)
def test_the_lower_of_equity_and_balance(equity: int, balance: int, crossed: bool) -> None:
    at = in_force(static_floor(2500, tested_on="lower"), make_state())
    assert at.is_crossed(Decimal(equity), Decimal(balance)) is crossed


def test_an_unknown_floor_is_never_crossed() -> None:
    at = in_force(trailing_floor(), make_state(highest_equity=None))
    assert not at.is_crossed(Decimal(0), Decimal(0), block_at_floor=True)


def test_a_zero_based_accounts_peak_is_never_under_zero() -> None:
    state = make_state(-500, highest_equity=-100, highest_close=-300, last_close=-300)
    assert level(trailing_floor(2000), state, start=0) == -2000
    assert level(eod(2000), state, start=0) == -2000
    assert level(eod(2000), make_state(highest_close=1250, last_close=1250), start=0) == -750
