"""What is at stake: open, working and new risk to the stop, and contracts in mini equivalents."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from enforcement.instruments import Instrument
from enforcement.orders import OrderIntent, Side
from enforcement.program import GuardPolicy

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """An open position. `quantity` is signed; `price` the one the account's equity was marked at.

    `stop` is the farthest stop that protects it; None: there is none.
    """

    instrument: Instrument
    quantity: Decimal
    price: Decimal | None
    stop: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkingOrder:
    """An entry that may still fill: approved, on its way, in doubt, or resting at the venue.

    `quantity` is what may still fill, `risk` the money it stands to lose (its reservation).
    """

    instrument: Instrument
    side: Side
    quantity: Decimal
    risk: Decimal


def stop_loss_money(instrument: Instrument, entry: Decimal, stop: Decimal, quantity: Decimal) -> Decimal:
    """Money lost if the stop fills at its price: |entry - stop| / tick size x tick value x contracts."""
    return instrument.money(abs(entry - stop), quantity)


def order_risk(intent: OrderIntent, guard: GuardPolicy) -> Decimal | None:
    """What the order loses at worst: to its stop, slippage allowance and commission both ways included.

    In the instrument's currency. None when there is no bound: no stop and no assumed distance, or a
    price, a size or an instrument that is not known.
    """
    instrument, quantity = intent.instrument, intent.quantity
    if instrument is None or quantity is None or intent.entry_price is None:
        return None
    if intent.stop_loss is not None:
        loss = stop_loss_money(instrument, intent.entry_price, intent.stop_loss, quantity)
    elif guard.no_stop_ticks is not None:
        loss = guard.no_stop_ticks * instrument.tick_value * quantity
    else:
        return None
    return loss + _slippage(instrument, quantity, guard) + 2 * guard.commission_per_side * quantity


def position_risk(position: Position, guard: GuardPolicy) -> Decimal | None:
    """What an open position loses from here to its stop; None when that has no bound."""
    quantity = abs(position.quantity)
    if position.stop is not None and position.price is not None:
        distance = position.price - position.stop if position.quantity > 0 else position.stop - position.price
        loss = position.instrument.money(max(distance, ZERO), quantity)
    elif position.stop is None and guard.no_stop_ticks is not None:
        loss = guard.no_stop_ticks * position.instrument.tick_value * quantity
    else:
        return None
    return loss + _slippage(position.instrument, quantity, guard) + guard.commission_per_side * quantity


def open_risk(
    positions: Iterable[Position], working: Iterable[WorkingOrder], guard: GuardPolicy
) -> Decimal | None:
    """Open positions to their stops plus every reservation; None when one of them has no bound."""
    total = sum((order.risk for order in working), ZERO)
    for position in positions:
        risk = position_risk(position, guard)
        if risk is None:
            return None
        total += risk
    return total


def mini_equivalents(positions: Iterable[Position], working: Iterable[WorkingOrder]) -> Decimal:
    """Contracts held and possibly still to come, over all products, a micro counting its weight.

    Working orders count in full on top of the position: an order that might net a position might also
    fill before it.
    """
    held = sum((abs(p.quantity) * p.instrument.weight for p in positions), ZERO)
    return held + sum((o.quantity * o.instrument.weight for o in working), ZERO)


def _slippage(instrument: Instrument, quantity: Decimal, guard: GuardPolicy) -> Decimal:
    return guard.slippage_ticks * instrument.tick_value * quantity
