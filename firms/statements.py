"""Plain SQL for the few statements that stand in the way of every order.

The ORM takes several times longer to write a statement than the database to run it. These keep the models
as they are: what is read comes as instances, through the fields' own converters, what is written is taken
from instances.
"""

import json
from collections.abc import Sequence
from itertools import chain
from typing import Any, TypeVar

from django.db import connection
from django.db.models import DateTimeField, DecimalField, Field, Model

M = TypeVar("M", bound=Model)
_AMONG = {"sqlite": "IN (SELECT value FROM json_each(%({0})s))", "postgresql": "= ANY(%({0})s)"}


def read(model: type[M], where: str, **parameters: Any) -> list[M]:
    """The rows of a model that meet a condition, in no order.

    A scalar is written %(name)s; a list of keys {name}, after its column: "account_id {ids}".
    """
    condition, values = bind(where, parameters)
    table = model._meta.db_table
    found = model._default_manager.raw(f"SELECT * FROM {table} WHERE {condition}", values)  # noqa: S608
    return list(found)


def keys(model: type[Model], column: str, where: str, **parameters: Any) -> set[int]:
    """One key column of the rows that meet a condition, written as for `read`."""
    condition, values = bind(where, parameters)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {column} FROM {model._meta.db_table} WHERE {condition}", values)  # noqa: S608
        return {key for (key,) in cursor.fetchall()}


def bind(sql: str, parameters: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """A statement with its lists written as the database at hand takes them."""
    lists = [name for name, value in parameters.items() if isinstance(value, list)]
    among = {name: _AMONG[connection.vendor].format(name) for name in lists}
    values = dict(parameters)
    if connection.vendor == "sqlite":
        values |= {name: json.dumps(values[name]) for name in lists}
    return sql.format(**among), values


def insert(rows: Sequence[Model]) -> None:
    """Insert new rows of one model in one statement, and give them their keys."""
    if not rows:
        return
    meta = type(rows[0])._meta
    fields = [field for field in meta.concrete_fields if not field.primary_key]
    names = ", ".join(str(field.column) for field in fields)
    row = f"({', '.join(['%s'] * len(fields))})"
    columns = [_column(rows, field) for field in fields]
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {meta.db_table} ({names}) "  # noqa: S608
            f"VALUES {', '.join([row] * len(rows))} RETURNING {meta.pk.column}",
            list(chain.from_iterable(zip(*columns, strict=True))),
        )
        for instance, (key,) in zip(rows, cursor.fetchall(), strict=True):
            instance.pk = key
            instance._state.adding = False


def _column(rows: Sequence[Model], field: "Field[Any, Any]") -> list[Any]:
    """A field's values as the database takes them."""
    values = [getattr(row, field.attname) for row in rows]
    ops = connection.ops
    if isinstance(field, DecimalField):
        digits, places = field.max_digits, field.decimal_places
        return [ops.adapt_decimalfield_value(value, digits, places) for value in values]
    if isinstance(field, DateTimeField):
        return [ops.adapt_datetimefield_value(value) for value in values]
    return values
