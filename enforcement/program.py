"""Everything a program says, typed, and what the account's owner adds for safety."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from enforcement.calendar import Session, TradingDay
from enforcement.floors import LossFloor


class Automation(StrEnum):
    """Whether the firm allows orders that no person has confirmed."""

    AUTO = "auto"
    OWN_DEVICE = "own_device"
    CONFIRM_BY_HAND = "confirm_by_hand"
    ADVISE_ONLY = "advise_only"
    PROHIBITED = "prohibited"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramTerms:
    """One program's rules in force. A rule that is None (or an empty tuple) is not set.

    starting_balance  the balance on day one (0 at some firms); money in `currency`
    size              the nominal size that shares refer to
    allowed_sessions  the named sessions an order may be sent in; None: any, (): none at all
    max_contracts     mini equivalents over the whole account, beyond which an order is refused
    max_risk_share    share of equity (0.01 is 1 %) that one order may risk to its stop
    unavailable       why the rules can't be had; set, it blocks every entry
    """

    firm: str
    number: int
    currency: str
    starting_balance: Decimal
    size: Decimal
    day: TradingDay
    floors: tuple[LossFloor, ...] = ()
    allowed_sessions: tuple[Session, ...] | None = None
    max_contracts: Decimal | None = None
    max_risk_share: Decimal | None = None
    stop_required: bool = False
    automation: Automation = Automation.AUTO
    unavailable: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardPolicy:
    """The account owner's own margin of safety, apart from the firm's rules.

    slippage_ticks          ticks a stop may fill beyond its price, each contract
    commission_per_side     money per contract and side
    floor_buffer            money kept between the worst case and every floor
    no_stop_ticks           the distance assumed where there is no stop; None: no bound, so blocked
    block_at_floor          refuse entries at the floor itself, whatever the firm's own comparator
    max_state_age_seconds   equity older than this is not known
    max_signal_age_seconds  an alert whose own time is older than this is not traded
    """

    slippage_ticks: Decimal = Decimal(2)
    commission_per_side: Decimal = Decimal("2.50")
    floor_buffer: Decimal = Decimal(0)
    no_stop_ticks: Decimal | None = None
    block_at_floor: bool = True
    max_state_age_seconds: int = 900
    max_signal_age_seconds: int = 300
