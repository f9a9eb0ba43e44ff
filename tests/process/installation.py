"""A whole PropGuard in processes of its own, on a scratch database of the same kind as the test run's."""

import contextlib
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

ROOT = Path(__file__).resolve().parent.parent.parent
DEADLINE_SECONDS = 60.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(what: str, condition: Callable[[], Any], seconds: float = DEADLINE_SECONDS) -> Any:
    """The condition's first true value; fails with `what` when the deadline passes."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.02)
    raise AssertionError(f"not within {seconds:g} s: {what}")


class Process(NamedTuple):
    pid: int
    parent: int
    group: int
    state: str

    @property
    def lives(self) -> bool:
        """Not a zombie that nobody has buried."""
        return not self.state.startswith("Z")


def processes() -> list[Process]:
    """Every process of this machine, by number: the eldest of a group first."""
    listed = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid=,pgid=,stat="], capture_output=True, text=True, check=True
    )
    rows = (line.split(maxsplit=3) for line in listed.stdout.splitlines())
    return sorted(Process(int(pid), int(parent), int(group), state) for pid, parent, group, state in rows)


def lives(group: int) -> bool:
    """Whether a process group has a living member."""
    return any(one.group == group and one.lives for one in processes())


class Installation:
    """Start parts of it, talk to it over HTTP, kill it, and look into its database.

    `like` is one whose database is copied: migrating and loading the catalog are not what most tests ask.
    """

    def __init__(self, folder: Path, like: "Installation | None" = None) -> None:
        self.folder = folder
        self.like = like
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / "log.txt"
        self.children: list[subprocess.Popen[bytes]] = []
        self.environment = {
            **os.environ,
            "PROPGUARD_VAR": str(folder / "var"),
            "PROPGUARD_BIND": f"127.0.0.1:{self.port}",
            "SECRET_KEY": "for-tests-only-" + "x" * 50,
            "DATABASE_URL": self._database(),
        }
        self.environment.pop("PORT", None)

    # --- processes ---

    def start(self, *arguments: str) -> "subprocess.Popen[bytes]":
        """One process in a session of its own: `manage.py …`, or gunicorn for "web"."""
        if arguments == ("web",):
            command = ["-m", "gunicorn", "propguard.wsgi", "--bind", f"127.0.0.1:{self.port}",
                       "--worker-class", "gthread", "--workers", "2", "--threads", "4"]  # fmt: skip
        else:
            command = ["manage.py", *arguments]
        with self.log.open("ab") as log:
            child = subprocess.Popen(
                [sys.executable, *command], cwd=ROOT, env=self.environment, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip
        self.children.append(child)
        return child

    def manage(self, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments], cwd=ROOT, env=self.environment, capture_output=True,
            text=True, timeout=DEADLINE_SECONDS,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    def kill(self, child: "subprocess.Popen[bytes]") -> None:
        """kill -9 of the process and its whole session."""
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()

    def kill_group(self, group: int) -> None:
        """kill -9 of a process group that may have ended already."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)

    def end(self) -> None:
        for child in self.children:
            if child.poll() is None:
                child.terminate()
        for child in self.children:
            try:
                child.wait(25)
            except subprocess.TimeoutExpired:
                self.kill(child)
        for name in ("web", "work", "queue", "supervise"):
            self._kill_recorded(name)

    def _kill_recorded(self, name: str) -> None:
        group = self.group_of(name)
        if group is not None:
            try:
                os.killpg(group, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                return

    def group_of(self, name: str) -> int | None:
        """The process group recorded in a lock file."""
        try:
            return int((self.folder / "var" / f"{name}.lock").read_text())
        except (FileNotFoundError, ValueError):
            return None

    # --- HTTP ---

    def seed(self) -> None:
        self.manage("migrate", "--verbosity", "0")
        self.manage("shell", "-v", "0", "-c", "from propguard import demo; demo.seed()")

    def wait_until_served(self) -> None:
        wait_for(f"{self.url}/healthz answers; log:\n{self.tail()}", lambda: self._get("/healthz"))

    def _get(self, path: str) -> dict[str, Any] | None:
        try:
            with urllib.request.urlopen(self.url + path, timeout=5) as answer:
                found: dict[str, Any] = json.load(answer)
                return found
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return None

    def send(self, **fields: Any) -> tuple[int, dict[str, Any]]:
        """One alert to the demo source; its status and answer."""
        secret = (self.folder / "var" / "demo_secret").read_text().strip()
        body = {"secret": secret, "action": "buy", "symbol": "NQ1!", "entry_price": 20000.25,
                "stop_loss": 19990, "contracts": 2, "session": "NY AM", **fields}  # fmt: skip
        request = urllib.request.Request(
            f"{self.url}/api/v1/webhooks/demo/", json.dumps(body).encode(),
            {"Content-Type": "application/json"},
        )  # fmt: skip
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def decided(self, answer: dict[str, Any]) -> list[dict[str, Any]] | None:
        """The decisions of a signal once all are there."""
        path = answer["status_url"].removeprefix(self.url)
        status = self._get(path)
        return status["decisions"] if status is not None and status["status"] == "decided" else None

    def tail(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-30:]) if self.log.exists() else ""

    # --- database ---

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        url = self.environment["DATABASE_URL"]
        if url.startswith("sqlite"):
            with sqlite3.connect(url.removeprefix("sqlite:///")) as database:
                return database.execute(sql).fetchall()
        import psycopg2

        with psycopg2.connect(url) as connection, connection.cursor() as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall())

    def is_writable(self) -> bool:
        """Whether nobody holds the one writer's lock of SQLite; PostgreSQL has none."""
        url = self.environment["DATABASE_URL"]
        if not url.startswith("sqlite"):
            return True
        try:
            with sqlite3.connect(url.removeprefix("sqlite:///"), timeout=0.2) as database:
                database.execute("BEGIN IMMEDIATE")
                database.rollback()
        except sqlite3.OperationalError:
            return False
        return True

    @property
    def database_name(self) -> str:
        return self.environment["DATABASE_URL"].partition("?")[0].rpartition("/")[2]

    def _database(self) -> str:
        server = os.environ.get("DATABASE_URL", "")
        if not server.startswith("postgres"):
            file = self.folder / "propguard.sqlite3"
            if self.like is not None:
                shutil.copy(self.like.folder / file.name, file)
            return f"sqlite:///{file}"
        import psycopg2

        name = f"process_{uuid4().hex[:12]}"
        connection = psycopg2.connect(server)
        connection.autocommit = True
        with connection.cursor() as cursor:
            copied = "" if self.like is None else f' TEMPLATE "{self.like.database_name}"'
            cursor.execute(f'CREATE DATABASE "{name}"{copied}')
        connection.close()
        before, _, query = server.partition("?")
        return f"{before.rpartition('/')[0]}/{name}" + (f"?{query}" if query else "")
