"""Floors under equity, and under what every stop would leave of it.

The bare guard makes numbers plain: the stock order loses 400 at its stop. With the usual guard it is 430.
"""

from decimal import Decimal

import pytest

from enforcement.decision import Finding, Outcome
from enforcement.explain import explain
from enforcement.floors import LossFloor
from enforcement.rules import RULES
from tests.enforcement.make import (
    BARE,
    GER40,
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
    make_working,
    static_floor,
    table,
    trailing_floor,
)

pytestmark = pytest.mark.core

RULE = next(rule for rule in RULES if rule.code == "loss_floors")
DENY, PASS, UNDETERMINED = Outcome.DENY, Outcome.PASS, Outcome.UNDETERMINED
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
    anchors: dict[str, Number | None] | None = None,
    **fields: object,
) -> Row:
    ctx = make_context(
        **{
            "guard": BARE,
            "state": make_state(equity, **(anchors or {})),
            "terms": make_terms(floors=floors),
            **fields,
        }
    )
    return Row(name, ctx, outcome, code, breach_type)


def above(name: str, **fields: object) -> Row:
    return row(name, "loss_floors.above", "drawdown", PASS, **fields)  # type: ignore[arg-type]


def crossed(name: str, code: str, **fields: object) -> Row:
    return row(name, code, code.partition(".")[0], DENY, **fields)  # type: ignore[arg-type]


def unknown(name: str, code: str, breach_type: str = "drawdown", **fields: object) -> Row:
    return row(name, f"loss_floors.{code}", breach_type, UNDETERMINED, **fields)  # type: ignore[arg-type]


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
    above("trailing 50,000 from 52,500: one cent", equity="50400.01", floors=TRAILING, anchors=HIGH_PEAK),
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
