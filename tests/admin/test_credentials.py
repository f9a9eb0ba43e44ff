"""Secrets and keys: generated, shown once, stored as a hash only."""

import re
from hashlib import sha256

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.urls import reverse

from execution.credentials import new_api_key, new_source_secret
from execution.models import ApiKey, SignalSource
from firms.models import AuditEntry
from tests.make import make_source

pytestmark = pytest.mark.django_db


def shown_values(page: bytes) -> list[str]:
    return re.findall(r'readonly value="([^"]+)"', page.decode())


def is_stored_anywhere(secret: str) -> bool:
    """Whether any text column of any table holds it: sessions, logs and histories too."""
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            if any(secret in str(value) for row in cursor.fetchall() for value in row):
                return True
    return False


def test_a_new_secret_moves_the_old_one_aside() -> None:
    source = make_source()
    old = source.secret_sha256
    secret = new_source_secret(source)
    source.refresh_from_db()
    assert len(secret) >= 32
    assert source.secret_sha256 == sha256(secret.encode()).hexdigest()
    assert source.previous_secret_sha256 == old
    assert source.history.first().history_change_reason == "new secret"


def test_a_new_source_shows_its_secret_once(admin_client: Client, admin_user: User) -> None:
    form = {
        "name": "tradingview", "is_enabled": "on", "template": "canonical", "secret_field": "",
        "default_symbol": "", "allowed_addresses": "52.89.214.238\n34.212.75.0/24",
        **{f"{prefix}-{part}_FORMS": "0" for prefix in ("mappings", "routes") for part in ("TOTAL", "INITIAL")},
    }  # fmt: skip
    response = admin_client.post(reverse("admin:execution_signalsource_add"), form)
    assert response.status_code == 200
    assert "no-store" in response.headers["Cache-Control"]
    secret, address, with_token = shown_values(response.content)
    source = SignalSource.objects.get()
    assert source.secret_sha256 == sha256(secret.encode()).hexdigest()
    assert address.endswith("/api/v1/webhooks/tradingview/")
    assert with_token == f"{address}{secret}/"
    assert not is_stored_anywhere(secret)
    page = admin_client.get(reverse("admin:execution_signalsource_change", args=[source.pk])).content.decode()
    assert secret not in page
    assert source.secret_sha256 not in page
    assert "/api/v1/webhooks/tradingview/" in page
    assert AuditEntry.objects.get(action="source.secret_changed").actor == admin_user


def test_the_button_replaces_the_whole_dialog_with_the_secret(admin_client: Client) -> None:
    source = make_source()
    page = reverse("admin:execution_signalsource_new_secret", args=[source.pk])
    response = admin_client.post(page, {"_form_submitted": "True"})
    secret = shown_values(response.content)[0]
    assert (response.headers["HX-Retarget"], response.headers["HX-Reselect"]) == ("#modal-content", "#dialog")
    assert b"<form" not in response.content
    source.refresh_from_db()
    assert source.secret_sha256 == sha256(secret.encode()).hexdigest()
    assert not is_stored_anywhere(secret)


def test_an_address_nobody_can_read_is_refused(admin_client: Client) -> None:
    form = {
        "name": "tv", "is_enabled": "on", "template": "canonical", "allowed_addresses": "52.89.214.0/99",
        **{f"{prefix}-{part}_FORMS": "0" for prefix in ("mappings", "routes") for part in ("TOTAL", "INITIAL")},
    }  # fmt: skip
    response = admin_client.post(reverse("admin:execution_signalsource_add"), form)
    assert "52.89.214.0/99 is not an address or a network" in response.content.decode()
    assert not SignalSource.objects.exists()


def test_an_api_key_is_a_prefix_and_a_secret_and_stored_as_a_hash() -> None:
    row, key = new_api_key("desk", ["marks", "state"])
    mark, prefix, secret = key.split("_", 2)
    assert (mark, prefix, len(prefix)) == ("pgk", row.prefix, 8)
    assert len(secret) >= 32
    row.refresh_from_db()
    assert (row.key_sha256, row.scopes) == (sha256(key.encode()).hexdigest(), "marks state")


def test_the_form_makes_a_key_with_the_ticked_scopes_and_shows_it_once(
    admin_client: Client, admin_user: User
) -> None:
    form = {"name": "desk", "scopes": ["marks", "state"], "expires_at_0": "", "expires_at_1": ""}
    response = admin_client.post(reverse("admin:execution_apikey_add"), form)
    key = shown_values(response.content)[0]
    row = ApiKey.objects.get()
    assert row.key_sha256 == sha256(key.encode()).hexdigest()
    assert row.scopes == "marks state"
    assert "no-store" in response.headers["Cache-Control"]
    assert not is_stored_anywhere(key)
    assert AuditEntry.objects.get(action="api_key.created").actor == admin_user
    page = admin_client.get(reverse("admin:execution_apikey_change", args=[row.pk])).content.decode()
    assert row.key_sha256 not in page


def test_a_key_without_a_scope_is_not_made(admin_client: Client) -> None:
    admin_client.post(reverse("admin:execution_apikey_add"), {"name": "desk"})
    assert not ApiKey.objects.exists()


def test_scopes_change_and_the_key_stays(admin_client: Client) -> None:
    row, _ = new_api_key("desk", ["marks"])
    form = {"name": "desk", "scopes": ["state"], "expires_at_0": "", "expires_at_1": ""}
    assert admin_client.post(reverse("admin:execution_apikey_change", args=[row.pk]), form).status_code == 302
    before = row.key_sha256
    row.refresh_from_db()
    assert (row.scopes, row.key_sha256) == ("state", before)


def test_a_revoked_key_stays_in_the_list(admin_client: Client, admin_user: User) -> None:
    row, _ = new_api_key("desk", ["marks"])
    admin_client.post(reverse("admin:execution_apikey_revoke", args=[row.pk]), {"_form_submitted": "True"})
    row.refresh_from_db()
    assert row.is_revoked
    assert AuditEntry.objects.get(action="api_key.revoked").actor == admin_user
    assert admin_client.post(reverse("admin:execution_apikey_delete", args=[row.pk])).status_code == 403
