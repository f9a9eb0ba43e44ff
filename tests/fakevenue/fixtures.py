"""The fake venue as a fixture, and an account that trades there. Import both into a conftest."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from execution import connectors
from execution.models import Connection, VenueAccount
from firms.models import Account
from tests.fakevenue import connector
from tests.fakevenue.connector import FakeVenueConnector
from tests.fakevenue.process import FakeVenue
from tests.make import make_account

AT_VENUE = "A-1"


@pytest.fixture(scope="session")
def venue_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakeVenue]:
    venue = FakeVenue(tmp_path_factory.mktemp("venue") / "journal.jsonl")
    yield venue
    venue.kill()


@pytest.fixture
def fake_venue(
    venue_process: FakeVenue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[FakeVenue]:
    """A venue that knows the account A-1 and behaves; asked with times a test can wait for."""
    venue = venue_process
    venue.begin_anew(tmp_path / "journal.jsonl")
    monkeypatch.setattr(connector, "_sessions", {})
    monkeypatch.setattr(FakeVenueConnector, "url", venue.url)
    monkeypatch.setattr(FakeVenueConnector, "total_seconds", 1.0)
    monkeypatch.setattr(FakeVenueConnector, "settle_seconds", 0.5)
    monkeypatch.setattr(connectors, "CONNECTORS", {**connectors.CONNECTORS, "fake": FakeVenueConnector})
    venue.do("account", id=AT_VENUE)
    yield venue
    if venue.lives:
        venue.clear()  # whoever hangs there is let go


@pytest.fixture
def venue_account(fake_venue: FakeVenue, db: None) -> Account:
    """A live account, A-1 at the venue."""
    return at_venue(make_account(live=True))


def at_venue(account: Account, number: str = AT_VENUE) -> Account:
    connection, _ = Connection.objects.get_or_create(name="Fake", venue="fake")
    VenueAccount.objects.create(account=account, connection=connection, venue_account_id=number)
    return account
