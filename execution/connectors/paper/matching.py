"""Work a book's orders: those that are due by a time, and those that a mark reaches. Nothing ever waits:
whoever asks the venue, or posts a mark, works what has become due until then."""

from datetime import datetime, timedelta
from decimal import Decimal
from random import Random

from django.db.models import Q

from enforcement.orders import Side
from execution.connectors.paper import fills
from execution.connectors.paper.book import Book, closing_side, filled, instrument_of
from execution.connectors.paper.fills import Bar
from execution.connectors.paper.market import liquidity_of, slippage_weights
from execution.models import PaperOrder

ZERO = Decimal(0)
PART_EVERY = timedelta(seconds=1)  # the rest of a large order, where no mark comes sooner


def start(book: Book, order: PaperOrder, reference: Decimal, now: datetime) -> None:
    """A market order has arrived: it fills after its latency, or at once where there is none."""
    settings = book.settings
    delay = fills.latency(_chance(book, order, "latency"), settings.latency_min_ms, settings.latency_max_ms)
    order.reference, order.placed_at, order.due_at = reference, now, now + delay
    order.save(update_fields=["reference", "placed_at", "due_at"])
    work_due(book, now)


def work_due(book: Book, at: datetime) -> None:
    """Fill what is due by `at`, each order at the mark that was valid at its own time."""
    while (order := book.due(at).first()) is not None:
        if order.reference is None or order.due_at is None:
            raise ValueError(f"{order} is due without a price or a time")
        _fill_part(book, order, order.reference, order.due_at)


def work_mark(book: Book, symbol: str, seen: Bar, at: datetime, now: datetime) -> None:
    """A new mark: first what was due before it, at the mark before; then the rest of large orders; then the
    book is valued anew, and its stops and targets are worked, stops first.

    A mark from before the last fill or mark changes nothing.
    """
    work_due(book, min(at, now))
    market = book.working(symbol).filter(kind=PaperOrder.Kind.MARKET, placed_at__lte=at)
    for order in market.filter(fills__isnull=False, due_at__lte=at + PART_EVERY).distinct():
        _fill_part(book, order, seen.price, at)
    market.filter(due_at__gt=at).update(reference=seen.price)
    position = book.position(symbol)
    if position is None or position.marked_at > at:
        return
    was_marked = position.is_marked
    position.price, position.marked_at, position.is_marked = seen.price, at, True
    position.save(update_fields=["price", "marked_at", "is_marked"])
    _work_protection(book, symbol, seen, at, was_marked=was_marked)


def _work_protection(book: Book, symbol: str, seen: Bar, at: datetime, *, was_marked: bool) -> None:
    """Stops first: of a bar that touches both, nobody knows which came first. Of a bar in which the position
    was opened, a stop counts all, a target only the price at its end."""
    protection = book.working(symbol).filter(parent__isnull=False).select_related("parent")
    for_targets = seen if was_marked else fills.bar(seen.price)
    for order in sorted(protection, key=lambda order: order.kind != PaperOrder.Kind.STOP):
        order.refresh_from_db(fields=["is_working", "quantity"])
        position = book.position(symbol)
        if not order.is_working or position is None or order.side != closing_side(position):
            continue
        quantity = min(order.quantity, abs(position.quantity))
        if order.kind == PaperOrder.Kind.STOP:
            price = _stop_price(book, order, quantity, seen, at)
        else:
            price = _target_price(book, order, for_targets, at)
        if price is not None:
            _fill_protection(book, order, quantity, price, seen.price, at)


def _fill_protection(
    book: Book, order: PaperOrder, quantity: Decimal, price: Decimal, mark: Decimal, at: datetime
) -> None:
    """One cancels the other, and what is left of its entry."""
    book.fill(order, quantity, price, mark=mark, at=at)
    book.orders().filter(Q(parent=order.parent) | Q(pk=order.parent_id)).update(is_working=False)
    book.shrink_protection(order.symbol)


def _fill_part(book: Book, order: PaperOrder, mark: Decimal, at: datetime) -> None:
    """The next part of a market order. One that only reduces never crosses zero, whatever has happened since
    it was placed."""
    done = filled(order)
    left = order.quantity - done
    if order.reduces:
        position = book.position(order.symbol)
        reducible = position is not None and order.side == closing_side(position)
        left = min(left, abs(position.quantity)) if position is not None and reducible else ZERO
    part = fills.next_part(left, _at_once(book, order))
    if part > 0:
        price = _market_price(book, order, mark, at, _chance(book, order, order.fills.count() + 1))
        book.fill(order, part, price, mark=mark, at=at)
        if not order.reduces:
            book.protect(order)
        book.shrink_protection(order.symbol)
    order.is_working = left > part
    order.due_at, order.reference = at + PART_EVERY, mark
    order.save(update_fields=["is_working", "due_at", "reference"])


def _market_price(
    book: Book, order: PaperOrder, mark: Decimal, at: datetime, drawn: Random, extra_ticks: int = 0
) -> Decimal:
    if not book.settings.has_costs:
        return mark
    ticks = fills.slippage_ticks(drawn, slippage_weights(at)) + extra_ticks
    half = liquidity_of(order.symbol).half_spread
    return fills.market_price(
        instrument_of(order.symbol), Side(order.side), mark, half_spread=half, ticks=ticks
    )


def _stop_price(book: Book, order: PaperOrder, quantity: Decimal, seen: Bar, at: datetime) -> Decimal | None:
    """A stop fills whole, and pays a tick more for each further multiple of the size at once."""
    base = None if order.price is None else fills.stop_base(Side(order.side), order.price, seen)
    if base is None:
        return None
    at_once = _at_once(book, order)
    extra = 0 if at_once is None else fills.impact_ticks(quantity, at_once)
    return _market_price(book, order, base, at, _chance(book, order, "stop"), extra)


def _target_price(book: Book, order: PaperOrder, seen: Bar, at: datetime) -> Decimal | None:
    """Its own price, where it fills at all."""
    if order.price is None:
        return None
    touched = fills.touch_fills(_chance(book, order, at.isoformat()), book.settings.touch_fills_percent)
    tick = instrument_of(order.symbol).tick_size
    fits = fills.limit_fills(Side(order.side), order.price, seen, tick, touch_fills=touched)
    return order.price if fits else None


def _at_once(book: Book, order: PaperOrder) -> Decimal | None:
    if not book.settings.fills_in_parts:
        return None
    return book.settings.largest_at_once or liquidity_of(order.symbol).at_once


def _chance(book: Book, order: PaperOrder, purpose: object) -> Random:
    return fills.chance(book.settings.seed, book.account.label, order.client_order_id, purpose)
