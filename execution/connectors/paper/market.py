"""The market that paper imitates: each symbol's spread, slippage and size at once, and when it is open. Pure.

The figures are PropGuard's own assumptions, chosen rather too dear than too cheap; docs/paper.md lists them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal

from enforcement.calendar import Closure, TradingHours, instant, zone_named
from enforcement.instruments import Instrument


@dataclass(frozen=True, slots=True)
class Liquidity:
    """half_spread   in ticks, paid at every market fill and stop
    at_once       the largest size, in contracts or lots, that fills in one part
    """

    half_spread: Decimal
    at_once: Decimal


_TABLE = """
ES  | 0.5 | 20
MES | 0.5 | 50
NQ  | 1   | 5
MNQ | 1   | 20
YM  | 1   | 5
MYM | 1   | 20
RTY | 0.5 | 5
M2K | 0.5 | 20
CL  | 0.5 | 10
MCL | 0.5 | 20
GC  | 0.5 | 10
MGC | 0.5 | 20
ZN  | 0.5 | 50
ZB  | 0.5 | 20
6E  | 0.5 | 20
"""
LIQUIDITY: Mapping[str, Liquidity] = {
    symbol.strip(): Liquidity(Decimal(half.strip()), Decimal(size.strip()))
    for symbol, half, size in (line.split("|") for line in _TABLE.strip().splitlines())
}
ANY_OTHER = Liquidity(Decimal(1), Decimal(5))

# How likely 0, 1, 2, … ticks of slippage are, in percent: in the busy hours of the day, and outside.
BUSY_SLIPPAGE = (70, 25, 5)
QUIET_SLIPPAGE = (40, 35, 15, 10)
_BUSY_ZONE, _BUSY_FROM, _BUSY_UNTIL = "America/Chicago", time(8, 30), time(15)

_FUTURES = TradingHours(time(17), time(16), "America/Chicago")
_SPOT = TradingHours(time(17), time(17), "America/New_York")


def liquidity_of(symbol: str) -> Liquidity:
    return LIQUIDITY.get(symbol, ANY_OTHER)


def slippage_weights(at: datetime) -> tuple[int, ...]:
    """The percentages in force at an instant."""
    local = at.astimezone(zone_named(_BUSY_ZONE))
    busy = local.weekday() < 5 and _BUSY_FROM <= local.time() < _BUSY_UNTIL
    return BUSY_SLIPPAGE if busy else QUIET_SLIPPAGE


def closed_because(instrument: Instrument, at: datetime, closures: Iterable[Closure]) -> str:
    """Why the market is closed at an instant; "" while it is open.

    Futures trade from 17:00 to 16:00 in Chicago, Sunday to Friday, but for `closures`; everything else from
    Sunday 17:00 to Friday 17:00 in New York. Products with other hours of their own are not told apart.
    """
    hours = _FUTURES if instrument.exchange else _SPOT
    opens, closes = hours.span_of(at)
    if not opens <= at < closes:
        return "outside its trading hours"
    if instrument.exchange:
        for closure in closures:
            if _closes(closure, hours.trading_date(closes), instrument.group, at):
                return closure.name or "a holiday"
    return ""


def _closes(closure: Closure, day: date, group: str, at: datetime) -> bool:
    if closure.day != day or closure.group not in ("", group):
        return False
    return closure.closes is None or at >= instant(day, closure.closes, closure.zone)
