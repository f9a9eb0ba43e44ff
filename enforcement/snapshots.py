"""A worked case's rule snapshot as the core's terms. Every key that decides something is read here."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, time
from decimal import Decimal
from typing import Any

from enforcement.account import CashFlow
from enforcement.calendar import Closure, TradingDay, TradingHours
from enforcement.floors import (
    Anchor,
    Boundary,
    Consequence,
    FloorKind,
    LockTrigger,
    LossFloor,
    PayoutEffect,
    ShareOf,
    TestedOn,
    Tier,
)
from enforcement.program import (
    Automation,
    ConsistencyRule,
    FlatBy,
    HedgeBy,
    HedgeScope,
    HedgingRule,
    NewsRule,
    ProductLimit,
    ProgramTerms,
    RiskOf,
    ScalingBasis,
)
from enforcement.progress import Measure

Snapshot = Mapping[str, Any]
_ANCHORS = {
    "static": Anchor.INITIAL,
    "trailing_intraday": Anchor.HIGHEST_EQUITY,
    "trailing_eod": Anchor.HIGHEST_CLOSE,
    "trailing_closed_balance": Anchor.HIGHEST_BALANCE,
}
_HUNDRED = Decimal(100)


class CaseError(ValueError):
    """A case that can't be read: names the key and the value."""


def number(value: object) -> Decimal:
    """A JSON number as it is written (decimal places read as Decimal). Booleans and texts are none."""
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        raise CaseError(f"{value!r} is not a number")
    return Decimal(value)


def terms_of(case: Mapping[str, Any]) -> ProgramTerms:
    rule: Snapshot = case["rule"]
    start = number(rule.get("starting_balance", 0))
    cap = rule.get("max_contracts") or {}
    scaling = rule.get("scaling") or {}
    session = rule.get("session") or rule.get("sessions")
    return ProgramTerms(
        firm=str(case.get("firm", "")),
        number=0,
        currency=str(rule.get("currency", "USD")),
        starting_balance=start,
        size=number(rule.get("size", start)),
        day=_day(rule),
        floors=tuple(_floors(rule, start)),
        hours=_hours(session, case),
        flat_by=_flat_by(rule.get("flat_by")),
        no_entry_minutes=_no_entry_minutes(session),
        closures=tuple(_closures(session)),
        overnight=rule.get("overnight_holding"),
        weekend=rule.get("weekend_holding"),
        max_contracts=_maybe(cap.get("mini")),
        max_minis=_maybe(cap.get("mini")),
        max_micros=_maybe(cap.get("micro")),
        micro_weight=_maybe(cap.get("micro_weight", rule.get("micro_weight"))),
        product_limits=tuple(_product_limits(rule)),
        tiers=tuple(_tiers(scaling.get("tiers") or (), "contracts")),
        scaling_basis=_scaling_basis(str(scaling.get("basis", "last_close"))),
        **_risk(rule),
        stop_required=bool(rule.get("stop_loss_required")),
        hedging=_hedging(rule.get("hedging")),
        news=_news(rule.get("news")),
        automation=_automation(rule.get("automation")),
        max_trades_per_day=rule.get("max_trades_per_day"),
        min_hold_seconds=rule.get("min_hold_seconds"),
    )


# --- the day ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Clock:
    at: time
    zone: str


def _day(rule: Snapshot) -> TradingDay:
    """The trading day: by the daily limit's reset, else the session's opening, else the close itself."""
    close = _clock(rule.get("drawdown"), "update_time") or _clock(rule.get("scaling"), "update_time")
    daily = _clock(rule.get("daily_loss"), "reset_time")
    reset = daily or _clock(rule.get("session") or rule.get("sessions"), "open") or close
    if reset is None:
        return TradingDay("UTC", time(0), rests_at_weekend=False)
    return TradingDay(
        reset.zone,
        reset.at,
        rests_at_weekend=_is_exchange_day(reset, is_daily=reset is daily),
        close=None if close is None or close == reset else close.at,
        close_zone=None if close is None else close.zone,
    )


def _is_exchange_day(reset: _Clock, *, is_daily: bool) -> bool:
    """Futures days turn at 17:00 in Chicago, 18:00 in New York, and rest from Friday to Sunday. A daily
    limit that resets at 17:00 in New York is a currency firm's."""
    if reset.zone == "America/New_York" and is_daily:
        return reset.at >= time(18)
    return reset.zone.startswith("America/") and reset.at >= time(12)


def _clock(part: Snapshot | None, key: str) -> _Clock | None:
    if not part or part.get(key) is None:
        return None
    return _Clock(time.fromisoformat(part[key]), str(part["timezone"]))


def _hours(session: Snapshot | None, case: Mapping[str, Any]) -> TradingHours | None:
    if not session:
        return None
    asked, since = case["question"].get("t"), session.get("effective_from")
    if asked and since and asked[:10] < since:
        return None
    return TradingHours(
        time.fromisoformat(session["open"]), time.fromisoformat(session["close"]), str(session["timezone"])
    )


_LAST_ENTRY = ("no_new_positions_from", "no_entry_from", "no_new_positions_after", "last_entry")


def _no_entry_minutes(session: Snapshot | None) -> int:
    """How long before the close the firm wants no new position: by a number or by a local time."""
    if not session:
        return 0
    if session.get("no_entry_minutes") is not None:
        return int(number(session["no_entry_minutes"]))
    word = next((session[key] for key in _LAST_ENTRY if session.get(key)), None)
    if word is None:
        return 0
    close, last = time.fromisoformat(session["close"]), time.fromisoformat(word)
    return (close.hour - last.hour) * 60 + close.minute - last.minute


def _flat_by(data: Snapshot | None) -> FlatBy | None:
    return None if not data else FlatBy(at=time.fromisoformat(data["time"]), zone=str(data["timezone"]))


def _closures(session: Snapshot | None) -> list[Closure]:
    """Early closes and holidays; a holiday has no closing time."""
    if not session:
        return []
    zone = str(session["timezone"])
    early = [
        Closure(
            date.fromisoformat(row["date"]), "",
            time.fromisoformat(row["close"]) if row.get("close") else None,
            str(row.get("timezone", zone)), str(row.get("name", "early close")),
        )
        for row in session.get("early_close") or ()
    ]  # fmt: skip
    days = session.get("holidays") or session.get("closed") or ()
    return early + [Closure(date.fromisoformat(_date_in(row)), "", None, zone, "holiday") for row in days]


def _date_in(row: object) -> str:
    return str(row["date"]) if isinstance(row, Mapping) else str(row)


# --- the floors -------------------------------------------------------------------------------------------


def _floors(rule: Snapshot, start: Decimal) -> list[LossFloor]:
    floors = []
    drawdown = rule.get("drawdown")
    if drawdown:
        floors.append(_drawdown(drawdown, start))
    dailies = (rule.get(key) for key in ("daily_loss", "optional_daily_loss", "daily_pause"))
    return floors + [_daily(daily, drawdown) for daily in dailies if daily]


def _drawdown(data: Snapshot, start: Decimal) -> LossFloor:
    if data["type"] not in _ANCHORS:
        raise CaseError(f"drawdown.type: {data['type']!r} is not one of {', '.join(_ANCHORS)}")
    after, distance = _maybe(data.get("floor_after_payout")), _distance(data)
    effect = PayoutEffect.NONE if after is None else PayoutEffect.LOCK
    if after is not None and distance.get("amount") is not None and after == start - distance["amount"]:
        effect = PayoutEffect.RESET  # back where it began, and it trails anew (FTMO 1-Step)
    return LossFloor(
        kind=FloorKind.DRAWDOWN,
        anchor=_ANCHORS[data["type"]],
        boundary=_boundary(data),
        consequence=Consequence.HARD,
        **distance,
        lock_at=_maybe(data.get("lock_at")),
        lock_trigger=LockTrigger(data.get("lock_trigger") or "peak"),
        boundary_after_lock=_boundary_of(data.get("breach_when_after_lock")),
        payout_effect=effect,
        payout_on_request=data.get("floor_after") == "request" or bool(data.get("payout_on_request")),
        floor_after_payout=after,
        tested_on=_tested_on(data),
    )


def _daily(data: Snapshot, drawdown: Snapshot | None) -> LossFloor:
    tiers = tuple(_tiers(data.get("tiers_by_profit") or (), "amount"))
    distance: dict[str, Any] = {"tiers": tiers} if tiers and data.get("amount") is None else _distance(data)
    if "profit" in str(data.get("pct_of", "")):
        own = number((drawdown or {}).get("amount") or 0)
        distance["share_from_profit"] = _maybe(data.get("from_profit")) or own + _HUNDRED
    return LossFloor(
        kind=FloorKind.DAILY_LOSS,
        anchor=_daily_anchor(str(data.get("basis", "balance"))),
        boundary=_boundary(data),
        consequence=Consequence(data.get("severity") or "hard"),
        **distance,
        tested_on=_tested_on(data),
        ends_from_profit=_maybe(data.get("ends_from_profit")),
    )


def _distance(data: Snapshot) -> dict[str, Any]:
    """Money, a share of the initial balance or of what the floor is measured from; both for a share of
    the highest closing profit, which replaces the money later."""
    amount, percent = data.get("amount"), data.get("pct")
    if percent is None or (amount is not None and "profit" not in str(data.get("pct_of", ""))):
        return {"amount": _maybe(amount)}
    word = str(data.get("pct_of") or "initial")
    share_of = ShareOf.ANCHOR if word in ("reference", "anchor", "peak") else ShareOf.INITIAL
    if "profit" in word:
        share_of = ShareOf.HIGHEST_CLOSE_PROFIT
    return {"amount": _maybe(amount), "share": number(percent) / _HUNDRED, "share_of": share_of}


def _daily_anchor(basis: str) -> Anchor:
    """The balance at the reset, or the higher of balance and equity. Equity alone is no anchor of ours, and
    the balance in its place would be another rule."""
    if "max" in basis or "higher" in basis or ("equity" in basis and "balance" in basis):
        return Anchor.DAY_START_HIGHER
    if "balance" not in basis:
        raise CaseError(f"daily_loss.basis: {basis!r} is neither the balance nor the higher of both")
    return Anchor.DAY_START_BALANCE


def _boundary(data: Snapshot) -> Boundary:
    return _boundary_of(data.get("breach_when")) or Boundary.AT


def _boundary_of(words: object) -> Boundary | None:
    """A bare `<` is below; anything else is at: the safe reading. None where nothing is said."""
    if not words:
        return None
    return Boundary.BELOW if "<" in str(words) and "<=" not in str(words) else Boundary.AT


def _tested_on(data: Snapshot) -> TestedOn:
    words = " ".join(str(data.get(key) or "") for key in ("tested_on", "enforced_on", "breach_when"))
    lower = any(word in words for word in ("balance", "lower", "min"))
    return TestedOn.LOWER if lower else TestedOn.EQUITY


def _tiers(rows: Any, key: str) -> list[Tier]:
    return [Tier(number(row["from_profit"]), number(row[key]), bool(row.get("above", False))) for row in rows]


# --- the other rules --------------------------------------------------------------------------------------


def _product_limits(rule: Snapshot) -> list[ProductLimit]:
    caps = rule.get("product_caps") or (rule.get("max_contracts") or {}).get("products") or {}
    weights = rule.get("weights") or (rule.get("max_contracts") or {}).get("weights") or {}
    return [
        ProductLimit(
            product=product, max_contracts=_maybe(caps.get(product)), weight=_maybe(weights.get(product))
        )
        for product in sorted({*caps, *weights})
    ]


_RISK_OF = {
    "initial": RiskOf.INITIAL, "account size": RiskOf.INITIAL, "size": RiskOf.INITIAL,
    "balance": RiskOf.BALANCE, "equity": RiskOf.EQUITY,
}  # fmt: skip


def _scaling_basis(word: str) -> ScalingBasis:
    is_live = any(part in word for part in ("intraday", "live", "realtime"))
    return ScalingBasis.INTRADAY if is_live else ScalingBasis.LAST_CLOSE


def _idea_minutes(data: Snapshot) -> int | None:
    """Whether ideas count, and for how long; ten minutes where only the word is there (FundingPips)."""
    for key in ("idea_window_minutes", "window_minutes", "reentry_minutes"):
        if data.get(key) is not None:
            return int(number(data[key]))
    words = " ".join(str(data.get(key) or "") for key in ("unit", "per", "scope"))
    return 10 if "idea" in words else None


def _risk(rule: Snapshot) -> dict[str, Any]:
    data = rule.get("max_risk_per_trade")
    if not data or data.get("pct") is None:
        return {}
    return {
        "max_risk_share": number(data["pct"]) / _HUNDRED,
        "risk_of": _RISK_OF[str(data.get("of") or "initial")],
        "idea_window_minutes": _idea_minutes(data),
    }


_SAME_PRODUCT = ("same_product_inside", "same_product_allowed", "mini_micro_allowed", "same_account_allowed")


_MARKETS = {
    "correlated": HedgeBy.CORRELATED, "group": HedgeBy.CORRELATED, "product_group": HedgeBy.CORRELATED,
    "underlying": HedgeBy.UNDERLYING, "same_underlying": HedgeBy.UNDERLYING, "any": HedgeBy.UNDERLYING,
    "symbol": HedgeBy.SYMBOL, "same_symbol": HedgeBy.SYMBOL,
}  # fmt: skip


def _hedging(data: Snapshot | None) -> HedgingRule | None:
    if not data:
        return None
    groups = data.get("groups")
    listed = tuple(tuple(group) for group in groups) if isinstance(groups, list) else ()
    word = str(data.get("by") or (groups if isinstance(groups, str) else "underlying"))
    if word not in _MARKETS:
        raise CaseError(f"hedging: {word!r} is not one of {', '.join(_MARKETS)}")
    return HedgingRule(
        scope=HedgeScope(data.get("scope", "trader")),
        by=_MARKETS[word],
        groups=listed,
        same_product_inside=any(data.get(key) for key in _SAME_PRODUCT),
    )


def _news(data: Snapshot | None) -> tuple[NewsRule, ...]:
    """Minutes before and after; what holding and closing are, by their own keys."""
    if not data:
        return ()
    return (
        NewsRule(
            before_seconds=int(number(data["before"]) * 60),
            after_seconds=int(number(data["after"]) * 60),
            events=_events(data),
            exits_restricted=bool(data.get("closing_restricted", False)),
            must_be_flat=data.get("holding_allowed") is False,
            exempt_opened_minutes=data.get("exempt_opened_minutes_before"),
            severity=str(data.get("severity", "violation")),
        ),
    )


def _events(data: Snapshot) -> tuple[str, ...]:
    """The releases a rule names; words for "the important ones" stand for the calendar's impact."""
    named = data.get("events") or ([data["impact"]] if data.get("impact") else [])
    words = [str(named)] if isinstance(named, str) else [str(word) for word in named]
    found = ["high" if _IMPORTANT.search(word) else word for word in words]
    return () if any("restricted" in word for word in words) else tuple(found)


_IMPORTANT = re.compile(r"high|red\b|tier", re.IGNORECASE)
_STATUS = {
    "allowed": Automation.AUTO, "allowed_with_conditions": Automation.AUTO, "auto": Automation.AUTO,
    "own_device": Automation.OWN_DEVICE, "own_device_only": Automation.OWN_DEVICE,
    "prohibited": Automation.PROHIBITED, "unknown": Automation.PROHIBITED,
    "confirm_by_hand": Automation.CONFIRM_BY_HAND, "advise_only": Automation.ADVISE_ONLY,
}  # fmt: skip


def _automation(data: Snapshot | None) -> Automation:
    """What isn't known isn't allowed."""
    if not data:
        return Automation.AUTO
    status = str(data.get("status", "unknown"))
    if status not in _STATUS:
        raise CaseError(f"automation.status: {status!r} is not one of {', '.join(_STATUS)}")
    found = _STATUS[status]
    return Automation.OWN_DEVICE if data.get("hosts") and found is Automation.AUTO else found


def consistency_of(case: Mapping[str, Any]) -> tuple[ConsistencyRule, Decimal | None]:
    rule: Snapshot = case["rule"]
    data = rule["consistency"]
    words = str(data.get("measure", ""))
    measure = Measure.NET_PROFIT
    if "target" in words:
        measure = Measure.PROFIT_TARGET
    elif "positive" in words or "winning" in words:
        measure = Measure.POSITIVE_DAYS
    limit = str(data.get("pass_when", "<=")).strip()
    passes = Boundary.BELOW if limit.startswith("<") and not limit.startswith("<=") else Boundary.AT
    target = data.get("profit_target", data.get("target", rule.get("profit_target")))
    target = case["question"].get("profit_target", target)
    share = number(data["pct"]) / _HUNDRED
    return ConsistencyRule(measure=measure, share=share, passes=passes), _maybe(target)


# --- money that moves without a trade -----------------------------------------------------------------------

_PAID = re.compile(r"\b(payout|withdrawal|withdrawn|reward)\b", re.IGNORECASE)
_ASKED = re.compile(r"\b(payout|withdrawal|reward) (is |was )?requested\b|\brequests?\b", re.IGNORECASE)
_TRADED = re.compile(r"\b(closed?|floating|not|no)\b", re.IGNORECASE)


def cash_flow_of(row: Mapping[str, Any], balance: Decimal) -> tuple[CashFlow, Decimal] | None:
    """A row's payout: by its own keys, or said in its event; a row that tells of a trade is none."""
    event, left = str(row.get("event") or ""), balance - number(row["balance"])
    amount = left if left > 0 else Decimal("0.01")
    said = bool(_PAID.search(event)) and not _TRADED.search(event)
    if row.get("payout_requested") or (said and _ASKED.search(event)):
        return CashFlow.PAYOUT_REQUESTED, amount
    paid = row.get("payout")
    if paid:
        return CashFlow.PAYOUT_PAID, amount if paid is True else number(paid)
    return (CashFlow.PAYOUT_PAID, left) if said and left > 0 else None


def _maybe(value: object) -> Decimal | None:
    return None if value is None else number(value)
