"""Progress at its edges: cents, windows, weeks, the safety net."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from enforcement.program import ConsistencyRule, ProgressTerms
from enforcement.progress import DayResult, Progress, consistency, progress

pytestmark = pytest.mark.core

MONDAY = date(2026, 3, 2)
THURSDAY = MONDAY + timedelta(days=3)


def far(days: list[DayResult], today: date = THURSDAY, **fields: Any) -> Progress:
    money = ("balance",)
    given = {name: fields.pop(name) for name in money if name in fields}
    return progress(ProgressTerms(**fields), days, today=today, opened_on=MONDAY, **given)


def day(number: int, profit: int | str, trades: int = 1) -> DayResult:
    return DayResult(day=MONDAY + timedelta(days=number), profit=Decimal(profit), trades=trades)


def even(measure: str, *days: str, target: int | None = None) -> Any:
    rule = ConsistencyRule(measure=measure, share=Decimal("0.5"))
    return consistency(rule, [Decimal(one) for one in days], None if target is None else Decimal(target))


def test_losing_days_are_left_out_of_the_positive_ones_to_the_cent() -> None:
    assert even("positive_days", "0.50", "-0.50", "100").total == Decimal("100.50")
    assert even("net_profit", "0.50", "-0.50", "100").total == 100


def test_the_best_days_share_of_the_target() -> None:
    found = even("profit_target", "600", "600", target=3000)
    assert (found.share, found.required_total, found.target) == (Decimal("0.2"), 1200, 3000)


def test_a_profit_of_half_a_dollar_is_a_profit() -> None:
    found = even("net_profit", "0.25", "0.25")
    assert (found.is_met, found.share) == (True, Decimal("0.5"))
    assert even("net_profit", "-1", "1").share is None


def test_a_day_is_not_traded_unless_it_says_so() -> None:
    assert DayResult(day=MONDAY, profit=Decimal(0)).trades == 0


NET: dict[str, Any] = {"safety_net": Decimal(52_100)}
PAID: list[Any] = [
    pytest.param({**NET, "balance": Decimal(53_000)}, 900, True, id="900 above the safety net"),
    pytest.param({**NET, "balance": Decimal(52_100)}, 0, False, id="exactly at it: nothing can be paid"),
    pytest.param({**NET, "balance": Decimal(52_000)}, 0, False, id="under it: nothing, and no less"),
    pytest.param({**NET}, None, False, id="the balance is not known"),
    pytest.param({"balance": Decimal(53_000)}, None, True, id="no safety net: none is asked for"),
]


@pytest.mark.parametrize(("fields", "can_pay", "ready"), PAID)
def test_what_can_be_paid_leaves_the_safety_net(
    fields: dict[str, Any], can_pay: int | None, ready: bool
) -> None:
    found = far([day(0, 3000)], **fields)
    assert (found.can_pay, found.is_ready) == (can_pay, ready)


@pytest.mark.parametrize(("profit", "ready"), [("0.50", True), ("0", False), ("-0.50", False)])
def test_without_a_profit_nothing_is_ready(profit: str, ready: bool) -> None:
    assert far([day(0, profit)]).is_ready is ready


QUALIFYING: list[Any] = [
    pytest.param({"min_day_profit": Decimal(150)}, ["150", "149.99", "151"], 2, id="150 a day, itself enough"),
    pytest.param({}, ["0.50", "0", "-0.50", "1"], 2, id="no minimum: any profit"),
    pytest.param({"min_day_profit": Decimal(0)}, ["0", "0.50"], 1, id="a minimum of nothing still wants a profit"),
    pytest.param({"qualifying_window_days": 3}, ["200", "200", "200", "200"], 3, id="a window of three days ends with today"),
    pytest.param({"qualifying_window_days": 2}, ["200", "200", "200", "200"], 2, id="and one of two"),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "profits", "count"), QUALIFYING)
def test_the_days_that_qualify(fields: dict[str, Any], profits: list[str], count: int) -> None:
    found = far([day(n, profit) for n, profit in enumerate(profits)], qualifying_days=5, **fields)
    assert (found.qualifying, found.qualifying_missing) == (count, 5 - count)


INACTIVE: list[Any] = [
    pytest.param("days", MONDAY, MONDAY, 0, id="traded today"),
    pytest.param("days", MONDAY, MONDAY + timedelta(days=9), 9, id="nine days"),
    pytest.param("trading_days", MONDAY, MONDAY + timedelta(days=4), 4, id="Monday to Friday"),
    pytest.param("trading_days", MONDAY, MONDAY + timedelta(days=6), 4, id="Sunday and Saturday don't count"),
    pytest.param("trading_days", MONDAY, MONDAY + timedelta(days=7), 5, id="the next Monday does"),
    pytest.param("trading_days", THURSDAY, THURSDAY + timedelta(days=1), 1, id="Friday after a Thursday"),
    pytest.param("weeks", MONDAY, MONDAY + timedelta(days=6), 0, id="Sunday is the same week"),
    pytest.param("weeks", MONDAY + timedelta(days=6), MONDAY + timedelta(days=7), 1, id="from Sunday to Monday is the next"),
    pytest.param("weeks", THURSDAY, MONDAY + timedelta(days=20), 2, id="two Mondays between"),
    pytest.param("weeks", THURSDAY, MONDAY + timedelta(days=21), 3, id="three of them"),
    pytest.param("weeks", THURSDAY, MONDAY + timedelta(days=70), 10, id="ten weeks"),
]  # fmt: skip


@pytest.mark.parametrize(("unit", "last", "today", "count"), INACTIVE)
def test_how_long_nothing_was_traded(unit: str, last: date, today: date, count: int) -> None:
    traded = [DayResult(day=last, profit=Decimal(10), trades=1)]
    assert far(traded, today, inactivity_unit=unit).days_inactive == count
