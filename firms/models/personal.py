"""A trader's own limits on an account: they can only tighten the program's."""

from decimal import Decimal

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from simple_history.models import HistoricalRecords

from firms.models.account import Account
from firms.models.columns import money_column, share_column
from firms.models.instrument import TradingSession


class PersonalLimits(models.Model):
    """What the account's owner holds himself to. An empty limit is off."""

    account = models.OneToOneField(Account, on_delete=models.CASCADE, related_name="personal_limits")
    max_contracts = models.PositiveIntegerField(
        null=True, blank=True, help_text="In minis, over the whole account."
    )
    max_risk_share = share_column(null=True, blank=True, help_text="Of equity, per order: 0.01 is 1 %.")
    daily_loss = money_column(
        null=True,
        blank=True,
        validators=[MinValueValidator(Decimal("0.01"))],
        help_text="Money below the day's opening balance at which the day is over.",
    )
    max_drawdown = money_column(
        null=True,
        blank=True,
        validators=[MinValueValidator(Decimal("0.01"))],
        help_text="Money below the highest equity at which no more entries are sent.",
    )
    profit_lock = money_column(
        null=True,
        blank=True,
        validators=[MinValueValidator(Decimal("0.01"))],
        help_text="The day's profit from which no more entries are sent.",
    )
    max_trades_per_day = models.PositiveIntegerField(null=True, blank=True)
    max_losses_in_a_row = models.PositiveIntegerField(
        null=True, blank=True, help_text="After so many losing trades in a row: no more entries today."
    )
    cool_off_minutes = models.PositiveIntegerField(
        null=True, blank=True, help_text="No entries for so long after a losing trade."
    )
    flat_by_lead_minutes = models.PositiveIntegerField(
        null=True, blank=True, help_text="Stop opening so long before the program's flat-by."
    )
    allowed_sessions = models.ManyToManyField(
        TradingSession, blank=True, related_name="+", help_text="None chosen: those of the program."
    )
    history = HistoricalRecords(m2m_fields=[allowed_sessions])

    class Meta:
        verbose_name_plural = "personal limits"
        constraints = [
            models.CheckConstraint(
                condition=(Q(daily_loss__isnull=True) | Q(daily_loss__gt=0))
                & (Q(max_drawdown__isnull=True) | Q(max_drawdown__gt=0))
                & (Q(profit_lock__isnull=True) | Q(profit_lock__gt=0)),
                name="personal_limits_are_positive",
                violation_error_message="Limits in money must be above zero.",
            )
        ]

    def __str__(self) -> str:
        return f"personal limits of {self.account}"
