"""A program as plain rows of text: the one shape in which the catalog, the database and what the catalog
last wrote are compared.

A row is a dict of columns; a value is the text that the column's own `to_python` reads, None where it is
not set. Rows are named by what makes them the same rule in two places: "program", "loss_limit drawdown",
"tier contracts 1500", "source all https://…"; a second one alike is "… #2".
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, time
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple

from django.db.models import Field, Model

from enforcement.replay import decimal_text
from firms.models import LossLimit, NewsRule, ProductLimit, Program, TermSource, Tier

Row = dict[str, str | None]
Rows = dict[str, Row]
PROGRAM = "program"


class Table(NamedTuple):
    """Which model holds the rows, and the columns that name one."""

    model: type[Model]
    named_by: tuple[str, ...] = ()


TABLES = {
    PROGRAM: Table(Program),
    "loss_limit": Table(LossLimit, ("kind",)),
    "tier": Table(Tier, ("of", "from_profit")),
    "product_limit": Table(ProductLimit, ("product",)),
    "news_rule": Table(NewsRule, ("events",)),
    "source": Table(TermSource, ("term", "url")),
}
LISTS = [name for name in TABLES if name != PROGRAM]
# A program's number and firm name it; the sessions and symbols it allows are a trader's own choice.
_NOT_OURS = {"id", "firm", "number", "program", "catalog_key", "catalog_text", "last_update"}


@lru_cache
def columns(table: str) -> Mapping[str, "Field[Any, Any]"]:
    """The columns that the catalog writes, by name."""
    fields = TABLES[table].model._meta.concrete_fields
    return {field.name: field for field in fields if field.name not in _NOT_OURS}


@lru_cache
def default_row(table: str) -> Mapping[str, str | None]:
    """What a column holds where nobody says anything."""
    return {name: as_text(field.get_default()) for name, field in columns(table).items()}


def as_text(value: Any) -> str | None:
    """A column's value as text; numbers without trailing zeros, texts without the browser's line ends."""
    if value is None:
        return None
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, Decimal | int):
        return decimal_text(Decimal(value))
    if isinstance(value, date | time):
        return value.isoformat()
    return str(value).replace("\r\n", "\n").strip()


def as_value(table: str, column: str, text: str | None) -> Any:
    return columns(table)[column].to_python(text)


def values(table: str, row: Mapping[str, str | None]) -> dict[str, Any]:
    return {column: as_value(table, column, text) for column, text in row.items()}


def table_of(name: str) -> str:
    return name.partition(" ")[0]


def named(table: str, rows: Iterable[Row]) -> Rows:
    """The rows of one table under their names."""
    found: Rows = {}
    for row in rows:
        words = [row[column] or "any" for column in TABLES[table].named_by]
        name = plain = " ".join([table, *words])
        count = 1
        while name in found:
            count += 1
            name = f"{plain} #{count}"
        found[name] = row
    return found


def stored(programs: Iterable[Program]) -> dict[int, dict[str, Model]]:
    """The instances behind each program's rows, by program and name; one query per table."""
    found: dict[int, dict[str, Model]] = {program.pk: {PROGRAM: program} for program in programs}
    for table, (model, named_by) in TABLES.items():
        if not named_by:
            continue
        instances: dict[int, list[Any]] = defaultdict(list)
        rows: Iterable[Any] = model._default_manager.filter(program_id__in=list(found)).order_by("pk")
        for instance in rows:
            instances[instance.program_id].append(instance)
        for pk, group in instances.items():
            names = named(table, (row_of(table, instance) for instance in group))
            found[pk].update(zip(names, group, strict=True))
    return found


def row_of(table: str, instance: Model) -> Row:
    return {name: as_text(field.value_from_object(instance)) for name, field in columns(table).items()}
