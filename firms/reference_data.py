"""Rows that every installation starts with: built-in instruments, the usual sessions, known holidays.

Loaded after every migrate. Built-in instruments follow the core's table; sessions and the exchanges'
closures are a trader's own after the first time.
"""

from datetime import date, time
from typing import Any

from enforcement.instruments import BUILT_IN
from firms.models import Instrument, MarketClosure, TradingSession

SESSIONS = [
    ("ASIA", time(18), time(3)),
    ("LONDON", time(3), time(8)),
    ("NY PRE", time(8), time(9, 30)),
    ("NY AM", time(9, 30), time(12)),
    ("NY LUNCH", time(12), time(13, 30)),
    ("NY PM", time(13, 30), time(17)),
]
_CME = "https://www.cmegroup.com/tools-information/holiday-calendar.html"
_BROKER = "https://edgeclear.com/exchange-holiday-hours/"
# Date, group ("" for all), local close in Chicago (None: closed all day), name, where it was read.
CLOSURES = [
    (date(2026, 11, 26), "equity_index", time(12), "Thanksgiving", _BROKER),
    (date(2026, 11, 26), "rates", time(12), "Thanksgiving", _BROKER),
    (date(2026, 11, 26), "energy", time(13, 30), "Thanksgiving", _BROKER),
    (date(2026, 11, 26), "metals", time(13, 30), "Thanksgiving", _BROKER),
    (date(2026, 11, 27), "equity_index", time(12, 15), "day after Thanksgiving", _CME),
    (date(2026, 11, 27), "rates", time(12, 15), "day after Thanksgiving", _CME),
    (date(2026, 11, 27), "energy", time(13, 45), "day after Thanksgiving", _CME),
    (date(2026, 11, 27), "metals", time(13, 45), "day after Thanksgiving", _CME),
    (date(2026, 11, 26), "grains", None, "Thanksgiving", _BROKER),
    (date(2026, 11, 26), "livestock", None, "Thanksgiving", _BROKER),
    (date(2026, 11, 27), "currencies", time(12, 15), "day after Thanksgiving (not confirmed)", _CME),
    (date(2026, 11, 27), "crypto", time(12, 15), "day after Thanksgiving (not confirmed)", _CME),
    (date(2026, 11, 27), "grains", time(12, 5), "day after Thanksgiving (not confirmed)", _CME),
    (date(2026, 11, 27), "livestock", time(12, 5), "day after Thanksgiving (not confirmed)", _CME),
    (date(2026, 11, 27), "volatility", time(12, 15), "day after Thanksgiving (not confirmed)", _CME),
    (date(2026, 12, 25), "", None, "Christmas", _CME),
    (date(2027, 1, 1), "", None, "New Year's Day", _CME),
]
_READ_ON = date(2026, 11, 24)
_COLUMNS = ("name", "exchange", "tick_size", "tick_value", "currency", "weight", "family", "group", "step")


def load(using: str = "default", **_: Any) -> None:
    Instrument.objects.using(using).bulk_create(
        [
            Instrument(symbol=i.symbol, is_built_in=True, **{name: getattr(i, name) for name in _COLUMNS})
            for i in BUILT_IN.values()
        ],
        update_conflicts=True,
        unique_fields=["symbol"],
        update_fields=[*_COLUMNS, "is_built_in"],
    )
    if not TradingSession.objects.using(using).exists():
        TradingSession.objects.using(using).bulk_create(
            TradingSession(name=name, opens=opens, closes=closes) for name, opens, closes in SESSIONS
        )
    if not MarketClosure.objects.using(using).exists():
        MarketClosure.objects.using(using).bulk_create(
            MarketClosure(day=day, group=group, closes=closes, name=name, source_url=url, read_on=_READ_ON)
            for day, group, closes, name, url in CLOSURES
        )
