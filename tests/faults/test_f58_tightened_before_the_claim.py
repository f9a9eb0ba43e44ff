"""F58: a rule is tightened between the decision and the claim, to the last instant before it."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection

from execution import dispatch, router
from execution.models import Order, Signal, SignalSource
from firms.models import Account, LossLimit, PersonalLimits, Program
from tests.execution.make import decide, entry_signal, make_follower, the_entry
from tests.execution.venue import Venue
from tests.make import make_program, make_source

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


@pytest.fixture
def source() -> SignalSource:
    return make_source()


@pytest.fixture
def account(source: SignalSource, venue: Venue) -> Account:
    found: Account = make_follower(source=source)[1]
    return found


def raw(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


CHANGES: dict[str, Callable[[Account], Any]] = {
    "the program": lambda _: Program.objects.update(max_contracts=1),
    "a loss limit": lambda _: LossLimit.objects.filter(kind="daily_loss").update(amount=100),
    "the owner's own limits": lambda a: PersonalLimits.objects.create(account=a, max_contracts=1),
    "the guard": lambda _: Account.objects.update(floor_buffer=Decimal(900)),
    "raw SQL": lambda _: raw("UPDATE firms_program SET max_contracts = 1"),
}
WINDOWS = ("before the task looks", "between the look and the claim")


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_f58_an_entry_decided_under_other_rules_is_not_sent(
    source: SignalSource, account: Account, venue: Venue, monkeypatch: pytest.MonkeyPatch,
    change: Callable[[Account], Any], window: str,
) -> None:  # fmt: skip
    seen = decided(entry_signal(source))
    if window == WINDOWS[0]:
        change(account)
    else:
        at_the_claim(monkeypatch, lambda: change(account))
    dispatch.send([the_entry(account)], seen)
    order = the_entry(account)
    assert (order.status, venue.calls) == ("canceled", [])
    assert "terms have changed" in order.note


def test_f58_another_programs_change_stops_nothing(
    source: SignalSource, account: Account, venue: Venue, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = make_program("FTMO", 7)
    seen = decided(entry_signal(source))
    at_the_claim(monkeypatch, lambda: Program.objects.filter(pk=other.pk).update(max_contracts=1))
    dispatch.send([the_entry(account)], seen)
    assert (the_entry(account).status, len(venue.asked("submit"))) == ("accepted", 1)


def test_f58_the_next_alert_is_decided_under_the_new_rules(
    source: SignalSource, account: Account, venue: Venue
) -> None:
    signal = entry_signal(source, alert_id="1")
    decide(signal)
    Program.objects.update(max_contracts=1)
    dispatch.send_approved(signal.pk)
    [decision] = decide(entry_signal(source, alert_id="2"))
    assert (decision.allowed, decision.breach_type) == (False, "contracts")
    assert Order.objects.count() == 1


def decided(signal: Signal) -> dispatch.TermsSeen:
    """Decide it as the task does; what that saw of the terms."""
    [chunk] = signal.chunks.all()
    found = router.decide(chunk.pk)
    assert found is not None
    assert found.seen is not None
    return found.seen


def at_the_claim(monkeypatch: pytest.MonkeyPatch, act: Callable[[], Any]) -> None:
    """Do something once, right before the claim's own statement."""
    genuine, done = dispatch._obstructions, []

    def obstructions(*arguments: Any) -> Any:
        if not done:
            done.append(act())
        return genuine(*arguments)

    monkeypatch.setattr(dispatch, "_obstructions", obstructions)
