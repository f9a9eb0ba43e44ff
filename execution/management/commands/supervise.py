"""`manage.py supervise`: find the work that nobody did. Needs no queue and may run several times over."""

import logging
from typing import Any

from django.core.management.base import BaseCommand
from django.db import close_old_connections, connection

from execution.processes import StopRequest
from execution.supervision import sweep

log = logging.getLogger(__name__)

EVERY_SECONDS = 1.0


class Command(BaseCommand):
    help = "Sweeps for undecided chunks, orders not sent or stranded, and exits still open, once a second."

    def handle(self, *args: Any, **options: Any) -> None:
        stop = StopRequest()
        while not stop.is_set:
            try:
                close_old_connections()
                sweep()
            except Exception:
                log.exception("The sweep failed; the next one tries again")
                connection.close()
            stop.wait(EVERY_SECONDS)
