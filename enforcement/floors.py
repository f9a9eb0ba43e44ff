"""Every loss limit as a floor under equity: the equity at which the rule is broken.

Static, trailing and daily limits differ only in how the number is made: what it is measured from
(`anchor`), how far below (`amount` or `share`), where it stops rising (`lock_at`), whether touching it
is a breach already (`boundary`) and what follows (`consequence`).
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from enforcement.account import AccountState


class FloorKind(StrEnum):
    """Which of a firm's limits a floor stands for; also the contract's breach type."""

    DRAWDOWN = "drawdown"
    DAILY_LOSS = "daily_loss"


class Anchor(StrEnum):
    """What a floor is measured from."""

    INITIAL = "initial"
    HIGHEST_EQUITY = "highest_equity"
    HIGHEST_CLOSE = "highest_close"
    DAY_START_BALANCE = "day_start_balance"
    DAY_START_HIGHER = "day_start_higher"


class ShareOf(StrEnum):
    INITIAL = "initial"
    ANCHOR = "anchor"


class Boundary(StrEnum):
    """AT: touching the floor is the breach. BELOW: only less than the floor is."""

    AT = "at"
    BELOW = "below"


class Consequence(StrEnum):
    """HARD ends the account; SOFT shuts it until the next reset."""

    HARD = "hard"
    SOFT = "soft"


@dataclass(frozen=True, slots=True, kw_only=True)
class LossFloor:
    """How one floor is made. Either `amount` (money) or `share` (of `share_of`) is set.

    `lock_at` is the level at which a trailing floor stops rising; None: it never stops.
    """

    kind: FloorKind
    anchor: Anchor
    boundary: Boundary
    consequence: Consequence
    amount: Decimal | None = None
    share: Decimal | None = None
    share_of: ShareOf = ShareOf.INITIAL
    lock_at: Decimal | None = None

    def is_crossed(self, equity: Decimal, level: Decimal, *, block_at_floor: bool = False) -> bool:
        """Whether `equity` breaks the rule. `block_at_floor` treats touching as broken in any case."""
        if self.boundary is Boundary.AT or block_at_floor:
            return equity <= level
        return equity < level


@dataclass(frozen=True, slots=True)
class FloorLevel:
    """A floor and where it is now. `level` is None where its anchor is not known."""

    floor: LossFloor
    level: Decimal | None


def level_of(
    floor: LossFloor, state: AccountState, starting_balance: Decimal, size: Decimal
) -> Decimal | None:
    """The floor's level in the account's currency; None when what it is measured from is unknown.

    `size` is the nominal size that shares of the initial balance refer to: accounts that start at 0
    have one too.
    """
    anchor = _anchor(floor.anchor, state, starting_balance)
    if anchor is None:
        return None
    if floor.amount is not None:
        distance = floor.amount
    elif floor.share is not None:
        distance = floor.share * (anchor if floor.share_of is ShareOf.ANCHOR else size)
    else:
        return None
    level = anchor - distance
    return level if floor.lock_at is None else min(level, floor.lock_at)


def _anchor(anchor: Anchor, state: AccountState, starting_balance: Decimal) -> Decimal | None:
    if anchor is Anchor.INITIAL:
        return starting_balance
    if anchor is Anchor.HIGHEST_EQUITY:
        return None if state.highest_equity is None else max(starting_balance, state.highest_equity)
    if anchor is Anchor.HIGHEST_CLOSE:
        # The last close is the day's opening balance: while that is unknown, so is the highest.
        if state.highest_close is None or state.day_start_balance is None:
            return None
        return max(starting_balance, state.highest_close)
    if anchor is Anchor.DAY_START_HIGHER:
        if state.day_start_balance is None or state.day_start_equity is None:
            return None
        return max(state.day_start_balance, state.day_start_equity)
    return state.day_start_balance
