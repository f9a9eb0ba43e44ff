"""Evidence can't be changed or deleted, whoever asks."""

import pytest
from django.db import DatabaseError, connection, transaction

from firms import audit
from firms.models import AuditEntry
from tests.make import NOON

pytestmark = pytest.mark.django_db


@pytest.fixture
def entry() -> AuditEntry:
    audit.record("test.happened", "something", now=NOON)
    return AuditEntry.objects.get()


def refuses(act: object) -> None:
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        act()  # type: ignore[operator]
    assert AuditEntry.objects.get().action == "test.happened"


def test_an_entry_can_not_be_changed(entry: AuditEntry) -> None:
    refuses(lambda: AuditEntry.objects.update(action="nothing.happened"))


def test_an_entry_can_not_be_deleted(entry: AuditEntry) -> None:
    refuses(entry.delete)


def test_raw_sql_can_not_delete_it_either(entry: AuditEntry) -> None:
    with connection.cursor() as cursor:
        refuses(lambda: cursor.execute("DELETE FROM firms_auditentry"))


@pytest.mark.django_db(transaction=True)  # or the insert still has deferred checks pending
@pytest.mark.skipif("connection.vendor != 'postgresql'")
def test_the_table_can_not_be_truncated(entry: AuditEntry) -> None:
    with connection.cursor() as cursor:
        refuses(lambda: cursor.execute("TRUNCATE firms_auditentry"))
