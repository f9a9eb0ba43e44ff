"""F17: the database is down between the claim and the save of the venue's answer."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import time_machine

from execution import answers, dispatch, supervision
from execution.connectors import InDoubt, Rejected, Unavailable
from execution.models import Alarm, Order, OrderEvent, Signal, SignalSource
from execution.order_state import OrderStatus
from firms.models import Account
from tests.execution.make import decide, entry_signal, make_follower, the_entry
from tests.execution.venue import Venue
from tests.faults import away
from tests.faults.away import Away
from tests.make import make_source

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses between two tries, in seconds; nobody waits for them."""
    made: list[float] = []
    monkeypatch.setattr(answers, "time", SimpleNamespace(sleep=made.append))
    return made


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, settings: Any) -> Path:
    settings.VAR_DIR = tmp_path
    return tmp_path / "answers"


@pytest.fixture
def source() -> SignalSource:
    return make_source()


@pytest.fixture
def account(source: SignalSource, venue: Venue) -> Account:
    venue.fills_at_once = False
    found: Account = make_follower(source=source)[1]
    return found


@pytest.fixture
def approved(source: SignalSource, account: Account) -> Signal:
    signal = entry_signal(source)
    decide(signal)
    return signal


@pytest.fixture
def database(venue: Venue) -> Iterator[Away]:
    """A database that goes away while the order is on the wire."""
    with away.database() as it:

        def leave(what: str) -> None:
            it.down = it.down or what == "submit"

        venue.before = leave
        yield it


@pytest.mark.django_db(transaction=True)
def test_f17_the_answer_waits_in_a_file_and_is_booked_once_the_database_is_back(
    approved: Signal, account: Account, venue: Venue, database: Away, folder: Path, pauses: list[float]
) -> None:
    dispatch.send_approved(approved.pk)
    assert tuple(pauses) == answers.AGAIN_AFTER_SECONDS
    database.down = False
    order = the_entry(account)
    assert order.status == "submitting"
    [file] = folder.iterdir()
    assert json.loads(file.read_text()) == {
        "client_order_id": order.client_order_id, "status": "accepted", "detail": "",
        "venue_order_id": f"v-{order.client_order_id}",
    }  # fmt: skip
    supervision.sweep()
    order.refresh_from_db()
    assert (order.status, order.venue_order_id) == ("accepted", f"v-{order.client_order_id}")
    assert (list(folder.iterdir()), len(venue.asked("submit"))) == ([], 1)


def test_f17_the_process_itself_tries_again_a_few_times(
    approved: Signal, account: Account, database: Away, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []

    def wait(seconds: float) -> None:
        pauses.append(seconds)
        database.down = len(pauses) < 3

    monkeypatch.setattr(answers, "time", SimpleNamespace(sleep=wait))
    dispatch.send_approved(approved.pk)
    assert (the_entry(account).status, pauses) == ("accepted", [0.1, 0.2, 0.4])
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("error", "status"),
    [
        pytest.param(Rejected("no margin"), "rejected", id="a refusal"),
        pytest.param(Unavailable("refused"), "canceled", id="provably not sent"),
        pytest.param(InDoubt("no answer in 10 s"), "unknown", id="no clear answer"),
    ],
)
def test_f17_whatever_the_answer_was(
    approved: Signal, account: Account, venue: Venue, database: Away, error: Exception, status: str
) -> None:
    venue.fails("submit", error)
    dispatch.send_approved(approved.pk)
    database.down = False
    dispatch.book_kept()
    assert the_entry(account).status == status
    assert Alarm.objects.filter(kind="order_in_doubt").exists() == (status == "unknown")


def test_f17_an_order_that_counted_as_in_doubt_meanwhile_gets_its_answer(
    approved: Signal, account: Account, venue: Venue, database: Away, clock: time_machine.Traveller
) -> None:
    dispatch.send_approved(approved.pk)
    database.down = False
    clock.shift(15.001)
    supervision.settle_stranded()
    assert the_entry(account).status == "unknown"
    dispatch.book_kept()
    assert (the_entry(account).status, len(venue.asked("submit"))) == ("accepted", 1)


def test_f17_without_file_and_database_it_is_in_doubt_and_never_sent_again(
    approved: Signal, account: Account, venue: Venue, database: Away, clock: time_machine.Traveller
) -> None:
    dispatch.send_approved(approved.pk)
    for answer in answers.kept():
        answers.folder().joinpath(f"{answer.client_order_id}.jsonl").unlink()  # the disk went with it
    database.down = False
    clock.shift(15.001)
    supervision.sweep()
    assert (the_entry(account).status, len(venue.asked("submit"))) == ("unknown", 1)
    assert Alarm.objects.get().kind == "order_in_doubt"


def test_f17_a_disk_that_is_full_as_well_leaves_the_memory(
    approved: Signal, account: Account, database: Away, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.write_text("a file where the folder should be")
    monkeypatch.setattr(answers, "time", SimpleNamespace(sleep=lambda _: setattr(database, "down", False)))
    dispatch.send_approved(approved.pk)
    assert the_entry(account).status == "accepted"


def test_f17_booking_twice_at_once_is_booking_once(
    approved: Signal, account: Account, database: Away
) -> None:
    dispatch.send_approved(approved.pk)
    database.down = False
    [answer] = answers.kept()
    dispatch.book_kept()
    answers.keep(answer)  # the file is found once more by whoever read it before it was removed
    dispatch.book_kept()
    assert OrderEvent.objects.filter(order=the_entry(account), after="accepted").count() == 1
    assert not Alarm.objects.exists()


def test_f17_one_that_can_not_be_read_holds_no_other_back(
    approved: Signal, account: Account, database: Away, folder: Path
) -> None:
    dispatch.send_approved(approved.pk)
    database.down = False
    (folder / "aaa.jsonl").write_text("{half")
    os.utime(folder / "aaa.jsonl", (0, 0))
    dispatch.book_kept()
    assert the_entry(account).status == "accepted"
    assert [path.name for path in folder.iterdir()] == ["aaa.unreadable"]


def test_f17_an_answer_to_an_order_that_a_restored_database_does_not_know_is_an_alarm() -> None:
    answers.keep(answers.Answer("pg-old1-7-1", OrderStatus.ACCEPTED, "", "v-9"))
    dispatch.book_kept()
    alarm = Alarm.objects.get()
    assert (alarm.kind, alarm.subject) == ("unknown_order", "pg-old1-7-1")
    assert "v-9" in alarm.message
    assert answers.kept() == []


def test_f17_an_answer_that_is_saved_at_once_touches_no_file(
    approved: Signal, account: Account, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fsync", lambda _: pytest.fail("waits for the disk"))
    dispatch.send_approved(approved.pk)
    assert (Order.objects.get().status, folder.exists()) == ("accepted", False)
