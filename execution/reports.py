"""What a venue says about an account, booked once: order answers, fills, positions, money.

The one door for every venue, paper included. Whoever enters takes the trader's lock first.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from django.db import transaction
from django.db.models import Max

from enforcement.account import StateReport, StateSource
from execution import alarms, blind, exits, orders, positions, protection
from execution.clock import database_now
from execution.connectors import Connector, VenueFill, VenuePosition, VenueReport
from execution.models import Connection, Exit, Fill, Leg, Order, Position, VenueAccount
from execution.order_state import ENDED, RESERVING, OrderStatus
from firms import services
from firms.models import Account, AccountState

ZERO = Decimal(0)
CLOCK_TOLERANCE = timedelta(seconds=2)


Look = Callable[[VenueReport, bool, datetime], None]


def collect(connector: Connector, look: Look | None = None) -> VenueReport:
    """Ask the venue how the account stands, and book the answer. Raises what the connector raises.

    A venue in this very database is asked under the lock: its word is then the newest there is. `look` is
    shown the report in the same transaction, whether it counted (see `book`), and the time.
    """
    account = connector.account
    report = None if connector.inline else connector.report(_known_fills(account))
    with transaction.atomic():
        services.lock_traders([account.trader_id])
        if report is None:
            report = connector.report(_known_fills(account))
        now = database_now()
        counted = book(account, report, now=now, is_newest=connector.inline)
        if look is not None:
            look(report, counted, now)
    return report


def _known_fills(account: Account) -> frozenset[str]:
    return frozenset(Fill.objects.filter(account=account).values_list("venue_fill_id", flat=True))


def book(account: Account, report: VenueReport, *, now: datetime, is_newest: bool = False) -> bool:
    """Book a venue's report; the caller holds the trader's lock. Repeating it changes nothing.

    Fills come first, then the money: a snapshot older than the last booked fill is not believed. Whether it
    was.
    """
    settled = is_settled(account)
    earliest = min((fill.filled_at for fill in report.fills), default=report.state.as_of)
    services.roll(account, min(earliest, now), settled=settled)
    known = AccountState.objects.filter(account=account).values_list("as_of", "since").first()
    valued_at, since = known or (None, None)
    for fill in sorted(report.fills, key=lambda fill: fill.filled_at):
        _book_fill(account, fill, now, valued_at)
    state = report.state
    if is_newest and valued_at is not None:
        # Clocks differ; what was said last counts, and it knows of every payout.
        state = replace(state, as_of=max(state.as_of, valued_at, since or valued_at))
    elif valued_at is not None and state.as_of < valued_at:  # late: it tells of its own time only
        services.record_report(account, state, settled=False)
        return False
    if not is_newest and not _is_news(account, state.as_of, now):
        return False
    _value(account, report.positions)
    services.record_report(account, state, settled=settled and not report.fills)
    return True


def _is_news(account: Account, as_of: datetime, now: datetime) -> bool:
    """Whether a snapshot counts: not from the future, and not older than a fill booked before. Prices and
    money are taken together or not at all: risk is measured from the one to the other."""
    if as_of > now + CLOCK_TOLERANCE:
        return False
    last_fill = Position.objects.filter(account=account).aggregate(last=Max("last_fill_at"))["last"]
    return last_fill is None or as_of >= last_fill


class ReportsItself(Exception):
    """The account's own venue reports its money; nobody may post another."""


def post_state(account: Account, report: StateReport, *, flat: bool = False) -> AccountState:
    """Book balance and equity that somebody posted. Raises ReportsItself for a paper account.

    `flat`: they say that nothing was open then, which ends what is assumed of a blind account.
    """
    with transaction.atomic():
        services.lock_traders([account.trader_id])
        if VenueAccount.objects.filter(account=account, connection__venue=Connection.Venue.PAPER).exists():
            raise ReportsItself(account.label)
        if flat and blind.among([account.pk]):
            blind.nothing_open(account, at=report.as_of, now=database_now(), why="posted state")
        return services.record_report(account, report, settled=False)


def is_settled(account: Account) -> bool:
    """Whether nothing could have changed the account's balance behind our back: a flat paper book."""
    is_paper = AccountState.objects.filter(account=account, source=StateSource.PAPER.value).exists()
    return is_paper and not (
        Position.objects.filter(account=account).exclude(quantity=0).exists()
        or Order.objects.filter(account=account, status__in=sorted(RESERVING)).exists()
    )


def _book_fill(account: Account, fill: VenueFill, now: datetime, valued_at: datetime | None) -> None:
    name = protection.entry_id(fill.client_order_id)  # a stop that was placed here is its entry's
    order = Order.objects.filter(account=account, client_order_id=name).first()
    if Fill.objects.filter(account=account, venue_fill_id=fill.venue_fill_id).exists():
        return
    Fill.objects.create(
        account=account,
        order=order,
        venue_fill_id=fill.venue_fill_id,
        symbol=fill.symbol,
        side=fill.side.value,
        quantity=fill.quantity,
        price=fill.price,
        commission=fill.commission,
        filled_at=fill.filled_at,
        booked_at=now,
        why=fill.why,
    )
    is_own = order is not None and order.side == fill.side.value
    if order is not None and is_own:
        _progress(order, fill, now)
    position = positions.net(account, fill, order if is_own else None, valued_at)
    if order is not None and is_own and order.leg == Leg.ENTRY:
        exits.reopen_if_covered(order, now)
    elif order is not None and _has_opened(position, fill):
        _bring_back(order, position, now)


def _has_opened(position: Position, fill: VenueFill) -> bool:
    return position.opened_at == fill.filled_at and position.quantity * fill.side.sign > 0


def _bring_back(order: Order, position: Position, now: datetime) -> None:
    """A closing order or a stop that nobody expected any more was executed, and went through zero. Where an
    exit is open, that one brings it back."""
    if Exit.objects.filter(account=order.account_id, family=position.family, done_at=None).exists():
        return
    exits.open_exit(order.account_id, position.family, position.symbol, order.signal_id, ZERO, now)
    alarms.raise_alarm(
        "crossed_zero", f"order {order.pk}",
        f"{order.account}: a closing order or stop ({order.client_order_id}) was executed late and opened "
        f"{position.quantity.normalize():f} {position.symbol}: it is closed.",
        now=now, account=order.account,
    )  # fmt: skip
    exits.ring_for_open([order.account_id])


def _progress(order: Order, fill: VenueFill, now: datetime) -> None:
    """A fill moves its order on; the reservation shrinks in the same commit in which the position grows.

    A part that reaches an order after its end leaves it ended: nothing more is to be expected of it.
    """
    if order.status == OrderStatus.REJECTED.value or order.settled_at is not None:
        believed = "rejected" if order.settled_at is None else f"settled by a person as {order.status}"
        if order.status in ENDED:
            orders.contradict(order, f"it was {believed}, and yet was executed", now)
    filled = order.filled_quantity + fill.quantity
    paid = order.filled_quantity * (order.average_price or ZERO) + fill.quantity * fill.price
    columns = {"filled_quantity": filled, "average_price": paid / filled}
    detail = f"{fill.quantity.normalize():f} at {fill.price.normalize():f}"
    is_whole = filled >= order.quantity
    if order.status == OrderStatus.FILLED or (order.status in ENDED and not is_whole):
        orders.stay(order, now=now, detail=detail, **columns)
    else:
        after = OrderStatus.FILLED if is_whole else OrderStatus.PARTIALLY_FILLED
        orders.move(order, after, now=now, detail=detail, **columns)
    if filled > order.quantity:
        alarms.raise_alarm(
            "overfilled", f"order {order.pk}",
            f"{order.account}: {order} was filled {filled.normalize():f}, more than was ordered.",
            now=now, account=order.account,
        )  # fmt: skip


def _value(account: Account, shown: Iterable[VenuePosition]) -> None:
    for held in shown:
        if held.price is not None:
            Position.objects.filter(account=account, symbol=held.symbol).update(price=held.price)
