"""What stands between an account and its payout. Figures of firms are from rules.md §2.10."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from enforcement.floors import Boundary
from enforcement.program import ConsistencyRule, ProgressTerms
from enforcement.progress import DayResult, Progress, consistency, progress

pytestmark = pytest.mark.core

MONDAY = date(2026, 3, 2)
BELOW = Boundary.BELOW


def rule(measure: str, share: str, passes: Boundary = Boundary.AT) -> ConsistencyRule:
    return ConsistencyRule(measure=measure, share=Decimal(share), passes=passes)


def money(*amounts: int | str) -> list[Decimal]:
    return [Decimal(amount) for amount in amounts]


# --- consistency --------------------------------------------------------------------------------------

TOPSTEP = rule("profit_target", "0.55")


@pytest.mark.parametrize(
    ("best", "target"),
    [(1800, 3273), (2200, 4000), (1650, 3000), (1000, 3000)],
    ids=["1,800 raises it to 3,273", "2,200 raises it to 4,000", "1,650 is exactly 55 %", "an even account"],
)
def test_topsteps_best_day_raises_the_target(best: int, target: int) -> None:
    found = consistency(TOPSTEP, money(best), Decimal(3000))
    assert found.target is not None
    assert round(found.target) == target
    assert (found.best_day, found.total, found.is_met) == (Decimal(best), Decimal(best), False)


@pytest.mark.parametrize(
    ("days", "met"),
    [
        ((2200, 1799), False),
        ((2200, 1800), True),
        ((1650, 1350), True),
        ((1650, 1349), False),
        ((2200,), False),
    ],
    ids=["3,999 of 4,000", "4,000 of 4,000", "3,000 with a best day of 1,650", "2,999", "one day alone"],
)
def test_on_the_target_the_total_decides_not_the_ratio(days: tuple[int, ...], met: bool) -> None:
    assert consistency(TOPSTEP, money(*days), Decimal(3000)).is_met is met


def test_a_rule_on_the_target_needs_a_target() -> None:
    with pytest.raises(ValueError, match="profit target"):
        consistency(TOPSTEP, money(100), None)


SHARES: list[Any] = [
    pytest.param(rule("net_profit", "0.5", BELOW), (1000, 1000), False, id="Take Profit Trader: exactly 50 % fails"),
    pytest.param(rule("net_profit", "0.5", BELOW), (1000, 700, "300.01"), True, id="Take Profit Trader: a cent more in all passes"),
    pytest.param(rule("since_payout", "0.5", BELOW), (1500, 1500), False, id="Apex: less than 50 %"),
    pytest.param(rule("net_profit", "0.5"), (1000, 1000), True, id="My Funded Futures: at most 50 %"),
    pytest.param(rule("net_profit", "0.4"), (400, 300, 300), True, id="Topstep funded: exactly 40 %"),
    pytest.param(rule("net_profit", "0.4"), (401, 300, 300), False, id="Topstep funded: a little more"),
    pytest.param(rule("net_profit", "0.3"), (300, 250, 250, 200), True, id="Earn2Trade: the total reaches best / 0.3"),
    pytest.param(rule("net_profit", "0.5"), (1000, 1500, -700), False, id="losing days lower the net profit: 1,500 of 1,800"),
    pytest.param(rule("positive_days", "0.5"), (1000, 500, -700), False, id="FTMO: two thirds of the days in profit"),
    pytest.param(rule("positive_days", "0.5"), (1000, 1000, -1500), True, id="FTMO: losing days don't count"),
    pytest.param(rule("positive_days", "0.5", BELOW), (1000, 1000, -1500), False, id="exactly half where less is wanted"),
    pytest.param(rule("net_profit", "0.5"), (-100, -200), False, id="a losing account has nothing to share"),
    pytest.param(rule("net_profit", "0.5"), (), False, id="nor has one that never traded"),
]  # fmt: skip


@pytest.mark.parametrize(("consistency_rule", "days", "met"), SHARES)
def test_the_best_days_share_of_a_profit(
    consistency_rule: ConsistencyRule, days: tuple[int | str, ...], met: bool
) -> None:
    assert consistency(consistency_rule, money(*days), None).is_met is met


def test_ftmos_example_of_62_and_a_half_percent() -> None:
    """2,500 on the best of days that won 4,000 together: 62.5 %, so 5,000 are needed."""
    found = consistency(rule("positive_days", "0.5"), money(2500, 1000, 500, -800), None)
    assert (found.share, found.required_total, found.is_met) == (Decimal("0.625"), Decimal(5000), False)
    assert (found.best_day, found.total, found.target) == (Decimal(2500), Decimal(4000), None)


def test_without_profit_there_is_no_share() -> None:
    found = consistency(rule("net_profit", "0.5"), money(-100), None)
    assert (found.share, found.best_day, found.required_total) == (None, Decimal(0), Decimal(0))


# --- progress -----------------------------------------------------------------------------------------


def days(*results: int, trades: int = 1) -> list[DayResult]:
    """One result a day from Monday on."""
    return [
        DayResult(day=MONDAY + timedelta(days=number), profit=Decimal(result), trades=trades)
        for number, result in enumerate(results)
    ]


def of(terms: dict[str, Any], results: list[DayResult], **fields: Any) -> Progress:
    defaults = {"today": MONDAY + timedelta(days=7), "opened_on": MONDAY}
    return progress(ProgressTerms(**terms), results, **{**defaults, **fields})


TARGET = {"profit_target": Decimal(3000)}


@pytest.mark.parametrize(
    ("results", "missing", "ready"),
    [((1000, 1999), 1, False), ((1000, 2000), 0, True), ((2000, 2000), 0, True), ((3000, -500), 500, False)],
    ids=["a dollar is missing", "reached", "beyond", "reached and given back"],
)
def test_what_is_missing_to_the_target(results: tuple[int, ...], missing: int, ready: bool) -> None:
    found = of(TARGET, days(*results))
    assert (found.profit, found.to_target, found.is_ready) == (sum(results), missing, ready)


def test_the_target_that_the_best_day_has_raised_counts() -> None:
    found = of({**TARGET, "consistency": TOPSTEP}, days(2200, 900))
    assert (found.to_target, found.is_ready) == (Decimal(900), False)
    assert of({**TARGET, "consistency": TOPSTEP}, days(2200, 1800)).is_ready


@pytest.mark.parametrize(
    ("terms", "results", "counted", "missing"),
    [
        ({"min_trading_days": 5}, days(100, 0, -50), 3, 2),
        ({"min_trading_days": 2}, days(100, 0, -50), 3, 0),
        ({"min_trading_days": 2}, days(0, 0, trades=0), 0, 2),
        ({"min_trading_days": 3, "min_day_profit": Decimal(200)}, days(200, 199, 400), 2, 1),
        ({}, days(100), 1, None),
    ],
    ids=["two are missing", "more than enough", "days without a trade", "only days of 200 count", "none are asked for"],
)  # fmt: skip
def test_which_days_count(
    terms: dict[str, Any], results: list[DayResult], counted: int, missing: int | None
) -> None:
    found = of(terms, results)
    assert (found.days, found.days_missing) == (counted, missing)


def test_enough_profit_in_too_few_days_is_not_ready() -> None:
    assert not of({**TARGET, "min_trading_days": 2}, days(3000)).is_ready
    assert of({**TARGET, "min_trading_days": 2}, days(3000, 0)).is_ready


@pytest.mark.parametrize(
    ("payouts", "share", "met"),
    [(0, "0.2", False), (1, "0.25", True), (2, "0.3", True), (9, "0.3", True)],
    ids=["20 % before the first", "25 % after it", "30 % after the second", "the last share stays"],
)
def test_some_firms_ease_the_rule_with_every_payout(payouts: int, share: str, met: bool) -> None:
    """Tradeify Lightning: 20, 25, 30 %; the best day is a quarter of the profit."""
    terms = {
        "consistency": rule("net_profit", "0.2"),
        "consistency_by_payout": (Decimal("0.2"), Decimal("0.25"), Decimal("0.3")),
    }
    found = of(terms, days(250, 250, 250, 250), payouts_paid=payouts)
    assert found.consistency is not None
    assert found.consistency.required_total == Decimal(250) / Decimal(share)
    assert found.consistency.is_met is met


def test_a_measure_since_the_payout_forgets_the_days_before_it() -> None:
    terms = {"consistency": rule("since_payout", "0.5", BELOW)}
    results = days(5000, 100, 100, 100)
    assert not of(terms, results).is_ready
    since = of(terms, results, last_payout_on=MONDAY, payouts_paid=1)
    assert since.consistency is not None
    assert (since.consistency.best_day, since.consistency.total) == (Decimal(100), Decimal(300))
    assert since.consistency.is_met


def test_the_day_of_the_payout_itself_belongs_to_the_time_before() -> None:
    terms = {"consistency": rule("since_payout", "0.5", BELOW)}
    found = of(terms, days(100, 900), last_payout_on=MONDAY + timedelta(days=1))
    assert found.consistency is not None
    assert found.consistency.total == 0


@pytest.mark.parametrize(
    ("limit", "left"), [(30, 23), (7, 0), (5, -2), (None, None)], ids=["23", "the last day", "over", "none"]
)
def test_how_many_calendar_days_are_left(limit: int | None, left: int | None) -> None:
    assert of({"days_limit": limit}, days(100)).days_left == left


def test_how_long_nothing_was_traded() -> None:
    assert of({}, days(100, 100, 100)).days_inactive == 5
    assert of({}, [*days(100), *days(0, trades=0)]).days_inactive == 7
    assert of({}, [], opened_on=MONDAY - timedelta(days=3)).days_inactive == 10


def test_an_account_in_loss_is_not_ready_for_anything() -> None:
    assert not of({}, days(-100)).is_ready
    assert not of({}, []).is_ready
    assert of({}, days(100)).is_ready


# --- qualifying days, the safety net, inactivity as the program counts it -----------------------------

FIFTY_A_DAY = {"qualifying_days": 2, "min_day_profit": Decimal(50)}


@pytest.mark.parametrize(
    ("window", "results", "found", "missing"),
    [
        (None, (50, 49, 60), 2, 0),
        (None, (49, 200), 1, 1),
        (5, (60, 60, 0, 60), 1, 1),
        (6, (60, 60, 60), 1, 1),
        (7, (60, 60, 60), 2, 0),
        (8, (60, 60, 60), 3, 0),
    ],
    ids=["50 counts, 49 doesn't", "one is missing", "the last five days: Thursday's only", "the last six: Wednesday only", "the last seven: not Monday", "the last eight: all"],
)  # fmt: skip
def test_days_that_qualify_by_their_profit(
    window: int | None, results: tuple[int, ...], found: int, missing: int
) -> None:
    """Today is the Monday after; the window's last day is today itself."""
    progressed = of({**FIFTY_A_DAY, "qualifying_window_days": window}, days(*results))
    assert (progressed.qualifying, progressed.qualifying_missing) == (found, missing)
    assert progressed.is_ready is (missing == 0)


def test_with_days_that_qualify_every_traded_day_still_counts_as_a_trading_day() -> None:
    found = of({**FIFTY_A_DAY, "min_trading_days": 3}, days(60, 10, 60))
    assert (found.days, found.days_missing, found.qualifying) == (3, 0, 2)


@pytest.mark.parametrize(
    ("balance", "can_pay", "ready"),
    [("52600", 500, True), ("52100", 0, False), ("51000", 0, False), (None, None, False)],
    ids=["500 above it", "at it", "under it", "the balance is not known"],
)
def test_the_safety_net_stays(balance: str | None, can_pay: int | None, ready: bool) -> None:
    """Apex: start, drawdown and 100 must remain."""
    known = None if balance is None else Decimal(balance)
    found = of({"safety_net": Decimal(52_100)}, days(2600), balance=known)
    assert (found.can_pay, found.is_ready) == (can_pay, ready)


@pytest.mark.parametrize(
    ("unit", "last", "today", "idle"),
    [
        ("days", 0, 7, 7),
        ("trading_days", 0, 7, 5),
        ("trading_days", 4, 6, 0),
        ("trading_days", 4, 7, 1),
        ("weeks", 0, 6, 0),
        ("weeks", 4, 7, 1),
        ("weeks", 0, 13, 1),
        ("weeks", 0, 14, 2),
    ],
    ids=[
        "seven days", "five of them trading days", "Friday to Sunday: none", "Friday to Monday: one",
        "the same week", "Friday to Monday is the next week", "Sunday of the next week", "the week after",
    ],
)  # fmt: skip
def test_how_long_nothing_was_traded_as_the_program_counts_it(
    unit: str, last: int, today: int, idle: int
) -> None:
    results = [DayResult(day=MONDAY + timedelta(days=last), profit=Decimal(1), trades=1)]
    found = of({"inactivity_unit": unit}, results, today=MONDAY + timedelta(days=today))
    assert found.days_inactive == idle
