"""Releases: the window's ends to the second, what each firm forbids in it, and what it lets pass."""

from typing import Any

import pytest

from enforcement.decision import Outcome
from enforcement.explain import explain
from enforcement.orders import Side
from enforcement.program import NewsRule
from enforcement.rules import RULES
from tests.enforcement.make import (
    CL,
    ES,
    MES,
    MNQ,
    NOON,
    Row,
    judged,
    make_context,
    make_news,
    make_position,
    make_release,
    make_terms,
    make_working,
    seconds,
    table,
)

pytestmark = pytest.mark.core

RULE = next(rule for rule in RULES if rule.code == "news_window")
PASS, DENY, UNDETERMINED = Outcome.PASS, Outcome.DENY, Outcome.UNDETERMINED
ENTRIES = make_news()
FTMO = make_news(exits_restricted=True)
FUNDING_PIPS = make_news(300, 300, exits_restricted=True, exempt_opened_minutes=300)
TAKE_PROFIT = make_news(60, 60, events=("FOMC", "Non-Farm", "CPI"), must_be_flat=True)
TOPSTEP = make_news(300, 300, events=("CPI",), products=("equity_index",), max_micros=5)
STRADDLE = make_news(straddles_only=True)
ON_THE_OTHER_SIDE = (make_working(1, 215, side=Side.SELL),)


def row(
    name: str, code: str, outcome: Outcome, rule: NewsRule | None = ENTRIES, minutes: float = 0, **fields: Any
) -> Row:
    """A stock order at noon, a release so many minutes from then."""
    fields.setdefault("news", (make_release(minutes=minutes),))
    ctx = make_context(terms=make_terms(news=() if rule is None else (rule,)), **fields)
    return Row(name, ctx, outcome, f"news_window.{code}", "news")


def leaving(name: str, code: str, outcome: Outcome, rule: NewsRule, **fields: Any) -> Row:
    return row(name, code, outcome, rule, reduces=True, **fields)


ROWS = [
    row("a program without a rule about news", "not_set", PASS, None),
    row("no release at all", "clear", PASS, news=()),
    row("the calendar can't be had", "unknown", UNDETERMINED, news=None),
    row("an unknown symbol is another rule's matter", "clear", PASS, instrument=None),
    # the ends of the window are inside
    row("at the release", "entries_shut", DENY),
    row("120 seconds before it", "entries_shut", DENY, minutes=2),
    row("121 seconds before it", "clear", PASS, minutes=121 / 60),
    row("120 seconds after it", "entries_shut", DENY, minutes=-2),
    row("121 seconds after it", "clear", PASS, minutes=-121 / 60),
    row("nothing after it is shut", "clear", PASS, make_news(120, 0), minutes=-1 / 60),
    row("at it, with a window of nothing", "entries_shut", DENY, make_news(0, 0)),
    row("of two releases the nearer one", "entries_shut", DENY, news=(make_release(minutes=60), make_release())),
    # exits
    leaving("an exit where only entries are shut", "exit_allowed", PASS, ENTRIES),
    leaving("FTMO: an exit is an execution too", "executions_shut", DENY, FTMO),
    row("FTMO: so is an entry", "executions_shut", DENY, FTMO),
    leaving(
        "FundingPips: opened five hours before the release", "exempt", PASS, FUNDING_PIPS,
        opened_at=NOON - seconds(5 * 3600),
    ),
    leaving(
        "FundingPips: a second less than five hours", "executions_shut", DENY, FUNDING_PIPS,
        opened_at=NOON - seconds(5 * 3600 - 1),
    ),
    leaving("FundingPips: nobody knows since when", "executions_shut", DENY, FUNDING_PIPS),
    leaving(
        "FTMO exempts no position, however old", "executions_shut", DENY, FTMO, opened_at=NOON - seconds(10**6)
    ),
    # must be flat
    row("Take Profit Trader: an entry into CPI", "must_be_flat", DENY, TAKE_PROFIT),
    leaving("Take Profit Trader: closing is what is wanted", "exit_allowed", PASS, TAKE_PROFIT),
    row(
        "Take Profit Trader: a release it doesn't name", "clear", PASS, TAKE_PROFIT,
        news=(make_release("ISM Services PMI"),),
    ),
    # micros in small numbers (Topstep's CPI rule)
    row("Topstep: a mini into CPI", "entries_shut", DENY, TOPSTEP, quantity=1),
    row("Topstep: four micros", "micros_capped", PASS, TOPSTEP, instrument=MNQ, quantity=4),
    row("Topstep: exactly five micros", "micros_capped", PASS, TOPSTEP, instrument=MNQ, quantity=5),
    row("Topstep: six micros", "micros_capped", DENY, TOPSTEP, instrument=MNQ, quantity=6),
    row(
        "Topstep: three held, two working, one more", "micros_capped", DENY, TOPSTEP, instrument=MNQ,
        quantity=1, positions=(make_position(3, instrument=MES),), working=(make_working(2, 52, instrument=MNQ),),
    ),
    row(
        "Topstep: minis held are not micros", "micros_capped", PASS, TOPSTEP, instrument=MNQ, quantity=5,
        positions=(make_position(3),),
    ),
    row("Topstep: crude is not concerned", "clear", PASS, TOPSTEP, instrument=CL),
    row("a cap of no micros at all", "micros_capped", DENY, make_news(max_micros=0), instrument=MNQ, quantity=1),
    # orders on both sides of it
    row("Apex: an order on the other side is working", "straddle", DENY, STRADDLE, working=ON_THE_OTHER_SIDE),
    row(
        "Apex: on the other side in the micro", "straddle", DENY, STRADDLE,
        working=(make_working(1, 22, side=Side.SELL, instrument=MNQ),),
    ),
    row("Apex: one on the same side is none", "no_straddle", PASS, STRADDLE, working=(make_working(1, 215),)),
    row(
        "Apex: another market's is none", "no_straddle", PASS, STRADDLE,
        working=(make_working(1, 215, side=Side.SELL, instrument=ES),),
    ),
    row("Apex: into a release, but on one side only", "no_straddle", PASS, STRADDLE),
]  # fmt: skip


@table(ROWS)
def test_no_order_in_a_window_the_firm_has_shut(row: Row) -> None:
    judged(RULE, row)


def test_of_two_rules_the_one_that_refuses_is_named() -> None:
    terms = make_terms(news=(make_news(straddles_only=True), make_news(must_be_flat=True)))
    finding = RULE.check(make_context(terms=terms, news=(make_release(),)))
    assert (finding.outcome, finding.code) == (DENY, "news_window.must_be_flat")


def test_the_message_names_the_release_its_time_and_the_window() -> None:
    ctx = make_context(
        terms=make_terms(news=(make_news(120, 60),)), news=(make_release("FOMC Statement", 1),)
    )
    assert explain(RULE.check(ctx)) == (
        "FOMC Statement is at 2026-03-04 17:01 UTC: no new position from 120 s before to 60 s after it."
    )


def test_the_finding_keeps_what_the_firm_makes_of_it() -> None:
    ctx = make_context(
        terms=make_terms(news=(make_news(severity="profit_deducted"),)), news=(make_release(),)
    )
    assert RULE.check(ctx).facts["severity"] == "profit_deducted"


def test_micros_are_counted_with_what_is_held_and_working() -> None:
    ctx = next(row.ctx for row in ROWS if row.id == "Topstep: three held, two working, one more")
    finding = RULE.check(ctx)
    assert (finding.observed, finding.limit) == (6, 5)


def test_nothing_is_said_of_an_order_on_the_other_side_where_there_is_none() -> None:
    ctx = next(row.ctx for row in ROWS if row.id == "Apex: into a release, but on one side only")
    assert "an order on the other side is working" not in explain(RULE.check(ctx))
