"""F11 to F13 and F15: a worker stands still, is ended or runs out of time in the middle of a send; a flood."""

import signal as signals
import threading
from collections.abc import Callable, Iterator

import pytest
import time_machine
from django.conf import settings
from django_q.exceptions import TimeoutException
from django_q.models import OrmQ

from execution import answers, dispatch, orders, reconcile, supervision, tasks
from execution.clock import database_now
from execution.connectors import Unavailable
from execution.models import Alarm, Decision, Order, Signal, SignalSource
from firms.models import Account
from tests.execution.make import (
    close_signal,
    decide,
    entry_signal,
    held,
    make_follower,
    open_exits,
    queued,
    route,
    run_queue,
    the_entry,
)
from tests.execution.venue import Venue
from tests.fakevenue.connector import FakeVenueConnector
from tests.fakevenue.process import FakeVenue
from tests.faults.workers import Worker, later
from tests.make import make_source
from tests.process.installation import wait_for

AT_VENUE = "A-1"


# --- F11, F12: a process that stands still, or is ended -----------------------------------------------

in_a_process = [pytest.mark.process, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def signal(follower: Account) -> Signal:
    return entry_signal(SignalSource.objects.get())


@pytest.fixture
def worker(signal: Signal, fake_venue: FakeVenue) -> Iterator[Callable[[str], Worker]]:
    """Starts a worker on the signal's task."""
    started: list[Worker] = []

    def start(fault: str) -> Worker:
        started.append(Worker("route_chunk", signal.chunks.get().pk, fault=fault, venue=fake_venue))
        return started[0]

    yield start
    for one in started:
        one.end()


def settle(order: Order) -> None:
    """A person has looked at the venue, and there is nothing."""
    assert orders.settle(order, happened=False, reason="not in its list", now=database_now())


class TestF11:
    """A worker stands still for longer than its claim holds (a laptop's sleep) and wakes up."""

    pytestmark = in_a_process

    @pytest.mark.parametrize("point", ["dispatch.after_claim", "dispatch.before_send"])
    def test_f11_woken_after_a_person_settled_its_order_it_sends_nothing(
        self, follower: Account, fake_venue: FakeVenue, worker: Callable[[str], Worker], point: str
    ) -> None:
        stopped = worker(f"{point}=stop")
        stopped.wait_until_it_stands()
        with later(15.001):
            supervision.sweep()  # nobody knows whether it was sent
        settle(the_entry(follower))
        wait_for("its claim to be over", claim_is_over(the_entry(follower)))
        stopped.signal(signals.SIGCONT)
        assert stopped.ended() == 0
        assert (the_entry(follower).status, fake_venue.asked("place")) == ("canceled", [])
        assert "it did not happen" in the_entry(follower).note  # its own late word changes nothing

    def test_f11_woken_with_its_order_still_its_own_it_sends_nothing_either(
        self, follower: Account, signal: Signal, fake_venue: FakeVenue, worker: Callable[[str], Worker]
    ) -> None:
        stopped = worker("dispatch.after_claim=stop")
        stopped.wait_until_it_stands()
        tasks.route_chunk(signal.chunks.get().pk)  # the queue delivers the task once more meanwhile
        wait_for("its claim to be over", claim_is_over(the_entry(follower)))
        stopped.signal(signals.SIGCONT)
        assert stopped.ended() == 0
        assert (the_entry(follower).status, fake_venue.asked("place")) == ("canceled", [])
        assert "too long between the claim and the request" in the_entry(follower).note

    def test_f11_woken_after_its_send_its_late_answer_is_evidence(
        self, follower: Account, signal: Signal, fake_venue: FakeVenue, worker: Callable[[str], Worker]
    ) -> None:
        stopped = worker("dispatch.after_send=stop")
        stopped.wait_until_it_stands()
        with later(15.001):
            supervision.sweep()
        tasks.route_chunk(signal.chunks.get().pk)
        assert the_entry(follower).status == "unknown"
        stopped.signal(signals.SIGCONT)
        assert stopped.ended() == 0
        assert the_entry(follower).status == "accepted"
        assert (len(fake_venue.asked("place")), fake_venue.held(AT_VENUE)) == (1, 2)
        assert not Alarm.objects.filter(closed_at=None).exists()

    def test_f11_against_a_persons_word_it_stops_the_account_and_alarms(
        self, follower: Account, fake_venue: FakeVenue, worker: Callable[[str], Worker]
    ) -> None:
        stopped = worker("dispatch.after_send=stop")
        stopped.wait_until_it_stands()
        with later(15.001):
            supervision.sweep()
        settle(the_entry(follower))
        stopped.signal(signals.SIGCONT)
        assert stopped.ended() == 0
        assert the_entry(follower).status == "canceled"
        assert [alarm.kind for alarm in Alarm.objects.filter(closed_at=None)] == ["late_evidence"]
        [denied] = decide(entry_signal(SignalSource.objects.get(), contracts=1))
        assert (denied.allowed, denied.code) == (False, "trading_state.paused")


def claim_is_over(order: Order) -> Callable[[], bool]:
    claimed_at = order.claimed_at or database_now()
    return lambda: (database_now() - claimed_at).total_seconds() > dispatch.CLAIM_VALID_SECONDS


class TestF12:
    pytestmark = in_a_process

    def test_f12_a_sigterm_to_the_whole_group_in_the_middle_of_a_send(
        self, follower: Account, signal: Signal, fake_venue: FakeVenue, worker: Callable[[str], Worker]
    ) -> None:
        fake_venue.rule(on="place", linger=3)
        ended = worker("")
        wait_for("the request is at the venue", lambda: fake_venue.asked("place"))
        ended.signal(signals.SIGTERM)
        assert ended.ended() == -signals.SIGTERM
        wait_for("it is executed", lambda: fake_venue.held(AT_VENUE) == 2)
        tasks.route_chunk(signal.chunks.get().pk)
        with later(15.001):
            supervision.sweep()
        assert (the_entry(follower).status, len(fake_venue.asked("place"))) == ("unknown", 1)
        assert Alarm.objects.get().kind == "order_in_doubt"
        with later(16):
            assert reconcile.reconcile(follower)
        assert (the_entry(follower).status, held(follower), len(fake_venue.asked("place"))) == (
            "filled",
            2,
            1,
        )


# --- F13: the task's time runs out ----------------------------------------------------------------------


@pytest.mark.core
def test_f13_a_task_has_more_time_than_all_it_may_wait_for() -> None:
    """What it claims, its last call, and the tries to save that answer."""
    longest = dispatch.CLAIMING_SECONDS + FakeVenueConnector.total_seconds + sum(answers.AGAIN_AFTER_SECONDS)
    assert longest < settings.Q_CLUSTER["timeout"] / 2


@pytest.mark.django_db
def test_f13_if_it_runs_out_in_the_call_all_the_same_the_order_is_in_doubt(
    venue: Venue, clock: time_machine.Traveller
) -> None:
    source, account = make_follower(source=make_source())
    signal = entry_signal(source)
    decide(signal)

    def run_out(what: str) -> None:
        if what == "submit":
            signals.pthread_kill(threading.main_thread().ident or 0, signals.SIGALRM)

    def time_out(*_: object) -> None:
        raise TimeoutException("the task's time is over")

    venue.before = run_out
    before = signals.signal(signals.SIGALRM, time_out)
    try:
        with pytest.raises(TimeoutException):
            dispatch.send_approved(signal.pk)
    finally:
        signals.signal(signals.SIGALRM, before)
    clock.shift(15.001)
    supervision.settle_stranded()
    supervision.send_overdue()
    assert (the_entry(account).status, len(venue.asked("submit"))) == ("unknown", 1)


# --- F15: a flood while the venue is down ----------------------------------------------------------------


@pytest.mark.django_db
class TestF15:
    """Thousands of entries wait while the venue can't be reached."""

    @pytest.fixture
    def source(self, clock: time_machine.Traveller) -> SignalSource:
        return make_source()

    @pytest.fixture
    def account(self, source: SignalSource, venue: Venue) -> Account:
        """Holds two contracts; from then on nothing reaches the venue but closing orders."""
        found: Account = make_follower(source=source)[1]
        route(entry_signal(source))

        def refuse(what: str) -> None:
            if what == "submit":
                raise Unavailable("connection refused")

        venue.before = refuse
        venue.calls.clear()
        return found

    @pytest.mark.parametrize(
        "alerts", [pytest.param(100, id="100"), pytest.param(5000, id="5000", marks=pytest.mark.long)]
    )
    def test_f15_the_exit_behind_them_does_not_wait_and_the_entries_expire(
        self, source: SignalSource, account: Account, venue: Venue, clock: time_machine.Traveller, alerts: int
    ) -> None:
        OrmQ.objects.all().delete()
        for number in range(alerts):
            entry_signal(source, alert_id=str(number))
        close_signal(source)
        entry_signal(source, alert_id="after the close")
        clock.shift(1.001)
        supervision.sweep()
        assert (held(account), open_exits(account)) == (0, [])
        # Not one of them has run, and none was rung for again: that is the alerts, two more, and the exit's own ring.
        assert OrmQ.objects.count() == alerts + 3
        clock.shift(14)
        run_queue()
        _, *verdicts = Decision.objects.filter(leg="entry").order_by("pk").values_list("allowed", "code")
        assert set(verdicts) == {(False, "admission.superseded"), (False, "signal_fresh.expired")}
        assert (len(verdicts), venue.asked("submit")) == (alerts + 1, [])
        assert {name for name, _ in queued()} <= {"execution.tasks.work_exit"}

    def test_f15_no_more_than_eight_calls_of_a_worker_are_on_the_wire_at_once(
        self, source: SignalSource, venue: Venue
    ) -> None:
        for number in range(2 * dispatch.SLOTS):
            make_follower(f"Apex-{number}", source=source, trader=f"trader {number}")
        signal = entry_signal(source)
        decide(signal)
        eight, lock = threading.Barrier(dispatch.SLOTS), threading.Lock()
        now, most = 0, 0

        def count(what: str) -> None:
            nonlocal now, most
            if what != "submit":
                return
            with lock:
                now += 1
                most = max(most, now)
            eight.wait(30)  # each waits for seven others
            with lock:
                now -= 1

        venue.before = count
        dispatch.send_approved(signal.pk)
        assert (most, len(venue.asked("submit"))) == (8, 16)
