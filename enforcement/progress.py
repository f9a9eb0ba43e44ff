"""What stands between an account and its payout: target, days, consistency. Never blocks an order."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING

from enforcement.floors import Boundary

if TYPE_CHECKING:
    from enforcement.program import ConsistencyRule, ProgressTerms

ZERO = Decimal(0)


class Measure(StrEnum):
    """What the best day is a share of: the target, all profit less all loss (or since the last payout),
    or the sum of the days that ended in profit."""

    PROFIT_TARGET = "profit_target"
    NET_PROFIT = "net_profit"
    SINCE_PAYOUT = "since_payout"
    POSITIVE_DAYS = "positive_days"


@dataclass(frozen=True, slots=True, kw_only=True)
class Consistency:
    """How even the profit is. Money in the account's currency; `share` and the rule's are fractions.

    share           the best day's share; None while there is no profit to share
    required_total  the profit at which the best day would be within the limit
    target          the profit target that follows from it, where the measure is the target
    """

    best_day: Decimal
    total: Decimal
    share: Decimal | None
    required_total: Decimal
    target: Decimal | None
    is_met: bool


def consistency(rule: "ConsistencyRule", days: Sequence[Decimal], target: Decimal | None) -> Consistency:
    """Judge days' results against a consistency rule.

    On the target it is met when the total reaches max(target, best / limit): the ratio alone doesn't
    decide (Topstep: a best day of 1,800 raises a target of 3,000 to 3,273). On profits the share itself
    passes where the firm says "at most", and fails where it says "less than" (Take Profit Trader, Apex).
    """
    best = max([*days, ZERO])
    positive = rule.measure == Measure.POSITIVE_DAYS
    total = sum((day for day in days if day > 0 or not positive), ZERO)
    required = best / rule.share
    if rule.measure == Measure.PROFIT_TARGET:
        if target is None:
            raise ValueError("a consistency rule on the profit target needs a profit target")
        raised = max(target, required)
        return Consistency(
            best_day=best, total=total, share=best / target, required_total=required, target=raised,
            is_met=total >= raised,
        )  # fmt: skip
    if total <= 0:
        met = False
    elif rule.passes is Boundary.AT:
        met = best <= rule.share * total
    else:
        met = best < rule.share * total
    share = best / total if total > 0 else None
    return Consistency(
        best_day=best, total=total, share=share, required_total=required, target=None, is_met=met
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class DayResult:
    """One trading day: what it won or lost, in money, and how many positions were opened."""

    day: date
    profit: Decimal
    trades: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far an account is. What the program doesn't ask for is None.

    profit            of all days, net
    to_target         what is missing to the (raised) target; 0 once it is reached
    days              days that count: traded, and at least `min_day_profit` where one is set
    days_missing      days that are still needed
    qualifying        days with at least `min_day_profit`, within the program's window where it has one
    qualifying_missing  such days that are still needed
    can_pay           what may be paid out so that the safety net stays; None where there is none
    days_left         calendar days until the program's limit; negative when it is over
    days_inactive     days since the last trade, counted as the program counts them
    is_ready          target, days, qualifying days, consistency and safety net are all met
    """

    profit: Decimal
    to_target: Decimal | None
    days: int
    days_missing: int | None
    qualifying: int
    qualifying_missing: int | None
    can_pay: Decimal | None
    days_left: int | None
    days_inactive: int | None
    consistency: Consistency | None
    is_ready: bool


def progress(
    terms: "ProgressTerms",
    days: Sequence[DayResult],
    *,
    today: date,
    opened_on: date,
    balance: Decimal | None = None,
    payouts_paid: int = 0,
    last_payout_on: date | None = None,
) -> Progress:
    """How far an account is, from the days it has behind it, in order.

    A target once reached stays reached on the day it was; here the profit now counts, so an account
    that has given it back shows what is missing again. Payout measures look at the days since
    `last_payout_on`.
    """
    profit = sum((day.profit for day in days), ZERO)
    rule = _rule_for(terms, payouts_paid)
    even = None
    if rule is not None:
        counted = days
        if rule.measure == Measure.SINCE_PAYOUT and last_payout_on is not None:
            counted = [day for day in days if day.day > last_payout_on]
        even = consistency(rule, [day.profit for day in counted], terms.profit_target)
    target = terms.profit_target if even is None or even.target is None else even.target
    to_target = None if target is None else max(target - profit, ZERO)
    counting = [day for day in days if _counts(day, terms)]
    missing = None if terms.min_trading_days is None else max(terms.min_trading_days - len(counting), 0)
    qualifying = [day for day in days if _qualifies(day, terms, today)]
    wanted = terms.qualifying_days
    qualifying_missing = None if wanted is None else max(wanted - len(qualifying), 0)
    can_pay = None
    if terms.safety_net is not None and balance is not None:
        can_pay = max(balance - terms.safety_net, ZERO)
    traded = [day.day for day in days if day.trades]
    is_ready = (
        profit > 0
        and not to_target
        and not missing
        and not qualifying_missing
        and (even is None or even.is_met)
        and (terms.safety_net is None or bool(can_pay))
    )
    return Progress(
        profit=profit,
        to_target=to_target,
        days=len(counting),
        days_missing=missing,
        qualifying=len(qualifying),
        qualifying_missing=qualifying_missing,
        can_pay=can_pay,
        days_left=_days_left(terms, today, opened_on),
        days_inactive=_inactive(traded[-1] if traded else opened_on, today, terms.inactivity_unit),
        consistency=even,
        is_ready=is_ready,
    )


def _qualifies(day: DayResult, terms: "ProgressTerms", today: date) -> bool:
    """The window of `qualifying_window_days` ends with today."""
    window = terms.qualifying_window_days
    if window is not None and day.day <= today - timedelta(days=window):
        return False
    return day.profit >= (ZERO if terms.min_day_profit is None else terms.min_day_profit) and day.profit > 0


def _inactive(last: date, today: date, unit: str) -> int:
    """Days, trading days (Monday to Friday) or whole calendar weeks since the last trade."""
    if unit == "weeks":
        return (today - timedelta(days=today.weekday()) - last + timedelta(days=last.weekday())).days // 7
    days = (today - last).days
    if unit == "trading_days":
        return sum((last + timedelta(days=n + 1)).weekday() < 5 for n in range(days))
    return days


def _rule_for(terms: "ProgressTerms", payouts_paid: int) -> "ConsistencyRule | None":
    """The rule in force: some firms ease it with every payout, the last share stays."""
    rule, shares = terms.consistency, terms.consistency_by_payout
    if rule is None or not shares:
        return rule
    return replace(rule, share=shares[min(payouts_paid, len(shares) - 1)])


def _counts(day: DayResult, terms: "ProgressTerms") -> bool:
    """A trading day; where the program has no separate count of qualifying days, one with their profit."""
    if terms.min_day_profit is not None and terms.qualifying_days is None:
        return day.profit >= terms.min_day_profit
    return day.trades > 0 or day.profit != 0


def _days_left(terms: "ProgressTerms", today: date, opened_on: date) -> int | None:
    if terms.days_limit is None:
        return None
    return (opened_on + timedelta(days=terms.days_limit) - today).days
