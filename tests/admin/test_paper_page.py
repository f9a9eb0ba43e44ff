"""A paper connection's settings, and the failures a user makes on purpose."""

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from execution.models import Connection, PaperSettings
from firms.models import Account, AuditEntry
from tests.make import make_account, make_program

pytestmark = pytest.mark.django_db


@pytest.fixture
def account() -> Account:
    return make_account("Apex-1", make_program(), paper=True)


def simulate(client: Client, connection: Connection, failure: str, reason: str = "to see it") -> str:
    """Send the dialog; the page one then lands on."""
    page = reverse("admin:execution_connection_simulate_failure", args=[connection.pk])
    response = client.post(page, {"_form_submitted": "True", "failure": failure, "reason": reason})
    if "HX-Redirect" not in response.headers:
        return response.content.decode()
    return client.get(response.headers["HX-Redirect"]).content.decode()


@pytest.mark.parametrize("failure", ["unavailable", "in_doubt", "rejects"])
def test_a_failure_is_switched_on_and_off_with_a_reason(
    account: Account, admin_client: Client, admin_user: User, failure: str
) -> None:
    connection = Connection.objects.get()
    simulate(admin_client, connection, failure)
    assert PaperSettings.objects.get().failure == failure
    page = admin_client.get(reverse("admin:firms_account_change", args=[account.pk])).content.decode()
    assert "A failure is simulated" in page
    simulate(admin_client, connection, "", "seen it")
    assert PaperSettings.objects.get().failure == ""
    entries = AuditEntry.objects.filter(action="paper.failure").order_by("pk")
    assert list(entries.values_list("actor", "reason", "before", "after")) == [
        (admin_user.pk, "to see it", "none", failure), (admin_user.pk, "seen it", failure, "none"),
    ]  # fmt: skip


def test_without_a_reason_or_with_an_unknown_failure_nothing_fails(
    account: Account, admin_client: Client
) -> None:
    connection = Connection.objects.get()
    simulate(admin_client, connection, "unavailable", reason=" ")
    simulate(admin_client, connection, "explodes")
    assert PaperSettings.objects.get().failure == ""
    assert not AuditEntry.objects.filter(action="paper.failure").exists()


def test_a_connection_without_settings_can_fail_too(admin_client: Client) -> None:
    connection = Connection.objects.create(name="Paper", venue="paper")
    simulate(admin_client, connection, "rejects")
    settings = PaperSettings.objects.get()
    assert (settings.failure, settings.has_costs, settings.latency_max_ms) == ("rejects", True, 500)


def test_only_paper_can_be_made_to_fail(admin_client: Client) -> None:
    connection = Connection.objects.create(name="Memory", venue="memory")
    simulate(admin_client, connection, "rejects")
    assert not PaperSettings.objects.exists()
    page = admin_client.get(reverse("admin:execution_connection_change", args=[connection.pk]))
    assert "simulate_failure" not in page.content.decode()


def test_the_settings_are_on_the_connections_page(account: Account, admin_client: Client) -> None:
    page = reverse("admin:execution_connection_change", args=[Connection.objects.get().pk])
    text = admin_client.get(page).content.decode()
    assert "simulate_failure" in text
    assert "shortest latency (ms)" in text.lower()


@pytest.mark.parametrize(
    ("shortest", "longest", "saved"), [("100", "100", True), ("101", "100", False), ("0", "10001", False)],
    ids=["as long", "a millisecond too short", "too long"],
)  # fmt: skip
def test_a_range_that_is_none_is_refused_in_words(
    account: Account, admin_client: Client, shortest: str, longest: str, saved: bool
) -> None:
    connection = Connection.objects.get()
    form = {
        "name": "Paper", "venue": "paper", "paper-TOTAL_FORMS": "1", "paper-INITIAL_FORMS": "1",
        "paper-0-connection": str(connection.pk), "paper-0-latency_min_ms": shortest,
        "paper-0-latency_max_ms": longest, "paper-0-touch_fills_percent": "30", "paper-0-seed": "0",
        "paper-0-exchange_fee_per_side": "0",
    }  # fmt: skip
    response = admin_client.post(reverse("admin:execution_connection_change", args=[connection.pk]), form)
    assert (response.status_code == 302) is saved
    assert (PaperSettings.objects.get().latency_max_ms == int(longest)) is saved


def test_an_accounts_page_says_what_is_simulated(account: Account, admin_client: Client) -> None:
    page = reverse("admin:firms_account_change", args=[account.pk])
    assert "Simulated here: market orders fill" in admin_client.get(page).content.decode()
