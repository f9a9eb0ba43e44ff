"""Which column takes each leaf of the catalog's files: no figure of a file is without one."""

from collections.abc import Iterator
from typing import Any

from firms import catalog_files
from firms.catalog_files.entries import EXAMPLE
from firms.catalog_files.rows import LISTS, PROGRAM, TABLES, columns
from firms.models import Firm

CHECKED = "the worked example: checked against the core when the file is read"


def leaves() -> dict[str, str | None]:
    """Every path of keys that occurs, with the column (or the check) that takes it; None: nothing does."""
    files = [catalog_files.content_of(file) for file in catalog_files.FOLDER.glob("*.toml")]
    paths = sorted({path for content in files for path in _paths(content, ())})
    return {".".join(path): _taken_by(path) for path in paths}


def _paths(content: Any, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    if isinstance(content, dict):
        for key, value in content.items():
            yield from _paths(value, (*path, key))
    elif isinstance(content, list):
        for value in content:
            yield from _paths(value, path)
    else:
        yield path


def _taken_by(path: tuple[str, ...]) -> str | None:
    match path:
        case ("firm", "code" | "name" | "website" as name):
            return f"{Firm.__name__}.{name}"
        case ("program", "size", "number"):
            return "Program.number"
        case ("program", "size", "example", name) if name in EXAMPLE:
            return CHECKED
        case ("program", "size", table, column) | ("program", table, column) if table in LISTS:
            return _column(table, column)
        case ("program", "size", column) | ("program", column):
            return _column(PROGRAM, column)
    return None


def _column(table: str, column: str) -> str | None:
    return f"{TABLES[table].model.__name__}.{column}" if column in columns(table) else None
