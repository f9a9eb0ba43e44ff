"""Threads with connections of their own, as workers have: whatever races, the answer is the same."""

import threading
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection

from execution import confirmation, dispatch, parallel, router, supervision, tasks
from execution.confirmation import Person
from execution.models import Decision, Exit, Order, OrderEvent, Signal, SignalChunk, SignalSource
from firms.models import AuditEntry
from tests.execution.make import (
    accept_alert,
    close_signal,
    decide,
    entry_signal,
    held,
    make_follower,
    make_live_follower,
    open_exits,
    route,
    the_entry,
)
from tests.execution.venue import Venue
from tests.make import make_program, make_source

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*acts: Callable[[], Any]) -> list[BaseException]:
    """Run all of them at the same moment, each in a thread with a connection of its own; what they raised."""
    start, raised = threading.Barrier(len(acts)), []

    def run(act: Callable[[], Any]) -> None:
        try:
            start.wait(10)
            act()
        except BaseException as error:  # noqa: BLE001 - told by the main thread
            raised.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)
    return raised


@pytest.fixture
def source() -> SignalSource:
    return make_source()


def arrive(source: SignalSource, alert_id: str) -> Callable[[], None]:
    """An alert from its arrival to its order."""
    return lambda: route(accept_alert(source, alert_id=alert_id).signal)


@pytest.mark.parametrize("turn", range(5))
def test_of_two_alerts_at_once_for_room_for_one_exactly_one_is_approved(
    source: SignalSource, turn: int
) -> None:
    """Daily floor 49,500: room for 500; each order stands to lose 440."""
    _, account = make_follower(source=source, program=make_program(daily_loss=500))
    assert at_once(arrive(source, "1"), arrive(source, "2")) == []
    decisions = Decision.objects.order_by("pk")
    assert [decision.allowed for decision in decisions] == [True, False]
    assert decisions[1].code == "daily_loss.would_breach"
    assert held(account) == 2


def test_of_twenty_alerts_at_once_for_room_for_three_exactly_three_are_approved(source: SignalSource) -> None:
    """Daily floor 48,500: room for 1,500; 3 x 440 = 1,320 fit, 4 x 440 = 1,760 don't."""
    _, account = make_follower(source=source, program=make_program(daily_loss=1500))
    signals = [entry_signal(source, alert_id=str(n)) for n in range(20)]
    assert at_once(*[lambda signal=signal: decide(signal) for signal in signals]) == []
    assert Decision.objects.count() == 20
    assert Decision.objects.filter(allowed=True).count() == Order.objects.filter(account=account).count() == 3


def test_two_accounts_of_one_trader_and_two_of_another_do_not_hold_each_other_up(
    source: SignalSource,
) -> None:
    program = make_program(daily_loss=500)
    for label, trader in (("Apex-1", "Ada"), ("Apex-2", "Bob"), ("Apex-3", "Ada"), ("Apex-4", "Bob")):
        make_follower(label, source=source, program=program, trader=trader)
    assert at_once(*[arrive(source, str(n)) for n in range(4)]) == []
    assert Signal.objects.count() == 4
    for label in ("Apex-1", "Apex-2", "Apex-3", "Apex-4"):
        allowed = Decision.objects.filter(account__label=label).values_list("allowed", flat=True)
        assert sorted(allowed) == [False, False, False, True]


def test_one_chunk_decided_by_four_threads_at_once_is_decided_once(source: SignalSource) -> None:
    make_follower(source=source)
    chunk = entry_signal(source).chunks.get()
    assert at_once(*[lambda: router.decide_chunk(chunk.pk)] * 4) == []
    assert (Decision.objects.count(), Order.objects.count()) == (1, 1)
    chunk.refresh_from_db()
    assert chunk.done_at


def test_one_order_sent_by_four_threads_at_once_is_claimed_and_sent_once(
    source: SignalSource, venue: Venue
) -> None:
    _, account = make_follower(source=source)
    signal = entry_signal(source)
    decide(signal)
    assert at_once(*[lambda: dispatch.send_approved(signal.pk)] * 4) == []
    order = the_entry(account)
    assert venue.asked("submit") == [order.client_order_id]
    claims = OrderEvent.objects.filter(order=order, after="submitting")
    assert (claims.count(), order.status) == (1, "accepted")


def test_one_chunk_run_by_four_workers_at_once_sends_one_order(source: SignalSource, venue: Venue) -> None:
    make_follower(source=source)
    chunk = entry_signal(source).chunks.get()
    assert at_once(*[lambda: tasks.route_chunk(chunk.pk)] * 4) == []
    assert len(venue.asked("submit")) == 1


def test_one_exit_worked_by_four_threads_at_once_closes_once(source: SignalSource) -> None:
    _, account = make_follower(source=source)
    route(entry_signal(source))
    close_signal(source)
    [row] = open_exits(account)
    assert at_once(*[lambda: tasks.work_exit(row.pk)] * 4) == []
    assert (held(account), open_exits(account)) == (0, [])
    assert Order.objects.filter(exit=row).count() == 1


def test_the_same_alert_delivered_by_eight_threads_at_once_is_one_signal(source: SignalSource) -> None:
    make_follower(source=source)
    found: list[bool] = []
    assert at_once(*[lambda: found.append(accept_alert(source).is_duplicate)] * 8) == []
    assert (sorted(found), Signal.objects.count()) == ([False] + [True] * 7, 1)


@pytest.mark.parametrize("turn", range(5))
def test_an_entry_sent_while_its_exit_is_worked_leaves_nothing_open(source: SignalSource, turn: int) -> None:
    """Whoever wins: either the entry is cancelled before it left, or the exit waits for it and closes it."""
    _, account = make_follower(source=source)
    entry = entry_signal(source)
    decide(entry)
    close_signal(source)
    [row] = open_exits(account)
    assert at_once(lambda: dispatch.send_approved(entry.pk), lambda: tasks.work_exit(row.pk)) == []
    for left in Exit.objects.filter(done_at=None):
        tasks.work_exit(left.pk)
    assert (held(account), open_exits(account)) == (Decimal(0), [])
    assert the_entry(account).status in ("canceled", "filled")


# --- a person's confirmation --------------------------------------------------------------------------


def confirm(order: Order, *names: str) -> list[Callable[[], Any]]:
    return [
        lambda name=name: confirmation.confirm(order.pk, person=Person(name), reason="ok") for name in names
    ]


def awaiting(source: SignalSource) -> tuple[Order, Any]:
    _, account = make_live_follower(source=source)
    route(entry_signal(source))
    order = the_entry(account)
    assert order.status == "awaiting_confirmation"
    return order, account


@pytest.mark.parametrize("turn", range(3))
def test_two_confirmations_at_once_are_one_decision_and_one_order(
    source: SignalSource, venue: Venue, turn: int
) -> None:
    order, _ = awaiting(source)
    assert at_once(*confirm(order, "ada", "bob", "cleo", "dan")) == []
    order.refresh_from_db()
    assert (order.status, order.decision.revision, Decision.objects.count()) == ("accepted", 2, 2)
    assert venue.asked("submit") == [order.client_order_id]
    assert AuditEntry.objects.filter(action="order.confirmed").count() == 1


@pytest.mark.parametrize("turn", range(3))
def test_a_confirmation_and_a_refusal_at_once_are_one_of_the_two(
    source: SignalSource, venue: Venue, turn: int
) -> None:
    order, _ = awaiting(source)
    [yes] = confirm(order, "ada")
    assert at_once(yes, lambda: confirmation.decline(order.pk, person=Person("bob"), reason="no")) == []
    order.refresh_from_db()
    assert (order.status, len(venue.asked("submit"))) in (("accepted", 1), ("canceled", 0))
    assert AuditEntry.objects.filter(action__startswith="order.").count() == 1


@pytest.mark.parametrize("turn", range(5))
def test_a_confirmation_at_the_moment_of_an_exit_leaves_nothing_open(
    source: SignalSource, venue: Venue, turn: int
) -> None:
    """Whoever wins: it is cancelled or denied before it left, or the exit waits for it and closes it."""
    order, account = awaiting(source)
    [yes] = confirm(order, "ada")
    assert at_once(yes, lambda: route(close_signal(source))) == []
    for _ in range(2):
        for left in Exit.objects.filter(done_at=None):
            tasks.work_exit(left.pk)
    order.refresh_from_db()
    assert (venue.held.get((account.pk, "NQ"), 0), open_exits(account)) == (0, [])
    assert order.status in ("canceled", "denied", "filled")
    assert len(venue.asked("submit")) == (order.status == "filled")


def test_two_orders_confirmed_at_once_for_room_for_one_are_not_both_sent(
    source: SignalSource, venue: Venue
) -> None:
    """Daily floor 49,500: room for 500; neither reserves while it waits, each stands to lose 440."""
    make_live_follower(source=source, program={"daily_loss": 500})
    venue.fills_at_once = False
    for number in (1, 2):
        route(entry_signal(source, alert_id=str(number)))
    first, second = Order.objects.order_by("pk")
    assert at_once(*confirm(first, "ada"), *confirm(second, "bob")) == []
    assert sorted(Order.objects.values_list("status", flat=True)) == ["accepted", "denied"]
    assert len(venue.asked("submit")) == 1


def test_the_sweeper_and_a_click_at_the_deadline_end_it_once(source: SignalSource, venue: Venue) -> None:
    order, _ = awaiting(source)
    Order.objects.update(deadline=order.created_at)
    assert at_once(*confirm(order, "ada"), confirmation.expire_overdue, confirmation.expire_overdue) == []
    order.refresh_from_db()
    assert (order.status, venue.calls, AuditEntry.objects.filter(action="order.expired").count()) == (
        "expired",
        [],
        1,
    )


# --- one venue that hangs -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "act", [lambda: supervision.work_exits(), lambda: tasks._work_exits(SignalChunk.objects.last().pk)],
    ids=["the sweep", "the chunk's own task"],
)  # fmt: skip
def test_an_account_whose_venue_hangs_holds_up_no_other_accounts_exit(
    source: SignalSource, venue: Venue, monkeypatch: pytest.MonkeyPatch, act: Callable[[], None]
) -> None:
    accounts = [make_follower(f"Apex-{number}", source=source)[1] for number in range(3)]
    route(entry_signal(source))
    close_signal(source)
    Exit.objects.update(opened_at="2026-01-01T00:00:00Z")
    released, read = threading.Event(), venue.connector.positions

    def positions(self: Any) -> Any:
        if self.account.pk == accounts[0].pk:
            released.wait(60)
        return read(self)

    monkeypatch.setattr(venue.connector, "positions", positions)
    monkeypatch.setattr(tasks, "EXIT_PATIENCE_SECONDS", 1.0)
    try:
        for _ in range(3):
            act()
        assert [len(open_exits(account)) for account in accounts] == [1, 0, 0]
    finally:
        released.set()
    deadline = time.monotonic() + 20
    while parallel._busy and time.monotonic() < deadline:
        time.sleep(0.01)
    assert open_exits(accounts[0]) == []
