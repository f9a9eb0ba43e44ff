"""Everything a program says, typed, and what the account's owner adds for safety."""

from dataclasses import dataclass
from datetime import time
from decimal import Decimal
from enum import StrEnum

from enforcement.calendar import Closure, Session, TradingDay, TradingHours
from enforcement.floors import Boundary, LossFloor, Tier


class Automation(StrEnum):
    """Whether the firm allows orders that no person has confirmed."""

    AUTO = "auto"
    OWN_DEVICE = "own_device"
    CONFIRM_BY_HAND = "confirm_by_hand"
    ADVISE_ONLY = "advise_only"
    PROHIBITED = "prohibited"


class Deployment(StrEnum):
    """Where PropGuard runs: some firms allow a trader's own device only."""

    OWN_DEVICE = "own_device"
    SERVER = "server"


class RiskOf(StrEnum):
    """What a share of risk is a share of. INITIAL is the program's nominal size; DAY_LOSS the day's loss
    limit; DAY_PROFIT the profit at the day's start, or the drawdown while that is the larger."""

    EQUITY = "equity"
    BALANCE = "balance"
    INITIAL = "initial"
    DAY_LOSS = "day_loss"
    DAY_PROFIT = "day_profit"


class HedgeScope(StrEnum):
    """ACCOUNT: opposite positions inside one account; TRADER: across all accounts of their owner."""

    ACCOUNT = "account"
    TRADER = "trader"


class HedgeBy(StrEnum):
    """What counts as the same market: the symbol, its underlying (mini and micro), a correlated group."""

    SYMBOL = "symbol"
    UNDERLYING = "underlying"
    CORRELATED = "correlated"


class ScalingBasis(StrEnum):
    """Whose profit sets the tier of contracts: the last close's, or the balance's now."""

    LAST_CLOSE = "last_close"
    INTRADAY = "intraday"


class HoldsOverReset(StrEnum):
    """Whether positions are taken to be held over the next reset or close: never, warn only, always."""

    NEVER = "never"
    ASK = "ask"
    ALWAYS = "always"


@dataclass(frozen=True, slots=True, kw_only=True)
class HedgingRule:
    """No opposite positions in one market.

    groups                    lists of symbols that count as one market; they come before `by`
    grace_seconds             how long the firm bears with opposite positions; named in the message only
    same_product_inside       a mini against its own micro is allowed inside one account
    """

    scope: HedgeScope
    by: HedgeBy = HedgeBy.UNDERLYING
    groups: tuple[tuple[str, ...], ...] = ()
    grace_seconds: int = 0
    same_product_inside: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NewsRule:
    """What a scheduled release forbids, from `before_seconds` to `after_seconds`, both ends inside.

    events                 words of a release's name or its impact; () for every release in the calendar
    products               symbols or groups of products it concerns; (): those the release itself names
    exits_restricted       executions of any kind are forbidden, closing ones too
    must_be_flat           nothing may be held
    max_micros             minis are forbidden, this many micros are not (Topstep's CPI rule)
    straddles_only         only orders on both sides of the release are forbidden
    exempt_opened_minutes  a position opened this long before the release may be closed
    severity               what the firm makes of it (violation, hard, profit_deducted, auto_flatten, …)
    """

    before_seconds: int
    after_seconds: int
    events: tuple[str, ...] = ()
    products: tuple[str, ...] = ()
    exits_restricted: bool = False
    must_be_flat: bool = False
    max_micros: Decimal | None = None
    straddles_only: bool = False
    exempt_opened_minutes: int | None = None
    severity: str = "violation"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductLimit:
    """A cap or another weight for a symbol, or for a group of products where no symbol has its own.

    `max_contracts` counts contracts of the symbol itself; `weight` mini equivalents of one of them.
    """

    product: str
    max_contracts: Decimal | None = None
    weight: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FlatBy:
    """The local time by which nothing may be open; `lead_minutes` earlier we stop opening."""

    at: time
    zone: str
    lead_minutes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsistencyRule:
    """The best day's share of a profit: see `progress`. AT: the share itself passes (at most)."""

    measure: str
    share: Decimal
    passes: Boundary = Boundary.AT


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgressTerms:
    """What a program wants to see before it pays or passes. Never blocks an order."""

    profit_target: Decimal | None = None
    min_trading_days: int | None = None
    min_day_profit: Decimal | None = None
    qualifying_days: int | None = None
    qualifying_window_days: int | None = None
    days_limit: int | None = None
    consistency: ConsistencyRule | None = None
    consistency_by_payout: tuple[Decimal, ...] = ()
    safety_net: Decimal | None = None
    inactivity: int | None = None
    inactivity_unit: str = "days"


NO_PROGRESS = ProgressTerms()


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramTerms:
    """One program's rules in force for an account. A rule that is None (or an empty tuple) is not set.

    starting_balance    the balance on day one (0 at some firms); money in `currency`
    size                the nominal size that shares refer to
    hours, flat_by      when the firm lets its accounts trade, and when they must be flat
    no_entry_minutes    no new position this long before either
    closures            the exchange's holidays and early closes; `early_close_lead_minutes` before those, or
                        by `early_close_flat_by`, nothing may be open
    overnight, weekend  whether positions may be held; None: not published
    allowed_sessions    the named sessions an order may be sent in; None: any, (): none at all
    max_contracts       mini equivalents over the whole account, beyond which an order is refused
    max_minis, max_micros   contracts of full size, and micros, each with a cap of its own
    micro_weight        what one micro counts as, where the firm has its own figure
    tiers               caps by profit; `scaling_basis` says by whose, `scaling_may_fall` whether a loss
                        lowers them again
    max_risk_share      share of `risk_of` that one order (one idea) may risk to its stop
    max_equity_risk_share   a share of equity that the environment or the owner sets beside it
    max_trades_per_day, max_losses_in_a_row, profit_lock, cool_off_minutes   discipline
    unavailable         why the rules can't be had; set, it blocks every entry
    """

    firm: str
    number: int
    currency: str
    starting_balance: Decimal
    size: Decimal
    day: TradingDay
    floors: tuple[LossFloor, ...] = ()
    hours: TradingHours | None = None
    flat_by: FlatBy | None = None
    no_entry_minutes: int = 0
    early_close_lead_minutes: int = 0
    early_close_flat_by: time | None = None
    closures: tuple[Closure, ...] = ()
    overnight: bool | None = None
    weekend: bool | None = None
    min_hold_seconds: int | None = None
    max_hold_seconds: int | None = None
    allowed_sessions: tuple[Session, ...] | None = None
    max_contracts: Decimal | None = None
    max_minis: Decimal | None = None
    max_micros: Decimal | None = None
    micro_weight: Decimal | None = None
    product_limits: tuple[ProductLimit, ...] = ()
    tiers: tuple[Tier, ...] = ()
    scaling_basis: ScalingBasis = ScalingBasis.LAST_CLOSE
    scaling_may_fall: bool = True
    allowed_instruments: frozenset[str] | None = None
    max_risk_share: Decimal | None = None
    risk_of: RiskOf = RiskOf.EQUITY
    max_equity_risk_share: Decimal | None = None
    idea_window_minutes: int | None = None
    stop_required: bool = False
    hedging: HedgingRule | None = None
    news: tuple[NewsRule, ...] = ()
    max_trades_per_day: int | None = None
    max_requests_per_day: int | None = None
    max_losses_in_a_row: int | None = None
    cool_off_minutes: int | None = None
    profit_lock: Decimal | None = None
    automation: Automation = Automation.AUTO
    progress: ProgressTerms = NO_PROGRESS
    unavailable: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardPolicy:
    """The account owner's own margin of safety, apart from the firm's rules.

    slippage_ticks           ticks a stop may fill beyond its price, each contract
    commission_per_side      money per contract and side
    floor_buffer             money kept between the worst case and every floor
    floor_buffer_share       the same as a share of the room between equity and the floor
    no_stop_ticks            the distance assumed where there is no stop; None: no bound, so blocked
    block_at_floor           refuse entries at the floor itself, whatever the firm's own comparator
    holds_over_reset         whether the next reset's floors count as well; None: always where the program
                             allows holding overnight (or doesn't say), else never
    count_run_up             a favourable run raises an intraday floor before the stop is hit: count it
    max_state_age_seconds    equity older than this is not known
    max_signal_age_seconds   an alert whose own time is older than this is not traded
    duplicate_window_seconds the same order again within it is refused; 0: never
    max_entries_per_minute   entries of one account within a minute; None: any number
    flatten_lead_minutes     so long before nothing may be held, what is open is closed, and nothing is opened
                             any more; None: the owner sees to it himself
    """

    slippage_ticks: Decimal = Decimal(2)
    commission_per_side: Decimal = Decimal("2.50")
    floor_buffer: Decimal = Decimal(0)
    floor_buffer_share: Decimal = Decimal(0)
    no_stop_ticks: Decimal | None = None
    block_at_floor: bool = True
    holds_over_reset: HoldsOverReset | None = None
    count_run_up: bool = True
    max_state_age_seconds: int = 900
    max_signal_age_seconds: int = 300
    duplicate_window_seconds: int = 20
    max_entries_per_minute: int | None = None
    flatten_lead_minutes: int | None = None

    def holds(self, terms: ProgramTerms) -> HoldsOverReset:
        """How the next reset counts for a program."""
        if self.holds_over_reset is not None:
            return self.holds_over_reset
        return HoldsOverReset.NEVER if terms.overnight is False else HoldsOverReset.ALWAYS
