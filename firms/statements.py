"""Plain SQL for the few statements that stand in the way of every order.

The ORM takes several times longer to write a statement than the database to run it. These keep the models
as they are: what is read comes as instances, through the fields' own converters, what is written is taken
from instances.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from itertools import chain
from typing import Any, NamedTuple, TypeVar

from django.db import connection
from django.db.models import DateTimeField, DecimalField, Field, Model

M = TypeVar("M", bound=Model)
_AMONG = {"sqlite": "IN (SELECT value FROM json_each(%({0})s))", "postgresql": "= ANY(%({0})s)"}


def read(model: type[M], where: str, **parameters: Any) -> list[M]:
    """The rows of a model that meet a condition, in no order.

    A scalar is written %(name)s; a list of keys {name}, after its column: "account_id {ids}".
    """
    condition, values = bind(where, parameters)
    return fetch(model, f"SELECT {{columns}} FROM {model._meta.db_table} WHERE {condition}", values)  # noqa: S608


def fetch(model: type[M], sql: str, values: Mapping[str, Any]) -> list[M]:
    """What a statement brings, as instances; it names the model's columns by {columns}."""
    shape = _shape(model, connection.vendor)
    with connection.cursor() as cursor:
        cursor.execute(sql.replace("{columns}", shape.columns), values)
        rows = cursor.fetchall()
    return [model.from_db(connection.alias, shape.names, _converted(row, shape)) for row in rows]


def columns(model: type[Model], names: Sequence[str], where: str, **parameters: Any) -> list[Sequence[Any]]:
    """Some columns of the rows that meet a condition, written as for `read`: no instances are made."""
    shape = _shape(model, connection.vendor, tuple(names))
    condition, values = bind(where, parameters)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {shape.columns} FROM {model._meta.db_table} WHERE {condition}",  # noqa: S608
            values,
        )
        return [_converted(row, shape) for row in cursor.fetchall()]


class _Shape(NamedTuple):
    """A model's columns, its attributes in the same order, and where the database's values are not yet
    Python's: position, the column, and what converts it."""

    columns: str
    names: list[str]
    converters: Sequence[tuple[int, Any, Sequence[Callable[..., Any]]]]


@lru_cache
def _shape(model: type[Model], vendor: str, names: tuple[str, ...] = ()) -> _Shape:
    """Of all columns, or of those named."""
    fields = [field for field in model._meta.concrete_fields if not names or field.attname in names]
    if names:
        fields.sort(key=lambda field: names.index(field.attname))
    converters = []
    for position, field in enumerate(fields):
        column = field.get_col(model._meta.db_table)
        found = [*connection.ops.get_db_converters(column), *field.get_db_converters(connection)]
        if found:
            converters.append((position, column, found))
    return _Shape(", ".join(f'"{f.column}"' for f in fields), [f.attname for f in fields], converters)


def _converted(row: Sequence[Any], shape: _Shape) -> Sequence[Any]:
    if not shape.converters:
        return row
    values = list(row)
    for position, column, converters in shape.converters:
        for convert in converters:
            values[position] = convert(values[position], column, connection)
    return values


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


def execute(sql: str, **parameters: Any) -> int:
    """Run a statement, written as for `read`; how many rows it touched."""
    statement, values = bind(sql, parameters)
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return int(cursor.rowcount)


def moment(at: datetime) -> Any:
    """An instant as the database takes it."""
    return connection.ops.adapt_datetimefield_value(at)


def insert(rows: Sequence[Model], also: str = "NULL") -> None:
    """Insert new rows of one model in one statement, and give them their keys.

    `also` is an expression that the database evaluates with each row.
    """
    if not rows:
        return
    meta = type(rows[0])._meta
    fields = [field for field in meta.concrete_fields if not field.primary_key]
    names = ", ".join(f'"{field.column}"' for field in fields)
    row = f"({', '.join(['%s'] * len(fields))})"
    columns = [_column(rows, field) for field in fields]
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {meta.db_table} ({names}) "  # noqa: S608
            f"VALUES {', '.join([row] * len(rows))} RETURNING {meta.pk.column}, {also}",
            list(chain.from_iterable(zip(*columns, strict=True))),
        )
        for instance, (key, _) in zip(rows, cursor.fetchall(), strict=True):
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
