"""Loosened rules count from the next reset on, however they were loosened and whoever asks."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from execution import confirmation, enforcement_service, replaying, supervision
from execution.confirmation import Person
from execution.models import Decision, NewsEvent, SignalSource
from execution.replaying import differences
from firms.models import Account, NewsRule, TermsInForce, TermsSnapshot
from tests.execution.make import (
    close_signal,
    decide,
    entry_signal,
    held,
    make_follower,
    make_live_follower,
    route,
    the_entry,
)
from tests.execution.venue import Venue
from tests.make import NOON, make_account, make_source

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]

RESET = datetime.fromisoformat("2026-03-04T23:00:00+00:00")  # 17:00 in Chicago


@pytest.fixture(autouse=True)
def _no_terms_are_kept() -> Iterator[None]:
    replaying._terms.cache_clear()
    supervision._noted.clear()
    yield
    replaying._terms.cache_clear()
    supervision._noted.clear()


@pytest.fixture
def source() -> SignalSource:
    return make_source()


@pytest.fixture
def account(source: SignalSource) -> Account:
    found: Account = make_follower(source=source, max_state_age_seconds=86_400)[1]
    supervision.note_terms()
    return found


def cap(contracts: int) -> None:
    """By raw SQL: the way nobody can watch but the database itself."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE firms_program SET max_contracts = %s", [contracts])


def loosen(clock: time_machine.Traveller, *, tight: int = 1) -> None:
    """Tightened for an hour, seen by the supervisor, and loosened again."""
    cap(tight)
    supervision.note_terms()
    clock.shift(timedelta(minutes=2))
    cap(10)


def decided(source: SignalSource, **fields: Any) -> Decision:
    [decision] = decide(entry_signal(source, **{"alert_id": str(Decision.objects.count()), **fields}))
    return Decision.objects.select_related("account__program").get(pk=decision.pk)


def test_an_hour_of_tighter_rules_counts_until_the_reset(
    source: SignalSource, account: Account, clock: time_machine.Traveller
) -> None:
    loosen(clock)
    refused = decided(source)
    assert (refused.allowed, refused.breach_type, refused.fits) == (False, "contracts", Decimal(1))
    assert "under the rules in force until Wed 17:02 UTC (loosened today" in refused.reason
    clock.move_to(RESET + timedelta(seconds=1))
    assert decided(source).allowed


def test_tightening_takes_effect_at_once(source: SignalSource, account: Account) -> None:
    cap(1)
    assert decided(source).code == "max_contracts.over_minis"


def test_a_decision_alone_writes_down_what_is_in_force(source: SignalSource, account: Account) -> None:
    """With no supervisor at work: what an entry was decided under counts for the next one."""
    TermsInForce.objects.all().delete()
    cap(1)
    decided(source)
    cap(10)
    refused = decided(source)
    assert not refused.allowed
    assert "under the rules in force" in refused.reason
    rows = TermsInForce.objects.order_by("pk").values_list("until", flat=True)
    assert list(rows) == [NOON, None]


def test_the_decision_points_to_the_present_rules(source: SignalSource, account: Account) -> None:
    cap(20)
    decision = decided(source)
    assert decision.terms_id == TermsInForce.objects.get(until=None).snapshot_id


def test_an_account_opened_today_has_the_present_rules_only(
    source: SignalSource, account: Account, clock: time_machine.Traveller
) -> None:
    loosen(clock)
    make_follower("new", source=source)
    decisions = decide(entry_signal(source))
    assert {d.account.label: d.allowed for d in decisions} == {"Apex-1": False, "new": True}


def test_what_was_struck_out_does_not_count(
    source: SignalSource, account: Account, clock: time_machine.Traveller
) -> None:
    loosen(clock)
    supervision.note_terms()
    TermsInForce.objects.exclude(until=None).update(struck_out_at=NOON)
    assert decided(source).allowed


def test_a_size_is_cut_to_what_all_of_them_allow(
    source: SignalSource, account: Account, clock: time_machine.Traveller
) -> None:
    account.routes.update(cut_to_fit=True)
    loosen(clock)
    decision = decided(source, contracts=5)
    assert (decision.allowed, decision.quantity) == (True, 1)


def test_a_share_of_the_room_is_of_the_smallest(
    source: SignalSource, account: Account, clock: time_machine.Traveller
) -> None:
    """Half of the daily 1,000 is two contracts of 220; half of what a buffer of 500 leaves is one."""
    account.routes.update(sizing="share_of_room", risk_share=Decimal("0.5"))
    Account.objects.update(floor_buffer=Decimal(500))
    supervision.note_terms()
    Account.objects.update(floor_buffer=Decimal(0))
    assert decided(source).quantity == 1


def test_a_rule_that_is_gone_still_sees_what_it_looks_at(
    source: SignalSource, account: Account, clock: time_machine.Traveller
) -> None:
    """The calendar is read only where a rule looks at it: one that was in force this morning does."""
    NewsEvent.objects.create(name="CPI", at=NOON + timedelta(seconds=60), source="test")
    rule = NewsRule.objects.create(program=account.program, before_seconds=300, after_seconds=300)
    supervision.note_terms()
    rule.delete()
    assert decided(source).breach_type == "news"


def test_exits_ask_no_rules_of_before(
    source: SignalSource, account: Account, clock: time_machine.Traveller
) -> None:
    route(entry_signal(source, alert_id="in"))
    assert held(account) == 2
    loosen(clock, tight=0)
    route(close_signal(source))
    clock.shift(10)
    supervision.sweep()
    assert held(account) == 0


def test_a_confirmation_is_judged_by_all_of_them(
    source: SignalSource, clock: time_machine.Traveller, venue: Venue
) -> None:
    _, live = make_live_follower(source=source)
    route(entry_signal(source))
    order = the_entry(live)
    cap(1)
    supervision.note_terms()
    cap(10)
    order = confirmation.confirm(order.pk, person=Person("ada"), reason="good")
    assert order.status == "denied"
    assert order.decision is not None
    assert "under the rules in force" in order.decision.reason


def test_every_such_decision_can_be_replayed(
    source: SignalSource, account: Account, clock: time_machine.Traveller
) -> None:
    account.routes.update(cut_to_fit=True)
    loosen(clock)
    for fields in ({}, {"contracts": 5}, {"symbol": "ES1!"}, {"stop_loss": None}):
        decision = decided(source, **fields)
        assert '"earlier":[{"digest"' in decision.context_text
        assert differences(decision) == []
    assert Decision.objects.filter(allowed=True).exists()
    row = Decision.objects.filter(allowed=True)[0]
    TermsInForce.objects.all().delete()
    replaying._terms.cache_clear()
    assert differences(row) == [], "the snapshots are all it needs"


def test_rules_nobody_can_read_block_entries_of_their_account_alone(
    source: SignalSource, account: Account, clock: time_machine.Traveller
) -> None:
    broken = TermsSnapshot.objects.create(digest="2" * 64, text='{"program":{},"guard":{}}', made_at=NOON)
    TermsInForce.objects.update(snapshot=broken)
    make_follower("other", source=source)
    decisions = decide(entry_signal(source))
    assert {d.account.label: d.code for d in decisions} == {"Apex-1": "engine.failed", "other": ""}


def test_the_supervisor_looks_only_where_a_rule_changed(account: Account) -> None:
    with CaptureQueriesContext(connection) as queries:
        supervision.note_terms()
    assert len(queries) == 1


def test_facts_cost_one_query_more_whatever_was_in_force(
    source: SignalSource, account: Account, clock: time_machine.Traveller
) -> None:
    make_account("second", account.program)
    ids = list(Account.objects.values_list("pk", flat=True))
    enforcement_service.load(ids, NOON)
    with CaptureQueriesContext(connection) as alone:
        enforcement_service.load(ids, NOON)
    loosen(clock)
    enforcement_service.load(ids, NOON)
    with CaptureQueriesContext(connection) as loosened:
        enforcement_service.load(ids, NOON)
    assert len(loosened) == len(alone)


def test_rows_of_one_account_never_overlap(
    source: SignalSource, account: Account, clock: time_machine.Traveller
) -> None:
    for contracts in (1, 5, 1, 10, 10):
        cap(contracts)
        decided(source)
        clock.shift(60)
        supervision.note_terms()
    rows = list(TermsInForce.objects.filter(account=account).order_by("since", "pk"))
    assert [row.until for row in rows[:-1]] == [row.since for row in rows[1:]]
    assert rows[-1].until is None
