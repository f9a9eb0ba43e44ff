"""Loss limits in a trader's words."""

from decimal import Decimal

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
from firms.admin.display import percent, whole_money

_NAMES = {
    (FloorKind.DRAWDOWN, Anchor.INITIAL): "Static drawdown",
    (FloorKind.DRAWDOWN, Anchor.HIGHEST_EQUITY): "Trailing drawdown",
    (FloorKind.DRAWDOWN, Anchor.HIGHEST_CLOSE): "End-of-day drawdown",
    (FloorKind.DRAWDOWN, Anchor.HIGHEST_BALANCE): "Closed-balance drawdown",
    (FloorKind.DRAWDOWN, Anchor.BALANCE): "Open loss",
    (FloorKind.DAILY_LOSS, Anchor.BALANCE): "Open loss of the day",
}
ANCHORS = {
    Anchor.INITIAL: "starting balance",
    Anchor.HIGHEST_EQUITY: "highest equity",
    Anchor.HIGHEST_CLOSE: "highest close",
    Anchor.HIGHEST_BALANCE: "highest closed balance",
    Anchor.DAY_START_BALANCE: "day's opening balance",
    Anchor.DAY_START_HIGHER: "higher of day's opening balance and equity",
    Anchor.BALANCE: "balance now",
}
_TRIGGERS = {
    LockTrigger.PEAK: "",
    LockTrigger.CLOSE: " with a day's close",
    LockTrigger.CLOSED_PROFIT: " with closed profit",
    LockTrigger.PAYOUT_REQUESTED: " with the first payout request",
    LockTrigger.PAYOUT_PAID: " with the first payout",
}


def name_of(floor: LossFloor) -> str:
    """What traders call it: Trailing drawdown, Daily loss; Own daily loss where it is the owner's limit."""
    usual = "Daily loss" if floor.kind is FloorKind.DAILY_LOSS else "Drawdown"
    name = _NAMES.get((floor.kind, floor.anchor), usual)
    return f"Own {name[0].lower()}{name[1:]}" if floor.personal else name


def distance_in_words(floor: LossFloor, currency: str) -> str:
    if floor.tiers:
        return _tiers(floor.tiers, currency)
    if floor.share is None:
        return "nothing" if floor.amount is None else whole_money(floor.amount, currency)
    if floor.share_of in (ShareOf.INITIAL, ShareOf.ANCHOR):
        return percent(floor.share)
    later = f"{percent(floor.share)} of the highest close's profit"
    if floor.amount is None:
        return later
    return (
        f"{whole_money(floor.amount, currency)}, above "
        f"{whole_money(floor.share_from_profit or Decimal(0), currency)} of profit {later}"
    )


def _tiers(tiers: tuple[Tier, ...], currency: str) -> str:
    """`$1,000 / $2,000 from $3,000 of profit`: the first holds below it, losses included."""
    first, *others = tiers
    return " / ".join(
        [
            whole_money(first.value, currency),
            *(
                f"{whole_money(tier.value, currency)} {'above' if tier.above else 'from'} "
                f"{whole_money(tier.from_profit, currency)} of profit"
                for tier in others
            ),
        ]
    )


def in_brief(floor: LossFloor, currency: str, *, optional: bool = False) -> str:
    """`Trailing drawdown $2,500`."""
    brief = f"{name_of(floor)} {distance_in_words(floor, currency)}"
    return f"{brief}, optional" if optional else brief


def in_full(floor: LossFloor, currency: str, *, optional: bool = False) -> str:
    """`$2,500 under the highest equity, stops rising at $50,100; touching it breaks it; …`."""
    distance, anchor = distance_in_words(floor, currency), ANCHORS[floor.anchor]
    if floor.share is not None and floor.share_of is ShareOf.ANCHOR:
        parts = [f"{distance} of the {anchor} under it"]
    elif floor.share is not None and floor.share_of is ShareOf.INITIAL:
        parts = [f"{distance} of the account's size under the {anchor}"]
    else:
        parts = [f"{distance} under the {anchor}"]
    if floor.lock_at is not None:
        level = whole_money(floor.lock_at, currency)
        parts[0] += f", stops rising at {level}{_TRIGGERS[floor.lock_trigger]}"
    parts += [part for part in (_payout(floor, currency), _end(floor, currency)) if part]
    parts.append(_boundary(floor))
    if floor.tested_on is TestedOn.LOWER:
        parts.append("the lower of equity and balance counts")
    hard = floor.consequence is Consequence.HARD
    parts.append("the account is lost" if hard else "shut until the next trading day")
    if floor.personal:
        parts.append("your own limit, not the firm's")
    if optional:
        parts.append("holds only for accounts that took it")
    return "; ".join(parts)


def _payout(floor: LossFloor, currency: str) -> str:
    when = "the first payout request" if floor.payout_on_request else "the first payout"
    if floor.payout_effect is PayoutEffect.RESET:
        return "a payout starts it anew from the starting balance"
    if floor.payout_effect is PayoutEffect.NONE or floor.floor_after_payout is None:
        return ""
    level = whole_money(floor.floor_after_payout, currency)
    if floor.payout_effect is PayoutEffect.LOCK:
        return f"{when} puts it at {level} for good"
    return f"{when} lifts it to {level} at least, and it goes on trailing"


def _end(floor: LossFloor, currency: str) -> str:
    if floor.ends_from_profit is None:
        return ""
    return f"ends from {whole_money(floor.ends_from_profit, currency)} of profit at a close"


def _boundary(floor: LossFloor) -> str:
    words = {Boundary.AT: "touching it breaks it", Boundary.BELOW: "only less than it breaks it"}
    after = floor.boundary_after_lock
    if after is None or after is floor.boundary:
        return words[floor.boundary]
    return f"{words[floor.boundary]}, once locked {words[after]}"


def distance_of(floor: LossFloor, level: Decimal, size: Decimal) -> Decimal | None:
    """How far the floor stands below its anchor, in money: what full room means. Of tiers the largest;
    None where it depends on profit that is not in the floor."""
    if floor.tiers:
        return max(tier.value for tier in floor.tiers)
    if floor.amount is not None:
        return floor.amount
    if floor.share is None or floor.share_of is ShareOf.HIGHEST_CLOSE_PROFIT:
        return None
    if floor.share_of is ShareOf.ANCHOR:
        return level / (1 - floor.share) * floor.share
    return floor.share * size
