"""The catalog's files, one a firm: read, filled in, and checked as a whole.

`[[program]]` holds what all its sizes share, each `[[program.size]]` what is its own; the keys are the
columns of the admin. A list in a size row fills in the program's rows of the same name (the same kind of
loss limit, the same events of a news rule), or adds to them.
"""

import re
import tomllib
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from firms.catalog_files import places
from firms.catalog_files.entries import Entry, EntryReader
from firms.catalog_files.problems import CatalogErrors, Problem, Problems
from firms.catalog_files.rows import PROGRAM

FOLDER = Path(__file__).parents[1] / "catalog"
_FIRM = ("code", "name", "website")
_CODE = re.compile(r"[A-Z0-9]+")


@dataclass(frozen=True, slots=True)
class FirmFile:
    code: str
    name: str
    website: str
    entries: list[Entry]


def read(folder: Path | None = None, code: str | None = None) -> list[FirmFile]:
    """The catalog's firms, or the one with `code`. Raises CatalogErrors with all that is wrong."""
    folder = folder or FOLDER
    paths = sorted(path for path in folder.glob("*.toml") if code is None or path.stem == code.lower())
    if not paths:
        raise CatalogErrors([Problem(str(folder), 0, code or "*", "the catalog has no such file")])
    firms, found = [], []
    for path in paths:
        problems = Problems(path.name)
        firms.append(_firm(path, problems))
        found += problems.found
    if found:
        raise CatalogErrors(found)
    return [firm for firm in firms if firm is not None]


def content_of(path: Path) -> dict[str, Any]:
    """A file as TOML has it, numbers exact."""
    return tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)


def _firm(path: Path, problems: Problems) -> FirmFile | None:
    try:
        content = content_of(path)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        line = re.search(r"at line (\d+)", str(error))
        problems.found.append(Problem(path.name, int(line[1]) if line else 1, "TOML", str(error)))
        return None
    problems.lines = places.lines_of(path.read_text(encoding="utf-8"))
    problems.only(content, ("firm", PROGRAM), ())
    header = problems.table(content, "firm", ())
    problems.only(header, _FIRM, ("firm",))
    code, name = (problems.text(header, key, ("firm",)) for key in ("code", "name"))
    website = problems.text(header, "website", ("firm",)) if "website" in header else ""
    if code and not (_CODE.fullmatch(code) and code.lower() == path.stem):
        problems.wrong(("firm", "code"), f"{code!r} is not the file's name in capitals and digits")
    reader = EntryReader(problems)
    entries = [
        entry
        for index, program in enumerate(problems.tables(content, PROGRAM, ()))
        for entry in reader.entries(program, (PROGRAM, index))
    ]
    return FirmFile(code, name, website, entries)
