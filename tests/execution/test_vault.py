"""Credentials at rest: encrypted in every dump, rotated, and never shown by accident."""

import base64
from io import StringIO
from typing import Any

import pytest
from django.core import serializers
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.db import connection

from execution.models import Connection, ForwardTarget
from execution.vault import Sealed, Unreadable

CANARY = "canary-7f3a-of-a-password"
FIRST, SECOND, THIRD = (base64.b64encode(bytes([number]) * 32).decode() for number in (1, 2, 3))


@pytest.fixture(autouse=True)
def one_key(settings: Any) -> None:
    settings.CREDENTIALS_KEYS = [FIRST]


@pytest.fixture
def stored() -> ForwardTarget:
    row = Connection.objects.create(name="TP", venue="forward")
    target = ForwardTarget(
        connection=row, address=Sealed.of(f"https://example.com/{CANARY}"), secret=Sealed.of(CANARY),
        signing_secret=Sealed.of(f"whsec_{CANARY}"), headers=Sealed.of(f"Authorization: {CANARY}"),
    )  # fmt: skip
    target.save()
    return target


def dump() -> str:
    """Every value of every table."""
    found = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            found += [str(value) for row in cursor.fetchall() for value in row]
    return "\n".join(found)


@pytest.mark.core
def test_what_is_sealed_says_its_text_only_when_asked() -> None:
    sealed = Sealed.of(CANARY)
    assert sealed.reveal() == CANARY
    assert (str(sealed), repr(sealed), f"{sealed}") == ("stored", "stored", "stored")
    assert CANARY not in sealed.token
    assert sealed.token != Sealed.of(CANARY).token


@pytest.mark.core
def test_nothing_is_not_sealed() -> None:
    assert (Sealed.of("").token, Sealed().reveal(), str(Sealed()), bool(Sealed())) == ("", "", "", False)


@pytest.mark.core
@pytest.mark.parametrize(
    "key", ["", "short", base64.b64encode(b"x" * 31).decode(), base64.b64encode(b"x" * 33).decode()]
)
def test_a_key_of_another_size_is_refused(settings: Any, key: str) -> None:
    settings.CREDENTIALS_KEYS = [key]
    with pytest.raises(ImproperlyConfigured, match="32 bytes"):
        Sealed.of(CANARY)


@pytest.mark.core
def test_a_key_may_be_written_in_either_alphabet(settings: Any) -> None:
    settings.CREDENTIALS_KEYS = [base64.b64encode(b"\xff" * 32).decode()]
    sealed = Sealed.of(CANARY)
    settings.CREDENTIALS_KEYS = [base64.urlsafe_b64encode(b"\xff" * 32).decode()]
    assert sealed.reveal() == CANARY


@pytest.mark.django_db
def test_no_dump_has_the_text_and_no_history_row_has_anything(stored: ForwardTarget) -> None:
    assert CANARY not in dump()
    assert CANARY not in serializers.serialize("json", ForwardTarget.objects.all())
    assert not {"address", "secret", "signing_secret", "headers"} & {
        field.name for field in ForwardTarget.history.model._meta.get_fields()
    }
    assert ForwardTarget.objects.get().secret.reveal() == CANARY


@pytest.mark.django_db
def test_a_row_taken_out_as_a_fixture_comes_back(stored: ForwardTarget) -> None:
    text = serializers.serialize("json", ForwardTarget.objects.all())
    ForwardTarget.objects.all().delete()
    for row in serializers.deserialize("json", text):
        row.save()
    assert ForwardTarget.objects.get().secret.reveal() == CANARY


@pytest.mark.django_db
def test_plain_text_is_not_stored(stored: ForwardTarget) -> None:
    stored.secret = CANARY  # type: ignore[assignment]
    with pytest.raises(TypeError, match="plain text is not stored"):
        stored.save()


@pytest.mark.django_db
def test_without_its_key_a_credential_is_unreadable_and_its_row_is_not(
    stored: ForwardTarget, settings: Any
) -> None:
    settings.CREDENTIALS_KEYS = [SECOND]
    row = ForwardTarget.objects.get()
    assert row.secret
    with pytest.raises(Unreadable):
        row.secret.reveal()


@pytest.mark.django_db
def test_rotation_moves_everything_under_the_first_key(stored: ForwardTarget, settings: Any) -> None:
    settings.CREDENTIALS_KEYS = [SECOND, FIRST]
    said = StringIO()
    call_command("rotate_credentials", stdout=said)
    assert "4 credentials" in said.getvalue()
    settings.CREDENTIALS_KEYS = [SECOND]
    row = ForwardTarget.objects.get()
    assert (row.secret.reveal(), row.address.reveal()) == (CANARY, f"https://example.com/{CANARY}")
    settings.CREDENTIALS_KEYS = [FIRST]
    with pytest.raises(Unreadable):
        row.secret.reveal()


@pytest.mark.django_db
def test_rotation_says_what_it_could_not_read(stored: ForwardTarget, settings: Any) -> None:
    settings.CREDENTIALS_KEYS = [THIRD, SECOND]
    with pytest.raises(CommandError, match="not at hand"):
        call_command("rotate_credentials", stdout=StringIO())
