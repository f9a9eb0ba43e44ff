"""Scheduled releases from files: checked as a whole, every error named, stored by name and time."""

import json
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from execution import news
from execution.models import NewsEvent
from execution.news import RowError, Unusable, check, read_file, store
from firms.models import AuditEntry, Instrument
from firms.reference_data import load

pytestmark = pytest.mark.django_db
CPI = {"name": "US CPI", "at": "2026-03-11T08:30:00-04:00"}
CSV = """name,at,impact,currency,targets,source
US CPI,2026-03-11T08:30:00-04:00,high,USD,"NQ, equity index",https://www.bls.gov
ECB rate decision,2026-03-12T14:15:00+01:00,,eur,,
"""


def events(*rows: dict[str, Any]) -> bytes:
    return json.dumps(list(rows)).encode()


def errors_of(raw: bytes) -> list[tuple[int | None, str, str]]:
    with pytest.raises(Unusable) as caught:
        check(read_file(raw))
    return [(error.row, error.field, error.code) for error in caught.value.errors]


# --- what is taken --------------------------------------------------------------------------------------


def test_a_csv_with_a_header_is_read() -> None:
    cpi, ecb = check(read_file(CSV.encode()))
    assert cpi == news.Release(
        "US CPI", datetime(2026, 3, 11, 12, 30, tzinfo=UTC), "high", "USD", "NQ, equity_index",
        "https://www.bls.gov",
    )  # fmt: skip
    assert (ecb.at, ecb.impact, ecb.currency, ecb.targets) == (
        datetime(2026, 3, 12, 13, 15, tzinfo=UTC), "high", "EUR", "",
    )  # fmt: skip


@pytest.mark.parametrize(
    "raw",
    [
        events(CPI),
        json.dumps({"events": [CPI]}).encode(),
        b"\xef\xbb\xbfname,at\r\nUS CPI,2026-03-11T08:30:00-04:00\r\n",
        b"Name ; AT\nUS CPI;2026-03-11T12:30:00Z\n",
        b"name,at\n\nUS CPI,2026-03-11T12:30Z\n ,\n",
    ],
    ids=["a JSON list", "a JSON object", "a spreadsheet's CSV", "semicolons", "empty rows"],
)
def test_the_same_event_in_every_shape(raw: bytes) -> None:
    [release] = check(read_file(raw))
    assert (release.name, release.at) == ("US CPI", datetime(2026, 3, 11, 12, 30, tzinfo=UTC))


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("NQ1!", "NQ"),
        (["MNQ", "ES"], "MNQ, ES"),
        ("Energy, energy", "energy"),
        ("own", "OWN"),
        ("", ""),
    ],
    ids=["a chart's spelling", "a list", "a group, twice", "a symbol of the database", "none"],
)
def test_targets_are_symbols_and_groups(given: Any, kept: str) -> None:
    load()
    Instrument.objects.create(
        symbol="OWN", name="Own", tick_size=1, tick_value=1, family="OWN", group="other"
    )
    assert check(read_file(events({**CPI, "targets": given})))[0].targets == kept


# --- what is refused --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "field", "code"),
    [
        ({"at": "2026-03-11T08:30:00"}, "at", "naive"),
        ({"at": "2026-03-11"}, "at", "naive"),
        ({"at": "tomorrow"}, "at", "not_an_instant"),
        ({"at": "0001-01-01T00:00:00+14:00"}, "at", "out_of_range"),
        ({"at": "2126-01-01T00:00:00Z"}, "at", "out_of_range"),
        ({"at": 1773232200}, "at", "not_text"),
        ({"at": None}, "at", "required"),
        ({"name": "  "}, "name", "required"),
        ({"name": "x" * 161}, "name", "too_long"),
        ({"name": "US\nCPI"}, "name", "unprintable"),
        ({"name": "US \u202eIPC"}, "name", "unprintable"),
        ({"name": "\ud800"}, "name", "unprintable"),
        ({"name": "=HYPERLINK(1)"}, "name", "formula"),
        ({"name": "+1"}, "name", "formula"),
        ({"name": "@SUM(A1)"}, "name", "formula"),
        ({"source": "-2+3"}, "source", "formula"),
        ({"impact": "huge"}, "impact", "unknown_impact"),
        ({"currency": "US"}, "currency", "not_a_currency"),
        ({"currency": "US１"}, "currency", "not_a_currency"),
        ({"targets": "NQ, NASDAK"}, "targets", "unknown_target"),
        ({"targets": {"NQ": 1}}, "targets", "not_text"),
        ({"colour": "red"}, "colour", "unknown_field"),
    ],
    ids=[
        "a time without offset", "a date", "a word", "before every calendar", "in a hundred years", "a number",
        "no time", "no name", "a name too long", "a name of two lines", "a name written backwards",
        "half a character", "a formula", "a sum", "an old formula", "a difference", "an unknown impact",
        "two letters", "a digit of another script", "a symbol nobody knows", "targets as an object",
        "a field nobody knows",
    ],
)  # fmt: skip
def test_what_can_not_be_used_is_named_with_row_and_field(
    fields: dict[str, Any], field: str, code: str
) -> None:
    assert errors_of(events(CPI, {**CPI, **fields})) in (
        [(2, field, code)],
        [(2, field, code), (2, "name", "given_twice")],
    )


def test_all_errors_of_all_rows_come_at_once() -> None:
    raw = b"name,at,impact\nUS CPI,2026-03-11T08:30:00,high\n,2026-03-11T08:30:00Z,loud\n"
    assert errors_of(raw) == [(2, "at", "naive"), (3, "name", "required"), (3, "impact", "unknown_impact")]


def test_an_event_given_twice_is_refused_whatever_its_zone() -> None:
    again = {**CPI, "at": "2026-03-11T12:30:00Z"}
    assert errors_of(events(CPI, again)) == [(2, "name", "given_twice")]


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "empty"),
        (b"name,at\n", "empty"),
        (b"[]", "empty"),
        (b"[{]", "malformed"),
        (b'{"events": 1}', "malformed"),
        (b'[{"name": "a", "name": "b"}]', "malformed"),
        (b"\xff\xfe", "not_utf8"),
        (b"name,at\n\x00,", "not_text"),
        (b'name,at\n"US CPI', "malformed"),
        (b"[" * 5000, "malformed"),
        (b"name," + b"x" * news.LARGEST_FILE, "too_large"),
    ],
    ids=[
        "nothing", "a header", "an empty list", "broken JSON", "no list", "a field twice", "not UTF-8",
        "a NUL", "a quote that never ends", "nested without end", "a megabyte",
    ],
)  # fmt: skip
def test_what_is_no_list_of_events_is_refused_whole(raw: bytes, code: str) -> None:
    assert errors_of(raw) == [(None, "file", code)]


def test_a_header_has_to_be_known_and_whole() -> None:
    assert errors_of(b"title,at,at\nUS CPI,x,y\n") == [
        (1, "title", "unknown_column"), (1, "name", "missing_column"), (1, "at", "column_twice"),
    ]  # fmt: skip


def test_a_row_longer_than_its_header_is_refused() -> None:
    raw = b"name,at\nUS CPI,2026-03-11T12:30:00Z,high\n"
    assert errors_of(raw) == [(2, "row", "too_many_cells")]


def test_more_events_than_a_calendar_has_are_refused() -> None:
    rows = [{"name": f"n{n}", "at": CPI["at"]} for n in range(news.MOST_EVENTS + 1)]
    assert errors_of(events(*rows)) == [(None, "file", "too_many")]


def test_a_row_that_is_no_object_is_an_error_of_that_row() -> None:
    assert (2, "row", "unknown_field") in errors_of(json.dumps([CPI, "US CPI"]).encode())


def test_an_error_says_where_it_is() -> None:
    assert str(RowError(3, "at", "required", "it is missing")) == "row 3, at: it is missing"
    assert str(RowError(None, "file", "empty", "it is empty")) == "file: it is empty"


# --- storing ----------------------------------------------------------------------------------------------


def test_a_second_import_changes_what_has_changed_and_doubles_nothing() -> None:
    assert store(check(read_file(CSV.encode())), source="file a.csv") == (2, 0, 0)
    changed = CSV.replace("high", "medium").replace("https://www.bls.gov", "bls")
    assert store(check(read_file(changed.encode())), source="file b.csv") == (0, 1, 1)
    event = NewsEvent.objects.get(name="US CPI")
    assert (event.impact, event.source) == ("medium", "bls")
    assert event.history.count() == 2
    assert [entry.after for entry in AuditEntry.objects.filter(action="news.imported").order_by("pk")] == [
        "2 added, 0 changed, 0 unchanged", "0 added, 1 changed, 1 unchanged",
    ]  # fmt: skip


def test_what_the_list_does_not_hold_stays() -> None:
    store(check(read_file(CSV.encode())), source="a")
    store(check(read_file(events({**CPI, "name": "US PPI"}))), source="b")
    assert NewsEvent.objects.count() == 3


def test_a_preview_says_what_would_happen_and_stores_nothing() -> None:
    store(check(read_file(CSV.encode())), source="a")
    releases = check(read_file(CSV.replace("eur", "USD").encode() + b"US PPI,2026-03-13T12:30:00Z,,,,\n"))
    assert [what for _, what in news.compare(releases)] == ["unchanged", "changed", "added"]
    assert NewsEvent.objects.count() == 2


def test_an_imported_symbol_stands_for_its_family() -> None:
    store(check(read_file(CSV.encode())), source="a")
    assert NewsEvent.objects.get(name="US CPI").to_core().targets >= {"NQ", "MNQ", "equity_index"}


# --- the command ------------------------------------------------------------------------------------------


def test_the_command_imports_a_file(tmp_path: Path) -> None:
    file = tmp_path / "march.csv"
    file.write_text(CSV)
    out = StringIO()
    call_command("import_news", str(file), "--dry-run", stdout=out)
    assert "added      2026-03-11 12:30:00Z US CPI" in out.getvalue()
    assert not NewsEvent.objects.exists()
    call_command("import_news", str(file), stdout=out)
    assert "2 added, 0 changed, 0 unchanged" in out.getvalue()
    assert AuditEntry.objects.get().subject == "file march.csv"


def test_the_command_names_every_error_and_stores_nothing(tmp_path: Path) -> None:
    file = tmp_path / "march.csv"
    file.write_text("name,at\nUS CPI,2026-03-11T08:30\n,2026-03-11T08:30Z\n")
    with pytest.raises(
        CommandError, match=r"2 errors:\n  row 2, at: .* has no offset.*\n  row 3, name: it is missing"
    ):
        call_command("import_news", str(file))
    with pytest.raises(CommandError, match="can't be read"):
        call_command("import_news", str(tmp_path / "none.csv"))
    assert not NewsEvent.objects.exists()
