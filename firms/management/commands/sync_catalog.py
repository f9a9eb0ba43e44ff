"""`manage.py sync_catalog`: load the firms' programs from firms/catalog/, and say what that changes."""

import json
from argparse import ArgumentParser
from collections import Counter
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from firms.catalog_files import CatalogErrors, FirmFile, coverage, read
from firms.catalog_files.merge import Change, What
from firms.catalog_sync import sync

MARKS: dict[What, str] = {"added": "+", "changed": "~", "kept": "=", "conflict": "!"}


class Command(BaseCommand):
    help = (
        "Loads firms and programs from firms/catalog/*.toml. What you edited yourself is kept and listed; "
        "programs are never deleted. Run again, it changes nothing."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--firm", metavar="CODE", help="only this firm, such as TOPSTEP")
        parser.add_argument("--dry-run", action="store_true", help="say what would change, change nothing")
        parser.add_argument(
            "--overwrite", action="store_true", help="take the catalog's even where you edited"
        )
        parser.add_argument(
            "--coverage",
            action="store_true",
            help="list each leaf of the files with the column that takes it",
        )
        parser.add_argument(
            "--json", action="store_true", dest="as_json", help="the same for a program to read"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["coverage"]:
            self._coverage(as_json=options["as_json"])
            return
        try:
            files = read(code=options["firm"])
        except CatalogErrors as errors:
            if options["as_json"]:
                self._print_json({"errors": [str(problem) for problem in errors.problems]})
            raise CommandError(
                f"{errors}\n{_many(len(errors.problems), 'error')}: nothing was loaded"
            ) from errors
        changes: list[Change] = []
        for file in files:
            for change in sync(file, overwrite=options["overwrite"], dry_run=options["dry_run"]):
                changes.append(change)
                if not options["as_json"]:
                    self.stdout.write(_line(change))
        if options["as_json"]:
            self._print_json({**_counts(files, changes), "changes": [change._asdict() for change in changes]})
        else:
            self.stdout.write(_summary(files, changes, dry_run=options["dry_run"]))

    def _coverage(self, *, as_json: bool) -> None:
        leaves = coverage.leaves()
        missing = [leaf for leaf, column in leaves.items() if column is None]
        if as_json:
            self._print_json({"leaves": leaves, "without_a_column": missing})
        else:
            width = max(map(len, leaves))
            for leaf, column in leaves.items():
                self.stdout.write(f"{leaf:<{width}}  {column or 'NO COLUMN'}")
            self.stdout.write(f"{len(leaves)} leaves; leaves without a column: {len(missing)}")
        if missing:
            raise CommandError(f"without a column: {', '.join(missing)}")

    def _print_json(self, value: Any) -> None:
        self.stdout.write(json.dumps(value, indent=2))


def _line(change: Change) -> str:
    mark, old, new = MARKS[change.what], _shown(change.old), _shown(change.new)
    if change.what == "added":
        return f"{mark} {change.program}  {new}"
    if change.what == "changed":
        return f"{mark} {change.program}  {change.where}: {old} → {new}"
    if change.where == "program" and change.new is None:
        return f"{mark} {change.program}  {old}: kept, the catalog has it no longer"
    if change.where == "number":
        return f"{mark} {change.program}  left out: the number is taken by your own program {old!r}"
    why = "kept" if change.what == "kept" else "conflict, kept"
    return f"{mark} {change.program}  {change.where}: {why} as you have it: {old} (catalog: {new})"


def _shown(text: str | None) -> str:
    return "not set" if text in (None, "") else str(text)


def _counts(files: list[FirmFile], changes: list[Change]) -> dict[str, int]:
    """Programs and firms, and how many programs each kind of change concerns."""
    programs = Counter(what for what, _ in {(change.what, change.program) for change in changes})
    return {
        "programs": sum(len(file.entries) for file in files),
        "firms": len(files),
        **{what: programs[what] for what in MARKS},
    }


def _summary(files: list[FirmFile], changes: list[Change], *, dry_run: bool) -> str:
    count = _counts(files, changes)
    parts = [f"{count[what]} {what}" for what in MARKS if count[what]]
    if not count["added"] and not count["changed"]:
        parts.insert(0, "0 changes")
    would = " (dry run: nothing was written)" if dry_run else ""
    loaded = f"{_many(count['programs'], 'program')} of {_many(count['firms'], 'firm')}"
    return f"{loaded}: {', '.join(parts)}{would}"


def _many(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"
