"""Canonical text: equal values give equal bytes, in any process."""

import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path

import pytest

from enforcement.program import Automation
from enforcement.replay import canonical_text, decimal_text, digest
from tests.enforcement.make import NY_AM, daily_floor, make_guard, make_terms

pytestmark = pytest.mark.core

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("5", "5"), ("5.0000", "5"), ("5E+3", "5000"), ("0.10", "0.1"), ("-0.50", "-0.5"), ("0", "0"),
        ("-0", "0"), ("-0.000", "0"), ("0E-10", "0"), ("100", "100"), ("0.0000005", "0.0000005"),
    ],
)  # fmt: skip
def test_a_number_has_one_text(number: str, text: str) -> None:
    assert decimal_text(Decimal(number)) == text


def test_values_are_written_as_words_and_plain_numbers() -> None:
    value = {
        "b": Decimal("5.00"), "a": (Automation.AUTO, None, True, 3), "day": date(2026, 3, 4), "at": time(17),
        "now": datetime(2026, 3, 4, 17, tzinfo=UTC), "é": "ü",
    }  # fmt: skip
    assert canonical_text(value) == (
        '{"a":["auto",null,true,3],"at":"17:00:00","b":"5","day":"2026-03-04",'
        '"now":"2026-03-04T17:00:00+00:00","\\u00e9":"\\u00fc"}'
    )


def test_a_floor_is_written_with_every_field() -> None:
    assert canonical_text(daily_floor(1000)) == (
        '{"amount":"1000","anchor":"day_start_balance","boundary":"at","consequence":"soft",'
        '"kind":"daily_loss","lock_at":null,"share":null,"share_of":"initial"}'
    )


def test_equal_terms_give_equal_text_however_they_were_written() -> None:
    written = make_terms(starting_balance=Decimal("50000.0000"), max_contracts=Decimal("10.0"))
    assert canonical_text(written) == canonical_text(make_terms())


def test_every_change_of_terms_or_guard_changes_the_digest() -> None:
    terms = make_terms()
    changed = [
        terms,
        replace(terms, max_contracts=Decimal("10.1")),
        replace(terms, max_contracts=None),
        replace(terms, allowed_sessions=()),
        replace(terms, allowed_sessions=(NY_AM,)),
        replace(terms, floors=(daily_floor(999),)),
        replace(terms, stop_required=True),
        replace(terms, unavailable="gone"),
        make_guard(),
        make_guard(floor_buffer=1),
    ]
    assert len({digest(canonical_text(value)) for value in changed}) == len(changed)


def test_another_process_writes_the_same_bytes() -> None:
    """Python's hashes differ from process to process; the text must not."""
    code = (
        "from tests.enforcement.make import make_guard, make_terms\n"
        "from enforcement.replay import canonical_text, digest\n"
        "print(digest(canonical_text({'program': make_terms(), 'guard': make_guard()})))"
    )
    here = digest(canonical_text({"program": make_terms(), "guard": make_guard()}))
    environment = {**os.environ, "PYTHONHASHSEED": "4242"}
    there = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert there.stdout.strip() == here
