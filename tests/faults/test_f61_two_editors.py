"""F61: two admins edit one account, or one program: the second save is refused."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from firms.models import Account, LossLimit, PersonalLimits, Program
from firms.services import raise_flag
from tests.admin.forms import fields_of
from tests.make import make_account, make_program

pytestmark = pytest.mark.django_db


@pytest.fixture
def bob(settings: Any) -> Client:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    client = Client()
    client.force_login(User.objects.create_superuser("bob", password="bob-only-1234"))
    return client


@pytest.fixture
def account() -> Account:
    return make_account(program=make_program())


def opened(client: Client, row: Model) -> tuple[str, dict[str, Any]]:
    """The page's address and what its form would send back untouched."""
    name = row._meta.model_name
    page = reverse(f"admin:firms_{name}_change", args=[row.pk])
    return page, {**fields_of(client.get(page).content, f"{name}_form")}


def save(client: Client, form: tuple[str, dict[str, Any]], **fields: Any) -> str:
    """ "" where it was saved, else the page that says why not."""
    response = client.post(form[0], {**form[1], **fields})
    return "" if response.status_code == 302 else response.content.decode()


def test_f61_the_second_save_of_an_account_is_refused(
    account: Account, admin_client: Client, bob: Client
) -> None:
    first, second = opened(admin_client, account), opened(bob, account)
    assert save(bob, second, slippage_ticks="4") == ""
    page = save(admin_client, first, floor_buffer="100")
    assert "This page is out of date: bob (last at" in page
    account.refresh_from_db()
    assert (account.slippage_ticks, account.floor_buffer) == (4, 0)
    assert "out of date" in save(admin_client, first, floor_buffer="100"), "trying again is no way around"
    assert save(admin_client, opened(admin_client, account), floor_buffer="100") == ""
    account.refresh_from_db()
    assert (account.slippage_ticks, account.floor_buffer) == (4, 100)


def test_f61_the_second_save_of_a_program_is_refused(
    account: Account, admin_client: Client, bob: Client
) -> None:
    first, second = opened(admin_client, account.program), opened(bob, account.program)
    assert save(bob, second, max_contracts="5") == ""
    assert "out of date: bob" in save(admin_client, first, max_contracts="7")
    assert Program.objects.get().max_contracts == 5


def test_f61_a_row_edited_along_with_it_counts(account: Account, admin_client: Client) -> None:
    """By whatever way it was changed: the form would write the old figures back."""
    form = opened(admin_client, account.program)
    LossLimit.objects.filter(kind="daily_loss").update(amount=500)
    assert "out of date" in save(admin_client, form)
    assert LossLimit.objects.get(kind="daily_loss").amount == 500
    form = opened(admin_client, account)
    PersonalLimits.objects.create(account=account, daily_loss=300)
    assert "out of date" in save(admin_client, form)


def test_f61_a_pause_in_between_refuses_no_save(account: Account, admin_client: Client) -> None:
    for row in (account.program, account):
        form = opened(admin_client, row)
        raise_flag(row)
        assert save(admin_client, form) == ""


def test_f61_a_form_without_its_version_saves_nothing(account: Account, admin_client: Client) -> None:
    page, form = opened(admin_client, account)
    del form["edit_version"]
    assert "out of date" in save(admin_client, (page, form))


def test_f61_saving_twice_in_a_row_from_two_openings_is_fine(account: Account, admin_client: Client) -> None:
    for buffer in ("10", "20"):
        assert save(admin_client, opened(admin_client, account), floor_buffer=buffer) == ""
    assert Account.objects.get().floor_buffer == 20
