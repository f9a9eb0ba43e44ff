"""F25: the database is put back to an earlier state while the venue has moved on."""

import re
from collections.abc import Callable
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.core.management.color import no_style
from django.db import connection, transaction

from execution import dispatch
from execution.epochs import closing_id, entry_id
from execution.models import Alarm, Decision, Epoch, Exit, Fill, Order, OrderEvent, Signal, SignalSource
from execution.order_state import OrderStatus
from firms.models import Account, AuditEntry
from tests.execution.make import (
    close_signal,
    decide,
    entry_signal,
    held,
    make_follower,
    make_order,
    open_exits,
    route,
    the_entry,
)
from tests.execution.venue import Venue
from tests.make import NOON, make_source

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


@pytest.fixture
def source() -> SignalSource:
    return make_source()


@pytest.fixture
def account(source: SignalSource, venue: Venue) -> Account:
    found: Account = make_follower(source=source)[1]
    return found


def lose(work: Callable[[], Any]) -> Any:
    """Do something, then put the database back to where it was before, its counters included."""
    _set_counters()
    with transaction.atomic():
        found = work()
        transaction.set_rollback(True)
    _set_counters()
    return found


def _set_counters() -> None:
    """To where the rows say, as a restore does; PostgreSQL's stay where they are at a rollback."""
    with connection.cursor() as cursor:
        models = [Signal, Order, OrderEvent, Exit, Decision, Fill, Epoch]
        for statement in connection.ops.sequence_reset_sql(no_style(), models):
            cursor.execute(statement)


def restore() -> None:
    call_command("restored", reason="disk failed, backup of 06:00")


def test_f25_an_id_that_a_venue_has_seen_is_never_used_again(source: SignalSource, account: Account) -> None:
    def trade() -> tuple[int, list[str]]:
        entry = entry_signal(source)
        route(entry)
        close_signal(source)
        route(Signal.objects.latest("pk"))
        return entry.pk, list(Order.objects.order_by("pk").values_list("client_order_id", flat=True))

    signal, sent = lose(trade)
    assert len(sent) == 2  # its entry and its closing order
    restore()
    call_command("restored", release=True, reason="compared")
    again, names = trade()
    assert again == signal, "the restored database counts on from the same number"
    assert not set(names) & set(sent)


def test_f25_without_a_restore_an_order_keeps_its_id(source: SignalSource, account: Account) -> None:
    signal = entry_signal(source)
    [first] = lose(lambda: [decide(signal), the_entry(account).client_order_id][1:])
    Epoch.objects.create(code=first.split("-")[1], began_at=NOON)  # the one it was decided under
    decide(signal)
    assert the_entry(account).client_order_id == first


def test_f25_after_a_restore_no_entry_leaves_until_a_person_has_compared(
    source: SignalSource, account: Account, venue: Venue
) -> None:
    restore()
    signal = entry_signal(source)
    [denied] = decide(signal)
    assert (denied.allowed, denied.code, venue.calls) == (False, "trading_state.paused", [])
    assert Alarm.objects.get(closed_at=None).kind == "restored"
    call_command("restored", release=True, reason="compared with the dashboards")
    assert not Alarm.objects.filter(closed_at=None).exists()
    route(entry_signal(source, contracts=1))
    assert len(venue.asked("submit")) == 1
    acts = AuditEntry.objects.order_by("pk").values_list("action", flat=True)
    assert list(acts)[1:] == ["paused.raised", "database.restored", "paused.ended"]


def test_f25_an_order_approved_before_the_backup_is_not_sent_after_it(
    source: SignalSource, account: Account, venue: Venue, clock: time_machine.Traveller
) -> None:
    signal = entry_signal(source)
    decide(signal)
    restore()
    dispatch.send_approved(signal.pk)
    assert (the_entry(account).status, venue.asked("submit")) == ("canceled", [])


def test_f25_exits_work_meanwhile(source: SignalSource, account: Account) -> None:
    route(entry_signal(source))
    restore()
    route(close_signal(source))
    assert (held(account), open_exits(account)) == (0, [])


@pytest.mark.parametrize("status", [OrderStatus.SUBMITTING, OrderStatus.UNKNOWN, OrderStatus.HELD])
def test_f25_nobody_can_release_while_an_order_is_in_doubt(
    source: SignalSource, account: Account, status: OrderStatus
) -> None:
    order = make_order(account, entry_signal(source), status)
    restore()
    with pytest.raises(CommandError, match=re.escape(order.client_order_id)):
        call_command("restored", release=True, reason="looked away")
    [denied] = decide(entry_signal(source, contracts=1))
    assert denied.code == "trading_state.paused"


def test_f25_an_id_of_a_busy_installation_still_fits_the_venues() -> None:
    """The shortest limit among the target venues is 26 characters; letters, digits and dashes are safe."""
    for name in (entry_id("k7m2", 99_999_999, 99_999), closing_id("k7m2", 99_999_999, 999)):
        assert len(name) <= 24
        assert re.fullmatch(r"[a-z0-9-]+", name)
