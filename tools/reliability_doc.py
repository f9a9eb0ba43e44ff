"""`make docs`: the table of docs/reliability.md, from a run of the tests that it reports (a few minutes)."""

import json
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "reliability.md"
BEGIN = "<!-- From here on made by the tests' own runs: make docs -->\n"
WRITE_TO = "PROPGUARD_WRITE_TABLE"
COLUMNS = ("an entry", "a reduction", "a close")
Row = dict[str, str]


def table(rows: dict[tuple[str, str], Row]) -> str:
    lines = [
        f"| {dependency} | {failure} | {' | '.join(row.get(column, '?') for column in COLUMNS)} |"
        for (dependency, failure), row in sorted(rows.items())
    ]
    head = f"| what fails | how | {' | '.join(COLUMNS)} |\n|{'---|' * (2 + len(COLUMNS))}\n"
    return head + "\n".join(lines) + "\n"


def run() -> dict[tuple[str, str], Row]:
    """Run the tests; what each of them came to. Raises CalledProcessError where one fails."""
    rows: dict[tuple[str, str], Row] = defaultdict(dict)
    with tempfile.TemporaryDirectory() as folder:
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-n",
            "auto",
            "tests/faults/test_closed_for_entries.py",
        ]
        subprocess.run(
            command, cwd=ROOT, env={**os.environ, WRITE_TO: folder, "PROPGUARD_LONG": "1"}, check=True
        )
        for file in Path(folder).iterdir():
            dependency, failure, column, outcome = json.loads(file.read_text())
            rows[dependency, failure][column] = outcome
    return rows


if __name__ == "__main__":
    by_hand, _, _ = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    PAGE.write_text(f"{by_hand}{BEGIN}\n{table(run())}", encoding="utf-8")
