"""The doorbell: a waiting worker wakes at the commit, not at the next poll. Real time, both databases."""

import os
import select
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from django.db import connection, transaction
from django_q.models import OrmQ
from django_q.tasks import async_task

from execution import queue
from execution.queue import SAFETY_POLL_SECONDS, BellBroker, NotifyBell, SocketBell

pytestmark = pytest.mark.django_db(transaction=True)

WELL_UNDER = SAFETY_POLL_SECONDS / 2
Task = tuple[int, str]


@pytest.fixture
def broker() -> Iterator[BellBroker]:
    broker = BellBroker("propguard")
    yield broker
    broker._drop_bell()


def ring_for(number: int) -> None:
    async_task("execution.tasks.canary", number)


class Waiter:
    """A worker's main loop in a thread of its own: dequeues until it has so many tasks."""

    def __init__(self, wanted: int = 1, patience: float = 3 * SAFETY_POLL_SECONDS) -> None:
        self.tasks: list[int] = []
        self.waiting, self.woke_at = threading.Event(), 0.0
        self.broker = BellBroker("propguard")
        self._wanted, self._patience = wanted, patience
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        assert self.waiting.wait(5)

    def _run(self) -> None:
        try:
            self.broker._own_bell()
            self.waiting.set()
            deadline = time.monotonic() + self._patience
            while len(self.tasks) < self._wanted and time.monotonic() < deadline:
                for pk, _ in self.broker.dequeue() or []:
                    self.tasks.append(pk)
                    self.woke_at = time.monotonic()
        finally:
            self.broker._drop_bell()
            connection.close()

    def join(self) -> list[int]:
        self._thread.join(10)
        assert not self._thread.is_alive()
        return self.tasks


def seconds_to_wake(waiter: Waiter, act: Callable[[], None]) -> float:
    rung_at = time.monotonic()
    act()
    assert waiter.join()
    return waiter.woke_at - rung_at


def let_it_sleep() -> None:
    """Until the waiter has looked once and is inside its wait."""
    time.sleep(0.1)


def test_a_waiting_worker_wakes_at_the_commit() -> None:
    waiter = Waiter()
    let_it_sleep()

    def commit() -> None:
        with transaction.atomic():
            ring_for(1)

    assert seconds_to_wake(waiter, commit) < WELL_UNDER


def test_it_does_not_see_the_row_before_the_commit() -> None:
    waiter = Waiter()
    let_it_sleep()
    with transaction.atomic():
        ring_for(1)
        time.sleep(0.2)
        before = list(waiter.tasks)
    assert (before, len(waiter.join())) == ([], 1)


def test_a_roll_back_rings_nobody(broker: BellBroker) -> None:
    bell = broker._own_bell()
    with transaction.atomic():
        ring_for(1)
        transaction.set_rollback(True)
    assert not is_rung(bell)
    assert (OrmQ.objects.count(), broker.dequeue()) == (0, None)
    ring_for(2)
    assert is_rung(bell)


def is_rung(bell: SocketBell | NotifyBell | queue.Bell) -> bool:
    if isinstance(bell, NotifyBell):
        select.select([bell._connection], [], [], 0.2)
        bell._connection.poll()
        return bool(bell._connection.notifies)
    assert isinstance(bell, SocketBell)
    return bool(select.select([bell._socket], [], [], 0.2)[0])


def test_a_ring_between_the_look_and_the_wait_is_not_lost(
    broker: BellBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    genuine = BellBroker._claim

    def look_then_ring(self: BellBroker) -> list[Task]:
        found = genuine(self)
        monkeypatch.setattr(BellBroker, "_claim", genuine)
        ring_for(1)
        return found

    monkeypatch.setattr(BellBroker, "_claim", look_then_ring)
    started = time.monotonic()
    assert broker.dequeue() is None
    assert broker.dequeue()
    assert time.monotonic() - started < WELL_UNDER


def test_tasks_come_in_the_order_in_which_they_were_rung(broker: BellBroker) -> None:
    for number in range(5):
        ring_for(number)
    rows = list(OrmQ.objects.order_by("id").values_list("pk", flat=True))
    assert [task[0] for _ in rows for task in broker.dequeue() or []] == rows


def test_a_task_is_claimed_by_one_worker_only() -> None:
    for number in range(20):
        ring_for(number)
    waiters = [Waiter(wanted=20, patience=1.5) for _ in range(3)]
    taken = [pk for waiter in waiters for pk in waiter.join()]
    assert sorted(taken) == list(OrmQ.objects.order_by("id").values_list("pk", flat=True))


def test_a_claimed_task_is_not_seen_again_before_its_retry(broker: BellBroker) -> None:
    ring_for(1)
    assert broker.dequeue()
    assert broker.dequeue() is None


def test_a_lost_ring_costs_no_more_than_the_safety_poll(monkeypatch: pytest.MonkeyPatch) -> None:
    waiter = Waiter()
    let_it_sleep()
    monkeypatch.setattr(queue, "_ring_sockets", lambda: None)
    monkeypatch.setattr(queue, "CHANNEL", "where_nobody_listens")
    assert seconds_to_wake(waiter, lambda: ring_for(1)) < 2 * SAFETY_POLL_SECONDS


def test_nobody_waiting_is_no_error() -> None:
    with transaction.atomic():
        ring_for(1)
    assert OrmQ.objects.count() == 1


def test_a_bell_of_another_process_is_not_used_after_a_fork(broker: BellBroker) -> None:
    """Two processes that read one socket would steal each other's rings."""
    bell = broker._own_bell()
    bell.pid = os.getpid() + 1
    assert broker._own_bell() is not bell
    bell.close()


def test_the_bell_survives_a_closed_connection(broker: BellBroker) -> None:
    """The database restarted, or the socket was taken away: the next turn opens everything anew."""
    bell = broker._own_bell()
    if isinstance(bell, NotifyBell):
        bell._connection.close()
    else:
        assert isinstance(bell, SocketBell)
        bell._socket.close()
    assert broker.dequeue() is None
    ring_for(1)
    assert broker.dequeue()
    assert broker._bell is not bell


def test_the_bell_survives_a_closed_database_connection(broker: BellBroker) -> None:
    broker._own_bell()
    ring_for(1)
    connection.close()
    assert any(broker.dequeue() for _ in range(2))


@pytest.mark.skipif("connection.vendor != 'postgresql'")
def test_the_bell_survives_a_backend_that_was_ended_while_it_waited(broker: BellBroker) -> None:
    bell = broker._own_bell()
    assert isinstance(bell, NotifyBell)
    backend = bell._connection.get_backend_pid()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", [backend])
    started = time.monotonic()
    assert broker.dequeue() is None
    assert time.monotonic() - started < 2 * SAFETY_POLL_SECONDS
    ring_for(1)
    assert broker.dequeue()


only_sockets = pytest.mark.skipif("connection.vendor == 'postgresql'", reason="PostgreSQL has no sockets")


@only_sockets
def test_the_socket_of_a_process_that_died_is_cleared_away_at_the_next_ring() -> None:
    path = queue.bell_directory() / "999999.sock"
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as dead:
        dead.bind(str(path))
    assert path.exists()
    ring_for(1)
    assert not path.exists()


@only_sockets
def test_a_bell_that_is_full_does_not_hold_up_the_ringer(broker: BellBroker) -> None:
    broker._own_bell()
    started = time.monotonic()
    for _ in range(300):
        queue._ring_sockets()
    assert time.monotonic() - started < 5


@only_sockets
def test_a_bells_directory_is_private_and_its_path_short(broker: BellBroker) -> None:
    bell = broker._own_bell()
    assert isinstance(bell, SocketBell)
    assert len(str(bell.path)) < 108
    assert bell.path.parent.stat().st_mode & 0o777 == 0o700
    bell.close()
    assert not bell.path.exists()
