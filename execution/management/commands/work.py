"""`manage.py work`: own one django-q2 cluster, and start it anew when it dies or only looks alive.

A single killed idle worker can leave a cluster that runs and does nothing, for ever; a killed monitor makes
every task run again. Killing the whole group is safe: every task begins with a compare-and-set and is found
again by the sweep.
"""

import logging
import sys
import time
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import Error, close_old_connections, connection
from django.utils import timezone
from django_q.models import OrmQ
from django_q.tasks import async_task

from execution import heartbeats, pulse, storage
from execution.processes import ProcessGroup, StopRequest, members, run_directory

log = logging.getLogger(__name__)

LOOK_EVERY_SECONDS = 0.5
COUNT_EVERY_SECONDS = 1.0
RESTART_PAUSE_SECONDS = 1.0


class Command(BaseCommand):
    help = "Runs the queue's workers and restarts them when they die or get stuck."

    def handle(self, *args: Any, **options: Any) -> None:
        if problem := storage.refusal():
            raise CommandError(problem)
        stop = StopRequest()
        cluster = Cluster()
        cluster.start()
        while not stop.is_set:
            stop.wait(LOOK_EVERY_SECONDS)
            if not stop.is_set:
                cluster.look()
        cluster.group.stop()


class Cluster:
    """The one cluster of this process, its canary, and the eye on both."""

    def __init__(self) -> None:
        self.pulse = run_directory() / "queue.pulse"
        self.group = ProcessGroup(
            "queue",
            [sys.executable, str(settings.BASE_DIR / "manage.py"), "qcluster"],
            **{pulse.VARIABLE: str(self.pulse)},
        )
        self._listener = heartbeats.Listener()
        self._next_canary = self._next_count = 0.0
        self._seen: frozenset[int] = frozenset()

    def start(self) -> None:
        self.group.end_left_over()  # before its traces are cleared
        self.pulse.touch()  # its silence counts from here
        pulse.clear_farewells(self.pulse)
        self._seen = frozenset()
        self.group.start()

    def look(self) -> None:
        """Send the canary; restart a cluster that has ended, lost a process or is stuck."""
        if trouble := self._trouble():
            log.error("%s; starting the cluster anew", trouble)
            self._restart()
        elif time.monotonic() >= self._next_canary:
            self._next_canary = time.monotonic() + settings.CANARY_EVERY_SECONDS
            self._send_canary()

    def _trouble(self) -> str:
        """What is wrong with the cluster, in words; "" where nothing is."""
        if self.group.has_ended:
            return "The queue's cluster ended by itself"
        if lost := self._lost():
            return f"Processes of the cluster are gone that did not end in order: {sorted(lost)}"
        if self._is_stuck():
            return f"Tasks wait and none has begun or ended for {settings.STUCK_AFTER_SECONDS:g} s"
        return ""

    def _lost(self) -> frozenset[int]:
        """Processes seen before and gone now without a farewell. django-q2 replaces them, but whoever is
        killed while it reads a queue takes the queue's lock along."""
        if self.group.process is None or time.monotonic() < self._next_count:
            return frozenset()
        self._next_count = time.monotonic() + COUNT_EVERY_SECONDS
        living = members(self.group.process.pid)
        gone = self._seen - living
        self._seen = living
        return gone - pulse.farewells(self.pulse) if gone else gone

    def _restart(self) -> None:
        self.group.kill()
        time.sleep(RESTART_PAUSE_SECONDS)
        self.start()

    def _is_stuck(self) -> bool:
        if pulse.age(self.pulse) < settings.STUCK_AFTER_SECONDS:
            return False
        try:
            return OrmQ.objects.filter(key=settings.Q_CLUSTER["name"], lock__lt=timezone.now()).exists()
        except Error:  # the database is away: nothing can be claimed, and that is not the cluster's fault
            connection.close()
            return False

    def _send_canary(self) -> None:
        try:
            close_old_connections()
            async_task("execution.tasks.canary", task_name="canary")
            self._listener.look()
        except Error:
            connection.close()
