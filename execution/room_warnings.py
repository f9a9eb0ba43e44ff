"""When to warn that a floor comes near: at set shares of the room it leaves, once a trading day. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from enforcement.engine import Standing
from enforcement.floors import LossFloor, full_room
from execution.enforcement_service import Facts


@dataclass(frozen=True, slots=True)
class RoomWarning:
    """`share` of a floor's room is reached; `key` names floor and trading day, without the share."""

    key: str
    share: Decimal
    message: str

    @property
    def subject(self) -> str:
        return f"{self.key} {self.share * 100:.0f}"


def due(facts: Facts, standing: Standing, shares: Iterable[Decimal]) -> list[RoomWarning]:
    """Every share that is reached, of each floor that is known and not broken yet; `shares` descend.

    The whole room is what a floor leaves to an account that stands at its anchor: the day's loss limit, the
    distance of the drawdown.
    """
    state, terms = facts.state, facts.terms
    if state is None:
        return []
    warnings = []
    for at in standing.floors:
        whole = full_room(at.floor, state, terms.starting_balance, terms.size)
        if at.room is None or at.room <= 0 or not whole:
            continue
        left = at.room / whole
        key = f"{facts.account.pk} {_name(at.floor)} {state.trading_day}"
        warnings += [
            RoomWarning(
                key, share,
                f"{facts.account.label}: {left:.1%} of the room above the {_name(at.floor)} floor is left: "
                f"{at.room:,.2f} of {whole:,.2f} (equity {at.equity:,.2f}, floor {at.level:,.2f}).",
            )
            for share in shares
            if left <= share
        ]  # fmt: skip
    return warnings


def newly(warnings: Iterable[RoomWarning], raised: Iterable[str]) -> list[RoomWarning]:
    """Those to raise now: of each floor the smallest share that is reached, if neither it nor a smaller one
    was raised on this day. `raised` are the day's subjects, open and closed."""
    smallest: dict[str, RoomWarning] = {}
    for warning in warnings:
        known = smallest.get(warning.key)
        if known is None or warning.share < known.share:
            smallest[warning.key] = warning
    lowest: dict[str, Decimal] = {}
    for subject in raised:
        key, _, percent = subject.rpartition(" ")
        lowest[key] = min(lowest.get(key, Decimal(1)), Decimal(percent) / 100)
    return [one for key, one in smallest.items() if key not in lowest or one.share < lowest[key]]


def _name(floor: LossFloor) -> str:
    own = "own " if floor.personal else ""
    return f"{own}{floor.kind.value.replace('_', ' ')} ({floor.anchor.value.replace('_', ' ')})"
