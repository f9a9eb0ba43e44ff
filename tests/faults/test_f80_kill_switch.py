"""F80: the kill switch while everything else happens: busy writers, a venue that fails, a process that dies."""

import threading
import time
from datetime import timedelta

import pytest
from django.db import connection, transaction

from execution import flattening, kill, kill_report
from execution.clock import database_now
from execution.connectors import InDoubt, Rejected, Unavailable
from execution.models import Exit, Heartbeat
from firms.models import Flag
from tests.execution.make import entry_signal, make_follower, open_exits, route
from tests.execution.venue import Venue
from tests.make import make_source

pytestmark = pytest.mark.django_db(transaction=True)
WRITERS = 3


@pytest.fixture(autouse=True)
def looks_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flattening, "BETWEEN_LOOKS", timedelta(0))


def test_the_flag_gets_through_within_a_second_beside_busy_writers() -> None:
    make_follower(source=make_source())
    stop = threading.Event()

    def write(name: str) -> None:
        try:
            while not stop.is_set():
                with transaction.atomic():
                    Heartbeat.objects.update_or_create(name=name, defaults={"at": database_now()})
                    time.sleep(0.005)
        finally:
            connection.close()

    threads = [threading.Thread(target=write, args=(f"busy {n}",)) for n in range(WRITERS)]
    for thread in threads:
        thread.start()
    try:
        started = time.monotonic()
        kill._switch_on(None, flatten=True, reason="busy", actor=None, now=database_now())
        seconds = time.monotonic() - started
    finally:
        stop.set()
        for thread in threads:
            thread.join(60)
    assert Flag.objects.filter(key="kill", ended_at=None).exists()
    assert seconds < 1


FAILURES = {
    "the positions can't be read": ("positions", Unavailable("down")),
    "the close is refused": ("close", Rejected("market closed")),
    "the close can't be sent": ("close", Unavailable("no route")),
    "the cancel fails": ("cancel", InDoubt("timed out")),
    "the report fails": ("report", Unavailable("down")),
}


@pytest.mark.parametrize(("asked", "error"), FAILURES.values(), ids=FAILURES)
def test_a_venue_that_fails_three_times_is_flat_in_the_end(
    venue: Venue, asked: str, error: Exception
) -> None:
    source, account = make_follower(source=make_source())
    route(entry_signal(source))
    venue.fails(asked, *[error] * 3)
    kill.engage(account, flatten=True, reason="while it fails")
    assert flattening.run(account, 60).words == "flat"
    assert venue.held[account.pk, "NQ"] == 0


def test_a_close_in_doubt_is_not_sent_again_before_its_settle_time_and_is_not_called_flat(
    venue: Venue,
) -> None:
    source, account = make_follower(source=make_source())
    route(entry_signal(source))
    venue.fails("close", InDoubt("timed out"))
    kill.engage(account, flatten=True, reason="while it fails")
    report = flattening.run(account, 1)
    assert (len(venue.asked("close")), report.is_flat) == (1, False)
    assert report.words.startswith("closing: 1 position open; ")
    assert "; 1 in doubt, watching until " in report.words


def test_a_process_that_dies_in_the_middle_leaves_the_rest_to_any_other(venue: Venue) -> None:
    """The flag and the exits are there; the lease of who died runs out; another one goes on."""
    source, account = make_follower(source=make_source())
    route(entry_signal(source))
    kill.engage(account, flatten=True, reason="then it died")
    [row] = open_exits(account)
    Exit.objects.filter(pk=row.pk).update(leased_until=database_now() + timedelta(seconds=0.3))
    assert flattening.run(account, 60).words == "flat"
    assert kill_report.report(account, database_now()).is_flat
