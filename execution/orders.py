"""Every move of an order goes through here: the status by conditional update, its event beside it."""

import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from execution import alarms
from execution.models import Order, OrderEvent
from execution.order_state import IN_DOUBT, OVERTAKEN, OrderStatus, may_follow
from firms import audit
from firms.audit import Actor
from firms.services import lock_traders, raise_flag
from firms.statements import execute, insert, moment

log = logging.getLogger(__name__)


def move(order: Order, after: OrderStatus, *, now: datetime, detail: str = "", **columns: Any) -> bool:
    """Move an order to `after`, with further columns; False when it has moved meanwhile.

    An impossible pair is recorded, blocks the account's entries and raises an alarm: something told us
    what can't be, and nothing is bought on that. Inside a transaction.
    """
    before = OrderStatus(order.status)
    if not may_follow(before, after):
        if before is not after and (before, after) not in OVERTAKEN:
            _impossible(order, before, after, now, detail)
        return False
    changed = Order.objects.filter(pk=order.pk, status=before.value).update(
        status=after.value, **({"note": detail} if detail else {}), **columns
    )
    if not changed:
        return False
    order.status, order.note = after.value, detail or order.note
    for name, value in columns.items():
        setattr(order, name, value)
    OrderEvent.objects.create(order=order, at=now, before=before.value, after=after.value, detail=detail)
    return True


def stay(order: Order, *, now: datetime, detail: str, **columns: Any) -> None:
    """Write down what does not move an order: a part that was filled after its end. Inside a transaction."""
    Order.objects.filter(pk=order.pk).update(**columns)
    for name, value in columns.items():
        setattr(order, name, value)
    OrderEvent.objects.create(order=order, at=now, before=order.status, after=order.status, detail=detail)


def claim(order: Order, condition: str, parameters: Mapping[str, Any], *, now: datetime) -> bool:
    """APPROVED → SUBMITTING, only where `condition` (SQL) still holds. One winner: the row count says who."""
    before, after = OrderStatus.APPROVED.value, OrderStatus.SUBMITTING.value
    claimed = execute(
        f"UPDATE {Order._meta.db_table} SET status = %(after)s, claimed_at = %(claimed_at)s "  # noqa: S608
        f"WHERE id = %(order)s AND status = %(before)s AND {condition}",
        **parameters, order=order.pk, before=before, after=after, claimed_at=moment(now),
    )  # fmt: skip
    if not claimed:
        return False
    order.status, order.claimed_at = after, now
    insert([OrderEvent(order=order, at=now, before=before, after=after)])
    return True


def settle_as_not_happened(order: Order, *, reason: str, now: datetime, actor: Actor) -> bool:
    """A person has looked at the venue: an order in doubt was never executed, and nothing of it works.

    Frees what it had reserved. False when it is not in doubt (any more): somebody else has said meanwhile.
    """
    with transaction.atomic():
        lock_traders([order.account.trader_id])
        order.refresh_from_db(fields=["status"])
        if OrderStatus(order.status) not in IN_DOUBT:
            return False
        before = order.status
        move(order, OrderStatus.CANCELED, now=now, detail=f"it did not happen: {reason}")
        alarms.close_alarm("order_in_doubt", f"order {order.pk}", now=now)
        audit.record(
            "order.settled", f"order {order.client_order_id}", now=now, actor=actor, reason=reason,
            before=before, after=order.status,
        )  # fmt: skip
    return True


def _impossible(order: Order, before: OrderStatus, after: OrderStatus, now: datetime, detail: str) -> None:
    message = (
        f"Order {order.client_order_id} is {before.value}, yet was reported {after.value}. {detail}".strip()
    )
    OrderEvent.objects.create(order=order, at=now, before=before.value, after=before.value, detail=message)
    raise_flag(order.account, cause="impossible_report", reason=message, now=now)
    alarms.raise_alarm("impossible_report", f"order {order.pk}", message, now=now, account=order.account)
