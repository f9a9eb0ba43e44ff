"""`manage.py supervise`: what runs beside the queue and needs none. May run several times over."""

import logging
import os
import threading
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import close_old_connections, connection

from execution import storage
from execution.leadership import Leader, leader_here
from execution.processes import StopRequest
from execution.supervision import Part, parts

log = logging.getLogger(__name__)

LOOK_EVERY_SECONDS = 1.0
STUCK_AFTER_SECONDS = 120.0  # longer than any turn: a part that takes longer hangs
STOPPING_SECONDS = 15.0


class Command(BaseCommand):
    help = "Finds work that nobody did, watches floors and days, listens for who has gone silent."

    def handle(self, *args: Any, **options: Any) -> None:
        if problem := storage.refusal():
            raise CommandError(problem)
        stop = StopRequest()
        leader = leader_here()
        runners = [Runner(part, leader, stop) for part in parts()]
        for runner in runners:
            runner.start()
        looked_at = time.monotonic()
        while not stop.is_set:
            stop.wait(LOOK_EVERY_SECONDS)
            if time.monotonic() - looked_at > 5 * LOOK_EVERY_SECONDS:
                for runner in runners:  # it was this whole process that stood still
                    runner.turned_at = time.monotonic()
            looked_at = time.monotonic()
            for runner in runners:
                if runner.hangs and not stop.is_set:
                    log.critical("%s hangs; ending, to be started anew", runner.part.name)
                    os._exit(1)  # its thread can't be ended in another way
        deadline = time.monotonic() + STOPPING_SECONDS
        for runner in runners:
            runner.join(max(deadline - time.monotonic(), 0))


class Runner(threading.Thread):
    """One part, turn after turn, with a database connection of its own."""

    def __init__(self, part: Part, leader: Leader, stop: StopRequest) -> None:
        super().__init__(name=part.name, daemon=True)
        self.part, self.leader, self.stop = part, leader, stop
        self.turned_at = time.monotonic()

    @property
    def hangs(self) -> bool:
        return not self.is_alive() or time.monotonic() - self.turned_at > STUCK_AFTER_SECONDS

    def run(self) -> None:
        while not self.stop.is_set:
            try:
                close_old_connections()
                self.part.turn(self.leader)
            except Exception:
                log.exception("%s failed; its next turn tries again", self.part.name)
                connection.close()
            self.turned_at = time.monotonic()
            self.stop.wait(self.part.every_seconds)
        connection.close()
