"""Rows that every installation starts with: built-in instruments, and the usual sessions.

Loaded after every migrate. Built-in instruments follow the core's table; sessions are a trader's own
after the first time.
"""

from datetime import time
from typing import Any

from enforcement.instruments import BUILT_IN
from firms.models import Instrument, TradingSession

SESSIONS = [
    ("ASIA", time(18), time(3)),
    ("LONDON", time(3), time(8)),
    ("NY PRE", time(8), time(9, 30)),
    ("NY AM", time(9, 30), time(12)),
    ("NY LUNCH", time(12), time(13, 30)),
    ("NY PM", time(13, 30), time(17)),
]
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
