"""F65: the clock jumps back an hour, ahead an hour or a day, or the machines' clocks differ."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model

from execution import clock, clock_watch
from execution.models import Alarm, Decision, Heartbeat, SignalSource
from firms.models import Account
from tests.execution.make import close_signal, entry_signal, held, make_follower, route
from tests.make import NOON

pytestmark = pytest.mark.django_db


@pytest.fixture
def follower(clock: Any) -> tuple[SignalSource, Account]:
    """A fresh paper account that follows a source; the newest instant is noon."""
    found = make_follower()
    clock_watch.look()
    return found


def verdict(source: SignalSource, **fields: Any) -> tuple[bool, str]:
    signal = entry_signal(source, **fields)
    route(signal)
    decision = Decision.objects.get(signal=signal, leg="entry")
    refusals = [f.code for f in decision.findings if f.outcome.blocks]
    return decision.allowed, ",".join(refusals)


@pytest.mark.parametrize(
    ("jump", "refused"),
    [(0, False), (-2, False), (-2.001, True), (-3600, True)],
    ids=["as it was", "two seconds back", "a little more", "an hour back"],
)
def test_f65_a_clock_that_was_set_back_refuses_entries(
    follower: Any, clock: Any, jump: float, refused: bool
) -> None:
    clock.shift(jump)
    allowed, codes = verdict(follower[0])
    assert ("admission.clock" in codes) is refused
    assert allowed is not refused


def test_f65_a_clock_that_was_set_back_stops_no_exit(follower: Any, clock: Any) -> None:
    source, account = follower
    assert verdict(source)[0]
    assert held(account) == 2
    clock.shift(-3600)
    route(close_signal(source))
    assert held(account) == 0


def test_f65_a_person_is_told_and_told_once_and_it_ends_with_the_trouble(follower: Any, clock: Any) -> None:
    clock.shift(-3600)
    clock_watch.look()
    clock_watch.look()
    [alarm] = Alarm.objects.filter(kind="clock")
    assert "2026-03-04 17:00:00 UTC already" in alarm.message
    assert Heartbeat.objects.get(name=clock_watch.NEWEST).at == NOON, "it never goes back by itself"
    clock.shift(3600)
    clock_watch.look()
    assert not Alarm.objects.filter(kind="clock", closed_at=None).exists()
    assert verdict(follower[0])[0]


def test_f65_a_clock_that_was_a_day_ahead_is_right_again_when_a_person_says_so(
    follower: Any, clock: Any
) -> None:
    clock.shift(86_400)
    clock_watch.look()
    clock.shift(-86_400)
    clock_watch.look()
    assert verdict(follower[0]) == (False, "admission.clock")
    person = get_user_model().objects.create_user("operator")
    Alarm.objects.filter(kind="clock").update(closed_at=NOON, closed_by=person)
    clock_watch.look()
    assert Heartbeat.objects.get(name=clock_watch.NEWEST).at == NOON
    assert verdict(follower[0], trade_id="again")[0]


@pytest.mark.parametrize("jump", [3600, 86_400], ids=["an hour", "a day"])
def test_f65_ahead_an_alert_of_before_the_jump_is_too_old(follower: Any, clock: Any, jump: int) -> None:
    signal = entry_signal(follower[0])
    clock.shift(jump)
    route(signal)
    assert not Decision.objects.get(signal=signal).allowed
    assert held(follower[1]) == 0


@pytest.mark.parametrize(
    ("apart", "refused"),
    [(0, False), (2, False), (2.001, True), (-2.001, True)],
    ids=["none", "two seconds", "a little more", "behind as well"],
)
def test_f65_clocks_of_two_machines_that_differ_refuse_entries(
    follower: Any, apart: float, refused: bool
) -> None:
    clock.note_skew(NOON, NOON + timedelta(seconds=apart), NOON)
    allowed, codes = verdict(follower[0])
    assert (allowed, codes) == ((False, "admission.clock") if refused else (True, ""))
    clock_watch.look()
    assert Alarm.objects.filter(kind="clock", closed_at=None).exists() is refused
    clock.note_skew(NOON, NOON, NOON)
    clock_watch.look()
    assert not Alarm.objects.filter(kind="clock", closed_at=None).exists()


def test_f65_what_the_asking_takes_is_no_difference(follower: Any) -> None:
    """The database answered three seconds after it was asked, somewhere in between."""
    clock.note_skew(NOON, NOON + timedelta(seconds=3), NOON + timedelta(seconds=3))
    assert clock.skew() == timedelta(0)
    clock.note_skew(NOON, NOON + timedelta(seconds=6), NOON + timedelta(seconds=3))
    assert clock.skew() == timedelta(seconds=3)


def test_f65_the_databases_own_clock_is_this_machines(db: Any) -> None:
    clock.database_now()
    assert clock.skew() < clock_watch.TOLERANCE
