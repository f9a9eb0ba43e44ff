"""`manage.py work`: own one django-q2 cluster, and start it anew when it dies or only looks alive.

A single killed idle worker can leave a cluster that runs and does nothing, for ever. Killing the whole
group is safe: every task begins with a compare-and-set and is found again by the sweep.
"""

import logging
import sys
import time
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import Error, close_old_connections, connection
from django.utils import timezone
from django_q.models import OrmQ
from django_q.tasks import async_task

from execution import pulse
from execution.processes import ProcessGroup, StopRequest, run_directory

log = logging.getLogger(__name__)

LOOK_EVERY_SECONDS = 0.5
CANARY_EVERY_SECONDS = 5.0
STUCK_AFTER_SECONDS = 20.0
RESTART_PAUSE_SECONDS = 1.0


class Command(BaseCommand):
    help = "Runs the queue's workers and restarts them when they die or get stuck."

    def handle(self, *args: Any, **options: Any) -> None:
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
        self._next_canary = 0.0

    def start(self) -> None:
        self.pulse.touch()  # its silence counts from here
        self.group.start()

    def look(self) -> None:
        """Send the canary; restart a cluster that has ended or is stuck."""
        if self.group.has_ended:
            log.error("The queue's cluster ended by itself; starting it anew")
            self._restart()
        elif self._is_stuck():
            log.error("Tasks wait and none has begun or ended for %d s; starting the cluster anew",
                      STUCK_AFTER_SECONDS)  # fmt: skip
            self._restart()
        elif time.monotonic() >= self._next_canary:
            self._next_canary = time.monotonic() + CANARY_EVERY_SECONDS
            self._send_canary()

    def _restart(self) -> None:
        self.group.kill()
        time.sleep(RESTART_PAUSE_SECONDS)
        self.start()

    def _is_stuck(self) -> bool:
        if pulse.age(self.pulse) < STUCK_AFTER_SECONDS:
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
        except Error:
            connection.close()
