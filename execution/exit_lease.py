"""Who works an exit: one process at a time, for as long as it shows that it does."""

from datetime import datetime, timedelta

from django.db.models import Q

from execution.clock import database_now
from execution.models import Exit
from execution.prompt import prompt_transaction

LEASE = timedelta(seconds=15)
LONGEST_PAUSE = 10  # seconds between two attempts at an exit that does not get on


class LeaseLost(Exception):
    """The lease ran out meanwhile: what was read may have been acted on by somebody else."""


def keep(row: Exit) -> None:
    """Right before a request that others would suffer from, were the exit done by now. Raises LeaseLost."""
    with prompt_transaction(gives_up=False):
        now = database_now()
        own = Exit.objects.filter(pk=row.pk, done_at=None, leased_until=row.leased_until)
        if not own.update(leased_until=now + LEASE):
            raise LeaseLost
        row.leased_until = now + LEASE


def take(exit_id: int) -> Exit | None:
    """Take the exit for a while; None when it is done or somebody else has it."""
    with prompt_transaction(gives_up=False):
        now = database_now()
        free = Q(leased_until=None) | Q(leased_until__lt=now)
        mine = {"leased_until": now + LEASE, "tried_at": now}
        taken = Exit.objects.filter(free, pk=exit_id, done_at=None).update(**mine)
        if not taken:
            return None
        row = Exit.objects.select_related("account__program", "account__trader").get(pk=exit_id)
        Exit.objects.filter(pk=exit_id).update(attempts=row.attempts + 1)
        row.attempts += 1
    return row


def is_due(row: Exit, now: datetime) -> bool:
    """Whether the sweep tries again by now: at once, then after a pause that doubles up to ten seconds."""
    if row.leased_until is not None and row.leased_until >= now:
        return False
    pause = timedelta(seconds=min(2 ** max(row.attempts - 1, 0), LONGEST_PAUSE))
    return row.tried_at is None or now >= row.tried_at + pause
