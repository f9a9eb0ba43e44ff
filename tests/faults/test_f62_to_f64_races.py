"""F62 to F64: two at one row, two leaders, a reset while a fill is booked.

F08, F09 and F10 kill real processes: tests/process/test_watchdog.py; two leaders of a monitor's pass:
tests/execution/test_monitor.py.
"""

import threading
from datetime import timedelta
from decimal import Decimal

import pytest
import time_machine
from django.db import connection, transaction

from enforcement.account import StateReport, StateSource
from enforcement.orders import Side
from execution import dispatch, monitor, reports, supervision
from execution.connectors import VenueFill, VenueReport
from execution.leadership import SOLE, LeaseLeader, NotLeader
from execution.models import Lease, Order
from firms import services
from firms.models import Account, AccountDay, AccountState
from tests.execution.make import decide, entry_signal, held, make_follower, make_order, the_entry
from tests.execution.test_concurrency import at_once
from tests.execution.venue import Venue
from tests.make import NOON, make_source

RESET = NOON.replace(hour=23)  # 17:00 in Chicago


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("turn", range(3))
def test_f62_the_sweeper_and_a_worker_that_take_one_order_claim_it_once(venue: Venue, turn: int) -> None:
    source = make_source()
    _, account = make_follower(source=source)
    signal = entry_signal(source)
    decide(signal)
    order = the_entry(account)
    Order.objects.update(created_at=order.created_at - timedelta(seconds=3))
    assert at_once(
        supervision.send_overdue, supervision.send_overdue, lambda: dispatch.send_approved(signal.pk)
    ) == []  # fmt: skip
    assert venue.asked("submit") == [order.client_order_id]
    assert the_entry(account).status == "accepted"


@pytest.mark.django_db
def test_f63_a_leader_that_was_overtaken_claims_nothing(clock: time_machine.Traveller, venue: Venue) -> None:
    source = make_source()
    _, account = make_follower(source=source)
    decide(entry_signal(source))
    old, new = LeaseLeader(), LeaseLeader()
    assert old.is_leader()
    clock.shift(3)
    Lease.objects.update(until=NOON)  # it sleeps past its lease
    assert new.is_leader()
    dispatch.send(dispatch.overdue(timedelta(seconds=2)), confirm=old.confirm)
    assert (venue.asked("submit"), the_entry(account).status) == ([], "approved")
    supervision.send_overdue(new)
    assert (len(venue.asked("submit")), the_entry(account).status) == (1, "accepted")


@pytest.mark.django_db(transaction=True)
def test_f63_a_takeover_waits_for_what_the_old_leader_is_just_writing() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("on SQLite a lock file decides, and a frozen process keeps it")
    old, new = LeaseLeader(), LeaseLeader()
    assert old.is_leader()
    Lease.objects.update(until=NOON)
    took_over = threading.Event()

    def take_over() -> None:
        try:
            if new.is_leader():
                took_over.set()
        finally:
            connection.close()

    with transaction.atomic():
        old.confirm()
        thread = threading.Thread(target=take_over)
        thread.start()
        assert not took_over.wait(0.3)  # the row is locked until the old leader's commit
    thread.join(10)
    assert took_over.is_set()
    with pytest.raises(NotLeader), transaction.atomic():
        old.confirm()


def report_of_a_fill(account: Account, order: Order) -> VenueReport:
    """It was filled a minute before the reset, and is reported a few seconds after it."""
    fill = VenueFill(
        venue_fill_id="f1", client_order_id=order.client_order_id, symbol="NQ", side=Side.BUY,
        quantity=Decimal(2), price=Decimal(20_000), commission=Decimal(0),
        filled_at=RESET - timedelta(minutes=1), why="entry",
    )  # fmt: skip
    state = StateReport(
        balance=Decimal(50_000), equity=Decimal(50_100), as_of=RESET + timedelta(seconds=5),
        source=StateSource.VENUE,
    )  # fmt: skip
    return VenueReport(state=state, positions=[], fills=[fill])


@pytest.mark.django_db
@pytest.mark.parametrize("first", ["monitor", "fill"])
def test_f64_a_reset_beside_the_booking_of_a_fill_comes_to_the_same_in_either_order(
    clock: time_machine.Traveller, first: str
) -> None:
    source = make_source()
    _, account = make_follower(source=source)
    order = make_order(account, entry_signal(source))
    clock.move_to(RESET + timedelta(seconds=6))

    def book() -> None:
        with transaction.atomic():
            services.lock_traders([account.trader_id])
            reports.book(account, report_of_a_fill(account, order), now=RESET + timedelta(seconds=6))

    acts = [lambda: monitor.watch(SOLE), book]
    for act in acts if first == "monitor" else reversed(acts):
        act()
        act()
    monitor.watch(SOLE)
    state = AccountState.objects.get(account=account)
    assert (held(account), state.equity, state.trading_day.isoformat()) == (2, 50_100, "2026-03-05")
    days = AccountDay.objects.filter(account=account).order_by("day")
    assert [day.day.isoformat() for day in days] == ["2026-03-04", "2026-03-05"]
