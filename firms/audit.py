"""Record an act in the transaction that does it."""

from datetime import datetime
from typing import Any

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

from firms.models import AuditEntry

Actor = AbstractBaseUser | AnonymousUser | None


def known(actor: Actor) -> Any:
    """The user to record; None for the system and for callers without a login."""
    return actor if actor is not None and actor.is_authenticated else None


def record(
    action: str,
    subject: object,
    *,
    now: datetime,
    actor: Actor = None,
    reason: str = "",
    before: str = "",
    after: str = "",
) -> None:
    AuditEntry.objects.create(
        at=now,
        action=action,
        subject=str(subject)[:160],
        actor=known(actor),
        reason=reason,
        before=before,
        after=after,
    )
