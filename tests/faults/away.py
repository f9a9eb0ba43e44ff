"""A database that is away, or whose answer to a commit is lost, as this thread's connection sees it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import OperationalError, connections


class Away:
    """While it is `down`, every statement of the thread that made it fails. May be switched by another.

    But for savepoints: a test's own transaction, around all of it, has to survive.
    """

    def __init__(self, *, only: str = "") -> None:
        self.connection = connections["default"]
        self.down = False
        self.only = only  # of the statements, those that contain this
        self.refused = 0

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if self.down and self.only in sql and "SAVEPOINT" not in sql:
            self.refused += 1
            raise OperationalError("the database is away")
        return execute(sql, params, many, context)


@contextmanager
def database(*, only: str = "") -> Iterator[Away]:
    """The database, to be taken away and given back."""
    away = Away(only=only)
    with away.connection.execute_wrapper(away):
        yield away


def lose_the_answer_to_commit(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next commit but `number` of this thread is made, and looks as if it had failed."""
    connection = connections["default"]
    commit, left = connection.commit, [number]

    def lossy() -> None:
        commit()
        left[0] -= 1
        if left[0] == -1:
            raise OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(connection, "commit", lossy)
