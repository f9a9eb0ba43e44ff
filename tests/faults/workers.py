"""Processes of their own on this test's database, which die, stop or fail at a named point."""

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection

from tests.fakevenue.process import FakeVenue
from tests.make import alert
from tests.process.installation import ROOT, free_port, wait_for

DIED = -signal.SIGKILL


def database_url() -> str:
    """The test's own database, as a process of its own is told of it."""
    name = connection.settings_dict["NAME"]
    if connection.vendor == "sqlite":
        return f"sqlite:///{name}"
    before, _, query = os.environ["DATABASE_URL"].partition("?")
    return f"{before.rpartition('/')[0]}/{name}" + (f"?{query}" if query else "")


def environment(fault: str = "", venue: FakeVenue | None = None, url: str = "") -> dict[str, str]:
    made = {
        **os.environ,
        "DATABASE_URL": url or database_url(),
        "PROPGUARD_VAR": str(settings.VAR_DIR),
        "SECRET_KEY": settings.SECRET_KEY,  # queue rows are signed with it
        "PROPGUARD_FAULT": fault,
        "PROPGUARD_CONNECTORS": "fake=tests.fakevenue.connector.FakeVenueConnector",
    }
    if venue is not None:
        made |= {"FAKE_VENUE_URL": venue.url, "FAKE_VENUE_TOTAL_SECONDS": "5"}
    return made


class Worker:
    """What a queue's worker does with one task, in a process that a fault may hit: `Worker("route_chunk", 5)`."""

    def __init__(
        self, task: str, *ids: int, fault: str = "", venue: FakeVenue | None = None, url: str = ""
    ) -> None:
        code = f"from execution import tasks\nfor pk in {list(ids)}: tasks.{task}(pk)"
        self.log = Path(settings.VAR_DIR) / "worker.log"
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "shell", "-v", "0", "-c", code], cwd=ROOT,
                env=environment(fault, venue, url), stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip

    def ended(self) -> int:
        """Its exit code; negative for the signal that ended it."""
        return self.process.wait(60)

    def stands(self) -> bool:
        """Whether it is stopped (SIGSTOP)."""
        stat = Path(f"/proc/{self.process.pid}/stat").read_text()
        return stat.rpartition(")")[2].split()[0] == "T"

    def wait_until_it_stands(self) -> None:
        wait_for("the worker stops", self.stands)

    def signal(self, number: signal.Signals) -> None:
        os.killpg(self.process.pid, number)

    def end(self) -> None:
        if self.process.poll() is None:
            self.signal(signal.SIGKILL)
            self.process.wait()


def run(task: str, *ids: int, fault: str = "", venue: FakeVenue | None = None) -> int:
    """Run a task to its end, however that comes; the exit code."""
    return Worker(task, *ids, fault=fault, venue=venue).ended()


@contextmanager
def later(seconds: float) -> Iterator[None]:
    """The database's clock runs ahead by so much: for whoever asks for it in this process."""
    with pytest.MonkeyPatch.context() as patch:
        for name, module in list(sys.modules.items()):
            if name.startswith("execution.") and hasattr(module, "database_now"):
                real: Callable[[], Any] = module.database_now
                patch.setattr(module, "database_now", lambda real=real: real() + timedelta(seconds=seconds))
        yield


class Web:
    """The web server on this test's database, or on another (`url`)."""

    def __init__(self, fault: str = "", url: str = "") -> None:
        self.port = free_port()
        once = str(Path(settings.VAR_DIR) / "struck")
        made = {**environment(fault, url=url), "PROPGUARD_FAULT_ONCE": once}
        with (Path(settings.VAR_DIR) / "web.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "gunicorn", "propguard.wsgi", "--bind", f"127.0.0.1:{self.port}",
                 "--worker-class", "gthread", "--workers", "1", "--threads", "2"],
                cwd=ROOT, env=made, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        wait_for("the web server answers", lambda: self.get("/healthz"))

    def get(self, path: str) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5):
                return True
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False

    def send(self, **fields: Any) -> tuple[int, dict[str, Any]] | None:
        """One alert to the source "tv", its status and answer; None where the connection breaks off."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/api/v1/webhooks/tv/", json.dumps(alert(**fields)).encode(),
            {"Content-Type": "application/json"},
        )  # fmt: skip
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)
        except ConnectionError:
            return None

    def end(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
