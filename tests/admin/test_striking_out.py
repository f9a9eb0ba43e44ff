"""A second person lets go of rules that were replaced today; the one who changed them can't."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from firms.models import Account, AuditEntry, PersonalLimits, Program, TermsInForce
from firms.striking_out import NotASecondPerson, strike_out
from firms.terms_in_force import in_force_now, note_terms
from tests.make import make_account, make_program

pytestmark = pytest.mark.django_db


@pytest.fixture
def account() -> Account:
    """Opened, and its program's cap raised by bob a second ago."""
    account = make_account(program=make_program())
    start = timezone.now() - timedelta(seconds=2)
    note_terms(lambda: start)
    return account


@pytest.fixture
def bob() -> User:
    return User.objects.create_superuser("bob", password="bob-only-1234")


@pytest.fixture
def carol() -> User:
    user = User.objects.create_user("carol", password="carol-only-1234", is_staff=True)
    names = ("view_account", "change_account", "strike_out_terms")
    user.user_permissions.set(Permission.objects.filter(codename__in=names))
    return user


def raise_cap(user: User | None) -> None:
    program = Program.objects.get()
    program.max_contracts = 20
    program._history_user = user
    program.save()
    note_terms()


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def counting(account: Account) -> list[str]:
    now = timezone.now()
    return [one.digest for one in in_force_now(account, now).earlier(now)]


def strike(client: Client, account: Account, **fields: Any) -> Any:
    [digest] = counting(account)
    address = reverse("admin:firms_account_strike_out", args=[account.pk])
    return client.post(address, {"_form_submitted": "True", "reason": "agreed", "rules": digest, **fields})


def test_another_person_strikes_them_out_and_is_recorded(account: Account, bob: User, carol: User) -> None:
    raise_cap(bob)
    assert len(counting(account)) == 1
    strike(client_of(carol), account)
    assert counting(account) == []
    row = TermsInForce.objects.exclude(until=None).get()
    assert (row.struck_out_by, row.struck_out_reason) == (carol, "agreed")
    entry = AuditEntry.objects.get(action="terms.struck_out")
    assert (entry.actor, entry.reason, entry.before) == (carol, "agreed", row.snapshot_id[:12])


def test_who_loosened_them_can_not_superusers_included(account: Account, bob: User) -> None:
    raise_cap(bob)
    client = client_of(bob)
    strike(client, account)
    assert len(counting(account)) == 1
    page = client.get(reverse("admin:firms_account_change", args=[account.pk])).content.decode()
    assert "another person has to strike them out" in page


@pytest.mark.parametrize("later", [True, False], ids=["after it", "of another row"])
def test_nor_whoever_changed_a_rule_since(account: Account, bob: User, carol: User, later: bool) -> None:
    raise_cap(bob)
    limits = PersonalLimits(account=account, daily_loss=100 if later else 50)
    limits._history_user = carol  # type: ignore[attr-defined]
    limits.save()
    note_terms()
    digest = counting(account)[-1]
    with pytest.raises(NotASecondPerson):
        strike_out(account, digest, actor=carol, reason="mine", now=timezone.now())


def test_a_change_nobody_is_known_for_may_be_struck_out_by_anybody_permitted(
    account: Account, carol: User
) -> None:
    Program.objects.update(max_contracts=20)
    note_terms()
    strike(client_of(carol), account)
    assert counting(account) == []


def test_without_the_permission_nothing_is_struck_out(account: Account, bob: User, carol: User) -> None:
    raise_cap(bob)
    carol.user_permissions.set(Permission.objects.filter(codename__in=("view_account", "change_account")))
    strike(client_of(carol), account)
    assert len(counting(account)) == 1


@pytest.mark.parametrize("fields", [{"reason": ""}, {"rules": "0" * 64}], ids=["no reason", "no such rules"])
def test_it_takes_a_reason_and_rules_of_today(
    account: Account, bob: User, carol: User, fields: dict[str, str]
) -> None:
    raise_cap(bob)
    strike(client_of(carol), account, **fields)
    assert len(counting(account)) == 1


def test_the_present_rules_can_not_be_struck_out(account: Account, bob: User, carol: User) -> None:
    raise_cap(bob)
    present = TermsInForce.objects.get(until=None)
    assert strike_out(account, present.snapshot_id, actor=carol, reason="no", now=timezone.now()) == 0


def test_the_page_shows_the_terms_of_the_day_in_words(account: Account, bob: User, carol: User) -> None:
    address = reverse("admin:firms_account_change", args=[account.pk])
    client = client_of(carol)
    before = client.get(address).content.decode()
    assert "Terms in force today" not in before
    assert "Strike out rules" not in before
    raise_cap(bob)
    Account.objects.update(floor_buffer=50)
    note_terms()
    page = client.get(address).content.decode()
    assert "Terms in force today" in page
    assert "max contracts: 10 → 20" in page
    assert "floor buffer: 0 → 50" in page
    assert "Strike out rules" in page
