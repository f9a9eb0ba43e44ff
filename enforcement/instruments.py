"""What an order is in: tick size, tick value, currency, weight. The truth for every symbol named here."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from functools import lru_cache

from enforcement import instrument_table as table

NO_EXTRA: Mapping[str, "Instrument"] = {}


@dataclass(frozen=True, slots=True)
class Instrument:
    """One tradable product, money in `currency`.

    `tick_value` is what one tick is worth for one contract (one lot). `weight` is what one contract
    counts in mini equivalents. `family` is the underlying that a mini, its micros and every contract
    month share; `group` the products that move together. `step` is the smallest change of quantity.
    """

    symbol: str
    name: str
    exchange: str
    tick_size: Decimal
    tick_value: Decimal
    currency: str
    weight: Decimal
    family: str
    group: str
    step: Decimal

    @property
    def point_value(self) -> Decimal:
        """Money for a price change of 1, one contract."""
        return self.tick_value / self.tick_size

    def money(self, price_change: Decimal, quantity: Decimal) -> Decimal:
        """Money for `price_change` on `quantity` contracts, in the instrument's currency."""
        return price_change / self.tick_size * self.tick_value * quantity

    def is_on_tick(self, price: Decimal) -> bool:
        return price % self.tick_size == 0

    def floor_to_tick(self, price: Decimal) -> Decimal:
        return (price / self.tick_size).to_integral_value(ROUND_FLOOR) * self.tick_size

    def ceil_to_tick(self, price: Decimal) -> Decimal:
        return (price / self.tick_size).to_integral_value(ROUND_CEILING) * self.tick_size

    def floor_to_step(self, quantity: Decimal) -> Decimal:
        return (quantity / self.step).to_integral_value(ROUND_FLOOR) * self.step


def _cells(text: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.split("|")] for line in text.strip().splitlines()]


def _futures() -> list[Instrument]:
    return [
        Instrument(
            symbol=symbol,
            name=name,
            exchange=exchange,
            tick_size=Decimal(tick_size),
            tick_value=Decimal(tick_value),
            currency="USD",
            weight=Decimal(weight),
            family=family,
            group=group,
            step=Decimal(1),
        )
        for symbol, name, exchange, tick_size, tick_value, weight, family, group in _cells(table.FUTURES)
    ]


def _lots(symbol: str, name: str, tick_size: str, tick_value: str, currency: str, group: str) -> Instrument:
    """An instrument traded in lots of 0.01; a lot counts as one contract."""
    return Instrument(
        symbol=symbol,
        name=name,
        exchange="",
        tick_size=Decimal(tick_size),
        tick_value=Decimal(tick_value),
        currency=currency,
        weight=Decimal(1),
        family=symbol,
        group=group,
        step=Decimal("0.01"),
    )


def _currency_pair(pair: str) -> Instrument:
    base, quote = pair[:3], pair[3:]
    tick_size, tick_value = ("0.001", "100") if quote == "JPY" else ("0.00001", "1")
    return _lots(pair, f"{base}/{quote}", tick_size, tick_value, quote, "currencies")


def _spot() -> list[Instrument]:
    pairs = [_currency_pair(pair) for pair in table.CURRENCY_PAIRS.split()]
    metals = [
        _lots(symbol, name, tick_size, tick_value, currency, "metals")
        for symbol, name, tick_size, tick_value, currency in _cells(table.METALS)
    ]
    indices = [
        _lots(symbol, name, "0.01", "0.01", currency, "equity_index")
        for symbol, name, currency, _ in _cells(table.INDEX_CFDS)
    ]
    return pairs + metals + indices


_SPOT = frozenset(_spot())  # they have no contract months
BUILT_IN: Mapping[str, Instrument] = {i.symbol: i for i in [*_futures(), *_SPOT]}
_SPELLINGS: Mapping[str, str] = {
    spelling: symbol for symbol, _, _, others in _cells(table.INDEX_CFDS) for spelling in others.split()
}

_CONTINUOUS = re.compile(r"([A-Z0-9]+?)[12]!")  # TradingView: NQ1!, 6E2!
_NINJATRADER = re.compile(r"([A-Z0-9]+) \d{2}-\d{2}")  # MNQ 12-26
_DATED = re.compile(r"([A-Z0-9]+?)[FGHJKMNQUVXZ](?:20)?\d{1,2}")  # NQZ6, NQZ26, NQZ2026
_PROJECTX = re.compile(r"CON\.F\.US\.([A-Z0-9]+)\.[FGHJKMNQUVXZ]\d{1,2}")
_PAIR = re.compile(r"([A-Z]{3})[/_-]([A-Z]{3})")  # EUR/USD


def find(symbol: str, extra: Mapping[str, Instrument] = NO_EXTRA) -> Instrument | None:
    """The instrument a symbol names, in any of the spellings charts and venues use; None if unknown.

    `extra` holds the database's own symbols and aliases, in capitals. A spelling that could mean
    something else is unknown rather than guessed: broker suffixes such as `.r` or `m` change the
    contract size at some brokers.
    """
    name = symbol.strip().upper().rpartition(":")[2].lstrip("/@")
    for candidate, is_contract in _candidates(name):
        known = BUILT_IN.get(candidate) or extra.get(candidate)
        if known is not None and not (is_contract and known in _SPOT):
            return known
    return None


def family_of(symbol: str) -> list[str]:
    """A built-in symbol with all that share its underlying; any other word (a group's) as it is."""
    known = find(symbol)
    if known is None:
        return [symbol]
    return [other.symbol for other in BUILT_IN.values() if other.family == known.family]


@lru_cache(maxsize=4096)
def _candidates(name: str) -> tuple[tuple[str, bool], ...]:
    """What `name` may stand for, the literal reading first; true: as a contract of a future."""
    found = [(name, False)]
    if name in _SPELLINGS:
        found.append((_SPELLINGS[name], False))
    matches = (pattern.fullmatch(name) for pattern in (_CONTINUOUS, _NINJATRADER, _DATED))
    found.extend((match[1], True) for match in matches if match)
    if match := _PROJECTX.fullmatch(name):
        found.append((table.PROJECTX_ROOTS.get(match[1], match[1]), True))
    if match := _PAIR.fullmatch(name):
        found.append((match[1] + match[2], False))
    if name.endswith(".CASH"):  # FTMO's index CFDs
        found.extend(_candidates(name.removesuffix(".CASH")))
    return tuple(found)
