"""A timeline run against a program. The account is the stock one: 50,000, floors at 49,000 (soft) and 47,500."""

from datetime import UTC, datetime, time
from decimal import Decimal
from typing import Any

import pytest

from enforcement.account import CashFlow
from enforcement.calendar import TradingDay
from enforcement.context import NewsEvent
from enforcement.decision import Decision
from enforcement.floors import PayoutEffect
from enforcement.orders import OrderIntent
from enforcement.program import GuardPolicy, NewsRule, ProgramTerms
from enforcement.scenario import (
    Event,
    Fill,
    Hold,
    Look,
    Mark,
    MoveStop,
    Order,
    Payout,
    Step,
    Surroundings,
    TimelineError,
    Turn,
    fresh_state,
    run,
)
from tests.enforcement.make import (
    BARE,
    ES,
    EURUSD,
    GER40,
    NQ,
    NY_AM,
    PRAGUE,
    daily_floor,
    exact,
    make_floor,
    make_guard,
    make_intent,
    make_position,
    make_terms,
    static_floor,
    trailing_floor,
)

pytestmark = pytest.mark.core

# The trading day of the stock program begins at 17:00 in Chicago, 22:00 UTC in September.
RESET = datetime(2026, 9, 14, 22, tzinfo=UTC)


def at(text: str) -> datetime:
    """`"10:00"` is Monday 14 September in UTC, `"Tue 10:00"` the day after, and so on."""
    day, _, clock = text.rpartition(" ")
    number = {"": 14, "Tue": 15, "Wed": 16, "Thu": 17, "Fri": 18, "Sat": 19, "Sun": 20, "next Mon": 21}[day]
    return datetime.combine(datetime(2026, 9, number), time.fromisoformat(clock), UTC)


def mark(when: str, equity: int | str | None = None, balance: int | str | None = None, **prices: Any) -> Mark:
    named = {{"NQ": NQ, "ES": ES, "EURUSD": EURUSD}[name]: Decimal(price) for name, price in prices.items()}
    return Mark(at=at(when), balance=exact(balance), equity=exact(equity), prices=named)


def closed(when: str, balance: int) -> Mark:
    """Nothing is open: equity is the balance."""
    return mark(when, balance, balance)


def fill(when: str, quantity: int, price: int | str, **fields: Any) -> Fill:
    for name in ("stop", "balance", "equity", "commission"):
        if name in fields:
            fields[name] = Decimal(fields[name])
    return Fill(
        at=at(when), instrument=fields.pop("instrument", NQ), quantity=Decimal(quantity), price=Decimal(price),
        **fields,
    )  # fmt: skip


def order(when: str, **fields: Any) -> Order:
    """Buy 2 NQ at 20,000 with the stop ten points below: 400 at the stop, 430 with the guard's margin."""
    return Order(at=at(when), intent=make_intent(signalled_at=at(when), session=None, **fields))


def steps_of(
    *timeline: Event, guard: GuardPolicy = BARE, around: Surroundings | None = None, **terms: Any
) -> list[Step]:
    return list(run(timeline, make_terms(**terms), guard, around=around or Surroundings()))


def decided(step: Step) -> Decision:
    assert step.decision is not None
    return step.decision


def refused_by(step: Step) -> tuple[str | None, str | None]:
    """(breach type, code), both None where it was approved."""
    refusal = decided(step).refusal
    return (None, None) if refusal is None else (refusal.breach_type, refusal.code)


def levels(step: Step) -> list[Decimal | None]:
    return [room.level for room in step.standing.floors]


# --- floors as they move ------------------------------------------------------------------------------


def test_a_fresh_account_begins_at_its_starting_balance() -> None:
    (step,) = steps_of(Look(at=at("10:00")))
    assert step.state == fresh_state(make_terms(), at("10:00"))
    assert (levels(step), step.standing.room, step.breaches) == ([49_000, 47_500], 1_000, ())


def test_a_trailing_floor_follows_equity_and_stays() -> None:
    steps = steps_of(mark("10:00", 51_000), mark("11:00", 50_500))
    assert [levels(step) for step in steps] == [[49_000, 48_500], [49_000, 48_500]]
    assert [step.standing.room for step in steps] == [2_000, 1_500]


def test_every_event_is_one_step_and_so_is_every_reset_between() -> None:
    steps = steps_of(closed("10:00", 50_200), closed("Tue 10:00", 50_100), Look(at=at("Thu 10:00")))
    assert [(type(step.event).__name__, step.at) for step in steps] == [
        ("Mark", at("10:00")), ("Turn", RESET), ("Mark", at("Tue 10:00")), ("Turn", at("Tue 22:00")),
        ("Turn", at("Wed 22:00")), ("Look", at("Thu 10:00")),
    ]  # fmt: skip
    assert [levels(step)[0] for step in steps] == [49_000, 49_200, 49_200, 49_100, 49_100, 49_100]


def test_the_weekend_has_one_reset() -> None:
    steps = steps_of(closed("Fri 10:00", 50_200), Look(at=at("next Mon 10:00")))
    assert [step.at for step in steps if isinstance(step.event, Turn)] == [at("Sun 22:00")]


def test_a_close_apart_from_the_reset_is_a_turn_of_its_own() -> None:
    day = TradingDay("America/Chicago", time(17), close=time(15, 59, 59))
    floor = make_floor("drawdown", "highest_close", 2000)
    steps = steps_of(
        closed("15:00", 51_200), Look(at=at("Tue 10:00")), day=day, floors=(daily_floor(), floor)
    )
    turns = [step for step in steps if isinstance(step.event, Turn)]
    assert [(s.at, s.event.is_close, s.event.is_reset) for s in turns if isinstance(s.event, Turn)] == [
        (datetime(2026, 9, 14, 20, 59, 59, tzinfo=UTC), True, False), (RESET, False, True),
    ]  # fmt: skip
    assert [levels(step) for step in steps] == [
        [49_000, 48_000], [49_000, 49_200], [50_200, 49_200], [50_200, 49_200],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("moment", "day_start"),
    [
        pytest.param("21:59:59", 50_300, id="a second before the reset"),
        pytest.param("22:00", 50_300, id="at the reset: in force at that instant"),
        pytest.param("22:00:01", 50_000, id="a second after it"),
    ],
)
def test_the_balance_in_force_at_a_reset_begins_the_day(moment: str, day_start: int) -> None:
    *_, last = steps_of(closed("10:00", 50_000), closed(moment, 50_300), Look(at=at("Tue 10:00")))
    assert last.state.day_start_balance == day_start


def test_an_instant_equal_to_a_reset_belongs_to_the_new_day() -> None:
    """Down 1,000 on Monday; at Monday's reset the day begins anew, and nothing was broken before it."""
    *_, turn, last = steps_of(closed("10:00", 50_000), closed("22:00", 49_000), floors=(daily_floor(),))
    assert isinstance(turn.event, Turn)
    assert (levels(last), last.breaches, last.locks) == ([48_000], (), ())


@pytest.mark.parametrize(
    ("month", "resets"),
    [
        pytest.param(3, ["2026-03-28T23:00", "2026-03-29T22:00", "2026-03-30T22:00"], id="a day of 23 hours"),
        pytest.param(
            10, ["2026-10-24T22:00", "2026-10-25T23:00", "2026-10-26T23:00"], id="a day of 25 hours"
        ),
    ],
)
def test_resets_keep_to_the_local_clock(month: int, resets: list[str]) -> None:
    first = 28 if month == 3 else 24
    timeline = [
        Look(at=datetime(2026, month, first, 12, tzinfo=UTC)), Look(at=datetime(2026, month, first + 3, 12, tzinfo=UTC))
    ]  # fmt: skip
    turns = [step.at for step in run(timeline, make_terms(day=PRAGUE), BARE) if isinstance(step.event, Turn)]
    assert turns == [datetime.fromisoformat(f"{text}+00:00") for text in resets]


# --- breaches -----------------------------------------------------------------------------------------


def test_a_soft_breach_locks_until_the_next_reset_whatever_equity_does() -> None:
    steps = steps_of(mark("10:00", 49_000), mark("10:01", 49_900), order("10:02"), order("Tue 10:00"))
    (breach,) = steps[0].breaches
    assert (breach.cause, breach.is_hard, breach.level, breach.until) == ("daily_loss", False, 49_000, RESET)
    assert [bool(step.locks) for step in steps] == [True, True, True, False, False]
    assert refused_by(steps[2]) == ("daily_loss", "trading_state.day_locked")
    assert refused_by(steps[-1]) == (None, None)


def test_a_lock_that_holds_is_not_broken_again() -> None:
    steps = steps_of(
        mark("10:00", 48_900), mark("10:01", 48_800), mark("10:02", 49_500), mark("10:03", 48_700)
    )
    assert [len(step.breaches) for step in steps] == [1, 0, 0, 0]


def test_fridays_lock_lasts_to_sundays_open() -> None:
    steps = steps_of(mark("Fri 10:00", 49_000, 49_000), Look(at=at("Sun 21:59:59")), Look(at=at("Sun 22:00")))
    assert [bool(step.flags) for step in steps] == [False, True, False, False]


def test_a_hard_breach_ends_the_account_for_good() -> None:
    steps = steps_of(mark("10:00", 47_500), closed("10:01", 50_000), order("Wed 10:00"))
    assert steps[0].failed is not None
    assert (steps[0].failed.cause, steps[0].failed.at, steps[0].failed.until) == (
        "drawdown",
        at("10:00"),
        None,
    )
    assert refused_by(steps[-1]) == ("drawdown", "trading_state.failed")
    assert [flag.key for flag in steps[-1].flags] == ["failed"]


def test_of_two_hard_floors_broken_at_once_the_higher_one_ends_the_account() -> None:
    (step,) = steps_of(mark("10:00", 46_000), floors=(static_floor(3000), trailing_floor(2500)))
    assert step.failed is not None
    assert (step.failed.level, len(step.breaches)) == (47_500, 2)


def test_an_account_fails_once() -> None:
    *_, last = steps_of(mark("10:00", 47_500), closed("10:01", 50_000), mark("10:02", 47_000))
    assert last.failed is not None
    assert (last.failed.at, last.breaches) == (at("10:00"), ())


def test_at_its_own_instant_a_breach_is_the_floors_word_and_from_then_on_a_flag() -> None:
    steps = steps_of(mark("10:00", 47_500), order("10:00"), order("10:00:01"))
    assert [refused_by(step) for step in steps[1:]] == [
        ("drawdown", "drawdown.at_floor"), ("drawdown", "trading_state.failed"),
    ]  # fmt: skip


def test_of_two_floors_broken_at_once_the_hard_one_comes_first() -> None:
    (step,) = steps_of(mark("10:00", 47_000))
    assert [breach.cause for breach in step.breaches] == ["drawdown", "daily_loss"]
    assert step.failed == step.breaches[0]


@pytest.mark.parametrize(("equity", "fails"), [("47500.01", False), ("47500", True), ("47499.99", True)])
def test_a_floor_is_broken_by_the_firms_own_comparator(equity: str, fails: bool) -> None:
    (step,) = steps_of(mark("10:00", equity), floors=(trailing_floor(),))
    assert (step.failed is not None) is fails


def test_a_reset_alone_can_break_a_floor() -> None:
    """FTMO: 4,000 won and booked by day, 5,050 under water at midnight: 98,950 under a floor of 99,000."""
    terms: dict[str, Any] = {
        "day": PRAGUE, "starting_balance": 100_000, "size": 100_000,
        "floors": (daily_floor(5000, boundary="below", consequence="hard"), static_floor(10_000)),
    }  # fmt: skip
    steps = steps_of(closed("12:00", 104_000), mark("20:00", 98_950), Look(at=at("Tue 08:00")), **terms)
    midnight = steps[2]
    assert (midnight.at, levels(midnight)) == (at("22:00"), [99_000, 90_000])  # 00:00 in Prague
    assert midnight.failed is not None
    assert (midnight.failed.cause, midnight.failed.at) == ("daily_loss", at("22:00"))
    assert steps[1].failed is None


def test_a_lock_that_a_reset_brings_holds_through_the_new_day() -> None:
    steps = steps_of(
        closed("12:00", 52_000), mark("20:00", 50_900), Look(at=at("Tue 10:00")), floors=(daily_floor(),)
    )
    (breach,) = steps[2].breaches
    assert (breach.at, breach.level, breach.until) == (RESET, 51_000, at("Tue 22:00"))


# --- payouts ------------------------------------------------------------------------------------------


def test_a_payout_lowers_the_day_and_leaves_a_trailing_floor_where_it_is() -> None:
    steps = steps_of(
        closed("10:00", 53_000), Look(at=at("Tue 10:00")),
        Payout(at=at("Tue 11:00"), flow=CashFlow.PAYOUT_REQUESTED, amount=Decimal(1000)),
        Payout(at=at("Tue 12:00"), flow=CashFlow.PAYOUT_PAID, amount=Decimal(1000)),
    )  # fmt: skip
    assert [levels(step) for step in steps[2:]] == [[52_000, 50_500], [52_000, 50_500], [51_000, 50_500]]
    last = steps[-1].state
    assert (last.balance, last.equity, last.payouts_paid) == (52_000, 52_000, 1)
    assert steps[-1].breaches == ()


def test_a_payout_starts_the_floor_anew_where_the_program_says_so() -> None:
    floor = trailing_floor(2500, payout_effect=PayoutEffect.RESET)
    paid = Payout(at=at("Tue 12:00"), flow=CashFlow.PAYOUT_PAID, amount=Decimal(3000))
    *_, last = steps_of(closed("10:00", 53_000), paid, floors=(floor,))
    assert levels(last) == [47_500]


def test_a_payout_that_sinks_the_account_under_its_floor_ends_it() -> None:
    paid = Payout(at=at("12:00"), flow=CashFlow.PAYOUT_PAID, amount=Decimal(3000))
    *_, last = steps_of(closed("10:00", 53_000), paid, floors=(trailing_floor(),))
    assert last.failed is not None


# --- fills and prices ---------------------------------------------------------------------------------


def test_money_follows_from_fills_and_prices() -> None:
    """2 NQ from 20,000: 10 points are 400. Half of it closed 5 points higher: 100 booked, 5 paid."""
    steps = steps_of(
        fill("10:00", 2, 20_000), mark("10:05", NQ=20_010), fill("10:10", -1, 20_005, commission=5),
        fill("10:15", -1, 19_990),
    )  # fmt: skip
    assert [(step.state.balance, step.state.equity) for step in steps] == [
        (50_000, 50_000), (50_000, 50_400), (50_095, 50_195), (49_895, 49_895),
    ]  # fmt: skip
    assert [[(p.quantity, p.price) for p in step.context.positions] for step in steps] == [
        [(2, 20_000)], [(2, 20_010)], [(1, 20_005)], [],
    ]  # fmt: skip


def test_a_short_wins_when_price_falls() -> None:
    *_, last = steps_of(fill("10:00", -1, 20_000), fill("10:05", -1, 20_010), fill("10:10", 2, 19_990))
    assert (
        last.state.equity == last.state.balance == 50_600
    )  # opened at 20,005 on average, 15 points x 2 x 20


def test_money_that_is_given_counts_as_it_is() -> None:
    steps = steps_of(
        fill("10:00", 1, 20_000, balance="49997.5", equity="49990"), fill("10:05", -1, 20_010, balance=50_150)
    )
    assert [(step.state.balance, step.state.equity) for step in steps] == [
        (Decimal("49997.5"), 49_990), (50_150, 50_150),
    ]  # fmt: skip


def test_a_balance_that_is_given_moves_equity_with_it() -> None:
    """The venue booked 37 more than price and size say; what is still open is worth what it was."""
    *_, last = steps_of(fill("10:00", 2, 20_000), fill("10:05", -1, 20_010, balance=50_237))
    assert (last.state.balance, last.state.equity) == (50_237, 50_437)


def test_what_is_added_moves_the_price_that_is_paid_on_average() -> None:
    *_, last = steps_of(fill("10:00", 1, 20_000), fill("10:01", 3, 20_008), fill("10:02", -4, 20_006))
    assert last.state.balance == 50_000  # opened at 20,006 on average


def test_a_stop_and_reverse_closes_one_trade_and_opens_another() -> None:
    first, second = steps_of(fill("10:00", 1, 20_000), fill("10:05", -3, 19_990))
    assert (second.state.balance, second.state.losses_in_a_row, second.state.trades_today) == (49_800, 1, 2)
    (held,) = second.context.positions
    assert (held.quantity, held.price, held.opened_at) == (-2, 19_990, at("10:05"))
    assert (first.state.trades_today, first.state.last_trade_at) == (1, at("10:00"))


def test_losses_in_a_row_end_with_a_win() -> None:
    timeline = []
    for number, result in enumerate((-10, -10, 10, -10)):
        timeline += [fill(f"1{number}:00", 1, 20_000), fill(f"1{number}:30", -1, 20_000 + result)]
    steps = steps_of(*timeline, floors=(static_floor(),))
    assert [step.state.losses_in_a_row for step in steps[1::2]] == [1, 2, 0, 1]
    assert steps[-1].state.last_loss_at == at("13:30")


def test_trades_of_the_day_begin_anew_with_the_reset() -> None:
    *_, last = steps_of(fill("10:00", 1, 20_000), fill("10:05", -1, 20_000), fill("Tue 10:00", 1, 20_000))
    assert last.state.trades_today == 1


def test_equity_tells_the_price_of_the_only_position() -> None:
    """200 lost on 2 NQ are 5 points; 600 won since are 15."""
    steps = steps_of(fill("10:00", 2, 20_000, stop=19_990), mark("10:05", 49_800), mark("10:10", 50_400))
    assert [step.context.positions[0].price for step in steps] == [20_000, 19_995, 20_010]
    assert [step.context.open_risk for step in steps] == [400, 200, 800]


def test_with_two_positions_nobody_knows_which_price_moved() -> None:
    steps = steps_of(
        fill("10:00", 1, 20_000, stop=19_990), fill("10:01", 1, 6600, instrument=ES, stop=6598),
        mark("10:05", 50_000), mark("10:06", 50_100), mark("10:07", 50_100, NQ=20_001, ES=6601), order("10:08"),
    )  # fmt: skip
    assert [[p.price for p in step.context.positions] for step in steps[2:5]] == [
        [20_000, 6600], [None, None], [20_001, 6601],
    ]  # fmt: skip
    assert refused_by(steps[-1]) == (None, None)


def test_a_price_that_is_not_told_among_others_is_not_known() -> None:
    *_, last = steps_of(
        fill("10:00", 1, 20_000), fill("10:01", 1, 6600, instrument=ES), mark("10:02", 50_100, NQ=20_001)
    )
    assert [position.price for position in last.context.positions] == [20_001, None]


def test_an_unknown_price_of_an_open_position_blocks_the_next_order() -> None:
    *_, last = steps_of(
        fill("10:00", 1, 20_000, stop=19_990), fill("10:01", 1, 6600, instrument=ES, stop=6598),
        mark("10:06", 50_100), order("10:07"),
    )  # fmt: skip
    assert refused_by(last) == ("drawdown", "loss_floors.loss_unknown")


def test_a_stop_that_is_moved_counts_from_then_on() -> None:
    steps = steps_of(
        fill("10:00", 2, 20_000, stop=19_990), MoveStop(at=at("10:01"), instrument=NQ, stop=Decimal(20_000)),
        MoveStop(at=at("10:02"), instrument=NQ, stop=None), order("10:03"),
    )  # fmt: skip
    assert [step.context.open_risk for step in steps[:3]] == [400, 0, None]
    assert refused_by(steps[-1]) == ("drawdown", "loss_floors.loss_unknown")


def test_what_is_added_without_a_stop_leaves_the_whole_unprotected() -> None:
    *_, last = steps_of(fill("10:00", 1, 20_000, stop=19_990), fill("10:01", 1, 20_000))
    assert last.context.positions[0].stop is None


def test_of_two_stops_the_farther_one_protects_the_whole() -> None:
    *_, last = steps_of(fill("10:00", 1, 20_000, stop=19_990), fill("10:01", 1, 20_010, stop=19_980))
    assert last.context.positions[0].stop == 19_980


def test_what_is_left_of_a_position_keeps_its_stop_unless_it_is_given_another() -> None:
    steps = steps_of(
        fill("10:00", 3, 20_000, stop=19_990),
        fill("10:01", -1, 20_010),
        fill("10:02", -1, 20_010, stop=20_005),
    )
    assert [step.context.positions[0].stop for step in steps] == [19_990, 19_990, 20_005]


def test_positions_can_be_told_word_for_word() -> None:
    held = Hold(at=at("10:00"), positions=(make_position(3),))
    steps = steps_of(held, order("10:01", quantity=8), fill("10:02", -3, 20_010, balance=50_600))
    assert refused_by(steps[1]) == ("contracts", "max_contracts.over")
    assert steps[-1].context.positions == ()


@pytest.mark.parametrize(
    ("timeline", "number", "field"),
    [
        pytest.param([mark("10:00", 50_000), mark("09:59", 50_000)], 1, "at", id="back in time"),
        pytest.param([MoveStop(at=at("10:00"), instrument=NQ, stop=None)], 0, "symbol", id="a stop of nothing"),
        pytest.param([mark("10:00", NQ=20_000)], 0, "symbol", id="a price of nothing"),
        pytest.param([fill("10:00", 0, 20_000)], 0, "quantity", id="a fill of nothing"),
        pytest.param(
            [fill("10:00", 1, 15_000, instrument=GER40), fill("10:01", -1, 15_010, instrument=GER40)],
            1, "balance", id="another currency",
        ),
        pytest.param(
            [Hold(at=at("10:00"), positions=(make_position(),)), fill("10:01", -1, 20_000)],
            1, "balance", id="closed, and nobody said where it was opened",
        ),
        pytest.param(
            [Hold(at=at("10:00"), positions=(make_position(price=None),)), mark("10:01", NQ=20_000)],
            1, "equity", id="moved, and nobody said from where",
        ),
        pytest.param(
            [Payout(at=at("10:00"), flow=CashFlow.PAYOUT_PAID, amount=Decimal(0))], 0, "amount", id="paid nothing"
        ),
    ],
)  # fmt: skip
def test_what_cannot_have_happened_is_refused_with_its_place(
    timeline: list[Event], number: int, field: str
) -> None:
    with pytest.raises(TimelineError) as caught:
        steps_of(*timeline)
    assert (caught.value.number, caught.value.field_name) == (number, field)


# --- orders -------------------------------------------------------------------------------------------


def test_orders_are_judged_against_what_stands_at_their_instant() -> None:
    steps = steps_of(order("10:00", quantity=6), mark("10:01", 49_300), order("10:02", quantity=6))
    assert refused_by(steps[0]) == ("daily_loss", "daily_loss.would_breach")  # 1,200 at the stop, 1,000 left
    assert (decided(steps[0]).fits, decided(steps[2]).fits) == (4, 1)  # at the floor itself is too far


def test_equity_is_never_stale_in_a_timeline() -> None:
    steps = steps_of(mark("10:00", 50_000), order("20:00"), guard=make_guard(max_state_age_seconds=60))
    assert refused_by(steps[-1]) == (None, None)


def test_an_approved_order_counts_until_it_is_filled_or_over() -> None:
    """600 at the stop each, 1,000 to the floor."""
    guard = make_guard(slippage_ticks=0, commission_per_side=0, duplicate_window_seconds=0)
    steps = steps_of(
        order("10:00", quantity=3), order("10:00:05", quantity=3), fill("10:00:06", 1, 20_000),
        order("10:00:15", quantity=3), guard=guard,
    )  # fmt: skip
    assert [decided(step).allowed for step in steps if step.decision] == [True, False, True]
    working = [[(o.quantity, o.risk) for o in step.context.working] for step in steps]
    assert working == [[(3, 600)], [(3, 600)], [(2, 400)], [(3, 600)]]


def test_a_fill_is_protected_by_the_stop_of_the_order_it_fills() -> None:
    *_, last = steps_of(order("10:00"), fill("10:00:01", 2, 20_000))
    assert (last.context.positions[0].stop, last.context.working) == (19_990, ())


def test_the_same_order_again_is_refused_within_the_window() -> None:
    steps = steps_of(order("10:00"), order("10:00:19"), order("10:00:20"), guard=make_guard())
    assert [refused_by(step)[0] for step in steps] == [None, "rate", None]


def test_what_was_sent_lately_is_known_for_a_minute() -> None:
    steps = steps_of(order("10:00"), Look(at=at("10:00:59")), Look(at=at("10:01")))
    assert [len(step.context.activity.entries) for step in steps] == [1, 1, 0]


def test_orders_of_a_day_are_counted_to_its_reset() -> None:
    steps = steps_of(
        order("10:00"), order("11:00"), order("12:00"), order("Tue 10:00"), max_requests_per_day=2
    )
    assert [refused_by(step)[1] for step in steps if step.decision] == [None, None, "order_rate.day", None]


def test_an_order_without_a_session_is_of_the_clocks() -> None:
    steps = steps_of(order("14:00"), order("17:00"), allowed_sessions=(NY_AM,))  # 10:00 and 13:00 in New York
    assert [refused_by(step)[0] for step in steps] == [None, "session"]


def test_an_exit_knows_when_its_position_was_opened() -> None:
    steps = steps_of(
        fill("10:00", 1, 20_000),
        order("10:00:30", side="sell", quantity=1, reduces=True),
        min_hold_seconds=60,
    )
    codes = [finding.code for finding in decided(steps[-1]).findings]
    assert "holding_time.too_short" in codes


def test_what_an_idea_has_lost_counts_within_its_window() -> None:
    """1 % of 50,000 is 500: 200 were lost, 430 more would be too much; half an hour later it is another idea."""
    terms: dict[str, Any] = {"max_risk_share": "0.01", "idea_window_minutes": 30, "floors": (static_floor(),)}
    lost = (fill("10:00", 1, 20_000), fill("10:05", -1, 19_990))
    other = order("10:20", instrument=ES, entry_price=6600, stop_loss=6596)
    against = order("10:20", side="sell", entry_price=20_000, stop_loss=20_010)
    steps = steps_of(*lost, order("10:20"), other, order("10:35"), **terms)
    assert [refused_by(step)[1] for step in steps[2:]] == ["risk_per_trade.idea_over", None, None]
    *_, last = steps_of(*lost, against, **terms)
    assert refused_by(last) == (None, None)


def test_what_is_around_the_account_is_seen() -> None:
    news = (NewsEvent(name="CPI", at=at("10:00")),)
    rules = (NewsRule(before_seconds=60, after_seconds=60),)
    steps = steps_of(order("09:58"), order("09:59"), around=Surroundings(news=news), news=rules)
    assert [refused_by(step)[0] for step in steps] == [None, "news"]


def test_an_account_may_enter_a_timeline_as_it_stands() -> None:
    terms: ProgramTerms = make_terms()
    before = list(run([closed("10:00", 52_000)], terms, BARE))[-1].state
    (step,) = run([Look(at=at("11:00"))], terms, BARE, start=before)
    assert levels(step) == [49_000, 49_500]


def test_the_intent_is_asked_word_for_word() -> None:
    unknown = OrderIntent(symbol="XX", side=make_intent().side, signalled_at=at("10:00"))
    (step,) = steps_of(Order(at=at("10:00"), intent=unknown))
    assert refused_by(step)[0] == "instrument"
