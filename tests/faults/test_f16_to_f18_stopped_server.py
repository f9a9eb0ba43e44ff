"""F16 to F18 on a real server that is stopped hard: at intake, in a decision, before an answer is saved."""

import signal as signals
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from django.db import connection

from execution.models import Signal
from tests.execution.make import entry_signal, make_follower
from tests.faults.workers import Web, Worker
from tests.make import make_source

if TYPE_CHECKING:
    from tests.faults.server import OwnServer

pytestmark = [
    pytest.mark.process,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no server"),
]
DECIDED = "SELECT (SELECT count(*) FROM execution_decision), (SELECT count(*) FROM execution_order)"


@pytest.fixture
def signal(own_folder: Path) -> Signal:
    """A paper account's; it is in the copy as well."""
    source, _ = make_follower(source=make_source())
    return entry_signal(source)


@pytest.fixture
def server(signal: Signal) -> Iterator["OwnServer"]:
    from tests.faults.server import OwnServer

    with tempfile.TemporaryDirectory(prefix="propguard-own-pg-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        own = OwnServer(Path(folder))
        yield own
        own.end()


@pytest.mark.long
def test_f16_a_stopped_server_is_a_503_at_once_and_the_resend_is_stored_once(server: "OwnServer") -> None:
    web = Web(url=server.url)
    try:
        server.stop_hard()
        started = time.monotonic()
        refused = web.send(alert_id="1")
        assert time.monotonic() - started < 2
        server.start()
        answers = [web.send(alert_id="1"), web.send(alert_id="1")]
    finally:
        web.end()
    assert [answer and answer[0] for answer in (refused, *answers)] == [503, 202, 200]
    assert server.rows("SELECT count(*) FROM execution_signal WHERE trade_id = '1'") == [(1,)]


def test_f18_stopped_in_the_middle_of_a_decision_leaves_nothing_of_it(
    server: "OwnServer", signal: Signal
) -> None:
    chunk = signal.chunks.get().pk
    worker = Worker("route_chunk", chunk, fault="router.before_commit=stop", url=server.url)
    try:
        worker.wait_until_it_stands()
        server.stop_hard()
        worker.signal(signals.SIGCONT)
        assert worker.ended() != 0
    finally:
        worker.end()
    server.start()
    assert server.rows(DECIDED) == [(0, 0)]
    assert Worker("route_chunk", chunk, url=server.url).ended() == 0
    assert server.rows(DECIDED) == [(1, 1)]


def test_f17_stopped_before_the_answer_is_saved_the_same_process_saves_it_later(
    server: "OwnServer", signal: Signal
) -> None:
    worker = Worker("route_chunk", signal.chunks.get().pk, fault="dispatch.before_save=stop", url=server.url)
    try:
        worker.wait_until_it_stands()
        server.stop_hard()
        server.start()  # its connections are gone all the same
        worker.signal(signals.SIGCONT)
        assert worker.ended() == 0
    finally:
        worker.end()
    [(status,)] = server.rows("SELECT status FROM execution_order")
    assert status in ("accepted", "filled")
    assert server.rows("SELECT count(*) FROM execution_paperorder WHERE kind = 'market'") == [(1,)]
