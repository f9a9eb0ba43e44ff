"""What repeats in a program: loss limits, tiers, product caps, news rules, and where each was read."""

from decimal import Decimal

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from simple_history.models import HistoricalRecords

from enforcement import floors
from enforcement import program as core
from firms.models.columns import choices, money_column, quantity_column
from firms.models.program import Program


class LossLimit(models.Model):
    """One floor under equity: what it is measured from, how far below, and what breaking it means."""

    program = models.ForeignKey(Program, on_delete=models.CASCADE, related_name="loss_limits")
    kind = models.CharField(max_length=16, choices=choices(floors.FloorKind))
    anchor = models.CharField(
        "measured from",
        max_length=20,
        choices=choices(floors.Anchor),
        help_text="Initial: static. Highest equity: trails intraday. Highest close: trails end of day. "
        "Highest balance: moves when profit is closed.",
    )
    amount = money_column(null=True, blank=True, help_text="Money below the anchor, or …")
    share = models.DecimalField(
        max_digits=7,
        decimal_places=6,
        null=True,
        blank=True,
        validators=[MinValueValidator(Decimal("0.000001")), MaxValueValidator(Decimal("0.999999"))],
        help_text="… a share: 0.05 is 5 %.",
    )
    share_of = models.CharField(
        max_length=20, choices=choices(floors.ShareOf), default=floors.ShareOf.INITIAL.value
    )
    share_from_profit = money_column(
        null=True,
        blank=True,
        help_text="The share replaces the amount once the highest close's profit is above this.",
    )
    lock_at = money_column(
        null=True, blank=True, help_text="The level at which a trailing floor stops rising."
    )
    lock_trigger = models.CharField(
        max_length=16,
        choices=choices(floors.LockTrigger),
        default=floors.LockTrigger.PEAK.value,
        help_text="What locks it there.",
    )
    payout_effect = models.CharField(
        max_length=8,
        choices=choices(floors.PayoutEffect),
        default=floors.PayoutEffect.NONE.value,
        help_text="What the first payout does to the floor.",
    )
    payout_on_request = models.BooleanField(default=False, help_text="With the request, not with the money.")
    floor_after_payout = money_column(null=True, blank=True)
    boundary = models.CharField(
        "broken",
        max_length=8,
        choices=choices(floors.Boundary),
        default=floors.Boundary.AT.value,
        help_text="At: touching the floor is the breach. Below: only less than it.",
    )
    boundary_after_lock = models.CharField(
        max_length=8, blank=True, choices=choices(floors.Boundary), help_text="Empty: the same."
    )
    tested_on = models.CharField(
        max_length=8,
        choices=choices(floors.TestedOn),
        default=floors.TestedOn.EQUITY.value,
        help_text="Lower: the lower of equity and balance is held against it.",
    )
    ends_from_profit = money_column(
        null=True, blank=True, help_text="The limit ends once the highest close's profit has reached this."
    )
    consequence = models.CharField(
        max_length=8,
        choices=choices(floors.Consequence),
        default=floors.Consequence.HARD.value,
        help_text="Hard: the account is lost. Soft: shut until the next trading day.",
    )
    is_optional = models.BooleanField(
        "optional", default=False, help_text="Holds only for accounts that took it when they were bought."
    )
    counts = models.CharField(max_length=160, blank=True, help_text="What the firm counts as loss.")
    note = models.TextField(blank=True)
    history = HistoricalRecords()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(
                condition=(Q(amount__isnull=True) | Q(amount__gt=0))
                & (Q(share__isnull=True) | (Q(share__gt=0) & Q(share__lt=1))),
                name="loss_limit_is_positive",
                violation_error_message="The amount must be above zero, the share between 0 and 1.",
            ),
            models.CheckConstraint(
                condition=Q(amount__isnull=True) | Q(share__isnull=True) | Q(share_from_profit__isnull=False),
                name="loss_limit_is_an_amount_or_a_share",
                violation_error_message="Give either an amount or a share.",
            ),
            models.CheckConstraint(
                condition=~Q(payout_effect__in=["lock", "set"]) | Q(floor_after_payout__isnull=False),
                name="payout_effect_has_a_level",
                violation_error_message="Say where the floor is after the payout.",
            ),
        ]

    def __str__(self) -> str:
        if self.amount is None and self.share is None:
            distance = "by tiers"
        else:
            distance = f"{self.amount:,.2f}" if self.amount is not None else f"{self.share}"
        return f"{self.get_kind_display()} {distance} from {self.get_anchor_display()}"

    def clean(self) -> None:
        tiered = self.kind == floors.FloorKind.DAILY_LOSS
        if self.amount is None and self.share is None and not tiered:
            raise ValidationError("Give an amount or a share; a daily limit may have tiers instead.")

    def to_core(self, tiers: tuple[floors.Tier, ...] = ()) -> floors.LossFloor:
        """`tiers` are the program's for its daily loss; they hold where neither amount nor share is set."""
        is_tiered = self.amount is None and self.share is None and self.kind == floors.FloorKind.DAILY_LOSS
        return floors.LossFloor(
            kind=floors.FloorKind(self.kind),
            anchor=floors.Anchor(self.anchor),
            amount=self.amount,
            share=self.share,
            share_of=floors.ShareOf(self.share_of),
            share_from_profit=self.share_from_profit,
            tiers=tiers if is_tiered else (),
            lock_at=self.lock_at,
            lock_trigger=floors.LockTrigger(self.lock_trigger),
            payout_effect=floors.PayoutEffect(self.payout_effect),
            payout_on_request=self.payout_on_request,
            floor_after_payout=self.floor_after_payout,
            boundary=floors.Boundary(self.boundary),
            boundary_after_lock=floors.Boundary(self.boundary_after_lock)
            if self.boundary_after_lock
            else None,
            tested_on=floors.TestedOn(self.tested_on),
            ends_from_profit=self.ends_from_profit,
            consequence=floors.Consequence(self.consequence),
        )


class Tier(models.Model):
    """From a profit on, so many contracts, or so much daily loss."""

    class Of(models.TextChoices):
        CONTRACTS = "contracts"
        DAILY_LOSS = "daily_loss", "daily loss"

    program = models.ForeignKey(Program, on_delete=models.CASCADE, related_name="tiers")
    of = models.CharField(max_length=12, choices=Of, default=Of.CONTRACTS)
    from_profit = money_column(help_text="Of the last close, over the starting balance.")
    above = models.BooleanField(default=False, help_text="The profit has to be passed, not only reached.")
    value = money_column(validators=[MinValueValidator(Decimal(0))], help_text="Contracts (minis), or money.")
    history = HistoricalRecords()

    class Meta:
        ordering = ["of", "from_profit"]
        constraints = [
            models.UniqueConstraint(fields=["program", "of", "from_profit"], name="one_tier_per_profit"),
            models.CheckConstraint(
                condition=Q(value__gte=0),
                name="tier_value_is_not_negative",
                violation_error_message="A tier's value can't be negative.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_of_display()} {self.value:f} from {self.from_profit:f}"

    def to_core(self) -> floors.Tier:
        return floors.Tier(self.from_profit, self.value, self.above)


class ProductLimit(models.Model):
    """A cap of its own, or another weight, for a symbol or a group of products."""

    program = models.ForeignKey(Program, on_delete=models.CASCADE, related_name="product_limits")
    product = models.CharField(max_length=32, help_text="A symbol such as SIL, or a group such as energy.")
    max_contracts = quantity_column(
        null=True, blank=True, help_text="In contracts of the symbol; 0: not allowed."
    )
    weight = models.DecimalField(
        max_digits=6,
        decimal_places=3,
        null=True,
        blank=True,
        validators=[MinValueValidator(Decimal("0.001"))],
        help_text="Mini equivalents of one contract.",
    )
    history = HistoricalRecords()

    class Meta:
        ordering = ["product"]
        constraints = [
            models.UniqueConstraint(fields=["program", "product"], name="one_limit_per_product"),
            models.CheckConstraint(
                condition=(Q(max_contracts__isnull=True) | Q(max_contracts__gte=0))
                & (Q(weight__isnull=True) | Q(weight__gt=0)),
                name="product_limit_is_not_negative",
                violation_error_message="A cap can't be negative, a weight must be above zero.",
            ),
        ]

    def __str__(self) -> str:
        return self.product

    def to_core(self) -> core.ProductLimit:
        return core.ProductLimit(product=self.product, max_contracts=self.max_contracts, weight=self.weight)


class NewsRule(models.Model):
    """What a scheduled release forbids, and how long around it. Both ends are inside."""

    class Severity(models.TextChoices):
        HARD = "hard", "account lost"
        SOFT = "soft", "day over"
        REJECT = "reject", "order refused"
        VIOLATION = "violation", "violation of the terms"
        PROFIT_DEDUCTED = "profit_deducted", "profit deducted"
        AUTO_FLATTEN = "auto_flatten", "flattened by the firm"

    program = models.ForeignKey(Program, on_delete=models.CASCADE, related_name="news_rules")
    events = models.CharField(
        max_length=250,
        blank=True,
        help_text="Names of releases separated by commas, such as CPI, FOMC; or an impact: high. Empty: all.",
    )
    products = models.CharField(
        max_length=250,
        blank=True,
        help_text="Symbols or groups, separated by commas. Empty: those the release itself concerns.",
    )
    before_seconds = models.PositiveIntegerField()
    after_seconds = models.PositiveIntegerField()
    exits_restricted = models.BooleanField(
        default=False, help_text="Closing executions are forbidden as well."
    )
    must_be_flat = models.BooleanField(default=False, help_text="Nothing may be held.")
    max_micros = models.PositiveIntegerField(
        null=True, blank=True, help_text="Minis are forbidden, so many micros are not."
    )
    straddles_only = models.BooleanField(
        default=False, help_text="Only orders on both sides of the release are forbidden."
    )
    exempt_opened_minutes = models.PositiveIntegerField(
        null=True, blank=True, help_text="What was opened so long before may be closed."
    )
    severity = models.CharField(max_length=16, choices=Severity, default=Severity.VIOLATION)
    note = models.TextField(blank=True)
    history = HistoricalRecords()

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return (
            f"{self.events or 'all releases'}: {self.before_seconds} s before to {self.after_seconds} s after"
        )

    def to_core(self) -> core.NewsRule:
        return core.NewsRule(
            before_seconds=self.before_seconds,
            after_seconds=self.after_seconds,
            events=_listed(self.events),
            products=_listed(self.products),
            exits_restricted=self.exits_restricted,
            must_be_flat=self.must_be_flat,
            max_micros=None if self.max_micros is None else Decimal(self.max_micros),
            straddles_only=self.straddles_only,
            exempt_opened_minutes=self.exempt_opened_minutes,
            severity=self.severity,
        )


def _listed(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


class Evidence(models.TextChoices):
    """How a rule was read: see docs/rules.md."""

    CONFIRMED = "confirmed", "confirmed: read on the firm's own page"
    TRANSCRIBED = "transcribed", "transcribed: read in dated copies of the firm's page"
    SECONDARY = "secondary", "secondary: explainers only"
    DISPUTED = "disputed", "disputed: sources contradict each other"


class TermSource(models.Model):
    """Where a rule was read, when, and how well that stands."""

    program = models.ForeignKey(Program, on_delete=models.CASCADE, related_name="sources")
    term = models.CharField(max_length=60, help_text="The rule it is about, or “all”.", default="all")
    url = models.URLField(max_length=500)
    read_on = models.DateField()
    evidence = models.CharField(max_length=12, choices=Evidence)
    other_reading = models.TextField(blank=True, help_text="What another source says, where they disagree.")
    note = models.TextField(blank=True)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.term}: {self.url}"
