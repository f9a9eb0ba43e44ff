"""Every move of an order goes through here: the status by conditional update, its event beside it."""

import logging
from datetime import datetime
from typing import Any

from django.db.models import Q

from execution import alarms
from execution.models import Order, OrderEvent
from execution.order_state import OVERTAKEN, OrderStatus, may_follow
from firms.services import raise_flag

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
    order.status = after.value
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


def claim(order: Order, condition: Q, *, now: datetime) -> bool:
    """APPROVED → SUBMITTING, only where `condition` still holds. One winner: the row count says who."""
    claimed = Order.objects.filter(condition, pk=order.pk, status=OrderStatus.APPROVED.value).update(
        status=OrderStatus.SUBMITTING.value, claimed_at=now
    )
    if not claimed:
        return False
    order.status, order.claimed_at = OrderStatus.SUBMITTING.value, now
    OrderEvent.objects.create(
        order=order, at=now, before=OrderStatus.APPROVED.value, after=OrderStatus.SUBMITTING.value
    )
    return True


def _impossible(order: Order, before: OrderStatus, after: OrderStatus, now: datetime, detail: str) -> None:
    message = (
        f"Order {order.client_order_id} is {before.value}, yet was reported {after.value}. {detail}".strip()
    )
    OrderEvent.objects.create(order=order, at=now, before=before.value, after=before.value, detail=message)
    raise_flag(order.account, cause="impossible_report", reason=message, now=now)
    alarms.raise_alarm("impossible_report", f"order {order.pk}", message, now=now, account=order.account)
