"""Loss limits in a trader's words."""

from decimal import Decimal

from enforcement.floors import Anchor, Boundary, Consequence, FloorKind, LossFloor, ShareOf
from firms.admin.display import percent, whole_money

_NAMES = {
    (FloorKind.DRAWDOWN, Anchor.INITIAL): "Static drawdown",
    (FloorKind.DRAWDOWN, Anchor.HIGHEST_EQUITY): "Trailing drawdown",
    (FloorKind.DRAWDOWN, Anchor.HIGHEST_CLOSE): "End-of-day drawdown",
}
ANCHORS = {
    Anchor.INITIAL: "starting balance",
    Anchor.HIGHEST_EQUITY: "highest equity",
    Anchor.HIGHEST_CLOSE: "highest close",
    Anchor.DAY_START_BALANCE: "day's opening balance",
    Anchor.DAY_START_HIGHER: "higher of day's opening balance and equity",
}


def name_of(floor: LossFloor) -> str:
    """What traders call it: Trailing drawdown, Daily loss."""
    own = "Daily loss" if floor.kind is FloorKind.DAILY_LOSS else "Drawdown"
    return _NAMES.get((floor.kind, floor.anchor), own)


def distance_in_words(floor: LossFloor, currency: str) -> str:
    if floor.amount is not None:
        return whole_money(floor.amount, currency)
    if floor.share is None:
        return "nothing"
    return f"{percent(floor.share)} of it" if floor.share_of is ShareOf.ANCHOR else percent(floor.share)


def in_brief(floor: LossFloor, currency: str) -> str:
    """`Trailing drawdown $2,500`."""
    return f"{name_of(floor)} {distance_in_words(floor, currency)}"


def in_full(floor: LossFloor, currency: str) -> str:
    """`$2,500 under the highest equity, stops rising at $50,100; touching it breaks it; …`."""
    parts = [f"{distance_in_words(floor, currency)} under the {ANCHORS[floor.anchor]}"]
    if floor.lock_at is not None:
        parts[0] += f", stops rising at {whole_money(floor.lock_at, currency)}"
    parts.append("touching it breaks it" if floor.boundary is Boundary.AT else "only less than it breaks it")
    hard = floor.consequence is Consequence.HARD
    parts.append("the account is lost" if hard else "shut until the next trading day")
    return "; ".join(parts)


def distance_of(floor: LossFloor, level: Decimal, size: Decimal) -> Decimal | None:
    """How far the floor stands below its anchor, in money: what full room means."""
    if floor.amount is not None:
        return floor.amount
    if floor.share is None:
        return None
    if floor.share_of is ShareOf.ANCHOR:
        return level / (1 - floor.share) * floor.share
    return floor.share * size
