"""F60: account, connection or secret go while an entry is on the wire: it ends with what it began with."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction
from django.db.models import ProtectedError

from execution import dispatch
from execution.admin.account_rows import has_something_open
from execution.connectors import InDoubt
from execution.credentials import new_source_secret
from execution.models import Connection, SignalSource, VenueAccount
from firms.models import Account
from tests.execution.make import decide, entry_signal, make_follower, the_entry
from tests.execution.venue import Venue
from tests.make import make_source

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


@pytest.fixture
def source() -> SignalSource:
    return make_source()


@pytest.fixture
def account(source: SignalSource, venue: Venue) -> Account:
    found: Account = make_follower(source=source)[1]
    return found


def send(source: SignalSource, venue: Venue, meanwhile: Callable[[], Any]) -> None:
    """Decide and send an entry; `meanwhile` happens once, while the venue has it and has not answered. In
    this thread, for the database of a test is seen by no other."""
    venue.connector.inline, venue.fills_at_once = True, False
    signal = entry_signal(source)
    decide(signal)
    done: list[Any] = []

    def before(what: str) -> None:
        if what == "submit" and not done:
            done.append(meanwhile())

    venue.before = before
    dispatch.send_approved(signal.pk)
    assert done


def swap() -> None:
    other = Connection.objects.create(name="Another login", venue="memory")
    VenueAccount.objects.update(connection=other, venue_account_id="another")


def delete_account() -> None:
    with pytest.raises(ProtectedError), transaction.atomic():
        Account.objects.get().delete()


def delete_source() -> None:
    with pytest.raises(ProtectedError), transaction.atomic():
        SignalSource.objects.get().delete()


def delete_connection() -> None:
    with pytest.raises(ProtectedError), transaction.atomic():
        Connection.objects.get().delete()


MEANWHILE: dict[str, Callable[[], Any]] = {
    "the account is deleted": delete_account,
    "the source is deleted": delete_source,
    "the connection is deleted": delete_connection,
    "the connection is swapped by SQL": swap,
    "the link to the venue is deleted by SQL": lambda: VenueAccount.objects.all().delete(),
    "the source's secret is changed": lambda: new_source_secret(SignalSource.objects.get()),
    "the account goes back to dry-run": lambda: Account.objects.update(mode="dry_run"),
    "the account is switched off": lambda: Account.objects.update(is_active=False),
}


@pytest.mark.parametrize("meanwhile", MEANWHILE.values(), ids=MEANWHILE)
def test_f60_the_order_ends_with_what_it_began_with(
    source: SignalSource, account: Account, venue: Venue, meanwhile: Callable[[], Any]
) -> None:
    send(source, venue, meanwhile)
    order = the_entry(account)
    assert (order.status, order.venue_order_id) == ("accepted", f"v-{order.client_order_id}")
    assert venue.asked("submit") == [order.client_order_id]


@pytest.mark.parametrize("meanwhile", MEANWHILE.values(), ids=MEANWHILE)
def test_f60_without_a_clear_answer_it_stays_in_doubt(
    source: SignalSource, account: Account, venue: Venue, meanwhile: Callable[[], Any]
) -> None:
    venue.fails("submit", InDoubt("cut off while waiting"))
    send(source, venue, meanwhile)
    assert the_entry(account).status == "unknown"
    assert len(venue.asked("submit")) == 1


def test_f60_while_an_order_is_under_way_the_admin_offers_no_other_venue(
    source: SignalSource, account: Account, venue: Venue
) -> None:
    assert not has_something_open(account)
    send(source, venue, lambda: _is_fixed(account))
    assert the_entry(account).status == "accepted"


def _is_fixed(account: Account) -> None:
    assert has_something_open(account)
