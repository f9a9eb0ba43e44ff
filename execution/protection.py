"""Positions whose stop is not at the venue: the stop is placed, or the position is brought down.

Entry, stop and target leave as one request where the venue can; this is for those that can't, and for a stop
that was refused while its entry was filled.
"""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from django.db import transaction

from enforcement.explain import plain
from enforcement.orders import Side
from execution import alarms, exits
from execution.clock import database_now
from execution.connectors import ApprovedOrder, Connector, VenueOrder
from execution.models import Exit, Leg, Order, Position
from firms.services import lock_traders

log = logging.getLogger(__name__)

_SUFFIX = "-stop"  # no epoch has an o in it
PROTECT_WITHIN = timedelta(seconds=10)  # of the fill, or of the first look that missed the stop


def check(venue: Connector, working: Sequence[VenueOrder]) -> None:
    """Compare the stops that work at the venue with what is held; act on what they don't cover."""
    held = Position.objects.filter(account=venue.account, stop__isnull=False).exclude(quantity=0)
    leaving = set(Exit.objects.filter(account=venue.account, done_at=None).values_list("family", flat=True))
    for position in held.select_related("account"):
        if position.family in leaving:
            continue
        missing = abs(position.quantity) - covered(position, working)
        noticed, now = position.unprotected_since, database_now()
        if missing <= 0:
            if noticed is not None:
                _write_down(position, None)
        elif noticed is not None and now >= noticed + PROTECT_WITHIN:
            _bring_down(position, missing, now)
        else:
            _write_down(position, noticed or _since(position, now))
            if not venue.native_bracket:
                _place(venue, position, missing)


def covered(position: Position, working: Sequence[VenueOrder]) -> Decimal:
    """How much of a position the venue's working stops would close."""
    side = Side.SELL if position.quantity > 0 else Side.BUY
    stops = (
        o for o in working if o.stop_price is not None and o.symbol == position.symbol and o.side is side
    )
    return sum((order.quantity - order.filled_quantity for order in stops), Decimal(0))


def entry_id(client_order_id: str) -> str:
    """The id of the entry that a stop placed here was for; of any other order its own."""
    return client_order_id.rpartition(_SUFFIX)[0] or client_order_id


def _since(position: Position, now: datetime) -> datetime:
    filled = position.last_fill_at
    return filled if filled is not None and now - PROTECT_WITHIN < filled <= now else now


def _write_down(position: Position, since: datetime | None) -> None:
    Position.objects.filter(pk=position.pk).update(unprotected_since=since)


def _place(venue: Connector, position: Position, missing: Decimal) -> None:
    """Place the stop of what was filled. Its id says how much that is: asked twice it is placed once."""
    entries = Order.objects.filter(account=position.account, symbol=position.symbol, leg=Leg.ENTRY)
    entry = entries.filter(filled_quantity__gt=0).order_by("-pk").first()
    if entry is None:
        return
    stop = ApprovedOrder(
        client_order_id=f"{entry.client_order_id}{_SUFFIX}{plain(abs(position.quantity))}",
        symbol=position.symbol,
        side=Side(entry.side),
        quantity=missing,
        entry_price=entry.average_price,
        stop_loss=position.stop,
        target=entry.target,
    )
    try:
        venue.protect(stop)
    except Exception as error:  # noqa: BLE001 - it counts as missing, and the other positions are looked at
        log.warning("The stop of %s could not be placed: %s", position, error)


def _bring_down(position: Position, missing: Decimal, now: datetime) -> None:
    with transaction.atomic():
        lock_traders([position.account.trader_id])
        exits.open_flat({(position.account_id, position.family): position.symbol}, now)
        alarms.raise_alarm(
            "unprotected", f"position {position.pk}",
            f"{position.account}: {plain(missing)} {position.symbol} stood without their stop for "
            f"{PROTECT_WITHIN.seconds} s: the position is closed.",
            now=now, account=position.account,
        )  # fmt: skip
    exits.ring_for_open([position.account_id])
