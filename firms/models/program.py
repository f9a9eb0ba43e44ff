"""A firm's product with its rules as typed columns; what repeats stands in rows of its own."""

from datetime import time
from decimal import Decimal

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from simple_history.models import HistoricalRecords

from enforcement import floors
from enforcement.program import Automation
from firms.models.columns import choices, money_column, share_column
from firms.models.firm import Firm
from firms.models.instrument import TradingSession, check_zone


class Phase(models.TextChoices):
    EVALUATION = "evaluation"
    CHALLENGE = "challenge"
    VERIFICATION = "verification"
    FUNDED = "funded"
    SIM_FUNDED = "sim_funded", "sim funded"


class Market(models.TextChoices):
    FUTURES = "futures"
    CFD = "cfd", "CFD"
    CRYPTO = "crypto"


class Evidence(models.TextChoices):
    """How a rule was read: see docs/rules.md."""

    CONFIRMED = "confirmed", "confirmed: read on the firm's own page"
    TRANSCRIBED = "transcribed", "transcribed: read in dated copies of the firm's page"
    SECONDARY = "secondary", "secondary: explainers only"
    DISPUTED = "disputed", "disputed: sources contradict each other"


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
    last_verified_on = models.DateField(null=True, blank=True, help_text="When somebody last read the rules.")

    day_zone = models.CharField(
        "zone",
        max_length=64,
        default="America/Chicago",
        help_text="Zone of the trading day, such as America/Chicago.",
    )
    day_reset = models.TimeField(
        "reset", default=time(17), help_text="Local time at which a trading day begins."
    )
    allowed_sessions = models.ManyToManyField(
        TradingSession, blank=True, help_text="Sessions in which entries are allowed. None chosen: all."
    )

    max_contracts = models.PositiveIntegerField(
        null=True, blank=True, help_text="Over the whole account, in minis; a micro counts 0.1."
    )
    max_risk_share = share_column(
        null=True, blank=True, help_text="Largest share of equity that one order may risk: 0.01 is 1 %."
    )
    stop_required = models.BooleanField(default=False, help_text="The firm demands a stop with every order.")

    automation = models.CharField(
        max_length=16,
        choices=choices(Automation),
        default=Automation.CONFIRM_BY_HAND.value,
        help_text="Whether the firm allows orders that no person has confirmed.",
    )
    automation_note = models.TextField(blank=True)
    last_update = models.DateTimeField(null=True, blank=True, editable=False)
    history = HistoricalRecords(m2m_fields=[allowed_sessions], excluded_fields=["last_update"])

    class Meta:
        ordering = ["firm__name", "number"]
        constraints = [
            models.UniqueConstraint(fields=["firm", "number"], name="one_program_per_firm_and_number"),
            models.CheckConstraint(
                condition=Q(max_risk_share__isnull=True) | Q(max_risk_share__gt=0, max_risk_share__lte=Decimal("0.1")),
                name="risk_share_is_a_small_fraction",
                violation_error_message="The risk share is a fraction up to 0.1 (0.01 is 1 %).",
            ),
            models.CheckConstraint(
                condition=Q(size__gt=0), name="program_size_is_positive",
                violation_error_message="The size must be above zero.",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.firm.name} {self.name}"

    @property
    def code(self) -> str:
        return f"{self.firm.code}/{self.number}"

    def clean(self) -> None:
        check_zone(self.day_zone, "day_zone")


class LossLimit(models.Model):
    """One floor under equity: what it is measured from, how far below, and what breaking it means."""

    program = models.ForeignKey(Program, on_delete=models.CASCADE, related_name="loss_limits")
    kind = models.CharField(max_length=16, choices=choices(floors.FloorKind))
    anchor = models.CharField(
        "measured from", max_length=20, choices=choices(floors.Anchor),
        help_text="Initial: static. Highest equity: trails intraday. Highest close: trails end of day.",
    )  # fmt: skip
    amount = money_column(null=True, blank=True, help_text="Money below the anchor, or …")
    share = models.DecimalField(
        max_digits=7, decimal_places=6, null=True, blank=True,
        validators=[MinValueValidator(Decimal("0.000001"))], help_text="… a share: 0.05 is 5 %.",
    )  # fmt: skip
    share_of = models.CharField(
        max_length=8, choices=choices(floors.ShareOf), default=floors.ShareOf.INITIAL.value
    )
    lock_at = money_column(
        null=True, blank=True, help_text="The level at which a trailing floor stops rising."
    )
    boundary = models.CharField(
        "broken", max_length=8, choices=choices(floors.Boundary), default=floors.Boundary.AT.value,
        help_text="At: touching the floor is the breach. Below: only less than it.",
    )  # fmt: skip
    consequence = models.CharField(
        max_length=8, choices=choices(floors.Consequence), default=floors.Consequence.HARD.value,
        help_text="Hard: the account is lost. Soft: shut until the next trading day.",
    )  # fmt: skip
    history = HistoricalRecords()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(
                condition=(Q(amount__isnull=False) & Q(share__isnull=True))
                | (Q(amount__isnull=True) & Q(share__isnull=False)),
                name="loss_limit_is_an_amount_or_a_share",
                violation_error_message="Give either an amount or a share.",
            ),
            models.CheckConstraint(
                condition=(Q(amount__isnull=True) | Q(amount__gt=0))
                & (Q(share__isnull=True) | (Q(share__gt=0) & Q(share__lt=1))),
                name="loss_limit_is_positive",
                violation_error_message="The amount must be above zero, the share between 0 and 1.",
            ),
        ]

    def __str__(self) -> str:
        distance = f"{self.amount:,.2f}" if self.amount is not None else f"{self.share}"
        return f"{self.get_kind_display()} {distance} from {self.get_anchor_display()}"

    def to_core(self) -> floors.LossFloor:
        return floors.LossFloor(
            kind=floors.FloorKind(self.kind),
            anchor=floors.Anchor(self.anchor),
            amount=self.amount,
            share=self.share,
            share_of=floors.ShareOf(self.share_of),
            lock_at=self.lock_at,
            boundary=floors.Boundary(self.boundary),
            consequence=floors.Consequence(self.consequence),
        )


class TermSource(models.Model):
    """Where a rule was read, when, and how well that stands."""

    program = models.ForeignKey(Program, on_delete=models.CASCADE, related_name="sources")
    term = models.CharField(max_length=60, help_text="The rule it is about, or “all”.", default="all")
    url = models.URLField(max_length=500)
    read_on = models.DateField()
    evidence = models.CharField(max_length=12, choices=Evidence)
    note = models.TextField(blank=True)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.term}: {self.url}"
