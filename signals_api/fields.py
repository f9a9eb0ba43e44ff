"""The serializer fields that recur: money, prices and instants, as strict as the columns behind them."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone
from rest_framework import serializers

from firms.models.columns import MONEY, PRICE

CLOCK_TOLERANCE = timedelta(seconds=2)


class StrictDecimalField(serializers.DecimalField):
    """A JSON number or its ASCII text; no booleans, no other scripts' digits, no underscores."""

    def to_internal_value(self, data: Any) -> Decimal:
        text = str(data).strip()
        if isinstance(data, bool) or not text.isascii() or "_" in text:
            self.fail("invalid")
        return super().to_internal_value(data)


class PastInstantField(serializers.DateTimeField):
    """An instant with its zone, not later than now (two seconds of clock difference are forgiven)."""

    default_error_messages = {
        "naive": "It needs a zone, such as the Z of 2026-03-04T17:00:00Z.",
        "future": "It is in the future.",
    }

    def to_internal_value(self, value: Any) -> datetime:
        if isinstance(value, str):
            try:
                if datetime.fromisoformat(value).tzinfo is None:
                    self.fail("naive")
            except ValueError:
                self.fail("invalid", format="ISO 8601")
        moment: datetime = super().to_internal_value(value)
        if moment > timezone.now() + CLOCK_TOLERANCE:
            self.fail("future")
        return moment.astimezone(UTC)


def money_field(**options: Any) -> StrictDecimalField:
    return StrictDecimalField(**MONEY, **options)


def price_field(**options: Any) -> StrictDecimalField:
    return StrictDecimalField(**PRICE, **options)
