"""A venue in memory: what it holds, what it was asked, and how it fails when told to."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any, ClassVar

from django.utils import timezone

from enforcement.account import StateReport, StateSource
from enforcement.orders import Side
from execution.connectors import (
    ApprovedOrder,
    ClosingOrder,
    Connector,
    Rejected,
    Sent,
    VenueFill,
    VenueOrder,
    VenuePosition,
    VenueReport,
)
from execution.order_state import OrderStatus

FILL_PRICE = Decimal(20_000)


class Venue:
    """The far side, shared by the connectors of all its accounts. Keyed by the account's primary key."""

    def __init__(self) -> None:
        self.connector: type[FakeConnector] = type("InMemoryConnector", (FakeConnector,), {"venue": self})
        self.calls: list[tuple[str, str]] = []  # what was asked, of which order or symbol
        self.failures: dict[str, list[BaseException]] = {}  # answers to the next calls, by what is asked
        self.fills_at_once = True
        self.held: dict[tuple[int, str], Decimal] = {}
        self.fills: dict[int, list[VenueFill]] = {}
        self.sent: dict[str, tuple[int, ApprovedOrder]] = {}  # whatever was on the wire, seen here or not
        self.working: set[str] = set()
        self.stops: dict[str, VenueOrder] = {}
        self.refuses_stops = False  # those that come with an entry
        self.as_of_lag = timedelta(0)
        self.balance = Decimal(50_000)
        self.ended: dict[str, OrderStatus] = {}  # cancelled, expired or refused, by client order id
        self.hidden: set[str] = set()  # executed or working, yet in no list
        self.before: Callable[[str], None] = lambda _what: None  # a hook that runs inside each call

    def asked(self, what: str) -> list[str]:
        return [name for asked, name in self.calls if asked == what]

    def fails(self, what: str, *errors: BaseException) -> None:
        """The next calls of this kind raise these, one each."""
        self.failures.setdefault(what, []).extend(errors)

    def enter(self, what: str, name: str) -> None:
        self.calls.append((what, name))
        self.before(what)
        errors = self.failures.get(what)
        if errors:
            raise errors.pop(0)

    def execute(
        self, account_id: int, client_order_id: str, symbol: str, side: Side, quantity: Decimal, why: str
    ) -> None:
        fills = self.fills.setdefault(account_id, [])
        fills.append(
            VenueFill(
                venue_fill_id=f"{client_order_id}-{len(fills) + 1}",
                client_order_id=client_order_id,
                symbol=symbol,
                side=side,
                quantity=quantity,
                price=FILL_PRICE,
                commission=Decimal(0),
                filled_at=timezone.now(),
                why=why,
            )
        )
        key = account_id, symbol
        self.held[key] = self.held.get(key, Decimal(0)) + side.sign * quantity

    def end(self, names: set[str], status: OrderStatus = OrderStatus.CANCELED) -> None:
        """Orders that work no longer."""
        self.working -= names
        self.ended |= dict.fromkeys(names, status)

    def fill(self, client_order_id: str) -> None:
        """Execute an order, be it one that nobody here admitted to have."""
        account_id, order = self.sent[client_order_id]
        self.working.discard(client_order_id)
        self.execute(account_id, client_order_id, order.symbol, order.side, order.quantity, "entry")


class FakeConnector(Connector):
    """One account at the venue in memory. Called from the pool, like every real one."""

    venue: ClassVar[Venue]
    must_reconcile = False  # tests of that turn it on
    keeps_stops: ClassVar[bool] = False

    def submit(self, order: ApprovedOrder) -> Sent:
        name = order.client_order_id
        is_new = name not in self.venue.sent
        self.venue.sent[name] = self.account.pk, order
        self.venue.enter("submit", name)
        if not self.venue.refuses_stops:
            self._keep_stop(order)
        if is_new and self.venue.fills_at_once:
            self.venue.fill(name)
        elif is_new:
            self.venue.working.add(name)
        return Sent(f"v-{name}")

    def protect(self, order: ApprovedOrder) -> Sent:
        self.venue.enter("protect", order.client_order_id)
        self._keep_stop(order)
        return Sent(f"v-{order.client_order_id}")

    def _keep_stop(self, order: ApprovedOrder) -> None:
        self.venue.stops.setdefault(
            order.client_order_id,
            VenueOrder(
                order.client_order_id, f"s-{order.client_order_id}", order.symbol, order.side.opposite,
                order.quantity, Decimal(0), OrderStatus.ACCEPTED, True, order.stop_loss,
            ),
        )  # fmt: skip

    def close(self, order: ClosingOrder) -> Sent:
        self.venue.enter("close", order.client_order_id)
        held = self.venue.held.get((self.account.pk, order.symbol), Decimal(0))
        if held * order.side.sign >= 0:
            raise Rejected("nothing to close")
        quantity = min(order.quantity, abs(held))
        self.venue.execute(
            self.account.pk, order.client_order_id, order.symbol, order.side, quantity, "close"
        )
        return Sent(f"v-{order.client_order_id}")

    def cancel(self, client_order_id: str) -> None:
        self.venue.enter("cancel", client_order_id)
        self.venue.end({client_order_id} & self.venue.working)

    def find(self, client_order_id: str) -> VenueOrder | None:
        self.venue.enter("find", client_order_id)
        found = self.venue.sent.get(client_order_id)
        if found is None or client_order_id in self.venue.hidden:
            return None
        order = self._as_venue_order(client_order_id, found[1])
        # What raised before it was executed has not arrived (yet): nobody there knows it.
        return (
            order
            if order.filled_quantity or client_order_id in {*self.venue.working, *self.venue.ended}
            else None
        )

    def working_orders(self) -> Sequence[VenueOrder]:
        self.venue.enter("working_orders", "")
        return [
            self._as_venue_order(name, order)
            for name, (pk, order) in self.venue.sent.items()
            if pk == self.account.pk and name in self.venue.working - self.venue.hidden
        ] + [stop for stop in self.venue.stops.values() if self.keeps_stops]

    def _as_venue_order(self, name: str, order: ApprovedOrder) -> VenueOrder:
        fills = self.venue.fills.get(self.account.pk, [])
        filled = sum(
            (f.quantity for f in fills if f.client_order_id == name and f.why == "entry"), Decimal(0)
        )
        if name in self.venue.working:
            status = OrderStatus.PARTIALLY_FILLED if filled else OrderStatus.ACCEPTED
        else:
            status = self.venue.ended.get(name, OrderStatus.FILLED)
        return VenueOrder(name, f"v-{name}", order.symbol, order.side, order.quantity, filled, status)

    def positions(self) -> Sequence[VenuePosition]:
        self.venue.enter("positions", "")
        return [
            VenuePosition(symbol, quantity, FILL_PRICE)
            for (account_id, symbol), quantity in self.venue.held.items()
            if account_id == self.account.pk and quantity != 0
        ]

    def has_working_orders(self, symbols: Sequence[str]) -> bool:
        return bool(self._working(symbols))

    def cancel_all(self, symbols: Sequence[str]) -> None:
        self.venue.enter("cancel_all", ",".join(symbols))
        self.venue.end(self._working(symbols))

    def _working(self, symbols: Sequence[str]) -> set[str]:
        mine = {name: order for name, (pk, order) in self.venue.sent.items() if pk == self.account.pk}
        return {
            name for name, order in mine.items() if name in self.venue.working and order.symbol in symbols
        }

    def report(self, known_fills: frozenset[str]) -> VenueReport:
        self.venue.enter("report", "")
        fills = self.venue.fills.get(self.account.pk, [])
        return VenueReport(
            state=StateReport(
                balance=self.venue.balance,
                equity=self.venue.balance,
                as_of=timezone.now() - self.venue.as_of_lag,
                source=StateSource.VENUE,
            ),
            positions=[
                VenuePosition(symbol, quantity, FILL_PRICE)
                for (account_id, symbol), quantity in self.venue.held.items()
                if account_id == self.account.pk and quantity != 0
            ],
            fills=[fill for fill in fills if fill.venue_fill_id not in known_fills],
        )


def install(monkeypatch: Any) -> Venue:
    """Put the venue in the place of the paper one: accounts linked to "paper" trade here.

    Those linked to "memory" do as well, and count as live: what reaches the venue is real money to them.
    """
    venue = Venue()
    monkeypatch.setattr(
        "execution.connectors.CONNECTORS", {"paper": venue.connector, "memory": venue.connector}
    )
    return venue
