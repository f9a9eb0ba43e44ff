"""What an account holds in one symbol, by its booked fills; and the trade that ends when it is flat.

A fill that happened before the last one booked (the wire turned them round) is put where it belongs: the
position is then made anew from all of its fills, in the order in which they happened.
"""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from enforcement.instruments import Instrument
from enforcement.orders import Side
from execution.connectors import VenueFill
from execution.instruments import family, find_instrument
from execution.models import ClosedTrade, Fill, Leg, Order, Position
from firms import services
from firms.models import Account

ZERO = Decimal(0)


class Execution(NamedTuple):
    """A fill as the position sees it. `stop` is its entry's, None of anything else."""

    side: Side
    quantity: Decimal
    price: Decimal
    filled_at: datetime
    stop: Decimal | None


def net(account: Account, fill: VenueFill, order: Order | None, valued_at: datetime | None) -> Position:
    """Book a fill, whose row is stored, into the position by symbol. `order` is the one whose own side it is.

    Its price counts as the position's unless the known equity is from later: that has a later price in it
    (but of a position that begins with this fill there is none).
    """
    instrument = find_instrument(fill.symbol)
    position, _ = Position.objects.get_or_create(
        account=account,
        symbol=fill.symbol,
        defaults={"family": family(fill.symbol), "quantity": ZERO},
    )
    before, last = position.quantity, position.last_fill_at
    after = before + fill.side.sign * fill.quantity
    begins, ends = after != 0 and before * after <= 0, before != 0 and before * after <= 0
    if last is not None and fill.filled_at < last:
        _make_anew(position)
    else:
        _add(position, Execution(fill.side, fill.quantity, fill.price, fill.filled_at, _stop_of(order)))
        if begins or position.price is None or valued_at is None or fill.filled_at >= valued_at:
            position.price = fill.price
    position.save()
    result = _close(account, position, instrument) if ends and instrument is not None else None
    services.record_trade(account, opened=begins, result=result, at=position.last_fill_at or fill.filled_at)
    return position


def _stop_of(order: Order | None) -> Decimal | None:
    return order.stop_loss if order is not None and order.leg == Leg.ENTRY else None


def _add(position: Position, fill: Execution) -> None:
    """Net one execution, later than all before it; remember the farthest stop that protects the position."""
    before = position.quantity
    after = before + fill.side.sign * fill.quantity
    if after == 0:
        position.average_price = position.stop = position.opened_at = None
    elif before * after <= 0:
        position.average_price, position.stop, position.opened_at = fill.price, fill.stop, fill.filled_at
    elif abs(after) > abs(before):
        paid = abs(before) * (position.average_price or fill.price) + fill.quantity * fill.price
        position.average_price = paid / abs(after)
        position.stop = _farther(position.stop, fill.stop, long=after > 0)
    position.quantity = after
    position.last_fill_at = fill.filled_at


def _make_anew(position: Position) -> None:
    position.quantity, position.average_price, position.stop, position.opened_at = ZERO, None, None, None
    fills = Fill.objects.filter(account=position.account_id, symbol=position.symbol)
    for fill in fills.select_related("order").order_by("filled_at", "pk"):
        own = fill.order if fill.order is not None and fill.order.side == fill.side else None
        _add(position, Execution(Side(fill.side), fill.quantity, fill.price, fill.filled_at, _stop_of(own)))


def _farther(first: Decimal | None, second: Decimal | None, *, long: bool) -> Decimal | None:
    """The stop that loses more; None if either part has none: then nothing bounds the whole."""
    if first is None or second is None:
        return None
    return min(first, second) if long else max(first, second)


def _close(account: Account, position: Position, instrument: Instrument) -> Decimal | None:
    """Record the trade that the newest fill has ended; what it won or lost, where all of it is known."""
    if instrument.currency != account.program.currency:
        return None
    fills = Fill.objects.filter(account=account, symbol=position.symbol).order_by("-filled_at", "-pk")
    found = _walk_back(position.quantity, fills.iterator(chunk_size=100))
    if found is None:
        return None
    points, commission, opening, closing = found
    result = instrument.money(points, Decimal(1)) - commission
    ClosedTrade.objects.create(
        account=account, symbol=position.symbol, family=position.family, side=opening.side,
        opened_at=opening.filled_at, closed_at=closing.filled_at, result=result,
    )  # fmt: skip
    return result


def _walk_back(held: Decimal, fills: Iterable[Fill]) -> tuple[Decimal, Decimal, Fill, Fill] | None:
    """From the newest fill back to the one that opened what it ended: points times contracts, commissions of
    both ways, the opening and the closing fill. Of a fill that crossed zero each side takes its part."""
    points, commission, closing = ZERO, ZERO, None
    for fill in fills:
        signed = Side(fill.side).sign * fill.quantity
        before = held - signed
        opens = closing is not None and before * held <= 0
        part = held if opens else -before if closing is None else signed
        points -= part * fill.price
        commission += fill.commission * abs(part) / fill.quantity
        if opens and closing is not None:
            return points, commission, fill, closing
        closing, held = closing or fill, before
    return None
