"""What the venue executed outlives it: kill -9 and half a line included."""

from decimal import Decimal

import pytest

from execution.connectors import Rejected
from firms.models import Account
from tests.execution.connectors.contract import buy, closing
from tests.fakevenue.connector import FakeVenueConnector
from tests.fakevenue.process import FakeVenue

pytestmark = pytest.mark.django_db


def test_the_venue_goes_on_from_its_journal_after_kill_9(
    fake_venue: FakeVenue, venue_account: Account
) -> None:
    connector = FakeVenueConnector(venue_account)
    sent = connector.submit(buy())
    fake_venue.set("disabled", ["A-2"])
    before = connector.report(frozenset())
    fake_venue.restart()
    found = connector.find("pg-1")
    assert found is not None
    assert found.venue_order_id == sent.venue_order_id
    after = connector.report(frozenset())
    assert (after.positions, after.fills) == (before.positions, before.fills)
    assert (after.state.balance, after.state.equity) == (before.state.balance, before.state.equity)
    assert len(connector.working_orders()) == 2
    assert fake_venue.book().settings["disabled"] == ["A-2"]


def test_half_a_line_was_never_written(fake_venue: FakeVenue, venue_account: Account) -> None:
    FakeVenueConnector(venue_account).submit(buy())
    fake_venue.kill()
    with fake_venue.journal_path.open("a") as journal:
        journal.write('{"n": 99, "kind": "fill", "order')
    fake_venue.start()
    FakeVenueConnector(venue_account).close(closing())
    assert fake_venue.held("A-1") == 0
    assert fake_venue.executed("pg-1") == 2


def test_every_request_is_in_the_journal_whatever_became_of_it(
    fake_venue: FakeVenue, venue_account: Account
) -> None:
    fake_venue.rule(on="place", execute="no", answer="no", code="unknown_symbol")
    with pytest.raises(Rejected):
        FakeVenueConnector(venue_account).submit(buy())
    assert [body["client_order_id"] for body in fake_venue.asked("place")] == ["pg-1"]
    assert fake_venue.executed("pg-1") == 0


def test_money_is_counted_to_the_cent(fake_venue: FakeVenue, venue_account: Account) -> None:
    """2 NQ from 20,000.25; at 20,010.25 that is 10 points x $20 x 2 open, and closed the same."""
    connector = FakeVenueConnector(venue_account)
    connector.submit(buy(stop_loss=None, target=None))
    fake_venue.do("mark", symbol="NQ", price="20010.25")
    state = connector.report(frozenset()).state
    assert (state.balance, state.equity) == (50_000, 50_400)
    connector.close(closing())
    assert connector.report(frozenset()).state.balance == 50_400


@pytest.mark.parametrize(("price", "left"), [("19990.50", 2), ("19990.25", 0), ("20020.25", 0)])
def test_stop_and_target_work_and_one_cancels_the_other(
    fake_venue: FakeVenue, venue_account: Account, price: str, left: int
) -> None:
    connector = FakeVenueConnector(venue_account)
    connector.submit(buy())
    fake_venue.do("mark", symbol="NQ", price=price)
    assert fake_venue.held("A-1") == left
    assert len(connector.working_orders()) == left


def test_a_stop_grows_with_what_is_filled(fake_venue: FakeVenue, venue_account: Account) -> None:
    fake_venue.set("fill", 1)
    connector = FakeVenueConnector(venue_account)
    connector.submit(buy(quantity=3))
    stops = [order.quantity for order in connector.working_orders() if order.protects]
    assert stops == [1, 1]
    fake_venue.do("fill", client_order_id="pg-1")
    assert [o.quantity for o in connector.working_orders()] == [3, 3]
    assert fake_venue.executed("pg-1") == Decimal(3)
