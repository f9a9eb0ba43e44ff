"""F50 to F56: alerts twice, late, swapped, in a burst, hostile, for nobody; and many for the same room."""

from typing import Any

import pytest
import time_machine

from execution import supervision
from execution.models import Decision, Order, Signal, SignalSource
from firms.models import Account
from tests.execution.make import (
    accept_alert,
    close_signal,
    decide,
    entry_signal,
    held,
    make_follower,
    open_exits,
    route,
    run_queue,
)
from tests.execution.test_concurrency import at_once
from tests.execution.venue import Venue
from tests.faults.workers import Web, Worker
from tests.make import make_account, make_program, make_route, make_source

pytestmark = pytest.mark.django_db


@pytest.fixture
def source(clock: time_machine.Traveller) -> SignalSource:
    return make_source()


@pytest.fixture
def account(source: SignalSource, venue: Venue) -> Account:
    found: Account = make_follower(source=source)[1]
    return found


# --- F50: the same alert more than once ---------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_f50_at_once() -> None:
    source = make_source()
    found: list[bool] = []
    assert at_once(*[lambda: found.append(accept_alert(source).is_duplicate)] * 8) == []
    assert (sorted(found), Signal.objects.count()) == ([False] + [True] * 7, 1)


def test_f50_every_five_seconds_as_the_sender_repeats(
    source: SignalSource, account: Account, venue: Venue, clock: time_machine.Traveller
) -> None:
    for _ in range(4):
        accept_alert(source)
        run_queue()
        clock.shift(5)
    assert (Signal.objects.count(), len(venue.asked("submit"))) == (1, 1)


@pytest.mark.process
@pytest.mark.django_db(transaction=True)
def test_f50_across_a_restart_and_across_two_web_hosts(own_folder: object) -> None:
    make_route(make_source(), make_account())
    first, second = Web(), Web()
    try:
        answers = [first.send(), second.send()]
        first.end()
        answers.append(second.send())
    finally:
        first.end()
        second.end()
    assert [answer and answer[0] for answer in answers] == [202, 200, 200]
    assert Signal.objects.count() == 1


# --- F51: out of order --------------------------------------------------------------------------------------


def test_f51_a_close_before_its_entry_closes_nothing(
    source: SignalSource, account: Account, venue: Venue
) -> None:
    route(close_signal(source))
    assert (venue.asked("close"), held(account), open_exits(account)) == ([], 0, [])


def test_f51_an_entry_that_its_own_close_overtook_in_the_queue_never_leaves(
    source: SignalSource, account: Account, venue: Venue
) -> None:
    entry = entry_signal(source)
    route(close_signal(source))
    route(entry)
    assert (venue.asked("submit"), held(account)) == ([], 0)


# --- F52: late ----------------------------------------------------------------------------------------------


def test_f52_after_ten_minutes_an_entry_is_over_and_a_close_is_not(
    source: SignalSource, account: Account, venue: Venue, clock: time_machine.Traveller
) -> None:
    route(entry_signal(source))
    late, close = entry_signal(source, alert_id="late"), close_signal(source)
    clock.shift(600)
    route(late)
    route(close)
    assert not late.decisions.get().allowed
    assert (len(venue.asked("submit")), held(account), open_exits(account)) == (1, 0, [])


# --- F53: a burst -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "alerts", [pytest.param(60, id="60"), pytest.param(500, id="500", marks=pytest.mark.long)]
)
def test_f53_a_burst_is_stored_whole_its_exit_is_first_and_the_room_limits_its_entries(
    source: SignalSource, account: Account, venue: Venue, clock: time_machine.Traveller, alerts: int
) -> None:
    route(entry_signal(source))
    for number in range(alerts):
        entry_signal(source, alert_id=str(number), contracts=1)
    close_signal(source)
    clock.shift(1.001)
    supervision.work_exits()
    assert (held(account), Signal.objects.count()) == (0, alerts + 2)
    run_queue()
    assert Decision.objects.filter(leg="entry").count() == alerts + 1
    assert len(venue.asked("submit")) == 1  # those of the burst are older than the close


# --- F55: for nobody ----------------------------------------------------------------------------------------


def _no_symbol(source: SignalSource, account: Account) -> Signal:
    return entry_signal(source, symbol="XYZ9")


def _account_off(source: SignalSource, account: Account) -> Signal:
    signal = entry_signal(source)
    Account.objects.update(is_active=False)
    return signal


def _source_off(source: SignalSource, account: Account) -> Signal:
    signal = entry_signal(source)
    SignalSource.objects.update(is_enabled=False)
    return signal


def _route_off(source: SignalSource, account: Account) -> Signal:
    signal = entry_signal(source)
    source.routes.update(is_enabled=False)
    return signal


@pytest.mark.parametrize("make", [_no_symbol, _account_off, _source_off, _route_off])
def test_f55_what_nobody_takes_is_stored_and_refused_with_a_reason(
    source: SignalSource, account: Account, venue: Venue, make: Any
) -> None:
    [decision] = decide(make(source, account))
    assert (decision.allowed, venue.calls) == (False, [])
    assert decision.code
    assert decision.reason


def test_f55_an_account_that_never_subscribed_gets_no_decision(
    source: SignalSource, account: Account
) -> None:
    make_account("Apex-2", paper=True)
    assert [decision.account for decision in decide(entry_signal(source))] == [account]


# --- F56: many for the same room ----------------------------------------------------------------------------


@pytest.mark.process
@pytest.mark.django_db(transaction=True)
def test_f56_twenty_alerts_for_room_for_three_in_two_workers_are_three_orders(own_folder: object) -> None:
    """Daily floor 48,500: room for 1,500; 3 x 440 = 1,320 fit, 4 x 440 = 1,760 don't. Each takes them all."""
    source, _ = make_follower(source=make_source(), program=make_program(daily_loss=1500))
    chunks = [entry_signal(source, alert_id=str(n)).chunks.get().pk for n in range(20)]
    workers = [Worker("route_chunk", *order) for order in (chunks, chunks[::-1])]
    assert [worker.ended() for worker in workers] == [0, 0]
    assert Decision.objects.count() == 20
    assert Decision.objects.filter(allowed=True).count() == Order.objects.filter(leg="entry").count() == 3
