"""Whether a value of a file fits its column, and a row its table."""

from datetime import date, datetime, time
from decimal import Decimal
from functools import cache
from typing import Any, cast

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import CheckConstraint, Field

from enforcement.calendar import zone_named
from enforcement.replay import decimal_text
from firms.catalog_files.rows import TABLES, Row, as_text, columns, default_row, values

# Levels of an account that starts at 0, and profits. Everything else counts something.
_MAY_BE_NEGATIVE = {"lock_at", "floor_after_payout", "from_profit"}
_TYPES: "list[tuple[type[Field[Any, Any]], tuple[type, ...], str]]" = [
    (models.BooleanField, (bool,), "true or false"),
    (models.DecimalField, (int, Decimal), "a number"),
    (models.PositiveIntegerField, (int,), "a whole number"),
    (models.DateField, (date,), "a date such as 2026-09-24"),
    (models.TimeField, (time,), "a time such as 17:00:00"),
    (models.CharField, (str,), "a text"),
    (models.TextField, (str,), "a text"),
]


def cell(column: "Field[Any, Any]", value: Any) -> str | None:
    """The value as the row has it. Raises ValueError saying what is wrong with it."""
    wanted, called = next((types, words) for kind, types, words in _TYPES if isinstance(column, kind))
    if type(value) not in wanted or isinstance(value, datetime):
        raise ValueError(f"{_shown(value)} is not {called}")
    if isinstance(value, Decimal) and not value.is_finite():
        raise ValueError(f"{value} is not a number")
    if isinstance(value, int | Decimal) and value < 0 and column.name not in _MAY_BE_NEGATIVE:
        raise ValueError(f"{_shown(value)} is negative")
    if column.choices and value not in [word for word, _ in column.choices]:
        raise ValueError(f"{_shown(value)} is none of: {', '.join(str(word) for word, _ in column.choices)}")
    if column.name.endswith("zone") and value:
        _check_zone(value)
    try:
        column.clean(value, None)
    except ValidationError as error:
        raise ValueError(f"{_shown(value)}: {' '.join(error.messages)}") from error
    return as_text(value)


def _check_zone(name: str) -> None:
    try:
        zone_named(name)
    except Exception as error:
        raise ValueError(f"{name!r} is not a zone of the zone database") from error


def _shown(value: Any) -> str:
    return decimal_text(value) if isinstance(value, Decimal) else repr(value)


def missing(table: str, row: Row) -> list[str]:
    """The columns that have to be given and are not."""
    return [
        name
        for name, column in columns(table).items()
        if not row[name] and not (column.null or column.blank or column.has_default())
    ]


def row_problems(table: str, row: Row) -> list[str]:
    """What can only be told of the row as a whole: the model's own checks, and its constraints."""
    given = {name: text for name, text in row.items() if text != default_row(table)[name]}
    return _row_problems(table, tuple(given.items()))


@cache  # asks the database, and most rows of a catalog are alike
def _row_problems(table: str, given: tuple[tuple[str, str | None], ...]) -> list[str]:
    model = TABLES[table].model
    instance = model(**values(table, cast("Row", dict(given))))
    checks = [c for c in model._meta.constraints if isinstance(c, CheckConstraint)]
    messages = []
    for check in (instance.clean, *(lambda c=c: c.validate(model, instance) for c in checks)):
        try:
            check()
        except ValidationError as error:
            messages += error.messages
    return messages
