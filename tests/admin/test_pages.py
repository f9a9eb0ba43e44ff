"""Every page of the admin opens, for whoever may see it, with a row in every table."""

import re
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from firms.models import Account, LossLimit, Program
from tests.admin.world import make_world, view_only_staff

pytestmark = pytest.mark.django_db

SHOWN = sorted(admin.site._registry, key=lambda model: model._meta.label)
BY_LABEL = {"argvalues": SHOWN, "ids": [model._meta.label_lower for model in SHOWN]}
EVIDENCE = {
    "execution.signal", "execution.decision", "execution.order", "execution.orderevent", "execution.fill",
    "execution.exit", "execution.kill", "execution.position", "execution.heartbeat", "execution.mark",
    "execution.reconciliation", "execution.alarm",
    "firms.flag", "firms.auditentry", "firms.termssnapshot", "firms.cashflow", "firms.termsource",
}  # fmt: skip


@pytest.fixture
def world(admin_user: User) -> Account:
    return make_world(actor=admin_user)


def address(model: type[Model], page: str, *args: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


@pytest.mark.parametrize("model", **BY_LABEL)
def test_lists_open_and_have_rows(world: Account, admin_client: Client, model: type[Model]) -> None:
    assert model._default_manager.exists(), "the world has no row of it"
    assert admin_client.get(address(model, "changelist")).status_code == 200
    if admin.site._registry[model].search_fields:
        assert admin_client.get(address(model, "changelist"), {"q": "a"}).status_code == 200


@pytest.mark.parametrize("model", **BY_LABEL)
def test_pages_of_rows_open(world: Account, admin_client: Client, model: type[Model]) -> None:
    for row in model._default_manager.all()[:5]:
        assert admin_client.get(address(model, "change", row.pk)).status_code == 200
    history = admin_client.get(address(model, "history", model._default_manager.first().pk))
    assert history.status_code == 200


@pytest.mark.parametrize("model", **BY_LABEL)
def test_forms_to_add_open_except_for_evidence(
    world: Account, admin_client: Client, model: type[Model]
) -> None:
    refused = model._meta.label_lower in EVIDENCE
    assert admin_client.get(address(model, "add")).status_code == (403 if refused else 200)


@pytest.mark.parametrize("model", **BY_LABEL)
def test_staff_who_may_only_look_see_the_same_pages(
    world: Account, client: Client, model: type[Model]
) -> None:
    client.force_login(view_only_staff())
    expected = 403 if model._meta.app_label == "auth" else 200
    row = model._default_manager.first()
    assert client.get(address(model, "changelist")).status_code == expected
    assert client.get(address(model, "change", row.pk)).status_code == expected


@pytest.mark.parametrize("label", sorted(EVIDENCE))
def test_evidence_can_be_neither_added_changed_nor_deleted(
    world: Account, admin_client: Client, label: str
) -> None:
    model = next(m for m in SHOWN if m._meta.label_lower == label)
    row = model._default_manager.first()
    before = list(model._default_manager.order_by("pk").values())

    assert admin_client.post(address(model, "add"), {}).status_code == 403
    assert admin_client.post(address(model, "change", row.pk), {"note": "x", "_save": "1"}).status_code == 403
    assert admin_client.post(address(model, "delete", row.pk), {"post": "yes"}).status_code == 403
    admin_client.post(
        address(model, "changelist"), {"action": "delete_selected", "_selected_action": [row.pk]}
    )

    assert list(model._default_manager.order_by("pk").values()) == before


def test_the_queues_rows_and_the_lockout_logs_are_not_in_the_admin() -> None:
    assert {m._meta.app_label for m in SHOWN} == {"firms", "execution", "auth"}


@pytest.mark.parametrize("part", ["", "search/?s=apex&extended=1", "password_change/"])
def test_the_pages_around_them_open(world: Account, admin_client: Client, part: str) -> None:
    assert admin_client.get(f"/admin/{part}").status_code == 200


def test_an_empty_installation_says_what_to_do_first(admin_client: Client) -> None:
    page = admin_client.get("/admin/").content.decode()
    assert "Begin here" in page
    assert "nothing here is sent to a real broker" in page


def test_a_live_account_without_the_paper_venue_changes_the_banner(
    admin_client: Client, world: Account
) -> None:
    Account.objects.filter(label="Two").update(mode="live")
    assert "Live: approved orders" in admin_client.get("/admin/").content.decode()


def test_someone_with_few_rights_sees_no_figures_on_the_home_page(world: Account, client: Client) -> None:
    client.force_login(User.objects.create_user("nobody", password="nothing-1234", is_staff=True))
    page = re.sub(r"\b\w{64}\b", "", client.get("/admin/").content.decode())  # tokens may spell anything
    assert "50K" not in page
    assert "NQ" not in page


def test_built_in_instruments_are_only_looked_at(world: Account, admin_client: Client) -> None:
    from firms.models import Instrument

    built_in, own = Instrument.objects.get(symbol="NQ"), Instrument.objects.get(symbol="OWN")
    assert admin_client.post(address(Instrument, "change", built_in.pk), {"name": "x"}).status_code == 403
    assert admin_client.post(address(Instrument, "delete", built_in.pk), {"post": "yes"}).status_code == 403
    assert admin_client.post(address(Instrument, "delete", own.pk), {"post": "yes"}).status_code == 302
    assert set(Instrument.objects.values_list("symbol", flat=True)) >= {"NQ"}
    assert not Instrument.objects.filter(pk=own.pk).exists()


def test_a_programs_history_tells_of_its_loss_limits_too(
    world: Account, admin_client: Client, admin_user: User
) -> None:
    limit = LossLimit.objects.get(kind="drawdown")
    limit.amount = 3000
    limit._history_user = admin_user
    limit.save()
    page = admin_client.get(address(Program, "history", limit.program_id)).content.decode()
    assert "amount: 2500 → 3000" in page
    assert admin_user.username in page


def test_nobody_reverts_through_the_history(world: Account, client: Client, admin_client: Client) -> None:
    """Not even who may look; simple_history itself lets them."""
    version = world.program.history.first()
    page = reverse("admin:firms_program_simple_history", args=[world.program_id, version.pk])
    assert admin_client.get(page).status_code == 200
    assert admin_client.post(page, {"name": "other"}).status_code == 403
    client.force_login(view_only_staff())
    assert client.post(page, {"name": "other"}).status_code == 403
    assert Program.objects.get().name == "50K plain"
