"""Orders, what happened to them, the positions they made, and the exits that bring those down."""

from decimal import Decimal
from typing import ClassVar

from django.db import models
from django.db.models import Q

from enforcement.orders import Side
from execution.models.decision import Decision, Leg
from execution.models.signal import Signal
from execution.order_state import RESERVING, OrderStatus
from firms.models import Account
from firms.models.columns import choices, money_column, price_column, quantity_column

_TO_SEND = [
    OrderStatus.APPROVED.value,
    OrderStatus.AWAITING_CONFIRMATION.value,
    OrderStatus.SUBMITTING.value,
]


class Exit(models.Model):
    """A position to bring down to `target`, worked until the venue shows it there.

    One is open per account and family at a time; a further exit joins it. `covers` is the newest signal
    it answers: entries of earlier signals are refused or cancelled, the others wait until it is done.
    """

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="exits")
    family = models.CharField(max_length=64)
    symbol = models.CharField(max_length=64, help_text="As the newest alert wrote it.")
    covers = models.ForeignKey(Signal, null=True, on_delete=models.PROTECT, related_name="exits")
    target = quantity_column(default=Decimal(0), help_text="Signed size to be left; 0 is flat.")
    opened_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True)
    leased_until = models.DateTimeField(null=True, help_text="A process works on it until then.")
    attempts = models.PositiveIntegerField(default=0)
    tried_at = models.DateTimeField(null=True, help_text="When somebody last worked on it.")
    note = models.TextField(blank=True, help_text="What the last attempt met.")
    is_inclusive = models.BooleanField(
        default=False,
        help_text="Nobody's alert, but the system's own word: it covers entries of that newest signal too.",
    )
    by_kill = models.BooleanField(
        default=False, help_text="Opened, or joined, by the kill switch: its target stays 0."
    )

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["account", "family"], condition=Q(done_at__isnull=True), name="one_open_exit_per_account_and_family"
            )
        ]  # fmt: skip
        indexes = [
            models.Index(fields=["leased_until"], name="exit_open", condition=Q(done_at__isnull=True)),
            models.Index(fields=["account", "family", "covers"], name="exit_covers"),
        ]

    def __str__(self) -> str:
        goal = "flat" if self.target == 0 else f"down to {self.target}"
        return f"{self.account} {self.family} {goal}"


class Order(models.Model):
    """One order of one account. An approved entry is its own reservation of risk and contracts.

    `client_order_id` is what the venue knows it by: derived from the database's epoch, the signal and the
    account, never from the time or the attempt, so that asking again finds the same order.
    """

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="orders")
    signal = models.ForeignKey(Signal, null=True, on_delete=models.PROTECT, related_name="orders")
    decision = models.OneToOneField(Decision, null=True, on_delete=models.PROTECT, related_name="order")
    exit = models.ForeignKey(Exit, null=True, on_delete=models.PROTECT, related_name="orders")
    leg = models.CharField(max_length=5, choices=Leg)
    client_order_id = models.CharField(max_length=64, unique=True)
    venue_order_id = models.CharField(max_length=80, blank=True)
    symbol = models.CharField(max_length=64)
    family = models.CharField(max_length=64)
    side = models.CharField(max_length=4, choices=choices(Side))
    quantity = quantity_column()
    entry_price = price_column(null=True)
    stop_loss = price_column(null=True)
    target = price_column(null=True)
    status = models.CharField(max_length=24, choices=choices(OrderStatus))
    risk = money_column(
        default=Decimal(0), help_text="What it stands to lose: its reservation while nothing is filled."
    )
    filled_quantity = quantity_column(default=Decimal(0))
    average_price = price_column(null=True)
    note = models.TextField(blank=True, help_text="What the venue, or the last look before sending, said.")
    created_at = models.DateTimeField(db_index=True)
    deadline = models.DateTimeField(null=True, help_text="An entry that has not left by then never does.")
    claimed_at = models.DateTimeField(null=True)
    has_own_id = models.BooleanField(default=False, help_text="Its alert carried an id of its own.")
    settled_at = models.DateTimeField(null=True, help_text="When a person said what became of it.")

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["signal", "account"],
                condition=Q(leg="entry"),
                name="one_entry_per_signal_and_account",
            ),
            models.CheckConstraint(condition=Q(quantity__gt=0), name="order_quantity_is_positive"),
        ]
        indexes = [
            models.Index(
                fields=["account", "family"], name="order_reserving",
                condition=Q(status__in=sorted(s.value for s in RESERVING)),
            ),
            models.Index(
                fields=["created_at"], name="order_to_send",
                condition=Q(status__in=_TO_SEND),
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.side} {self.quantity.normalize():f} {self.symbol}"

    @property
    def unfilled(self) -> Decimal:
        return max(self.quantity - self.filled_quantity, Decimal(0))


class OrderEvent(models.Model):
    """One step of an order's life. Append-only."""

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="events")
    at = models.DateTimeField()
    before = models.CharField(max_length=24, blank=True)
    after = models.CharField(max_length=24)
    detail = models.TextField(blank=True)

    append_only: ClassVar[bool] = True

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.before or '·'} → {self.after}"


class Fill(models.Model):
    """One execution at the venue, booked once whatever is reported how often. Append-only."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="fills")
    order = models.ForeignKey(Order, null=True, on_delete=models.PROTECT, related_name="fills")
    venue_fill_id = models.CharField(max_length=100)
    symbol = models.CharField(max_length=64)
    side = models.CharField(max_length=4, choices=choices(Side))
    quantity = quantity_column()
    price = price_column()
    commission = money_column()
    filled_at = models.DateTimeField()
    booked_at = models.DateTimeField()
    why = models.CharField(max_length=16, blank=True, help_text="entry, stop, target or close.")

    append_only: ClassVar[bool] = True

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(fields=["account", "venue_fill_id"], name="one_fill_per_venue_id")
        ]

    def __str__(self) -> str:
        return f"{self.side} {self.quantity.normalize():f} {self.symbol} at {self.price.normalize():f}"


class ClosedTrade(models.Model):
    """A position from its opening until it was flat (or crossed zero), and what it came to. Append-only."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="closed_trades")
    symbol = models.CharField(max_length=64)
    family = models.CharField(max_length=64)
    side = models.CharField(max_length=4, choices=choices(Side), help_text="Buy: it was long.")
    opened_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField()
    result = money_column(help_text="Won or lost, commissions of both ways included.")

    append_only: ClassVar[bool] = True

    class Meta:
        ordering = ["-pk"]
        indexes = [models.Index(fields=["account", "closed_at"], name="trade_closed")]

    def __str__(self) -> str:
        return f"{self.symbol} {self.result:,.2f}"


class Position(models.Model):
    """What an account holds in one symbol by its booked fills. Signed; zero rows are kept."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="positions")
    symbol = models.CharField(max_length=64)
    family = models.CharField(max_length=64)
    quantity = quantity_column()
    average_price = price_column(null=True)
    stop = price_column(null=True, help_text="The farthest stop that protects it.")
    price = price_column(null=True, help_text="The price its account's equity was last marked at.")
    opened_at = models.DateTimeField(null=True, help_text="When it last left zero.")
    last_fill_at = models.DateTimeField(null=True)
    unprotected_since = models.DateTimeField(
        null=True, help_text="Its stop was not among the venue's working orders at that time."
    )

    class Meta:
        ordering = ["account", "symbol"]
        constraints = [models.UniqueConstraint(fields=["account", "symbol"], name="one_position_per_symbol")]

    def __str__(self) -> str:
        return f"{self.account}: {self.quantity.normalize():f} {self.symbol}"
