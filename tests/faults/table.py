"""The table of docs/reliability.md: made from the very runs it reports, and compared with them ever after."""

import json
import os
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from uuid import uuid4

from tools.reliability_doc import COLUMNS, PAGE, WRITE_TO


def reported(case: tuple[str, str], column: str, outcome: str) -> None:
    """Compare what a run came to with the page; or leave it for `make docs`, which asks for it."""
    folder = os.environ.get(WRITE_TO)
    if folder:
        Path(folder, f"{uuid4().hex}.json").write_text(json.dumps([*case, column, outcome]))
    else:
        assert _table().get(case, {}).get(column) == outcome, (
            "docs/reliability.md says otherwise: run `make docs`"
        )


@cache
def _table() -> Mapping[tuple[str, str], dict[str, str]]:
    return {
        (dependency, failure): dict(zip(COLUMNS, outcomes, strict=True))
        for dependency, failure, *outcomes in _rows(PAGE.read_text(encoding="utf-8"))
    }


def _rows(text: str) -> Iterator[list[str]]:
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("|") and len(cells) == 2 + len(COLUMNS):
            yield cells
