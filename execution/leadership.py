"""Who may do what only one supervisor should do: reconcile, monitor, turn the day, send overdue entries.

Exits, the kill switch and ringing for chunks need no leader. On SQLite, one machine, a lock on
`var/supervisor.lock` says who it is: it ends with its process. On PostgreSQL it is a row that lasts 15 s of
the database's clock and carries a number, one higher with each new leader. A leader that was frozen for
longer may wake up and go on: so each transaction it writes as the leader looks at that number again, and
keeps the row locked until its commit.
"""

import fcntl
import os
import socket
import threading
from abc import ABC, abstractmethod
from datetime import timedelta
from typing import IO
from uuid import uuid4

from django.db import connection

from execution.clock import database_now
from execution.models import Lease
from execution.processes import run_directory
from firms.statements import moment

LEASE = timedelta(seconds=15)
NAME = "supervisor"


class NotLeader(Exception):
    """Somebody else leads by now: what was about to be written must not be."""


class Leader(ABC):
    """One process's claim to lead."""

    @abstractmethod
    def is_leader(self) -> bool:
        """Become the leader, or stay it; False while another one is."""

    @abstractmethod
    def confirm(self) -> None:
        """Inside a transaction, after the trader's lock: raise NotLeader unless it still leads."""


class FileLeader(Leader):
    """Leads as long as it holds the lock file. A frozen process goes on holding it: nobody takes over."""

    def __init__(self) -> None:
        self._file: IO[str] | None = None
        self._guard = threading.Lock()

    def is_leader(self) -> bool:
        with self._guard:
            if self._file is not None:
                return True
            file = (run_directory() / "supervisor.lock").open("w")
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.close()
                return False
            self._file = file
            return True

    def confirm(self) -> None:
        if self._file is None:
            raise NotLeader


class LeaseLeader(Leader):
    """Leads by the lease row; `fence` is the number it last led under."""

    def __init__(self) -> None:
        self.holder = f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex[:12]}"
        self.fence: int | None = None

    def is_leader(self) -> bool:
        now = database_now()
        with connection.cursor() as cursor:
            cursor.execute(
                _TAKE,
                {"name": NAME, "holder": self.holder, "now": moment(now), "until": moment(now + LEASE)},
            )
            row = cursor.fetchone()
        self.fence = None if row is None else int(row[0])
        return self.fence is not None

    def confirm(self) -> None:
        held = Lease.objects.select_for_update(no_key=True).filter(pk=NAME).first()
        if self.fence is None or held is None or (held.holder, held.fence) != (self.holder, self.fence):
            raise NotLeader


# One that has run out and that nobody else has taken is still its old holder's: the number stays.
_TAKE = f"""
    INSERT INTO {Lease._meta.db_table} AS held (name, holder, fence, until)
    VALUES (%(name)s, %(holder)s, 1, %(until)s)
    ON CONFLICT (name) DO UPDATE SET
        holder = excluded.holder, until = excluded.until,
        fence = held.fence + CASE WHEN held.holder = excluded.holder THEN 0 ELSE 1 END
    WHERE held.holder = excluded.holder OR held.until < %(now)s
    RETURNING fence
"""  # noqa: S608 - a table's name


class Sole(Leader):
    """Where there can be no other: a test, a command run once by hand."""

    def is_leader(self) -> bool:
        return True

    def confirm(self) -> None:
        return None


SOLE = Sole()


def leader_here() -> Leader:
    """The kind of leadership that goes with the database."""
    return LeaseLeader() if connection.vendor == "postgresql" else FileLeader()
