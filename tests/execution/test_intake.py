"""An alert is stored once, with everything that follows from it, in one commit, or not at all."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django_q.models import OrmQ

from execution import intake
from execution.decoding import Undecodable
from execution.intake import CHUNK_SIZE, Conflict, enqueue_execution_task_for_entry
from execution.models import Alarm, Exit, Route, Signal, SignalChunk, SignalKey, SignalSource
from firms.models import Account
from tests.execution.make import (
    accept_alert,
    close_signal,
    decide,
    entry_signal,
    held,
    make_follower,
    open_exits,
    queued,
    route,
    run_queue,
)
from tests.make import NOON, make_program, make_source, make_trader

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


@pytest.fixture
def source() -> SignalSource:
    return make_source()


def make_many_followers(source: SignalSource, number: int) -> list[int]:
    """Accounts and their routes in two statements."""
    program, trader = make_program(), make_trader()
    accounts = Account.objects.bulk_create(
        Account(trader=trader, program=program, label=f"Apex-{n}") for n in range(number)
    )
    Route.objects.bulk_create(Route(source=source, account=account) for account in accounts)
    return sorted(account.pk for account in accounts)


def chunks_of(signal: Signal) -> list[list[int]]:
    return [chunk.account_ids for chunk in signal.chunks.order_by("number")]


# --- one commit ---------------------------------------------------------------------------------------


def test_an_entry_is_stored_with_its_chunk_and_its_queue_row(source: SignalSource) -> None:
    _, account = make_follower(source=source)
    accepted = accept_alert(source)
    signal = Signal.objects.get()
    assert not accepted.is_duplicate
    assert accepted.signal == signal
    assert (signal.received_at, signal.family, signal.contracts) == (NOON, "NQ", 2)
    assert chunks_of(signal) == [[account.pk]]
    assert queued() == [("execution.tasks.route_chunk", (signal.chunks.get().pk,))]
    assert not Exit.objects.exists()


def test_many_accounts_are_split_into_chunks_of_the_databases_size(source: SignalSource) -> None:
    ids = make_many_followers(source, 120)
    signal = entry_signal(source)
    wanted = {"sqlite": [50, 50, 20], "postgresql": [120]}[connection.vendor]
    assert [len(chunk) for chunk in chunks_of(signal)] == wanted
    assert [pk for chunk in chunks_of(signal) for pk in chunk] == ids
    assert CHUNK_SIZE == {"sqlite": 50, "postgresql": 200}
    assert len(queued()) == len(wanted)


def test_the_accounts_are_frozen_at_intake(source: SignalSource) -> None:
    _, first = make_follower("Apex-1", source=source)
    signal = entry_signal(source)
    make_follower("Apex-2", source=source)
    Route.objects.filter(account=first).delete()
    assert chunks_of(signal) == [[first.pk]]
    assert [decision.account_id for decision in decide(signal)] == [first.pk]


def test_an_exit_opens_one_exit_for_each_account_in_the_same_commit(source: SignalSource) -> None:
    accounts = [make_follower(label, source=source)[1] for label in ("Apex-1", "Apex-2")]
    signal = close_signal(source)
    rows = Exit.objects.order_by("account_id")
    assert [(row.account_id, row.family, row.covers_id, row.target, row.opened_at) for row in rows] == [
        (account.pk, "NQ", signal.pk, 0, NOON) for account in accounts
    ]
    assert chunks_of(signal) == [[account.pk for account in accounts]]


def test_a_second_exit_joins_the_open_one(source: SignalSource) -> None:
    _, account = make_follower(source=source)
    close_signal(source)
    later = close_signal(source, symbol="MNQ1!")
    [row] = open_exits(account)
    assert (row.covers_id, row.symbol) == (later.pk, "MNQ1!")


def test_without_routes_there_are_no_chunks_and_nothing_is_queued(source: SignalSource) -> None:
    for signal in (entry_signal(source), close_signal(source)):
        assert chunks_of(signal) == []
    assert (queued(), Exit.objects.count()) == ([], 0)


def test_a_note_is_kept_and_routed_nowhere(source: SignalSource) -> None:
    make_follower(source=source)
    signal = entry_signal(source, action="ping")
    assert (signal.kind, chunks_of(signal), queued(), Exit.objects.count()) == ("note", [], [], 0)


@pytest.mark.parametrize("switch", ["route", "account"])
def test_what_is_switched_off_takes_no_part(source: SignalSource, switch: str) -> None:
    off = {"route": {"is_enabled": False}} if switch == "route" else {"is_active": False}
    make_follower("Apex-1", source=source, **off)
    _, on = make_follower("Apex-2", source=source)
    assert chunks_of(entry_signal(source)) == [[on.pk]]
    assert chunks_of(close_signal(source)) == [[on.pk]]


@pytest.mark.parametrize("switch", ["route", "account"])
def test_an_exit_reaches_what_is_switched_off_while_something_of_ours_is_open_there(
    source: SignalSource, switch: str
) -> None:
    _, account = make_follower(source=source)
    route(entry_signal(source))
    if switch == "route":
        Route.objects.update(is_enabled=False)
    else:
        Account.objects.update(is_active=False)
    assert chunks_of(close_signal(source)) == [[account.pk]]
    assert open_exits(account)


def test_nothing_is_left_when_the_queue_row_can_not_be_written(
    source: SignalSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_follower(source=source)

    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("the queue is full")

    monkeypatch.setattr(intake, "async_task", broken)
    for action in ("buy", "close"):
        with pytest.raises(RuntimeError):
            accept_alert(source, action=action)
    tables = (Signal, SignalKey, SignalChunk, Exit, OrmQ)
    assert [table.objects.count() for table in tables] == [0] * len(tables)


# --- one alert, once ----------------------------------------------------------------------------------


def test_a_repeat_within_twenty_seconds_is_the_same_signal(
    source: SignalSource, clock: time_machine.Traveller
) -> None:
    make_follower(source=source)
    first = accept_alert(source)
    clock.shift(20)
    second = accept_alert(source)
    assert (second.is_duplicate, second.signal) == (True, first.signal)
    assert (Signal.objects.count(), SignalChunk.objects.count(), len(queued())) == (1, 1, 1)
    assert SignalKey.objects.get().repeats == 1


def test_the_same_levels_after_the_window_are_a_new_signal(
    source: SignalSource, clock: time_machine.Traveller
) -> None:
    first = accept_alert(source)
    clock.shift(20.001)
    second = accept_alert(source)
    assert not second.is_duplicate
    assert second.signal != first.signal
    clock.shift(20)  # the window now begins at the second one
    assert accept_alert(source).signal == second.signal


def test_repeats_do_not_stretch_the_window(source: SignalSource, clock: time_machine.Traveller) -> None:
    accept_alert(source)
    clock.shift(15)
    assert accept_alert(source).is_duplicate
    clock.shift(15)
    assert not accept_alert(source).is_duplicate


SAME = {
    "numbers as text": {"contracts": "2", "entry_price": "20000.25", "stop_loss": "19990"},
    "numbers with more zeros": {"contracts": "2.0", "entry_price": "20000.2500"},
    "the size under its other name": {"contracts": None, "quantity": 2},
    "another secret": {"secret": "the one before"},
    "spaces around": {"symbol": " NQ1! "},
}
OTHER = {
    "one tick higher": {"entry_price": "20000.50"},
    "another size": {"contracts": 3},
    "another side": {"action": "sell"},
    "another time": {"timenow": "2026-03-04T17:00:01Z"},
    "another field of the sender's own": {"grid": 2},
    "a size that is a list": {"contracts": [2]},
}


@pytest.mark.parametrize("fields", SAME.values(), ids=SAME)
def test_the_same_content_in_other_words_is_a_duplicate(source: SignalSource, fields: dict[str, Any]) -> None:
    accept_alert(source)
    assert accept_alert(source, **fields).is_duplicate


@pytest.mark.parametrize("fields", OTHER.values(), ids=OTHER)
def test_other_content_is_another_signal(source: SignalSource, fields: dict[str, Any]) -> None:
    accept_alert(source)
    assert not accept_alert(source, **fields).is_duplicate


def test_two_alerts_of_one_bar_differ_by_the_time_they_were_sent(source: SignalSource) -> None:
    """`time` may be the bar's, which all its alerts share; a second field with the sending time tells them apart."""
    bar = "2026-03-04T17:00:00Z"
    accept_alert(source, time=bar, timenow="2026-03-04T17:00:07Z")
    assert not accept_alert(source, time=bar, timenow="2026-03-04T17:00:09Z").is_duplicate


def test_two_sources_may_send_the_same(source: SignalSource) -> None:
    other = make_source("tv-2")
    accept_alert(source, alert_id="A-1")
    assert not accept_alert(other, alert_id="A-1").is_duplicate


def test_an_alerts_own_id_is_remembered_for_ever(source: SignalSource, clock: time_machine.Traveller) -> None:
    first = accept_alert(source, alert_id="A-1")
    clock.shift(timedelta(days=365))
    assert accept_alert(source, alert_id="A-1").signal == first.signal


def test_two_ids_are_two_signals_whatever_they_say(source: SignalSource) -> None:
    accept_alert(source, alert_id="A-1")
    assert not accept_alert(source, alert_id="A-2").is_duplicate


def test_an_id_with_other_content_is_a_conflict_and_warns_once(source: SignalSource) -> None:
    first = accept_alert(source, alert_id="A-1")
    for _ in range(2):
        with pytest.raises(Conflict) as caught:
            accept_alert(source, alert_id="A-1", action="sell", stop_loss="20010")
    assert (caught.value.trade_id, caught.value.signal) == ("A-1", first.signal)
    alarm = Alarm.objects.get()
    assert (alarm.kind, alarm.subject, Signal.objects.count()) == ("alert_id_conflict", "source tv", 1)


def test_a_repeated_close_rearms_its_exit(source: SignalSource, clock: time_machine.Traveller) -> None:
    """The first delivery flattened; something of ours was filled since: the repeat must find it."""
    _, account = make_follower(source=source)
    route(entry_signal(source))
    first = close_signal(source)
    run_queue()
    assert (held(account), open_exits(account)) == (0, [])
    clock.shift(5)
    again = accept_alert(source, action="close", contracts=None, entry_price=None, stop_loss=None, bias=None, session=None)  # fmt: skip
    assert (again.is_duplicate, again.signal) == (True, first)
    [row] = open_exits(account)
    assert row.covers_id == first.pk
    assert ("execution.tasks.work_exit", (row.pk,)) in queued()


# --- the contract's own door --------------------------------------------------------------------------


def enqueue(trade_id: str = "T-1", **fields: Any) -> Signal:
    values: dict[str, Any] = {
        "direction": "long", "entry_price": 20000.25, "stop_loss": 19990.0, "session": "NY AM", "bias": None,
        "contracts": 2, **fields,
    }  # fmt: skip
    return enqueue_execution_task_for_entry(trade_id, **values)


def test_the_contracts_function_stores_the_same_signal(source: SignalSource) -> None:
    _, account = make_follower(source=source)
    signal = enqueue()
    assert chunks_of(signal) == [[account.pk]]
    assert signal.task_payload() == {
        "kind": "ENTRY", "direction": "long", "entry_price": 20000.25, "stop_loss": 19990.0,
        "session": "NY AM", "bias": "long", "contracts": 2, "signal_id": signal.pk,
    }  # fmt: skip
    assert (signal.symbol, signal.trade_id, enqueue()) == ("NQ", "T-1", signal)


def test_the_contracts_function_refuses_what_it_can_not_use(source: SignalSource) -> None:
    with pytest.raises(Undecodable):
        enqueue(direction="up")
    with pytest.raises(Conflict):
        enqueue("T-2"), enqueue("T-2", direction="short")


def test_the_contracts_function_needs_to_know_its_source(source: SignalSource, settings: Any) -> None:
    make_source("tv-2")
    with pytest.raises(ImproperlyConfigured, match="PROPGUARD_DEFAULT_SOURCE"):
        enqueue()
    settings.DEFAULT_SOURCE = "tv-2"
    assert enqueue().source.name == "tv-2"
    SignalSource.objects.filter(name="tv-2").update(is_enabled=False)
    with pytest.raises(ImproperlyConfigured, match="tv-2"):
        enqueue("T-2")
