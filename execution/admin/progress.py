"""How far an account is to its target or payout: what the program asks for, reached and missing."""

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from enforcement import account as core
from enforcement.floors import Boundary
from enforcement.program import NO_PROGRESS, ConsistencyRule, ProgressTerms
from enforcement.progress import Consistency, DayResult, Measure, Progress, progress
from execution.admin.overview import Overview
from firms.admin.display import NOTHING, Tone, badge, cell, money, number, percent, signed_money
from firms.models import AccountDay, CashFlow

_MEASURES: dict[str, str] = {
    Measure.PROFIT_TARGET: "the profit target",
    Measure.NET_PROFIT: "the profit",
    Measure.SINCE_PAYOUT: "the profit since the last payout",
    Measure.POSITIVE_DAYS: "the sum of all winning days",
}
_SOON_DAYS = 3
ZERO = Decimal(0)
Row = dict[str, object]


def progress_box(view: Overview, now: datetime) -> dict[str, Any] | None:
    """The box on the account's page; None where the program asks for nothing, or is not known."""
    if view.facts is None or view.state is None or view.facts.terms.progress == NO_PROGRESS:
        return None
    terms = view.facts.terms
    days = list(AccountDay.objects.filter(account=view.account).order_by("day"))
    seen = [
        DayResult(day=day.day, profit=day.profit, trades=day.trades) for day in days if day.profit is not None
    ]
    try:
        found = progress(
            terms.progress, seen,
            today=terms.day.day_of(now), opened_on=view.account.opened_on, balance=view.state.balance,
            payouts_paid=view.state.payouts_paid, last_payout_on=_last_payout_on(view),
        )  # fmt: skip
    except ValueError as error:  # the program contradicts itself
        return {"state": badge("can't be told", Tone.BAD), "problem": f"{error}.", "rows": []}
    return {
        "state": badge("ready", Tone.GOOD) if found.is_ready else badge("not yet"),
        "about": "; ".join(_counted_from(days, seen, found, view)),
        "rows": [
            *_target_rows(terms.progress, found, view.currency),
            *_day_rows(terms.progress, found, view),
            *_payout_rows(terms.progress, found, view),
        ],
    }


def _last_payout_on(view: Overview) -> date | None:
    paid = CashFlow.objects.filter(account=view.account, kind=core.CashFlow.PAYOUT_PAID.value)
    last = paid.order_by("-at").first()
    return None if last is None or view.facts is None else view.facts.terms.day.day_of(last.at)


def _counted_from(
    days: list[AccountDay], seen: list[DayResult], found: Progress, view: Overview
) -> Iterable[str]:
    """Which days it is counted from: what was won before them, or unseen, is not in it."""
    if not seen:
        yield "no day has been seen whole yet"
        return
    yield f"from {number(len(seen))} {'day' if len(seen) == 1 else 'days'} since {seen[0].day}"
    if len(days) > len(seen):
        yield f"{len(days) - len(seen)} without a known opening balance are left out"
    if view.state is not None:
        paid_out = sum((day.paid_out for day in days), ZERO)
        elsewhere = view.state.balance + paid_out - view.account.program.starting_balance - found.profit
        if elsewhere:
            yield f"{signed_money(elsewhere, view.currency)} from other days is not counted"


def _target_rows(terms: ProgressTerms, found: Progress, currency: str) -> Iterable[Row]:
    if terms.profit_target is None:
        return
    raised = None if found.consistency is None else found.consistency.target
    yield _row(
        f"Profit target {money(terms.profit_target, currency)}",
        signed_money(found.profit, currency),
        found.to_target,
        money(found.to_target, currency),
        f"The best day raises the target to {money(raised, currency)}."
        if raised is not None and raised > terms.profit_target
        else "",
    )


def _day_rows(terms: ProgressTerms, found: Progress, view: Overview) -> Iterable[Row]:
    counts = ""
    if terms.min_day_profit is not None:
        counts = f"A day counts from a profit of {money(terms.min_day_profit, view.currency)} on."
    if terms.min_trading_days is not None:
        yield _row(
            f"{terms.min_trading_days} trading days", number(found.days),
            found.days_missing, number(found.days_missing), counts,
        )  # fmt: skip
    if terms.qualifying_days is not None:
        within = f" within {terms.qualifying_window_days} days" if terms.qualifying_window_days else ""
        missing = found.qualifying_missing
        yield _row(
            f"{terms.qualifying_days} qualifying days{within}", number(found.qualifying), missing,
            number(missing), counts,
        )  # fmt: skip
    if found.days_left is not None:
        reached = "over" if found.days_left < 0 else f"{found.days_left} days left"
        since = f"Counted from {view.account.opened_on}."
        yield _row(f"Within {terms.days_limit} days", reached, about=since)
    if terms.inactivity is not None and found.days_inactive is not None:
        left, unit = terms.inactivity - found.days_inactive, terms.inactivity_unit.replace("_", " ")
        yield _row(
            f"A trade within {terms.inactivity} {unit}", f"{found.days_inactive} {unit} ago",
            about=_closed_in(left, unit),
            tone=Tone.BAD if left <= _SOON_DAYS else None,
        )  # fmt: skip


def _closed_in(left: int, unit: str) -> str:
    return f"Without one the account is closed in {left} {unit}." if left >= 0 else "That time is over."


def _payout_rows(terms: ProgressTerms, found: Progress, view: Overview) -> Iterable[Row]:
    currency, state = view.currency, view.state
    if found.consistency is not None and terms.consistency is not None:
        share = _share_in_force(terms.consistency, terms, view)
        yield _consistency_row(terms.consistency, share, found.consistency, currency)
    if terms.safety_net is not None and state is not None:
        below = max(terms.safety_net - state.balance, ZERO)
        yield _row(
            f"Safety net {money(terms.safety_net, currency)}", money(state.balance, currency),
            below, money(below, currency), "The balance that has to stay after a payout.",
        )  # fmt: skip


def _consistency_row(rule: ConsistencyRule, share: Decimal, even: Consistency, currency: str) -> Row:
    limit = "at most" if rule.passes is Boundary.AT else "less than"
    missing = ZERO if even.is_met else max((even.target or even.required_total) - even.total, ZERO)
    return _row(
        f"Best day {limit} {percent(share)} of {_MEASURES.get(rule.measure, rule.measure)}",
        NOTHING if even.share is None else percent(round(even.share, 4)),
        not even.is_met,
        money(missing, currency),
        f"The best day won {money(even.best_day, currency)}, all together {money(even.total, currency)}; "
        f"even from a profit of {money(even.required_total, currency)}.",
    )


def _share_in_force(rule: ConsistencyRule, terms: ProgressTerms, view: Overview) -> Decimal:
    shares, paid = terms.consistency_by_payout, 0 if view.state is None else view.state.payouts_paid
    return shares[min(paid, len(shares) - 1)] if shares else rule.share


def _row(
    title: str,
    reached: object,
    is_missing: object = None,
    missing: object = NOTHING,
    about: str = "",
    tone: Tone | None = None,
) -> Row:
    if missing == NOTHING:
        left: object = NOTHING
    else:
        left = cell(missing, Tone.WARN) if is_missing else cell("nothing", Tone.GOOD)
    return {"title": title, "reached": cell(reached, tone), "missing": left, "about": about}
