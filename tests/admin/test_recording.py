"""What a person records on an account's page: payouts, and that a floor was not broken after all."""

from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from firms import services
from firms.models import Account, AccountState, AuditEntry, CashFlow, Flag
from tests.make import make_account, make_program

pytestmark = pytest.mark.django_db


@pytest.fixture
def account() -> Account:
    """3,000 ahead."""
    return make_account(
        "Apex-1", make_program(),
        state={"balance": Decimal(53_000), "day_start_balance": Decimal(53_000), "highest_equity": Decimal(53_000),
               "highest_close": Decimal(53_000)},
    )  # fmt: skip


def press(client: Client, name: str, account: Account, **fields: Any) -> Any:
    page = reverse(f"admin:firms_account_{name}", args=[account.pk])
    return client.post(page, {"_form_submitted": "True", "reason": "because", **fields})


def message_after(client: Client, response: Any) -> str:
    return client.get(response.headers["HX-Redirect"]).content.decode()


# --- payouts --------------------------------------------------------------------------------------------


def test_a_payout_moves_the_balance_and_the_day_and_says_who(
    account: Account, admin_client: Client, admin_user: User
) -> None:
    response = press(admin_client, "record_payout", account, kind="payout_paid", amount="1200.50")
    assert "the balance is $51,799.50" in message_after(admin_client, response)
    state = AccountState.objects.get()
    assert (state.balance, state.day_start_balance, state.payouts_paid) == (
        Decimal("51799.50"), Decimal("51799.50"), 1,
    )  # fmt: skip
    flow = CashFlow.objects.get()
    assert (flow.kind, flow.amount, flow.reason) == ("payout_paid", Decimal("1200.50"), "because")
    entry = AuditEntry.objects.get(action="account.payout_paid")
    assert (entry.actor, entry.reason) == (admin_user, "because")
    page = admin_client.get(reverse("admin:firms_account_change", args=[account.pk])).content.decode()
    assert "$1,200.50" in page


def test_a_request_is_counted_and_moves_no_money(account: Account, admin_client: Client) -> None:
    press(admin_client, "record_payout", account, kind="payout_requested", amount="1000")
    state = AccountState.objects.get()
    assert (state.balance, state.payouts_requested, state.payouts_paid) == (53_000, 1, 0)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"amount": ""}, "This field is required"),
        ({"amount": "0"}, "greater than or equal to 0.01"),
        ({"amount": "-5"}, "greater than or equal to 0.01"),
        ({"amount": "53000.01"}, "It is more than the balance, $53,000.00."),
        ({"kind": "gift"}, "Select a valid choice"),
        ({"reason": " "}, "This field is required"),
    ],
    ids=["no amount", "nothing", "less than nothing", "more than there is", "no payout", "no reason"],
)
def test_what_can_not_be_a_payout_is_not_recorded(
    account: Account, admin_client: Client, fields: dict[str, str], words: str
) -> None:
    good = {"kind": "payout_paid", "amount": "100"}
    assert words in press(admin_client, "record_payout", account, **{**good, **fields}).content.decode()
    assert not CashFlow.objects.exists()


def test_nothing_is_paid_out_of_an_account_nobody_knows(account: Account, admin_client: Client) -> None:
    AccountState.objects.all().delete()
    response = press(admin_client, "record_payout", account, kind="payout_paid", amount="1")
    assert "Nothing is known" in response.content.decode()
    assert not CashFlow.objects.exists()


def test_whoever_may_only_change_accounts_records_no_payout(account: Account, client: Client) -> None:
    clerk = User.objects.create_user("clerk", password="only-accounts-1", is_staff=True)
    clerk.user_permissions.set(Permission.objects.filter(codename__in=("view_account", "change_account")))
    client.force_login(clerk)
    for name in ("record_payout", "end_flag"):
        assert press(client, name, account, kind="payout_paid", amount="1").status_code == 403
    page = client.get(reverse("admin:firms_account_change", args=[account.pk])).content.decode()
    assert "Record payout" not in page


# --- flags raised in error --------------------------------------------------------------------------------


@pytest.mark.parametrize(("key", "cause"), [("failed", "drawdown"), ("day_lock", "daily_loss")])
def test_a_breach_that_was_none_is_undone_by_a_person(
    account: Account, admin_client: Client, admin_user: User, key: str, cause: str
) -> None:
    services.raise_flag(account, key, cause=cause, reason="equity 40,000.00, floor 47,500.00")
    flag = Flag.objects.get()
    response = press(admin_client, "end_flag", account, flag=flag.pk)
    assert "Nothing holds it" in message_after(admin_client, response)
    flag.refresh_from_db()
    assert (flag.ended_by, flag.end_reason) == (admin_user, "because")
    assert AuditEntry.objects.get(action=f"{key}.ended").before == cause
    assert services.open_flags_on(account) == []


def test_only_the_one_that_was_chosen_ends(account: Account, admin_client: Client) -> None:
    services.raise_flag(account, "failed", cause="drawdown")
    services.raise_flag(account, "day_lock", cause="daily_loss")
    response = press(admin_client, "end_flag", account, flag=Flag.objects.get(key="day_lock").pk)
    assert "still held" in message_after(admin_client, response)
    assert [flag.key for flag in services.open_flags_on(account)] == ["failed"]


def test_a_pause_another_accounts_flag_and_an_ended_one_are_no_choice(
    account: Account, admin_client: Client
) -> None:
    other = make_account("Apex-2", account.program)
    services.raise_flag(other, "failed", cause="drawdown")
    services.raise_flag(account, "failed", cause="drawdown")
    services.end_flag(account, "failed", cause="drawdown")
    services.raise_flag(account, reason="lunch")
    for flag in Flag.objects.all():
        content = press(admin_client, "end_flag", account, flag=flag.pk).content.decode()
        assert "Select a valid choice" in content
    assert Flag.objects.filter(ended_at=None).count() == 2


def test_without_a_reason_nothing_ends(account: Account, admin_client: Client) -> None:
    services.raise_flag(account, "failed", cause="drawdown")
    press(admin_client, "end_flag", account, flag=Flag.objects.get().pk, reason="  ")
    assert Flag.objects.get().ended_at is None


def test_the_button_stands_only_where_there_is_such_a_flag(account: Account, admin_client: Client) -> None:
    page = reverse("admin:firms_account_change", args=[account.pk])
    services.raise_flag(account, reason="lunch")
    assert "End a flag" not in admin_client.get(page).content.decode()
    services.raise_flag(account, "failed", cause="drawdown")
    assert "End a flag" in admin_client.get(page).content.decode()
