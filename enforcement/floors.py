"""Every loss limit as a floor under equity: the equity at which the rule is broken.

Static, trailing and daily limits differ only in how the number is made: what it is measured from
(`anchor`), how far below (`amount`, `share`, `tiers`), where and when it stops rising (`lock_at`,
`lock_trigger`), what a payout does to it, whether touching it is a breach already (`boundary`), what is
held against it (`tested_on`), and what follows (`consequence`).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from enforcement.account import AccountState


class FloorKind(StrEnum):
    """Which of a firm's limits a floor stands for; also the contract's breach type."""

    DRAWDOWN = "drawdown"
    DAILY_LOSS = "daily_loss"


class Anchor(StrEnum):
    """What a floor is measured from. BALANCE is the balance now: a limit on the open loss."""

    INITIAL = "initial"
    HIGHEST_EQUITY = "highest_equity"
    HIGHEST_CLOSE = "highest_close"
    HIGHEST_BALANCE = "highest_balance"
    DAY_START_BALANCE = "day_start_balance"
    DAY_START_HIGHER = "day_start_higher"
    BALANCE = "balance"


class ShareOf(StrEnum):
    """HIGHEST_CLOSE_PROFIT: of the highest closing balance's profit over the starting balance."""

    INITIAL = "initial"
    ANCHOR = "anchor"
    HIGHEST_CLOSE_PROFIT = "highest_close_profit"


class LockTrigger(StrEnum):
    """When a trailing floor stops at `lock_at`: as soon as it gets there (PEAK), or only once a close,
    or the closed balance, is far enough above it; or with the first payout asked for or paid."""

    PEAK = "peak"
    CLOSE = "close"
    CLOSED_PROFIT = "closed_profit"
    PAYOUT_REQUESTED = "payout_requested"
    PAYOUT_PAID = "payout_paid"


class PayoutEffect(StrEnum):
    """What the first payout does. LOCK: the floor is `floor_after_payout` from then on. SET: it is at
    least that, and trails on. RESET: peaks begin anew (see `cash_flow`)."""

    NONE = "none"
    LOCK = "lock"
    SET = "set"
    RESET = "reset"


class Boundary(StrEnum):
    """AT: touching the floor is the breach. BELOW: only less than the floor is."""

    AT = "at"
    BELOW = "below"


class TestedOn(StrEnum):
    """What is held against the floor. LOWER: the lower of equity and balance."""

    __test__ = False  # not a test, whatever its name begins with

    EQUITY = "equity"
    LOWER = "lower"


class Consequence(StrEnum):
    """HARD ends the account; SOFT shuts it until the next reset."""

    HARD = "hard"
    SOFT = "soft"


class Tier(NamedTuple):
    """From a profit on, a value holds: contracts, or money under the anchor.

    `above` says that the profit must be passed, not only reached.
    """

    from_profit: Decimal
    value: Decimal
    above: bool = False

    def is_reached(self, profit: Decimal) -> bool:
        return profit > self.from_profit if self.above else profit >= self.from_profit


def tier_value(tiers: Iterable[Tier], profit: Decimal) -> Decimal:
    """The last tier reached; the first one also covers losses. `tiers` ascend and are not empty."""
    first, *others = tiers
    value = first.value
    for tier in others:
        if tier.is_reached(profit):
            value = tier.value
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class LossFloor:
    """How one floor is made. `amount` (money), `share` (of `share_of`) or `tiers` is set.

    lock_at            the level at which a trailing floor stops rising; None: it never stops
    share_from_profit  `share` replaces `amount` once the highest close's profit is above this
    ends_from_profit   the limit ends once the highest close's profit has reached this
    tiers              money by the profit of the day's opening balance
    payout_on_request  the payout effect comes with the request, not with the money
    personal           the account owner's own limit, not the firm's
    """

    kind: FloorKind
    anchor: Anchor
    boundary: Boundary
    consequence: Consequence
    amount: Decimal | None = None
    share: Decimal | None = None
    share_of: ShareOf = ShareOf.INITIAL
    share_from_profit: Decimal | None = None
    tiers: tuple[Tier, ...] = ()
    lock_at: Decimal | None = None
    lock_trigger: LockTrigger = LockTrigger.PEAK
    boundary_after_lock: Boundary | None = None
    payout_effect: PayoutEffect = PayoutEffect.NONE
    payout_on_request: bool = False
    floor_after_payout: Decimal | None = None
    tested_on: TestedOn = TestedOn.EQUITY
    ends_from_profit: Decimal | None = None
    personal: bool = False

    @property
    def is_hard(self) -> bool:
        return self.consequence is Consequence.HARD


class FloorLevel(NamedTuple):
    """A floor and where it is now. `level` is None where what it is measured from is not known;
    `boundary` is the comparator in force (it may change with the lock); a `locked` one rises no more."""

    floor: LossFloor
    level: Decimal | None
    boundary: Boundary
    locked: bool = False

    def is_crossed(self, equity: Decimal, balance: Decimal, *, block_at_floor: bool = False) -> bool:
        """Whether equity (or the lower of both, where the firm tests that) breaks the rule.

        `block_at_floor` treats touching as broken in any case. An unknown level is not crossed.
        """
        if self.level is None:
            return False
        value = min(equity, balance) if self.floor.tested_on is TestedOn.LOWER else equity
        if block_at_floor or self.boundary is Boundary.AT:
            return value <= self.level
        return value < self.level


def levels_of(
    floors: Iterable[LossFloor], state: AccountState, starting_balance: Decimal, size: Decimal
) -> tuple[FloorLevel, ...]:
    """Where each floor is; limits that have ended are left out.

    `size` is the nominal size that shares of the initial balance refer to: accounts that start at 0
    have one too. The firm's drawdown is at the higher of our own figure and the reported one, unless a
    payout has fixed it.
    """
    levels = []
    for floor in floors:
        if _has_ended(floor, state, starting_balance):
            continue
        level, locked = _level(floor, state, starting_balance, size)
        if state.reported_floor is not None and _may_be_reported(floor, state):
            level = state.reported_floor if level is None else max(level, state.reported_floor)
        boundary = floor.boundary_after_lock if locked and floor.boundary_after_lock else floor.boundary
        levels.append(FloorLevel(floor, level, boundary, locked))
    return tuple(levels)


def _may_be_reported(floor: LossFloor, state: AccountState) -> bool:
    if floor.kind is not FloorKind.DRAWDOWN or floor.personal or floor.anchor is Anchor.BALANCE:
        return False
    return not (floor.payout_effect is PayoutEffect.LOCK and _paid_out(floor, state))


def _paid_out(floor: LossFloor, state: AccountState) -> int:
    return state.payouts_requested if floor.payout_on_request else state.payouts_paid


def level_of(
    floor: LossFloor, state: AccountState, starting_balance: Decimal, size: Decimal
) -> Decimal | None:
    """One floor's own level, whatever was reported; None when what it is measured from is unknown."""
    return _level(floor, state, starting_balance, size)[0]


def full_room(
    floor: LossFloor, state: AccountState, starting_balance: Decimal, size: Decimal
) -> Decimal | None:
    """The room a floor leaves to an account that stands at its anchor; None where that isn't known."""
    anchor = anchor_of(floor.anchor, state, starting_balance)
    return None if anchor is None else _distance(floor, anchor, state, starting_balance, size)


def _has_ended(floor: LossFloor, state: AccountState, starting_balance: Decimal) -> bool:
    """Whether the limit has ended; as long as that is not known, it holds."""
    if floor.ends_from_profit is None or state.highest_close is None:
        return False
    return state.highest_close - starting_balance >= floor.ends_from_profit


def _level(
    floor: LossFloor, state: AccountState, starting_balance: Decimal, size: Decimal
) -> tuple[Decimal | None, bool]:
    """The floor's level in the account's currency, and whether it is locked."""
    after_payout = floor.floor_after_payout if _paid_out(floor, state) else None
    if after_payout is not None and floor.payout_effect is PayoutEffect.LOCK:
        return after_payout, True
    anchor = anchor_of(floor.anchor, state, starting_balance)
    if anchor is None:
        return None, False
    distance = _distance(floor, anchor, state, starting_balance, size)
    if distance is None:
        return None, False
    level, locked = anchor - distance, False
    if floor.lock_at is not None:
        fired = _lock_fired(floor, floor.lock_at, level, distance, state)
        if fired is None:
            return None, False
        if fired:
            level, locked = floor.lock_at, True
    if after_payout is not None and floor.payout_effect is PayoutEffect.SET:
        level = max(level, after_payout)
    return level, locked


def anchor_of(anchor: Anchor, state: AccountState, starting_balance: Decimal) -> Decimal | None:
    """What a floor is measured from, never under the starting balance for peaks; None: not known."""
    if anchor is Anchor.INITIAL:
        return starting_balance
    if anchor is Anchor.DAY_START_BALANCE:
        return state.day_start_balance
    if anchor is Anchor.BALANCE:
        return state.balance
    if anchor is Anchor.DAY_START_HIGHER:
        if state.day_start_balance is None or state.day_start_equity is None:
            return None
        return max(state.day_start_balance, state.day_start_equity)
    if anchor is Anchor.HIGHEST_EQUITY:
        peak = state.highest_equity
    elif anchor is Anchor.HIGHEST_BALANCE:
        peak = state.highest_balance
    else:  # while the last close is unknown, so is the highest
        peak = None if state.last_close is None else state.highest_close
    return None if peak is None else max(starting_balance, peak)


def _distance(
    floor: LossFloor, anchor: Decimal, state: AccountState, starting_balance: Decimal, size: Decimal
) -> Decimal | None:
    if floor.tiers:
        if state.day_start_balance is None:
            return None
        return tier_value(floor.tiers, state.day_start_balance - starting_balance)
    if floor.share is None:
        return floor.amount
    if floor.share_of is ShareOf.HIGHEST_CLOSE_PROFIT:
        peak = state.day_start_highest_close
        peak = state.highest_close if peak is None else peak
        if peak is None:
            return None
        profit = max(peak - starting_balance, Decimal(0))
        if floor.amount is not None and profit <= (floor.share_from_profit or 0):
            return floor.amount
        return floor.share * profit
    return floor.share * (anchor if floor.share_of is ShareOf.ANCHOR else size)


def _lock_fired(
    floor: LossFloor, lock_at: Decimal, level: Decimal, distance: Decimal, state: AccountState
) -> bool | None:
    """Whether a floor that would be at `level` is locked; None: what decides is not known."""
    trigger = floor.lock_trigger
    if trigger is LockTrigger.PEAK:
        return level >= lock_at
    if trigger is LockTrigger.PAYOUT_REQUESTED:
        return state.payouts_requested > 0
    if trigger is LockTrigger.PAYOUT_PAID:
        return state.payouts_paid > 0
    reached = state.highest_close if trigger is LockTrigger.CLOSE else state.highest_balance
    return None if reached is None else reached >= lock_at + distance
