"""`manage.py up`: everything in one foreground command. Ctrl-C stops all of it."""

import errno
import fcntl
import socket
import sys
import time
import urllib.error
import urllib.request
from io import StringIO
from typing import IO, Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connections
from django.db.utils import OperationalError

from execution import storage
from execution.processes import ProcessGroup, StopRequest, run_directory
from firms.models import Program
from propguard.environment import bound_to

LOOK_EVERY_SECONDS = 0.25
START_SECONDS = 60.0
QUICK_DEATH_SECONDS = 5.0
RESTART_PAUSE_SECONDS = 2.0

MANAGE = str(settings.BASE_DIR / "manage.py")

_own_lock: IO[str]  # held until this process ends; never inherited


class Command(BaseCommand):
    help = "Migrates, then runs the web server, the queue's workers and the supervisor until Ctrl-C."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--demo", action="store_true", help="Seed demo data, once, and say how to try it."
        )

    def handle(self, *args: Any, demo: bool = False, **options: Any) -> None:
        host, port = _binding()
        _require_alone()
        groups = _groups(host, port)
        for group in groups:
            group.end_left_over()
        _require_free(host, port)
        if problem := storage.refusal():
            raise CommandError(problem)
        self.stdout.write("PropGuard: preparing the database ...")
        _migrate()
        self._load_catalog()
        hint = _seed(host, port) if demo else ""
        connections.close_all()
        stop = StopRequest()
        try:
            for group in groups:
                group.start()
            if _wait_until_served(host, port, stop):
                self.stdout.write(hint or f"PropGuard is running: {_address(host, port)}/admin/")
                self.stdout.flush()
            _watch(groups, stop)
        finally:
            self.stdout.write("\nPropGuard: stopping ...")
            for group in groups:
                group.ask_to_stop()
            for group in groups:
                group.stop()

    def _load_catalog(self) -> None:
        """The firms' programs, at the first start only: later changes come by `manage.py sync_catalog`."""
        if Program.objects.filter(catalog_key__isnull=False).exists():
            return
        self.stdout.write("PropGuard: loading the firms' programs (once) ...")
        try:
            call_command("sync_catalog", stdout=StringIO())
        except CommandError as error:  # what is there already must not wait for it
            self.stderr.write(f"The catalog could not be loaded: {error}")


def _groups(host: str, port: int) -> list[ProcessGroup]:
    python = sys.executable
    web = [
        python, "-m", "gunicorn", "propguard.wsgi", "--bind", f"{host}:{port}", "--worker-class", "gthread",
        "--workers", str(settings.WEB_WORKERS), "--threads", str(settings.WEB_THREADS),
        "--keep-alive", "15", "--timeout", "30", "--graceful-timeout", "10", "--log-level", "warning",
    ]  # fmt: skip
    return [
        ProcessGroup("web", web),
        ProcessGroup("work", [python, MANAGE, "work"]),
        ProcessGroup("supervise", [python, MANAGE, "supervise"]),
    ]


def _binding() -> tuple[str, int]:
    text = bound_to()
    host, _, number = text.rpartition(":")
    if not number.isdigit() or not host:
        raise CommandError(f"{text!r} is not an address to bind to: PROPGUARD_BIND=127.0.0.1:8000")
    return host.strip("[]"), int(number)


def _require_alone() -> None:
    """One `up` for one `var/`: a second one would end the first one's processes."""
    global _own_lock
    _own_lock = (run_directory() / "up.lock").open("w")
    try:
        fcntl.flock(_own_lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise CommandError("PropGuard runs already from this folder. Stop it with Ctrl-C first.") from error


def _require_free(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise CommandError(
                    f"Port {port} is in use. Take another: PROPGUARD_BIND={host}:{port + 1} make run"
                ) from error
            raise CommandError(f"Can't listen on {host}:{port}: {error.strerror}") from error


def _migrate() -> None:
    try:
        call_command("migrate", verbosity=0)
    except OperationalError as error:
        raise CommandError(f"The database can't be used: {str(error).strip()}") from error


def _seed(host: str, port: int) -> str:
    from propguard import demo

    demo.seed()
    return demo.what_to_try(_address(host, port))


def _address(host: str, port: int) -> str:
    shown = "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104 - shown, not bound
    return f"http://{f'[{shown}]' if ':' in shown else shown}:{port}"


def _wait_until_served(host: str, port: int, stop: StopRequest) -> bool:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and not stop.is_set:
        try:
            with urllib.request.urlopen(f"{_address(host, port)}/healthz", timeout=2):  # noqa: S310 - our own
                return True
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            stop.wait(0.1)
    return False


def _watch(groups: list[ProcessGroup], stop: StopRequest) -> None:
    """Start again whatever dies, with a pause where it dies at once."""
    started = dict.fromkeys((group.name for group in groups), time.monotonic())
    while not stop.is_set:
        stop.wait(LOOK_EVERY_SECONDS)
        for group in groups:
            if stop.is_set or not group.has_ended:
                continue
            group.kill()
            if time.monotonic() - started[group.name] < QUICK_DEATH_SECONDS:
                stop.wait(RESTART_PAUSE_SECONDS)
            if not stop.is_set:
                group.start()
                started[group.name] = time.monotonic()
