"""Intake beside busy writers: it waits a second at most, says Busy, and loses nothing. A real clock and file."""

import json
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from execution import prompt
from execution.models import Signal, SignalChunk, SignalSource
from execution.prompt import PATIENCE_SECONDS, Busy
from tests.execution.make import accept_alert
from tests.make import alert, make_account, make_route, make_source

pytestmark = pytest.mark.django_db(transaction=True)
only_sqlite = pytest.mark.skipif("connection.vendor != 'sqlite'", reason="SQLite's file lock")


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prompt, "_starved", False)


@contextmanager
def locked_file() -> Iterator[None]:
    """Somebody else holds SQLite's one write lock."""
    other = sqlite3.connect(str(connection.settings_dict["NAME"]), isolation_level=None, timeout=5)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.execute("ROLLBACK")
        other.close()


@only_sqlite
def test_a_locked_file_is_busy_after_a_second_and_then_at_once_until_a_write_gets_through() -> None:
    source = make_source()
    with locked_file():
        assert PATIENCE_SECONDS <= seconds_until_busy(source) < 2
        assert seconds_until_busy(source) < 0.5  # one try only
    assert not accept_alert(source).is_duplicate
    with locked_file():
        assert seconds_until_busy(source, contracts=3) >= PATIENCE_SECONDS  # patient again
    assert Signal.objects.count() == 1


def seconds_until_busy(source: SignalSource, **fields: Any) -> float:
    started = time.monotonic()
    with pytest.raises(Busy):
        accept_alert(source, **fields)
    return time.monotonic() - started


@only_sqlite
def test_a_lock_that_is_let_go_within_the_second_is_waited_for() -> None:
    source = make_source()
    taken, let_go = threading.Event(), threading.Event()

    def hold() -> None:
        with locked_file():
            taken.set()
            let_go.wait(5)

    holder = threading.Thread(target=hold)
    holder.start()
    assert taken.wait(5)
    threading.Timer(0.2, let_go.set).start()
    assert not accept_alert(source).is_duplicate
    holder.join()


@only_sqlite
def test_the_webhook_answers_503_in_time_and_recovers() -> None:
    make_source()

    def post() -> Any:
        body = json.dumps(alert())
        return Client(raise_request_exception=False).post(
            "/api/v1/webhooks/tv/", body, content_type="application/json"
        )

    started = time.monotonic()
    with locked_file():
        response = post()
    assert (response.status_code, time.monotonic() - started < 2) == (503, True)
    assert int(response["Retry-After"]) >= 1
    assert response.json()["code"]
    assert post().status_code == 202
    assert Signal.objects.count() == 1


def test_eight_senders_at_once_lose_nothing() -> None:
    source = make_source()
    make_route(source, make_account())
    failures: list[BaseException] = []

    def send(number: int) -> None:
        try:
            for turn in range(5):
                accept_alert(source, alert_id=f"{number}-{turn}")
        except BaseException as error:  # noqa: BLE001 - told by the main thread
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=send, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (failures, Signal.objects.count(), SignalChunk.objects.count()) == ([], 40, 40)
