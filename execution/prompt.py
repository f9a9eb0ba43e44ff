"""Transactions that must begin at once or not at all: intake, exits, the kill switch.

On SQLite one writer holds the file at a time, and the usual back-off of a waiting writer loses to a
crowd. Here the wait is our own: a try every millisecond for up to a second. After a second lost this
way the process tries only once until a write gets through, so that a sender gets its 503 in time.

PostgreSQL waits for rows, not for the database; there the waits are cut to the same second.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import OperationalError, connection, transaction

PATIENCE_SECONDS = 1.0
_RETRY_SECONDS = 0.001
_starved = False


class Busy(Exception):
    """The database could not be written to in time."""


@contextmanager
def prompt_transaction(*, gives_up: bool = True) -> Iterator[None]:
    """`transaction.atomic()` that fails rather than wait longer than a second for a lock.

    Raises Busy on SQLite, OperationalError on PostgreSQL; both mean that nothing was written. Where it must
    not give up (an exit), it goes on trying as long as other transactions wait.
    """
    if connection.vendor != "sqlite" or connection.in_atomic_block:
        with transaction.atomic():
            if connection.vendor == "postgresql" and gives_up:
                _cut_waits()
            yield
        return
    atomic = transaction.atomic()
    _begin(atomic, gives_up=gives_up)
    try:
        yield
    except BaseException as error:
        atomic.__exit__(type(error), error, error.__traceback__)
        raise
    else:
        atomic.__exit__(None, None, None)


def _begin(atomic: transaction.Atomic, *, gives_up: bool) -> None:
    global _starved
    usual: float = connection.settings_dict["OPTIONS"].get("timeout", 20)
    patience = (0 if _starved else PATIENCE_SECONDS) if gives_up else usual
    deadline = time.monotonic() + patience
    connection.ensure_connection()
    _busy_timeout(0)
    try:
        while True:
            try:
                atomic.__enter__()
            except OperationalError as error:
                # Its traceback and itself hold each other, and in them a cursor of this connection: left to
                # the collector, which may run in the thread that has the lock, its end would wait for ours.
                error.__traceback__ = None
                if "locked" not in str(error) or time.monotonic() >= deadline:
                    _starved = _starved or gives_up
                    raise Busy(str(error)) from None
                time.sleep(_RETRY_SECONDS)
            else:
                _starved = False
                return
    finally:
        _busy_timeout(int(usual * 1000))


def _cut_waits() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('lock_timeout', %s, true), set_config('statement_timeout', %s, true)",
            [f"{PATIENCE_SECONDS}s", f"{1.5 * PATIENCE_SECONDS}s"],
        )


def _busy_timeout(milliseconds: int) -> None:
    # Straight to SQLite: Django would open a cursor, and inside a transaction a savepoint's bookkeeping.
    connection.connection.execute(f"PRAGMA busy_timeout = {milliseconds}")
