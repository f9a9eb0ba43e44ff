"""Pausing and resuming: a flag, an audit entry, a reason, an actor; and what else still holds."""

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from firms import services
from firms.models import Account, AuditEntry, Flag, Program
from tests.make import make_account, make_program

pytestmark = pytest.mark.django_db


@pytest.fixture
def account() -> Account:
    return make_account("Apex-1", make_program())


def press(client: Client, name: str, pk: int, reason: str) -> str:
    """Send the dialog of an action; the messages of the page one then lands on."""
    response = client.post(reverse(f"admin:{name}", args=[pk]), {"_form_submitted": "True", "reason": reason})
    assert response.status_code == 200
    if "HX-Redirect" not in response.headers:
        return response.content.decode()
    return client.get(response.headers["HX-Redirect"]).content.decode()


@pytest.mark.parametrize("kind", ["account", "program", "firm"])
def test_a_pause_is_a_flag_and_an_audit_entry_with_reason_and_actor(
    account: Account, admin_client: Client, admin_user: User, kind: str
) -> None:
    subject = {"account": account, "program": account.program, "firm": account.program.firm}[kind]
    page = press(admin_client, f"firms_{kind}_pause", subject.pk, "  Fed day ")
    flag = Flag.objects.get()
    assert (flag.scope, flag.key, flag.cause, flag.reason, flag.raised_by) == (
        kind, "paused", "manual", "Fed day", admin_user,
    )  # fmt: skip
    entry = AuditEntry.objects.get(action="paused.raised")
    assert (entry.actor, entry.reason) == (admin_user, "Fed day")
    assert services.open_flags_on(account) == [flag]
    assert "is paused: Fed day" in page

    press(admin_client, f"firms_{kind}_resume", subject.pk, "over")
    flag.refresh_from_db()
    assert (flag.end_reason, flag.ended_by) == ("over", admin_user)
    assert AuditEntry.objects.get(action="paused.ended").reason == "over"
    assert services.open_flags_on(account) == []


@pytest.mark.parametrize("reason", ["", "   "], ids=["empty", "only spaces"])
def test_without_a_reason_nothing_happens(account: Account, admin_client: Client, reason: str) -> None:
    assert "This field is required" in press(admin_client, "firms_account_pause", account.pk, reason)
    assert not Flag.objects.exists()


def test_pausing_twice_keeps_the_first_pause(account: Account, admin_client: Client) -> None:
    press(admin_client, "firms_account_pause", account.pk, "first")
    assert "was paused already" in press(admin_client, "firms_account_pause", account.pk, "second")
    assert Flag.objects.get().reason == "first"


def test_resuming_an_account_ends_only_its_own_pause_and_tells_what_still_holds(
    account: Account, admin_client: Client
) -> None:
    services.raise_flag(account, reason="mine")
    services.raise_flag(account, "day_lock", cause="daily_loss", reason="two losses")
    services.raise_flag(account.program, reason="rules under review")
    services.raise_flag(account.program.firm, reason="payout trouble")
    services.raise_flag(None, "kill", reason="everything out")
    page = press(admin_client, "firms_account_resume", account.pk, "ready")
    assert Flag.objects.get(ended_at__isnull=False).reason == "mine"
    assert "still held" in page
    for held in (
        "locked for the day (two losses)",
        "paused (rules under review)",
        "payout trouble",
        "everything out",
    ):
        assert held in page
    assert "had no pause of its own" in press(admin_client, "firms_account_resume", account.pk, "again")


def test_a_selection_is_asked_for_its_reason_first(
    account: Account, admin_client: Client, admin_user: User
) -> None:
    other = make_account("Apex-2", account.program)
    page = reverse("admin:firms_account_changelist")
    chosen = {"action": "pause_selected", "_selected_action": [account.pk, other.pk]}

    asking = admin_client.post(page, chosen)
    assert asking.status_code == 200
    assert "Pause 2 accounts" in asking.content.decode()
    assert not Flag.objects.exists()

    refused = admin_client.post(page, {**chosen, "apply": "1", "reason": " "})
    assert "This field is required" in refused.content.decode()
    assert not Flag.objects.exists()

    admin_client.post(page, {**chosen, "apply": "1", "reason": "holiday"})
    assert {f.account for f in Flag.objects.filter(reason="holiday", raised_by=admin_user)} == {
        account,
        other,
    }

    admin_client.post(page, {**chosen, "action": "resume_selected", "apply": "1", "reason": "back"})
    assert not Flag.objects.filter(ended_at=None).exists()


def test_the_account_list_says_who_paused_what_and_why(
    account: Account, admin_client: Client, admin_user: User
) -> None:
    services.raise_flag(account.program, reason="rules under review", actor=admin_user)
    page = admin_client.get(reverse("admin:firms_account_changelist")).content.decode()
    assert "paused · program" in page
    assert f"by {admin_user.username}" in page
    assert "rules under review" in page


def test_the_program_list_shows_limits_pauses_and_accounts(account: Account, admin_client: Client) -> None:
    services.raise_flag(account.program, reason="rules under review")
    page = admin_client.get(reverse("admin:firms_program_changelist")).content.decode()
    assert "Trailing drawdown $2,500" in page
    assert "Daily loss $1,000" in page
    assert "rules under review" in page
    assert f"?program__id__exact={Program.objects.get().pk}" in page
