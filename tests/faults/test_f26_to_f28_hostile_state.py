"""F26 to F28: a transaction left open, numbers that do not fit, bytes that no text column takes."""

import json
import time
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import Client

from execution.connectors import InDoubt
from execution.models import Signal
from tests.execution.make import entry_signal, make_follower, route, the_entry
from tests.execution.venue import Venue
from tests.make import SECRET, alert, make_source

only_postgres = pytest.mark.skipif("connection.vendor != 'postgresql'", reason="PostgreSQL's time-outs")


@only_postgres
@pytest.mark.django_db(transaction=True)
def test_f26_a_transaction_left_open_is_ended_by_the_database() -> None:
    other = connection.copy()
    other.set_autocommit(False)
    with other.cursor() as cursor:
        cursor.execute("SHOW idle_in_transaction_session_timeout")
        assert cursor.fetchone() == ("5s",)
        cursor.execute("SET idle_in_transaction_session_timeout = '50ms'")
        cursor.execute("SELECT 1")
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and not other.connection.closed:
            time.sleep(0.2)
            try:
                cursor.execute("SELECT 1")
            except OperationalError:
                break
        else:
            pytest.fail("it is still open")
    other.close()


@only_postgres
@pytest.mark.django_db
@pytest.mark.parametrize(("name", "value"), [("lock_timeout", "2s"), ("statement_timeout", "10s")])
def test_f26_no_statement_waits_for_ever(name: str, value: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SHOW {name}")
        assert cursor.fetchone() == (value,)


def post(body: bytes) -> int:
    client = Client(raise_request_exception=False)
    return int(client.post("/api/v1/webhooks/tv/", body, content_type="application/json").status_code)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"contracts": 2**31}, id="a size beyond 32 bits"),
        pytest.param({"contracts": 2**63}, id="a size beyond 64 bits"),
        pytest.param({"contracts": "9" * 400}, id="a size of 400 digits"),
        pytest.param({"entry_price": "1e30"}, id="a price beyond the column"),
        pytest.param({"alert_id": "7" * 5000}, id="an id of 5,000 characters"),
    ],
)
def test_f27_a_number_that_fits_nowhere_is_refused_or_stored_as_unusable(fields: dict[str, Any]) -> None:
    make_source()
    status = post(json.dumps(alert(**fields)).encode())
    assert status in (202, 400)
    if status == 202:
        assert Signal.objects.get().size == "unusable"


@pytest.mark.django_db
@pytest.mark.parametrize("text", ["NY\\u0000AM", "NY\\ud800AM"], ids=["NUL", "half a surrogate pair"])
def test_f28_bytes_that_no_text_column_takes_are_kept_as_they_came(text: str) -> None:
    source = make_source()
    body = f'{{"secret": "{SECRET}", "action": "close", "symbol": "NQ1!", "comment": "{text}"}}'.encode()
    assert post(body) in (202, 400)
    for signal in Signal.objects.filter(source=source):
        assert text.encode() in bytes(signal.body)


@pytest.mark.django_db
def test_f28_a_venue_that_answers_with_them_leaves_its_order_in_doubt_and_readable(
    venue: Venue, clock: object
) -> None:
    source, account = make_follower(source=make_source())
    venue.fails("submit", InDoubt("no \0 answer \ud800" + "x" * 5000))
    route(entry_signal(source))
    order = the_entry(account)
    assert order.status == "unknown"
    assert order.note.startswith("no \N{REPLACEMENT CHARACTER} answer ?x")
    assert len(order.note) <= 1000
