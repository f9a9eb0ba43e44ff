"""What goes wrong, at random: processes, the database, the venue. Everything it breaks can mend itself."""

import os
import random
import signal
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from execution.processes import members
from tests.fakevenue.process import FakeVenue
from tests.process.installation import Installation

PAUSE_SECONDS = (0.5, 3.0)

# Rules for the venue's next few orders.
MISBEHAVIOURS: tuple[dict[str, Any], ...] = (
    {"answer": "drop"},
    {"execute": "no", "answer": "drop"},
    {"execute": "late", "seconds": 2.5, "answer": "hang"},
    {"answer": "status", "status": 500},
    {"execute": "no", "answer": "status", "status": 500},
    {"execute": "no", "answer": "status", "status": 429, "retry_after": 1},
    {"execute": "no", "answer": "penalty"},
    {"execute": "no", "answer": "no", "code": "account_disabled"},
    {"answer": "no", "code": "account_disabled"},
    {"answer": "no", "code": "pending"},
    {"execute": "no", "answer": "yes"},
    {"answer": "html"},
    {"answer": "truncated"},
    {"answer": "empty"},
    {"answer": "huge"},
    {"answer": "no_id"},
    {"answer": "twice"},
    {"linger": 1.0},
)
LISTS: tuple[dict[str, Any], ...] = (
    {"rows": "null"}, {"rows": "missing"}, {"rows": "duplicated"}, {"rows": "reversed"},
    {"rows": "stale", "seconds": 2.0}, {"answer": "drop"}, {"answer": "status"}, {"answer": "truncated"},
)  # fmt: skip
QUIET: dict[str, Any] = {
    "hidden_seconds": 0.0,
    "latency": 0.0,
    "fill": "whole",
    "bracket": "on",
    "calls_per_second": 0,
}


class Nemesis(threading.Thread):
    """Does one thing after another until stopped; `stop` leaves everything whole."""

    def __init__(self, installation: Installation, venue: FakeVenue, database: "Database", seed: int) -> None:
        super().__init__(name="nemesis", daemon=True)
        self.installation, self.venue, self.database = installation, venue, database
        self.chance = random.Random(seed)
        self.done: Counter[str] = Counter()
        self._stop_request = threading.Event()

    def run(self) -> None:
        faults: list[Callable[[], None]] = [
            self.kill_web, self.kill_in_queue, self.kill_in_queue, self.kill_queue, self.kill_work,
            self.kill_supervise, self.freeze_in_queue, self.database_away, self.venue_dies, self.venue_refuses,
            self.venue_misbehaves, self.venue_misbehaves, self.venue_misbehaves, self.venue_misbehaves,
            self.lists_misbehave, self.lists_misbehave, self.venue_hides, self.venue_is_slow, self.session_ends,
            self.fills_in_parts,
        ]  # fmt: skip
        while not self._stop_request.wait(self.chance.uniform(*PAUSE_SECONDS)):
            fault = self.chance.choice(faults)
            self.done[fault.__name__] += 1
            with suppress(ProcessLookupError):
                fault()

    def stop(self) -> None:
        self._stop_request.set()
        self.join()
        self.venue.do("listen")
        self.venue.clear()
        for name, value in QUIET.items():
            self.venue.set(name, value)
        self.database.come_back()

    # --- processes ---

    def _group(self, name: str) -> int | None:
        return self.installation.group_of(name)

    def _signal_one(self, name: str, number: signal.Signals) -> int | None:
        """One process of a group; which one it is."""
        group = self._group(name)
        living = sorted(members(group)) if group is not None else []
        if not living:
            return None
        pid = self.chance.choice(living)
        os.kill(pid, number)
        return pid

    def _kill_all(self, name: str) -> None:
        group = self._group(name)
        if group is not None and members(group):
            os.killpg(group, signal.SIGKILL)

    def kill_web(self) -> None:
        self._signal_one("web", signal.SIGKILL)

    def kill_in_queue(self) -> None:
        """A worker, the monitor, the sentinel or the parent, whichever it hits."""
        self._signal_one("queue", signal.SIGKILL)

    def kill_queue(self) -> None:
        self._kill_all("queue")

    def kill_work(self) -> None:
        self._kill_all("work")

    def kill_supervise(self) -> None:
        self._kill_all("supervise")

    def freeze_in_queue(self) -> None:
        """A long pause in the middle of whatever it does: a sleeping laptop."""
        pid = self._signal_one("queue", signal.SIGSTOP)
        time.sleep(self.chance.uniform(0.5, 4.0))
        if pid is not None:
            os.kill(pid, signal.SIGCONT)

    def database_away(self) -> None:
        self.database.go_away()
        time.sleep(self.chance.uniform(0.2, 3.0))
        self.database.come_back()

    # --- the venue ---

    def venue_dies(self) -> None:
        self.venue.kill()
        time.sleep(self.chance.uniform(0.0, 2.0))
        self.venue.start()

    def venue_refuses(self) -> None:
        self.venue.do("refuse")
        time.sleep(self.chance.uniform(0.5, 2.0))
        self.venue.do("listen")

    def venue_misbehaves(self) -> None:
        on = self.chance.choice(["place", "place", "place", "close", "cancel_all", "cancel"])
        self.venue.rule(on=on, times=self.chance.randint(1, 3), **self.chance.choice(MISBEHAVIOURS))

    def lists_misbehave(self) -> None:
        on = self.chance.choice(["orders", "fills", "positions", "account"])
        self.venue.rule(on=on, times=self.chance.randint(1, 5), **self.chance.choice(LISTS))

    def _for_a_while(self, name: str, value: Any, seconds: float) -> None:
        self.venue.set(name, value)
        time.sleep(seconds)
        self.venue.set(name, QUIET[name])

    def venue_hides(self) -> None:
        self._for_a_while("hidden_seconds", 1.5, 3.0)

    def venue_is_slow(self) -> None:
        self._for_a_while("latency", self.chance.uniform(0.1, 0.8), 3.0)

    def fills_in_parts(self) -> None:
        self._for_a_while("fill", "none", 1.0)

    def session_ends(self) -> None:
        self.venue.do("kick")


class Database:
    """How the database of this run goes away."""

    def go_away(self) -> None: ...

    def come_back(self) -> None: ...


class LockedFile(Database):
    """SQLite: somebody holds the one write lock, a backup or an open shell."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._holder: sqlite3.Connection | None = None

    def go_away(self) -> None:
        holder = sqlite3.connect(self.path, timeout=10, isolation_level=None, check_same_thread=False)
        with suppress(sqlite3.OperationalError):
            holder.execute("BEGIN IMMEDIATE")
        self._holder = holder

    def come_back(self) -> None:
        if self._holder is not None:
            self._holder.close()
            self._holder = None


class StoppedServer(Database):
    """PostgreSQL: an immediate shutdown, as a crash would leave it."""

    def __init__(self, server: Any) -> None:
        self.server = server

    def go_away(self) -> None:
        os.kill(self.server.get_pid(), signal.SIGQUIT)
        while self.server.get_postmaster_info().process.is_running():
            time.sleep(0.05)

    def come_back(self) -> None:
        self.server.ensure_postgres_running()
