"""Releases are imported by a person who has looked them through: nothing is stored before."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from execution.models import NewsEvent
from firms.models import AuditEntry
from tests.admin.forms import fields_of
from tests.admin.world import MARKER, view_only_staff

pytestmark = pytest.mark.django_db
PAGE = "/admin/execution/newsevent/import/"
CSV = "name,at,targets\nUS CPI,2026-03-11T08:30:00-04:00,NQ\n"


def upload(client: Client, text: str | bytes, name: str = "march.csv") -> Any:
    raw = text.encode() if isinstance(text, str) else text
    return client.post(PAGE, {"file": SimpleUploadedFile(name, raw)})


def confirm(client: Client, preview: Any) -> Any:
    return client.post(PAGE, {key: preview.context[key] for key in ("name", "confirmed")})


def test_a_file_is_looked_through_and_then_stored(admin_client: Client, admin_user: User) -> None:
    preview = upload(admin_client, CSV)
    content = preview.content.decode()
    assert "US CPI" in content
    assert "12:30:00 UTC" in content
    assert not NewsEvent.objects.exists()

    after = confirm(admin_client, preview)
    assert after.headers["Location"] == reverse("admin:execution_newsevent_changelist")
    event = NewsEvent.objects.get()
    assert (event.name, event.targets, event.history.get().history_user) == ("US CPI", "NQ", admin_user)
    entry = AuditEntry.objects.get(action="news.imported")
    assert (entry.actor, entry.subject, entry.after) == (
        admin_user, "file march.csv", "1 added, 0 changed, 0 unchanged",
    )  # fmt: skip
    assert "1 added" in admin_client.get(after.headers["Location"]).content.decode()


def test_what_is_known_already_is_said_to_change_nothing(admin_client: Client) -> None:
    confirm(admin_client, upload(admin_client, CSV))
    assert "Nothing would change" in upload(admin_client, CSV).content.decode()


def test_every_error_is_shown_with_row_and_field(admin_client: Client) -> None:
    content = upload(admin_client, "name,at\n,2026-03-11T08:30:00\n=1,x\n").content.decode()
    assert "march.csv can" in content
    for words in ("it is missing", "has no offset", "formula", "is not like"):
        assert words in content
    assert 'name="confirmed"' not in content
    assert not NewsEvent.objects.exists()


@pytest.mark.parametrize("raw", [b"\xff\xfe", b"x" * 1_100_000], ids=["no text", "too large"])
def test_a_file_that_is_none_is_refused(admin_client: Client, raw: bytes) -> None:
    assert "can&#x27;t be imported" in upload(admin_client, raw).content.decode().replace(
        "can't", "can&#x27;t"
    )


def test_hostile_words_stay_words(admin_client: Client) -> None:
    good = f'name,at,source\n"{MARKER.replace(chr(34), "")}",2026-03-11T08:30:00Z,x\n'
    for content in (
        upload(admin_client, good, f"{MARKER}.csv"),
        upload(admin_client, f"name,at,{MARKER.replace(chr(34), '')}\na,{MARKER.replace(chr(34), '')},c\n"),
    ):
        assert b"<img src=x" not in content.content
    confirm(admin_client, upload(admin_client, good))
    listed = admin_client.get(reverse("admin:execution_newsevent_changelist")).content
    assert b"<img src=x" not in listed
    assert b"&lt;img src=x" in listed


def test_what_is_confirmed_is_checked_again(admin_client: Client) -> None:
    forged = admin_client.post(PAGE, {"name": "x", "confirmed": '[{"name": "=1", "at": "now"}]'})
    assert "formula" in forged.content.decode()
    assert "not JSON" in admin_client.post(PAGE, {"confirmed": "[1"}).content.decode()
    assert not NewsEvent.objects.exists()


def test_whoever_may_only_look_imports_nothing(client: Client) -> None:
    looker = view_only_staff()
    client.force_login(looker)
    assert client.get(PAGE).status_code == 403
    assert upload(client, CSV).status_code == 403
    assert "import/" not in client.get(reverse("admin:execution_newsevent_changelist")).content.decode()
    looker.user_permissions.add(Permission.objects.get(codename="add_newsevent"))
    assert client.post(PAGE, {"name": "x", "confirmed": "[]"}).status_code == 403


def test_the_import_needs_the_csrf_token(admin_user: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(admin_user)
    assert client.post(PAGE, {"name": "x", "confirmed": "[]"}).status_code == 403


def test_one_event_is_edited_on_its_page(admin_client: Client) -> None:
    confirm(admin_client, upload(admin_client, CSV))
    event = NewsEvent.objects.get()
    page = reverse("admin:execution_newsevent_change", args=[event.pk])
    form = fields_of(admin_client.get(page).content, "newsevent_form")
    assert admin_client.post(page, {**form, "impact": "low"}).status_code == 302
    event.refresh_from_db()
    assert event.impact == "low"
    assert event.history.count() == 2
