"""Clocks that can't be right: entries wait, and a person is told. Exits go by no clock.

The newest instant this database has seen is kept in a row of its own; a clock that stands before it has been
set back, and nobody can say how old anything is.
"""

import socket
from collections.abc import Iterator
from datetime import datetime, timedelta

from execution import alarms
from execution.clock import database_now, skew
from execution.models import Alarm, Heartbeat
from firms.statements import columns

KIND = "clock"
NEWEST = "newest instant"  # the row's name
TOLERANCE = timedelta(seconds=2)
Trouble = tuple[str, str]  # an alarm's subject and message


def is_wrong(now: datetime) -> bool:
    """Whether `now` can't be relied on. One query by a primary key."""
    return any(True for _ in _troubles(now))


def look() -> None:
    """Move the newest instant on, raise what is wrong, close what is over. A person who closes the alarm of a
    clock that was set back says that it is right now: the newest instant is then taken back to it."""
    now = database_now()
    if not Heartbeat.objects.filter(name=NEWEST).exists():
        Heartbeat.objects.get_or_create(name=NEWEST, defaults={"at": now})
    troubles = dict(_troubles(now))
    for subject, message in troubles.items():
        known = Alarm.objects.filter(kind=KIND, subject=subject)
        if not known.exists():
            alarms.raise_alarm(KIND, subject, message, now=now)
        elif subject != _this_machine() and known.filter(closed_by__isnull=False).exists():
            Heartbeat.objects.filter(name=NEWEST).update(at=now)
        elif not known.filter(closed_at=None).exists():
            alarms.raise_alarm(KIND, subject, message, now=now)
    ours = Alarm.objects.filter(kind=KIND, closed_at=None).exclude(subject__in=troubles)
    for subject in ours.values_list("subject", flat=True):
        if subject == _this_machine() or not subject.startswith(_MACHINE):
            alarms.close_alarm(KIND, subject, now=now)
    Heartbeat.objects.filter(name=NEWEST, at__lt=now).update(at=now)


def _troubles(now: datetime) -> Iterator[Trouble]:
    if skew() > TOLERANCE:
        apart = f"This machine's clock and the database's differ by {skew().total_seconds():.0f} s"
        yield _this_machine(), f"{apart}: entries are refused. Set the clock (NTP)."
    for (newest,) in columns(Heartbeat, ("at",), "name = %(name)s", name=NEWEST):
        if newest - now > TOLERANCE:
            seen = f"It was {newest:%Y-%m-%d %H:%M:%S} UTC already, and now it is {now:%Y-%m-%d %H:%M:%S}"
            what = "entries are refused. Set the clock; if it is right now, close this alarm."
            yield f"before {newest:%Y-%m-%d %H:%M:%S}Z", f"{seen}: {what}"


_MACHINE = "clock of "


def _this_machine() -> str:
    return f"{_MACHINE}{socket.gethostname()[:80]}"
