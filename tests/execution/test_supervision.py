"""The sweep finds what nobody did, does it, and is harmless however often it runs."""

import logging

import pytest
import time_machine
from django_q.models import OrmQ

from execution import supervision
from execution.models import Alarm, Decision, Order, SignalChunk, SignalSource
from execution.order_state import OrderStatus
from execution.supervision import ring_chunks, send_overdue, settle_stranded, sweep, work_exits
from firms.models import Account
from tests.execution.make import (
    close_signal,
    decide,
    entry_signal,
    held,
    make_follower,
    make_order,
    open_exits,
    queued,
    route,
    run_queue,
    the_entry,
)
from tests.execution.venue import Venue
from tests.make import NOON, make_source

pytestmark = pytest.mark.django_db


@pytest.fixture
def source(clock: time_machine.Traveller) -> SignalSource:
    return make_source()


@pytest.fixture
def account(source: SignalSource) -> Account:
    return make_follower(source=source)[1]


def test_a_chunk_whose_ring_was_lost_is_rung_for_again(
    source: SignalSource, account: Account, clock: time_machine.Traveller
) -> None:
    signal = entry_signal(source)
    OrmQ.objects.all().delete()
    ring_chunks()
    assert queued() == []  # not yet: its own task may just be starting
    clock.shift(1.001)
    ring_chunks()
    assert queued() == [("execution.tasks.route_chunk", (signal.chunks.get().pk,))]
    run_queue()
    ring_chunks()
    assert (queued(), held(account)) == ([], 2)


def test_an_order_whose_task_died_before_its_claim_is_sent_in_time(
    source: SignalSource, account: Account, clock: time_machine.Traveller
) -> None:
    decide(entry_signal(source))
    send_overdue()
    assert the_entry(account).status == "approved"
    clock.shift(2.001)
    send_overdue()
    assert (the_entry(account).status, held(account)) == ("filled", 2)


def test_or_it_expires(source: SignalSource, account: Account, clock: time_machine.Traveller) -> None:
    decide(entry_signal(source))
    clock.shift(15)
    send_overdue()
    assert (the_entry(account).status, held(account)) == ("expired", 0)


def test_an_order_whose_process_died_after_its_claim_is_in_doubt_alarmed_and_never_sent_again(
    source: SignalSource, account: Account, venue: Venue, clock: time_machine.Traveller
) -> None:
    order = make_order(account, entry_signal(source), OrderStatus.SUBMITTING, claimed_at=NOON)
    clock.shift(15)
    settle_stranded()
    order.refresh_from_db()
    assert order.status == "submitting"
    clock.shift(0.001)
    settle_stranded()
    order.refresh_from_db()
    assert (order.status, venue.calls) == ("unknown", [])
    assert "perhaps sent" in order.note
    alarm = Alarm.objects.get()
    assert (alarm.kind, alarm.account) == ("order_in_doubt", account)


def test_an_open_exit_is_worked_where_nobody_else_does(
    source: SignalSource, account: Account, clock: time_machine.Traveller
) -> None:
    route(entry_signal(source))
    close_signal(source)
    OrmQ.objects.all().delete()
    work_exits()
    assert held(account) == 2  # not yet: its own task may just be starting
    clock.shift(1.001)
    work_exits()
    assert (held(account), open_exits(account)) == (0, [])


@pytest.mark.parametrize("times", [1, 2, 3])
def test_a_sweep_with_nothing_to_do_changes_nothing(
    source: SignalSource, account: Account, clock: time_machine.Traveller, times: int
) -> None:
    route(entry_signal(source))
    OrmQ.objects.all().delete()
    clock.shift(60)
    for _ in range(times):
        sweep()
    assert queued() == []
    assert (Decision.objects.count(), Order.objects.count(), Alarm.objects.count()) == (1, 1, 0)
    assert held(account) == 2


def test_everything_at_once_is_found_and_found_only_once(
    source: SignalSource, account: Account, venue: Venue, clock: time_machine.Traveller
) -> None:
    """A chunk never rung, an order never sent, an order stranded, an exit open: each on its own account."""
    accounts = {
        name: make_follower(name, source=make_source(name))[1] for name in ("sent", "stranded", "closed")
    }
    stranded = make_order(
        accounts["stranded"], entry_signal(accounts["stranded"].routes.get().source), OrderStatus.SUBMITTING,
        claimed_at=NOON,
    )  # fmt: skip
    route(entry_signal(accounts["closed"].routes.get().source))
    clock.shift(16)
    decide(entry_signal(accounts["sent"].routes.get().source))
    close_signal(accounts["closed"].routes.get().source)
    entry_signal(source)
    OrmQ.objects.all().delete()
    SignalChunk.objects.filter(signal__source__name="stranded").update(done_at=NOON)
    for _ in range(3):
        clock.shift(3)
        sweep()
        run_queue()
    assert the_entry(account).status == "accepted"
    assert the_entry(accounts["sent"]).status == "accepted"
    stranded.refresh_from_db()
    assert (stranded.status, Alarm.objects.count()) == ("unknown", 1)
    assert open_exits(accounts["closed"]) == []
    assert len(venue.asked("submit")) == len(set(venue.asked("submit"))) == 3
    assert len(venue.asked("close")) == 1


def test_a_step_that_fails_does_not_stop_the_others(
    source: SignalSource,
    account: Account,
    clock: time_machine.Traveller,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken() -> None:
        raise ZeroDivisionError("oops")

    broken.__name__ = "ring_chunks"
    monkeypatch.setattr(supervision, "ring_chunks", broken)
    route(entry_signal(source))
    close_signal(source)
    clock.shift(3)
    with caplog.at_level(logging.ERROR, "execution.supervision"):
        sweep()
    assert held(account) == 0
    assert caplog.messages == ["ring_chunks failed; the next sweep tries again"]


def test_nothing_is_rung_into_a_queue_that_stands(
    source: SignalSource, account: Account, clock: time_machine.Traveller
) -> None:
    for number in range(supervision.QUEUE_IS_DEEP):
        entry_signal(source, alert_id=str(number))
    clock.shift(5)
    ring_chunks()
    assert OrmQ.objects.count() == supervision.QUEUE_IS_DEEP


def test_a_paper_order_whose_report_was_lost_is_heard_of(
    source: SignalSource, account: Account, clock: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("execution.dispatch.reports.collect", lambda _connector: 1 / 0)
        route(entry_signal(source))
    assert (the_entry(account).status, held(account)) == ("accepted", 0)
    clock.shift(3)
    sweep()
    assert (the_entry(account).status, held(account)) == ("filled", 2)


@pytest.mark.django_db(transaction=True)
def test_one_exit_that_fails_does_not_stop_the_next(
    source: SignalSource, account: Account, venue: Venue, clock: time_machine.Traveller
) -> None:
    _, other = make_follower("Apex-2", source=source)
    route(entry_signal(source))
    venue.fails("positions", ZeroDivisionError("oops"))
    close_signal(source)
    clock.shift(2)
    sweep()
    assert len(open_exits(account)) + len(open_exits(other)) == 1


def test_one_order_whose_venue_fails_does_not_stop_the_next(
    source: SignalSource, account: Account, venue: Venue, clock: time_machine.Traveller
) -> None:
    make_follower("Apex-2", source=source)
    decide(entry_signal(source))
    venue.fails("submit", ZeroDivisionError("oops"))
    clock.shift(3)
    sweep()
    assert sorted(Order.objects.values_list("status", flat=True)) == ["accepted", "unknown"]
