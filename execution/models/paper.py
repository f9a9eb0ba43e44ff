"""The paper venue's own book. Nothing outside `execution.connectors.paper` reads it."""

from decimal import Decimal

from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import F, Q
from simple_history.models import HistoricalRecords

from enforcement.orders import Side
from execution.models.source import Connection
from firms.models import Account
from firms.models.columns import choices, money_column, price_column, quantity_column


class PaperSettings(models.Model):
    """How the paper venue behaves behind one connection. Without a row the defaults hold."""

    class Failure(models.TextChoices):
        NONE = "", "none: it works"
        UNAVAILABLE = "unavailable", "outage: nobody answers, nothing is sent"
        IN_DOUBT = "in_doubt", "in doubt: orders are executed, but the answer is lost"
        REJECTS = "rejects", "rejects every order"

    connection = models.OneToOneField(
        Connection, on_delete=models.CASCADE, primary_key=True, related_name="paper"
    )
    has_costs = models.BooleanField(
        "spread and slippage",
        default=True,
        help_text="Half the symbol's spread and drawn slippage, always against you. Off: exactly at the mark.",
    )
    fills_in_parts = models.BooleanField(
        "fill large orders in parts",
        default=True,
        help_text="Above the symbol's largest size at once the rest follows at the next marks, or a second later.",
    )
    largest_at_once = quantity_column(
        null=True,
        blank=True,
        help_text="Contracts that fill at once. Empty: the symbol's own from docs/paper.md.",
    )
    latency_min_ms = models.PositiveIntegerField(
        "shortest latency (ms)",
        default=50,
        help_text="An order works that long before it fills; the mark moves meanwhile.",
    )
    latency_max_ms = models.PositiveIntegerField("longest latency (ms)", default=500)
    touch_fills_percent = models.PositiveSmallIntegerField(
        "targets filled at a touch (%)", default=30, validators=[MaxValueValidator(100)],
        help_text="A price beyond the target fills it always; one just at it only that often, as one's place in the queue has it.",
    )  # fmt: skip
    rejects_when_closed = models.BooleanField(
        "reject while the market is closed",
        default=True,
        help_text="Weekends, the daily break, holidays and early closes. Exits are rejected too, and tried again.",
    )
    exchange_fee_per_side = money_column(
        default=Decimal(0),
        help_text="For each contract, on top of the account's commission, where that doesn't include it.",
    )
    seed = models.PositiveIntegerField(
        default=0, help_text="The same seed, orders and marks give the same fills."
    )
    failure = models.CharField(
        max_length=16,
        choices=Failure,
        blank=True,
        default=Failure.NONE,
        help_text="Simulated on purpose: switched with a reason, on the connection's page.",
    )
    history = HistoricalRecords()

    class Meta:
        verbose_name_plural = "paper settings"
        constraints = [
            models.CheckConstraint(
                condition=Q(latency_max_ms__gte=F("latency_min_ms"), latency_max_ms__lte=10_000), name="paper_latency_is_a_range",
                violation_error_message="The longest latency is at least the shortest, and at most 10,000 ms.",
            ),
            models.CheckConstraint(condition=Q(touch_fills_percent__lte=100), name="paper_touch_is_a_percentage"),
            models.CheckConstraint(
                condition=Q(largest_at_once__isnull=True) | Q(largest_at_once__gt=0), name="paper_largest_is_positive",
                violation_error_message="The largest size at once must be above zero.",
            ),
            models.CheckConstraint(
                condition=Q(exchange_fee_per_side__gte=0), name="paper_fee_is_not_negative",
                violation_error_message="A fee can't be negative.",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"paper settings of {self.connection}"


class PaperBook(models.Model):
    """One simulated account at the paper venue."""

    account = models.OneToOneField(
        Account, on_delete=models.PROTECT, primary_key=True, related_name="paper_book"
    )
    balance = money_column()
    changed_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"paper book of {self.account}"


class PaperPosition(models.Model):
    book = models.ForeignKey(PaperBook, on_delete=models.CASCADE, related_name="positions")
    symbol = models.CharField(max_length=64)
    quantity = quantity_column()
    average_price = price_column()
    price = price_column(help_text="The last mark.")
    marked_at = models.DateTimeField()
    is_marked = models.BooleanField(
        default=False, help_text="A mark has come since its last fill. Until then its price is indicative."
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["book", "symbol"], name="one_paper_position_per_symbol")
        ]

    def __str__(self) -> str:
        return f"{self.quantity} {self.symbol}"


class PaperOrder(models.Model):
    """An order at the paper venue.

    market: works until `due_at`, then fills (in parts where it is large), each at `reference`: the mark as it
    was by then. A market order that `reduces` only closes. stop, limit: the protection of `parent`'s filled
    part, at `price`; an entry carries the prices they will have.
    """

    class Kind(models.TextChoices):
        MARKET = "market"
        STOP = "stop"
        LIMIT = "limit"

    book = models.ForeignKey(PaperBook, on_delete=models.CASCADE, related_name="orders")
    client_order_id = models.CharField(max_length=64)
    parent = models.ForeignKey("self", null=True, on_delete=models.CASCADE, related_name="children")
    symbol = models.CharField(max_length=64)
    side = models.CharField(max_length=4, choices=choices(Side))
    quantity = quantity_column()
    kind = models.CharField(max_length=8, choices=Kind)
    price = price_column(null=True)
    is_working = models.BooleanField(default=False)
    reduces = models.BooleanField(default=False)
    stop_loss = price_column(null=True)
    target = price_column(null=True)
    reference = price_column(null=True)
    placed_at = models.DateTimeField(null=True)
    due_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["book", "client_order_id"], name="one_paper_order_per_client_id")
        ]
        indexes = [models.Index(fields=["symbol"], name="paper_working", condition=Q(is_working=True))]

    def __str__(self) -> str:
        return f"{self.kind} {self.side} {self.quantity} {self.symbol}"


class PaperFill(models.Model):
    order = models.ForeignKey(PaperOrder, on_delete=models.CASCADE, related_name="fills")
    number = models.PositiveIntegerField()
    quantity = quantity_column()
    price = price_column()
    commission = money_column(default=Decimal(0))
    filled_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["order", "number"], name="one_paper_fill_per_number")]

    def __str__(self) -> str:
        return f"{self.order.client_order_id}-{self.number}"
