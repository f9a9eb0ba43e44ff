"""Words from outside are written as words: on no page of the admin do they become markup."""

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from execution.models import Decision, Signal
from firms.models import Account
from tests.admin.world import MARKER, make_world

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(admin_user: User) -> Account:
    admin_user.first_name = MARKER
    admin_user.save()
    return make_world(MARKER, actor=admin_user)


def pages() -> list[str]:
    """Every list, page, history and dialog there is."""
    found = ["/admin/", "/admin/search/?s=img&extended=1"]
    for model, model_admin in admin.site._registry.items():
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        found.append(reverse(f"{name}_changelist"))
        found.append(f"{reverse(f'{name}_changelist')}?q=img")
        for row in model._default_manager.all()[:5]:
            found.append(reverse(f"{name}_change", args=[row.pk]))
            found.append(reverse(f"{name}_history", args=[row.pk]))
            found.append(reverse(f"{name}_delete", args=[row.pk]))
            found += [
                reverse(f"admin:{action.action_name}", args=[row.pk])
                for action in model_admin._get_base_actions_detail()
            ]
    return found


def test_no_page_writes_the_marker_raw(world: Account, admin_client: Client) -> None:
    escaped = 0
    for page in pages():
        content = admin_client.get(page).content.decode()
        assert MARKER not in content, page
        assert "<img src=x" not in content, page
        escaped += "&lt;img src=x onerror" in content
    assert escaped > 60  # the words are there, as words


def test_the_answers_to_actions_do_not_either(world: Account, admin_client: Client) -> None:
    pause = reverse("admin:firms_account_pause", args=[world.pk])
    admin_client.post(pause, {"_form_submitted": "True", "reason": MARKER})
    after = admin_client.get(reverse("admin:firms_account_changelist")).content.decode()
    asking = admin_client.post(
        reverse("admin:firms_account_changelist"),
        {"action": "pause_selected", "_selected_action": [world.pk]},
    ).content.decode()
    assert "was paused already" in after
    for content in (after, asking):
        assert "<img src=x" not in content


def test_what_arrived_is_shown_byte_for_byte_and_escaped(world: Account, admin_client: Client) -> None:
    signal = Signal.objects.filter(kind="entry").get()
    content = admin_client.get(reverse("admin:execution_signal_change", args=[signal.pk])).content.decode()
    assert "&lt;img src=x onerror=alert(1)&gt;" in content


def test_pages_bring_no_script_of_their_own(world: Account, admin_client: Client) -> None:
    """The policy forbids inline scripts; whatever were written as one would be dead."""
    decision = Decision.objects.first()
    assert decision is not None
    for page in ("/admin/", reverse("admin:execution_decision_change", args=[decision.pk])):
        response = admin_client.get(page)
        assert "script-src 'self' 'unsafe-eval'" in response.headers["Content-Security-Policy"]
        for tag in response.content.decode().split("<script")[1:]:
            assert " src=" in tag.split(">")[0]
