"""What is known of an account's closes and resets, and from which report: `enforcement.days` in columns."""

from django.db import models

from enforcement import days as core
from firms.models.account import Account
from firms.models.columns import money_column

FIGURES = tuple(core.DayFigures.__slots__)


class DayFigures(models.Model):
    """The figures of one trading day, each with the instant of its evidence. A day of which nothing is known
    has no row. Written by `firms.account_days` only, under the trader's lock."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="day_figures")
    day = models.DateField()
    opening_balance = money_column(null=True)
    opening_balance_at = models.DateTimeField(null=True)
    opening_equity = money_column(null=True)
    opening_equity_at = models.DateTimeField(null=True)
    close = money_column(null=True, help_text="The balance at the day's close.")
    close_at = models.DateTimeField(null=True)
    highest_close = money_column(null=True, help_text="The highest close up to this day's, as somebody said.")
    highest_close_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-day"]
        constraints = [
            models.UniqueConstraint(fields=["account", "day"], name="one_row_of_figures_per_trading_day")
        ]

    def __str__(self) -> str:
        return f"{self.account} {self.day}"

    def to_core(self) -> core.DayFigures:
        figures = {}
        for name in FIGURES:
            amount, as_of = getattr(self, name), getattr(self, f"{name}_at")
            figures[name] = None if amount is None else core.Figure(amount, as_of)
        return core.DayFigures(**figures)
