"""Tell a person."""

import logging
from datetime import datetime

from execution.models import Alarm
from firms.models import Account

log = logging.getLogger(__name__)


def raise_alarm(
    kind: str, subject: str, message: str, *, now: datetime, account: Account | None = None
) -> None:
    """Raise an alarm; the same one (kind and subject) that is still open is not raised twice."""
    Alarm.objects.bulk_create(
        [Alarm(kind=kind, subject=subject[:120], message=message, account=account, raised_at=now)],
        ignore_conflicts=True,
    )
    log.warning("ALARM %s (%s): %s", kind, subject, message)


def close_alarm(kind: str, subject: str, *, now: datetime) -> None:
    """What it was about is over."""
    Alarm.objects.filter(kind=kind, subject=subject, closed_at=None).update(closed_at=now)
