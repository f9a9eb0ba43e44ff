"""Orders that nobody has answered for: ask the venue by our own id, adopt its word, or hold for a person.

Asking repeats nothing: the order itself is never sent again. What the venue says later still counts, of an
order that is held as well.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction

from enforcement.explain import plain
from execution import orders
from execution.clock import database_now
from execution.connectors import Connector, InDoubt, Unavailable, VenueOrder
from execution.models import Order
from execution.order_state import IN_DOUBT, WORKING, OrderStatus
from firms.services import lock_traders

STRANDED = timedelta(seconds=15)  # longer than any connector's call may take
# What the venue's word may end an order with. FILLED is not among them: only booked fills fill an order.
_ENDS = (OrderStatus.CANCELED, OrderStatus.EXPIRED, OrderStatus.REJECTED)


def cancel(order: Order, venue: Connector, why: str) -> None:
    """Cancel what works of an order at its venue, and take over what the venue then says of it.

    It ends only once every fill the venue speaks of is booked: until then it keeps its reservation, and who
    cancelled it does so again. Raises what the venue's `cancel` raises.
    """
    venue.cancel(order.client_order_id)
    ask(order, venue, why)


def ask(order: Order, venue: Connector, why: str = "") -> bool:
    """Ask about one order that is in doubt, or that has gone from the venue's list; True once it is known.

    Not found within the settle time: it may still appear. After it: HELD. So is what can't be asked for.
    """
    try:
        if venue.blind:
            raise InDoubt("this venue can't be asked")
        found = venue.find(order.client_order_id)
    except (InDoubt, Unavailable) as error:
        return _not_told(order, venue, f"asking came to nothing ({error})")
    if found is None:
        return _not_told(order, venue, "the venue does not have it")
    return adopt(order, found, why)


def adopt(order: Order, found: VenueOrder, why: str = "") -> bool:
    """Take the venue's word for an order; True once it is known.

    An end counts only once every fill the venue speaks of is booked: until then it keeps its reservation.
    """
    with transaction.atomic():
        now = _locked(order)
        status = OrderStatus(order.status)
        said = f"the venue says {found.status.value.replace('_', ' ')}"
        said = f"{why}: {said}" if why else said
        if status in IN_DOUBT | WORKING:
            is_booked = order.filled_quantity >= found.filled_quantity
            after = OrderStatus.ACCEPTED
            if found.status in _ENDS and is_booked:
                after = found.status
                if after is OrderStatus.REJECTED and order.filled_quantity:
                    after = OrderStatus.CANCELED  # of the rest: what was filled can't have been refused
            elif found.status is OrderStatus.FILLED and is_booked and order.filled_quantity > 0:
                after = OrderStatus.CANCELED  # of a smaller size: a close takes no more than is held
                said += f" after {plain(found.filled_quantity)}"
            orders.move(order, after, now=now, detail=said)
        orders.learn_id(order, found.venue_order_id)
        orders.close_doubt(order, now)
    return True


def _not_told(order: Order, venue: Connector, why: str) -> bool:
    with transaction.atomic():
        now = _locked(order)
        status = OrderStatus(order.status)
        if status not in IN_DOUBT | WORKING:
            return True
        if status is not OrderStatus.HELD and (venue.blind or is_settled(order, venue, now)):
            orders.hold(order, why, now)
    return False


def is_settled(order: Order, venue: Connector, now: datetime) -> bool:
    """Whether the venue would show the order by now, had it ever reached it."""
    return order.claimed_at is None or now - order.claimed_at >= timedelta(seconds=venue.settle_seconds)


def strand(order: Order) -> None:
    """Its process died between the claim and the answer: perhaps sent. Nobody sends it again."""
    with transaction.atomic():
        now = _locked(order)
        detail = "its process ended between the claim and the answer: perhaps sent"
        is_stranded = order.status == OrderStatus.SUBMITTING.value
        if is_stranded and orders.move(order, OrderStatus.UNKNOWN, now=now, detail=detail):
            orders.doubt(order, detail, now)


def of_account(account_id: int) -> Iterable[Order]:
    """An account's orders in doubt, entries and exits, oldest first."""
    found = Order.objects.filter(account=account_id, status__in=sorted(IN_DOUBT))
    return found.select_related("account").order_by("pk")


def _locked(order: Order) -> datetime:
    lock_traders([order.account.trader_id])
    now = database_now()
    order.refresh_from_db(fields=["status", "filled_quantity", "settled_at"])
    return now
