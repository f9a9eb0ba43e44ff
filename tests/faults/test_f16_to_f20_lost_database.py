"""F16 and F18 to F20: the database goes, or its answer does, at intake, in a decision, at a claim."""

import contextlib
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
import time_machine
from django.db import OperationalError, connection
from django.test import Client
from django_q.models import OrmQ

from execution import dispatch, supervision, tasks
from execution.models import Alarm, Decision, Order, OrderEvent, Signal, SignalChunk, SignalSource
from firms.models import Account
from tests.execution.make import decide, entry_signal, make_follower, run_queue, the_entry
from tests.execution.venue import Venue
from tests.faults import away
from tests.make import alert, make_source

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("clock")]


@pytest.fixture
def source() -> SignalSource:
    return make_source()


@pytest.fixture
def account(source: SignalSource, venue: Venue) -> Account:
    venue.fills_at_once = False
    found: Account = make_follower(source=source)[1]
    return found


def post(**fields: Any) -> Any:
    return Client(raise_request_exception=False).post(
        "/api/v1/webhooks/tv/", json.dumps(alert(**fields)), content_type="application/json"
    )


def stored() -> tuple[int, int, int]:
    return Signal.objects.count(), SignalChunk.objects.count(), OrmQ.objects.count()


def sweep(clock: time_machine.Traveller, seconds: float = 2.001) -> None:
    clock.shift(seconds)
    supervision.sweep()
    run_queue()


def test_f16_with_the_database_down_intake_says_503_at_once_and_the_resend_is_stored_once(
    account: Account,
) -> None:
    with away.database() as database:
        database.down = True
        started = time.perf_counter()
        refused = post()
        assert (refused.status_code, time.perf_counter() - started < 2) == (503, True)
        assert int(refused["Retry-After"]) >= 1
    assert stored() == (0, 0, 0)
    assert [post().status_code, post().status_code] == [202, 200]
    assert stored() == (1, 1, 1)


@pytest.mark.parametrize(
    "statement", ["INSERT INTO execution_decision", "INSERT INTO execution_order", "SET done_at"]
)
def test_f18_what_fails_in_the_middle_of_a_decision_leaves_nothing_of_it(
    source: SignalSource, account: Account, venue: Venue, clock: time_machine.Traveller, statement: str
) -> None:
    """The decision and its order, which is its reservation, are there together or not at all."""
    signal = entry_signal(source)
    with away.database(only=statement) as database:
        database.down = True
        with contextlib.suppress(OperationalError):
            tasks.route_chunk(signal.chunks.get().pk)
    assert Decision.objects.count() == Order.objects.count() == 0
    sweep(clock)
    assert (Decision.objects.count(), Order.objects.count(), len(venue.asked("submit"))) == (1, 1, 1)


# --- F19: committed, and the answer to the commit lost -----------------------------------------------------


def test_f19_at_intake_the_resend_finds_it(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        away.lose_the_answer_to_commit(0, patch)
        assert post().status_code == 503
    assert stored()[:2] == (1, 1)
    assert (post().status_code, stored()[:2]) == (200, (1, 1))


@pytest.mark.parametrize("number", range(6))
def test_f19_at_any_commit_from_the_decision_to_the_answer_nothing_is_done_twice(
    source: SignalSource, account: Account, venue: Venue, clock: time_machine.Traveller,
    monkeypatch: pytest.MonkeyPatch, number: int,
) -> None:  # fmt: skip
    signal = entry_signal(source)
    with monkeypatch.context() as patch:
        patch.setattr("execution.answers.time.sleep", lambda _: None)
        away.lose_the_answer_to_commit(number, patch)
        try:
            tasks.route_chunk(signal.chunks.get().pk)
        except OperationalError:
            connection.close()
    sweep(clock)
    sweep(clock, 15)
    order = the_entry(account)
    assert (Decision.objects.count(), OrderEvent.objects.filter(after="submitting").count()) == (1, 1)
    assert len(venue.asked("submit")) == (order.status == "accepted")
    if order.status != "accepted":  # claimed, and nobody knows by whom: a person is told
        assert (order.status, Alarm.objects.get().kind) == ("unknown", "order_in_doubt")


# --- F20: deadlock, serialization failure, a lock not given in time ----------------------------------------


def test_f20_a_decision_that_the_database_breaks_off_is_made_again_once(
    source: SignalSource, account: Account, venue: Venue, clock: time_machine.Traveller
) -> None:
    signal = entry_signal(source)
    with away.database(only="INSERT INTO execution_decision") as database:
        database.down = True
        with pytest.raises(OperationalError):
            tasks.route_chunk(signal.chunks.get().pk)
    sweep(clock)
    assert (the_entry(account).status, len(venue.asked("submit"))) == ("accepted", 1)


def test_f20_the_save_of_an_answer_is_tried_again_and_the_call_is_not(
    source: SignalSource, account: Account, venue: Venue, monkeypatch: pytest.MonkeyPatch
) -> None:
    signal = entry_signal(source)
    decide(signal)
    with away.database(only='INSERT INTO "execution_orderevent"') as database:
        venue.before = lambda what: setattr(database, "down", what == "submit")
        monkeypatch.setattr("execution.answers.time.sleep", lambda _: setattr(database, "down", False))
        dispatch.send_approved(signal.pk)
    assert database.refused == 1
    assert (the_entry(account).status, len(venue.asked("submit"))) == ("accepted", 1)


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite has no row locks")
def test_f20_a_row_that_somebody_holds_too_long_breaks_off_the_decision_only(
    source: SignalSource,
    account: Account,
    venue: Venue,
    clock: time_machine.Traveller,
    holder: Callable[[], None],
) -> None:
    signal = entry_signal(source)
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '100ms'")
    try:
        with pytest.raises(OperationalError, match="lock timeout"):
            tasks.route_chunk(signal.chunks.get().pk)
    finally:
        holder()
        connection.close()
    sweep(clock)
    assert (the_entry(account).status, len(venue.asked("submit"))) == ("accepted", 1)


@pytest.fixture
def holder(account: Account) -> Callable[[], None]:
    """Another session has the trader's row; call to let go."""
    other = connection.copy()
    other.set_autocommit(False)
    with other.cursor() as cursor:
        cursor.execute("SELECT id FROM firms_trader FOR UPDATE")
    return other.close
