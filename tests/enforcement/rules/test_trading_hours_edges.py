"""Trading hours at the opening instant of a day on which nothing trades."""

from datetime import UTC, date, datetime, time, timedelta

import pytest

from enforcement.calendar import Closure, TradingHours
from enforcement.rules import trading_hours
from tests.enforcement.make import make_context, make_terms

pytestmark = pytest.mark.core

HOURS = TradingHours(time(18), time(17), "America/New_York")
SHUT = Closure(date(2026, 11, 26), "", None, "America/New_York", "Thanksgiving")
OPENING = datetime(2026, 11, 25, 23, 0, tzinfo=UTC)  # 18:00 in New York, of Thursday's trading day


@pytest.mark.parametrize(
    ("after", "code"),
    [(-1, "too_late"), (0, "holiday"), (1, "holiday")],
    ids=["a second before: Wednesday's is over", "its first instant", "a second later"],
)
def test_a_closed_day_is_a_holiday_from_its_first_instant(after: int, code: str) -> None:
    now = OPENING + timedelta(seconds=after)
    finding = trading_hours.check(make_context(now=now, terms=make_terms(hours=HOURS, closures=(SHUT,))))
    assert finding.code == f"trading_hours.{code}"
