"""Which instrument a symbol names: the core's own table, then what the database adds."""

from enforcement.instruments import Instrument, find
from firms import models


def extra_instruments() -> dict[str, Instrument]:
    """The database's additions under every spelling, in capitals."""
    return {
        spelling: row.to_core()
        for row in models.Instrument.objects.filter(is_built_in=False)
        for spelling in row.spellings
    }


def family(symbol: str) -> str:
    """The symbol family: mini and micro, every contract month. An unknown symbol is its own."""
    instrument = find_instrument(symbol)
    return instrument.family if instrument else symbol


def find_instrument(symbol: str) -> Instrument | None:
    """One symbol's instrument. The database is asked only for what the core does not know."""
    return (find(symbol) or find(symbol, extra_instruments())) if symbol else None
