"""Clocks at their edges: a reset at noon, hours and sessions that close when they open."""

from datetime import UTC, date, datetime, time

import pytest

from enforcement.calendar import Session, TradingDay, TradingHours

pytestmark = pytest.mark.core

WEDNESDAY, THURSDAY = date(2026, 3, 4), date(2026, 3, 5)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("reset", "opened"),
    [(time(11, 30), WEDNESDAY), (time(12), THURSDAY), (time(12, 30), THURSDAY)],
    ids=["in the morning: its own date", "at noon: the next", "in the afternoon: the next"],
)
def test_a_reset_from_noon_on_opens_the_next_date(reset: time, opened: date) -> None:
    assert TradingDay("UTC", reset).day_of(at("2026-03-04T18:00:00")) == opened


def test_a_session_that_closes_when_it_opens_lasts_all_day() -> None:
    whole = Session("ALL", time(18), time(18), "UTC")
    assert [whole.is_open(at(f"2026-03-04T{hour:02}:00:00")) for hour in (0, 6, 17, 18, 23)] == [True] * 5


def test_hours_that_close_when_they_open_close_on_the_next_date() -> None:
    opens, closes = TradingHours(time(18), time(18), "UTC").span_of(at("2026-03-04T18:00:00"))
    assert (opens, closes) == (at("2026-03-04T18:00:00"), at("2026-03-05T18:00:00"))


@pytest.mark.parametrize(
    ("at", "is_open"),
    [
        pytest.param(datetime(2026, 11, 27, 20, tzinfo=UTC), True, id="Friday, before midnight"),
        pytest.param(datetime(2026, 11, 28, 0, tzinfo=UTC), False, id="Saturday, midnight itself"),
        pytest.param(datetime(2026, 11, 29, 20, tzinfo=UTC), False, id="Sunday is no Monday"),
        pytest.param(datetime(2026, 11, 30, 20, tzinfo=UTC), True, id="Monday"),
    ],
)
def test_a_session_that_closes_at_midnight_belongs_to_the_date_it_opens_on(
    at: datetime, is_open: bool
) -> None:
    assert Session("LATE", time(13, 30), time(0), "UTC").is_open(at) is is_open
