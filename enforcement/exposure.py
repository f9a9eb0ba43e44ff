"""What is at stake: open, working and new risk to the stop, and contracts in mini equivalents."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from enforcement.instruments import Instrument
from enforcement.orders import OrderIntent, Side
from enforcement.program import GuardPolicy, ProgramTerms

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
    opened_at: datetime | None = None


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
    commission = 2 * guard.commission_per_side * quantity if intent.commission is None else intent.commission
    return loss + _slippage(instrument, quantity, guard) + commission


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


def weight_in(terms: ProgramTerms, instrument: Instrument) -> Decimal:
    """What one contract counts as, in minis, by the program: its own figure for the symbol or the group,
    else its own for micros, else the instrument's."""
    for by in (instrument.symbol, instrument.group):
        for limit in terms.product_limits:
            if limit.product == by and limit.weight is not None:
                return limit.weight
    if terms.micro_weight is not None and instrument.weight < 1:
        return terms.micro_weight
    return instrument.weight


Held = tuple[Instrument, Decimal]


def contracts_held(
    positions: Iterable[Position], working: Iterable[WorkingOrder], intent: OrderIntent | None = None
) -> list[Held]:
    """Contracts held and possibly still to come, unsigned, by product; with an order's on top.

    Positions of one symbol net, so an order against one is judged by what is left after it. Working
    orders count in full on top: one that might net a position might also fill before it.
    """
    signed: dict[str, Held] = {}
    changes = [(p.instrument, p.quantity) for p in positions]
    if intent is not None and intent.instrument is not None and intent.quantity is not None:
        changes.append((intent.instrument, intent.side.sign * intent.quantity))
    for instrument, quantity in changes:
        _, before = signed.get(instrument.symbol, (instrument, ZERO))
        signed[instrument.symbol] = (instrument, before + quantity)
    held = [(instrument, abs(quantity)) for instrument, quantity in signed.values()]
    return held + [(order.instrument, order.quantity) for order in working]


def mini_equivalents(held: Iterable[Held], terms: ProgramTerms) -> Decimal:
    """Contracts over all products, each counting its weight in the program."""
    if not terms.product_limits and terms.micro_weight is None:
        return sum((quantity * one.weight for one, quantity in held), ZERO)
    return sum((quantity * weight_in(terms, one) for one, quantity in held), ZERO)


def _slippage(instrument: Instrument, quantity: Decimal, guard: GuardPolicy) -> Decimal:
    return guard.slippage_ticks * instrument.tick_value * quantity
