"""A `[[program]]` table with its sizes, made into one entry per size."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from firms.catalog_files import cells, examples
from firms.catalog_files.places import Path, line_at
from firms.catalog_files.problems import Problems
from firms.catalog_files.rows import LISTS, PROGRAM, TABLES, Row, Rows, columns, default_row, named

FIRST_NUMBER = 101
EXAMPLE = ("drawdown_floor", "daily_floor")
Given = dict[str, tuple[Any, Path]]  # a key's value, and where it stands


@dataclass(frozen=True, slots=True)
class Entry:
    """One program as the catalog has it. `example`: the floors of a fresh account."""

    number: int
    rows: Rows
    example: dict[str, Decimal]


@dataclass(slots=True)
class EntryReader:
    """Reads the programs of one file; a number is used once in it."""

    problems: Problems
    numbers: dict[int, Path] = field(default_factory=dict)

    def entries(self, program: dict[str, Any], at: Path) -> Iterator[Entry]:
        sizes = self.problems.tables(program, "size", at)
        if not sizes:
            self.problems.wrong(at, "a program needs at least one [[program.size]]")
        shared = _given({key: value for key, value in program.items() if key != "size"}, at)
        for index, size in enumerate(sizes):
            here = (*at, "size", index)
            before = len(self.problems.found)
            number = self._number(size, here)
            rows = self._rows(shared, _given(size, here), here)
            example = self._example(size, here)
            if len(self.problems.found) == before:
                for message in examples.differences(rows, example):
                    self.problems.wrong((*here, "example"), message)
            yield Entry(number, rows, example)

    def _number(self, size: dict[str, Any], at: Path) -> int:
        number, at = size.get("number"), (*at, "number")
        if number is None:
            self.problems.wrong(at, "missing")
        elif type(number) is not int or number < FIRST_NUMBER:
            self.problems.wrong(at, f"{number!r} is not a whole number from {FIRST_NUMBER} on")
        elif number in self.numbers:
            first = line_at(self.numbers[number], self.problems.lines)
            self.problems.wrong(at, f"{number} is used twice, first in line {first}")
        else:
            self.numbers[number] = at
            return number
        return 0

    def _rows(self, shared: Given, own: Given, at: Path) -> Rows:
        cells_given = {k: v for k, v in (shared | own).items() if k not in ("number", "example", *LISTS)}
        size = cells_given.get("size", (None, at))[0]
        program = self._row(PROGRAM, cells_given, at, {"starting_balance": cells.as_text(size)})
        program["name"] = (program["name"] or "").replace("{size}", _size_label(size))
        rows: Rows = {PROGRAM: program}
        for table in LISTS:
            otherwise = {"read_on": program["last_verified_on"]} if table == "source" else {}
            filled_in = self._filled_in(table, shared.get(table), own.get(table))
            rows |= named(table, [self._row(table, row, here, otherwise) for row, here in filled_in])
        return rows

    def _row(self, table: str, given: Given, at: Path, otherwise: Row) -> Row:
        """A whole row: what is given, `otherwise` what follows from elsewhere, else the column's default."""
        row: Row = {**default_row(table), **otherwise}
        before, known = len(self.problems.found), columns(table)
        for key, (value, here) in given.items():
            if key not in known:
                self.problems.unknown([*known, *LISTS, "example"], here)
                continue
            try:
                row[key] = cells.cell(known[key], value)
            except ValueError as error:
                self.problems.wrong(here, str(error))
        for name in cells.missing(table, row):
            if name not in given:
                self.problems.wrong((*at, name), "missing")
        if len(self.problems.found) == before:
            for message in cells.row_problems(table, row):
                self.problems.wrong(at, message)
        return row

    def _filled_in(self, table: str, *lists: tuple[Any, Path] | None) -> list[tuple[Given, Path]]:
        """The program's rows of a list, each filled in by the size's row of the same name, then the rest."""
        rows: dict[tuple[str | int, ...], tuple[Given, Path]] = {}
        for content, at in filter(None, lists):
            taken: dict[tuple[str, ...], int] = {}
            for index, row in enumerate(self.problems.tables({table: content}, table, at[:-1])):
                name = tuple(str(row.get(key, default_row(table)[key])) for key in TABLES[table].named_by)
                taken[name] = taken.get(name, 0) + 1
                before = rows.get((*name, taken[name]), ({}, at))[0]
                rows[*name, taken[name]] = before | _given(row, (*at, index)), (*at, index)
        return list(rows.values())

    def _example(self, size: dict[str, Any], at: Path) -> dict[str, Decimal]:
        if "example" not in size:
            self.problems.wrong((*at, "example"), "missing: the floors of a fresh account")
            return {}
        given, here = self.problems.table(size, "example", at), (*at, "example")
        self.problems.only(given, EXAMPLE, here)
        for key, value in given.items():
            if not _is_number(value):
                self.problems.wrong((*here, key), f"{value!r} is not a number")
        return {key: Decimal(value) for key, value in given.items() if _is_number(value)}


def _given(content: dict[str, Any], at: Path) -> Given:
    return {key: (value, (*at, key)) for key, value in content.items()}


def _is_number(value: Any) -> bool:
    return type(value) in (int, Decimal) and Decimal(value).is_finite()


def _size_label(size: Any) -> str:
    """50000 as 50K."""
    return f"{cells.as_text(Decimal(size) / 1000)}K" if _is_number(size) else ""
