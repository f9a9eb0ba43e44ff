"""Where the books and a venue's word differ. Each caller holds the trader's lock."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from django.db.models import Max, Q

from enforcement.account import StateSource
from enforcement.explain import plain
from execution import alarms
from execution.connectors import VenueOrder, VenuePosition, VenueReport
from execution.instruments import family
from execution.models import Fill, Order, OrderEvent, Position
from execution.order_state import ENDED, IN_FLIGHT, RESERVING, OrderStatus
from execution.protection import entry_id
from firms.models import Account, AccountState, CashFlow, FlagKey
from firms.services import raise_flag

ZERO = Decimal(0)
JUST_SENT = timedelta(seconds=5)  # a venue may list a fill later than the position it made
BALANCE_TOLERANCE = Decimal(5)  # in the account's currency: fees that are charged after the fill


def position_differences(account: Account, shown: Iterable[VenuePosition], now: datetime) -> Iterator[str]:
    """Positions that differ, and those that somebody else's fills are part of.

    A family with an order on its way says nothing yet: its fill may be in the one and not in the other.
    """
    moving = _moving(account, now)
    at_venue = {position.symbol: position.quantity for position in shown if position.quantity != 0}
    booked = {
        position.symbol: position for position in Position.objects.filter(account=account).exclude(quantity=0)
    }
    for symbol in sorted(s for s in {*at_venue, *booked} if family(s) not in moving):
        there = at_venue.get(symbol, ZERO)
        here = booked[symbol].quantity if symbol in booked else ZERO
        if there != here:
            yield f"{symbol}: the venue holds {plain(there)}, the books say {plain(here)}"
    for position in booked.values():
        foreign = Fill.objects.filter(account=account, symbol=position.symbol, order=None)
        if position.opened_at and foreign.filter(filled_at__gte=position.opened_at).exists():
            yield f"{position.symbol}: traded at the venue by somebody else, and still open"


def _moving(account: Account, now: datetime) -> set[str]:
    moving = Q(status__in=sorted({*IN_FLIGHT, OrderStatus.UNKNOWN})) | Q(
        status__in=sorted({*RESERVING, OrderStatus.FILLED}), claimed_at__gt=now - JUST_SENT
    )
    return set(Order.objects.filter(moving, account=account).values_list("family", flat=True))


def order_differences(account: Account, working: Sequence[VenueOrder], started: datetime) -> Iterator[str]:
    """Orders that work at the venue and should not: not ours, or over by what is known here.

    What was written here since `started` may be younger than the venue's list, and is not held against it.
    """
    ids = {entry_id(order.client_order_id) for order in working}
    ours = {o.client_order_id: o for o in Order.objects.filter(account=account, client_order_id__in=ids)}
    for order in working:
        own = ours.get(entry_id(order.client_order_id))
        what = f"{order.side} {plain(order.quantity)} {order.symbol}"
        if own is None:
            name = order.client_order_id or order.venue_order_id
            yield f"{what} works at the venue and is not ours ({name})"
        elif not order.protects and own.status in ENDED and _is_older(own, started):
            yield f"{what} works at the venue, though it is {own.status} here ({own.client_order_id})"


def _is_older(order: Order, started: datetime) -> bool:
    last = OrderEvent.objects.filter(order=order).aggregate(at=Max("at"))["at"]
    return last is None or last < started


class Money(NamedTuple):
    """What an account stood at before a report: enough to say whether its balance moved by itself."""

    balance: Decimal
    as_of: datetime
    last_fill: int
    is_flat: bool


def money_of(account: Account) -> Money | None:
    """The account's money as its venue last gave it; None where it did not."""
    state = AccountState.objects.filter(account=account, source=StateSource.VENUE.value).first()
    if state is None:
        return None
    is_flat = not Position.objects.filter(account=account).exclude(quantity=0).exists()
    return Money(state.balance, state.as_of, _last_fill(account), is_flat)


def check_balance(account: Account, before: Money | None, report: VenueReport, now: datetime) -> None:
    """A balance that moved while nothing was held, filled or paid out: entries stop until somebody looked.

    Both readings make the floors wrong: a payout that nobody recorded, money that is not the account's own.
    """
    if before is None or not before.is_flat or before.last_fill != _last_fill(account):
        return
    moved = report.state.balance - before.balance
    paid = CashFlow.objects.filter(account=account, at__gte=before.as_of)
    if abs(moved) <= BALANCE_TOLERANCE or paid.exists():
        return
    what = f"the balance moved by {moved:,.2f} to {report.state.balance:,.2f}, with no trade and no payout"
    raise_flag(account, FlagKey.PAUSED, cause="unexplained_balance", reason=what, now=now)
    alarms.raise_alarm(
        "unexplained_balance", f"account {account.pk}",
        f"{account}: {what}. Record the payout, or end the pause if it is right.",
        now=now, account=account,
    )  # fmt: skip


def _last_fill(account: Account) -> int:
    return Fill.objects.filter(account=account).aggregate(last=Max("pk"))["last"] or 0
