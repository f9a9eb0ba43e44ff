"""The orders of an exit: the entries that it covers are cancelled, what is too much is closed.

No closing order follows one that may still execute: together they could cross zero.
"""

import logging
from collections.abc import Iterable
from decimal import Decimal

from django.db.models import Q, QuerySet

from enforcement.orders import Side
from execution import confirmation, doubt, epochs, exit_lease, fault, orders
from execution.clock import database_now
from execution.connectors import ClosingOrder, Connector, Rejected, Unavailable, VenuePosition
from execution.instruments import find_instrument
from execution.models import Exit, Leg, Order, Position
from execution.order_state import IN_DOUBT, IN_FLIGHT, WORKING, OrderStatus
from execution.prompt import prompt_transaction
from firms.services import lock_traders

log = logging.getLogger(__name__)

ZERO = Decimal(0)
_NOT_SENT_YET = (OrderStatus.APPROVED.value, OrderStatus.AWAITING_CONFIRMATION.value)


def cancel_covered(row: Exit, venue: Connector | None) -> str:
    """Entries that the exit covers: what was approved, or waits for a person, never leaves; what works is
    cancelled at the venue.

    Returns what could not be cancelled: the close does not wait for it.
    """
    with prompt_transaction(gives_up=False):
        lock_traders([row.account.trader_id])
        why = "covered by an exit"
        for order in covered(row).filter(status__in=_NOT_SENT_YET):
            now = database_now()
            if order.status == OrderStatus.APPROVED.value:
                orders.move(order, OrderStatus.CANCELED, now=now, detail=why)
            else:
                confirmation.end(order, OrderStatus.CANCELED, act="canceled", now=now, why=why)
    failed = ""
    if venue is not None:
        for order in covered(row).filter(status__in=sorted(WORKING)):
            try:
                doubt.cancel(order, venue, "cancelled for an exit")
            except Exception as error:  # noqa: BLE001 - kept in the exit's note, tried again next round
                failed = f"an entry it covers could not be cancelled: {type(error).__name__}: {error}"
    return failed


def covered(row: Exit) -> QuerySet[Order]:
    entries = Order.objects.filter(account=row.account, family=row.family, leg=Leg.ENTRY)
    if row.covers_id is None:
        return entries
    # A reversal's own entry comes after its exit; the system's own word covers all there was.
    newest = Q(signal=row.covers_id) if row.is_inclusive else Q()
    return entries.filter(Q(signal__lt=row.covers_id) | newest)


def ask_about(row: Exit, venue: Connector) -> None:
    """What is in doubt, of the exit's own closing orders and of the entries it covers, the venue is asked."""
    now = database_now()
    own = Order.objects.filter(exit=row) | covered(row)
    for order in own.select_related("account").filter(status__in=sorted(IN_FLIGHT | IN_DOUBT)):
        if order.status == OrderStatus.SUBMITTING.value:
            if order.claimed_at is not None and now - order.claimed_at < doubt.STRANDED:
                continue
            doubt.strand(order)
        try:
            doubt.ask(order, venue)
        except Exception:  # the close does not wait for an answer
            log.exception("The venue could not be asked about order %s; the next turn asks again", order.pk)


def closing_pending(row: Exit, venue: Connector) -> bool:
    """Whether a closing order may still execute: a second one could then cross zero.

    One that works and is not filled within the settle time is taken back. HELD ones are past it.
    """
    now = database_now()
    pending = list(row.orders.filter(status__in=sorted({*IN_FLIGHT, *WORKING, OrderStatus.UNKNOWN})))
    if any(order.status not in WORKING or not doubt.is_settled(order, venue, now) for order in pending):
        return True
    take_back(pending, venue, "not filled in time: taken back")
    return False


def take_back(closing: Iterable[Order], venue: Connector, why: str) -> bool:
    """Cancel closing orders that work; whether there were any."""
    found = list(closing)
    for order in found:
        doubt.cancel(order, venue, why)
    return bool(found)


def excess(row: Exit, held: Iterable[VenuePosition]) -> list[VenuePosition]:
    """What of the family's positions is beyond the target or on its other side, each in its own contracts.

    The target is kept once, of minis before micros: they are one position.
    """
    meant = find_instrument(row.symbol)
    weighed = []
    for position in held:
        own = find_instrument(position.symbol)
        weight = own.weight / meant.weight if own is not None and meant is not None else Decimal(1)
        weighed.append((weight, position, own))
    left, beyond = abs(row.target), []
    for weight, position, own in sorted(weighed, key=lambda one: (-one[0], one[1].symbol)):
        keep = ZERO
        if position.quantity * row.target > 0:
            fits = left / weight if own is None else own.floor_to_step(left / weight)
            keep = min(fits, abs(position.quantity))
            left -= keep * weight
        if abs(position.quantity) > keep:
            beyond.append(position._replace(quantity=position.quantity - keep.copy_sign(position.quantity)))
    return beyond


def close_all(row: Exit, venue: Connector, positions: Iterable[VenuePosition]) -> None:
    """Close what is too much in each symbol; one that fails does not hold the others back."""
    errors: list[Exception] = []
    for position in positions:
        try:
            _close(row, venue, position)
        except exit_lease.LeaseLost:
            raise
        except Exception as error:  # noqa: BLE001 - raised below, once the others are closed
            errors.append(error)
    if errors:
        raise errors[0]


def _close(row: Exit, venue: Connector, position: VenuePosition) -> None:
    """Send one closing order for (a part of) what was just read: never more than that."""
    quantity = abs(position.quantity)
    side = Side.SELL if position.quantity > 0 else Side.BUY
    with prompt_transaction(gives_up=False):
        lock_traders([row.account.trader_id])
        now = database_now()
        exit_lease.keep(row)
        number = Order.objects.filter(exit=row).count() + 1
        order = Order.objects.create(
            account=row.account,
            signal=row.covers,
            exit=row,
            leg=Leg.EXIT,
            client_order_id=epochs.closing_id(epochs.current(), row.pk, number),
            symbol=position.symbol,
            family=row.family,
            side=side.value,
            quantity=quantity,
            status=OrderStatus.APPROVED.value,
            created_at=now,
        )
        orders.move(order, OrderStatus.SUBMITTING, now=now, claimed_at=now)
    closing = ClosingOrder(order.client_order_id, position.symbol, side, quantity)
    fault.point("exit.after_claim")
    try:
        sent = venue.close(closing)
        fault.point("exit.after_send")
    except Rejected as error:
        _answer(order, OrderStatus.REJECTED, str(error))
        raise
    except Unavailable as error:
        _answer(order, OrderStatus.CANCELED, str(error))
        raise
    except Exception as error:
        _answer(order, OrderStatus.UNKNOWN, str(error))
        raise
    after = OrderStatus.SKIPPED if sent.skipped else OrderStatus.ACCEPTED
    _answer(order, after, venue_order_id=sent.venue_order_id)


def _answer(order: Order, after: OrderStatus, detail: str = "", **columns: str) -> None:
    with prompt_transaction(gives_up=False):
        lock_traders([order.account.trader_id])
        order.refresh_from_db()
        orders.move(order, after, now=database_now(), detail=detail, **columns)


def unfinished(row: Exit) -> str:
    """What keeps an exit open although the venue shows the target: covered entries that may still fill."""
    if row.orders.filter(status__in=sorted({*IN_FLIGHT, OrderStatus.UNKNOWN})).exists():
        return "a closing order of it is on its way or in doubt"
    entries = covered(row)
    if entries.filter(status__in=sorted(IN_FLIGHT)).exists():
        return "an entry it covers is on its way"
    if entries.filter(status__in=sorted(IN_DOUBT)).exists():
        return "an entry it covers is in doubt"
    if entries.filter(status__in=sorted(WORKING)).exists():
        return "an entry it covers still works at the venue"
    return ""


def symbols_of(row: Exit) -> list[str]:
    held = Position.objects.filter(account=row.account, family=row.family).values_list("symbol", flat=True)
    ordered = Order.objects.filter(account=row.account, family=row.family).values_list("symbol", flat=True)
    return sorted({row.symbol, *held, *ordered.distinct()})
