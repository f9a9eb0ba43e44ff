"""From prices to fills: whether an order fills, how much of it, and at which price. Pure.

What is left to chance is drawn from a generator seeded by the order's own names, so the same orders and marks
give the same fills, in whatever process and whenever asked. Slippage is only ever against the trader.
"""

from collections.abc import Sequence
from datetime import timedelta
from decimal import ROUND_CEILING, Decimal
from random import Random
from typing import NamedTuple

from enforcement.instruments import Instrument
from enforcement.orders import Side

ZERO = Decimal(0)


class Bar(NamedTuple):
    """What one mark says: the last price, and the extremes since the mark before."""

    price: Decimal
    high: Decimal
    low: Decimal


def bar(price: Decimal, high: Decimal | None = None, low: Decimal | None = None) -> Bar:
    """A mark without extremes is a bar of one price; the price always lies within its bar."""
    return Bar(price, max(price, high or price), min(price, low or price))


def chance(*names: object) -> Random:
    """A generator of one purpose, named by whose it is."""
    return Random(":".join(map(str, names)))  # noqa: S311 - repeatable on purpose, no secret


def latency(drawn: Random, shortest_ms: int, longest_ms: int) -> timedelta:
    """How long an order is on its way to its fill."""
    return timedelta(milliseconds=drawn.randint(shortest_ms, longest_ms))


def slippage_ticks(drawn: Random, weights: Sequence[int]) -> int:
    """Drawn by the percentages of 0, 1, 2, … ticks."""
    return drawn.choices(range(len(weights)), weights)[0]


def impact_ticks(quantity: Decimal, at_once: Decimal) -> int:
    """One tick for each further multiple of the largest size at once: what a whole fill of it would cost."""
    return int((quantity / at_once).to_integral_value(ROUND_CEILING)) - 1


def market_price(
    instrument: Instrument, side: Side, mark: Decimal, *, half_spread: Decimal, ticks: int
) -> Decimal:
    """What a market order gets: the mark, half the spread and the slippage, on the tick that is worse."""
    raw = mark + side.sign * (half_spread + ticks) * instrument.tick_size
    return instrument.ceil_to_tick(raw) if side is Side.BUY else instrument.floor_to_tick(raw)


def next_part(left: Decimal, at_once: Decimal | None) -> Decimal:
    """How much of what is left fills now; None: the size doesn't matter."""
    return left if at_once is None else min(left, at_once)


def stop_base(side: Side, stop: Decimal, seen: Bar) -> Decimal | None:
    """Where a stop fills before spread and slippage; None while it is not touched.

    At itself where the bar holds it; where all of the bar is beyond it, the market has jumped over it, and it
    fills at the bar's worst price.
    """
    if side is Side.SELL:
        return None if seen.low > stop else stop if seen.high >= stop else seen.low
    return None if seen.high < stop else stop if seen.low <= stop else seen.high


def limit_fills(side: Side, limit: Decimal, seen: Bar, tick: Decimal, *, touch_fills: bool) -> bool:
    """Whether a limit fills, at its own price: traded through by a tick, or at a touch where one is first."""
    beyond = limit - seen.low if side is Side.BUY else seen.high - limit
    return beyond >= tick or (beyond >= ZERO and touch_fills)


def touch_fills(drawn: Random, percent: int) -> bool:
    """Whether the order was far enough ahead in the queue when the price only touched it."""
    return drawn.randrange(100) < percent
