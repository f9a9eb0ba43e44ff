"""The kill switch against what runs at the same time: claims, calls, a dead queue. Threads and real commits."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from execution import dispatch, flattening, kill, kill_report
from execution.clock import database_now
from execution.models import Order, SignalSource
from firms.models import Account, Flag
from tests.execution.make import accept_alert, decide, entry_signal, held, make_follower, route, the_entry
from tests.execution.test_concurrency import at_once
from tests.execution.venue import Venue
from tests.make import make_program, make_source

pytestmark = pytest.mark.django_db(transaction=True)
ACCOUNTS = 24


@pytest.fixture
def source() -> SignalSource:
    return make_source()


@pytest.fixture(autouse=True)
def looks_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flattening, "BETWEEN_LOOKS", timedelta(0))


@pytest.fixture
def committed(monkeypatch: pytest.MonkeyPatch) -> list[datetime]:
    """When the flag's commit had come back, by the database's clock."""
    moments: list[datetime] = []
    switch_on = kill._switch_on

    def noted(*arguments: Any, **options: Any) -> Flag:
        flag = switch_on(*arguments, **options)
        moments.append(database_now())
        return flag

    monkeypatch.setattr(kill, "_switch_on", noted)
    return moments


@pytest.mark.parametrize("turn", range(2))
def test_no_entry_is_claimed_after_the_flags_commit(
    source: SignalSource, venue: Venue, committed: list[datetime], turn: int
) -> None:
    """F80, C28: the switch comes while the entries of twenty-four accounts leave one after the other."""
    program = make_program()
    for number in range(ACCOUNTS):
        make_follower(f"A{number:02}", source=source, program=program, trader=f"T{number}")
    signal = entry_signal(source)
    decide(signal)
    some_left = threading.Event()

    def before(what: str) -> None:
        if what == "submit":
            some_left.set()

    venue.before = before

    def engage() -> None:
        assert some_left.wait(30)
        kill.engage(None, flatten=True, reason="race")

    assert at_once(lambda: dispatch.send_approved(signal.pk), engage) == []
    claimed = Order.objects.filter(claimed_at__isnull=False)
    assert [order for order in claimed if order.claimed_at and order.claimed_at > committed[0]] == []
    assert not Order.objects.filter(status__in=["approved", "submitting"]).exists()
    report = flattening.run(None, 60)
    assert (report.words, set(venue.held.values()) <= {0}) == ("flat", True)
    assert len(venue.asked("submit")) == Order.objects.filter(leg="entry", claimed_at__isnull=False).count()


def test_a_call_on_the_wire_is_reported_then_watched_then_closed(source: SignalSource, venue: Venue) -> None:
    """F57, third case: the switch comes during the call. The venue executes it; it is closed."""
    _, account = make_follower(source=source)
    signal = entry_signal(source)
    decide(signal)
    on_wire, answer = threading.Event(), threading.Event()

    def before(what: str) -> None:
        if what == "submit":
            on_wire.set()
            assert answer.wait(60)

    venue.before = before
    seen: list[str] = []

    def engage() -> None:
        assert on_wire.wait(30)
        kill.engage(account, flatten=True, reason="during the call")
        seen.append(kill_report.report(account, database_now()).words)
        seen.append(flattening.run(account, 0.5).words)
        answer.set()

    assert at_once(lambda: dispatch.send_approved(signal.pk), engage) == []
    assert all(words.startswith("1 order still on the wire") for words in seen)
    assert the_entry(account).claimed_at is not None
    assert flattening.run(account, 60).words == "flat"
    assert venue.held[account.pk, "NQ"] == 0


def test_the_switch_beside_alerts_that_arrive_leaves_nothing_open(source: SignalSource, venue: Venue) -> None:
    accounts = [make_follower(f"A{n}", source=source, trader=f"T{n}")[1] for n in range(3)]
    alerts = [lambda n=n: route(accept_alert(source, alert_id=str(n)).signal) for n in range(4)]
    assert at_once(*alerts, lambda: kill.engage(None, flatten=True, reason="race")) == []
    assert flattening.run(None, 60).words == "flat"
    assert [venue.held.get((account.pk, "NQ"), 0) for account in accounts] == [0, 0, 0]


def test_one_account_that_hangs_holds_up_neither_the_others_nor_the_caller(
    source: SignalSource, venue: Venue
) -> None:
    first, second = (make_follower(f"A{n}", source=source, trader=f"T{n}")[1] for n in range(2))
    route(entry_signal(source))
    go_on = threading.Event()
    positions = venue.connector.positions

    def hangs(self: Any) -> Any:
        if self.account.pk == first.pk:
            assert go_on.wait(60)
        return positions(self)

    venue.connector.positions = hangs  # type: ignore[method-assign]
    kill.engage(None, flatten=True, reason="one venue hangs")
    report = flattening.run(None, 3)
    looks = {row.label: row.look for row in report.standings}
    assert (looks["A1"], report.is_flat) == (kill_report.Look.VERIFIED, False)
    assert venue.held[second.pk, "NQ"] == 0
    go_on.set()
    assert flattening.run(None, 60).words == "flat"


@contextmanager
def dead_queue() -> Iterator[None]:
    """Nobody can write to the queue: its table is locked for good, or gone."""
    if connection.vendor == "postgresql":
        other = connection.copy()
        with other.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute("LOCK TABLE django_q_ormq IN ACCESS EXCLUSIVE MODE")
            yield
            cursor.execute("ROLLBACK")
        other.close()
        return
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE django_q_ormq RENAME TO gone")
        try:
            yield
        finally:
            cursor.execute("ALTER TABLE gone RENAME TO django_q_ormq")


def test_it_closes_everything_with_the_queue_dead(source: SignalSource) -> None:
    """On the paper venue, whose fills are booked here; nothing of it goes through the queue."""
    account: Account = make_follower(source=source)[1]
    route(entry_signal(source))
    assert held(account) == 2
    with dead_queue():
        kill.engage(None, flatten=True, reason="the queue is dead")
        assert flattening.run(None, 60).words == "flat"
    assert held(account) == 0
