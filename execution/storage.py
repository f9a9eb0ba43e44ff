"""Whether the database can be written to at all: what can't be recorded may not be routed."""

from django.db import Error, connection, transaction

from execution.models import Order

_NOTHING = f"UPDATE {Order._meta.db_table} SET id = id WHERE 1 = 0"  # noqa: S608 - a table's name
_READ_ONLY, _NO_PRIVILEGE = "25006", "42501"
_HINT = {
    "sqlite": "its file and its folder must belong to the user who runs PropGuard, on a writable disk",
    "postgresql": "is this a standby, or a role that may only read?",
}  # fmt: skip


def refusal() -> str | None:
    """Why the database refuses every write; None where it takes them, or where it is away or not migrated
    yet, for which whoever needs it waits."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_NOTHING)
    except Error as error:
        if _refuses(error):
            said = str(error).strip().splitlines()[0]
            return f"The database can't be written to ({said}): {_HINT[connection.vendor]}."
    return None


def _refuses(error: Error) -> bool:
    if connection.vendor == "postgresql":
        return getattr(error.__cause__, "pgcode", None) in (_READ_ONLY, _NO_PRIVILEGE)
    return any(words in str(error) for words in ("readonly database", "unable to open database file"))
