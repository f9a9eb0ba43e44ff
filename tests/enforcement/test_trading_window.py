"""Until when a position may be opened and held: hours, flat-by, holidays, early closes together."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enforcement.calendar import Closure, TradingHours
from enforcement.program import FlatBy
from enforcement.trading_window import Window, window_of
from tests.enforcement.make import CHICAGO, PROPERTY, make_terms

pytestmark = pytest.mark.core

CT, ET = "America/Chicago", "America/New_York"
HOURS = TradingHours(time(18), time(17), ET)
THREE_TEN = FlatBy(at=time(15, 10), zone=CT)
EARLY = Closure(date(2026, 11, 27), "equity_index", time(13, 15), ET, "an early close")
SHUT = Closure(date(2026, 11, 26), "", None, ET, "Thanksgiving")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def window(now: str, group: str = "equity_index", **firm: Any) -> Window:
    found = window_of(make_terms(**firm), at(now), group)
    assert found is not None
    return found


# A Tuesday in summer time: New York UTC-4, Chicago UTC-5.
TUESDAY = "2026-03-10T15:00:00"
WINDOWS: list[Any] = [
    pytest.param({"hours": HOURS}, "2026-03-09T22:00:00", "2026-03-10T21:00:00", "2026-03-10T21:00:00", id="hours alone: flat at the close"),
    pytest.param({"flat_by": THREE_TEN}, "2026-03-09T22:00:00", "2026-03-10T20:10:00", "2026-03-10T20:10:00", id="flat-by alone: from the reset on"),
    pytest.param({"hours": HOURS, "flat_by": THREE_TEN}, "2026-03-09T22:00:00", "2026-03-10T20:10:00", "2026-03-10T20:10:00", id="both: flat-by ends it"),
    pytest.param({"flat_by": FlatBy(at=time(15, 10), zone=CT, lead_minutes=2)}, "2026-03-09T22:00:00", "2026-03-10T20:08:00", "2026-03-10T20:10:00", id="with a lead of two minutes"),
    pytest.param({"hours": HOURS, "no_entry_minutes": 30}, "2026-03-09T22:00:00", "2026-03-10T20:30:00", "2026-03-10T21:00:00", id="no entries in the last half hour"),
    pytest.param({"flat_by": FlatBy(at=time(15, 10), zone=CT, lead_minutes=2), "no_entry_minutes": 5}, "2026-03-09T22:00:00", "2026-03-10T20:03:00", "2026-03-10T20:10:00", id="lead and no-entry minutes add up"),
    pytest.param({"flat_by": FlatBy(at=time(17), zone=CT)}, "2026-03-09T22:00:00", "2026-03-10T22:00:00", "2026-03-10T22:00:00", id="flat by the reset itself"),
    pytest.param({"hours": HOURS, "flat_by": FlatBy(at=time(17, 30), zone=ET)}, "2026-03-09T22:00:00", "2026-03-10T21:00:00", "2026-03-10T21:00:00", id="a flat-by after the close is the close"),
]  # fmt: skip


@pytest.mark.parametrize(("firm", "opens", "last_entry", "flat"), WINDOWS)
def test_a_window_of_an_ordinary_day(firm: dict[str, Any], opens: str, last_entry: str, flat: str) -> None:
    found = window(TUESDAY, **firm)
    assert (found.opens, found.last_entry, found.flat) == (at(opens), at(last_entry), at(flat))
    assert found.closure == ""


def test_a_program_without_either_has_no_window() -> None:
    assert window_of(make_terms(), at(TUESDAY), "equity_index") is None
    assert window_of(make_terms(closures=(SHUT,)), at("2026-11-26T15:00:00"), "equity_index") is None


def test_at_its_ends_a_window_is_half_open() -> None:
    found = window(TUESDAY, flat_by=FlatBy(at=time(15, 10), zone=CT, lead_minutes=2))
    second = timedelta(seconds=1)
    assert [found.lets_open(found.opens + d) for d in (-second, 0 * second)] == [False, True]
    assert [found.lets_open(found.last_entry + d) for d in (-second, 0 * second)] == [True, False]
    assert found.flat is not None
    assert [found.lets_hold(found.flat + d) for d in (-second, 0 * second)] == [True, False]
    assert Window(found.opens, found.last_entry, None).lets_hold(found.last_entry + timedelta(days=3))


CLOSURES: list[Any] = [
    pytest.param("2026-11-27T15:00:00", "equity_index", "2026-11-27T18:15:00", "an early close", id="the group's early close"),
    pytest.param("2026-11-27T15:00:00", "energy", "2026-11-27T22:00:00", "", id="another group's day is whole"),
    pytest.param("2026-11-27T15:00:00", "", "2026-11-27T22:00:00", "", id="an unknown product's too"),
    pytest.param("2026-11-26T15:00:00", "energy", "2026-11-25T23:00:00", "Thanksgiving", id="a holiday shuts every group at its opening"),
    pytest.param("2026-11-25T15:00:00", "energy", "2026-11-25T22:00:00", "", id="the day before is whole"),
]  # fmt: skip


@pytest.mark.parametrize(("now", "group", "last_entry", "why"), CLOSURES)
def test_holidays_and_early_closes(now: str, group: str, last_entry: str, why: str) -> None:
    found = window(now, group, hours=HOURS, closures=(EARLY, SHUT))
    assert (found.last_entry, found.flat, found.closure) == (at(last_entry), at(last_entry), why)


def test_hours_to_midnight_are_shortened_on_their_own_date() -> None:
    """They close at Friday's first instant, and are Thursday's all the same."""
    hours = TradingHours(time(13, 30), time(0), ET)
    shut = window("2026-11-26T20:00:00", hours=hours, closures=(SHUT,))
    assert (shut.last_entry, shut.closure) == (at("2026-11-26T18:30:00"), "Thanksgiving")
    early = Closure(date(2026, 11, 27), "", time(20), ET, "an early close")
    assert window("2026-11-26T20:00:00", hours=hours, closures=(early,)).flat == at("2026-11-27T05:00:00")
    assert window("2026-11-27T20:00:00", hours=hours, closures=(early,)).flat == at("2026-11-28T01:00:00")


def test_nothing_is_opened_on_sunday_in_hours_that_close_at_midnight() -> None:
    hours = TradingHours(time(13, 30), time(0), ET)
    found = window("2026-03-15T20:00:00", hours=hours)
    assert not found.lets_open(at("2026-03-15T20:00:00"))
    assert window("2026-03-13T20:00:00", hours=hours).lets_open(at("2026-03-13T20:00:00"))


def test_an_early_close_has_a_lead_of_its_own() -> None:
    found = window("2026-11-27T15:00:00", hours=HOURS, closures=(EARLY,), early_close_lead_minutes=15)
    assert (found.last_entry, found.flat) == (at("2026-11-27T18:00:00"), at("2026-11-27T18:00:00"))


def test_an_early_close_after_the_flat_by_shortens_nothing() -> None:
    late = Closure(date(2026, 11, 27), "", time(16, 30), ET, "late")
    found = window("2026-11-27T15:00:00", flat_by=THREE_TEN, closures=(late,))
    assert (found.flat, found.closure) == (at("2026-11-27T21:10:00"), "")


def test_of_two_early_closes_the_earlier_counts() -> None:
    later = Closure(date(2026, 11, 27), "", time(14, 45), ET, "everybody")
    for closures in ((EARLY, later), (later, EARLY)):
        found = window("2026-11-27T15:00:00", hours=HOURS, closures=closures)
        assert (found.last_entry, found.closure) == (at("2026-11-27T18:15:00"), "an early close")


DST: list[Any] = [
    pytest.param("2026-03-06T15:00:00", "2026-03-06T21:10:00", id="Chicago in winter"),
    pytest.param("2026-03-09T15:00:00", "2026-03-09T20:10:00", id="the Monday after the change"),
    pytest.param("2026-10-30T15:00:00", "2026-10-30T20:10:00", id="Europe in winter already"),
    pytest.param("2026-11-02T15:00:00", "2026-11-02T21:10:00", id="the Monday it changes back"),
    pytest.param("2026-03-07T15:00:00", "2026-03-06T21:10:00", id="Saturday still stands in Friday's"),
    pytest.param("2026-03-08T22:00:00", "2026-03-09T20:10:00", id="Sunday's open is Monday's"),
]


@pytest.mark.parametrize(("now", "flat"), DST)
def test_flat_by_keeps_its_local_time(now: str, flat: str) -> None:
    assert window(now, flat_by=THREE_TEN).flat == at(flat)


@PROPERTY
@given(
    moment=st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)),
    firm=st.sampled_from([{"hours": HOURS}, {"flat_by": THREE_TEN}, {"hours": HOURS, "flat_by": THREE_TEN}]),
    closures=st.sampled_from([(), (EARLY, SHUT)]),
)
def test_where_a_position_may_be_opened_it_may_be_held(
    moment: datetime, firm: dict[str, Any], closures: tuple[Closure, ...]
) -> None:
    now = moment.replace(tzinfo=UTC)
    found = window_of(make_terms(closures=closures, **firm), now, "equity_index")
    assert found is not None
    assert found.flat is not None
    if found.lets_open(now):
        assert found.lets_hold(now)
        assert found.flat <= CHICAGO.next_reset(now), "never held over the reset"
