"""The kill switch in the admin: a page that asks, acts on POST only, shows how far it is, and is released by few."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from execution import kill
from execution.models import Kill
from firms.models import Account, AuditEntry, Flag
from tests.admin.world import make_world, view_only_staff

pytestmark = pytest.mark.django_db
PLATFORM = "/admin/execution/kill/switch/"
ENGAGE = {"act": "engage", "reason": "runaway", "flatten": "on", "confirm": "kill"}
RELEASE = {"act": "release", "reason": "checked"}


@pytest.fixture
def world(admin_user: User) -> Account:
    return make_world(actor=admin_user)


def page_of(subject: Any) -> str:
    return reverse("admin:execution_kill_switch", args=[subject._meta.model_name, subject.pk])


def staff(*permissions: str) -> User:
    user = User.objects.create_user("-".join(permissions) or "plain", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return user


def killed() -> list[str]:
    return [flag.scope for flag in Flag.objects.filter(key="kill", ended_at=None)]


def test_one_post_engages_it_with_reason_and_actor(
    world: Account, admin_client: Client, admin_user: User
) -> None:
    answer = admin_client.post(PLATFORM, ENGAGE)
    assert answer.headers["Location"] == PLATFORM
    kill_row = Kill.objects.get(flag__ended_at=None)
    assert (kill_row.flatten, kill_row.flag.reason, kill_row.flag.raised_by) == (True, "runaway", admin_user)
    assert AuditEntry.objects.get(action="kill.raised").actor == admin_user
    page = admin_client.get(PLATFORM).content.decode()
    assert 'id="kill-report"' in page
    assert f'hx-get="{PLATFORM}report/"' in page
    assert "runaway" in page


@pytest.mark.parametrize("kind", ["account", "program", "firm"])
def test_each_subject_has_its_own_switch_and_its_page_leads_there(
    world: Account, admin_client: Client, kind: str
) -> None:
    subject: Any = {"account": world, "program": world.program, "firm": world.program.firm}[kind]
    action = reverse(f"admin:firms_{kind}_kill", args=[subject.pk])
    assert (
        action in admin_client.get(reverse(f"admin:firms_{kind}_change", args=[subject.pk])).content.decode()
    )
    assert admin_client.get(action).headers["Location"] == page_of(subject)
    admin_client.post(page_of(subject), {**ENGAGE, "flatten": ""})
    assert (killed(), Kill.objects.get(flag__ended_at=None).flatten) == ([kind], False)


@pytest.mark.parametrize(
    "change",
    [{"reason": " "}, {"confirm": ""}, {"confirm": "yes"}, {"act": ""}],
    ids=["no reason", "nothing typed", "something else typed", "no act"],
)
def test_a_slip_engages_nothing(world: Account, admin_client: Client, change: dict[str, str]) -> None:
    assert admin_client.post(PLATFORM, {**ENGAGE, **change}).status_code in (200, 302)
    assert killed() == []


def test_a_get_changes_nothing(world: Account, admin_client: Client) -> None:
    for address in (PLATFORM, f"{PLATFORM}report/", page_of(world)):
        assert admin_client.get(address, ENGAGE).status_code == 200
    assert (killed(), AuditEntry.objects.filter(action__startswith="kill").count()) == ([], 0)


def test_a_post_needs_the_csrf_token(world: Account, admin_user: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(admin_user)
    assert client.post(PLATFORM, ENGAGE).status_code == 403
    assert killed() == []


RIGHTS = {
    "nothing": ((), 403, 403, 403),
    "pausing": (("view_account", "change_account", "change_flag", "add_flag"), 403, 403, 403),
    "looking": (("view_kill",), 200, 403, 403),
    "engaging": (("engage_kill",), 200, 302, 403),
    "releasing": (("release_kill",), 200, 403, 302),
}


@pytest.mark.parametrize(("permissions", "look", "engage", "release"), RIGHTS.values(), ids=RIGHTS)
def test_looking_engaging_and_releasing_are_separate_rights(
    world: Account, client: Client, permissions: tuple[str, ...], look: int, engage: int, release: int
) -> None:
    client.force_login(staff(*permissions))
    assert client.get(PLATFORM).status_code == look
    assert client.get(f"{PLATFORM}report/").status_code == look
    assert client.post(PLATFORM, ENGAGE).status_code == engage
    assert bool(killed()) == (engage == 302)
    kill.engage(None, flatten=False, reason="before")
    assert client.post(PLATFORM, RELEASE).status_code == release
    assert bool(killed()) == (release != 302)


def test_strangers_are_sent_to_the_login(client: Client) -> None:
    assert "/login/" in client.post(PLATFORM, ENGAGE).headers["Location"]
    assert killed() == []


def test_a_release_needs_a_reason_and_tells_what_still_holds(
    world: Account, admin_client: Client, admin_user: User
) -> None:
    admin_client.post(PLATFORM, ENGAGE)
    admin_client.post(page_of(world), ENGAGE)
    assert (
        "This field is required"
        in admin_client.post(page_of(world), {**RELEASE, "reason": " "}).content.decode()
    )
    page = admin_client.post(page_of(world), RELEASE, follow=True).content.decode()
    assert "Still killed: the platform." in page
    page = admin_client.post(PLATFORM, RELEASE, follow=True).content.decode()
    assert "Released." in page
    assert (killed(), Flag.objects.filter(key="kill", ended_by=admin_user).count()) == ([], 2)


def test_the_banner_is_on_every_page_until_it_is_released(world: Account, admin_client: Client) -> None:
    pages = ("/admin/", "/admin/firms/account/", f"/admin/firms/account/{world.pk}/change/", PLATFORM)
    for address in pages:
        assert "Killed:" not in admin_client.get(address).content.decode()
    admin_client.post(page_of(world), ENGAGE)
    for address in pages:
        page = admin_client.get(address).content.decode()
        assert f"Killed: account {world}." in page
        assert page_of(world) in page


def test_the_home_page_has_the_button_for_those_who_may(world: Account, client: Client) -> None:
    client.force_login(view_only_staff())
    assert f'href="{PLATFORM}"' not in client.get("/admin/").content.decode().split("pg-stack")[1]
    client.force_login(staff("engage_kill"))
    assert f'href="{PLATFORM}"' in client.get("/admin/").content.decode().split("pg-stack")[1]


@pytest.mark.parametrize("path", ["switch/firm/987654/", "switch/trader/1/", "switch/account/987654/report/"])
def test_what_is_not_there_is_not_found(world: Account, admin_client: Client, path: str) -> None:
    assert admin_client.get(f"/admin/execution/kill/{path}").status_code == 404
