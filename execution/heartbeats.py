"""Signs of life: who gives them, how long silence may last, and the alarm when it lasts longer.

A canary goes through the real queue; the supervisor's parts each give their own. `supervise` and `work` both
look for silence, so that either is noticed by the other.
"""

import os
import socket
import time
from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime, timedelta

from django.conf import settings

from execution import alarms
from execution.clock import database_now
from execution.models import Alarm, Heartbeat

QUEUE, SWEEP, RECONCILE, MONITOR = "queue", "sweep", "reconcile", "monitor"
CANARIES_MISSED = 3
# How long each part may be silent. What is not listed may be silent for ever.
LIMITS: Mapping[str, timedelta] = {
    QUEUE: CANARIES_MISSED * timedelta(seconds=settings.CANARY_EVERY_SECONDS),
    SWEEP: timedelta(seconds=30),
    RECONCILE: timedelta(seconds=120),
    MONITOR: timedelta(seconds=30),
}
_WHAT_SILENCE_MEANS = {
    QUEUE: "Alerts are stored but not decided by the workers. Is `manage.py work` running?",
    SWEEP: "Nobody finds work that was lost, and exits are worked by the queue alone. "
    "Is `manage.py supervise` running?",
    RECONCILE: "The books are not compared with the venues: entries to venues that can be asked stop within "
    "a minute. Is `manage.py supervise` running?",
    MONITOR: "Floors, day locks and the time to be flat are not watched. Is `manage.py supervise` running?",
}
BEAT_EVERY_SECONDS = 5.0  # well within every limit
_given: dict[str, float] = {}  # when this process last gave each
_CLUSTER = "cluster "  # one row for each queue cluster: "cluster <host> <process group>"
_FORGET_AFTER = timedelta(hours=1)


def beat(name: str) -> None:
    """Say that a part works."""
    now = database_now()
    if not Heartbeat.objects.filter(name=name).update(at=now):
        first = {"at": now, "since": now}
        Heartbeat.objects.update_or_create(name=name, defaults={"at": now}, create_defaults=first)


def beat_now_and_then(name: str) -> None:
    """The same from a loop that turns faster than anybody has to know: SQLite syncs each write to disk."""
    if time.monotonic() - _given.get(name, float("-inf")) >= BEAT_EVERY_SECONDS:
        beat(name)
        _given[name] = time.monotonic()


def beat_of_cluster() -> None:
    """The canary's: the queue moves, and this cluster moves it. Old clusters' rows are dropped."""
    beat(QUEUE)
    # All processes of a cluster are in one process group, and stay in it when their parent is killed.
    beat(f"{_CLUSTER}{socket.gethostname()[:80]} {os.getpgrp()}")
    Heartbeat.objects.filter(name__startswith=_CLUSTER, at__lt=database_now() - _FORGET_AFTER).delete()


def ages(now: datetime) -> dict[str, timedelta | None]:
    """How long ago each part that must not be silent gave its last sign; None: never."""
    beats = dict(Heartbeat.objects.values_list("name", "at"))
    return {name: now - beats[name] if name in beats else None for name in LIMITS}


def is_silent(name: str, age: timedelta | None) -> bool:
    limit = LIMITS.get(name)
    return limit is not None and (age is None or age > limit)


class Listener:
    """Hears who has gone silent since it began to listen, and raises the alarm; closes it on return."""

    def __init__(self) -> None:
        self._since: datetime | None = None

    def look(self) -> None:
        now = database_now()
        if self._since is None or now < self._since:
            self._since = now
        heard_for = now - self._since
        silent = {
            name: f"No sign of life of the {name} for {LIMITS[name].total_seconds():g} s. "
            f"{_WHAT_SILENCE_MEANS[name]}"
            for name, age in ages(now).items()
            if age is not None and is_silent(name, age) and heard_for > LIMITS[name]
        }
        _settle("silent", silent, now)
        _settle("two_clusters", _clusters_beside_each_other(now), now)


def _settle(kind: str, troubles: Mapping[str, str], now: datetime) -> None:
    """Open an alarm for each trouble, by subject, that has none; close those whose trouble is over."""
    is_open = set(Alarm.objects.filter(kind=kind, closed_at=None).values_list("subject", flat=True))
    alarms.raise_alarms(
        [alarms.alarm(kind, subject, troubles[subject], now=now) for subject in troubles.keys() - is_open]
    )
    for subject in is_open - troubles.keys():
        alarms.close_alarm(kind, subject, now=now)


def _clusters_beside_each_other(now: datetime) -> dict[str, str]:
    """Two clusters of one machine that beat at the same time: the orphans of one, or one started by hand.
    Nothing is done twice by it, but nobody restarts the orphans when they stand."""
    alive: dict[str, list[Heartbeat]] = defaultdict(list)
    lately = Heartbeat.objects.filter(name__startswith=_CLUSTER, at__gt=now - LIMITS[QUEUE])
    for row in lately.order_by("since"):
        alive[row.name.split(" ")[1]].append(row)
    troubles = {}
    for host, (*older, newest) in alive.items():
        beside = [row for row in older if newest.since is not None and row.at > newest.since]
        if beside:
            groups = ", ".join(row.name.split(" ")[2] for row in [*beside, newest])
            troubles[host] = (
                f"Two clusters take tasks on {host} (process groups {groups}). End the one that no "
                "`manage.py work` owns: kill -9 -- -<group>."
            )
    return troubles
