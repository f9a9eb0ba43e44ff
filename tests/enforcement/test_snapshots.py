"""A worked case's rule snapshot, key by key: what each word of it becomes in the core's terms."""

from datetime import date, time
from decimal import Decimal
from typing import Any

import pytest

from enforcement.account import CashFlow
from enforcement.calendar import Closure, TradingDay, TradingHours
from enforcement.floors import Anchor, Boundary, LossFloor, PayoutEffect, ShareOf, TestedOn, Tier
from enforcement.program import (
    Automation,
    HedgeBy,
    HedgeScope,
    NewsRule,
    ProductLimit,
    ProgramTerms,
    RiskOf,
    ScalingBasis,
)
from enforcement.snapshots import CaseError, cash_flow_of, consistency_of, number, terms_of

pytestmark = pytest.mark.core

CT, ET, PRAGUE = "America/Chicago", "America/New_York", "Europe/Prague"


def terms(question: dict[str, Any] | None = None, **rule: Any) -> ProgramTerms:
    return terms_of({"rule": {"starting_balance": 50_000, **rule}, "question": question or {}})


def clocked(**rule: Any) -> TradingDay:
    return terms(**rule).day


def daily(reset: str, zone: str) -> dict[str, Any]:
    return {"amount": 1000, "reset_time": reset, "timezone": zone}


def eod(close: str, zone: str) -> dict[str, Any]:
    return {"type": "trailing_eod", "amount": 2000, "update_time": close, "timezone": zone}


SESSION = {"open": "18:00", "close": "17:00", "timezone": ET}
DAYS: list[Any] = [
    pytest.param({}, TradingDay("UTC", time(0), rests_at_weekend=False), id="nothing said: UTC days"),
    pytest.param({"daily_loss": daily("17:00", CT)}, TradingDay(CT, time(17)), id="futures: 17:00 in Chicago"),
    pytest.param({"daily_loss": daily("18:00", ET)}, TradingDay(ET, time(18)), id="futures: 18:00 in New York"),
    pytest.param({"daily_loss": daily("17:00", ET)}, TradingDay(ET, time(17), rests_at_weekend=False), id="currencies: 17:00 in New York"),
    pytest.param({"daily_loss": daily("00:00", PRAGUE)}, TradingDay(PRAGUE, time(0), rests_at_weekend=False), id="currencies: midnight in Prague"),
    pytest.param({"daily_loss": daily("09:30", CT)}, TradingDay(CT, time(9, 30), rests_at_weekend=False), id="a morning reset is no exchange's"),
    pytest.param({"daily_loss": daily("12:00", CT)}, TradingDay(CT, time(12)), id="from noon on it is"),
    pytest.param({"session": SESSION}, TradingDay(ET, time(18)), id="without a daily limit: the session's opening"),
    pytest.param({"sessions": {**SESSION, "open": "17:00"}}, TradingDay(ET, time(17)), id="a session's 17:00 in New York is an exchange's"),
    pytest.param({"drawdown": eod("16:59:59", ET)}, TradingDay(ET, time(16, 59, 59), close_zone=ET), id="the close itself, where nothing else is said"),
    pytest.param({"drawdown": eod("15:10", CT), "daily_loss": daily("17:00", CT)}, TradingDay(CT, time(17), close=time(15, 10), close_zone=CT), id="Topstep: a close before the reset"),
    pytest.param({"drawdown": eod("17:00", CT), "daily_loss": daily("17:00", CT)}, TradingDay(CT, time(17), close_zone=CT), id="a close that is the reset"),
    pytest.param({"scaling": {"update_time": "15:10", "timezone": CT}, "daily_loss": daily("17:00", CT)}, TradingDay(CT, time(17), close=time(15, 10), close_zone=CT), id="the close of the scaling plan"),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "day"), DAYS)
def test_the_trading_day(rule: dict[str, Any], day: TradingDay) -> None:
    assert clocked(**rule) == day


def test_a_sessions_hours_hold_from_the_day_they_are_in_effect() -> None:
    session = {**SESSION, "effective_from": "2026-03-02"}
    hours = TradingHours(time(18), time(17), ET)
    assert terms(session=session).hours == hours
    assert terms({"t": "2026-03-02T10:00:00-05:00"}, session=session).hours == hours
    assert terms({"t": "2026-03-01T10:00:00-05:00"}, session=session).hours is None
    assert terms({"t": "2026-03-01T10:00:00-05:00"}, session=SESSION).hours == hours


@pytest.mark.parametrize(
    ("words", "minutes"),
    [
        ({}, 0),
        ({"no_entry_minutes": 5}, 5),
        ({"no_new_positions_from": "16:45"}, 15),
        ({"last_entry": "15:58"}, 62),
        ({"no_entry_from": "17:00"}, 0),
    ],
    ids=["nothing said", "a number", "a quarter to", "over the hour", "at the close"],
)
def test_minutes_without_new_positions(words: dict[str, Any], minutes: int) -> None:
    assert terms(session={**SESSION, **words}).no_entry_minutes == minutes
    assert terms().no_entry_minutes == 0


def test_early_closes_and_holidays() -> None:
    early = [
        {"date": "2026-11-27", "close": "13:15", "name": "Black Friday"},
        {"date": "2026-12-24", "timezone": CT},
    ]
    found = terms(
        session={**SESSION, "early_close": early, "holidays": ["2026-11-26", {"date": "2026-12-25"}]}
    )
    assert found.closures == (
        Closure(date(2026, 11, 27), "", time(13, 15), ET, "Black Friday"),
        Closure(date(2026, 12, 24), "", None, CT, "early close"),
        Closure(date(2026, 11, 26), "", None, ET, "holiday"),
        Closure(date(2026, 12, 25), "", None, ET, "holiday"),
    )
    assert terms().closures == ()


def test_an_account_starts_at_nothing_where_nothing_is_said() -> None:
    found = terms_of({"rule": {}, "question": {}})
    assert (found.starting_balance, found.size) == (0, 0)
    assert (terms(size=25_000).starting_balance, terms(size=25_000).size) == (50_000, 25_000)


# --- floors ---------------------------------------------------------------------------------------------


def drawdown(**data: Any) -> LossFloor:
    return terms(drawdown={"type": "static", "amount": 2500, **data}).floors[0]


def daily_loss(**data: Any) -> LossFloor:
    return terms(daily_loss=data).floors[0]


DISTANCES: list[Any] = [
    pytest.param({"amount": 1000}, (1000, None, ShareOf.INITIAL), id="money"),
    pytest.param({"pct": 5}, (None, Decimal("0.05"), ShareOf.INITIAL), id="a percentage of the initial balance"),
    pytest.param({"pct": 5, "pct_of": "reference"}, (None, Decimal("0.05"), ShareOf.ANCHOR), id="of what it is measured from"),
    pytest.param({"pct": 5, "pct_of": "peak"}, (None, Decimal("0.05"), ShareOf.ANCHOR), id="of the peak"),
    pytest.param({"amount": 1000, "pct": 2}, (1000, None, ShareOf.INITIAL), id="money comes before a percentage"),
    pytest.param({"amount": 1000, "pct": 30, "pct_of": "highest profit"}, (1000, Decimal("0.3"), ShareOf.HIGHEST_CLOSE_PROFIT), id="but not before a share of the profit"),
]  # fmt: skip


@pytest.mark.parametrize(("data", "distance"), DISTANCES)
def test_how_far_below_a_floor_is(data: dict[str, Any], distance: tuple[Any, ...]) -> None:
    floor = daily_loss(**data)
    assert (floor.amount, floor.share, floor.share_of) == distance


def test_a_share_of_the_profit_begins_a_hundred_beyond_the_drawdown() -> None:
    data = {"amount": 1000, "pct": 30, "pct_of": "highest profit"}
    own = {"type": "static", "amount": 2000}
    assert terms(drawdown=own, daily_loss=data).floors[1].share_from_profit == 2100
    assert terms(drawdown=own, daily_loss={**data, "from_profit": 1500}).floors[1].share_from_profit == 1500
    assert terms(daily_loss=data).floors[0].share_from_profit == 100
    assert daily_loss(amount=1000).share_from_profit is None


def test_tiers_replace_an_amount_that_is_not_given() -> None:
    rows = [{"from_profit": 0, "amount": 1000}, {"from_profit": 1500, "amount": 2000, "above": True}]
    assert daily_loss(tiers_by_profit=rows).tiers == (
        Tier(Decimal(0), Decimal(1000)), Tier(Decimal(1500), Decimal(2000), above=True),
    )  # fmt: skip
    both = daily_loss(amount=500, tiers_by_profit=rows)
    assert (both.tiers, both.amount) == ((), 500)


@pytest.mark.parametrize(
    ("words", "boundary"),
    [({}, Boundary.AT), ({"breach_when": "<="}, Boundary.AT), ({"breach_when": "<"}, Boundary.BELOW), ({"breach_when": "equity < floor"}, Boundary.BELOW)],
    ids=["nothing said: touching breaks it", "at or below", "below", "below, in words"],
)  # fmt: skip
def test_when_a_floor_is_broken(words: dict[str, Any], boundary: Boundary) -> None:
    assert drawdown(**words).boundary is boundary


@pytest.mark.parametrize(
    ("words", "tested"),
    [({}, TestedOn.EQUITY), ({"tested_on": "equity"}, TestedOn.EQUITY), ({"tested_on": "equity and balance"}, TestedOn.LOWER), ({"enforced_on": "the lower"}, TestedOn.LOWER), ({"tested_on": "min"}, TestedOn.LOWER)],
    ids=["nothing said", "equity", "both", "the lower", "the minimum"],
)  # fmt: skip
def test_what_is_held_against_a_floor(words: dict[str, Any], tested: TestedOn) -> None:
    assert drawdown(**words).tested_on is tested


def test_a_payout_that_fixes_the_floor() -> None:
    fixed = drawdown(floor_after_payout=0)
    assert (fixed.payout_effect, fixed.floor_after_payout) == (PayoutEffect.LOCK, 0)
    assert not fixed.payout_on_request
    assert drawdown(floor_after_payout=0, floor_after="request").payout_on_request
    assert drawdown(floor_after_payout=0, payout_on_request=True).payout_on_request
    assert drawdown().payout_effect is PayoutEffect.NONE
    assert drawdown(floor_after_payout=47_500).payout_effect is PayoutEffect.RESET, (
        "where it began: it trails anew"
    )
    assert drawdown(floor_after_payout=52_500).payout_effect is PayoutEffect.LOCK


def test_what_a_daily_loss_is_measured_from_and_what_follows_it() -> None:
    assert daily_loss(amount=1000).anchor is Anchor.DAY_START_BALANCE
    assert daily_loss(amount=1000, basis="max(balance, equity)").anchor is Anchor.DAY_START_HIGHER
    assert daily_loss(amount=1000, basis="the higher of both").anchor is Anchor.DAY_START_HIGHER
    assert daily_loss(amount=1000, basis="balance and equity").anchor is Anchor.DAY_START_HIGHER
    assert daily_loss(amount=1000, basis="balance").anchor is Anchor.DAY_START_BALANCE
    for basis in ("equity", "start-of-day equity", "margin"):
        with pytest.raises(CaseError, match=f"daily_loss.basis: '{basis}'"):
            daily_loss(amount=1000, basis=basis)
    assert daily_loss(amount=1000).is_hard
    assert not daily_loss(amount=1000, severity="soft").is_hard


def test_every_floor_of_a_rule_is_built() -> None:
    rule = {
        "drawdown": {"type": "static", "amount": 1},
        **{key: {"amount": 2} for key in ("daily_loss", "optional_daily_loss", "daily_pause")},
    }
    assert [floor.amount for floor in terms(**rule).floors] == [1, 2, 2, 2]


# --- the other rules ------------------------------------------------------------------------------------


def test_caps_and_weights_of_products() -> None:
    rule = {"product_caps": {"GC": 3}, "weights": {"GC": 2, "SIL": Decimal("0.2")}}
    wanted = (
        ProductLimit(product="GC", max_contracts=Decimal(3), weight=Decimal(2)),
        ProductLimit(product="SIL", weight=Decimal("0.2")),
    )
    assert terms(**rule).product_limits == wanted
    nested = {"products": rule["product_caps"], "weights": rule["weights"]}
    assert terms(max_contracts=nested).product_limits == wanted
    assert terms().product_limits == ()


def test_contracts_by_profit() -> None:
    tiers = [{"from_profit": 0, "contracts": 3}, {"from_profit": 1500, "contracts": 5}]
    found = terms(scaling={"tiers": tiers, "basis": "intraday"}, max_contracts={"mini": 5, "micro": 50})
    assert found.tiers == (Tier(Decimal(0), Decimal(3)), Tier(Decimal(1500), Decimal(5)))
    assert (found.scaling_basis, found.max_minis, found.max_micros) == (ScalingBasis.INTRADAY, 5, 50)
    assert terms(scaling={"tiers": tiers}).scaling_basis is ScalingBasis.LAST_CLOSE


@pytest.mark.parametrize(
    ("word", "of"),
    [
        (None, RiskOf.INITIAL),
        ("size", RiskOf.INITIAL),
        ("balance", RiskOf.BALANCE),
        ("equity", RiskOf.EQUITY),
    ],
)
def test_a_share_of_risk(word: str | None, of: RiskOf) -> None:
    found = terms(max_risk_per_trade={"pct": 3, "of": word, "idea_window_minutes": 10})
    assert (found.max_risk_share, found.risk_of, found.idea_window_minutes) == (Decimal("0.03"), of, 10)
    assert terms(max_risk_per_trade={"of": word}).max_risk_share is None
    assert terms().max_risk_share is None


def test_hedging() -> None:
    found = terms(
        hedging={"scope": "account", "by": "symbol", "groups": [["NQ", "ES"]], "mini_micro_allowed": True}
    ).hedging
    assert found is not None
    assert (found.scope, found.by, found.groups) == (HedgeScope.ACCOUNT, HedgeBy.SYMBOL, (("NQ", "ES"),))
    assert found.same_product_inside
    plain = terms(hedging={"groups": "correlated"}).hedging
    assert plain is not None
    assert (plain.scope, plain.by, plain.groups) == (HedgeScope.TRADER, HedgeBy.CORRELATED, ())
    assert not plain.same_product_inside
    bare = terms(hedging={"scope": "trader"}).hedging
    assert bare is not None
    assert bare.by is HedgeBy.UNDERLYING
    assert terms().hedging is None
    with pytest.raises(CaseError, match="sideways"):
        terms(hedging={"by": "sideways"})


def test_news_in_minutes() -> None:
    assert terms(news={"before": 2, "after": Decimal("1.5")}).news == (
        NewsRule(before_seconds=120, after_seconds=90),
    )
    [strict] = terms(
        news={"before": 5, "after": 5, "closing_restricted": True, "holding_allowed": False}
    ).news
    assert (strict.exits_restricted, strict.must_be_flat) == (True, True)
    [exempt] = terms(
        news={"before": 5, "after": 5, "holding_allowed": True, "exempt_opened_minutes_before": 300}
    ).news
    assert (exempt.exits_restricted, exempt.must_be_flat, exempt.exempt_opened_minutes) == (False, False, 300)
    assert terms().news == ()


AUTOMATION: list[Any] = [
    pytest.param(None, Automation.AUTO, id="nothing said"),
    pytest.param({"status": "allowed"}, Automation.AUTO, id="allowed"),
    pytest.param({"status": "allowed", "hosts": ["own"]}, Automation.OWN_DEVICE, id="allowed from some hosts"),
    pytest.param({"status": "prohibited"}, Automation.PROHIBITED, id="prohibited"),
    pytest.param({"status": "prohibited", "hosts": ["own"]}, Automation.PROHIBITED, id="prohibited from any host"),
    pytest.param({"hosts": ["own"]}, Automation.PROHIBITED, id="what isn't known isn't allowed"),
]  # fmt: skip


@pytest.mark.parametrize(("data", "policy"), AUTOMATION)
def test_automation(data: dict[str, Any] | None, policy: Automation) -> None:
    assert terms(automation=data).automation is policy


def test_an_unknown_word_for_automation_is_an_error() -> None:
    with pytest.raises(CaseError, match="sometimes"):
        terms(automation={"status": "sometimes"})


@pytest.mark.parametrize(
    ("data", "events"),
    [({}, ()), ({"events": ["CPI", "FOMC"]}, ("CPI", "FOMC")), ({"events": ["red folder"]}, ("high",)), ({"impact": "High"}, ("high",)), ({"events": "tier 1"}, ("high",)), ({"events": ["restricted list", "CPI"]}, ())],
    ids=["every release", "by name", "the important ones", "by impact", "one word", "the firm's own list: every one"],
)  # fmt: skip
def test_the_releases_a_rule_names(data: dict[str, Any], events: tuple[str, ...]) -> None:
    assert terms(news={"before": 2, "after": 2, **data}).news[0].events == events


@pytest.mark.parametrize(
    ("data", "minutes"),
    [({}, None), ({"window_minutes": 5}, 5), ({"reentry_minutes": 7}, 7), ({"unit": "trade idea"}, 10), ({"per": "position"}, None)],
)  # fmt: skip
def test_how_long_a_trade_idea_lasts(data: dict[str, Any], minutes: int | None) -> None:
    assert terms(max_risk_per_trade={"pct": 3, **data}).idea_window_minutes == minutes


@pytest.mark.parametrize(
    ("measure", "when", "wanted"),
    [
        ("best_day/profit_target", "<=", ("profit_target", Boundary.AT)),
        ("best_day/positive_days", "<", ("positive_days", Boundary.BELOW)),
        ("best_day/net_profit", "< 0.5", ("net_profit", Boundary.BELOW)),
        ("", "<=", ("net_profit", Boundary.AT)),
    ],
)
def test_consistency(measure: str, when: str, wanted: tuple[str, Boundary]) -> None:
    data = {"measure": measure, "pct": 40, "pass_when": when}
    rule, target = consistency_of({"rule": {"consistency": data, "profit_target": 3000}, "question": {}})
    assert (rule.measure, rule.passes, rule.share, target) == (*wanted, Decimal("0.4"), 3000)


def test_the_questions_own_target_comes_first() -> None:
    case: dict[str, Any] = {
        "rule": {"consistency": {"pct": 40, "target": 2000}, "profit_target": 3000},
        "question": {},
    }
    assert consistency_of(case)[1] == 2000
    case["question"]["profit_target"] = 1000
    assert consistency_of(case)[1] == 1000


# --- money that moves without a trade -------------------------------------------------------------------

PAID, ASKED = CashFlow.PAYOUT_PAID, CashFlow.PAYOUT_REQUESTED
FLOWS: list[Any] = [
    pytest.param({"balance": 49_000, "payout": 1000}, (PAID, 1000), id="a payout by its own key"),
    pytest.param({"balance": 49_000, "payout": 900}, (PAID, 900), id="the amount it names, whatever the balance"),
    pytest.param({"balance": 49_000, "payout": True}, (PAID, 1000), id="by what left the balance"),
    pytest.param({"balance": Decimal("49999.50"), "payout": True}, (PAID, Decimal("0.50")), id="half a dollar"),
    pytest.param({"balance": 49_000, "event": "Payout of 1,000"}, (PAID, 1000), id="said in its event"),
    pytest.param({"balance": Decimal("49999.50"), "event": "withdrawal"}, (PAID, Decimal("0.50")), id="half a dollar said in its event"),
    pytest.param({"balance": 50_000, "event": "the payout is near"}, None, id="nothing left the balance"),
    pytest.param({"balance": 50_100, "event": "reward"}, None, id="something came"),
    pytest.param({"balance": 49_000, "event": "closed -1,000, the payout must wait"}, None, id="a loss beside the word"),
    pytest.param({"balance": 49_000, "event": "lost"}, None, id="a loss"),
    pytest.param({"balance": 49_000}, None, id="nothing said"),
    pytest.param({"balance": 50_000, "event": "requests a payout"}, (ASKED, Decimal("0.01")), id="asked for"),
    pytest.param({"balance": 49_000, "event": "payout requested"}, (ASKED, 1000), id="asked for, with its amount gone"),
    pytest.param({"balance": 50_000, "event": "requests a reset"}, None, id="something else asked for"),
    pytest.param({"balance": 50_000, "payout_requested": True}, (ASKED, Decimal("0.01")), id="asked for by its own key"),
]  # fmt: skip


@pytest.mark.parametrize(("row", "flow"), FLOWS)
def test_a_rows_payout(row: dict[str, Any], flow: Any) -> None:
    assert cash_flow_of(row, Decimal(50_000)) == flow


@pytest.mark.parametrize("value", [True, "5", 5.0, None])
def test_only_numbers_are_numbers(value: object) -> None:
    with pytest.raises(CaseError, match="is not a number"):
        number(value)
