"""Three texts of a program, compared column by column: which of them it gets.

What the catalog wrote last, what stands in the database, what the catalog says now: where the first two
agree the third is taken; where they don't, a trader has edited the column, and it stays.
"""

from typing import Literal, NamedTuple

from firms.catalog_files.rows import Row, Rows, default_row, table_of

What = Literal["added", "changed", "kept", "conflict"]


class Change(NamedTuple):
    """One difference. `old` is what the database has, `new` what the catalog says; None: not set, or gone.

    kept      a trader's edit, the catalog says the same as before
    conflict  a trader's edit, and the catalog has changed there too: the trader's stays
    """

    what: What
    program: str
    where: str = ""
    old: str | None = None
    new: str | None = None


class Merge(NamedTuple):
    """The rows a program gets, and how they differ from those it has."""

    rows: Rows
    changes: list[Change]


def merged(code: str, base: Rows, own: Rows, new: Rows, *, overwrite: bool) -> Merge:
    """Three-way: `base` is what the catalog wrote last, `own` what the database has, `new` the catalog's."""
    rows: Rows = {}
    changes: list[Change] = []
    for name in [*new, *(name for name in own if name not in new)]:
        was, has, says = base.get(name), own.get(name), new.get(name)
        if has is not None and says is not None:
            columns = _columns(code, name, was, has, says, overwrite=overwrite)
            changes += columns.changes
            rows |= columns.rows
            continue
        is_untouched = was == has or overwrite
        if is_untouched:
            what: What = "changed"
        else:
            what = "kept" if was == says else "conflict"
        changes.append(Change(what, code, name, _in_brief(has), _in_brief(says)))
        left = says if is_untouched else has
        if left is not None:
            rows[name] = left
    return Merge(rows, changes)


def _columns(code: str, name: str, was: Row | None, has: Row, says: Row, *, overwrite: bool) -> Merge:
    row, changes = dict(has), []
    before = {**default_row(table_of(name)), **(was or {})}
    for column, value in says.items():
        if has[column] == value:
            continue
        is_untouched = overwrite or (was is not None and has[column] == before[column])
        what: What = "changed"
        if is_untouched:
            row[column] = value
        else:
            what = "kept" if was is not None and before[column] == value else "conflict"
        changes.append(Change(what, code, f"{name}.{column}", has[column], value))
    return Merge({name: row}, changes)


def _in_brief(row: Row | None) -> str | None:
    """A whole row that comes or goes: its columns that are not as they begin."""
    return (
        None if row is None else ", ".join(f"{k} {v}" for k, v in row.items() if v not in (None, "", "False"))
    )
