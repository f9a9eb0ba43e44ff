"""Orders that a person has to confirm: asked, confirmed, declined, too late.

While it waits an order reserves nothing and nobody can claim it. A click is a new decision under the
trader's lock, on what is known then; only that one approves.
"""

import logging
from dataclasses import dataclass, replace
from datetime import datetime

from django.db import transaction

from enforcement.orders import OrderIntent
from execution import alarms, dispatch, orders, recording, routing
from execution.clock import database_now
from execution.enforcement_service import Facts, enforce, load
from execution.instruments import find_instrument
from execution.models import Decision, Leg, Order
from execution.order_state import OrderStatus
from execution.routing import Surroundings
from firms import audit, terms_in_force
from firms.audit import Actor
from firms.services import lock_owners

log = logging.getLogger(__name__)

AWAITING = OrderStatus.AWAITING_CONFIRMATION


@dataclass(frozen=True, slots=True)
class Person:
    """Who answers: a user of the admin, or the holder of an API key by its name."""

    name: str
    actor: Actor = None


def confirm(order_id: int, *, person: Person, reason: str) -> Order:
    """Decide a waiting order anew, and send it at once if it is approved. The order as it stands then.

    Its status says what came of it: denied with the new decision's reason, expired after its deadline. An
    order that doesn't wait (any more) is left as it is: of two clicks the second finds the first one's.
    """
    with transaction.atomic():
        order = _locked(order_id)
        if order.status != AWAITING.value:
            return order
        now = database_now()
        if _is_late(order, now):
            late = f"{person.name} confirmed it too late"
            end(order, OrderStatus.EXPIRED, act="expired", now=now, why=late, person=person, reason=reason)
            return order
        facts = load([order.account_id], now)[order.account_id]
        decision = _decide_anew(order, facts, now)
        _record(order, decision, now, person, reason)
    if not decision.allowed:
        log.warning(
            "ORDER BLOCKED: %s (firm=%s, program=%s, type=%s)",
            decision.reason, order.account.program.firm.code, order.account.program.number,
            decision.breach_type,
        )  # fmt: skip
        return order
    _send(order, facts, decision)
    return order


def decline(order_id: int, *, person: Person, reason: str) -> Order:
    """Take a waiting order back: it is not sent. The order as it stands then."""
    with transaction.atomic():
        order = _locked(order_id)
        if order.status == AWAITING.value:
            now = database_now()
            after = OrderStatus.EXPIRED if _is_late(order, now) else OrderStatus.CANCELED
            end(order, after, act="declined", now=now, why=f"declined by {person.name}: {reason}",
                person=person, reason=reason)  # fmt: skip
    return order


def expire_overdue() -> None:
    """Those that nobody answered in time: the sweeper's."""
    overdue = Order.objects.filter(status=AWAITING.value, deadline__lte=database_now())
    for pk in overdue.order_by("pk").values_list("pk", flat=True)[:100]:
        with transaction.atomic():
            order, now = _locked(pk), database_now()
            if order.status == AWAITING.value and _is_late(order, now):
                end(order, OrderStatus.EXPIRED, act="expired", now=now, why="nobody confirmed it in time")


def end(
    order: Order,
    after: OrderStatus,
    *,
    act: str,
    now: datetime,
    why: str,
    person: Person | None = None,
    reason: str = "",
) -> None:
    """End an order that waits without sending it; the caller holds the trader's lock. `act` names it in
    the audit."""
    if orders.move(order, after, now=now, detail=why):
        _close(order, now)
        audit.record(
            f"order.{act}", f"order {order.client_order_id}", now=now,
            actor=None if person is None else person.actor, reason=reason or why,
            before=AWAITING.value, after=after.value,
        )  # fmt: skip


def _locked(order_id: int) -> Order:
    """The order, read under its trader's lock. Raises Order.DoesNotExist."""
    lock_owners(Order.objects.filter(pk=order_id).values_list("account_id", flat=True))
    return Order.objects.select_related("account__program__firm", "signal__source", "decision").get(
        pk=order_id
    )


def _is_late(order: Order, now: datetime) -> bool:
    return order.deadline is None or order.deadline <= now


def _decide_anew(order: Order, facts: Facts | Exception, now: datetime) -> Decision:
    """The second decision on the order as it was shown, saved; whatever fails in it refuses."""
    signal = order.signal
    if signal is None:
        raise ValueError("an order that waits comes from a signal")
    try:
        if isinstance(facts, Exception):
            raise facts
        with transaction.atomic():
            around = routing.survey(signal, [order.account_id], now)
            intent = _intent(order, around, now)
            found = routing.obstacle(around, facts) or _turned(around, facts)
            verdict = enforce(facts, intent, now, found)
            decision = recording.decision_of(
                signal, facts, Leg.ENTRY, intent, verdict, now, found, revision=2
            )
            terms_in_force.note({order.account_id: facts.in_force}, now)
            decision.terms_id = facts.in_force.digest
    except Exception as error:  # noqa: BLE001 - recorded as the refusal
        decision = recording.failure(signal, order.account, Leg.ENTRY, error, now, revision=2)
    decision.save(force_insert=True)
    return decision


def _intent(order: Order, around: Surroundings, now: datetime) -> OrderIntent:
    """What the person was shown and now wishes: the same order, typed by hand as it were."""
    instrument = around.instrument
    if instrument is None or instrument.symbol != order.symbol:
        instrument = find_instrument(order.symbol)
    intent = routing.entry_intent(around, order.quantity, instrument)
    return replace(intent, automated=False, signalled_at=now)


def _turned(around: Surroundings, facts: Facts) -> str | None:
    """By now the other side may be held: the order would close that, and leave its stop behind."""
    against = routing.held_in_family(around, facts) * routing.SIDES[around.signal.direction].sign < 0
    return "admission.position_against" if against else None


def _record(order: Order, decision: Decision, now: datetime, person: Person, reason: str) -> None:
    """The order goes by its second decision. Approved, it begins now: rates and copies count from here."""
    said = f"confirmed by {person.name}: {reason}"
    if decision.allowed:
        after, detail = OrderStatus.APPROVED, said
        columns = {"risk": decision.risk, "created_at": now, "deadline": now + recording.ENTRY_LIFETIME}
    else:
        after, detail, columns = OrderStatus.DENIED, decision.reason, {}
    orders.move(order, after, now=now, detail=detail, decision=decision, **columns)
    _close(order, now)
    audit.record(
        "order.confirmed", f"order {order.client_order_id}", now=now, actor=person.actor, reason=said,
        before=AWAITING.value, after=after.value,
    )  # fmt: skip


def _close(order: Order, now: datetime) -> None:
    alarms.close_alarm("confirmation", f"order {order.pk}", now=now)


def _send(order: Order, facts: Facts | Exception, decision: Decision) -> None:
    """At once, and in this process; the sweeper finds it should that fail."""
    if isinstance(facts, Facts) and decision.terms_id is not None:
        account = order.account_id
        seen = dispatch.TermsSeen({account: decision.terms_id}, {account: facts.terms}, facts.version)
        try:
            dispatch.send([order], seen)
        except Exception:
            log.exception("Order %s is approved and could not be sent; the sweep finds it", order.pk)
    order.refresh_from_db(fields=["status", "note", "claimed_at", "filled_quantity", "average_price"])
