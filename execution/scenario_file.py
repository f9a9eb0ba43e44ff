"""A scenario's file, CSV or JSON, as a timeline: all that is wrong with it is said at once.

The format is described in docs/scenario.md; EVENTS is its table.
"""

import csv
import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from json.decoder import JSONObject  # type: ignore[attr-defined]
from json.scanner import py_make_scanner  # type: ignore[attr-defined]
from typing import Any, NamedTuple

from enforcement.account import CashFlow
from enforcement.calendar import zone_named
from enforcement.context import NewsEvent
from enforcement.instruments import Instrument
from enforcement.orders import OrderIntent, Side
from enforcement.program import GuardPolicy, ProgramTerms
from enforcement.replay import Unreadable, read_object
from enforcement.scenario import NOTHING_ELSE, Event, Fill, Look, Mark, MoveStop, Order, Payout, Surroundings
from enforcement.snapshots import CaseError, terms_of

Find = Callable[[str], Instrument | None]


class Columns(NamedTuple):
    """What a row of one kind must say, and may say, besides `at`, `event` and `note`."""

    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()


EVENTS: Mapping[str, Columns] = {
    "mark": Columns((), ("balance", "equity", "symbol", "price")),
    "fill": Columns(
        ("symbol", "side", "quantity", "price"), ("stop", "commission", "balance", "equity")
    ),
    "stop": Columns(("symbol",), ("stop",)),
    "order": Columns(
        ("symbol", "side"), ("quantity", "entry", "stop", "target", "session", "commission")
    ),
    "exit": Columns(("symbol", "side"), ("quantity", "session")),
    "payout_requested": Columns(("amount",)),
    "payout": Columns(("amount",)),
    "look": Columns(),
}  # fmt: skip
ALWAYS = ("at", "event", "note")
_TEXTS = frozenset({*ALWAYS, "symbol", "side", "session"})
_KNOWN = frozenset(ALWAYS).union(*(columns.required + columns.optional for columns in EVENTS.values()))
_POSITIVE = frozenset({"quantity", "amount"})
DEFAULT_GUARD = GuardPolicy()
LARGEST = Decimal(10) ** 15
_YEARS = range(2000, 2100)
_PARTS = ("rule", "terms", "guard", "news", "live", "timeline")


class Problem(NamedTuple):
    """One thing that is wrong; `line` counts from 1, `field` is "" where it concerns the whole line."""

    line: int
    field: str
    message: str

    def __str__(self) -> str:
        return (
            f"line {self.line}: {self.field}: {self.message}"
            if self.field
            else f"line {self.line}: {self.message}"
        )


class UnreadableFile(ValueError):
    """Every problem of a file, by line."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = sorted(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class Row(NamedTuple):
    """One line of the timeline."""

    line: int
    event: Event
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A file's content; `terms` is None where it names no rules."""

    rows: tuple[Row, ...]
    terms: ProgramTerms | None = None
    guard: GuardPolicy = DEFAULT_GUARD
    around: Surroundings = NOTHING_ELSE


def read_csv(text: str, find: Find) -> Scenario:
    """A timeline with a header line. Raises UnreadableFile with all that is wrong."""
    reader = csv.reader(io.StringIO(text))
    names = [cell.strip().lower() for cell in next(reader, [])]
    problems = [Problem(1, name, "there is no such column") for name in names if name not in _KNOWN]
    problems += [Problem(1, name, "the column is missing") for name in ("at", "event") if name not in names]
    problems += [
        Problem(1, name, "the column is there twice") for name in set(names) if names.count(name) > 1
    ]
    if problems:
        raise UnreadableFile(problems)
    lines = []
    for cells in reader:
        if any(cell.strip() for cell in cells):
            if len(cells) > len(names):
                problems.append(
                    Problem(reader.line_num, "", f"{len(cells)} cells under {len(names)} columns")
                )
            lines.append((reader.line_num, dict(zip(names, map(str.strip, cells), strict=False))))
    return Scenario(rows=_rows(lines, find, problems))


def read_json(text: str, find: Find) -> Scenario:
    """A list of rows, or an object with `timeline` and, beside it, what it runs against: `rule` (short, as
    in worked cases) or `terms` (all of a program's fields), `guard`, `news`, `live`."""
    try:
        data = _WithLines(text).decode(text)
    except json.JSONDecodeError as error:
        raise UnreadableFile([Problem(error.lineno, "", f"not JSON: {error.msg}")]) from error
    data = {"timeline": data} if isinstance(data, list) else data
    if not isinstance(data, dict) or not isinstance(data.get("timeline"), list):
        raise UnreadableFile([Problem(1, "timeline", "a list of rows is expected")])
    problems = [Problem(1, name, "there is no such part") for name in data if name not in _PARTS]
    if "rule" in data and "terms" in data:
        problems.append(Problem(1, "rule", "either rule or terms, not both"))
    terms = _terms(data, problems)
    guard = _part(GuardPolicy, data, "guard", problems) if "guard" in data else DEFAULT_GUARD
    if not isinstance(data.get("live", False), bool):
        problems.append(Problem(1, "live", "true or false is expected"))
    around = Surroundings(news=_news(data, problems), live=data.get("live", False) is True)
    lines = []
    for number, row in enumerate(data["timeline"]):
        if isinstance(row, dict):
            lines.append((_line_of(row), row))
        else:
            problems.append(Problem(1, f"timeline.{number}", f"{row!r} is not an object"))
    rows = _rows(lines, find, problems)
    return Scenario(rows=rows, terms=terms, guard=guard, around=around)


# --- rows ---------------------------------------------------------------------------------------------


def _rows(lines: list[tuple[int, dict[str, Any]]], find: Find, problems: list[Problem]) -> tuple[Row, ...]:
    rows = []
    last: datetime | None = None
    for line, cells in lines:
        cells = {name: value for name, value in cells.items() if value not in ("", None)}
        row = _RowReader(line, cells, find, problems)
        event = row.event()
        if row.at is not None:
            if last is not None and row.at < last:
                row.says("at", "it is earlier than the row before")
            last = row.at
        if event is not None:
            rows.append(Row(line, event, str(cells.get("note", ""))))
    if not lines and not problems:
        problems.append(Problem(1, "timeline", "there are no rows"))
    if problems:
        raise UnreadableFile(problems)
    return tuple(rows)


class _RowReader:
    """Reads one row, and goes on after each problem."""

    def __init__(self, line: int, cells: Mapping[str, Any], find: Find, problems: list[Problem]) -> None:
        self.line, self.cells, self.find, self.problems = line, cells, find, problems
        self.at = self._instant()

    def says(self, field: str, message: str) -> None:
        self.problems.append(Problem(self.line, field, message))

    def event(self) -> Event | None:
        """The row's event; None where something is wrong with it, which has been said."""
        before = len(self.problems)
        kind = str(self.cells.get("event", "")).lower()
        columns = EVENTS.get(kind)
        if columns is None:
            self.says("event", f"{kind!r} is not one of {', '.join(EVENTS)}" if kind else "it is missing")
            return None
        for name in columns.required:
            if name not in self.cells:
                self.says(name, f"a {kind} needs it")
        for name in self.cells:
            if name not in (*ALWAYS, *columns.required, *columns.optional):
                self.says(name, f"a {kind} has none" if name in _KNOWN else "there is no such field")
        numbers = {name: self._number(name) for name in self.cells if name in _KNOWN - _TEXTS}
        side, instrument = self._side(), self._instrument(is_needed=kind not in ("order", "exit"))
        if kind == "mark":
            self._check_mark()
        if self.at is None or len(self.problems) > before:
            return None
        return _made(kind, self.at, self.cells, numbers, side, instrument)

    def _check_mark(self) -> None:
        if ("symbol" in self.cells) != ("price" in self.cells):
            self.says("price", "symbol and price belong together")
        elif not self.cells.keys() & {"balance", "equity", "price"}:
            self.says("balance", "a mark says balance, equity, or symbol and price")

    def _instant(self) -> datetime | None:
        text = self.cells.get("at")
        if text is None:
            self.says("at", "it is missing")
            return None
        try:
            at = datetime.fromisoformat(str(text))
            if at.tzinfo is not None and at.year in _YEARS:
                return at.astimezone(UTC)
        except ValueError:
            self.says("at", f"{text!r} is not a time such as 2026-09-14T09:30:00-04:00")
        else:
            wrong = (
                "is out of range" if at.tzinfo else "has no offset: 2026-09-14T09:30:00-04:00, or Z for UTC"
            )
            self.says("at", f"{text!r} {wrong}")
        return None

    def _instrument(self, *, is_needed: bool) -> Instrument | None:
        """An order in a symbol nobody knows is asked all the same: the rules have an answer to it."""
        symbol = str(self.cells.get("symbol", ""))
        instrument = self.find(symbol) if symbol else None
        if symbol and instrument is None and is_needed:
            self.says("symbol", f"{symbol!r} is not known")
        return instrument

    def _side(self) -> Side | None:
        word = str(self.cells.get("side", "")).lower()
        if word in list(Side):
            return Side(word)
        if word:
            self.says("side", f"{word!r} is not buy or sell")
        return None

    def _number(self, name: str) -> Decimal | None:
        value = self.cells[name]
        number = None if isinstance(value, bool) else _exact(value)
        if number is None:
            self.says(name, f"{value!r} is not a number")
        elif name in _POSITIVE and number <= 0:
            self.says(name, f"{value} is not above 0")
        elif name == "commission" and number < 0:
            self.says(name, f"{value} is below 0")
        return number


def _made(
    kind: str,
    at: datetime,
    cells: Mapping[str, Any],
    numbers: Mapping[str, Any],
    side: Side | None,
    instrument: Instrument | None,
) -> Event:
    """The event of a row in which everything is there and sound."""
    if kind == "mark":
        money = {name: numbers[name] for name in ("balance", "equity") if name in numbers}
        prices = {} if instrument is None else {instrument: numbers["price"]}
        return Mark(at=at, prices=prices, **money)
    if kind == "fill" and instrument is not None and side is not None:
        return Fill(at=at, instrument=instrument, **{**numbers, "quantity": side.sign * numbers["quantity"]})
    if kind == "stop" and instrument is not None:
        return MoveStop(at=at, instrument=instrument, stop=numbers.get("stop"))
    if side is not None:
        intent = OrderIntent(
            symbol=str(cells["symbol"]),
            side=side,
            signalled_at=at,
            instrument=instrument,
            quantity=numbers.get("quantity"),
            entry_price=numbers.get("entry"),
            stop_loss=numbers.get("stop"),
            target=numbers.get("target"),
            session=cells.get("session"),
            commission=numbers.get("commission"),
            reduces=kind == "exit",
        )
        return Order(at=at, intent=intent)
    if kind in _FLOWS:
        return Payout(at=at, flow=_FLOWS[kind], amount=numbers["amount"])
    return Look(at=at)


_FLOWS = {"payout": CashFlow.PAYOUT_PAID, "payout_requested": CashFlow.PAYOUT_REQUESTED}


def _exact(value: object) -> Decimal | None:
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number) < LARGEST else None


# --- what it runs against -----------------------------------------------------------------------------


def _terms(data: Mapping[str, Any], problems: list[Problem]) -> ProgramTerms | None:
    terms: ProgramTerms | None = None
    if "terms" in data:
        terms = _part(ProgramTerms, data, "terms", problems)
    elif "rule" in data:
        try:
            terms = terms_of({"firm": "", "timeline": data["timeline"], "rule": data["rule"]})
        except (CaseError, KeyError, ValueError, TypeError, AttributeError, ArithmeticError) as error:
            what = f"{error} is missing" if isinstance(error, KeyError) else str(error)
            problems.append(Problem(_line_of(data["rule"]), "rule", what))
    if terms is not None:
        for name in ("zone", "close_zone"):
            zone = getattr(terms.day, name)
            if zone is not None and not _is_zone(zone):
                problems.append(
                    Problem(_line_of(data.get("terms")), f"day.{name}", f"{zone!r} is no time zone")
                )
    return terms


def _is_zone(name: str) -> bool:
    try:
        zone_named(name)
    except (KeyError, ValueError, OSError):
        return False
    return True


def _part(kind: Any, data: Mapping[str, Any], name: str, problems: list[Problem]) -> Any:
    try:
        return read_object(kind, data[name])
    except Unreadable as error:
        for path, message in error.problems.items():
            problems.append(Problem(_line_at(data[name], path), f"{name}.{path}".rstrip("."), message))
    return None


def _news(data: Mapping[str, Any], problems: list[Problem]) -> tuple[NewsEvent, ...]:
    written = data.get("news", [])
    if not isinstance(written, list):
        problems.append(Problem(1, "news", "a list of releases is expected"))
        return ()
    events = []
    for number, row in enumerate(written):
        part = {f"news.{number}": row}
        event = _part(NewsEvent, part, f"news.{number}", problems)
        if event is not None and event.at.tzinfo is None:
            problems.append(Problem(_line_of(row), f"news.{number}.at", "it has no offset"))
        elif event is not None:
            events.append(event)
    return tuple(events)


# --- lines of a JSON file -----------------------------------------------------------------------------


class _Lined(dict[str, Any]):
    """An object of a JSON file that knows its line."""

    line = 1


class _WithLines(json.JSONDecoder):
    """Reads numbers exactly, and objects with the line they begin on."""

    def __init__(self, text: str) -> None:
        super().__init__(parse_float=Decimal, parse_constant=str)
        self.parse_object = self._lined(text)
        self.scan_once = py_make_scanner(self)

    @staticmethod
    def _lined(text: str) -> Callable[..., tuple[_Lined, int]]:
        def parse(at: tuple[str, int], *rest: Any) -> tuple[_Lined, int]:
            pairs, end = JSONObject(at, *rest)
            found = _Lined(pairs)
            found.line = text.count("\n", 0, at[1]) + 1
            return found, end

        return parse


def _line_of(written: object) -> int:
    return written.line if isinstance(written, _Lined) else 1


def _line_at(written: Any, path: str) -> int:
    """The line of the innermost object on the way to a path such as floors.0.amount."""
    line = _line_of(written)
    for step in path.split("."):
        if isinstance(written, list) and step.isdigit():
            written = written[int(step)]
        elif isinstance(written, dict) and step in written:
            written = written[step]
        else:
            break
        line = written.line if isinstance(written, _Lined) else line
    return line
