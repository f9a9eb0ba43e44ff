"""An account, what is known of its money, and its days."""

from decimal import Decimal
from typing import ClassVar

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone
from simple_history.models import HistoricalRecords

from enforcement import account as core
from enforcement.program import GuardPolicy, HoldsOverReset
from firms.models.columns import choices, money_column
from firms.models.firm import Trader
from firms.models.program import Program

_ABOVE_ZERO = [MinValueValidator(Decimal(0))]
_GUARD = GuardPolicy()


def percents(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def validate_percents(text: str) -> None:
    """Whole percents of 1 to 99, separated by commas."""
    for part in percents(text):
        if not (part.isascii() and part.isdigit() and 1 <= int(part) <= 99):
            raise ValidationError(f"{part!r} is not a percent from 1 to 99; write them as 50, 25, 10.")


class Account(models.Model):
    """One account at a firm. Dry-run until somebody switches it live: everything runs, nothing is sent."""

    class Mode(models.TextChoices):
        DRY_RUN = "dry_run", "dry-run"
        LIVE = "live"

    trader = models.ForeignKey(Trader, on_delete=models.PROTECT, related_name="accounts")
    program = models.ForeignKey(Program, on_delete=models.PROTECT, related_name="accounts")
    label = models.CharField(max_length=80, help_text="Your own name for it, such as Apex-2.")
    mode = models.CharField(
        max_length=8, choices=Mode, default=Mode.DRY_RUN,
        help_text="Dry-run: decided and recorded, never sent. Live: approved orders go to the account's venue.",
    )  # fmt: skip
    is_active = models.BooleanField("active", default=True, help_text="Off: every entry is refused.")
    opened_on = models.DateField(default=timezone.localdate)
    purchased_on = models.DateField(
        null=True, blank=True, help_text="When it was bought: firms keep older accounts on older rules."
    )
    has_optional_limits = models.BooleanField(
        "optional limits", default=True,
        help_text="The program's optional daily limit was taken. Off only if you know that it was not.",
    )  # fmt: skip

    slippage_ticks = models.DecimalField(
        max_digits=6, decimal_places=1, default=_GUARD.slippage_ticks, validators=_ABOVE_ZERO,
        help_text="Ticks a stop may fill beyond its price, counted into the worst case.",
    )  # fmt: skip
    commission_per_side = money_column(
        default=_GUARD.commission_per_side, validators=_ABOVE_ZERO, help_text="Money per contract and side."
    )
    floor_buffer = money_column(
        default=_GUARD.floor_buffer, validators=_ABOVE_ZERO,
        help_text="Money kept between the worst case and every floor.",
    )  # fmt: skip
    floor_buffer_share = models.DecimalField(
        max_digits=7, decimal_places=6, default=_GUARD.floor_buffer_share,
        validators=[*_ABOVE_ZERO, MaxValueValidator(Decimal(1))],
        help_text="The same as a share of the room above the floor: 0.05 is 5 %.",
    )  # fmt: skip
    no_stop_ticks = models.DecimalField(
        "worst case without a stop", max_digits=8, decimal_places=1, null=True, blank=True, validators=_ABOVE_ZERO,
        help_text="Ticks assumed to be lost by an order without a stop. Empty: such an order is refused.",
    )  # fmt: skip
    block_at_floor = models.BooleanField(
        default=_GUARD.block_at_floor,
        help_text="Refuse at the floor itself, even where the firm allows touching it.",
    )
    holds_over_reset = models.CharField(
        max_length=8, blank=True, choices=choices(HoldsOverReset),
        help_text="Whether the next reset's floors count as well. Empty: where the program allows holding.",
    )  # fmt: skip
    count_run_up = models.BooleanField(
        default=_GUARD.count_run_up,
        help_text="A favourable run raises an intraday trailing floor before the stop is hit: count it.",
    )
    duplicate_window_seconds = models.PositiveIntegerField(
        "duplicate window", default=_GUARD.duplicate_window_seconds,
        help_text="The same order again within so many seconds is refused, unless its alert has an id. 0: never.",
    )  # fmt: skip
    max_entries_per_minute = models.PositiveIntegerField(
        null=True, blank=True, help_text="Entries within a minute. Empty: any number."
    )
    max_state_age_seconds = models.PositiveIntegerField(
        "oldest equity", default=_GUARD.max_state_age_seconds,
        help_text="Seconds after which reported equity no longer counts as known.",
    )  # fmt: skip
    max_signal_age_seconds = models.PositiveIntegerField(
        "oldest alert", default=_GUARD.max_signal_age_seconds,
        help_text="Seconds after which an alert, by its own time, is not traded any more.",
    )  # fmt: skip
    flatten_when_locked = models.BooleanField(
        "close when locked", default=True,
        help_text="Close what is open as soon as a broken floor fails or locks the account.",
    )  # fmt: skip
    flatten_lead_minutes = models.PositiveSmallIntegerField(
        "close before flat-by", null=True, blank=True, default=2, validators=[MaxValueValidator(240)],
        help_text="Minutes before nothing may be held any more (flat-by, close, weekend, news) at which what is "
        "open is closed, and from which nothing is opened. Empty: you see to it yourself.",
    )  # fmt: skip
    warn_at_shares = models.CharField(
        "warn at", max_length=60, blank=True, default="50, 25, 10", validators=[validate_percents],
        help_text="Percent of the room above a floor that are left: an alarm at each, once a day. Empty: never.",
    )  # fmt: skip
    history = HistoricalRecords()

    class Meta:
        ordering = ["label"]
        constraints = [
            models.UniqueConstraint(fields=["trader", "label"], name="one_account_per_trader_and_label"),
            models.CheckConstraint(
                condition=Q(slippage_ticks__gte=0) & Q(commission_per_side__gte=0) & Q(floor_buffer__gte=0)
                & (Q(no_stop_ticks__isnull=True) | Q(no_stop_ticks__gt=0)),
                name="guard_numbers_are_not_negative",
                violation_error_message="Slippage, commission and buffer can't be negative.",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return self.label

    @property
    def guard(self) -> GuardPolicy:
        return GuardPolicy(
            slippage_ticks=self.slippage_ticks,
            commission_per_side=self.commission_per_side,
            floor_buffer=self.floor_buffer,
            floor_buffer_share=self.floor_buffer_share,
            no_stop_ticks=self.no_stop_ticks,
            block_at_floor=self.block_at_floor,
            holds_over_reset=HoldsOverReset(self.holds_over_reset) if self.holds_over_reset else None,
            count_run_up=self.count_run_up,
            duplicate_window_seconds=self.duplicate_window_seconds,
            max_entries_per_minute=self.max_entries_per_minute,
            max_state_age_seconds=self.max_state_age_seconds,
            max_signal_age_seconds=self.max_signal_age_seconds,
            flatten_lead_minutes=self.flatten_lead_minutes,
        )

    @property
    def warning_shares(self) -> tuple[Decimal, ...]:
        """The shares of a floor's room at which to warn, largest first: 0.5, 0.25, 0.1."""
        return tuple(sorted({Decimal(p) / 100 for p in percents(self.warn_at_shares)}, reverse=True))


class AccountState(models.Model):
    """What is known of an account's money. Written by `firms.services` only, under the trader's lock."""

    account = models.OneToOneField(Account, on_delete=models.CASCADE, primary_key=True, related_name="state")
    balance = money_column(help_text="Closed results, commissions booked.")
    equity = money_column(help_text="Balance plus unrealised profit and loss.")
    as_of = models.DateTimeField(help_text="The instant both were true.")
    source = models.CharField(max_length=8, choices=choices(core.StateSource))
    trading_day = models.DateField()
    day_start_balance = money_column(null=True, blank=True)
    day_start_equity = money_column(null=True, blank=True)
    highest_equity = money_column(null=True, blank=True)
    closed_day = models.DateField(help_text="The last trading day whose close has passed.")
    last_close = money_column(null=True, blank=True, help_text="The balance at that close.")
    highest_close = money_column(null=True, blank=True)
    highest_balance = money_column(null=True, blank=True)
    day_start_highest_close = money_column(
        null=True, blank=True, help_text="The highest close as it was at the reset."
    )
    reported_floor = money_column(
        null=True, blank=True, help_text="The drawdown floor as the venue or a person last gave it."
    )
    payouts_requested = models.PositiveIntegerField(default=0)
    payouts_paid = models.PositiveIntegerField(default=0)
    trades_today = models.PositiveIntegerField(default=0)
    losses_in_a_row = models.PositiveIntegerField(default=0)
    last_loss_at = models.DateTimeField(null=True, blank=True)
    last_trade_at = models.DateTimeField(null=True, blank=True)
    close_missed = models.BooleanField(
        default=False, help_text="The last close was not seen; it may still be told."
    )
    since = models.DateTimeField(
        null=True, blank=True,
        help_text="When it was last restated or paid out: what is older knows other money.",
    )  # fmt: skip

    def __str__(self) -> str:
        return f"{self.account}: {self.equity:,.2f}"

    def to_core(self) -> core.AccountState:
        return core.AccountState(
            **{name: getattr(self, name) for name in _STATE_FIELDS}, source=core.StateSource(self.source)
        )


_STATE_FIELDS = [name for name in core.AccountState.__slots__ if name != "source"]


class AccountDay(models.Model):
    """One trading day of an account, as far as it was seen."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="days")
    day = models.DateField()
    opening_balance = money_column(null=True)
    closing_balance = money_column()
    high_equity = money_column()
    low_equity = money_column()
    last_report_at = models.DateTimeField(null=True, help_text="The instant of the closing balance.")
    trades = models.PositiveIntegerField(default=0, help_text="Positions opened.")
    paid_out = money_column(default=Decimal(0))

    class Meta:
        ordering = ["-day"]
        constraints = [models.UniqueConstraint(fields=["account", "day"], name="one_row_per_trading_day")]

    def __str__(self) -> str:
        return f"{self.account} {self.day}"

    @property
    def profit(self) -> Decimal | None:
        """What the day won or lost; None where its opening balance was not seen. Payouts are no loss."""
        if self.opening_balance is None:
            return None
        return self.closing_balance + self.paid_out - self.opening_balance


class CashFlow(models.Model):
    """A payout asked for, or paid: money that leaves without being a loss. Append-only."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="cash_flows")
    kind = models.CharField(max_length=20, choices=choices(core.CashFlow))
    amount = money_column(validators=[MinValueValidator(Decimal("0.01"))])
    at = models.DateTimeField()
    reason = models.TextField(blank=True)

    append_only: ClassVar[bool] = True

    class Meta:
        ordering = ["-at", "-pk"]
        constraints = [models.CheckConstraint(condition=Q(amount__gt=0), name="cash_flow_amount_is_positive")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.amount:,.2f}"
