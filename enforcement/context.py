"""Everything a rule may look at. Rules see nothing else: no database, no clock."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Generic, NamedTuple, TypeVar, overload

from enforcement.account import AccountState
from enforcement.exposure import Position, WorkingOrder, open_risk, order_risk
from enforcement.floors import FloorLevel, levels_of
from enforcement.orders import OrderIntent, Side
from enforcement.program import Deployment, GuardPolicy, ProgramTerms

T = TypeVar("T")


class once(Generic[T]):  # noqa: N801 - used as a decorator
    """A property computed at its first use and kept. Python's own takes a lock, which costs more here than
    most of what is computed."""

    def __init__(self, compute: Callable[[Any], T]) -> None:
        self.compute, self.name, self.__doc__ = compute, compute.__name__, compute.__doc__

    @overload
    def __get__(self, instance: None, owner: type) -> "once[T]": ...
    @overload
    def __get__(self, instance: object, owner: type) -> T: ...
    def __get__(self, instance: object | None, owner: type) -> "once[T] | T":
        if instance is None:
            return self
        value = instance.__dict__[self.name] = self.compute(instance)
        return value


@dataclass(frozen=True, slots=True)
class OpenFlag:
    """An open flag that concerns the account: `scope` platform, firm, program or account.

    `cause` is a word for programs (manual, daily_loss), `why` what a person wrote.
    """

    scope: str
    key: str
    cause: str
    why: str = ""


class OtherExposure(NamedTuple):
    """What another account of the same trader holds, or may still open: +1 long, -1 short."""

    account: str
    symbol: str
    family: str
    group: str
    sign: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NewsEvent:
    """A scheduled release. `targets` are the symbols and groups it moves; empty: all of its currency."""

    name: str
    at: datetime
    impact: str = "high"
    currency: str = "USD"
    targets: frozenset[str] = frozenset()


class RecentEntry(NamedTuple):
    """An entry of the account that was approved a short while ago; `family` is its market.

    `is_own` says that its alert carried an id of its own: two of those are never the same order.
    """

    at: datetime
    family: str
    side: Side
    quantity: Decimal
    entry_price: Decimal | None
    stop_loss: Decimal | None
    is_own: bool
    target: Decimal | None = None


class ClosedLoss(NamedTuple):
    """What a position lost when it was closed, a short while ago; `sign` +1 for one that was long."""

    at: datetime
    family: str
    sign: int
    loss: Decimal


class Activity(NamedTuple):
    """What the account has done lately.

    entries        approved entries of the last minute or of the duplicate window, whichever is longer
    requests_today orders sent since the day's reset; None: not counted
    losses         positions closed at a loss within the program's window for one trade idea
    """

    entries: tuple[RecentEntry, ...] = ()
    requests_today: int | None = None
    losses: tuple[ClosedLoss, ...] = ()


NO_ACTIVITY = Activity()


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierTerms:
    """Rules that were in force from `since` to `until`, and count until the account's trading day rolls.

    `digest` names them: a stored context keeps that and both instants, the rules stand in their snapshot.
    """

    digest: str
    since: datetime
    until: datetime
    terms: ProgramTerms
    guard: GuardPolicy


@dataclass(frozen=True)
class AccountContext:
    """One account at one instant. `state` is None when it could not be had at all.

    `live` says whether an approved order really leaves for a venue (not on paper, not dry-run);
    `news` are the releases near `now`, None where they could not be had.
    """

    now: datetime
    terms: ProgramTerms
    guard: GuardPolicy
    state: AccountState | None
    positions: tuple[Position, ...] = ()
    working: tuple[WorkingOrder, ...] = ()
    flags: tuple[OpenFlag, ...] = ()
    live: bool = False
    others: tuple[OtherExposure, ...] = ()
    news: tuple[NewsEvent, ...] | None = ()
    activity: Activity = NO_ACTIVITY
    deployment: Deployment | None = None

    @once
    def levels(self) -> tuple[FloorLevel, ...]:
        """Every floor of the program and where it is now."""
        if self.state is None:
            return tuple(FloorLevel(floor, None, floor.boundary) for floor in self.terms.floors)
        return self.levels_in(self.state)

    def levels_in(self, state: AccountState) -> tuple[FloorLevel, ...]:
        """Where the floors would be in another state."""
        return levels_of(self.terms.floors, state, self.terms.starting_balance, self.terms.size)

    @once
    def open_risk(self) -> Decimal | None:
        """What open and working exposure loses at its stops; None when that has no bound."""
        if any(p.instrument.currency != self.terms.currency for p in self.positions):
            return None
        return open_risk(self.positions, self.working, self.guard)


@dataclass(frozen=True, kw_only=True)
class OrderContext(AccountContext):
    """An account and the order wished for it.

    `obstacle` is the code of what stands against the order before any rule looks at it: its route is
    switched off, an exit has overtaken it (the codes are those of rules/admission.py). `earlier` are the
    other rules of the account's day, which an entry has to pass as well.
    """

    intent: OrderIntent
    obstacle: str | None = None
    earlier: tuple[EarlierTerms, ...] = ()

    @once
    def order_risk(self) -> Decimal | None:
        """The order's worst case in the account's currency; None when it has no bound.

        An instrument in another currency has none: no rate is known.
        """
        instrument = self.intent.instrument
        if instrument is None or instrument.currency != self.terms.currency:
            return None
        return order_risk(self.intent, self.guard)

    @once
    def projected_equity(self) -> Decimal | None:
        """Equity if every stop were hit, open, working and this order's."""
        if self.state is None or self.open_risk is None or self.order_risk is None:
            return None
        return self.state.equity - self.open_risk - self.order_risk

    @once
    def gain_at_target(self) -> Decimal | None:
        """What the order wins at its target, without costs; None without a target."""
        intent = self.intent
        if intent.instrument is None or intent.quantity is None:
            return None
        if intent.target is None or intent.entry_price is None:
            return None
        return intent.instrument.money(abs(intent.target - intent.entry_price), intent.quantity)

    def under(self, earlier: EarlierTerms) -> "OrderContext":
        """The same wish under other rules of the day. That some of them could not be had then is over."""
        terms = replace(earlier.terms, unavailable=None)
        return replace(self, terms=terms, guard=earlier.guard, earlier=())

    def resized(self, quantity: Decimal) -> "OrderContext":
        """The same wish in another size."""
        return replace(self, intent=replace(self.intent, quantity=quantity))
