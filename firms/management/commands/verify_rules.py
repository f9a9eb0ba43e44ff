"""`manage.py verify_rules FILE…`: worked cases through the real engine. No database is needed."""

import json
from argparse import ArgumentParser
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from enforcement.worked_cases import Difference, verify


class Command(BaseCommand):
    help = "Runs worked cases through the engine and prints each difference; exit status 1 if there is any."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("files", nargs="+", metavar="FILE", help="JSON: a list of cases.")
        parser.add_argument("--json", action="store_true", help="Differences and totals as JSON.")

    def handle(self, *, files: list[str], json: bool, **_: Any) -> None:
        passed, differences, failed = 0, list[Difference](), set[str]()
        for file in files:
            for number, case in enumerate(_cases(file)):
                found = verify(case)
                differences += found
                if found:
                    failed.add(f"{file}#{number}")
                else:
                    passed += 1
        if json:
            self.stdout.write(_as_json(passed, len(failed), differences))
        else:
            for difference in differences:
                self.stdout.write(_line(difference))
            self.stdout.write(f"{passed} passed, {len(failed)} failed")
        if failed:
            raise SystemExit(1)


def _cases(file: str) -> list[Any]:
    try:
        data = json.loads(Path(file).read_text(encoding="utf-8"), parse_float=Decimal)
    except OSError as error:
        raise CommandError(f"{file} can't be read: {error.strerror}") from error
    except ValueError as error:
        raise CommandError(f"{file} is not JSON: {error}") from error
    cases = data.get("cases") if isinstance(data, dict) else data
    if not isinstance(cases, list) or not all(isinstance(case, dict) for case in cases):
        raise CommandError(f"{file}: a list of cases is expected")
    return cases


def _line(difference: Difference) -> str:
    by = f" by {difference.by}" if difference.by else ""
    return f"{difference.case}: {difference.what} expected {difference.expected}, got {difference.got}{by}"


def _as_json(passed: int, failed: int, differences: list[Difference]) -> str:
    rows = [{name: getattr(row, name) for name in row.__slots__} for row in differences]
    return json.dumps({"passed": passed, "failed": failed, "differences": rows}, default=str, indent=2)
