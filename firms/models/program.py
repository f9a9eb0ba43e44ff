"""A firm's product with its rules as typed columns; what repeats stands in rows of its own (limits.py)."""

from datetime import time
from decimal import Decimal

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from simple_history.models import HistoricalRecords

from enforcement import program as core
from enforcement.floors import Boundary
from enforcement.progress import Measure
from firms.models.columns import choices, minutes_column, money_column, seconds_column
from firms.models.firm import Firm
from firms.models.instrument import Instrument, TradingSession, check_zone


class Phase(models.TextChoices):
    EVALUATION = "evaluation"
    CHALLENGE = "challenge"
    PHASE_1 = "phase_1", "phase 1"
    PHASE_2 = "phase_2", "phase 2"
    STEP_1 = "step_1", "step 1"
    STEP_2 = "step_2", "step 2"
    EACH_STEP = "each_step", "each step"
    VERIFICATION = "verification"
    SIM_FUNDED = "sim_funded", "sim funded"
    INSTANT_FUNDED = "instant_funded", "instant funded"
    FUNDED = "funded"
    LIVE_SIM = "livesim", "live sim"
    LIVE = "live"


class Market(models.TextChoices):
    FUTURES = "futures"
    CFD = "cfd", "CFD"
    CRYPTO = "crypto"


class InactivityUnit(models.TextChoices):
    DAYS = "days", "calendar days"
    TRADING_DAYS = "trading_days", "trading days"
    WEEKS = "weeks", "calendar weeks"


class ConsistencyScope(models.TextChoices):
    EVALUATION = "evaluation"
    PAYOUT = "payout"
    BOTH = "both", "evaluation and payout"


class Program(models.Model):
    """One program of a firm. An empty rule is off; a program without any loss limit sends nothing."""

    firm = models.ForeignKey(Firm, on_delete=models.PROTECT, related_name="programs")
    number = models.PositiveIntegerField(
        help_text="The program's number at this firm: never changed, never used again."
    )
    name = models.CharField(max_length=160)
    phase = models.CharField(max_length=16, choices=Phase, default=Phase.EVALUATION)
    market = models.CharField(max_length=8, choices=Market, default=Market.FUTURES)
    size = money_column(help_text="Nominal size, which shares refer to.")
    starting_balance = money_column(help_text="Balance on the first day; 0 at some firms.")
    currency = models.CharField(max_length=3, default="USD")
    effective_from = models.DateField(null=True, blank=True, help_text="The rules hold from this day.")
    effective_until = models.DateField(null=True, blank=True, help_text="… until this day.")
    purchased_from = models.DateField(
        null=True,
        blank=True,
        help_text="They hold for accounts bought from this day: older ones keep their own.",
    )
    purchased_until = models.DateField(null=True, blank=True, help_text="… and until this day.")
    last_verified_on = models.DateField(null=True, blank=True, help_text="When somebody last read the rules.")
    notes = models.TextField(blank=True, help_text="What the firm says and no column holds.")
    catalog_key = models.CharField(max_length=200, unique=True, null=True, blank=True, editable=False)
    catalog_text = models.TextField(blank=True, editable=False, help_text="What the catalog last wrote.")

    day_zone = models.CharField(
        "zone",
        max_length=64,
        default="America/Chicago",
        help_text="Zone of the trading day, such as America/Chicago.",
    )
    day_reset = models.TimeField(
        "reset", default=time(17), help_text="Local time at which a trading day begins."
    )
    close_time = models.TimeField(
        "close",
        null=True,
        blank=True,
        help_text="When the day's closing balance is taken. Empty: at the reset.",
    )
    close_zone = models.CharField(max_length=64, blank=True, help_text="Empty: the day's zone.")
    hours_open = models.TimeField(
        null=True, blank=True, help_text="Trading is allowed from this local time …"
    )
    hours_close = models.TimeField(null=True, blank=True, help_text="… until this one, Sunday to Friday.")
    hours_zone = models.CharField(max_length=64, blank=True, help_text="Zone of these hours and of flat-by.")
    flat_by = models.TimeField(null=True, blank=True, help_text="Local time by which nothing may be open.")
    flat_by_zone = models.CharField(max_length=64, blank=True, help_text="Empty: the zone of the hours.")
    flat_by_lead_minutes = minutes_column(help_text="So long before flat-by we stop opening positions.")
    no_entry_minutes = minutes_column(help_text="The firm wants no new position so long before the end.")
    early_close_lead_minutes = minutes_column(
        help_text="On shortened days: so long before the exchange closes."
    )
    early_close_flat_by = models.TimeField(
        null=True,
        blank=True,
        help_text="On shortened days nothing may be open by this local time of flat-by's zone.",
    )
    flat_by_note = models.TextField(
        blank=True, help_text="What the firm does about a position still open then."
    )
    overnight = models.BooleanField(
        "overnight holding", null=True, blank=True, help_text="Empty: not published."
    )
    weekend = models.BooleanField("weekend holding", null=True, blank=True, help_text="Empty: not published.")
    allowed_sessions = models.ManyToManyField(
        TradingSession, blank=True, help_text="Sessions in which entries are allowed. None chosen: all."
    )
    min_hold_seconds = seconds_column(help_text="Positions closed sooner are flagged by the firm.")
    average_hold_seconds = seconds_column(help_text="The average trade has to last longer than this.")
    max_hold_seconds = seconds_column(help_text="The longest a position may be held.")
    inactivity = models.PositiveIntegerField(
        null=True, blank=True, help_text="Without a trade for so long the account is closed."
    )
    inactivity_unit = models.CharField(max_length=12, choices=InactivityUnit, default=InactivityUnit.DAYS)

    max_contracts = models.PositiveIntegerField(
        null=True, blank=True, help_text="Over the whole account, in minis; a micro counts its weight."
    )
    max_micros = models.PositiveIntegerField(
        null=True, blank=True, help_text="The most micros, by their own count."
    )
    micro_weight = models.DecimalField(
        max_digits=6,
        decimal_places=3,
        null=True,
        blank=True,
        validators=[MinValueValidator(Decimal("0.001"))],
        help_text="What one micro counts in minis. Empty: the instrument's own weight (0.1).",
    )
    scaling_basis = models.CharField(
        max_length=12,
        choices=choices(core.ScalingBasis),
        default=core.ScalingBasis.LAST_CLOSE.value,
        help_text="Whose profit sets the tier of contracts.",
    )
    scaling_may_fall = models.BooleanField(default=True, help_text="A losing day lowers the tier again.")
    allowed_instruments = models.ManyToManyField(
        Instrument, blank=True, related_name="+", help_text="Only these may be traded. None chosen: all."
    )

    stop_required = models.BooleanField(default=False, help_text="The firm demands a stop with every order.")
    max_risk_share = models.DecimalField(
        max_digits=7,
        decimal_places=6,
        null=True,
        blank=True,
        validators=[MinValueValidator(Decimal("0.000001")), MaxValueValidator(Decimal(1))],
        help_text="Largest share that one order may risk: 0.01 is 1 %.",
    )
    risk_of = models.CharField(
        max_length=12,
        choices=choices(core.RiskOf),
        default=core.RiskOf.EQUITY.value,
        help_text="A share of what.",
    )
    idea_window_minutes = minutes_column(
        null=True, help_text="Entries into the same market within so long count as one trade idea."
    )
    risk_note = models.TextField(blank=True)
    hedging_scope = models.CharField(
        max_length=8,
        blank=True,
        choices=choices(core.HedgeScope),
        help_text="Where opposite positions are prohibited. Empty: nowhere.",
    )
    hedging_by = models.CharField(
        max_length=12,
        choices=choices(core.HedgeBy),
        default=core.HedgeBy.UNDERLYING.value,
        help_text="What counts as the same market.",
    )
    hedging_grace_seconds = models.PositiveIntegerField(
        default=0, help_text="How long the firm bears with it."
    )
    hedging_same_product_inside = models.BooleanField(
        default=False, help_text="A mini against its own micro is allowed inside one account."
    )
    hedging_note = models.TextField(blank=True)
    price_limit_distance_share = models.DecimalField(
        max_digits=7,
        decimal_places=6,
        null=True,
        blank=True,
        help_text="No trading this near to the exchange's price limit. Not checked: it needs a feed.",
    )
    max_trades_per_day = models.PositiveIntegerField(
        null=True, blank=True, help_text="Positions opened in a day."
    )
    max_requests_per_day = models.PositiveIntegerField(
        null=True, blank=True, help_text="Orders sent in a day."
    )

    automation = models.CharField(
        max_length=16,
        choices=choices(core.Automation),
        default=core.Automation.CONFIRM_BY_HAND.value,
        help_text="Whether the firm allows orders that no person has confirmed.",
    )
    automation_note = models.TextField(blank=True)

    profit_target = money_column(null=True, blank=True)
    min_trading_days = models.PositiveIntegerField(null=True, blank=True)
    min_day_profit = money_column(null=True, blank=True, help_text="A day counts from this profit on.")
    qualifying_days = models.PositiveIntegerField(
        null=True, blank=True, help_text="So many days with at least the profit above are wanted …"
    )
    qualifying_window_days = models.PositiveIntegerField(
        null=True, blank=True, help_text="… within so many calendar days. Empty: since the account began."
    )
    days_limit = models.PositiveIntegerField(null=True, blank=True, help_text="Calendar days to pass.")
    consistency_share = models.DecimalField(
        max_digits=7,
        decimal_places=6,
        null=True,
        blank=True,
        validators=[MinValueValidator(Decimal("0.000001")), MaxValueValidator(Decimal(1))],
        help_text="The best day's largest share of the profit: 0.5 is 50 %.",
    )
    consistency_measure = models.CharField(
        max_length=20,
        choices=choices(Measure),
        default=Measure.NET_PROFIT.value,
        help_text="A share of what.",
    )
    consistency_passes = models.CharField(
        max_length=8,
        choices=choices(Boundary),
        default=Boundary.AT.value,
        help_text="At: the share itself passes. Below: only less than it does.",
    )
    consistency_scope = models.CharField(max_length=12, blank=True, choices=ConsistencyScope)
    consistency_by_payout = models.CharField(
        max_length=60,
        blank=True,
        help_text="Shares by payout number, such as 0.2 0.25 0.3; the last one stays.",
    )
    consistency_note = models.TextField(blank=True, help_text="What the firm does when it is not met.")
    safety_net = money_column(null=True, blank=True, help_text="The balance that has to stay after a payout.")
    last_update = models.DateTimeField(null=True, blank=True, editable=False)
    history = HistoricalRecords(
        m2m_fields=[allowed_sessions, allowed_instruments], excluded_fields=["last_update", "catalog_text"]
    )

    class Meta:
        ordering = ["firm__name", "number"]
        constraints = [
            models.UniqueConstraint(fields=["firm", "number"], name="one_program_per_firm_and_number"),
            models.CheckConstraint(
                condition=Q(max_risk_share__isnull=True) | Q(max_risk_share__gt=0, max_risk_share__lte=Decimal("0.1"))
                | Q(max_risk_share__gt=0, max_risk_share__lte=1, risk_of__in=["day_loss", "day_profit"]),
                name="risk_share_is_a_small_fraction",
                violation_error_message="The risk share is a fraction up to 0.1: 0.01 is one percent.",
            ),
            models.CheckConstraint(
                condition=Q(size__gt=0), name="program_size_is_positive",
                violation_error_message="The size must be above zero.",
            ),
            models.CheckConstraint(
                condition=Q(hours_open__isnull=True, hours_close__isnull=True)
                | Q(hours_open__isnull=False, hours_close__isnull=False) & ~Q(hours_zone=""),
                name="trading_hours_have_both_ends_and_a_zone",
                violation_error_message="Trading hours need an opening, a close and a zone.",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.firm.name} {self.name}"

    @property
    def code(self) -> str:
        return f"{self.firm.code}/{self.number}"

    def clean(self) -> None:
        for field in ("day_zone", "close_zone", "hours_zone", "flat_by_zone"):
            if getattr(self, field):
                check_zone(getattr(self, field), field)
        if self.flat_by is not None and not (self.flat_by_zone or self.hours_zone):
            raise ValidationError({"flat_by_zone": "Say in which zone flat-by is meant."})
        if self.consistency_by_payout:
            try:
                _ = self.payout_shares
            except ArithmeticError as error:
                raise ValidationError(
                    {"consistency_by_payout": f"{self.consistency_by_payout!r} is not a list of shares."}
                ) from error

    @property
    def payout_shares(self) -> tuple[Decimal, ...]:
        return tuple(Decimal(word) for word in self.consistency_by_payout.split())
