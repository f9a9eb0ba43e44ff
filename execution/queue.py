"""django-q2's ORM queue with a bell: a waiting worker is woken at the commit, not by the next poll.

The rows are the queue's truth, the bell only says "look now": a lost ring costs the safety poll's
second. PostgreSQL rings by NOTIFY in the enqueueing transaction; SQLite by a Unix datagram after its
commit. Everything that goes wrong with a bell is ignored.
"""

import contextlib
import hashlib
import os
import select
import socket
import tempfile
import time
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

import psycopg2
from django.db import connection, transaction
from django.utils import timezone
from django_q.brokers.orm import ORM
from django_q.models import OrmQ

from firms.statements import execute, insert, moment, read

SAFETY_POLL_SECONDS = 1.0
RECONNECT_SECONDS = 0.2
CHANNEL = "propguard_bell"
_FIRST_DUE = "key = %(key)s AND lock < %(now)s ORDER BY id LIMIT 1"
_CLAIM = f"UPDATE {OrmQ._meta.db_table} SET lock = %(lock)s WHERE id = %(id)s AND lock = %(seen)s"  # noqa: S608


class BellBroker(ORM):
    """The broker class of Q_CLUSTER. Its bell is opened in the process that waits, after the fork."""

    def __init__(self, list_key: str | None = None) -> None:
        super().__init__(list_key)
        self._bell: Bell | None = None

    def __setstate__(self, state: Any) -> None:
        super().__setstate__(state)
        self._bell = None

    def enqueue(self, task: str) -> int:
        row = OrmQ(key=self.list_key, payload=task, lock=timezone.now())
        if connection.vendor == "postgresql":
            insert([row], also=f"pg_notify('{CHANNEL}', '')")  # delivered at the commit, dropped with it
        else:
            insert([row])
            transaction.on_commit(_ring_sockets)
        return int(row.pk)

    def dequeue(self) -> list[tuple[int, str]] | None:
        """The oldest due task, claimed; None after waiting for the bell in vain.

        Opening the bell comes before the look, so that no ring between the two is lost.
        """
        try:
            bell = self._own_bell()
            tasks = self._claim()
            if not tasks:
                bell.wait(SAFETY_POLL_SECONDS)
            return tasks or None
        except Exception:  # noqa: BLE001
            # Whatever it is (the database restarting, a bell cut off), the stock broker would sleep ten
            # seconds here and die. Everything is opened anew on the next turn.
            self._drop_bell()
            with contextlib.suppress(Exception):
                connection.close()
            time.sleep(RECONNECT_SECONDS)
            return None

    def _claim(self) -> list[tuple[int, str]]:
        # Looking comes first: on SQLite even an update that finds nothing waits for the one writer.
        now = moment(timezone.now())
        for due in read(OrmQ, _FIRST_DUE, key=self.list_key, now=now):
            lock, seen = moment(self.timeout(due)), moment(due.lock)
            claimed = execute(_CLAIM, id=due.pk, seen=seen, lock=lock)
            return [(due.pk, due.payload)] if claimed else self._claim()
        return []

    def _own_bell(self) -> "Bell":
        if self._bell is None or self._bell.pid != os.getpid():
            self._bell = NotifyBell() if connection.vendor == "postgresql" else SocketBell()
        return self._bell

    def _drop_bell(self) -> None:
        if self._bell is not None:
            with contextlib.suppress(Exception):
                self._bell.close()
            self._bell = None


class Bell(ABC):
    """Something to wait on. Belongs to the process that made it."""

    def __init__(self) -> None:
        self.pid = os.getpid()

    @abstractmethod
    def wait(self, seconds: float) -> None:
        """Sleep until it rings, or for so long."""

    @abstractmethod
    def close(self) -> None:
        """Let go of what it listens on."""


class NotifyBell(Bell):
    """LISTEN on a connection of its own: the cluster's may sit in a transaction."""

    def __init__(self) -> None:
        super().__init__()
        parameters = connection.get_connection_params()
        parameters.pop("cursor_factory", None)
        self._connection = psycopg2.connect(**parameters)
        self._connection.autocommit = True
        with self._connection.cursor() as cursor:
            cursor.execute(f"LISTEN {CHANNEL}")

    def wait(self, seconds: float) -> None:
        if not self._connection.notifies:
            select.select([self._connection], [], [], seconds)
            self._connection.poll()
        self._connection.notifies.clear()

    def close(self) -> None:
        self._connection.close()


class SocketBell(Bell):
    """A datagram socket in a private directory that belongs to this database file."""

    def __init__(self) -> None:
        super().__init__()
        self.path = bell_directory() / f"{self.pid}.sock"
        self.path.unlink(missing_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(self.path))
        self._socket.setblocking(False)

    def wait(self, seconds: float) -> None:
        select.select([self._socket], [], [], seconds)
        with contextlib.suppress(BlockingIOError):
            while self._socket.recv(16):
                pass

    def close(self) -> None:
        self._socket.close()
        self.path.unlink(missing_ok=True)


def bell_directory() -> Path:
    """A short path: a Unix socket's is limited to 108 bytes. Mode 0700, one per user and database."""
    database = str(connection.settings_dict["NAME"])
    name = hashlib.sha256(os.path.realpath(database).encode()).hexdigest()[:12]
    directory = Path(tempfile.gettempdir()) / f"propguard-{os.getuid()}-{name}"
    directory.mkdir(mode=0o700, exist_ok=True)
    if directory.stat().st_uid != os.getuid():
        raise PermissionError(f"{directory} belongs to somebody else")
    return directory


def _ring_sockets() -> None:
    try:
        paths = list(bell_directory().glob("*.sock"))
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.setblocking(False)
            for path in paths:
                try:
                    sender.sendto(b".", str(path))
                except ConnectionRefusedError:  # its process is gone
                    path.unlink(missing_ok=True)
                except OSError:
                    continue
    except OSError:
        return
