"""The ids that venues know our orders by: unique for ever, short, letters, digits and dashes only.

`pg-k7m2-1042-7` is the entry of signal 1042 on account 7, `pg-k7m2-x31-1` the first closing order of exit 31.
`k7m2` is the epoch: it changes when a database is restored (`manage.py restored`), because its numbers
then begin again where venues have seen them before.
"""

import secrets
from datetime import datetime

from django.db import transaction

from execution import alarms
from execution.clock import database_now
from execution.models import Epoch, Order
from execution.order_state import IN_DOUBT, IN_FLIGHT
from firms import audit
from firms.models import FlagKey
from firms.services import end_flag, raise_flag
from firms.statements import read

_LETTERS = "23456789abcdefghjkmnpqrstvwxyz"  # none that is read as another
_LENGTH = 4
_NEWEST = f"id = (SELECT MAX(id) FROM {Epoch._meta.db_table})"  # noqa: S608 - a table's name
CAUSE = "restored"


class Unsettled(Exception):
    """Orders are still in flight or in doubt: nobody can know yet what the accounts hold."""


def entry_id(epoch: str, signal_id: int, account_id: int) -> str:
    """The id of an account's entry for a signal."""
    return f"pg-{epoch}-{signal_id}-{account_id}"


def closing_id(epoch: str, exit_id: int, number: int) -> str:
    """The id of an exit's closing order, counted from 1."""
    return f"pg-{epoch}-x{exit_id}-{number}"


def current() -> str:
    """The code in force. To be read in the transaction that writes the order."""
    for epoch in read(Epoch, _NEWEST):
        return epoch.code
    return begin(database_now(), "first start").code


def begin(now: datetime, reason: str) -> Epoch:
    """A new epoch, in force at once: its code was never drawn in this database before."""
    used = set(Epoch.objects.values_list("code", flat=True))
    code = next(code for code in iter(_draw, None) if code not in used)
    return Epoch.objects.create(code=code, began_at=now, reason=reason)


def _draw() -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(_LENGTH))


def restored(reason: str, now: datetime) -> Epoch:
    """The database was put back to an earlier state: new ids from here on, and no entry on any account
    until a person has compared the accounts with their venues."""
    with transaction.atomic():
        raise_flag(None, FlagKey.PAUSED, cause=CAUSE, reason=reason, now=now)
        epoch = begin(now, reason)
        audit.record("database.restored", "platform", now=now, reason=reason, after=epoch.code)
        alarms.raise_alarm(
            "restored", "platform",
            "The database was restored: it does not know what was sent since its backup. Compare the orders "
            "and positions of every account with its venue, then `manage.py restored --release`.",
            now=now,
        )  # fmt: skip
    return epoch


def release(reason: str, now: datetime) -> bool:
    """A person has compared: entries may go on. False when nothing was blocked; raises Unsettled."""
    with transaction.atomic():
        unsettled = Order.objects.filter(status__in=sorted(IN_FLIGHT | IN_DOUBT))
        if unsettled.exists():
            raise Unsettled(", ".join(f"{order.client_order_id} ({order})" for order in unsettled[:10]))
        alarms.close_alarm("restored", "platform", now=now)
        return end_flag(None, FlagKey.PAUSED, cause=CAUSE, reason=reason, now=now)
