"""Everything a rule may look at. Rules see nothing else: no database, no clock."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cached_property

from enforcement.account import AccountState
from enforcement.exposure import Position, WorkingOrder, open_risk, order_risk
from enforcement.floors import FloorLevel, level_of
from enforcement.orders import OrderIntent
from enforcement.program import GuardPolicy, ProgramTerms


@dataclass(frozen=True, slots=True)
class OpenFlag:
    """An open flag that concerns the account: `scope` platform, firm, program or account.

    `cause` is a word for programs (manual, daily_loss), `why` what a person wrote.
    """

    scope: str
    key: str
    cause: str
    why: str = ""


@dataclass(frozen=True)
class AccountContext:
    """One account at one instant. `state` is None when it could not be had at all.

    `live` says whether an approved order really leaves for a venue (not on paper, not dry-run).
    """

    now: datetime
    terms: ProgramTerms
    guard: GuardPolicy
    state: AccountState | None
    positions: tuple[Position, ...] = ()
    working: tuple[WorkingOrder, ...] = ()
    flags: tuple[OpenFlag, ...] = ()
    live: bool = False

    @cached_property
    def levels(self) -> tuple[FloorLevel, ...]:
        """Every floor of the program and where it is now."""
        if self.state is None:
            return tuple(FloorLevel(floor, None) for floor in self.terms.floors)
        return tuple(
            FloorLevel(floor, level_of(floor, self.state, self.terms.starting_balance, self.terms.size))
            for floor in self.terms.floors
        )

    @cached_property
    def open_risk(self) -> Decimal | None:
        """What open and working exposure loses at its stops; None when that has no bound."""
        if any(p.instrument.currency != self.terms.currency for p in self.positions):
            return None
        return open_risk(self.positions, self.working, self.guard)


@dataclass(frozen=True, kw_only=True)
class OrderContext(AccountContext):
    """An account and the order wished for it.

    `obstacle` is the code of what stands against the order before any rule looks at it: its route is
    switched off, an exit has overtaken it (the codes are those of rules/admission.py).
    """

    intent: OrderIntent
    obstacle: str | None = None

    @cached_property
    def order_risk(self) -> Decimal | None:
        """The order's worst case in the account's currency; None when it has no bound.

        An instrument in another currency has none: no rate is known.
        """
        instrument = self.intent.instrument
        if instrument is None or instrument.currency != self.terms.currency:
            return None
        return order_risk(self.intent, self.guard)

    @cached_property
    def projected_equity(self) -> Decimal | None:
        """Equity if every stop were hit, open, working and this order's."""
        if self.state is None or self.open_risk is None or self.order_risk is None:
            return None
        return self.state.equity - self.open_risk - self.order_risk
