"""The clock that signals, deadlines and leases go by: the database's, so that machines agree."""

from datetime import UTC, datetime, timedelta

from django.db import connection
from django.utils import timezone

ZERO = timedelta(0)


class _Skew:
    """How far the database's clock was from this machine's when last asked, beyond what the asking took."""

    last = ZERO


def database_now() -> datetime:
    """The database's clock; on SQLite the host's, which is the same thing."""
    if connection.vendor != "postgresql":
        return timezone.now()
    asked = timezone.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        moment: datetime = cursor.fetchone()[0]
    moment = moment.astimezone(UTC)
    note_skew(asked, moment, timezone.now())
    return moment


def note_skew(asked: datetime, moment: datetime, answered: datetime) -> None:
    """Remember how far `moment` lies outside the span in which it was asked for: so far the clocks differ."""
    _Skew.last = max(asked - moment, moment - answered, ZERO)


def skew() -> timedelta:
    """Zero on SQLite, and until the database was first asked."""
    return _Skew.last
