"""After a test: what the venue really executed against what PropGuard believes. No violation is allowed.

  doubled      an order was executed twice, or beyond its size, or asked for more than once
  unaccounted  an execution that is not booked and whose account is not stopped with an alarm; or booked, and
               the venue never made it
  stuck        work that nobody will ever finish by itself and nobody is told of
  unblocked    an account with something unknown that would still take an entry
  untrue       evidence that contradicts itself

Reads the venue's journal and, by the ORM, the database that Django is set up with.
"""

import json
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

from django.db.models import Q

from execution.clock import database_now
from execution.models import Alarm, Exit, Fill, Leg, Order, Position, SignalChunk, VenueAccount
from execution.order_state import ENDED, IN_DOUBT, WORKING, OrderStatus
from firms.models import Account, Flag, Scope
from tests.fakevenue.book import Book
from tests.fakevenue.connector import FakeVenueConnector
from tests.fakevenue.journal import Event, read

DECIDED_WITHIN = timedelta(seconds=10)
CALL_LIMIT = timedelta(seconds=15)


@dataclass
class Result:
    """The counts for the report, and every violation in words."""

    acknowledged: int = 0
    decided: int = 0
    sent: int = 0
    executed: int = 0
    held: list[str] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)

    def count(self, kind: str) -> int:
        return sum(line.startswith(f"{kind}:") for line in self.violations)


def check(journal: Path, *, grace: timedelta = timedelta(0), call_limit: timedelta = CALL_LIMIT) -> Result:
    """Compare everything. `grace`: how long after its time an order may still stand where it should not."""
    events = list(read(journal))
    book = Book()
    for event in events:
        book.apply(event)
    now = database_now()
    at_venue = {
        link.venue_account_id: link.account
        for link in VenueAccount.objects.select_related("account__program")
    }
    orders = {order.client_order_id: order for order in Order.objects.select_related("account")}
    found = [
        *doubled(events, book, orders),
        *unaccounted(book, orders, at_venue, now),
        *stuck(now, grace, call_limit),
        *unblocked(),
        *untrue(),
    ]
    return Result(
        acknowledged=SignalChunk.objects.values("signal").distinct().count(),
        decided=SignalChunk.objects.exclude(done_at=None).values("signal").distinct().count(),
        sent=sum(event["what"] == "place" for event in events if event["kind"] == "request"),
        executed=sum(bool(o.filled) for o in book.orders.values() if o.kind == "market" and not o.parent),
        held=[o.client_order_id for o in orders.values() if o.status == OrderStatus.HELD.value],
        violations=found,
    )


def doubled(events: list[Event], book: Book, orders: dict[str, Order]) -> Iterator[str]:
    """Executions and requests per client order id: at most one of each."""
    executed = Counter(
        (o.account, o.client_order_id)
        for o in book.orders.values()
        if o.filled and o.client_order_id and not o.parent
    )
    for (account, name), times in executed.items():
        if times > 1:
            yield f"doubled: {name} was executed {times} times at {account}"
    for booked in book.orders.values():
        ours = orders.get(booked.client_order_id)
        if ours is not None and not booked.parent and booked.filled > ours.quantity:
            yield f"doubled: {booked.client_order_id} was executed {booked.filled} of {ours.quantity}"
    asked = Counter(
        event["body"].get("client_order_id")
        for event in events
        if event["kind"] == "request" and event["what"] in ("place", "close")
    )
    for name, times in asked.items():
        if times > 1:
            yield f"doubled: {name} was asked for {times} times"


def unaccounted(
    book: Book, orders: dict[str, Order], at_venue: dict[str, Account], now: datetime
) -> Iterator[str]:
    booked = set(Fill.objects.values_list("account_id", "venue_fill_id"))
    real = set()
    for fill in book.fills:
        account, order = at_venue.get(fill.account), book.orders[fill.order_id]
        if account is None:
            continue
        real.add((account.pk, fill.fill_id))
        name = f"{fill.side} {fill.quantity} {fill.symbol} of {order.client_order_id or 'nobody'} ({fill.fill_id})"
        if (account.pk, fill.fill_id) not in booked and not is_stopped(account, now):
            yield f"unaccounted: {name} is not booked, and {account} is not stopped with an alarm"
        known = orders.get(order.client_order_id)
        if order.client_order_id and known is None and not order.parent and not is_stopped(account, now):
            yield f"unaccounted: {name} has an id that nobody here gave, and {account} is not stopped"
        if (
            known is not None
            and not order.parent
            and known.status not in _MAY_BE_EXECUTED
            and not is_stopped(account, now)
        ):
            yield f"unaccounted: {name} was executed, its order is {known.status}, {account} is not stopped"
    for account_id, name in booked - real:
        yield f"unaccounted: fill {name} of account {account_id} is booked, and the venue never made it"
    for order in book.orders.values():
        account, known = at_venue.get(order.account), orders.get(order.client_order_id)
        if account is None or order.status != "working" or order.parent or is_stopped(account, now):
            continue
        if known is None or known.status not in WORKING | IN_DOUBT | {OrderStatus.SUBMITTING}:
            yield f"unaccounted: {order.client_order_id or 'an order of nobody'} works at the venue, unwatched"
    held = {
        (at_venue[owner].pk, s): h.quantity for (owner, s), h in book.positions.items() if owner in at_venue
    }
    ours = {(p.account_id, p.symbol): p.quantity for p in Position.objects.all()}
    stopped = {account.pk for account in at_venue.values() if is_stopped(account, now)}
    for key in held.keys() | ours.keys():
        there, here = held.get(key, Decimal(0)), ours.get(key, Decimal(0))
        if there != here and key[0] not in stopped and key[0] in {a.pk for a in at_venue.values()}:
            yield f"unaccounted: account {key[0]} holds {there} {key[1]} at the venue, {here} in the books"


_MAY_BE_EXECUTED = {
    OrderStatus.FILLED.value, OrderStatus.PARTIALLY_FILLED.value, OrderStatus.CANCELED.value, OrderStatus.EXPIRED.value
}  # fmt: skip


def stuck(now: datetime, grace: timedelta, call_limit: timedelta) -> Iterator[str]:
    late = now - grace
    for order in Order.objects.filter(status=OrderStatus.APPROVED.value, leg=Leg.ENTRY, deadline__lt=late):
        yield f"stuck: {order.client_order_id} is approved, past its deadline {order.deadline}"
    for order in Order.objects.filter(status=OrderStatus.SUBMITTING.value, claimed_at__lt=late - call_limit):
        yield f"stuck: {order.client_order_id} is submitting since {order.claimed_at}"
    settle = timedelta(seconds=FakeVenueConnector.settle_seconds)
    for order in Order.objects.filter(status=OrderStatus.UNKNOWN.value, claimed_at__lt=late - settle):
        yield f"stuck: {order.client_order_id} is unknown since {order.claimed_at}, longer than {settle}"
    for chunk in SignalChunk.objects.filter(done_at=None, signal__received_at__lt=late - DECIDED_WITHIN):
        yield f"stuck: chunk {chunk.pk} of signal {chunk.signal_id} is not decided"
    told = set(Alarm.objects.filter(kind="exit_open", closed_at=None).values_list("subject", flat=True))
    for row in Exit.objects.filter(done_at=None, opened_at__lt=late - timedelta(minutes=1)):
        if f"exit {row.pk}" not in told:
            yield f"stuck: exit {row.pk} is open since {row.opened_at} ({row.note}), and nobody is told"


def unblocked() -> Iterator[str]:
    """What is held for a person needs an alarm that tells that person."""
    for order in Order.objects.filter(status__in=sorted(IN_DOUBT)).select_related("account"):
        if not Alarm.objects.filter(closed_at=None, subject=f"order {order.pk}").exists():
            yield f"unblocked: {order.client_order_id} is {order.status}, and no alarm says so"


def untrue() -> Iterator[str]:
    for order in Order.objects.select_related("decision").prefetch_related("events", "fills"):
        events = list(order.events.all())
        if events and events[-1].after != order.status:
            yield f"untrue: {order.client_order_id} is {order.status}, its last event says {events[-1].after}"
        own = sum((f.quantity for f in order.fills.all() if f.side == order.side), Decimal(0))
        if own != order.filled_quantity:
            yield f"untrue: {order.client_order_id} has {own} in fills, {order.filled_quantity} in its row"
        if order.status == OrderStatus.FILLED.value and order.filled_quantity < order.quantity:
            yield f"untrue: {order.client_order_id} is filled with {order.filled_quantity} of {order.quantity}"
        denied = order.decision is not None and not order.decision.allowed
        if order.leg == Leg.ENTRY and order.status not in ENDED and denied:
            yield f"untrue: {order.client_order_id} is {order.status}, and its decision was no"
        was_rejected = any(event.after == OrderStatus.REJECTED.value for event in events)
        if was_rejected and own and not Alarm.objects.filter(subject=f"order {order.pk}").exists():
            yield f"untrue: {order.client_order_id} was rejected and yet executed, and nobody was told"


def is_stopped(account: Account, now: datetime) -> bool:
    """Whether no entry would leave for this account, and an alarm about it is open."""
    return is_blocked(account, now) and Alarm.objects.filter(account=account, closed_at=None).exists()


def is_blocked(account: Account, now: datetime) -> bool:
    """Whether no entry would leave: an open flag, or an entry in doubt."""
    flags = Flag.objects.filter(Flag.open_at(now)).filter(
        Q(scope=Scope.PLATFORM)
        | Q(account=account.pk)
        | Q(program=account.program_id)
        | Q(firm=account.program.firm_id)
    )
    doubtful = Order.objects.filter(account=account, leg=Leg.ENTRY, status__in=sorted(IN_DOUBT))
    return flags.exists() or doubtful.exists()


def main(journal: str, grace_seconds: str = "5") -> None:
    """For another process's database: print the result as JSON."""
    result = check(Path(journal), grace=timedelta(seconds=float(grace_seconds)))
    json.dump(asdict(result), sys.stdout)
