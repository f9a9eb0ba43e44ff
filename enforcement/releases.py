"""Which scheduled releases a news rule speaks of, and whether an instant lies in their windows."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from enforcement.context import NewsEvent
from enforcement.instruments import Instrument
from enforcement.program import NewsRule

# Futures on a currency are quoted in dollars; their own currency's releases move them as well.
_FUTURES_OF = {
    "6E": "EUR", "6B": "GBP", "6A": "AUD", "6J": "JPY", "6C": "CAD", "6S": "CHF", "6N": "NZD", "6M": "MXN",
}  # fmt: skip
_NAMES = (("nfp", "non-farm", "nonfarm", "non farm"), ("fomc",), ("cpi", "consumer price"))
IMPACTS = frozenset({"high", "medium", "low"})


def in_window(
    rules: Iterable[NewsRule], events: Iterable[NewsEvent], instrument: Instrument, at: datetime
) -> Iterator[tuple[NewsRule, NewsEvent]]:
    """The rules and releases that hold for an instrument at an instant. Both ends are inside, counted in
    seconds: 120 seconds before is in, 121 is not."""
    events = tuple(events)
    for rule in rules:
        before, after = timedelta(seconds=rule.before_seconds), timedelta(seconds=rule.after_seconds)
        for event in events:
            near = event.at - before <= at <= event.at + after
            if near and _speaks_of(rule, event) and _concerns(rule, event, instrument):
                yield rule, event


def _speaks_of(rule: NewsRule, event: NewsEvent) -> bool:
    """A word of the rule is an impact, or stands in the release's name; no words: every release."""
    if not rule.events:
        return True
    name = event.name.casefold()
    for entry in rule.events:
        word = entry.casefold()
        if (
            event.impact.casefold() == word
            if word in IMPACTS
            else any(known in name for known in _alike(word))
        ):
            return True
    return False


def _alike(word: str) -> tuple[str, ...]:
    """A release goes by several names."""
    return next((names for names in _NAMES if any(name in word for name in names)), (word,))


def _concerns(rule: NewsRule, event: NewsEvent, instrument: Instrument) -> bool:
    own = {instrument.symbol, instrument.group}
    if rule.products and own.isdisjoint(rule.products):
        return False
    if event.targets:
        return not own.isdisjoint(event.targets)
    moved = (instrument.currency, _FUTURES_OF.get(instrument.family, ""))
    return event.currency in moved or event.currency in instrument.symbol
