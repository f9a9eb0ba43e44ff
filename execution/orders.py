"""Every move of an order goes through here: the status by conditional update, its event beside it."""

import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from execution import alarms
from execution.models import Order, OrderEvent
from execution.order_state import IN_DOUBT, OVERTAKEN, WORKING, OrderStatus, may_follow
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
    if order.settled_at is not None and (before, after) in _AGAINST_A_PERSON:
        contradict(
            order, f"a person had settled it as {before.value}, and it was reported {after.value}", now
        )
    if not may_follow(before, after):
        if before is not after and (before, after) not in OVERTAKEN:
            _impossible(order, before, after, now, detail)
        learn_id(order, columns.get("venue_order_id", ""))
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


def learn_id(order: Order, venue_order_id: str) -> None:
    """The venue's own number of an order that a fill has moved on before its answer came."""
    if venue_order_id and not order.venue_order_id:
        Order.objects.filter(pk=order.pk, venue_order_id="").update(venue_order_id=venue_order_id)


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


def settle(
    order: Order, *, happened: bool, reason: str, now: datetime, actor: Actor = None, venue_order_id: str = ""
) -> bool:
    """A person has looked at the venue and says what became of an order in doubt.

    "It happened": the venue has it, and the venue's reports go on from there (on a blind account it counts as
    filled until its exit). "It did not": it was never executed and nothing of it works; what it had reserved
    is freed. False when it is not in doubt (any more): somebody else has said meanwhile.
    """
    after = OrderStatus.ACCEPTED if happened else OrderStatus.CANCELED
    said = "it happened" if happened else "it did not happen"
    with transaction.atomic():
        lock_traders([order.account.trader_id])
        order.refresh_from_db(fields=["status", "settled_at", "venue_order_id"])
        if OrderStatus(order.status) not in IN_DOUBT:
            return False
        before = order.status
        columns = {"venue_order_id": venue_order_id} if venue_order_id else {}
        move(order, after, now=now, detail=f"{said}: {reason}", settled_at=now, **columns)
        close_doubt(order, now)
        audit.record(
            "order.settled", f"order {order.client_order_id}", now=now, actor=actor,
            reason=f"{said}: {reason}", before=before, after=order.status,
        )  # fmt: skip
    return True


def doubt(order: Order, detail: str, now: datetime) -> None:
    """Tell a person that nobody knows what became of an order. Inside a transaction."""
    alarms.raise_alarm(
        "order_in_doubt", f"order {order.pk}",
        f"{order.account}: {order} was sent, or perhaps sent, without a clear answer ({detail}).",
        now=now, account=order.account,
    )  # fmt: skip


def hold(order: Order, detail: str, now: datetime) -> None:
    """Asking came to nothing: a person must say what became of it. Inside a transaction."""
    if move(order, OrderStatus.HELD, now=now, detail=detail):
        alarms.close_alarm("order_in_doubt", f"order {order.pk}", now=now)
        alarms.raise_alarm(
            "order_held", f"order {order.pk}",
            f"{order.account}: look at the venue whether {order} ({order.client_order_id}) was executed, and "
            f"say so on its page: {detail}.",
            now=now, account=order.account,
        )  # fmt: skip


def close_doubt(order: Order, now: datetime) -> None:
    """Somebody knows: the alarms that asked for it are over."""
    for kind in ("order_in_doubt", "order_held"):
        alarms.close_alarm(kind, f"order {order.pk}", now=now)


# After a person's word: the venue knows what "did not happen", or refuses what "happened".
_AGAINST_A_PERSON = {
    *((OrderStatus.CANCELED, after) for after in (*WORKING, OrderStatus.FILLED)),
    (OrderStatus.ACCEPTED, OrderStatus.REJECTED),
}


def contradict(order: Order, what: str, now: datetime) -> None:
    """Evidence against what was believed of an order: written down, the account's entries stop, an alarm.

    Inside a transaction. The evidence itself is booked by whoever brings it.
    """
    message = f"Order {order.client_order_id}: {what}."
    OrderEvent.objects.create(order=order, at=now, before=order.status, after=order.status, detail=message)
    raise_flag(order.account, cause="late_evidence", reason=message, now=now)
    alarms.raise_alarm("late_evidence", f"order {order.pk}", message, now=now, account=order.account)


def _impossible(order: Order, before: OrderStatus, after: OrderStatus, now: datetime, detail: str) -> None:
    message = (
        f"Order {order.client_order_id} is {before.value}, yet was reported {after.value}. {detail}".strip()
    )
    OrderEvent.objects.create(order=order, at=now, before=before.value, after=before.value, detail=message)
    raise_flag(order.account, cause="impossible_report", reason=message, now=now)
    alarms.raise_alarm("impossible_report", f"order {order.pk}", message, now=now, account=order.account)
