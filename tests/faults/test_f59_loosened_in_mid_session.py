"""F59: a rule is loosened in mid-session: it counts from the account's next reset on, tightening at once."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection

from execution import supervision
from execution.models import SignalSource
from firms.models import Account, LossLimit, PersonalLimits, Program
from tests.execution.make import entry_signal, make_follower, route, the_entry
from tests.execution.venue import Venue
from tests.make import make_source

RESET = datetime.fromisoformat("2026-03-04T23:00:00+00:00")  # 17:00 in Chicago

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


@pytest.fixture
def source() -> SignalSource:
    return make_source()


@pytest.fixture
def account(source: SignalSource, venue: Venue) -> Account:
    found: Account = make_follower(source=source, max_state_age_seconds=86_400)[1]
    return found


def raw(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


LOOSENED: dict[str, tuple[Callable[[Account], Any], Callable[[Account], Any]]] = {
    "the program's cap": (
        lambda _: Program.objects.update(max_contracts=1), lambda _: Program.objects.update(max_contracts=10),
    ),
    "by raw SQL": (
        lambda _: raw("UPDATE firms_program SET max_contracts = 1"),
        lambda _: raw("UPDATE firms_program SET max_contracts = 10"),
    ),
    "the daily limit": (
        lambda _: LossLimit.objects.filter(kind="daily_loss").update(amount=100),
        lambda _: LossLimit.objects.filter(kind="daily_loss").update(amount=1000),
    ),
    "the owner's own limit": (
        lambda a: PersonalLimits.objects.create(account=a, max_contracts=1),
        lambda _: PersonalLimits.objects.all().delete(),
    ),
    "the guard": (
        lambda _: Account.objects.update(floor_buffer=900), lambda _: Account.objects.update(floor_buffer=0),
    ),
}  # fmt: skip


@pytest.mark.parametrize("change", LOOSENED.values(), ids=LOOSENED)
def test_f59_what_was_tight_today_refuses_until_the_reset(
    source: SignalSource, account: Account, venue: Venue, clock: time_machine.Traveller,
    change: tuple[Callable[[Account], Any], Callable[[Account], Any]],
) -> None:  # fmt: skip
    tighten, loosen = change
    tighten(account)
    supervision.note_terms()
    loosen(account)
    clock.shift(timedelta(minutes=5))
    supervision.note_terms()
    route(entry_signal(source, alert_id="today"))
    assert venue.calls == []
    clock.move_to(RESET + timedelta(seconds=1))
    route(entry_signal(source, alert_id="tomorrow"))
    assert the_entry(account).status == "accepted"


def test_f59_the_environments_limit_gone_with_a_restart_counts_as_well(
    source: SignalSource, account: Account, venue: Venue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APEX_MAX_CONTRACTS", "1")
    supervision._noted.clear()
    supervision.note_terms()
    monkeypatch.delenv("APEX_MAX_CONTRACTS")
    route(entry_signal(source))
    [decision] = account.decisions.all()
    assert (decision.breach_type, venue.calls) == ("contracts", [])
    assert "under the rules in force until Wed 17:00 UTC" in decision.reason
