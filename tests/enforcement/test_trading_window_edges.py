"""The window's own two questions at both of its ends, and days that are shortened."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest

from enforcement.calendar import Closure, TradingHours
from enforcement.program import FlatBy
from enforcement.trading_window import Window, window_of
from tests.enforcement.make import NOON, make_terms

pytestmark = pytest.mark.core

HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)
WINDOW = Window(NOON, NOON + HOUR, NOON + 2 * HOUR)


@pytest.mark.parametrize(
    ("at", "opens", "holds"),
    [
        (NOON - SECOND, False, False),
        (NOON, True, True),
        (NOON + HOUR - SECOND, True, True),
        (NOON + HOUR, False, True),
        (NOON + 2 * HOUR - SECOND, False, True),
        (NOON + 2 * HOUR, False, False),
    ],
    ids=["a second early", "its first instant", "just before the last entry", "at it", "just before flat", "at it, too"],
)  # fmt: skip
def test_a_window_is_half_open(at: datetime, opens: bool, holds: bool) -> None:
    assert (WINDOW.lets_open(at), WINDOW.lets_hold(at)) == (opens, holds)


def test_without_a_flat_by_a_position_may_be_held_at_any_time() -> None:
    assert Window(NOON, NOON + HOUR, None).lets_hold(NOON - HOUR)


CT = "America/Chicago"
BLACK_FRIDAY = Closure(date(2026, 11, 27), "", time(12, 15), CT, "an early close")  # 18:15 UTC
SAME = Closure(date(2026, 11, 27), "", time(15, 10), CT, "no shorter than any day")
SHORTER = Closure(date(2026, 11, 27), "", time(15, 9), CT, "a minute shorter")
THREE_TEN = FlatBy(at=time(15, 10), zone=CT, lead_minutes=2)
SHORT: list[Any] = [
    pytest.param({"flat_by": THREE_TEN}, "18:13", "18:15", "an early close", id="the lead of the flat-by counts before it"),
    pytest.param({"flat_by": THREE_TEN, "early_close_lead_minutes": 15}, "17:58", "18:00", "an early close", id="after its own lead"),
    pytest.param({"flat_by": THREE_TEN, "early_close_flat_by": time(12)}, "17:58", "18:00", "an early close", id="the firm's own time for such days"),
    pytest.param({"flat_by": THREE_TEN, "early_close_flat_by": time(12, 30)}, "18:13", "18:15", "an early close", id="the close, where that is earlier"),
    pytest.param({"hours": TradingHours(time(17), time(16), CT), "early_close_flat_by": time(12)}, "18:15", "18:15", "an early close", id="no flat-by, so no time of its own"),
    pytest.param({"flat_by": THREE_TEN, "closures": (SHORTER,)}, "21:07", "21:09", "a minute shorter", id="a minute shorter, less than the lead"),
    pytest.param({"flat_by": THREE_TEN, "closures": (SAME,)}, "21:08", "21:10", "", id="as late as ever: nothing to name"),
]  # fmt: skip


@pytest.mark.parametrize(("firm", "last_entry", "flat", "why"), SHORT)
def test_a_shortened_day(firm: dict[str, Any], last_entry: str, flat: str, why: str) -> None:
    at = datetime(2026, 11, 27, 15, tzinfo=UTC)
    found = window_of(make_terms(**{"closures": (BLACK_FRIDAY,), **firm}), at, "equity_index")
    assert found is not None
    assert found.flat is not None
    assert (f"{found.last_entry:%H:%M}", f"{found.flat:%H:%M}", found.closure) == (last_entry, flat, why)
