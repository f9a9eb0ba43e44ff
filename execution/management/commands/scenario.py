"""`manage.py scenario FILE`: a timeline run against a program, as floors, room and decisions move."""

import json
from argparse import ArgumentParser
from importlib import import_module
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from enforcement.instruments import Instrument
from enforcement.program import ProgramTerms
from enforcement.scenario import Step, TimelineError, Turn, run
from execution.instruments import find_instrument
from execution.scenario_file import Problem, Scenario, UnreadableFile, read_csv, read_json
from execution.scenario_plot import svg
from execution.scenario_table import View, as_data, heading, summary, table
from firms.models import Program
from firms.terms import terms_in_force


class Command(BaseCommand):
    help = "Runs a timeline of marks, fills and orders (CSV or JSON, see docs/scenario.md) against a program."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE", help="CSV with a header line, or JSON.")
        parser.add_argument("--program", metavar="FIRM/NUMBER", help="Instead of the file's own rules.")
        parser.add_argument("--plot", metavar="OUT", help="Equity against its floors, as .svg or .png.")
        parser.add_argument("--json", action="store_true", help="The steps as JSON.")

    def handle(self, *, file: str, program: str | None, plot: str | None, json: bool, **_: Any) -> None:
        draw = None if plot is None else _drawing(Path(plot))
        scenario = _read(Path(file))
        terms = scenario.terms if program is None else _terms_of(program)
        if terms is None:
            raise CommandError(
                f"{file} names no rules: give --program FIRM/NUMBER, or rule or terms in JSON."
            )
        steps, notes, lines = _run(file, scenario, terms)
        view = View(terms)
        if json:
            self.stdout.write(_as_json(as_data(view, steps, notes, lines)))
        else:
            self.stdout.write(f"{heading(view)}\n\n{table(view, steps, notes)}\n\n{summary(view, steps)}")
        if plot is not None and draw is not None:
            _write(Path(plot), draw(svg(view, steps)))


def _read(path: Path) -> Scenario:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise CommandError(f"{path} can't be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise CommandError(f"{path} is not UTF-8 text.") from error
    read = read_json if path.suffix.lower() == ".json" else read_csv
    try:
        return read(text, _find)
    except UnreadableFile as error:
        raise _wrong(path, error.problems) from error


def _find(symbol: str) -> Instrument | None:
    """A file with its own rules needs no database, only the symbols that the admin added do."""
    try:
        return find_instrument(symbol)
    except DatabaseError:
        return None


def _wrong(path: str | Path, problems: list[Problem]) -> CommandError:
    lines = "\n".join(f"  {problem}" for problem in problems)
    return CommandError(f"{path} can't be run:\n{lines}")


def _terms_of(code: str) -> ProgramTerms:
    firm, _, number = code.rpartition("/")
    programs = Program.objects.select_related("firm").filter(firm__code=firm.upper())
    try:
        program = programs.filter(number=int(number)).first() if number.isdecimal() else None
    except DatabaseError as error:
        raise CommandError(f"The database can't be read: {error}") from error
    if program is None:
        raise CommandError(f"There is no program {code}: give it as FIRM/NUMBER, such as APEX/1.")
    terms = terms_in_force(program)
    if terms.unavailable is not None:
        raise CommandError(f"{code} can't be used: {terms.unavailable}")
    return terms


def _run(
    file: str, scenario: Scenario, terms: ProgramTerms
) -> tuple[list[Step], list[str], list[int | None]]:
    """The steps, each with the note and the line of its row; closes and resets have neither."""
    try:
        steps = list(run((row.event for row in scenario.rows), terms, scenario.guard, around=scenario.around))
    except TimelineError as error:
        problem = Problem(scenario.rows[error.number].line, error.field_name, error.message)
        raise _wrong(file, [problem]) from error
    rows = iter(scenario.rows)
    own = [None if isinstance(step.event, Turn) else next(rows) for step in steps]
    return steps, [row.note if row else "" for row in own], [row.line if row else None for row in own]


def _drawing(path: Path) -> Any:
    """What makes the file's bytes of an SVG's text; said before anything is computed."""
    if path.suffix.lower() == ".svg":
        return str.encode
    if path.suffix.lower() != ".png":
        raise CommandError(f"--plot writes .svg or .png, not {path.name}.")
    try:
        cairosvg = import_module("cairosvg")
    except (ImportError, OSError) as error:  # the package, or the library it loads
        raise CommandError(
            "A PNG needs the package cairosvg, which isn't installed: pip install cairosvg, or write .svg."
        ) from error
    return lambda text: cairosvg.svg2png(bytestring=text.encode(), scale=2)


def _write(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError as error:
        raise CommandError(f"{path} can't be written: {error.strerror}") from error


def _as_json(data: Any) -> str:
    return json.dumps(data, indent=1)
