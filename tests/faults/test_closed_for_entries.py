"""Closed for entries when anything is unknown, always open for exits: each dependency, each way to fail.

`make docs` writes what these runs came to into docs/reliability.md; a test there compares.
"""

import contextlib
from decimal import Decimal

import pytest
import time_machine
from django_q.models import OrmQ

from execution import reconcile, supervision
from execution.models import Alarm, SignalSource
from firms.models import Account
from tests.execution.make import (
    close_signal,
    entry_signal,
    function_named,
    make_live_follower,
    open_exits,
    queued,
    route,
)
from tests.execution.test_exits import reduce_signal
from tests.execution.venue import Venue
from tests.faults.dependencies import CASES, World
from tests.faults.table import reported
from tests.make import make_source

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]

IDS = [f"{dependency}: {failure}" for dependency, failure in CASES]


@pytest.fixture
def source() -> SignalSource:
    return make_source()


@pytest.fixture
def account(source: SignalSource, venue: Venue) -> Account:
    venue.connector.must_reconcile = venue.connector.keeps_stops = True
    asked = {"hedging_scope": "trader", "max_requests_per_day": 500}
    return make_live_follower(source=source, automation="auto", program=asked)[1]


@pytest.fixture
def world(
    account: Account, venue: Venue, monkeypatch: pytest.MonkeyPatch, clock: time_machine.Traveller
) -> World:
    reconcile.reconcile(account)
    with monkeypatch.context() as patch:
        yield World(account, venue, patch, clock)


def live_on(clock: time_machine.Traveller, seconds: int) -> None:
    """What the supervisor and the workers do meanwhile. A task that raises is lost, as a worker loses it."""
    for _ in range(seconds // 5):
        clock.shift(5)
        supervision.sweep()
        reconcile.reconcile_due()
        waiting = queued()
        OrmQ.objects.all().delete()
        for name, arguments in waiting:
            with contextlib.suppress(Exception):
                function_named(name)(*arguments)


def is_held(world: World) -> Decimal:
    return world.venue.held.get((world.account.pk, "NQ"), Decimal(0))


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_an_entry_is_refused(source: SignalSource, world: World, case: tuple[str, str]) -> None:
    signal = entry_signal(source)
    CASES[case](world)
    live_on(world.clock, 75)
    assert world.venue.asked("submit") == []
    [decision] = signal.decisions.all()
    assert not decision.allowed
    reported(case, "an entry", f"refused: `{decision.code}`")


@pytest.mark.parametrize("case", CASES, ids=IDS)
@pytest.mark.parametrize(
    ("what", "left"), [pytest.param("a reduction", 1, marks=pytest.mark.long), ("a close", 0)]
)
def test_an_exit_is_out_or_still_tried_with_an_alarm_and_out_once_the_fault_is_over(
    source: SignalSource, world: World, case: tuple[str, str], what: str, left: int
) -> None:
    route(entry_signal(source, contracts=2))
    reconcile.reconcile(world.account)
    assert is_held(world) == 2
    CASES[case](world)
    reduce_signal(source, 2, 1) if left else close_signal(source)
    live_on(world.clock, 75)
    if is_held(world) == left:
        outcome = "out"
    else:
        assert len(open_exits(world.account)) == 1
        assert Alarm.objects.filter(kind="exit_open", closed_at=None).exists()
        outcome = "still tried, with an alarm"
    reported(case, what, outcome)
    world.patch.undo()
    world.venue.failures.clear()
    live_on(world.clock, 75)
    assert (is_held(world), open_exits(world.account)) == (left, [])
