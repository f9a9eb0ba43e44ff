"""The figures that findings name, at their edges: what was observed, what was allowed, whose word it is."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from enforcement.account import StateSource
from enforcement.decision import Outcome
from enforcement.floors import Boundary
from enforcement.program import ConsistencyRule, ProgressTerms, RiskOf
from enforcement.rules import RULES
from tests.enforcement.make import (
    MORNING,
    NOON,
    daily_floor,
    make_activity,
    make_context,
    make_entry,
    make_floor,
    make_guard,
    make_news,
    make_position,
    make_release,
    make_state,
    make_terms,
    make_working,
    seconds,
    static_floor,
)

pytestmark = pytest.mark.core

CHECKS = {rule.code: rule.check for rule in RULES}
YESTERDAY = datetime(2026, 3, 3, 22, 59, 59, tzinfo=UTC)  # a second before Wednesday's reset


def old(age: float, **state: Any) -> dict[str, Any]:
    return {"state": make_state(as_of=NOON - seconds(age), **state)}


def since(moment: timedelta, **limits: Any) -> dict[str, Any]:
    return {"terms": make_terms(**limits), "state": make_state(last_loss_at=NOON - moment, losses_in_a_row=2)}


def risk(share: str, of: RiskOf, **fields: Any) -> dict[str, Any]:
    return {"terms": make_terms(max_risk_share=share, risk_of=of, **fields)}


LESS_THAN_HALF = ProgressTerms(
    consistency=ConsistencyRule(measure="net_profit", share=Decimal("0.5"), passes=Boundary.BELOW)
)
FIGURES: list[Any] = [
    # signals: 15 s to leave, 2 s of our clock, 300 s of the alert's own time, 60 s of the sender's clock
    pytest.param("signal_fresh.fresh", {"signalled_at": NOON - seconds(14)}, 14, 15, id="14 s on its way"),
    pytest.param("signal_fresh.expired", {"signalled_at": NOON - seconds(15)}, 15, 15, id="15 s on its way"),
    pytest.param("signal_fresh.fresh", {"signalled_at": NOON + seconds(2)}, 0, 15, id="2 s ahead of now"),
    pytest.param("signal_fresh.clock_wrong", {"signalled_at": NOON + seconds(2.5)}, 3, 2, id="begun seconds count: 2.5 s ahead"),
    pytest.param("signal_fresh.fresh", {"alert_time": NOON - seconds(300)}, 300, 300, id="an alert of 300 s"),
    pytest.param("signal_fresh.late", {"alert_time": NOON - seconds(300.5)}, 301, 300, id="an alert of 300.5 s"),
    pytest.param("signal_fresh.fresh", {"alert_time": NOON + seconds(60)}, 0, 300, id="an alert 60 s ahead"),
    pytest.param("signal_fresh.from_the_future", {"alert_time": NOON + seconds(60.5)}, 61, 60, id="an alert 60.5 s ahead"),
    # equity: 900 s, and 2 s of the reporter's clock
    pytest.param("account_data_fresh.fresh", old(900), 900, 900, id="equity of 900 s"),
    pytest.param("account_data_fresh.stale", old(900.5), 901, 900, id="equity of 900.5 s"),
    pytest.param("account_data_fresh.fresh", old(-2), 0, 900, id="equity 2 s ahead"),
    pytest.param("account_data_fresh.from_the_future", old(-2.5), 3, None, id="equity 2.5 s ahead"),
    pytest.param("account_data_fresh.exact", old(5000, source=StateSource.PAPER), None, None, id="a flat paper account"),
    pytest.param("account_data_fresh.stale", {**old(5000, source=StateSource.PAPER), "positions": (make_position(),)}, 5000, 900, id="a paper account that holds something"),
    # copies: 20 s
    pytest.param("duplicate_order.repeated", {"activity": make_activity(make_entry(19.5))}, 19, 20, id="a copy 19.5 s later"),
    pytest.param("duplicate_order.none", {"activity": make_activity(make_entry(20))}, None, None, id="the same order 20 s later"),
    pytest.param("duplicate_order.repeated", {"activity": make_activity(make_entry(-0.5))}, 0, 20, id="a copy whose clock was ahead"),
    # orders in a minute
    pytest.param("order_rate.minute", {"guard": make_guard(max_entries_per_minute=2), "activity": make_activity(make_entry(59), make_entry(1))}, 2, 2, id="two within a minute"),
    pytest.param("order_rate.within", {"guard": make_guard(max_entries_per_minute=2), "activity": make_activity(make_entry(60), make_entry(1))}, None, None, id="one of them a minute ago"),
    pytest.param("order_rate.day", {"terms": make_terms(max_requests_per_day=5), "activity": make_activity(requests_today=5)}, 5, 5, id="the sixth of the day"),
    # trades in a day
    pytest.param("trade_count.trades", {"terms": make_terms(max_trades_per_day=3), "state": make_state(trades_today=2), "working": (make_working(),)}, 3, 3, id="a working order is a trade to come"),
    pytest.param("trade_count.losses", since(seconds(60), max_losses_in_a_row=2), 2, 2, id="two losses today"),
    pytest.param("trade_count.within", since(NOON - YESTERDAY, max_losses_in_a_row=2), None, None, id="the last of them yesterday"),
    pytest.param("trade_count.cooling_off", since(seconds(599), cool_off_minutes=10), 9, 10, id="9:59 after a loss"),
    pytest.param("trade_count.within", since(seconds(600), cool_off_minutes=10), None, None, id="ten minutes after a loss"),
    pytest.param("trade_count.profit_locked", {"terms": make_terms(profit_lock=500), "state": make_state(50_500)}, 500, 500, id="exactly the profit to keep"),
    pytest.param("trade_count.within", {"terms": make_terms(profit_lock=500), "state": make_state(50_499)}, None, None, id="a dollar less"),
    # the stock order loses 400 at its stop
    pytest.param("risk_per_trade.within", risk("0.008", RiskOf.EQUITY), 400, 400, id="400 of 400"),
    pytest.param("risk_per_trade.over", risk("0.00799", RiskOf.EQUITY), 400, Decimal("399.5"), id="400 of 399.50"),
    pytest.param("risk_per_trade.within", risk("0.41", RiskOf.DAY_LOSS), 400, 410, id="of the daily limit of 1,000"),
    pytest.param("risk_per_trade.over", risk("0.4", RiskOf.DAY_LOSS), 400, 400, id="a share of the daily limit is not reached either"),
    pytest.param("risk_per_trade.whole_day", risk("1", RiskOf.DAY_LOSS, floors=(daily_floor(400), daily_floor(900))), 400, 400, id="the lower of two daily limits, whole"),
    pytest.param("risk_per_trade.within", risk("1", RiskOf.DAY_LOSS, floors=(daily_floor(300, personal=True), daily_floor(900))), 400, 900, id="the owner's own daily limit is not the firm's"),
    pytest.param("risk_per_trade.within", risk("0.16", RiskOf.DAY_PROFIT, floors=(static_floor(2500),)), 400, 400, id="no profit yet: of the drawdown"),
    pytest.param("risk_per_trade.within", risk("0.16", RiskOf.DAY_PROFIT, floors=(make_floor("drawdown", "initial", share="0.05"),)), 400, 400, id="of a drawdown that is a share"),
    pytest.param("risk_per_trade.within", {**risk("0.1", RiskOf.DAY_PROFIT), "state": make_state(day_start_balance=54_000)}, 400, 400, id="a profit of 4,000 at the day's start"),
    # a best day of less than half the profit is wanted
    pytest.param("payout_progress.on_the_way", {"terms": make_terms(progress=LESS_THAN_HALF)}, None, None, id="nothing won yet"),
    pytest.param("payout_progress.best_day", {"terms": make_terms(progress=LESS_THAN_HALF), "state": make_state(50_001)}, 1, 1, id="a dollar won, all of it today"),
    # news
    pytest.param("news_window.entries_shut", {"terms": make_terms(news=(make_news(),)), "news": (make_release(minutes=2),)}, None, None, id="two minutes before a release"),
    pytest.param("news_window.clear", {"terms": make_terms(news=(make_news(119),)), "news": (make_release(minutes=2),)}, None, None, id="a second outside"),
]  # fmt: skip


@pytest.mark.parametrize(("code", "fields", "observed", "limit"), FIGURES)
def test_what_a_finding_names(code: str, fields: dict[str, Any], observed: object, limit: object) -> None:
    finding = CHECKS[code.partition(".")[0]](make_context(**fields))
    assert (finding.code, finding.observed, finding.limit) == (code, observed, limit)


@pytest.mark.parametrize(
    ("code", "fields", "by"),
    [
        ("signal_fresh", {}, "guard"),
        ("account_data_fresh", {}, "guard"),
        ("duplicate_order", {}, "guard"),
        ("trade_count", {"terms": make_terms(max_trades_per_day=0)}, "firm"),
        ("trade_count", {"terms": make_terms(profit_lock=0)}, "owner"),
        ("order_rate", {"guard": make_guard(max_entries_per_minute=0)}, "guard"),
        ("order_rate", {"terms": make_terms(max_requests_per_day=0), "activity": make_activity(requests_today=0)}, "firm"),
        ("risk_per_trade", {"terms": make_terms(max_risk_share="0.001")}, "firm"),
        ("risk_per_trade", {"terms": make_terms(max_equity_risk_share="0.001")}, "owner"),
        ("risk_per_trade", {"terms": make_terms(max_risk_share="0.001", max_equity_risk_share="0.001")}, "firm"),
        ("risk_per_trade", {"terms": make_terms(max_risk_share="0.1", max_equity_risk_share="0.001")}, "owner"),
    ],
)  # fmt: skip
def test_whose_word_a_finding_is(code: str, fields: dict[str, Any], by: str) -> None:
    assert CHECKS[code](make_context(**fields)).by == by


@pytest.mark.parametrize("rule", [rule.code for rule in RULES])
def test_a_finding_carries_the_rule_and_never_less_than_pass(rule: str) -> None:
    finding = CHECKS[rule](make_context(now=MORNING, signalled_at=MORNING, state=make_state(as_of=MORNING)))
    assert (finding.rule, finding.outcome) == (rule, Outcome.WARN if rule == "loss_floors" else Outcome.PASS)


def test_only_these_rules_are_asked_again_about_a_smaller_size() -> None:
    assert [rule.code for rule in RULES if rule.sized] == [
        "news_window", "max_contracts", "risk_per_trade", "loss_floors",
    ]  # fmt: skip
