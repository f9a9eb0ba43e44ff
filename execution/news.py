"""Scheduled releases from outside: read, checked as a whole, and stored by name and time.

One door for the admin's upload, `manage.py import_news` and the API. All errors come at once, each with
its row and field; a list with any error stores nothing. Text that a spreadsheet would run as a formula is
refused: what is stored may be exported by somebody some day.
"""

import csv
import io
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from django.db import IntegrityError, transaction
from django.utils import timezone

from enforcement.instruments import Instrument, find
from execution.instruments import extra_instruments
from execution.models import NewsEvent
from firms import audit
from firms.audit import Actor
from firms.models.instrument import GROUPS

COLUMNS = ("name", "at", "impact", "currency", "targets", "source")
REQUIRED = ("name", "at")
MOST_EVENTS = 2000
LARGEST_FILE = 1024 * 1024
_EARLIEST, _LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
_FORMULA = ("=", "+", "-", "@")
_LONGEST, _CURRENCY_LETTERS = 250, 3
_LENGTHS = {"name": 160}  # of the columns; the others hold 250


class RowError(NamedTuple):
    """What can't be used. `row` is the list's own number (a CSV's header is row 1); None: the whole list."""

    row: int | None
    field: str
    code: str
    message: str

    def __str__(self) -> str:
        where = self.field if self.row is None else f"row {self.row}, {self.field}"
        return f"{where}: {self.message}"


class Unusable(ValueError):
    """The list can't be stored; `errors` name every reason."""

    def __init__(self, errors: Iterable[RowError]) -> None:
        self.errors = list(errors)
        super().__init__("; ".join(str(error) for error in self.errors))


class Release(NamedTuple):
    """One event, checked. `targets` are symbols and groups, separated by commas."""

    name: str
    at: datetime
    impact: str
    currency: str
    targets: str
    source: str

    def as_text(self) -> dict[str, str]:
        return {**self._asdict(), "at": self.at.isoformat()}


class Row(NamedTuple):
    number: int
    fields: Mapping[str, Any]


class Stored(NamedTuple):
    """How many were new, had changed, and were known as they are."""

    added: int
    changed: int
    unchanged: int

    def __str__(self) -> str:
        return f"{self.added} added, {self.changed} changed, {self.unchanged} unchanged"


# --- reading --------------------------------------------------------------------------------------------


def read_file(raw: bytes) -> list[Row]:
    """The rows of a CSV with a header, or of a JSON list of objects (or {"events": [...]}). Raises
    Unusable."""
    if len(raw) > LARGEST_FILE:
        raise _whole("too_large", f"it is larger than {LARGEST_FILE // 1024} KiB")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _whole("not_utf8", f"it is not UTF-8 (byte {error.start})") from error
    if "\x00" in text:
        raise _whole("not_text", "it holds a NUL, so it is not text")
    if not text.strip():
        raise _whole("empty", "it is empty")
    return _json_rows(text) if text.lstrip()[0] in "[{" else _csv_rows(text)


def _json_rows(text: str) -> list[Row]:
    try:
        value = json.loads(text, object_pairs_hook=_object)
    except (ValueError, RecursionError) as error:
        raise _whole("malformed", f"it is not JSON: {error}") from error
    if isinstance(value, dict):
        value = value.get("events")
    if not isinstance(value, list):
        raise _whole("malformed", 'it is neither a list of events nor {"events": [...]}')
    return as_rows(value, first=1)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a field is given twice")
    return found


def as_rows(values: Iterable[Any], *, first: int = 0) -> list[Row]:
    """What JSON brings, numbered. Anything but an object is a row that can't be used."""
    return [
        Row(number, value if isinstance(value, Mapping) else {"": value})
        for number, value in enumerate(values, first)
    ]


def _csv_rows(text: str) -> list[Row]:
    lines = csv.reader(io.StringIO(text, newline=""), strict=True, delimiter=_delimiter(text))
    try:
        header = [name.strip().casefold() for name in next(lines)]
        errors = _header_errors(header)
        rows = []
        for number, cells in enumerate(lines, 2):
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) > len(header):
                errors.append(RowError(number, "row", "too_many_cells", "it has more cells than the header"))
            rows.append(Row(number, dict(zip(header, cells, strict=False))))
    except csv.Error as error:
        raise _whole("malformed", f"it is not CSV: {error} (line {lines.line_num})") from error
    if errors:
        raise Unusable(errors)
    return rows


def _delimiter(text: str) -> str:
    """Spreadsheets of half of Europe write semicolons."""
    header = text.lstrip().splitlines()[0]
    return ";" if ";" in header and "," not in header else ","


def _header_errors(header: list[str]) -> list[RowError]:
    errors = [
        RowError(1, name or "header", "unknown_column", f"{name!r} is no column; known: {', '.join(COLUMNS)}")
        for name in header
        if name not in COLUMNS
    ]
    errors += [
        RowError(1, name, "missing_column", f"the column {name} is missing")
        for name in REQUIRED
        if name not in header
    ]
    errors += [
        RowError(1, name, "column_twice", f"the column {name} is given twice")
        for name in COLUMNS
        if header.count(name) > 1
    ]
    return errors


def _whole(code: str, message: str) -> Unusable:
    return Unusable([RowError(None, "file", code, message)])


# --- checking -------------------------------------------------------------------------------------------


def check(rows: Iterable[Row]) -> list[Release]:
    """The rows as releases. Raises Unusable with every error of every row."""
    rows = list(rows)
    if not rows:
        raise _whole("empty", "it holds no event")
    if len(rows) > MOST_EVENTS:
        raise _whole("too_many", f"it holds {len(rows)} events, more than {MOST_EVENTS}")
    extra = extra_instruments()
    errors: list[RowError] = []
    first_rows: dict[tuple[str, datetime], int] = {}
    releases = []
    for row in rows:
        reader = _RowReader(row, extra)
        release = reader.release()
        errors += reader.errors
        if release is None:
            continue
        first = first_rows.setdefault((release.name, release.at), row.number)
        if first != row.number:
            errors.append(
                RowError(row.number, "name", "given_twice", f"the same name and time stand in row {first}")
            )
        releases.append(release)
    if errors:
        raise Unusable(errors)
    return releases


class _RowReader:
    """Reads one row, field by field; `errors` collect what is wrong with it."""

    def __init__(self, row: Row, extra: Mapping[str, Instrument]) -> None:
        self.row, self.extra = row, extra
        self.errors: list[RowError] = []

    def release(self) -> Release | None:
        """The row's release; None where there are errors."""
        for name in self.row.fields:
            if name not in COLUMNS:
                self._wrong(str(name)[:40] or "row", "unknown_field", f"known fields: {', '.join(COLUMNS)}")
        release = Release(
            name=self._required("name"),
            at=self._at(),
            impact=self._impact(),
            currency=self._currency(),
            targets=self._targets(),
            source=self._text("source"),
        )
        return None if self.errors else release

    def _text(self, field: str) -> str:
        return self._plain(field, self.row.fields.get(field))

    def _required(self, field: str) -> str:
        text = self._text(field)
        if not text and not any(error.field == field for error in self.errors):
            self._wrong(field, "required", "it is missing")
        return text

    def _plain(self, field: str, value: object) -> str:
        """One line of text that is nothing but text; "" where it isn't, or isn't there."""
        if value is None:
            return ""
        if not isinstance(value, str):
            return self._wrong(field, "not_text", "it is not text")
        text, longest = value.strip(), _LENGTHS.get(field, _LONGEST)
        if not text.isprintable():
            return self._wrong(field, "unprintable", "it holds a line break, or what can't be shown")
        if text.startswith(_FORMULA):
            return self._wrong(field, "formula", f"it begins with {text[0]}, as a spreadsheet's formula does")
        if len(text) > longest:
            return self._wrong(field, "too_long", f"it has {len(text)} characters, more than {longest}")
        return text

    def _at(self) -> datetime:
        text = self._required("at")
        if not text:
            return _EARLIEST
        try:
            at = datetime.fromisoformat(text)
        except ValueError:
            self._wrong("at", "not_an_instant", f"{text!r} is not like 2026-03-11T08:30:00-04:00 (ISO 8601)")
            return _EARLIEST
        if at.tzinfo is None:
            self._wrong("at", "naive", f"{text!r} has no offset, such as the -04:00 of 08:30:00-04:00")
            return _EARLIEST
        try:
            at = at.astimezone(UTC)
        except (OverflowError, ValueError):
            at = _LATEST
        if not _EARLIEST <= at < _LATEST:
            self._wrong("at", "out_of_range", f"{text!r} is not between 2000 and 2100")
        return at

    def _impact(self) -> str:
        impact = self._text("impact").casefold() or NewsEvent.Impact.HIGH.value
        if impact not in NewsEvent.Impact.values:
            self._wrong(
                "impact", "unknown_impact", f"{impact!r} is none of {', '.join(NewsEvent.Impact.values)}"
            )
        return impact

    def _currency(self) -> str:
        currency = self._text("currency").upper() or "USD"
        if not (len(currency) == _CURRENCY_LETTERS and currency.isascii() and currency.isalpha()):
            self._wrong("currency", "not_a_currency", f"{currency!r} is not three letters, such as USD")
        return currency

    def _targets(self) -> str:
        """Symbols as the instrument table writes them, groups in small letters: a word nobody knows would
        guard nothing."""
        value = self.row.fields.get("targets")
        if isinstance(value, list) and all(isinstance(word, str) for word in value):
            value = ",".join(value)
        known: list[str] = []
        for word in filter(None, (word.strip() for word in self._plain("targets", value).split(","))):
            target = self._target(word)
            if target is None:
                self._wrong(
                    "targets", "unknown_target", f"{word!r} is no known symbol, and no group of products"
                )
            elif target not in known:
                known.append(target)
        return self._plain("targets", ", ".join(known))

    def _target(self, word: str) -> str | None:
        group = word.casefold().replace(" ", "_")
        if group in GROUPS:
            return group
        instrument = find(word, self.extra)
        return None if instrument is None else instrument.symbol

    def _wrong(self, field: str, code: str, message: str) -> str:
        self.errors.append(RowError(self.row.number, field, code, message))
        return ""


# --- storing --------------------------------------------------------------------------------------------


def compare(releases: Iterable[Release]) -> list[tuple[Release, str]]:
    """Each release with what storing it would do: added, changed, or unchanged."""
    releases = list(releases)
    known = _known(releases)
    return [(release, _what_happens(release, known.get((release.name, release.at)))) for release in releases]


@transaction.atomic
def store(releases: Iterable[Release], *, source: str, actor: Actor = None) -> Stored:
    """Store releases by name and time, all or none; `source` says in the audit where they came from.

    One that is not in the list stays as it is: a list of one month does not take away the other months.
    """
    releases = list(releases)
    known, who = _known(releases), audit.known(actor)
    counts = {"added": 0, "changed": 0, "unchanged": 0}
    for release in releases:
        row = known.get((release.name, release.at)) or _added(release, who)
        what = "added" if row is None else _what_happens(release, row)
        if row is not None and what == "changed":
            for name, value in _columns(release).items():
                setattr(row, name, value)
            _save(row, who)
        counts[what] += 1
    stored = Stored(**counts)
    audit.record("news.imported", source, now=timezone.now(), actor=actor, after=str(stored))
    return stored


def _added(release: Release, who: Any) -> NewsEvent | None:
    """Store a release that is not known; None once it is. The row of whoever brought it meanwhile, if
    somebody did."""
    try:
        with transaction.atomic():
            _save(NewsEvent(name=release.name, at=release.at, **_columns(release)), who)
    except IntegrityError:
        return NewsEvent.objects.get(name=release.name, at=release.at)
    return None


def _save(row: NewsEvent, who: Any) -> None:
    """The history would else take a machine with an API key for a user."""
    row._history_user = who  # type: ignore[attr-defined]
    row.save()


def _known(releases: list[Release]) -> dict[tuple[str, datetime], NewsEvent]:
    if not releases:
        return {}
    first, last = min(r.at for r in releases), max(r.at for r in releases)
    return {(row.name, row.at): row for row in NewsEvent.objects.filter(at__range=(first, last))}


def _what_happens(release: Release, row: NewsEvent | None) -> str:
    if row is None:
        return "added"
    return "unchanged" if all(getattr(row, k) == v for k, v in _columns(release).items()) else "changed"


def _columns(release: Release) -> dict[str, str]:
    return {
        "impact": release.impact,
        "currency": release.currency,
        "targets": release.targets,
        "source": release.source,
    }
