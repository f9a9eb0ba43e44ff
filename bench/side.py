"""One side's processes on a scratch database, each in a session of its own, ended whatever happens."""

import contextlib
import fcntl
import json
import os
import secrets
import signal
import subprocess
import sys
import time
import urllib.request
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

from bench.client import Broken, Stamps, free_port

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 60.0
SECRET_KEY = secrets.token_urlsafe(48)
STOP_SECONDS = 25.0  # more than `up` gives its own children


class Side(ABC):
    """PropGuard or stock: its settings, its database, its servers, its Django process."""

    settings: str
    job: str

    def __init__(self, folder: Path, database_url: str) -> None:
        self.folder = folder / self.job
        self.folder.mkdir()
        self.log = self.folder / "log.txt"
        self.port = free_port()
        self.stamps = Stamps(self.folder / "stamps")
        self._database_url = database_url
        self._servers: list[subprocess.Popen[bytes]] = []
        self._inside: subprocess.Popen[str] | None = None

    @abstractmethod
    def commands(self) -> list[list[str]]:
        """The servers' command lines."""

    def start_servers(self) -> None:
        for command in self.commands():
            with self.log.open("ab") as log:
                self._servers.append(
                    subprocess.Popen(
                        [sys.executable, *command], cwd=ROOT, env=self._environment(), start_new_session=True,
                        stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                    )
                )  # fmt: skip
        self._wait_until_served()

    def stop_servers(self) -> None:
        for server in self._servers:
            server.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        for server in self._servers:
            with contextlib.suppress(subprocess.TimeoutExpired):
                server.wait(max(deadline - time.monotonic(), 0.1))
            _kill_group(server.pid)
            server.wait()
        self._servers.clear()
        self._kill_left_over()

    def ask(self, job: str) -> dict[str, Any]:
        """Have a job done by the Django process, which is started on first use."""
        if self._inside is None:
            with self.log.open("ab") as log:
                self._inside = subprocess.Popen(
                    [sys.executable, "-m", "bench.inside"], cwd=ROOT, env=self._environment(), text=True,
                    start_new_session=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
                )  # fmt: skip
        process = self._inside
        if process.stdin is None or process.stdout is None:
            raise Broken("the Django process has no pipes")
        process.stdin.write(f"{job}\n")
        process.stdin.flush()
        answer = process.stdout.readline()
        if not answer:
            raise Broken(f"{self.job} failed at {job!r}")
        told: dict[str, Any] = json.loads(answer)
        return told

    def close(self) -> None:
        self.stop_servers()
        if self._inside is not None:
            _kill_group(self._inside.pid)
            self._inside.wait()
            self._inside = None

    def tail(self) -> str:
        """The end of what its processes said."""
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        return "\n".join(lines[-25:])

    def _environment(self) -> dict[str, str]:
        """This process's, without anything that would configure a PropGuard, and with our own."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith("PROPGUARD_") and k != "PORT"}
        return {
            **kept,
            "DJANGO_SETTINGS_MODULE": self.settings,
            "DATABASE_URL": self._database_url,
            "SECRET_KEY": SECRET_KEY,
            "PROPGUARD_VAR": str(self.folder / "var"),
            "PROPGUARD_BIND": f"127.0.0.1:{self.port}",
            "BENCH_STAMPS": str(self.stamps.path),
        }

    def _wait_until_served(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if any(server.poll() is not None for server in self._servers):
                break
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=2).close()
            except OSError:
                time.sleep(0.1)
            else:
                return
        raise Broken(f"{self.job} did not start")

    def _kill_left_over(self) -> None:
        """Groups that `up` and `work` started, if those could not end them: found by the locks they hold."""
        for path in (self.folder / "var").glob("*.lock"):
            for _ in range(200):
                with path.open("r+") as file:
                    try:
                        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                        break
                    except BlockingIOError:
                        with contextlib.suppress(ValueError):
                            _kill_group(int(path.read_text()))
                time.sleep(0.05)


class PropGuard(Side):
    """As `make run` starts it: web, queue and supervisor."""

    settings, job = "bench.settings", "propguard"

    def commands(self) -> list[list[str]]:
        return [["manage.py", "up"]]


class Stock(Side):
    """The same web server, and django-q2's own cluster."""

    settings, job = "bench.stock_settings", "stock"

    def commands(self) -> list[list[str]]:
        web = [
            "-m", "gunicorn", "propguard.wsgi", "--bind", f"127.0.0.1:{self.port}",
            "--worker-class", "gthread", "--workers", "2", "--threads", "4",
            "--keep-alive", "15", "--timeout", "30", "--log-level", "warning",
        ]  # fmt: skip
        return [web, ["manage.py", "qcluster"]]


def _kill_group(group: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)
