"""The exchanges' holidays and early closes, per product group: a small table, editable, with a source."""

from django.db import models
from simple_history.models import HistoricalRecords

from enforcement import calendar as core
from firms.models.instrument import GROUPS, check_zone


class MarketClosure(models.Model):
    """On this date products of a group stop trading early, or don't trade at all."""

    day = models.DateField(help_text="The trading date, which is the date of the close.")
    group = models.CharField(
        max_length=16,
        blank=True,
        choices=[(g, g.replace("_", " ")) for g in GROUPS],
        help_text="Which products. Empty: all.",
    )
    closes = models.TimeField(null=True, blank=True, help_text="Local time. Empty: closed all day.")
    zone = models.CharField(max_length=64, default="America/Chicago")
    name = models.CharField(max_length=80, help_text="Such as Thanksgiving.")
    source_url = models.URLField(max_length=500)
    read_on = models.DateField()
    history = HistoricalRecords()

    class Meta:
        ordering = ["-day", "group"]
        constraints = [models.UniqueConstraint(fields=["day", "group"], name="one_closure_per_day_and_group")]

    def __str__(self) -> str:
        return f"{self.day} {self.name}"

    def clean(self) -> None:
        check_zone(self.zone, "zone")

    def to_core(self) -> core.Closure:
        return core.Closure(self.day, self.group, self.closes, self.zone, self.name)
