"""A child process with everything it starts, as one group that can be stopped, killed, and found again.

Each group holds a lock file through an inherited descriptor: as long as one of its processes lives, the
lock is taken. So a group that outlived its parent (kill -9) is found by its lock, never by a number that
may belong to somebody else by now.
"""

import contextlib
import fcntl
import logging
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from django.conf import settings

log = logging.getLogger(__name__)

GRACE_SECONDS = 20.0
_PAUSE_SECONDS = 0.05


def run_directory() -> Path:
    """Where locks are kept: `var/`, or the temporary directory where that can't be written."""
    folder = Path(settings.VAR_DIR)
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if os.access(folder, os.W_OK):
            return folder
    except OSError:
        pass
    folder = Path(tempfile.gettempdir()) / f"propguard-{os.getuid()}"
    folder.mkdir(exist_ok=True, mode=0o700)
    return folder


class ProcessGroup:
    """One named child in a session of its own, so that a Ctrl-C reaches only the parent."""

    def __init__(self, name: str, command: Sequence[str], **environment: str) -> None:
        self.name = name
        self.command = list(command)
        self.environment = environment
        self.lock = run_directory() / f"{name}.lock"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, after ending what an earlier parent may have left of it."""
        self.end_left_over()
        with self.lock.open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            self.process = subprocess.Popen(
                self.command,
                cwd=settings.BASE_DIR,
                start_new_session=True,
                pass_fds=[file.fileno()],
                env={**os.environ, **self.environment},
            )
            file.write(str(self.process.pid))

    def end_left_over(self) -> None:
        """Kill the group that still holds the lock, if there is one. It is not asked: nobody owns it."""
        if not self.is_locked():
            return
        group = self._recorded()
        log.warning("Ending what is left of an earlier %s (process group %s)", self.name, group)
        while self.is_locked():
            if group is not None:
                _signal_group(group, signal.SIGKILL)
            time.sleep(_PAUSE_SECONDS)

    def is_locked(self) -> bool:
        """Whether any process of a group of this name lives."""
        if not self.lock.exists():
            return False
        with self.lock.open("r+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    @property
    def has_ended(self) -> bool:
        return self.process is None or self.process.poll() is not None

    def ask_to_stop(self) -> None:
        """SIGTERM to the child alone: it knows best how to stop its own."""
        if self.process is not None and not self.has_ended:
            with contextlib.suppress(ProcessLookupError):
                self.process.terminate()

    def stop(self, seconds: float = GRACE_SECONDS) -> None:
        """Ask, wait, then kill whatever of the group is left."""
        self.ask_to_stop()
        deadline = time.monotonic() + seconds
        while not self.has_ended and time.monotonic() < deadline:
            time.sleep(_PAUSE_SECONDS)
        self.kill()

    def kill(self) -> None:
        """SIGKILL to the whole group."""
        if self.process is not None:
            _signal_group(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None

    def _recorded(self) -> int | None:
        try:
            return int(self.lock.read_text())
        except ValueError:
            return None


def members(group: int) -> frozenset[int]:
    """The processes of a group, without those that are dead and only not buried yet."""
    listed = _from_proc() if Path("/proc/self/stat").exists() else _from_ps()
    return frozenset(pid for pid, own_group, state in listed if own_group == group and state[:1] not in "ZX")


Listed = tuple[int, int, str]  # process, its group, its state


def _from_proc() -> Iterator[Listed]:
    """Linux: cheaper than `ps`, which small images don't have."""
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with contextlib.suppress(OSError):  # it has ended meanwhile
                # The name, in parentheses, may hold anything: what counts comes after the last one.
                state, _, group, *_ = (folder / "stat").read_text().rpartition(")")[2].split()
                yield int(folder.name), int(group), state


def _from_ps() -> Iterator[Listed]:
    listed = subprocess.run(
        ["ps", "-A", "-o", "pid=,pgid=,stat="], capture_output=True, text=True, check=True, timeout=5
    )
    for line in listed.stdout.splitlines():
        pid, group, state = line.split(maxsplit=2)
        yield int(pid), int(group), state


def _signal_group(group: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


class StopRequest:
    """Becomes true at SIGTERM or SIGINT. Made in the main thread of a command that loops."""

    def __init__(self) -> None:
        self.is_set = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._set)

    def _set(self, *_: object) -> None:
        self.is_set = True

    def wait(self, seconds: float) -> None:
        """Sleep, but not past the request."""
        deadline = time.monotonic() + seconds
        while not self.is_set and (left := deadline - time.monotonic()) > 0:
            time.sleep(min(left, 0.1))
