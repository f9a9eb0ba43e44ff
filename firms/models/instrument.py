"""Symbols and sessions: what the core knows, shown, and what a trader adds."""

from decimal import Decimal

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Upper
from simple_history.models import HistoricalRecords

from enforcement import instruments
from firms.models.columns import price_column, quantity_column

GROUPS = [
    "equity_index", "energy", "metals", "rates", "currencies", "grains", "livestock", "crypto", "volatility",
    "other",
]  # fmt: skip


class Instrument(models.Model):
    """One symbol. Built-in rows mirror `enforcement/instruments.py`, the truth for its symbols."""

    symbol = models.CharField(max_length=32, unique=True, help_text="In capitals, as the alert writes it.")
    name = models.CharField(max_length=120)
    exchange = models.CharField(max_length=16, blank=True)
    tick_size = price_column(help_text="The smallest price change.")
    tick_value = price_column(help_text="Money that one tick is worth for one contract, in the currency.")
    currency = models.CharField(max_length=3, default="USD")
    weight = models.DecimalField(
        max_digits=6, decimal_places=3, default=Decimal(1), help_text="Counts as so many minis: a micro 0.1."
    )
    family = models.CharField(
        max_length=32,
        help_text="The underlying that minis, micros and all contract months share, such as NQ.",
    )
    group = models.CharField(max_length=16, choices=[(g, g.replace("_", " ")) for g in GROUPS])
    step = quantity_column(
        default=Decimal(1), help_text="The smallest change of size: 1 contract, 0.01 lots."
    )
    aliases = models.CharField(
        max_length=250, blank=True, help_text="Further spellings of the symbol, separated by spaces."
    )
    is_built_in = models.BooleanField(default=False, editable=False)
    history = HistoricalRecords()

    class Meta:
        ordering = ["-is_built_in", "group", "symbol"]
        constraints = [
            models.CheckConstraint(
                condition=Q(tick_size__gt=0) & Q(tick_value__gt=0) & Q(step__gt=0) & Q(weight__gt=0),
                name="instrument_numbers_are_positive",
                violation_error_message="Tick size, tick value, step and weight must be above zero.",
            ),
            models.CheckConstraint(
                condition=Q(symbol=Upper(F("symbol"))),
                name="instrument_symbol_is_upper_case",
                violation_error_message="The symbol is written in capitals.",
            ),
        ]

    def __str__(self) -> str:
        return self.symbol

    def clean(self) -> None:
        taken = [s for s in self.spellings if instruments.find(s) is not None]
        if not self.is_built_in and taken:
            raise ValidationError(
                {"symbol": f"{taken[0]} is a built-in instrument; its figures can't be replaced."}
            )

    @property
    def spellings(self) -> list[str]:
        return [self.symbol.upper(), *self.aliases.upper().split()]

    @property
    def point_value(self) -> Decimal:
        return self.tick_value / self.tick_size

    def to_core(self) -> instruments.Instrument:
        return instruments.Instrument(
            symbol=self.symbol,
            name=self.name,
            exchange=self.exchange,
            tick_size=self.tick_size,
            tick_value=self.tick_value,
            currency=self.currency,
            weight=self.weight,
            family=self.family,
            group=self.group,
            step=self.step,
        )


class TradingSession(models.Model):
    """A named span of the day that programs may allow. Half-open: at `opens` it is open, at `closes` not."""

    name = models.CharField(max_length=32, unique=True)
    opens = models.TimeField(help_text="Local time of the zone.")
    closes = models.TimeField(
        help_text="Local time; earlier than the opening: the session runs over midnight."
    )
    zone = models.CharField(max_length=64, default="America/New_York")
    history = HistoricalRecords()

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        check_zone(self.zone, "zone")


def check_zone(zone: str, field: str) -> None:
    from enforcement.calendar import zone_named

    try:
        zone_named(zone)
    except Exception as error:
        raise ValidationError({field: f"{zone!r} is not a zone of the zone database."}) from error
