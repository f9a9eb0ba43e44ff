"""The paper venue's own book. Nothing outside `execution.connectors.paper` reads it."""

from decimal import Decimal

from django.db import models
from django.db.models import Q

from enforcement.orders import Side
from firms.models import Account
from firms.models.columns import choices, money_column, price_column, quantity_column


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

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["book", "symbol"], name="one_paper_position_per_symbol")
        ]

    def __str__(self) -> str:
        return f"{self.quantity} {self.symbol}"


class PaperOrder(models.Model):
    """An order at the paper venue: filled at once (market), or working (stop, target)."""

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
