"""The share that one order, or one trade idea, may risk: 2 NQ and ten points are 400."""

from decimal import Decimal
from typing import Any

import pytest

from enforcement.decision import FIRM, OWNER, Outcome
from enforcement.explain import explain
from enforcement.floors import LossFloor
from enforcement.orders import Side
from enforcement.program import RiskOf
from enforcement.rules import RULES
from tests.enforcement.make import (
    BARE,
    ES,
    GER40,
    MNQ,
    Number,
    Row,
    daily_floor,
    judged,
    make_activity,
    make_context,
    make_floor,
    make_guard,
    make_loss,
    make_position,
    make_state,
    make_terms,
    make_working,
    static_floor,
    table,
    trailing_floor,
)

pytestmark = pytest.mark.core

RULE = next(rule for rule in RULES if rule.code == "risk_per_trade")
DENY, PASS, UNDETERMINED = Outcome.DENY, Outcome.PASS, Outcome.UNDETERMINED
ASSUMED = make_guard(no_stop_ticks=40)  # as far as the stock order's stop


def row(name: str, code: str, outcome: Outcome = PASS, share: str | None = "0.01", **fields: Any) -> Row:
    if "equity" in fields:
        fields["state"] = make_state(fields.pop("equity"))
    ctx = make_context(terms=make_terms(max_risk_share=share), **fields)
    return Row(name, ctx, outcome, f"risk_per_trade.{code}", "risk")


def zero_based(name: str, code: str, outcome: Outcome = PASS, *, size: int) -> Row:
    terms = make_terms(max_risk_share="0.01", starting_balance=0, size=size)
    return Row(
        name, make_context(terms=terms, state=make_state(0)), outcome, f"risk_per_trade.{code}", "risk"
    )


def share_of(
    name: str, code: str, risk_of: RiskOf, share: str, *, equity: Number = 50_000,
    floors: tuple[LossFloor, ...] = (daily_floor(1000), static_floor(2000)),
    anchors: dict[str, Any] | None = None, **fields: Any,
) -> Row:  # fmt: skip
    """400 at the stop against a share of something of the account."""
    terms = make_terms(max_risk_share=share, risk_of=risk_of, floors=floors, **fields)
    ctx = make_context(terms=terms, state=make_state(equity, **(anchors or {})))
    outcome = {"within": PASS, "unknown": UNDETERMINED}.get(code, DENY)
    return Row(name, ctx, outcome, f"risk_per_trade.{code}", "risk")


def idea(name: str, code: str, lost: Number = 0, *, minutes: int | None = 10, **fields: Any) -> Row:
    """FundingPips: 2 % of the size (1,000) for one idea, which counts for ten minutes."""
    terms = make_terms(max_risk_share="0.02", risk_of=RiskOf.INITIAL, idea_window_minutes=minutes)
    losses = fields.pop("losses", (make_loss(lost),) if lost else ())
    ctx = make_context(terms=terms, activity=make_activity(losses=losses), **{"guard": BARE, **fields})
    return Row(name, ctx, PASS if code == "within" else DENY, f"risk_per_trade.{code}", "risk")


def owners(name: str, code: str, share: str, firms: str | None = None, **fields: Any) -> Row:
    """The owner's own share of equity, beside the firm's."""
    terms = make_terms(max_equity_risk_share=share, max_risk_share=firms, **fields)
    return Row(
        name, make_context(terms=terms), PASS if code == "within" else DENY, f"risk_per_trade.{code}", "risk"
    )


ROWS = [
    row("no limit", "not_set", share=None, quantity=1000),
    row("400 of 500", "within"),
    row("400 of exactly 400", "within", equity=40_000),
    row("400 of 399.99: one cent too much", "over", DENY, equity=39_999),
    row("400 of 400.01: one cent of headroom", "within", equity=40_001),
    row("one tick more than the share", "over", DENY, equity=40_000, stop_loss="19989.75"),
    row("one contract more than the share", "over", DENY, equity=40_000, quantity=3),
    row("a short is measured the same way", "over", DENY, equity=39_999, side="sell", stop_loss=20_010),
    row(
        "slippage and commission are the guard's, not the firm's",
        "within",
        equity=40_000,
        guard=make_guard(slippage_ticks=50),
    ),
    row("ten times the micros", "within", equity=40_000, instrument=MNQ, quantity=20),
    row("equity below zero bears no risk", "over", DENY, equity=-100),
    row("no stop: the assumed distance", "within", equity=40_000, stop_loss=None, guard=ASSUMED),
    row(
        "no stop: the assumed distance is a cent too much",
        "over",
        DENY,
        equity=39_999,
        stop_loss=None,
        guard=ASSUMED,
    ),
    row("no stop, nothing assumed", "unknown", UNDETERMINED, stop_loss=None),
    row("a stop without a price", "unknown", UNDETERMINED, entry_price=None),
    row("no usable size", "unknown", UNDETERMINED, quantity=None),
    row("no known instrument", "unknown", UNDETERMINED, instrument=None),
    row("euros on a dollar account", "unknown", UNDETERMINED, instrument=GER40),
    row("equity not known", "unknown", UNDETERMINED, state=None),
    row("an exit risks nothing", "reduces", reduces=True, quantity=1000),
    zero_based("an account that starts at 0: 400 of 1 % of its nominal 40,000", "within", size=40_000),
    zero_based("one cent too much of its nominal size", "over", DENY, size=39_999),
    # what the share is of
    share_of("1 % of equity 40,000", "within", RiskOf.EQUITY, "0.01", equity=40_000, anchors={"balance": 30_000}),
    share_of("1 % of a balance of 40,000", "within", RiskOf.BALANCE, "0.01", equity=39_000, anchors={"balance": 40_000}),
    share_of("1 % of a balance of 39,999", "over", RiskOf.BALANCE, "0.01", equity=50_000, anchors={"balance": 39_999}),
    share_of("1 % of a size of 40,000, whatever is left", "within", RiskOf.INITIAL, "0.01", equity=30_000, size=40_000),
    share_of("1 % of a size of 39,999", "over", RiskOf.INITIAL, "0.01", size=39_999),
    share_of(
        "a balance that starts at 0 stands for its size", "within", RiskOf.BALANCE, "0.01", equity=300,
        starting_balance=0, size=40_000,
    ),
    # of the day's loss limit: reaching it is refused
    share_of("a cent less than 40 % of the daily 1,000", "within", RiskOf.DAY_LOSS, "0.400001"),
    share_of("exactly 40 % of the daily 1,000", "over", RiskOf.DAY_LOSS, "0.4"),
    share_of("the whole daily limit on one trade", "whole_day", RiskOf.DAY_LOSS, "1", floors=(daily_floor(400),)),
    share_of("a cent less than the whole", "within", RiskOf.DAY_LOSS, "1", floors=(daily_floor("400.01"),)),
    share_of(
        "of two daily limits the nearer", "over", RiskOf.DAY_LOSS, "0.5",
        floors=(daily_floor(1000), daily_floor(700)),
    ),
    share_of(
        "the owner's own daily limit is not the firm's", "within", RiskOf.DAY_LOSS, "0.5",
        floors=(daily_floor(1000), daily_floor(700, personal=True)),
    ),
    share_of(
        "the day's opening balance was not seen", "unknown", RiskOf.DAY_LOSS, "0.5",
        anchors={"day_start_balance": None},
    ),
    share_of("no daily limit to be a share of", "unknown", RiskOf.DAY_LOSS, "0.5", floors=(static_floor(2000),)),
    # of the profit at the day's start, or the drawdown while that is the larger (Apex's 30 %)
    share_of("30 % of a drawdown of 2,000 while there is no profit", "within", RiskOf.DAY_PROFIT, "0.3"),
    share_of("20 % of it exactly", "within", RiskOf.DAY_PROFIT, "0.2"),
    share_of("less than 20 % of it", "over", RiskOf.DAY_PROFIT, "0.199"),
    share_of("a loss makes it no smaller", "within", RiskOf.DAY_PROFIT, "0.2", anchors={"day_start_balance": 49_000}),
    share_of("10 % of a profit of 4,000", "within", RiskOf.DAY_PROFIT, "0.1", anchors={"day_start_balance": 54_000}),
    share_of("10 % of a profit of 3,999", "over", RiskOf.DAY_PROFIT, "0.1", anchors={"day_start_balance": 53_999}),
    share_of(
        "today's profit doesn't count yet", "over", RiskOf.DAY_PROFIT, "0.1", equity=60_000,
        anchors={"day_start_balance": 53_999},
    ),
    share_of(
        "the day's opening balance is needed", "unknown", RiskOf.DAY_PROFIT, "0.3",
        anchors={"day_start_balance": None},
    ),
    share_of(
        "a drawdown given as 4 % of the size is 2,000 as well", "within", RiskOf.DAY_PROFIT, "0.2",
        floors=(make_floor("drawdown", "initial", share="0.04"),),
    ),
    # trade ideas
    idea("the first order of an idea", "within"),
    idea("600 lost before: 1,000 exactly", "within", 600),
    idea("600.01 lost before", "idea_over", "600.01"),
    idea("lost just within ten minutes", "idea_over", losses=(make_loss(601, ago=599),)),
    idea("lost ten minutes ago: another idea", "within", losses=(make_loss(601, ago=600),)),
    idea("lost in another market", "within", losses=(make_loss(601, family="ES"),)),
    idea("lost on the other side", "within", losses=(make_loss(601, sign=-1),)),
    idea("a program without ideas counts no losses", "within", 5000, minutes=None),
    idea("three held in the same direction: 600 to their stops", "within", positions=(make_position(3),)),
    idea("four held", "idea_over", positions=(make_position(4),)),
    idea("held in the micro: the same market", "idea_over", 590, positions=(make_position(1, instrument=MNQ),)),
    idea("held in another market", "within", positions=(make_position(40, instrument=ES, price=6000, stop=5990),)),
    idea("held against it", "within", positions=(make_position(-4, stop=20_010),)),
    idea("600 working in the same direction", "within", working=(make_working(3, 600),)),
    idea("601 working in the same direction", "idea_over", working=(make_working(3, 601),)),
    idea("601 working against it", "within", working=(make_working(3, 601, side=Side.SELL),)),
    idea("over on its own: no idea is needed", "over", quantity=6),
    # the owner's own share
    owners("the owner's 1 % of 50,000", "within", "0.01"),
    owners("the owner's 0.5 %", "over", "0.005"),
    owners("the firm's 1 % and the owner's 0.5 %", "over", "0.005", "0.01"),
    owners("the firm's 0.5 % and the owner's 1 %", "over", "0.01", "0.005"),
]  # fmt: skip


@table(ROWS)
def test_above_the_share_is_refused_at_it_is_not(row: Row) -> None:
    judged(RULE, row)


def test_the_message_gives_the_risk_the_limit_and_the_share() -> None:
    finding = RULE.check(make_context(terms=make_terms(max_risk_share="0.005")))
    assert (finding.observed, finding.limit, finding.room) == (Decimal(400), Decimal(250), Decimal(250))
    assert explain(finding) == "The order risks $400.00 to its stop, allowed are $250.00 (0.5 % of equity)."


def finding_of(name: str) -> Any:
    return RULE.check(next(row.ctx for row in ROWS if row.id == name))


def test_whose_share_it_is_and_of_what() -> None:
    assert finding_of("the firm's 1 % and the owner's 0.5 %").by == OWNER
    assert finding_of("the firm's 0.5 % and the owner's 1 %").by == FIRM
    assert "0.5 % of equity" in explain(finding_of("the owner's 0.5 %"))
    assert "1 % of the balance" in explain(finding_of("1 % of a balance of 39,999"))
    assert "1 % of the account's size" in explain(finding_of("1 % of a size of 39,999"))
    assert "10 % of the day's starting profit" in explain(finding_of("10 % of a profit of 3,999"))
    assert explain(finding_of("the whole daily limit on one trade")) == (
        "The order risks $400.00 to its stop: the whole daily limit of $400.00 on one trade is prohibited."
    )


def test_an_idea_says_what_it_has_risked_before() -> None:
    finding = finding_of("four held")
    assert (finding.observed, finding.limit, finding.room) == (Decimal(1200), Decimal(1000), Decimal(200))
    assert explain(finding) == (
        "The trade idea risks $1,200.00 ($800.00 of it before this order), allowed are $1,000.00 "
        "(2 % of the account's size)."
    )


def test_a_floor_of_another_kind_is_no_daily_limit() -> None:
    floors = (trailing_floor(100), daily_floor(1000))
    ctx = make_context(terms=make_terms(max_risk_share="0.5", risk_of=RiskOf.DAY_LOSS, floors=floors))
    assert RULE.check(ctx).limit == 500
