"""What these tests borrow: the one clock, both venues, and installations in processes of their own."""

from pathlib import Path
from typing import Any

import pytest

from execution import reconcile
from firms.models import Account
from tests.execution.conftest import clock, venue
from tests.fakevenue.fixtures import at_venue, fake_venue, venue_account, venue_process
from tests.fakevenue.process import FakeVenue
from tests.faults.trading import trading
from tests.make import make_account, make_route, make_source
from tests.process.conftest import installation, prepared

__all__ = [
    "clock",
    "fake_venue",
    "installation",
    "prepared",
    "trading",
    "venue",
    "venue_account",
    "venue_process",
]


@pytest.fixture
def own_folder(tmp_path: Path, settings: Any) -> Path:
    """A `var/` of the test's own, shared with the processes that it starts."""
    settings.VAR_DIR = tmp_path / "var"
    settings.VAR_DIR.mkdir()
    found: Path = settings.VAR_DIR
    return found


@pytest.fixture
def follower(transactional_db: None, fake_venue: FakeVenue, own_folder: Path) -> Account:
    """A live account at the fake venue that follows the source "tv"; visible to other processes."""
    account = at_venue(make_account(live=True))
    make_route(make_source(), account)
    assert reconcile.reconcile(account)
    return account
