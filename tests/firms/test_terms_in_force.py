"""Which rules were in force when: written down however they change, and counting until the day rolls."""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.db import connection

from firms import rulebook, terms_in_force
from firms.models import (
    Account,
    Firm,
    LossLimit,
    MarketClosure,
    NewsRule,
    PersonalLimits,
    Program,
    TermsInForce,
    TermsSnapshot,
    Tier,
)
from firms.terms import account_terms, snapshot
from firms.terms_in_force import note_terms
from tests.make import NOON, make_account, make_program

pytestmark = pytest.mark.django_db

# The account's day began at 23:00 UTC on Tuesday: 17:00 in Chicago.
BEGAN = datetime.fromisoformat("2026-03-03T23:00:00+00:00")
ENDS = BEGAN + timedelta(days=1)


@pytest.fixture
def account() -> Account:
    account = make_account(program=make_program())
    at(BEGAN - timedelta(hours=5))
    return account


def at(when: datetime) -> int:
    return note_terms(lambda: when)


def cap(contracts: int) -> None:
    Program.objects.update(max_contracts=contracts)


def present(account: Account) -> terms_in_force.Rules:
    row = Account.objects.get(pk=account.pk)
    return account_terms([row])[row.pk][1], row.guard


def caps(account: Account, now: datetime = NOON) -> list[Decimal | None]:
    """The caps of contracts an entry has to pass beside the present one, newest first."""
    found = terms_in_force.in_force({account.pk: present(account)}, now)[account.pk]
    return [earlier.terms.max_contracts for earlier in found.earlier(now)]


CHANGES: dict[str, Callable[[Account], Any]] = {
    "a program's column": lambda a: Program.objects.update(max_contracts=7),
    "raw SQL on the program": lambda a: run("UPDATE firms_program SET max_contracts = 7"),
    "raw SQL on the guard": lambda a: run("UPDATE firms_account SET slippage_ticks = 9"),
    "a loss limit": lambda a: LossLimit.objects.filter(kind="daily_loss").update(amount=1),
    "a loss limit taken away": lambda a: LossLimit.objects.filter(kind="daily_loss").delete(),
    "a tier": lambda a: Tier.objects.create(program=a.program, from_profit=0, value=2),
    "a news rule": lambda a: NewsRule.objects.create(program=a.program, before_seconds=1, after_seconds=1),
    "a personal limit": lambda a: PersonalLimits.objects.create(account=a, daily_loss=300),
    "the optional limits": lambda a: Account.objects.update(has_optional_limits=False),
    "a holiday": lambda a: MarketClosure.objects.create(
        day="2027-03-26", name="Good Friday", source_url="https://example.com", read_on="2026-11-24"
    ),
    "the firm": lambda a: Firm.objects.update(is_active=False),
    "the guard by the ORM": lambda a: Account.objects.update(floor_buffer=100),
}


def run(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_every_change_is_written_down(account: Account, change: Callable[[Account], Any]) -> None:
    LossLimit.objects.create(
        program=account.program,
        kind="daily_loss",
        anchor="day_start_balance",
        amount=400,
        is_optional=True,
        consequence="soft",
    )
    at(BEGAN - timedelta(hours=5))
    TermsInForce.objects.exclude(until=None).delete()
    change(account)
    assert at(NOON) == 1
    old, new = TermsInForce.objects.order_by("pk")
    assert (old.until, new.since, new.until) == (NOON, NOON, None)
    assert old.snapshot_id != new.snapshot_id
    assert TermsSnapshot.objects.filter(digest=new.snapshot_id).exists()


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_every_change_of_what_belongs_to_the_terms_gives_the_rulebook_a_new_version(
    account: Account, change: Callable[[Account], Any]
) -> None:
    before = rulebook.version()
    change(account)
    assert rulebook.version() not in (before, None)


def test_a_switch_of_the_account_is_no_change_of_its_terms(account: Account) -> None:
    before = rulebook.version()
    Account.objects.update(mode="live", is_active=False, label="other")
    assert rulebook.version() == before


def test_the_environment_of_a_new_start_is_written_down(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APEX_MAX_CONTRACTS", "3")
    assert at(NOON) == 1
    monkeypatch.delenv("APEX_MAX_CONTRACTS")
    assert caps(account) == [3]


def test_what_stays_the_same_is_written_once(account: Account) -> None:
    assert at(NOON) == 0
    Program.objects.update(name="another name")
    assert at(NOON) == 0
    assert TermsInForce.objects.count() == 1


def test_a_new_account_has_its_present_rules_only(account: Account) -> None:
    cap(5)
    at(NOON)
    other = make_account("new", account.program)
    assert (caps(account), caps(other)) == ([10], [])


def test_all_of_the_day_count_the_one_it_began_with_included(account: Account) -> None:
    for hours, contracts in ((1, 7), (2, 2), (3, 9)):
        cap(contracts)
        at(BEGAN + timedelta(hours=hours))
    assert caps(account) == [2, 7, 10]


def test_a_tightened_hour_counts_until_the_reset(account: Account) -> None:
    cap(2)
    at(BEGAN + timedelta(hours=1))
    cap(10)
    at(BEGAN + timedelta(hours=2))
    assert caps(account) == [2]
    second = timedelta(seconds=1)
    assert [caps(account, when) for when in (ENDS - second, ENDS, ENDS + second)] == [[2], [], []]


@pytest.mark.parametrize(("seconds", "counts"), [(-1, []), (0, []), (1, [10])])
def test_what_was_replaced_before_the_day_began_is_over(
    account: Account, seconds: int, counts: list[int]
) -> None:
    cap(20)
    at(BEGAN + timedelta(seconds=seconds))
    assert caps(account) == counts


def test_a_fridays_rules_count_through_the_weekend(account: Account) -> None:
    friday_noon, sunday = NOON + timedelta(days=2), NOON + timedelta(days=4)
    cap(20)
    at(friday_noon)
    assert caps(account, sunday) == [10]
    assert caps(account, sunday + timedelta(hours=7)) == [], "Monday's day has begun"


def test_a_change_nobody_has_written_down_yet_counts_at_once(account: Account) -> None:
    cap(20)
    assert caps(account) == [10]


def test_moving_the_reset_is_no_way_around(account: Account) -> None:
    cap(20)
    Program.objects.update(day_reset="10:59", day_zone="America/Chicago")  # a minute before NOON there
    at(NOON - timedelta(minutes=2))
    assert caps(account) == [10]


def test_rules_that_could_not_be_had_are_over_once_they_can(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APEX_MAX_CONTRACTS", "many")
    at(BEGAN + timedelta(hours=1))
    monkeypatch.delenv("APEX_MAX_CONTRACTS")
    at(BEGAN + timedelta(hours=2))
    assert caps(account) == []


def test_the_same_rules_in_other_words_are_the_same(account: Account) -> None:
    """As an older version wrote them, before a field was added whose default says nothing."""
    [digest] = snapshot([present(account)])
    text = TermsSnapshot.objects.get(digest=digest).text.replace('"cool_off_minutes":null,', "")
    older = TermsSnapshot.objects.create(digest="0" * 64, text=text, made_at=NOON)
    TermsInForce.objects.update(snapshot=older)
    at(NOON)
    assert (TermsInForce.objects.count(), caps(account)) == (2, [])


def test_rules_that_can_not_be_read_any_more_block_their_account(account: Account) -> None:
    broken = TermsSnapshot.objects.create(digest="1" * 64, text='{"program":{},"guard":{}}', made_at=NOON)
    TermsInForce.objects.update(snapshot=broken)
    with pytest.raises(ValueError, match="missing"):
        caps(account)


def test_one_look_costs_one_query(account: Account, django_assert_num_queries: Any) -> None:
    make_account("second", account.program)
    rules = {a.pk: present(a) for a in Account.objects.all()}
    with django_assert_num_queries(1):
        terms_in_force.in_force(rules, NOON)


def test_a_save_is_followed_by_a_look(account: Account, django_capture_on_commit_callbacks: Any) -> None:
    cap(20)
    with time_machine.travel(NOON, tick=False), django_capture_on_commit_callbacks(execute=True):
        terms_in_force.note_after_commit()
    assert TermsInForce.objects.get(until=None).since == NOON
