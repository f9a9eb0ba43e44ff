"""F57: a pause, or the kill switch, between decision and claim; between claim and request; during the call.

Before the claim nothing leaves. The claim is the border: what was claimed before the flag's commit may still
go out within two seconds, and is said to be on the wire.
"""

from collections.abc import Callable

import pytest
import time_machine
from django.utils import timezone

from execution import dispatch, fault, kill, kill_report
from firms.models import Account
from firms.services import raise_flag
from tests.execution.make import decide, entry_signal, make_follower, the_entry
from tests.execution.venue import Venue
from tests.make import make_source

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]

Stop = Callable[[Account], object]
STOPS: dict[str, Stop] = {
    "a pause": lambda account: raise_flag(account, reason="now"),
    "a pause of the program": lambda account: raise_flag(account.program, reason="now"),
    "the kill switch": lambda account: kill.engage(account, flatten=True, reason="now"),
    "the kill switch of the platform": lambda account: kill.engage(None, flatten=True, reason="now"),
}


@pytest.fixture
def account(venue: Venue, clock: time_machine.Traveller) -> Account:
    return make_follower(source=make_source())[1]


def stop_at(monkeypatch: pytest.MonkeyPatch, name: str, act: Callable[[], object]) -> None:
    """Have `act` happen at a named point on the order's way, once."""
    passed: list[str] = []

    def point(here: str) -> None:
        if here == name and not passed:
            passed.append(here)
            act()

    monkeypatch.setattr(fault, "point", point)


@pytest.mark.parametrize("stop", STOPS.values(), ids=STOPS)
def test_between_decision_and_claim_nothing_is_sent(
    account: Account, venue: Venue, monkeypatch: pytest.MonkeyPatch, stop: Stop
) -> None:
    signal = entry_signal(account.routes.get().source)
    decide(signal)
    stop_at(monkeypatch, "dispatch.before_claim", lambda: stop(account))
    dispatch.send_approved(signal.pk)
    order = the_entry(account)
    assert (venue.asked("submit"), order.status, order.claimed_at) == ([], "canceled", None)


@pytest.mark.parametrize("stop", STOPS.values(), ids=STOPS)
@pytest.mark.parametrize(
    ("seconds", "status"), [(0.0, "accepted"), (2.0, "canceled")], ids=["at once", "2 s"]
)
def test_between_claim_and_request_it_leaves_within_two_seconds_or_never(
    account: Account,
    venue: Venue,
    monkeypatch: pytest.MonkeyPatch,
    clock: time_machine.Traveller,
    stop: Stop,
    seconds: float,
    status: str,
) -> None:
    signal = entry_signal(account.routes.get().source)
    decide(signal)
    said: list[str] = []

    def act() -> None:
        stop(account)
        said.append(kill_report.report(account, timezone.now()).words)
        clock.shift(seconds)

    stop_at(monkeypatch, "dispatch.after_claim", act)
    dispatch.send_approved(signal.pk)
    assert the_entry(account).status == status
    assert len(venue.asked("submit")) == (status == "accepted")
    assert said[0] == "not killed" or said[0].startswith("1 order still on the wire")


@pytest.mark.parametrize("stop", list(STOPS.values())[:2], ids=list(STOPS)[:2])
def test_during_the_call_a_pause_leaves_what_was_sent_at_the_venue(
    account: Account, venue: Venue, stop: Stop
) -> None:
    """A pause refuses entries; it closes nothing. The switch does: tests/execution/test_kill_races.py."""
    signal = entry_signal(account.routes.get().source)
    decide(signal)
    dispatch.send_approved(signal.pk)
    stop(account)
    assert (the_entry(account).status, venue.asked("close"), venue.asked("cancel")) == ("accepted", [], [])
