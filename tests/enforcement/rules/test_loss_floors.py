"""Floors under equity, and under what every stop would leave of it: now, over a reset, after a run-up.

The bare guard makes numbers plain: the stock order loses 400 at its stop. With the usual guard it is 430.
"""

from dataclasses import replace
from datetime import time, timedelta
from decimal import Decimal
from typing import Any

import pytest

from enforcement.context import OrderContext
from enforcement.decision import FIRM, GUARD, OWNER, Finding, Outcome
from enforcement.explain import explain
from enforcement.floors import LossFloor
from enforcement.program import FlatBy, HoldsOverReset
from enforcement.rules import RULES
from tests.enforcement.make import (
    BARE,
    CHICAGO,
    GER40,
    NOON,
    TOPSTEP_DAY,
    Number,
    Row,
    daily_floor,
    judged,
    make_context,
    make_floor,
    make_guard,
    make_position,
    make_state,
    make_terms,
    make_tiers,
    make_working,
    static_floor,
    table,
    trailing_floor,
)

pytestmark = pytest.mark.core

RULE = next(rule for rule in RULES if rule.code == "loss_floors")
DENY, PASS, WARN, UNDETERMINED = Outcome.DENY, Outcome.PASS, Outcome.WARN, Outcome.UNDETERMINED
STATIC = (static_floor(2500),)  # 47,500
BELOW = (static_floor(2500, boundary="below"),)
DAILY = (daily_floor(1000),)  # 49,000
BOTH = (daily_floor(1000), static_floor(2500))
DRAWDOWN, DAILY_LOSS = "drawdown.would_breach", "daily_loss.would_breach"
HELD, RESERVED = (make_position(1),), (make_working(1, 215),)
TRAILING = (trailing_floor(2500),)
HIGH_PEAK = {"highest_equity": 52_500}  # trails to 50,000
BARE_AT_FLOOR = make_guard(slippage_ticks=0, commission_per_side=0)
BUFFER = make_guard(slippage_ticks=0, commission_per_side=0, floor_buffer=100)
DAY_START_UNKNOWN, PEAK_UNKNOWN = {"day_start_balance": None}, {"highest_equity": None}


def row(
    name: str,
    code: str,
    breach_type: str,
    outcome: Outcome = PASS,
    *,
    equity: Number = 50_000,
    floors: tuple[LossFloor, ...] = STATIC,
    anchors: dict[str, Any] | None = None,
    terms: dict[str, Any] | None = None,
    **fields: Any,
) -> Row:
    ctx = make_context(
        **{
            "guard": BARE,
            "state": make_state(equity, **(anchors or {})),
            "terms": make_terms(floors=floors, **(terms or {})),
            **fields,
        }
    )
    return Row(name, ctx, outcome, code, breach_type)


def above(name: str, **fields: Any) -> Row:
    return row(name, "loss_floors.above", "drawdown", PASS, **fields)


def crossed(name: str, code: str, **fields: Any) -> Row:
    return row(name, code, code.partition(".")[0], DENY, **fields)


def warned(name: str, code: str, **fields: Any) -> Row:
    return row(name, code, code.partition(".")[0], WARN, **fields)


def unknown(name: str, code: str, breach_type: str = "drawdown", **fields: Any) -> Row:
    return row(name, f"loss_floors.{code}", breach_type, UNDETERMINED, **fields)


EOD = (make_floor("drawdown", "highest_close", 2000),)  # 48,000, after a close at 51,200: 49,200
HIGHER = (make_floor("daily_loss", "day_start_higher", 1000),)
WON_1200: dict[str, Any] = {
    "balance": 51_200
}  # closed today; equity is lower where something is open at a loss
THREE_TEN = FlatBy(at=time(15, 10), zone="America/Chicago")
NEXT_RESET = CHICAGO.next_reset(NOON)  # 17:00 in Chicago
NEXT_CLOSE = TOPSTEP_DAY.next_close(NOON)  # 15:10 in Chicago
A_SECOND = timedelta(seconds=1)
AMONG_GUARDS = {word: replace(BARE, holds_over_reset=word) for word in HoldsOverReset}
LOCKED = (trailing_floor(2500, lock_at=47_500),)
LOCK_BY_CLOSE = (trailing_floor(2000, lock_at=50_100, lock_trigger="close"),)
SET_BY_CLOSE = (static_floor(1000, lock_at=50_100, lock_trigger="close"),)
SHARE_OF_PROFIT = (static_floor(1000, share="0.3", share_of="highest_close_profit"),)
LOWER = (static_floor(2500, tested_on="lower"),)
DAILY_LOWER = (daily_floor(1000, tested_on="lower"),)


def reset(
    name: str, code: str, *, floors: tuple[LossFloor, ...] = EOD, balance: Number = 51_200, **fields: Any
) -> Row:
    """Won 1,200 today, something else open at a loss: equity is under the balance."""
    anchors = {"balance": balance, **fields.pop("anchors", {})}
    outcome = {"above": PASS, "may_cross_reset": WARN}.get(code.rpartition(".")[2], DENY)
    breach_type = "drawdown" if code == "loss_floors.above" else code.partition(".")[0]
    return row(name, code, breach_type, outcome, floors=floors, anchors=anchors, **fields)


ABOVE, OVER_CLOSE, OVER_RESET = "loss_floors.above", "drawdown.over_reset", "daily_loss.over_reset"


ROWS = [
    # the worst case against a static floor of 47,500
    above("one cent of headroom", equity="47900.01"),
    crossed("the worst case reaches the floor exactly", DRAWDOWN, equity="47900.00"),
    crossed("the worst case is one cent under it", DRAWDOWN, equity="47899.99"),
    above("below only: reaching it exactly is allowed by the firm", equity="47900.00", floors=BELOW),
    crossed("below only: one cent under it is not", DRAWDOWN, equity="47899.99", floors=BELOW),
    crossed(
        "below only: the guard refuses at the floor all the same", DRAWDOWN,
        equity="47900.00", floors=BELOW, guard=BARE_AT_FLOOR,
    ),
    # equity itself
    crossed("equity is at the floor", "drawdown.at_floor", equity="47500.00"),
    crossed("equity is one cent under it", "drawdown.at_floor", equity="47499.99"),
    crossed("equity is one cent above it", DRAWDOWN, equity="47500.01"),
    crossed("below only: equity at the floor is no breach yet", DRAWDOWN, equity="47500.00", floors=BELOW),
    # slippage, commissions and the buffer
    above("430 with slippage and commissions: one cent of headroom", equity="47930.01", guard=make_guard()),
    crossed("430 with slippage and commissions: exactly", DRAWDOWN, equity="47930.00", guard=make_guard()),
    above("a buffer of 100: one cent of headroom", equity="48000.01", guard=BUFFER),
    crossed("a buffer of 100: exactly", DRAWDOWN, equity="48000.00", guard=BUFFER),
    # everything open and working is at stake as well
    above("an open position's 200 to its stop", equity="48100.01", positions=HELD),
    crossed("an open position leaves too little", DRAWDOWN, equity="48100.00", positions=HELD),
    crossed("a reservation leaves too little", DRAWDOWN, equity="48115.00", working=RESERVED),
    above("a reservation leaves a cent", equity="48115.01", working=RESERVED),
    # the daily floor of 49,000
    above("daily: one cent of headroom", equity="49400.01", floors=DAILY),
    crossed("daily: the worst case reaches it", DAILY_LOSS, equity="49400.00", floors=DAILY),
    crossed("daily: equity is at it", "daily_loss.at_floor", equity="49000.00", floors=DAILY),
    # the trailing floor follows the peak
    warned(
        "trailing 50,000 from 52,500: one cent", "drawdown.run_up",
        equity="50400.01", floors=TRAILING, anchors=HIGH_PEAK,
    ),
    crossed("trailing: exactly", DRAWDOWN, equity="50400.00", floors=TRAILING, anchors=HIGH_PEAK),
    # which floor names the type
    crossed("only the higher daily floor is crossed", DAILY_LOSS, equity="49400.00", floors=BOTH),
    crossed("both are crossed: the hard one decides", DRAWDOWN, equity="47900.00", floors=BOTH),
    crossed("under the soft one, at worst under the hard one", DRAWDOWN, equity="47800.00", floors=BOTH),
    crossed(
        "two hard floors: the higher decides", "daily_loss.at_floor",
        equity="47900.00", floors=(daily_floor(1000, consequence="hard"), static_floor(2500)),
    ),
    crossed(
        "two soft floors: the higher decides", "daily_loss.at_floor",
        equity="47900.00", floors=(static_floor(2500, consequence="soft"), daily_floor(1000)),
    ),
    crossed(
        "two hard floors at one level: the program's first", DRAWDOWN,
        equity="47900.00", floors=(static_floor(2500), daily_floor(2500, consequence="hard")),
    ),
    # an exit
    row("an exit under every floor", "loss_floors.reduces", "drawdown", equity="40000", reduces=True),
    # what is not known
    unknown("equity not known", "equity_unknown", state=None),
    unknown("day start not known", "floor_unknown", "daily_loss", floors=DAILY, anchors=DAY_START_UNKNOWN),
    unknown("the peak not known", "floor_unknown", "drawdown", floors=TRAILING, anchors=PEAK_UNKNOWN),
    unknown("neither amount nor share", "floor_unknown", floors=(make_floor("drawdown", "initial"),)),
    unknown("no stop, so no bound", "loss_unknown", stop_loss=None),
    unknown("an open position has no bound", "loss_unknown", positions=(make_position(1, stop=None),)),
    unknown("the order's money has no rate", "loss_unknown", instrument=GER40),
    crossed("no bound, equity at the floor", "drawdown.at_floor", equity="47500.00", stop_loss=None),
    crossed(
        "one floor not known, the other crossed", DRAWDOWN,
        equity="47900.00", floors=BOTH, anchors=DAY_START_UNKNOWN,
    ),
    unknown(
        "one floor not known, the other far away", "floor_unknown", "daily_loss",
        floors=BOTH, anchors=DAY_START_UNKNOWN,
    ),
    # held over the next close: a balance of 51,200 then makes a floor of 49,200
    reset("the next close's floor: one cent above", ABOVE, equity="49600.01"),
    reset("the next close's floor: exactly", OVER_CLOSE, equity="49600.00"),
    reset("a balance under the highest close raises nothing", ABOVE, equity="49600.00", balance=49_900),
    reset("today's floor is crossed first", DRAWDOWN, equity="48400.00"),
    reset("flat by 15:10, before the close at 17:00", ABOVE, equity="49600.00", terms={"flat_by": THREE_TEN}),
    reset(
        "flat by 15:10, exactly at the close", ABOVE, equity="49600.00",
        terms={"flat_by": THREE_TEN, "day": TOPSTEP_DAY},
    ),
    reset(
        "flat-by doesn't count where holding overnight is allowed", OVER_CLOSE, equity="49600.00",
        terms={"flat_by": THREE_TEN, "overnight": True},
    ),
    reset("the order expires at the close", ABOVE, equity="49600.00", expires_at=NEXT_RESET),
    reset("a second after it", OVER_CLOSE, equity="49600.00", expires_at=NEXT_RESET + A_SECOND),
    reset(
        "at a close before the reset", ABOVE, equity="49600.00", expires_at=NEXT_CLOSE,
        terms={"day": TOPSTEP_DAY},
    ),
    reset(
        "between the close and the reset", OVER_CLOSE, equity="49600.00", expires_at=NEXT_CLOSE + A_SECOND,
        terms={"day": TOPSTEP_DAY},
    ),
    reset("nothing may be held overnight", ABOVE, equity="49600.00", terms={"overnight": False}),
    reset(
        "nothing may be held, but the owner counts it", OVER_CLOSE, equity="49600.00",
        terms={"overnight": False}, guard=AMONG_GUARDS[HoldsOverReset.ALWAYS],
    ),
    reset("never counted", ABOVE, equity="49600.00", guard=AMONG_GUARDS[HoldsOverReset.NEVER]),
    reset("asked", "drawdown.may_cross_reset", equity="49600.00", guard=AMONG_GUARDS[HoldsOverReset.ASK]),
    reset("asked, a cent above", ABOVE, equity="49600.01", guard=AMONG_GUARDS[HoldsOverReset.ASK]),
    reset("a static floor is the same tomorrow", ABOVE, equity="49600.00", floors=STATIC),
    # held over the next reset: a balance of 51,200 then makes a daily floor of 50,200
    reset("the next day's floor: one cent above", ABOVE, equity="50600.01", floors=DAILY),
    reset("the next day's floor: exactly", OVER_RESET, equity="50600.00", floors=DAILY),
    reset("the next day's floor, asked", "daily_loss.may_cross_reset", equity="50600.00", floors=DAILY,
          guard=AMONG_GUARDS[HoldsOverReset.ASK]),
    reset("the close alone doesn't move a daily floor", ABOVE, equity="50600.00", floors=DAILY,
          expires_at=NEXT_CLOSE + A_SECOND, terms={"day": TOPSTEP_DAY}),
    reset("a loss closed today lowers tomorrow's floor", ABOVE, equity="49400.01", balance=49_400, floors=DAILY),
    reset("equity over the balance at the reset: 1,000 under it", OVER_RESET, equity="51600.00", balance=50_000,
          floors=HIGHER, quantity=5),
    reset("equity over the balance: a contract less", ABOVE, equity="51600.00", balance=50_000, floors=HIGHER, quantity=4),
    reset("run to the target before the reset: 600 more", OVER_RESET, equity="51600.00", balance=50_000,
          floors=HIGHER, target=20_015),
    reset("run to the target before the reset: a tick less", ABOVE, equity="51600.00", balance=50_000,
          floors=HIGHER, target="20014.75"),
    reset(
        "the next day's tier allows less under a higher balance", OVER_RESET, equity="51100.00",
        floors=(make_floor("daily_loss", "day_start_balance", tiers=make_tiers((0, 1000), (1000, 500))),),
    ),
    # 100 closed today make the amount 30 instead of 1,000 tomorrow: 49,970
    reset("a share of the profit under a static anchor: exactly", "drawdown.over_reset", equity="50370.00",
          balance=50_100, floors=SHARE_OF_PROFIT),
    reset("a share of the profit under a static anchor: one cent above", ABOVE, equity="50370.01",
          balance=50_100, floors=SHARE_OF_PROFIT),
    reset("a share of the profit: closed before the next reset", ABOVE, equity="50370.00", balance=50_100,
          anchors={"day_start_highest_close": Decimal(50_000)}, floors=SHARE_OF_PROFIT, expires_at=NEXT_CLOSE + A_SECOND, terms={"day": TOPSTEP_DAY}),
    # a close at 51,200 would lock the floor of 49,000 at 50,100
    reset("a floor that a close sets: exactly", OVER_CLOSE, equity="50500.00", floors=SET_BY_CLOSE),
    reset("a floor that a close sets: one cent above", ABOVE, equity="50500.01", floors=SET_BY_CLOSE),
    reset("a floor that a close sets: not reached by it", ABOVE, equity="50500.00", balance="51099.99",
          floors=SET_BY_CLOSE),
    crossed(
        "hard before soft over a reset too", OVER_CLOSE, equity="49600.00", anchors=WON_1200,
        floors=(daily_floor(1000, anchor="initial"), *EOD),
    ),
    # a run to the target raises an intraday trailing floor before the stop is hit
    above("run-up: to one tick before what would breach", floors=TRAILING, target="20052.25"),
    crossed("run-up: 2,100 in favour, then 400 against", "drawdown.run_up_would_breach", floors=TRAILING, target="20052.50"),
    above("run-up: up to the old peak nothing rises", floors=TRAILING, equity=50_500, anchors=HIGH_PEAK, target=20_050),
    warned("run-up: nobody says how far", "drawdown.run_up", floors=TRAILING),
    above("run-up: not counted", floors=TRAILING, target="20052.50", guard=replace(BARE, count_run_up=False)),
    above("run-up: a locked floor rises no more", floors=LOCKED),
    above("run-up: a lock on the way stops it", floors=(trailing_floor(2500, lock_at=49_000),), target=20_100),
    crossed(
        "run-up: where a close locks, reaching the level doesn't", "drawdown.run_up_would_breach",
        floors=LOCK_BY_CLOSE, equity=52_100, anchors={"highest_equity": 52_100, "highest_close": 51_000}, target=20_050,
    ),
    above("run-up: an end-of-day floor doesn't care", floors=EOD, target="20100.00"),
    crossed(
        "run-up: a warning of the next reset doesn't hide it", "drawdown.run_up_would_breach",
        floors=(*TRAILING, *DAILY), equity=50_100, anchors={"balance": 51_200, "highest_equity": 51_200}, target="20084.75",
        guard=AMONG_GUARDS[HoldsOverReset.ASK],
    ),
    crossed(
        "a stop in profit raises a daily limit on the open loss", "daily_loss.run_up_would_breach", equity=50_500,
        floors=(make_floor("daily_loss", "balance", 2200),), anchors={"balance": 50_000, "highest_equity": 50_500},
        positions=(make_position(1, stop="19987.50"),), quantity=11,
    ),
    # the lower of equity and balance
    above("the balance counts too: one cent", floors=LOWER, anchors={"balance": "47900.01"}),
    crossed("the balance counts too: exactly", DRAWDOWN, floors=LOWER, anchors={"balance": "47900.00"}),
    crossed("the balance is at the floor", "drawdown.at_floor", floors=LOWER, anchors={"balance": "47500.00"}),
    crossed("equity counts all the same", DRAWDOWN, floors=LOWER, equity="47900.00", anchors={"balance": 50_000}),
    crossed("a daily limit on the lower of both", DAILY_LOSS, floors=DAILY_LOWER, anchors={"balance": "49400.00"}),
    above("only equity is tested: the balance may be anywhere", anchors={"balance": 40_000}),
    crossed(
        "this order and a working one stopped while a position still runs", DRAWDOWN, floors=LOWER,
        equity=52_000, anchors={"balance": "48115.00"}, working=RESERVED,
    ),
    # buffer as a share of the room: 84 % of 2,500 leave 400
    above("a share of the room: a little less", guard=replace(BARE, floor_buffer_share=Decimal("0.8399"))),
    crossed("a share of the room: exactly", DRAWDOWN, guard=replace(BARE, floor_buffer_share=Decimal("0.84"), block_at_floor=True)),
    # figures of others
    crossed("a reported floor above our own", DRAWDOWN, equity="49400.00", floors=TRAILING, anchors={"reported_floor": 49_000}),
    crossed("the owner's own daily limit", DAILY_LOSS, equity="49400.00", floors=(daily_floor(1000, personal=True), *STATIC)),
    crossed("a limit on the open loss", DRAWDOWN, equity="49600.00", floors=(make_floor("drawdown", "balance", 800),),
            anchors={"balance": 50_000}),
    above("a limit on the open loss: a cent", equity="49600.01", floors=(make_floor("drawdown", "balance", 800),),
          anchors={"balance": 50_000}),
]  # fmt: skip


@table(ROWS)
def test_equity_stays_above_every_floor_at_worst(row: Row) -> None:
    judged(RULE, row)


def finding_of(name: str) -> Finding:
    return RULE.check(next(row.ctx for row in ROWS if row.id == name))


def test_the_message_gives_what_would_be_left_what_it_risks_and_what_the_room_is() -> None:
    finding = finding_of("430 with slippage and commissions: exactly")
    assert (finding.observed, finding.limit, finding.room) == (Decimal(47_500), Decimal(47_500), Decimal(430))
    assert explain(finding) == (
        "At its stop this order would leave $47,500.00, the drawdown floor is $47,500.00: "
        "it risks $430.00 and $430.00 are left."
    )


def test_room_is_net_of_open_risk_reservations_and_buffer() -> None:
    ctx = make_context(
        state=make_state("48000.00"),
        terms=make_terms(floors=STATIC),
        guard=make_guard(slippage_ticks=0, commission_per_side=0, floor_buffer=50),
        positions=(make_position(1),),
        working=(make_working(1, 215),),
    )
    assert RULE.check(ctx).room == 500 - 200 - 215 - 50


def test_room_is_never_below_zero() -> None:
    assert finding_of("equity is one cent under it").room == 0


def test_an_order_that_passes_says_how_much_is_left_above_the_highest_floor() -> None:
    ctx = make_context(guard=BARE, terms=make_terms(floors=BOTH))
    finding = RULE.check(ctx)
    assert (finding.observed, finding.limit, finding.room) == (
        Decimal(49_600),
        Decimal(49_000),
        Decimal(1000),
    )


@pytest.mark.parametrize("start", [0, 50_000])
def test_a_zero_based_account_has_the_same_room(start: int) -> None:
    """Some funded accounts start at 0: floors and equity are below zero, the arithmetic is the same."""
    terms = make_terms(starting_balance=start, floors=STATIC)
    for cents, outcome in ((1, PASS), (0, DENY)):
        state = make_state(Decimal(start) - 2100 + Decimal(cents) / 100)
        assert RULE.check(make_context(guard=BARE, terms=terms, state=state)).outcome is outcome


def test_room_is_net_of_a_buffer_that_is_a_share() -> None:
    finding = finding_of("a share of the room: exactly")
    assert (finding.observed, finding.room) == (Decimal(47_500), Decimal(400))


def test_the_message_of_the_next_reset_says_what_the_floor_will_be() -> None:
    assert explain(finding_of("the next close's floor: exactly")) == (
        "Held over the next close, this order would at its stop leave $49,200.00, and the drawdown floor "
        "will be $49,200.00: it risks $400.00 and $400.00 are left."
    )
    assert explain(finding_of("the next day's floor, asked")) == (
        "If it is held over the next reset, this order would at its stop leave $50,200.00, and the daily "
        "floor will be $50,200.00."
    )


def test_the_message_of_a_run_up_says_where_the_floor_will_have_risen_to() -> None:
    assert explain(finding_of("run-up: 2,100 in favour, then 400 against")) == (
        "If price runs to the target and back to the stop, $49,600.00 would be left, and the trailing "
        "floor will have risen to $49,600.00: it risks $400.00 and $400.00 are left."
    )


WHOSE = [
    ("the worst case reaches the floor exactly", FIRM),
    ("equity is at the floor", FIRM),
    ("daily: equity is at it", FIRM),
    ("below only: the guard refuses at the floor all the same", GUARD),
    ("430 with slippage and commissions: exactly", GUARD),
    ("a buffer of 100: exactly", GUARD),
    ("the next close's floor: exactly", GUARD),
    ("run-up: 2,100 in favour, then 400 against", GUARD),
    ("run-up: nobody says how far", GUARD),
    ("a share of the room: exactly", GUARD),
    ("a reported floor above our own", FIRM),
    ("the owner's own daily limit", OWNER),
    ("the balance counts too: exactly", FIRM),
]


@pytest.mark.parametrize(("name", "by"), WHOSE, ids=[name for name, _ in WHOSE])
def test_whose_word_it_is(name: str, by: str) -> None:
    """The firm's where its own arithmetic refuses; the guard's where only a margin of safety does."""
    assert finding_of(name).by == by


def test_commissions_are_the_firms_arithmetic_and_slippage_the_guards() -> None:
    guard = make_guard(slippage_ticks=0)  # 410 with commissions
    terms = make_terms(floors=STATIC)
    finding = RULE.check(make_context(guard=guard, terms=terms, state=make_state("47910.00")))
    assert (finding.outcome, finding.by) == (DENY, FIRM)


# What else may happen before this order is stopped. Long 1 NQ from 19,975, now 20,000: 500 of open profit, of
# which its stop at 19,987.50 keeps 250. The order beside it loses 2,200 at its stop.
HELD_IN_PROFIT: dict[str, Any] = {"positions": (make_position(1, stop="19987.50"),), "quantity": 11}
IN_PROFIT: dict[str, Any] = {"balance": 50_000, "highest_equity": 50_500}


def ahead(
    name: str, *floors: LossFloor, equity: Number = 50_500, anchors: Any = IN_PROFIT, **fields: Any
) -> Any:
    terms = fields.pop("terms", {})
    state = make_state(equity, **anchors)
    fields = {"guard": BARE, **(HELD_IN_PROFIT if not fields else {}), **fields}
    return pytest.param(
        make_context(terms=make_terms(floors=floors, **terms), state=state, **fields), id=name
    )


TIERED = make_floor("daily_loss", "day_start_balance", tiers=make_tiers((0, 1000), (1500, 2000)))
LUCID = make_floor(
    "daily_loss", "day_start_balance", 1200, share="0.6", share_of="highest_close_profit", share_from_profit=2100,
)  # fmt: skip
TEN_A_SIDE = make_guard(slippage_ticks=0, commission_per_side=10)
AHEAD = [
    # The position is stopped: the balance is 50,250. Then the order is: 48,050.
    ahead("a profit is closed before the close: 48,250 then", *EOD),
    ahead("a profit is closed, and the closed balance counts: 48,250 then", make_floor("drawdown", "highest_balance", 2000)),
    ahead("a profit is closed, and the open loss is limited to 2,200", make_floor("drawdown", "balance", 2200)),
    ahead(
        "a profit is closed, and that closes the lock of another floor: 48,200 then",
        make_floor("drawdown", "highest_close", 2050, lock_at=48_200, lock_trigger="closed_profit"),
        guard=AMONG_GUARDS[HoldsOverReset.NEVER], **HELD_IN_PROFIT,
    ),
    # Either the position is stopped, and the floor locks at 47,700; or price runs first, and it trails to
    # 48,150 (50,610 less 2,460), with 48,050 left.
    ahead(
        "the run comes first, the lock later", trailing_floor(2460, lock_at=47_700, lock_trigger="closed_profit"),
        target="20000.50", **HELD_IN_PROFIT,
    ),
    # 1,000 a day, 2,000 from a profit of 1,500. With the 20 paid at the entry 51,510 is 51,490: 50,490 then.
    ahead(
        "a commission makes a tighter tier", TIERED, equity=51_510, guard=TEN_A_SIDE, quantity=2, stop_loss=19_973,
        anchors={"day_start_balance": 51_000, "highest_equity": 51_510},
    ),
    # The same by a working order of 100 that is stopped: 51,500 is 51,400, so 50,400 then; 50,300 would be left.
    ahead(
        "a loss makes a tighter tier", TIERED, equity=51_500, working=(make_working(1, 100),), quantity=1, stop_loss=19_945,
        anchors={"day_start_balance": 51_000, "highest_equity": 51_500},
    ),
    # Two working orders: the one of 100 before the reset (50,400 then), that of 700 after it; 50,300 would be left.
    ahead(
        "part of the loss makes a tighter tier, the rest comes later", TIERED, equity=51_500,
        working=(make_working(1, 100), make_working(1, 700)), anchors={"day_start_balance": 51_000, "highest_equity": 51_500},
    ),
    # LucidPro: 60 % of a closing profit above 2,100, else 1,200. 52,110 less 20 is 52,090: 50,890 then.
    ahead(
        "a commission keeps the fixed amount", LUCID, equity=52_110, guard=TEN_A_SIDE, quantity=2, stop_loss=19_970,
        anchors={"day_start_balance": 51_000, "highest_equity": 52_110},
    ),
]  # fmt: skip


@pytest.mark.parametrize("ctx", AHEAD)
def test_what_may_happen_before_this_order_is_stopped(ctx: OrderContext) -> None:
    """Each of them breaches on a path of test_paths' kind."""
    assert RULE.check(ctx).outcome is DENY
