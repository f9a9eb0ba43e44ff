"""A position's stop is at the venue within ten seconds, or the position is brought down."""

from decimal import Decimal

import pytest
import time_machine

from enforcement.orders import Side
from execution import exit_loop, reconcile
from execution.connectors import Connector, Rejected
from execution.models import Alarm, Position, Reconciliation, SignalSource
from execution.protection import covered
from firms.models import Account
from tests.execution.make import entry_signal, held, make_live_follower, open_exits, route, the_entry
from tests.execution.venue import Venue
from tests.make import make_source

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]

Clock = time_machine.Traveller


@pytest.fixture
def source() -> SignalSource:
    return make_source()


@pytest.fixture
def account(source: SignalSource, venue: Venue) -> Account:
    venue.connector.keeps_stops = True
    return make_live_follower(source=source, automation="auto")[1]


def position() -> Position:
    return Position.objects.get()


def test_a_stop_that_left_with_its_entry_protects_it(
    source: SignalSource, account: Account, venue: Venue
) -> None:
    route(entry_signal(source))
    reconcile.reconcile(account)
    assert (held(account), position().unprotected_since) == (2, None)


@pytest.mark.parametrize(
    ("seconds", "closed"), [(9, False), (10, True)], ids=["9 s without its stop", "10 s without it"]
)
def test_f39_a_position_whose_stop_was_refused_is_closed_after_ten_seconds(
    source: SignalSource, account: Account, venue: Venue, clock: Clock, seconds: int, closed: bool
) -> None:
    venue.refuses_stops = True
    route(entry_signal(source))
    reconcile.reconcile(account)
    clock.shift(seconds)
    reconcile.reconcile(account)
    assert bool(open_exits(account)) is closed
    assert Alarm.objects.filter(kind="unprotected", closed_at=None).exists() is closed
    for row in open_exits(account):
        exit_loop.work(row.pk)
    assert held(account) == (0 if closed else 2)


def test_one_look_alone_closes_nothing_the_list_may_be_older_than_the_fill(
    source: SignalSource, account: Account, venue: Venue, clock: Clock
) -> None:
    venue.refuses_stops = True
    route(entry_signal(source))
    clock.shift(60)
    reconcile.reconcile(account)
    assert open_exits(account) == []


def test_where_the_venue_takes_no_bracket_the_stop_follows_the_fill(
    source: SignalSource, account: Account, venue: Venue, clock: Clock
) -> None:
    venue.connector.native_bracket = False
    venue.refuses_stops = True
    route(entry_signal(source))
    reconcile.reconcile(account)
    [placed] = venue.stops.values()
    assert (placed.quantity, placed.stop_price) == (2, 19_990)
    clock.shift(2)
    reconcile.reconcile(account)
    clock.shift(30)
    reconcile.reconcile(account)
    assert (len(venue.asked("protect")), position().unprotected_since, open_exits(account)) == (1, None, [])


def test_a_stop_that_is_refused_there_too_ends_in_a_close(
    source: SignalSource, account: Account, venue: Venue, clock: Clock
) -> None:
    venue.connector.native_bracket = False
    venue.refuses_stops = True
    venue.failures["protect"] = [Rejected("price beyond the market")] * 99
    route(entry_signal(source))
    for _ in range(7):
        reconcile.reconcile(account)
        clock.shift(2)
    assert len(open_exits(account)) == 1


def test_the_stop_grows_with_what_is_filled(source: SignalSource, account: Account, venue: Venue) -> None:
    venue.connector.native_bracket = False
    venue.refuses_stops = True
    venue.fills_at_once = False
    route(entry_signal(source))
    entry = the_entry(account)
    for part in (1, 1):
        venue.execute(
            account.pk,
            entry.client_order_id,
            "NQ",
            venue.sent[entry.client_order_id][1].side,
            Decimal(part),
            "entry",
        )
        reconcile.reconcile(account)
    assert sorted(stop.quantity for stop in venue.stops.values()) == [1, 1]
    reconcile.reconcile(account)
    assert position().unprotected_since is None


def test_a_stop_for_the_other_side_or_another_symbol_covers_nothing(
    source: SignalSource, account: Account, venue: Venue
) -> None:
    route(entry_signal(source))
    reconcile.reconcile(account)
    [stop] = venue.stops.values()
    assert covered(position(), [stop]) == 2
    assert covered(position(), [stop._replace(symbol="ES")]) == 0
    assert covered(position(), [stop._replace(side=stop.side.opposite)]) == 0
    assert covered(position(), [stop._replace(stop_price=None)]) == 0
    assert covered(position(), [stop._replace(filled_quantity=Decimal(1))]) == 1


def test_an_exit_on_its_way_needs_no_stop(
    source: SignalSource, account: Account, venue: Venue, clock: Clock
) -> None:
    from tests.execution.make import close_signal

    venue.refuses_stops = True
    route(entry_signal(source))
    venue.failures["close"] = [Rejected("later")] * 9
    close_signal(source)
    for _ in range(3):
        reconcile.reconcile(account)
        clock.shift(11)
    assert not Alarm.objects.filter(kind="unprotected").exists()


def test_a_part_filled_stop_that_was_placed_here_is_ours(
    source: SignalSource, account: Account, venue: Venue, clock: Clock
) -> None:
    venue.connector.native_bracket = False
    venue.refuses_stops = True
    route(entry_signal(source))
    reconcile.reconcile(account)
    [placed] = venue.stops.values()
    clock.shift(20)
    venue.execute(account.pk, placed.client_order_id, "NQ", Side.SELL, Decimal(1), "stop")
    reconcile.reconcile(account)
    assert (held(account), Reconciliation.objects.get().differences) == (1, "")


def test_a_connector_without_brackets_of_its_own_must_be_able_to_place_a_stop() -> None:
    with pytest.raises(TypeError, match="must have a protect of its own"):
        type("Halfway", (Connector,), {"native_bracket": False})
    with pytest.raises(TypeError, match="must have a flatten of its own"):
        type("Halfway", (Connector,), {"native_flatten": True})


def test_one_stop_that_fails_in_a_way_nobody_thought_of_leaves_the_other_positions_looked_at(
    source: SignalSource, account: Account, venue: Venue, clock: Clock
) -> None:
    venue.connector.native_bracket = False
    venue.refuses_stops = True
    route(entry_signal(source))
    route(entry_signal(source, symbol="ES1!", entry_price="5000", stop_loss="4998"))
    venue.failures["protect"] = [ZeroDivisionError("oops")]
    assert reconcile.reconcile(account)
    assert len(venue.stops) == 1
