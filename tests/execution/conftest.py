"""The one clock and the venue in memory that these tests share."""

import sys
from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

import execution.clock
from tests.execution.venue import Venue, install
from tests.make import NOON


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[time_machine.Traveller]:
    """A Wednesday's noon in New York, standing still until a test moves it: `clock.shift(seconds)`.

    PostgreSQL's own clock can't be moved, so whoever asks it is given this one.
    """
    for name, module in list(sys.modules.items()):
        if name.startswith("execution.") and hasattr(module, "database_now"):
            monkeypatch.setattr(module, "database_now", lambda: timezone.now())
    monkeypatch.setattr(execution.clock._Skew, "last", timedelta(0))
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


@pytest.fixture
def venue(monkeypatch: pytest.MonkeyPatch) -> Venue:
    """A venue in memory where the paper venue usually stands."""
    return install(monkeypatch)
