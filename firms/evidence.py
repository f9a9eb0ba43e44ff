"""Append-only tables: the database itself refuses to change or delete evidence.

A model is evidence when it says `append_only = True`. The triggers are installed after every migrate,
because a later migration may rebuild a table on SQLite and lose them.
"""

from typing import Any

from django.apps import apps
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

_REFUSE = """
CREATE OR REPLACE FUNCTION propguard_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation'; END $$
"""


def tables() -> list[str]:
    """The tables of all evidence models."""
    return [m._meta.db_table for m in apps.get_models() if getattr(m, "append_only", False)]


def install_triggers(using: str = "default", **_: Any) -> None:
    """Install the triggers on every evidence table that exists. Idempotent."""
    connection = connections[using]
    present = set(connection.introspection.table_names())
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(_REFUSE)
        for table in tables():
            if table in present:
                for statement in _statements(connection, table):
                    cursor.execute(statement)


def remove_triggers(using: str = "default") -> None:
    """Lift the protection: for a test database's flush only."""
    connection = connections[using]
    with connection.cursor() as cursor:
        for table in tables():
            for name in (f"{table}_no_change", f"{table}_no_delete", f"{table}_no_truncate"):
                suffix = f" ON {table}" if connection.vendor == "postgresql" else ""
                cursor.execute(f"DROP TRIGGER IF EXISTS {name}{suffix}")


def _statements(connection: BaseDatabaseWrapper, table: str) -> list[str]:
    if connection.vendor == "postgresql":
        return [
            f"CREATE OR REPLACE TRIGGER {table}_{name} BEFORE {event} ON {table} "
            f"FOR EACH {level} EXECUTE FUNCTION propguard_append_only()"
            for name, event, level in (
                ("no_change", "UPDATE", "ROW"),
                ("no_delete", "DELETE", "ROW"),
                ("no_truncate", "TRUNCATE", "STATEMENT"),
            )
        ]
    return [
        f"CREATE TRIGGER IF NOT EXISTS {table}_{name} BEFORE {event} ON {table} "
        f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        for name, event in (("no_change", "UPDATE"), ("no_delete", "DELETE"))
    ]
