"""The answer: what each rule found, and what follows from all of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import IntEnum, StrEnum
from typing import NamedTuple

from enforcement.floors import LossFloor


class Outcome(IntEnum):
    """How a rule sees an order. The last two block."""

    PASS = 0
    WARN = 1
    UNDETERMINED = 2
    DENY = 3

    @property
    def blocks(self) -> bool:
        return self >= Outcome.UNDETERMINED


class BreachType:
    """The words for what refused an order; the first seven are the contract's."""

    PAUSED = "paused"
    SESSION = "session"
    CONTRACTS = "contracts"
    RISK = "risk"
    DAILY_LOSS = "daily_loss"
    DRAWDOWN = "drawdown"
    ERROR = "error"
    AUTOMATION = "automation"
    STALE = "stale"
    INSTRUMENT = "instrument"
    ROUTING = "routing"
    EXIT_PENDING = "exit_pending"
    NEWS = "news"
    HEDGING = "hedging"
    RATE = "rate"
    CONSISTENCY = "consistency"


Fact = Decimal | int | str | None
FIRM, GUARD, OWNER = "firm", "guard", "owner"
NO_FACTS: Mapping[str, Fact] = {}


class Finding(NamedTuple):
    """One rule's view of one order. Numbers are money unless the rule's page says otherwise.

    `code` is dotted and stable (`daily_loss.would_breach`): programs read the code, people the message
    rendered from it. `room` is what was left before this order. `facts` are further numbers of the
    message. `outcome` is the rule's own verdict; for an exit the engine caps it at WARN and keeps the
    rule's word in `verdict`. `by` says whose word it is: the firm's, the guard policy's, the owner's own
    limit's.
    """

    rule: str
    code: str
    outcome: Outcome
    breach_type: str
    observed: Fact = None
    limit: Fact = None
    room: Decimal | None = None
    facts: Mapping[str, Fact] = NO_FACTS
    verdict: Outcome | None = None
    by: str = FIRM


class FloorRoom(NamedTuple):
    """A floor at the moment of a decision. None where its anchor, or the order's loss, is unknown.

    room       equity minus the floor
    projected  equity if every stop were hit: open, working and this order's
    """

    floor: LossFloor
    level: Decimal | None
    equity: Decimal | None
    projected: Decimal | None

    @property
    def room(self) -> Decimal | None:
        return None if self.level is None or self.equity is None else self.equity - self.level


class Handling(StrEnum):
    """What is done with an order that passed: sent, shown to a person who must confirm it, or told only."""

    SEND = "send"
    CONFIRM = "confirm"
    ADVISE = "advise"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What all rules together say. `findings` stand in the table's order; `floors` are always given.

    `risk` is the order's own worst case in the account's currency, what an approved order reserves.
    `fits` is the largest quantity that would have passed; None when the order is allowed as it is.
    """

    findings: tuple[Finding, ...]
    floors: tuple[FloorRoom, ...]
    risk: Decimal | None
    fits: Decimal | None = None
    handling: Handling = Handling.SEND

    @property
    def refusal(self) -> Finding | None:
        """The first finding that blocks: it names the breach type."""
        return next((finding for finding in self.findings if finding.outcome > Outcome.WARN), None)

    @property
    def allowed(self) -> bool:
        return self.refusal is None

    @property
    def breach_type(self) -> str | None:
        refusal = self.refusal
        return None if refusal is None else refusal.breach_type
