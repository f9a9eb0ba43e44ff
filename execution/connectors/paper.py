"""The paper venue: its own book, filled at the last mark. Simulated, and its state says so.

Market orders fill at the last mark, or at the alert's price where there is none. Stops and targets work
as marks arrive, one cancels the other, and can only reduce. Commission is charged at each fill.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from enforcement.account import StateReport, StateSource
from enforcement.orders import Side
from execution.connectors.base import (
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
from execution.instruments import find_instrument
from execution.models import Mark, PaperBook, PaperFill, PaperOrder, PaperPosition
from execution.order_state import OrderStatus
from firms.models import Account, AccountState
from firms.services import lock_traders

ZERO = Decimal(0)


class PaperConnector(Connector):
    """One account's book at the paper venue."""

    inline = True
    live = False
    must_reconcile = False  # its book is in this database and asked under the lock

    def submit(self, order: ApprovedOrder) -> Sent:
        if find_instrument(order.symbol) is None:
            raise Rejected(f"the paper venue does not know {order.symbol}")
        with self._writing() as now:
            entry, is_new = self._order(order.client_order_id, order.symbol, order.side, order.quantity)
            if is_new:
                mark = Mark.objects.filter(symbol=order.symbol).first()
                price = mark.price if mark else order.entry_price
                if price is None:
                    raise Rejected(f"no mark for {order.symbol} and no price in the order")
                self._fill(entry, order.quantity, price, now)
                self._shrink_protection(order.symbol)
                self._protect(entry, order)
        return Sent(venue_order_id=f"paper-{entry.pk}")

    def close(self, order: ClosingOrder) -> Sent:
        with self._writing() as now:
            closing, is_new = self._order(order.client_order_id, order.symbol, order.side, order.quantity)
            if is_new:
                position = self._positions().filter(symbol=order.symbol).exclude(quantity=0).first()
                if position is None or position.quantity * order.side.sign >= 0:
                    raise Rejected(f"nothing to close in {order.symbol}")
                quantity = min(order.quantity, abs(position.quantity))
                self._fill(closing, quantity, position.price, now)
                self._shrink_protection(order.symbol)
        return Sent(venue_order_id=f"paper-{closing.pk}")

    def cancel(self, client_order_id: str) -> None:
        """Nothing to do: entries fill at once, and their stop and target stay with the position."""

    def find(self, client_order_id: str) -> VenueOrder | None:
        order = PaperOrder.objects.filter(book=self.account.pk, client_order_id=client_order_id).first()
        return None if order is None else _as_venue_order(order)

    def working_orders(self) -> Sequence[VenueOrder]:
        return [_as_venue_order(order) for order in self._working().select_related("parent")]

    def positions(self) -> Sequence[VenuePosition]:
        return [VenuePosition(p.symbol, p.quantity, p.price) for p in self._positions().exclude(quantity=0)]

    def has_working_orders(self, symbols: Sequence[str]) -> bool:
        return self._working().filter(symbol__in=symbols).exists()

    def cancel_all(self, symbols: Sequence[str]) -> None:
        with self._writing():
            self._working().filter(symbol__in=symbols).update(is_working=False)

    def report(self, known_fills: frozenset[str]) -> VenueReport:
        with self._writing():  # opens the book of an account that never traded
            book = PaperBook.objects.get(account=self.account)
        held = list(self._positions().exclude(quantity=0))
        fills = PaperFill.objects.filter(order__book=book).select_related("order__parent").order_by("pk")
        return VenueReport(
            state=StateReport(
                balance=book.balance,
                equity=book.balance + sum((_open_profit(p) for p in held), ZERO),
                # With something open the figures are as old as the oldest mark in them.
                as_of=min((p.marked_at for p in held), default=book.changed_at),
                source=StateSource.PAPER,
            ),
            positions=[VenuePosition(p.symbol, p.quantity, p.price) for p in held],
            fills=[_reported(fill) for fill in fills if _fill_id(fill) not in known_fills],
        )

    def mark(self, symbol: str, price: Decimal, at: datetime) -> None:
        """Value the book at a new price, and work the stops and targets it reaches. Stops come first.

        A price from before the last fill or mark changes nothing.
        """
        with self._writing():
            held = self._positions().filter(symbol=symbol, marked_at__lte=at).exclude(quantity=0)
            if not held.update(price=price, marked_at=at):
                return
            reached = [order for order in self._working().filter(symbol=symbol) if _is_reached(order, price)]
            for order in sorted(reached, key=lambda order: order.kind != PaperOrder.Kind.STOP):
                order.refresh_from_db()
                position = self._positions().filter(symbol=symbol).exclude(quantity=0).first()
                if order.is_working and position is not None and _reduces(order, position):
                    quantity = min(order.quantity, abs(position.quantity))
                    order.is_working = False
                    order.save(update_fields=["is_working"])
                    # A stop fills where the market is by then, a target at its own price.
                    own_price = order.price if order.kind == PaperOrder.Kind.LIMIT else None
                    self._fill(order, quantity, own_price or price, at)
                    self._working().filter(parent=order.parent).update(is_working=False)
                    self._shrink_protection(symbol)

    # --- the book ---

    @contextmanager
    def _writing(self) -> Iterator[datetime]:
        """A transaction on this book, under its trader's lock; yields the time."""
        with transaction.atomic():
            lock_traders([self.account.trader_id])
            now = timezone.now()
            PaperBook.objects.get_or_create(
                account=self.account, defaults={"balance": _opening_balance(self.account), "changed_at": now}
            )
            yield now

    def _positions(self) -> QuerySet[PaperPosition]:
        return PaperPosition.objects.filter(book=self.account.pk)

    def _working(self) -> QuerySet[PaperOrder]:
        return PaperOrder.objects.filter(book=self.account.pk, is_working=True)

    def _order(
        self, client_order_id: str, symbol: str, side: Side, quantity: Decimal
    ) -> tuple[PaperOrder, bool]:
        return PaperOrder.objects.get_or_create(
            book_id=self.account.pk,
            client_order_id=client_order_id,
            defaults={
                "symbol": symbol, "side": side.value, "quantity": quantity, "kind": PaperOrder.Kind.MARKET
            },
        )  # fmt: skip

    def _protect(self, entry: PaperOrder, order: ApprovedOrder) -> None:
        for kind, price in ((PaperOrder.Kind.STOP, order.stop_loss), (PaperOrder.Kind.LIMIT, order.target)):
            if price is not None:
                PaperOrder.objects.create(
                    book_id=self.account.pk,
                    client_order_id=f"{order.client_order_id}-{kind}",
                    parent=entry,
                    symbol=order.symbol,
                    side=order.side.opposite.value,
                    quantity=order.quantity,
                    kind=kind,
                    price=price,
                    is_working=True,
                )

    def _shrink_protection(self, symbol: str) -> None:
        """What works can only reduce: never more than what is held, nothing on a flat book."""
        position = self._positions().filter(symbol=symbol).first()
        held = abs(position.quantity) if position else ZERO
        working = self._working().filter(symbol=symbol)
        if position is None or held == 0:
            working.update(is_working=False)
        else:
            working.exclude(side=_closing_side(position)).update(is_working=False)
            working.filter(quantity__gt=held).update(quantity=held)

    def _fill(self, order: PaperOrder, quantity: Decimal, price: Decimal, at: datetime) -> None:
        commission = quantity * self.account.commission_per_side
        PaperFill.objects.create(
            order=order,
            number=order.fills.count() + 1,
            quantity=quantity,
            price=price,
            commission=commission,
            filled_at=at,
        )
        profit = self._book(order.symbol, Side(order.side).sign * quantity, price, at)
        book = PaperBook.objects.get(account=self.account)
        book.balance += profit - commission
        book.changed_at = max(at, book.changed_at)
        book.save(update_fields=["balance", "changed_at"])

    def _book(self, symbol: str, change: Decimal, price: Decimal, at: datetime) -> Decimal:
        """Net a fill into the position; the profit it closes, before commission."""
        position, _ = PaperPosition.objects.get_or_create(
            book_id=self.account.pk,
            symbol=symbol,
            defaults={"quantity": ZERO, "average_price": price, "price": price, "marked_at": at},
        )
        before, after = position.quantity, position.quantity + change
        profit = ZERO
        if before * change < 0:
            closed = min(abs(before), abs(change))
            profit = _money(symbol, (price - position.average_price) * (1 if before > 0 else -1), closed)
        if before * change >= 0:
            position.average_price = (
                (abs(before) * position.average_price + abs(change) * price) / abs(after) if after else price
            )
        elif before * after < 0:
            position.average_price = price
        position.quantity, position.price, position.marked_at = after, price, max(at, position.marked_at)
        position.save()
        return profit


def _opening_balance(account: Account) -> Decimal:
    state = AccountState.objects.filter(account=account).first()
    return account.program.starting_balance if state is None else state.balance


def _money(symbol: str, price_change: Decimal, quantity: Decimal) -> Decimal:
    instrument = find_instrument(symbol)
    if instrument is None:
        raise Rejected(f"the paper venue does not know {symbol}")
    return instrument.money(price_change, quantity)


def _open_profit(position: PaperPosition) -> Decimal:
    return _money(position.symbol, position.price - position.average_price, position.quantity)


def _closing_side(position: PaperPosition) -> str:
    return (Side.SELL if position.quantity > 0 else Side.BUY).value


def _reduces(order: PaperOrder, position: PaperPosition) -> bool:
    return order.side == _closing_side(position)


def _is_reached(order: PaperOrder, price: Decimal) -> bool:
    if order.price is None:
        return False
    falling = (order.side == Side.SELL) == (order.kind == PaperOrder.Kind.STOP)
    return price <= order.price if falling else price >= order.price


def _as_venue_order(order: PaperOrder) -> VenueOrder:
    filled = sum((fill.quantity for fill in order.fills.all()), ZERO)
    status = OrderStatus.CANCELED
    if order.is_working:
        status = OrderStatus.PARTIALLY_FILLED if filled else OrderStatus.ACCEPTED
    elif filled >= order.quantity:
        status = OrderStatus.FILLED
    return VenueOrder(
        client_order_id=(order.parent or order).client_order_id,
        venue_order_id=f"paper-{order.pk}",
        symbol=order.symbol,
        side=Side(order.side),
        quantity=order.quantity,
        filled_quantity=filled,
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
