"""No action acts on GET, without CSRF token, or for somebody who may only look."""

import re
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from execution.models import Decision, Order
from firms.models import Account, AuditEntry
from firms.services import raise_flag
from tests.admin.world import make_world, view_only_staff
from tests.execution.make import entry_signal, make_live_follower, route
from tests.execution.venue import install

pytestmark = pytest.mark.django_db
SUBMITTED = {"_form_submitted": "True", "reason": "because"}


def action_addresses() -> list[tuple[str, type[Model]]]:
    """Every address that unfold makes for an action, with the model of its row."""
    found = []
    for model, model_admin in admin.site._registry.items():
        for action in (*model_admin._get_base_actions_detail(), *model_admin._get_base_actions_row()):
            found.append((f"admin:{action.action_name}", model))
        assert not model_admin._get_base_actions_list(), "an action on a list has no row to ask about"
    return sorted(set(found), key=lambda pair: pair[0])


ACTIONS = action_addresses()
BY_NAME = {"argvalues": ACTIONS, "ids": [name.removeprefix("admin:") for name, _ in ACTIONS]}


@pytest.fixture
def world(admin_user: User) -> Account:
    return make_world(actor=admin_user)


def everything() -> dict[str, list[dict[str, Any]]]:
    """All rows of all tables in the admin."""
    return {
        model._meta.label: list(model._default_manager.order_by("pk").values())
        for model in admin.site._registry
    }


def test_there_are_actions_to_try() -> None:
    names = {name.removeprefix("admin:") for name, _ in ACTIONS}
    assert names == {
        "firms_account_pause", "firms_account_resume", "firms_program_pause", "firms_program_resume",
        "firms_firm_pause", "firms_firm_resume", "execution_alarm_close", "execution_signalsource_new_secret",
        "execution_apikey_revoke", "execution_order_did_not_happen", "execution_order_confirm",
        "execution_order_decline", "firms_account_record_payout", "firms_account_end_flag",
        "firms_account_kill", "firms_program_kill", "firms_firm_kill", "execution_order_happened",
        "execution_connection_simulate_failure", "execution_connection_send_test", "firms_account_strike_out",
        "firms_account_nothing_open",
    }  # fmt: skip


@pytest.mark.parametrize(("name", "model"), **BY_NAME)
def test_a_get_only_shows_the_dialog(
    world: Account, admin_client: Client, name: str, model: type[Model]
) -> None:
    page = reverse(name, args=[model._default_manager.first().pk])
    before = everything()
    response = admin_client.get(page, SUBMITTED, follow=True)
    assert response.status_code == 200
    assert b"<form" in response.content
    assert everything() == before


@pytest.mark.parametrize(("name", "model"), **BY_NAME)
def test_a_post_needs_the_csrf_token(world: Account, admin_user: User, name: str, model: type[Model]) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(admin_user)
    before = everything()
    assert client.post(reverse(name, args=[model._default_manager.first().pk]), SUBMITTED).status_code == 403
    assert everything() == before


@pytest.mark.parametrize(("name", "model"), **BY_NAME)
def test_whoever_may_only_look_can_not_act(
    world: Account, client: Client, name: str, model: type[Model]
) -> None:
    client.force_login(view_only_staff())
    before = everything()
    page = reverse(name, args=[model._default_manager.first().pk])
    assert client.post(page, SUBMITTED).status_code == 403
    assert client.get(page).status_code == 403
    assert everything() == before


@pytest.mark.parametrize(("name", "model"), **BY_NAME)
def test_an_action_on_a_row_that_is_not_there_is_not_found(
    world: Account, admin_client: Client, name: str, model: type[Model]
) -> None:
    assert admin_client.post(reverse(name, args=[987654]), SUBMITTED).status_code == 404


@pytest.mark.parametrize("kind", ["account", "program", "firm"])
@pytest.mark.parametrize("action", ["pause_selected", "resume_selected"])
def test_an_action_on_a_selection_is_refused_to_those_who_only_look(
    world: Account, client: Client, kind: str, action: str
) -> None:
    client.force_login(view_only_staff())
    entries = AuditEntry.objects.count()
    page = reverse(f"admin:firms_{kind}_changelist")
    client.post(page, {"action": action, "_selected_action": [world.pk], "apply": "1", "reason": "x"})
    assert AuditEntry.objects.count() == entries


def test_an_alarm_is_closed_once_and_by_whom(world: Account, admin_client: Client, admin_user: User) -> None:
    from execution.models import Alarm

    alarm = Alarm.objects.get()
    page = reverse("admin:execution_alarm_close", args=[alarm.pk])
    assert admin_client.post(page, {"_form_submitted": "True"}).headers["HX-Redirect"]
    alarm.refresh_from_db()
    assert (alarm.closed_by, alarm.closed_at is not None) == (admin_user, True)
    admin_client.post(page, {"_form_submitted": "True"})
    assert AuditEntry.objects.filter(action="alarm.closed", actor=admin_user).count() == 1


def test_open_alarms_stand_first(world: Account, admin_client: Client) -> None:
    from django.utils import timezone

    from execution.models import Alarm

    now = timezone.now()
    Alarm.objects.create(kind="new_but_closed", subject="x", message="x", raised_at=now, closed_at=now)
    page = admin_client.get(reverse("admin:execution_alarm_changelist")).content.decode()
    assert page.index("kind plain") < page.index("new_but_closed")


# --- a person's confirmation --------------------------------------------------------------------------


@pytest.fixture
def waiting(monkeypatch: pytest.MonkeyPatch) -> Order:
    install(monkeypatch)
    source, account = make_live_follower()
    route(entry_signal(source))
    return Order.objects.get(account=account, status="awaiting_confirmation")


def answer(client: Client, order: Order, name: str) -> Any:
    response = client.post(reverse(f"admin:execution_order_{name}", args=[order.pk]), SUBMITTED)
    assert response.headers["HX-Redirect"] == reverse("admin:execution_order_change", args=[order.pk])
    order.refresh_from_db()
    return client.get(response.headers["HX-Redirect"]).content.decode()


def links_to(page: str, order: Order) -> list[str]:
    """What of confirm and decline a page links to, as something the keyboard reaches."""
    found = []
    for name in ("confirm", "decline"):
        address = reverse(f"admin:execution_order_{name}", args=[order.pk])
        if re.search(rf'<(?:a|button)\b[^>]*(?:href|hx-get)="{address}"', page):
            found.append(name)
    return found


def test_who_confirms_an_order_sends_it_and_is_in_the_audit(
    waiting: Order, admin_client: Client, admin_user: User
) -> None:
    page = answer(admin_client, waiting, "confirm")
    assert waiting.status == "accepted"
    assert "Confirmed: buy 2 NQ is accepted." in page
    entry = AuditEntry.objects.get(action="order.confirmed")
    assert (entry.actor, entry.reason) == (admin_user, "confirmed by admin: because")
    assert links_to(page, waiting) == []
    answer(admin_client, waiting, "confirm")
    assert AuditEntry.objects.filter(action="order.confirmed").count() == 1


def test_a_refusal_at_the_click_is_shown_with_its_reason(waiting: Order, admin_client: Client) -> None:
    raise_flag(waiting.account, reason="holiday")
    page = answer(admin_client, waiting, "confirm")
    assert waiting.status == "denied"
    assert "Refused: The account is paused (holiday)." in page


def test_a_late_click_is_told_so(waiting: Order, admin_client: Client) -> None:
    Order.objects.update(deadline=waiting.created_at)
    page = answer(admin_client, waiting, "confirm")
    assert waiting.status == "expired"
    assert "buy 2 NQ is expired: it was not sent." in page


def test_who_declines_an_order_ends_it(waiting: Order, admin_client: Client, admin_user: User) -> None:
    page = answer(admin_client, waiting, "decline")
    assert (waiting.status, waiting.note) == ("canceled", "declined by admin: because")
    assert "buy 2 NQ is canceled." in page
    assert AuditEntry.objects.get(action="order.declined").actor == admin_user


def test_page_and_list_offer_both_answers_while_the_order_waits(waiting: Order, admin_client: Client) -> None:
    page = reverse("admin:execution_order_change", args=[waiting.pk])
    rows = reverse("admin:execution_order_changelist")
    for address in (page, rows):
        assert links_to(admin_client.get(address).content.decode(), waiting) == ["confirm", "decline"]
    Order.objects.update(status="canceled")
    for address in (page, rows):
        assert links_to(admin_client.get(address).content.decode(), waiting) == []


def test_whoever_may_only_look_is_offered_no_answer(waiting: Order, client: Client) -> None:
    client.force_login(view_only_staff())
    for name, args in (("change", [waiting.pk]), ("changelist", [])):
        page = client.get(reverse(f"admin:execution_order_{name}", args=args))
        assert (page.status_code, links_to(page.content.decode(), waiting)) == (200, [])


def test_the_decisions_of_a_confirmed_order_name_each_other(waiting: Order, admin_client: Client) -> None:
    answer(admin_client, waiting, "confirm")
    first, second = Decision.objects.order_by("revision")
    for here, there in ((first, second), (second, first)):
        page = admin_client.get(reverse("admin:execution_decision_change", args=[here.pk])).content.decode()
        assert reverse("admin:execution_decision_change", args=[there.pk]) in page
    page = admin_client.get(reverse("admin:execution_signal_changelist")).content.decode()
    assert "1 approved" in page
