"""An account's book at the paper venue: money, positions, orders. Written under its trader's lock only."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import QuerySet, Sum
from django.utils import timezone
from django.utils.functional import cached_property

from enforcement.instruments import Instrument
from enforcement.orders import Side
from execution.connectors.base import ApprovedOrder, Rejected
from execution.instruments import find_instrument
from execution.models import PaperBook, PaperFill, PaperOrder, PaperPosition, PaperSettings
from firms.models import Account, AccountState
from firms.services import lock_traders

ZERO = Decimal(0)


class Book:
    """One account's simulated money, what it holds, and what works."""

    def __init__(self, account: Account) -> None:
        self.account = account

    @cached_property
    def settings(self) -> PaperSettings:
        """Its connection's settings as they were at the first look; the defaults where there are none."""
        rows = PaperSettings.objects.filter(connection__venue_accounts=self.account.pk)
        return rows.first() or PaperSettings()

    @contextmanager
    def writing(self) -> Iterator[datetime]:
        """A transaction on this book, under its trader's lock; yields the time."""
        with transaction.atomic():
            lock_traders([self.account.trader_id])
            now = timezone.now()
            PaperBook.objects.get_or_create(
                account=self.account, defaults={"balance": _opening_balance(self.account), "changed_at": now}
            )
            yield now

    # --- what is there ---

    def row(self) -> PaperBook:
        return PaperBook.objects.get(account=self.account)

    def orders(self) -> QuerySet[PaperOrder]:
        return PaperOrder.objects.filter(book=self.account.pk)

    def working(self, symbol: str | None = None) -> QuerySet[PaperOrder]:
        """Every order that may still fill, oldest first."""
        rows = self.orders().filter(is_working=True).order_by("pk")
        return rows if symbol is None else rows.filter(symbol=symbol)

    def due(self, at: datetime) -> QuerySet[PaperOrder]:
        """Market orders that fill by then, the earliest first."""
        return self.working().filter(kind=PaperOrder.Kind.MARKET, due_at__lte=at).order_by("due_at", "pk")

    def positions(self) -> QuerySet[PaperPosition]:
        return PaperPosition.objects.filter(book=self.account.pk)

    def position(self, symbol: str) -> PaperPosition | None:
        """What is held in a symbol; None where that is nothing."""
        return self.positions().filter(symbol=symbol).exclude(quantity=0).first()

    # --- what happens to it ---

    def place(self, client_order_id: str, **columns: object) -> tuple[PaperOrder, bool]:
        """The order of this id, and whether it is a new one."""
        return PaperOrder.objects.get_or_create(
            book_id=self.account.pk,
            client_order_id=client_order_id,
            defaults={"kind": PaperOrder.Kind.MARKET, "is_working": True, **columns},
        )

    def fill(
        self, order: PaperOrder, quantity: Decimal, price: Decimal, *, mark: Decimal, at: datetime
    ) -> None:
        """Execute a part: its fill, the position it changes (valued at `mark`), and the money."""
        fee = self.account.commission_per_side + self.settings.exchange_fee_per_side
        PaperFill.objects.create(
            order=order,
            number=order.fills.count() + 1,
            quantity=quantity,
            price=price,
            commission=quantity * fee,
            filled_at=at,
        )
        profit = self._net(order.symbol, Side(order.side).sign * quantity, price, mark, at)
        row = self.row()
        row.balance += profit - quantity * fee
        row.changed_at = max(at, row.changed_at)
        row.save(update_fields=["balance", "changed_at"])

    def protect(self, entry: PaperOrder) -> None:
        """Stop and target of an entry cover what of it is filled: they grow part by part."""
        for kind, price in ((PaperOrder.Kind.STOP, entry.stop_loss), (PaperOrder.Kind.LIMIT, entry.target)):
            if price is not None:
                PaperOrder.objects.update_or_create(
                    book_id=self.account.pk,
                    client_order_id=f"{entry.client_order_id}-{kind}",
                    defaults={
                        "quantity": filled(entry), "parent": entry, "symbol": entry.symbol, "kind": kind,
                        "side": Side(entry.side).opposite.value, "price": price, "is_working": True,
                    },
                )  # fmt: skip

    def shrink_protection(self, symbol: str) -> None:
        """What works to protect can only reduce: never more than what is held, nothing on a flat book."""
        position = self.position(symbol)
        protection = self.working(symbol).filter(parent__isnull=False)
        if position is None:
            protection.update(is_working=False)
        else:
            protection.exclude(side=closing_side(position)).update(is_working=False)
            protection.filter(quantity__gt=abs(position.quantity)).update(quantity=abs(position.quantity))

    def _net(self, symbol: str, change: Decimal, price: Decimal, mark: Decimal, at: datetime) -> Decimal:
        """Net a fill into the position; the profit it closes, before commission."""
        position, _ = PaperPosition.objects.get_or_create(
            book_id=self.account.pk,
            symbol=symbol,
            defaults={"quantity": ZERO, "average_price": price, "price": mark, "marked_at": at},
        )
        before, after = position.quantity, position.quantity + change
        profit = ZERO
        if before * change < 0:
            closed = min(abs(before), abs(change))
            points = (price - position.average_price) * (1 if before > 0 else -1)
            profit = instrument_of(symbol).money(points, closed)
        else:
            paid = abs(before) * position.average_price + abs(change) * price
            position.average_price = paid / abs(after) if after else price
            position.is_marked = False
        if before * after < 0:
            position.average_price, position.is_marked = price, False
        position.quantity, position.price = after, mark
        position.marked_at = max(at, position.marked_at)
        position.save()
        return profit


def instrument_of(symbol: str) -> Instrument:
    """Raises Rejected for a symbol nobody knows."""
    instrument = find_instrument(symbol)
    if instrument is None:
        raise Rejected(f"the paper venue does not know {symbol}")
    return instrument


def filled(order: PaperOrder) -> Decimal:
    return order.fills.aggregate(sum=Sum("quantity"))["sum"] or ZERO


def closing_side(position: PaperPosition) -> str:
    return (Side.SELL if position.quantity > 0 else Side.BUY).value


def open_profit(position: PaperPosition) -> Decimal:
    change = position.price - position.average_price
    return instrument_of(position.symbol).money(change, position.quantity)


def entry_columns(order: ApprovedOrder) -> dict[str, object]:
    return {
        "symbol": order.symbol, "side": order.side.value, "quantity": order.quantity,
        "stop_loss": order.stop_loss, "target": order.target,
    }  # fmt: skip


def _opening_balance(account: Account) -> Decimal:
    state = AccountState.objects.filter(account=account).first()
    return account.program.starting_balance if state is None else state.balance
