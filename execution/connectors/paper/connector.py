"""One account at the paper venue, as a connector. Simulated, and its state says so."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from django.db.models import Q
from django.utils import timezone

from enforcement.account import StateReport, StateSource
from enforcement.orders import Side
from execution.connectors.base import (
    ApprovedOrder,
    ClosingOrder,
    Connector,
    InDoubt,
    Rejected,
    Sent,
    Unavailable,
    VenueFill,
    VenueOrder,
    VenuePosition,
    VenueReport,
)
from execution.connectors.paper import matching
from execution.connectors.paper.book import (
    Book,
    closing_side,
    entry_columns,
    filled,
    instrument_of,
    open_profit,
)
from execution.connectors.paper.fills import Bar
from execution.connectors.paper.market import closed_because
from execution.models import Mark, PaperFill, PaperOrder, PaperSettings
from execution.order_state import OrderStatus
from firms.models import Account, MarketClosure

ZERO = Decimal(0)
MARK_IS_OLD = timedelta(minutes=5)  # from then on an alert's own price is the better one
Failure = PaperSettings.Failure


class PaperConnector(Connector):
    """One account's book at the paper venue."""

    inline = True
    live = False
    must_reconcile = False  # its book is in this database and asked under the lock

    def __init__(self, account: Account) -> None:
        super().__init__(account)
        self.book = Book(account)

    def submit(self, order: ApprovedOrder) -> Sent:
        instrument_of(order.symbol)

        def place(now: datetime) -> PaperOrder:
            entry, is_new = self.book.place(order.client_order_id, **entry_columns(order))
            if is_new:
                self._accepts(order.symbol, now)
                matching.start(self.book, entry, _reference(order, now), now)
            return entry

        return self._sent(place)

    def close(self, order: ClosingOrder) -> Sent:
        def place(now: datetime) -> PaperOrder:
            closing, is_new = self.book.place(
                order.client_order_id, symbol=order.symbol, side=order.side.value, quantity=order.quantity,
                reduces=True,
            )  # fmt: skip
            if is_new:
                position = self.book.position(order.symbol)
                if position is None or order.side != closing_side(position):
                    raise Rejected(f"nothing to close in {order.symbol}")
                self._accepts(order.symbol, now)
                matching.start(self.book, closing, position.price, now)
            return closing

        return self._sent(place)

    def cancel(self, client_order_id: str) -> None:
        """What is left of an entry never fills; the stop and target of what is filled stay with it."""
        self._cancel(Q(client_order_id=client_order_id))

    def cancel_all(self, symbols: Sequence[str]) -> None:
        self._cancel(Q(symbol__in=symbols))

    def find(self, client_order_id: str) -> VenueOrder | None:
        self._work_due()
        order = self.book.orders().filter(client_order_id=client_order_id).first()
        return None if order is None else _as_venue_order(order)

    def working_orders(self) -> Sequence[VenueOrder]:
        self._work_due()
        return [_as_venue_order(order) for order in self.book.working().select_related("parent")]

    def has_working_orders(self, symbols: Sequence[str]) -> bool:
        self._work_due()
        return self.book.working().filter(symbol__in=symbols).exists()

    def positions(self) -> Sequence[VenuePosition]:
        self._work_due()
        held = self.book.positions().exclude(quantity=0)
        return [VenuePosition(p.symbol, p.quantity, p.price) for p in held]

    def report(self, known_fills: frozenset[str]) -> VenueReport:
        self._answers()
        with self.book.writing() as now:  # opens the book of an account that never traded
            matching.work_due(self.book, now)
            row = self.book.row()
        held = list(self.book.positions().exclude(quantity=0))
        executed = PaperFill.objects.filter(order__book=row).select_related("order__parent").order_by("pk")
        return VenueReport(
            state=StateReport(
                balance=row.balance,
                equity=row.balance + sum((open_profit(p) for p in held), ZERO),
                # With something open the figures are as old as the oldest mark in them.
                as_of=min((p.marked_at for p in held), default=row.changed_at),
                source=StateSource.PAPER,
            ),
            positions=[VenuePosition(p.symbol, p.quantity, p.price) for p in held],
            fills=[_reported(fill) for fill in executed if _fill_id(fill) not in known_fills],
        )

    def mark(self, symbol: str, seen: Bar, at: datetime) -> None:
        """Value the book at a new price, and work what it reaches. The market moves on during an outage."""
        with self.book.writing() as now:
            matching.work_mark(self.book, symbol, seen, at, now)

    # --- how it answers ---

    def _answers(self) -> None:
        if self.book.settings.failure == Failure.UNAVAILABLE:
            raise Unavailable("the paper venue simulates an outage")

    def _accepts(self, symbol: str, now: datetime) -> None:
        """Raises Rejected where the venue takes no order now."""
        settings = self.book.settings
        if settings.failure == Failure.REJECTS:
            raise Rejected("the paper venue simulates that every order is rejected")
        if settings.rejects_when_closed:
            instrument = instrument_of(symbol)
            closures = MarketClosure.objects.filter(group__in=["", instrument.group])
            why = closed_because(instrument, now, [row.to_core() for row in closures])
            if why:
                raise Rejected(f"the market of {symbol} is closed: {why}")

    def _sent(self, place: Callable[[datetime], PaperOrder]) -> Sent:
        self._answers()
        with self.book.writing() as now:
            matching.work_due(self.book, now)
            order = place(now)
        if self.book.settings.failure == Failure.IN_DOUBT:
            raise InDoubt("the paper venue simulates a lost answer")
        return Sent(venue_order_id=f"paper-{order.pk}")

    def _cancel(self, which: Q) -> None:
        self._answers()
        with self.book.writing() as now:
            matching.work_due(self.book, now)
            self.book.working().filter(which).update(is_working=False)

    def _work_due(self) -> None:
        self._answers()
        if self.book.due(timezone.now()).exists():
            with self.book.writing() as now:
                matching.work_due(self.book, now)


def _reference(order: ApprovedOrder, now: datetime) -> Decimal:
    """The last mark; the alert's own price where there is none, or only an old one."""
    mark = Mark.objects.filter(symbol=order.symbol).first()
    if mark is not None and (order.entry_price is None or now - mark.at < MARK_IS_OLD):
        return mark.price
    if order.entry_price is None:
        raise Rejected(f"no mark for {order.symbol} and no price in the order")
    return order.entry_price


def _as_venue_order(order: PaperOrder) -> VenueOrder:
    done = filled(order)
    status = OrderStatus.CANCELED
    if order.is_working:
        status = OrderStatus.PARTIALLY_FILLED if done else OrderStatus.ACCEPTED
    elif done >= order.quantity:
        status = OrderStatus.FILLED
    return VenueOrder(
        client_order_id=(order.parent or order).client_order_id,
        venue_order_id=f"paper-{order.pk}",
        symbol=order.symbol,
        side=Side(order.side),
        quantity=order.quantity,
        filled_quantity=done,
        status=status,
        protects=order.parent is not None,
        stop_price=order.price if order.kind == PaperOrder.Kind.STOP else None,
    )


def _fill_id(fill: PaperFill) -> str:
    return f"{fill.order.client_order_id}-{fill.number}"


def _reported(fill: PaperFill) -> VenueFill:
    owner = fill.order.parent or fill.order
    return VenueFill(
        venue_fill_id=_fill_id(fill),
        client_order_id=owner.client_order_id,
        symbol=fill.order.symbol,
        side=Side(fill.order.side),
        quantity=fill.quantity,
        price=fill.price,
        commission=fill.commission,
        filled_at=fill.filled_at,
        why="target" if fill.order.kind == PaperOrder.Kind.LIMIT else fill.order.kind,
    )
