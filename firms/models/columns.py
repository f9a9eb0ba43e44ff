"""The columns that recur, with one precision each."""

from decimal import Decimal
from typing import Any

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

# A half cent is real money (a tick of M6B is 0.625, of ZN 15.625): four places keep sums exact.
MONEY: dict[str, Any] = {"max_digits": 20, "decimal_places": 4}
PRICE: dict[str, Any] = {"max_digits": 24, "decimal_places": 10}
QUANTITY: dict[str, Any] = {"max_digits": 16, "decimal_places": 4}
LARGEST_SHARE = Decimal("0.1")


def money_column(**options: Any) -> "models.DecimalField[Any, Any]":
    return models.DecimalField(**MONEY, **options)


def price_column(**options: Any) -> "models.DecimalField[Any, Any]":
    return models.DecimalField(**PRICE, **options)


def quantity_column(**options: Any) -> "models.DecimalField[Any, Any]":
    return models.DecimalField(**QUANTITY, **options)


def share_column(**options: Any) -> "models.DecimalField[Any, Any]":
    """A fraction: 0.05 is 5 %. Above 0.1 it is refused: nearly always a percent number typed by mistake."""
    return models.DecimalField(
        max_digits=7,
        decimal_places=6,
        validators=[MinValueValidator(Decimal("0.000001")), MaxValueValidator(LARGEST_SHARE)],
        **options,
    )


def minutes_column(*, null: bool = False, **options: Any) -> "models.PositiveIntegerField[Any, Any]":
    return models.PositiveIntegerField(null=null, blank=null, default=None if null else 0, **options)


def seconds_column(**options: Any) -> "models.PositiveIntegerField[Any, Any]":
    return models.PositiveIntegerField(null=True, blank=True, **options)


def choices(enum: Any) -> list[tuple[str, str]]:
    """Choices of a core StrEnum, in its own words."""
    return [(member.value, member.value.replace("_", " ")) for member in enum]
