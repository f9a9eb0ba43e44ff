"""What is wrong with a file of the catalog: all of it at once, each with its line and key."""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from firms.catalog_files.places import Path, line_at


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    file: str
    line: int
    key: str
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.key}: {self.message}"


class CatalogErrors(Exception):
    """Everything that is wrong with the files that were read."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = sorted(set(problems))
        super().__init__("\n".join(map(str, self.problems)))


@dataclass(slots=True)
class Problems:
    """Collects what is wrong with one file while its reader reads on with what it can."""

    file: str
    lines: dict[Path, int] = field(default_factory=dict)
    found: list[Problem] = field(default_factory=list)

    def wrong(self, at: Path, message: str) -> None:
        key = ".".join(str(step) for step in at if not isinstance(step, int))
        self.found.append(Problem(self.file, line_at(at, self.lines), key, message))

    def only(self, content: dict[str, Any], known: Iterable[str], at: Path) -> None:
        for key in content:
            if key not in known:
                self.unknown(known, (*at, key))

    def unknown(self, known: Iterable[str], at: Path) -> None:
        near = difflib.get_close_matches(str(at[-1]), list(known), n=1)
        self.wrong(at, "unknown key" + (f", {near[0]} is meant?" if near else ""))

    def table(self, content: dict[str, Any], key: str, at: Path) -> dict[str, Any]:
        value = content.get(key)
        if isinstance(value, dict):
            return value
        self.wrong((*at, key), "missing" if value is None else "a table is wanted here")
        return {}

    def tables(self, content: dict[str, Any], key: str, at: Path) -> list[dict[str, Any]]:
        value = content.get(key, [])
        if isinstance(value, list) and all(isinstance(row, dict) for row in value):
            return value
        self.wrong((*at, key), "a list of tables is wanted here")
        return []

    def text(self, content: dict[str, Any], key: str, at: Path) -> str:
        value = content.get(key)
        if isinstance(value, str) and value:
            return value
        self.wrong((*at, key), "missing" if value is None else f"{value!r} is not a text")
        return ""
