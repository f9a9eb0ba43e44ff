"""The floors' edges: buffers, what open stops secure, the next reset and close, and whose word it is.

The stock order risks 430 (2 NQ: 2 x (200 + 10 + 5)); now is Wednesday 11:00 in Chicago.
"""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest

from enforcement.calendar import Closure
from enforcement.decision import Finding
from enforcement.program import FlatBy, HoldsOverReset
from enforcement.rules import loss_floors
from tests.enforcement.make import (
    BARE,
    NOON,
    TOPSTEP_DAY,
    daily_floor,
    make_context,
    make_floor,
    make_guard,
    make_position,
    make_state,
    make_terms,
    make_tiers,
    make_working,
    static_floor,
    trailing_floor,
)

pytestmark = pytest.mark.core

CT = "America/Chicago"
RESET = datetime(2026, 3, 4, 23, 0, tzinfo=UTC)  # 17:00 in Chicago


def found(*floors: Any, state: dict[str, Any], terms: dict[str, Any] | None = None, **fields: Any) -> Finding:
    state = {"equity": 50_000, **state}
    ctx = make_context(
        terms=make_terms(floors=floors, **(terms or {})),
        state=make_state(state.pop("equity"), **state),
        **fields,
    )
    return loss_floors.check(ctx)


# --- buffers and the lower of equity and balance ---------------------------------------------------------


def test_the_buffer_is_taken_off_the_worst_case() -> None:
    finding = found(daily_floor(), state={}, guard=make_guard(floor_buffer=100))
    assert (finding.code, finding.observed, finding.limit) == (
        "loss_floors.above",
        50_000 - 430 - 100,
        49_000,
    )


@pytest.mark.parametrize(
    ("balance", "code"),
    [(48_031, "loss_floors.above"), (48_030, "drawdown.would_breach")],
    ids=["a dollar above", "at the floor of 47,500: 48,030 less 430 less 100"],
)
def test_the_buffer_is_taken_off_a_balance_that_is_tested_as_well(balance: int, code: str) -> None:
    lower = static_floor(2500, tested_on="lower")
    assert found(lower, state={"balance": balance}, guard=make_guard(floor_buffer=100)).code == code


def test_a_share_of_an_unknown_room_is_no_buffer() -> None:
    finding = found(
        daily_floor(), state={"day_start_balance": None}, guard=make_guard(floor_buffer_share="0.1")
    )
    assert finding.code == "loss_floors.floor_unknown"


# --- what open stops secure, over the next reset ---------------------------------------------------------

# 2,000 of open profit, 1,012.50 of it at stake down to the stop: 987.50 are secured, a balance of 50,987.50.
IN_PROFIT: dict[str, Any] = {
    "state": {"equity": 52_000, "balance": 50_000},
    "positions": (make_position(1, price=20_100, stop=20_050),),
}


@pytest.mark.parametrize(
    ("reserved", "code"),
    [(0, "loss_floors.above"), (569, "loss_floors.above"), (570, "daily_loss.over_reset")],
    ids=["nothing working", "a dollar of room: 430 + 569", "1,000 down from what is secured: 430 + 570"],
)
def test_stops_in_profit_raise_the_next_days_floor(reserved: int, code: str) -> None:
    working = (make_working(1, reserved),) if reserved else ()
    assert found(daily_floor(), working=working, **IN_PROFIT).code == code


def test_a_flat_accounts_next_day_begins_with_its_balance() -> None:
    """Equity above the balance and nothing open: the venue's figures differ, the balance counts."""
    state = {"equity": 50_400, "balance": 50_000}
    assert found(daily_floor(500), state=state).code == "loss_floors.above"
    follows = make_floor("drawdown", "highest_balance", 400)
    assert found(follows, state=state).code == "loss_floors.above"


AFTER_A_PROFIT: dict[str, Any] = {"equity": 50_600, "highest_close": 50_000}
ENDS: list[Any] = [
    pytest.param({}, "daily_loss.over_reset", id="nobody says when it ends"),
    pytest.param({"expires_at": RESET + timedelta(seconds=1)}, "daily_loss.over_reset", id="a second after the reset"),
    pytest.param({"expires_at": RESET}, "loss_floors.above", id="at the reset itself"),
]  # fmt: skip


@pytest.mark.parametrize(("intent", "code"), ENDS)
def test_what_ends_with_the_day_is_not_held_over_its_reset(intent: dict[str, Any], code: str) -> None:
    """The next day's floor is at 50,200: the worst case of 50,170 is above today's only."""
    assert found(daily_floor(400), state=AFTER_A_PROFIT, **intent).code == code


def test_the_highest_close_need_not_be_known_for_a_floor_that_does_not_follow_it() -> None:
    state = {**AFTER_A_PROFIT, "highest_close": None}
    assert found(daily_floor(400), state=state).code == "daily_loss.over_reset"


# --- a close before the reset: 15:10 and 17:00 in Chicago ------------------------------------------------

FOUR_PM = datetime(2026, 3, 4, 22, 0, tzinfo=UTC)  # closed for the day, the reset to come
END_OF_DAY = make_floor("drawdown", "highest_close", 400)
BETWEEN: list[Any] = [
    pytest.param(daily_floor(400), RESET + timedelta(hours=1), "daily_loss.over_reset", id="over the reset: the day's floor"),
    pytest.param(daily_floor(400), RESET, "loss_floors.above", id="over neither"),
    pytest.param(END_OF_DAY, RESET + timedelta(hours=1), "loss_floors.above", id="over the reset only: the close is tomorrow's"),
    pytest.param(END_OF_DAY, RESET + timedelta(days=1), "drawdown.over_reset", id="over tomorrow's close"),
]  # fmt: skip


@pytest.mark.parametrize(("floor", "ends", "code"), BETWEEN)
def test_the_close_and_the_reset_are_two_instants(floor: Any, ends: datetime, code: str) -> None:
    finding = found(
        floor,
        state={**AFTER_A_PROFIT, "as_of": FOUR_PM},
        terms={"day": TOPSTEP_DAY},
        now=FOUR_PM,
        expires_at=ends,
    )
    assert finding.code == code


EARLY = Closure(date(2026, 3, 4), "equity_index", time(12), CT, "an early close")
METALS = Closure(date(2026, 3, 4), "metals", time(12), CT, "an early close")
FLAT_BY: list[Any] = [
    pytest.param({"flat_by": FlatBy(at=time(15, 10), zone=CT)}, None, "loss_floors.above", id="flat by the close"),
    pytest.param({"flat_by": FlatBy(at=time(16), zone=CT)}, None, "drawdown.over_reset", id="flat after the close"),
    pytest.param({"flat_by": FlatBy(at=time(16), zone=CT), "closures": (EARLY,)}, None, "loss_floors.above", id="its own market closes early"),
    pytest.param({"flat_by": FlatBy(at=time(16), zone=CT), "closures": (METALS,)}, None, "drawdown.over_reset", id="another market closes early"),
    pytest.param({"flat_by": FlatBy(at=time(15, 10), zone=CT)}, RESET + timedelta(days=1), "loss_floors.above", id="flat-by comes before the order's own end"),
    pytest.param({"flat_by": FlatBy(at=time(16), zone=CT)}, NOON + timedelta(hours=1), "loss_floors.above", id="the order's own end comes first"),
    pytest.param({"flat_by": FlatBy(at=time(15, 10), zone=CT), "overnight": True}, None, "drawdown.over_reset", id="it may stay overnight"),
]  # fmt: skip


@pytest.mark.parametrize(("terms", "expires_at", "code"), FLAT_BY)
def test_what_must_be_flat_before_the_close_is_not_held_over_it(
    terms: dict[str, Any], expires_at: datetime | None, code: str
) -> None:
    finding = found(
        END_OF_DAY, state=AFTER_A_PROFIT, terms={"day": TOPSTEP_DAY, **terms}, expires_at=expires_at
    )
    assert finding.code == code


# --- floors that rise by other things than the balance ---------------------------------------------------


@pytest.mark.parametrize(
    ("equity", "code"),
    [(50_999, "loss_floors.above"), (51_000, "drawdown.over_reset")],
    ids=["a dollar under the tier", "tomorrow's tier leaves 400 under the start, not 2,000"],
)
def test_a_floor_of_tiers_rises_with_the_days_opening_balance(equity: int, code: str) -> None:
    tiers = make_floor("drawdown", "initial", tiers=make_tiers((0, 2000), (1000, -600)))
    commission_free = make_guard(commission_per_side=0)
    assert found(static_floor(), tiers, state={"equity": equity}, guard=commission_free).code == code


@pytest.mark.parametrize(
    ("balance", "code"),
    [(51_500, "daily_loss.over_reset"), (50_000, "loss_floors.above")],
    ids=[
        "1,300 of open loss: 49,982.50 at worst, and only 300 less tomorrow",
        "nothing in the higher tier to lose",
    ],
)
def test_a_loss_may_end_the_day_in_a_tighter_tier(balance: int, code: str) -> None:
    """2,000 from a profit of 1,000 on, 300 before. Stopped out it is 50,200 - 212.50 - 5."""
    floor = daily_floor(None, tiers=make_tiers((0, 300), (1000, 2000)))
    state = {"equity": 50_200, "balance": balance, "day_start_balance": 51_500}
    terms = {"starting_balance": Decimal(50_000 if balance > 51_000 else 48_000)}
    assert found(floor, state=state, positions=(make_position(1),), terms=terms).code == code


@pytest.mark.parametrize(
    ("amount", "code"),
    [(530, "loss_floors.above"), (529, "daily_loss.over_reset")],
    ids=["50,469.99", "50,470.99"],
)
def test_a_part_of_the_loss_may_end_the_day_a_cent_under_a_tier(amount: int, code: str) -> None:
    """51,500 now, 50,470 at worst: the next day may open at 50,999.99, where the lower tier's amount counts."""
    floor = daily_floor(None, tiers=make_tiers((0, amount), (1000, 2000)))
    state = dict.fromkeys(("equity", "balance", "day_start_balance"), 51_500)
    assert found(floor, state=state, working=(make_working(3, 600),)).code == code


@pytest.mark.parametrize(
    ("counts", "code"), [(True, "drawdown.run_up_would_breach"), (False, "loss_floors.above")]
)
def test_a_profit_that_a_stop_secures_raises_a_floor_that_follows_the_balance(
    counts: bool, code: str
) -> None:
    """50,987.50 secured, 400 under it 50,587.50; at worst 50,557.50."""
    follows = make_floor("drawdown", "highest_balance", 400)
    assert found(follows, **IN_PROFIT, guard=make_guard(count_run_up=counts)).code == code


def test_a_run_to_the_target_and_a_tighter_tier_may_come_together() -> None:
    """1,100 under the peak up to a profit of 1,000, then 2,000. The peak may be 51,900 by tomorrow, and the
    balance 50,857.50 with the three open contracts stopped: the floor is then at 50,800, above the worst case
    of 50,432.50. Either alone leaves it at 49,900 or at 50,400."""
    floor = make_floor("drawdown", "highest_equity", tiers=make_tiers((0, 1100), (1000, 2000)))
    state = dict.fromkeys(("equity", "balance", "day_start_balance", "highest_equity"), 51_500)
    held: dict[str, Any] = {"state": state, "positions": (make_position(3),)}
    assert found(floor, **held, target=20_010).code == "drawdown.over_reset"
    assert found(floor, **held, target="20000.25").code == "loss_floors.above"


@pytest.mark.parametrize("floor", [daily_floor(400), END_OF_DAY], ids=["the reset", "the close"])
def test_an_owner_who_never_holds_over_a_reset_is_not_held_to_the_next(floor: Any) -> None:
    never = make_guard(holds_over_reset=HoldsOverReset.NEVER)
    assert found(floor, state=AFTER_A_PROFIT, guard=never).code == "loss_floors.above"
    assert found(floor, state=AFTER_A_PROFIT).outcome.blocks


def test_a_share_of_the_highest_closing_profit_rises_with_its_first_dollar() -> None:
    """1,000 without a profit; 0.3 of 100 once today has closed: tomorrow's floor is at 50,070."""
    floor = daily_floor(1000, share="0.3", share_of="highest_close_profit")
    assert found(floor, state={"equity": 50_100}).code == "daily_loss.over_reset"
    assert found(floor, state={"equity": 50_000}).code == "loss_floors.above"


@pytest.mark.parametrize("others", [(), (static_floor(),)], ids=["alone", "beside a static floor"])
def test_a_share_of_the_profit_rises_overnight_even_after_a_losing_day(others: tuple[Any, ...]) -> None:
    """The close of 50,200 counts from tomorrow on: 0.3 of 200 under the balance of 50,100, 50,040."""
    floor = daily_floor(1000, share="0.3", share_of="highest_close_profit")
    state = {
        "equity": 50_100,
        "day_start_balance": 50_200,
        "highest_close": 50_200,
        "day_start_highest_close": 50_000,
    }
    assert found(floor, *others, state=state).code == "daily_loss.over_reset"


def test_the_higher_of_balance_and_equity_may_have_run_to_the_target_at_the_reset() -> None:
    """A target 100 points away: 4,000 more at the reset, and the next day's floor at 53,000."""
    higher = daily_floor(1000, anchor="day_start_higher")
    assert found(higher, state={}, target=20_100).code == "daily_loss.over_reset"
    assert found(higher, state={}).code == "loss_floors.above"


def test_a_run_to_the_target_raises_the_trailing_floor_before_the_stop_is_hit() -> None:
    assert (
        found(trailing_floor(500), state=AFTER_A_PROFIT, target=20_100).code == "drawdown.run_up_would_breach"
    )


def test_the_run_up_names_the_highest_of_the_trailing_floors() -> None:
    finding = found(trailing_floor(2500), trailing_floor(2000), trailing_floor(3000), state={})
    assert (finding.code, finding.limit) == ("drawdown.run_up", 48_000)


# --- whose word it is ------------------------------------------------------------------------------------


def test_open_risk_counts_in_the_firms_own_arithmetic() -> None:
    """Three contracts open lose 607.50, the order 410: 48,982.50 without any slippage of ours."""
    finding = found(daily_floor(), state={}, positions=(make_position(3),))
    assert (finding.code, finding.by) == ("daily_loss.would_breach", "firm")


def test_slippage_alone_is_the_guards_word() -> None:
    """The same with 990 for the daily loss and no commission: 600 + 400 is beyond it; of 1,001 only ours is."""
    guard, positions = make_guard(commission_per_side=0), (make_position(3),)
    assert found(daily_floor(1000), state={}, positions=positions, guard=guard).by == "firm"
    assert found(daily_floor(1001), state={}, positions=positions, guard=guard).by == "guard"


@pytest.mark.parametrize(
    ("balance", "by"),
    [(48_510, "firm"), (48_511, "guard")],
    ids=["48,510 - 410 - 600 is at it", "a dollar above it"],
)
def test_what_is_working_counts_against_the_balance_in_the_firms_arithmetic(balance: int, by: str) -> None:
    lower = static_floor(2500, tested_on="lower")
    finding = found(lower, state={"equity": 52_000, "balance": balance}, working=(make_working(3, 600),))
    assert (finding.code, finding.by) == ("drawdown.would_breach", by)


def test_the_owners_own_limit_is_the_owners_word() -> None:
    assert found(daily_floor(400, personal=True), state={}, guard=BARE).by == "owner"
