"""Trading days and sessions by the clocks that firms use, through clock changes and weekends."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enforcement.calendar import Session, TradingDay, TradingHours, instant, session_at
from tests.enforcement.make import ASIA, CHICAGO, LONDON, NY_AM, NY_LUNCH, PRAGUE, PROPERTY, TOPSTEP_DAY

pytestmark = pytest.mark.core

NEW_YORK = TradingDay("America/New_York", time(17), rests_at_weekend=False)
UTC_PLUS_3 = TradingDay("Etc/GMT-3", time(0), rests_at_weekend=False)
HALF_PAST = TradingDay("UTC", time(0, 30), rests_at_weekend=False)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


RESETS = [
    # 17:00 Chicago: 23:00 UTC in winter, 22:00 in summer; it opens the next day's date
    pytest.param(CHICAGO, "2026-03-05T23:00:00", "2026-03-06", id="Chicago in winter"),
    pytest.param(CHICAGO, "2026-03-10T22:00:00", "2026-03-11", id="Chicago in summer"),
    pytest.param(CHICAGO, "2026-10-29T22:00:00", "2026-10-30", id="Chicago when Europe is in winter already"),
    pytest.param(CHICAGO, "2026-12-31T23:00:00", "2027-01-01", id="Chicago over New Year"),
    # 00:00 Prague: 23:00 UTC in winter, 22:00 from 29 March
    pytest.param(PRAGUE, "2026-03-03T23:00:00", "2026-03-04", id="Prague in winter"),
    pytest.param(PRAGUE, "2026-03-19T23:00:00", "2026-03-20", id="Prague when New York is in summer already"),
    pytest.param(PRAGUE, "2026-03-29T22:00:00", "2026-03-30", id="Prague in summer"),
    pytest.param(PRAGUE, "2026-10-25T23:00:00", "2026-10-26", id="Prague back in winter"),
    # 17:00 New York: 22:00 UTC in winter, 21:00 in summer
    pytest.param(NEW_YORK, "2026-03-05T22:00:00", "2026-03-06", id="New York in winter"),
    pytest.param(NEW_YORK, "2026-03-10T21:00:00", "2026-03-11", id="New York in summer"),
    pytest.param(NEW_YORK, "2026-11-02T22:00:00", "2026-11-03", id="New York back in winter"),
    # fixed offsets know no clock change
    pytest.param(UTC_PLUS_3, "2026-01-15T21:00:00", "2026-01-16", id="UTC+3 in January"),
    pytest.param(UTC_PLUS_3, "2026-07-15T21:00:00", "2026-07-16", id="UTC+3 in July"),
    pytest.param(HALF_PAST, "2026-07-16T00:30:00", "2026-07-16", id="half past midnight UTC"),
]


@pytest.mark.parametrize(("day", "reset", "opened"), RESETS)
def test_the_reset_instant_belongs_to_the_new_day_and_the_second_before_to_the_old(
    day: TradingDay, reset: str, opened: str
) -> None:
    new = date.fromisoformat(opened)
    assert day.day_of(at(reset)) == new
    assert day.day_of(at(reset) - timedelta(seconds=1)) == new - timedelta(days=1)
    assert day.opens_at(new) == at(reset)
    assert day.next_reset(at(reset) - timedelta(seconds=1)) == at(reset)
    assert day.next_reset(at(reset)) > at(reset)


@pytest.mark.parametrize(
    ("moment", "trading_day"),
    [
        pytest.param("2026-03-06T22:59:59", "2026-03-06", id="Friday's last second"),
        pytest.param(
            "2026-03-06T23:00:00", "2026-03-06", id="Friday 17:00: the market rests, it is still Friday"
        ),
        pytest.param("2026-03-07T12:00:00", "2026-03-06", id="Saturday is Friday's"),
        pytest.param("2026-03-08T21:59:59", "2026-03-06", id="Sunday before the open is Friday's"),
        pytest.param("2026-03-08T22:00:00", "2026-03-09", id="Sunday evening is Monday's"),
        pytest.param("2026-03-09T12:00:00", "2026-03-09", id="Monday"),
    ],
)
def test_a_futures_weekend(moment: str, trading_day: str) -> None:
    assert CHICAGO.day_of(at(moment)) == date.fromisoformat(trading_day)


def test_what_holds_until_the_next_day_holds_from_friday_to_sundays_open() -> None:
    assert CHICAGO.next_day(date(2026, 3, 6)) == date(2026, 3, 9)
    assert CHICAGO.next_reset(at("2026-03-06T20:00:00")) == at("2026-03-08T22:00:00")
    assert CHICAGO.next_reset(at("2026-03-07T20:00:00")) == at("2026-03-08T22:00:00")


def test_where_the_market_never_rests_saturday_is_a_day() -> None:
    assert PRAGUE.day_of(at("2026-03-07T12:00:00")) == date(2026, 3, 7)
    assert PRAGUE.next_day(date(2026, 3, 6)) == date(2026, 3, 7)


@pytest.mark.parametrize(
    ("day", "first", "hours"),
    [
        pytest.param(PRAGUE, "2026-03-29", 23, id="Prague springs forward"),
        pytest.param(PRAGUE, "2026-10-25", 25, id="Prague falls back"),
        pytest.param(NEW_YORK, "2026-03-08", 23, id="New York springs forward"),
        pytest.param(NEW_YORK, "2026-11-01", 25, id="New York falls back"),
        pytest.param(UTC_PLUS_3, "2026-03-29", 24, id="a fixed offset does not"),
    ],
)
def test_days_of_23_and_25_hours_exist(day: TradingDay, first: str, hours: int) -> None:
    opened = date.fromisoformat(first)
    assert day.opens_at(day.next_day(opened)) - day.opens_at(opened) == timedelta(hours=hours)


def test_prague_and_new_york_are_five_hours_apart_for_four_weeks_a_year() -> None:
    midnight = PRAGUE.opens_at(date(2026, 3, 20))
    assert midnight == at("2026-03-19T23:00:00")  # 19:00 in New York, not 18:00


@PROPERTY
@given(
    day=st.sampled_from([CHICAGO, PRAGUE, NEW_YORK, UTC_PLUS_3, HALF_PAST]),
    moment=st.datetimes(datetime(2025, 1, 1), datetime(2028, 1, 1)),
)
def test_every_instant_lies_in_exactly_the_day_it_is_said_to_be_of(day: TradingDay, moment: datetime) -> None:
    now = moment.replace(tzinfo=UTC)
    today = day.day_of(now)
    assert day.opens_at(today) <= now < day.opens_at(day.next_day(today)) == day.next_reset(now)


SESSIONS = (ASIA, LONDON, NY_AM, NY_LUNCH)


@pytest.mark.parametrize(
    ("moment", "name"),
    [
        pytest.param("2026-03-04T14:29:59", None, id="a second before NY AM, in a gap of these four"),
        pytest.param("2026-03-04T14:30:00", "NY AM", id="NY AM opens 09:30 in New York"),
        pytest.param("2026-03-04T16:59:59", "NY AM", id="NY AM's last second"),
        pytest.param(
            "2026-03-04T17:00:00", "NY LUNCH", id="at its close a session is shut, the next is open"
        ),
        pytest.param("2026-03-10T13:30:00", "NY AM", id="an hour earlier by UTC in summer"),
        pytest.param("2026-03-04T23:00:00", "ASIA", id="ASIA opens 18:00"),
        pytest.param("2026-03-05T07:59:59", "ASIA", id="ASIA runs over midnight"),
        pytest.param("2026-03-05T08:00:00", "LONDON", id="LONDON opens 03:00"),
        pytest.param("2026-03-08T22:00:00", "ASIA", id="Sunday's ASIA is Monday's"),
        pytest.param("2026-03-08T21:59:59", None, id="a second before it"),
        pytest.param("2026-03-06T23:30:00", None, id="Friday evening's ASIA would be Saturday's"),
        pytest.param("2026-03-07T07:00:00", None, id="Saturday before dawn"),
        pytest.param("2026-03-07T15:00:00", None, id="Saturday morning"),
        pytest.param("2026-03-08T15:00:00", None, id="Sunday morning"),
        pytest.param("2026-03-06T07:00:00", "ASIA", id="Friday before dawn is Friday's ASIA"),
    ],
)
def test_the_session_at_an_instant(moment: str, name: str | None) -> None:
    assert session_at(at(moment), SESSIONS) == name


def test_no_session_is_open_where_none_is_allowed() -> None:
    assert session_at(at("2026-03-04T15:00:00"), ()) is None


def test_a_session_keeps_its_own_zones_clock() -> None:
    frankfurt = Session("FRANKFURT", time(9), time(17, 30), "Europe/Berlin")
    assert frankfurt.is_open(at("2026-03-04T08:00:00"))
    assert not frankfurt.is_open(at("2026-03-04T07:59:59"))
    assert frankfurt.is_open(at("2026-04-01T07:00:00"))


# --- closes -------------------------------------------------------------------------------------------

APEX_DAY = TradingDay("America/Chicago", time(17), close=time(16, 59, 59), close_zone="America/New_York")
PRAGUE_2300 = TradingDay("Europe/Prague", time(0), rests_at_weekend=False, close=time(23))
CLOSES = [
    # 15:10 Chicago: 21:10 UTC in winter, 20:10 in summer; the day began at 17:00 the evening before
    pytest.param(TOPSTEP_DAY, "2026-03-05", "2026-03-05T21:10:00", id="Topstep in winter"),
    pytest.param(TOPSTEP_DAY, "2026-03-10", "2026-03-10T20:10:00", id="Topstep in summer"),
    pytest.param(TOPSTEP_DAY, "2026-03-09", "2026-03-09T20:10:00", id="Topstep on the Monday after the change"),
    pytest.param(TOPSTEP_DAY, "2026-11-02", "2026-11-02T21:10:00", id="Topstep on the Monday it changes back"),
    pytest.param(APEX_DAY, "2026-03-10", "2026-03-10T20:59:59", id="Apex, by New York's clock"),
    pytest.param(PRAGUE_2300, "2026-03-28", "2026-03-28T22:00:00", id="Prague before its change"),
    pytest.param(PRAGUE_2300, "2026-03-29", "2026-03-29T21:00:00", id="Prague on the day of it"),
    pytest.param(PRAGUE_2300, "2026-10-25", "2026-10-25T22:00:00", id="Prague when it changes back"),
    # without a close of its own a day closes with the next reset
    pytest.param(CHICAGO, "2026-03-05", "2026-03-05T23:00:00", id="at the reset"),
    pytest.param(CHICAGO, "2026-03-06", "2026-03-08T22:00:00", id="Friday's at Sunday's open"),
    pytest.param(PRAGUE, "2026-03-28", "2026-03-28T23:00:00", id="at Prague's midnight"),
    # a close at the very time of the reset is the one that ends the day
    pytest.param(TradingDay("America/Chicago", time(17), close=time(17)), "2026-03-05", "2026-03-05T23:00:00", id="at the time of the reset"),
]  # fmt: skip


@pytest.mark.parametrize(("day", "of", "closes"), CLOSES)
def test_when_a_day_closes(day: TradingDay, of: str, closes: str) -> None:
    closed, moment = date.fromisoformat(of), at(closes)
    assert day.closes_at(closed) == moment
    assert day.last_closed(moment) == closed, "the closing instant is closed"
    assert day.last_closed(moment - timedelta(seconds=1)) == day.day_before(closed)
    assert day.next_close(moment - timedelta(seconds=1)) == moment
    assert day.next_close(moment) == day.closes_at(day.next_day(closed))


@pytest.mark.parametrize(
    ("moment", "last"),
    [
        pytest.param("2026-03-06T21:09:59", "2026-03-05", id="Friday, a second before the close"),
        pytest.param("2026-03-06T21:10:00", "2026-03-06", id="Friday's close"),
        pytest.param("2026-03-07T12:00:00", "2026-03-06", id="Saturday"),
        pytest.param("2026-03-08T22:00:00", "2026-03-06", id="Sunday's open is Monday, not yet closed"),
        pytest.param("2026-03-09T20:10:00", "2026-03-09", id="Monday's close, an hour earlier by UTC"),
    ],
)
def test_the_last_close_over_a_weekend(moment: str, last: str) -> None:
    assert TOPSTEP_DAY.last_closed(at(moment)) == date.fromisoformat(last)


@PROPERTY
@given(
    day=st.sampled_from(
        [CHICAGO, TOPSTEP_DAY, APEX_DAY, PRAGUE, PRAGUE_2300, NEW_YORK, UTC_PLUS_3, HALF_PAST]
    ),
    moment=st.datetimes(datetime(2025, 1, 1), datetime(2028, 1, 1)),
)
def test_the_last_close_is_past_and_the_next_is_to_come(day: TradingDay, moment: datetime) -> None:
    now = moment.replace(tzinfo=UTC)
    last = day.last_closed(now)
    assert day.closes_at(last) <= now < day.next_close(now)
    assert day.opens_at(last) < day.closes_at(last) <= day.opens_at(day.next_day(last))
    assert day.day_before(day.next_day(last)) == last


def test_a_days_close_and_its_next_reset_may_be_23_or_25_hours_from_the_ones_before() -> None:
    def gap(day: TradingDay, of: str) -> timedelta:
        closed = date.fromisoformat(of)
        return day.closes_at(closed) - day.closes_at(day.day_before(closed))

    assert gap(PRAGUE_2300, "2026-03-29") == timedelta(hours=23)
    assert gap(PRAGUE_2300, "2026-10-25") == timedelta(hours=25)
    assert gap(TOPSTEP_DAY, "2026-03-09") == timedelta(hours=3 * 24 - 1), "over the weekend of the change"
    assert gap(TOPSTEP_DAY, "2026-11-02") == timedelta(hours=3 * 24 + 1)


# --- hours --------------------------------------------------------------------------------------------

NIGHT = TradingHours(time(18), time(17), "America/New_York")
DAYTIME = TradingHours(time(9), time(17), "America/New_York")
TO_MIDNIGHT = TradingHours(time(13, 30), time(0), "UTC")
ALL_DAY = TradingHours(time(0), time(0), "UTC")
SPANS = [
    pytest.param(NIGHT, "2026-03-10T12:00:00", "2026-03-09T22:00:00", "2026-03-10T21:00:00", id="Tuesday's began on Monday evening"),
    pytest.param(NIGHT, "2026-03-10T20:59:59", "2026-03-09T22:00:00", "2026-03-10T21:00:00", id="its last second"),
    pytest.param(NIGHT, "2026-03-10T22:00:00", "2026-03-10T22:00:00", "2026-03-11T21:00:00", id="at the opening the next one holds"),
    pytest.param(NIGHT, "2026-03-13T23:00:00", "2026-03-15T22:00:00", "2026-03-16T21:00:00", id="Friday evening: Monday's"),
    pytest.param(NIGHT, "2026-03-14T12:00:00", "2026-03-15T22:00:00", "2026-03-16T21:00:00", id="Saturday: Monday's"),
    pytest.param(NIGHT, "2026-03-15T12:00:00", "2026-03-15T22:00:00", "2026-03-16T21:00:00", id="Sunday morning: Monday's"),
    pytest.param(NIGHT, "2026-03-06T12:00:00", "2026-03-05T23:00:00", "2026-03-06T22:00:00", id="in winter an hour later by UTC"),
    pytest.param(NIGHT, "2026-10-30T12:00:00", "2026-10-29T22:00:00", "2026-10-30T21:00:00", id="Europe in winter, New York in summer"),
    pytest.param(DAYTIME, "2026-03-10T12:59:59", "2026-03-10T13:00:00", "2026-03-10T21:00:00", id="before nine: today's"),
    pytest.param(DAYTIME, "2026-03-10T20:59:59", "2026-03-10T13:00:00", "2026-03-10T21:00:00", id="before five: today's"),
    pytest.param(DAYTIME, "2026-03-10T21:00:00", "2026-03-11T13:00:00", "2026-03-11T21:00:00", id="at five: tomorrow's"),
    pytest.param(DAYTIME, "2026-03-13T21:00:00", "2026-03-16T13:00:00", "2026-03-16T21:00:00", id="Friday at five: Monday's"),
    pytest.param(TO_MIDNIGHT, "2026-03-10T14:00:00", "2026-03-10T13:30:00", "2026-03-11T00:00:00", id="to midnight: it ends its own date"),
    pytest.param(TO_MIDNIGHT, "2026-03-10T23:59:59", "2026-03-10T13:30:00", "2026-03-11T00:00:00", id="its last second"),
    pytest.param(TO_MIDNIGHT, "2026-03-11T00:00:00", "2026-03-11T13:30:00", "2026-03-12T00:00:00", id="at midnight the next one's"),
    pytest.param(TO_MIDNIGHT, "2026-03-13T20:00:00", "2026-03-13T13:30:00", "2026-03-14T00:00:00", id="to midnight on Friday: Friday's, open"),
    pytest.param(TO_MIDNIGHT, "2026-03-14T00:00:00", "2026-03-16T13:30:00", "2026-03-17T00:00:00", id="at Friday's midnight: Monday's"),
    pytest.param(TO_MIDNIGHT, "2026-03-15T20:00:00", "2026-03-16T13:30:00", "2026-03-17T00:00:00", id="to midnight on Sunday: Monday's, not open yet"),
    pytest.param(ALL_DAY, "2026-03-13T00:00:00", "2026-03-13T00:00:00", "2026-03-14T00:00:00", id="from midnight to midnight: one date"),
    pytest.param(ALL_DAY, "2026-03-15T12:00:00", "2026-03-16T00:00:00", "2026-03-17T00:00:00", id="from midnight to midnight on Sunday: Monday's"),
]  # fmt: skip


@pytest.mark.parametrize(("hours", "moment", "opens", "closes"), SPANS)
def test_the_span_that_holds_an_instant_or_the_next(
    hours: TradingHours, moment: str, opens: str, closes: str
) -> None:
    assert hours.span_of(at(moment)) == (at(opens), at(closes))


def test_between_close_and_opening_the_span_that_is_just_over_is_given() -> None:
    """17:30 in New York: closed either way; the next span opens at 18:00."""
    assert NIGHT.span_of(at("2026-03-10T21:30:00")) == (at("2026-03-09T22:00:00"), at("2026-03-10T21:00:00"))


@pytest.mark.parametrize(
    ("day", "local", "utc"),
    [
        ("2026-03-29", "02:30", "2026-03-29T01:30:00"),
        ("2026-10-25", "02:30", "2026-10-25T00:30:00"),
        ("2026-03-29", "03:00", "2026-03-29T01:00:00"),
    ],
    ids=["skipped: by the clock before", "twice: the first", "just after the gap"],
)
def test_a_local_time_that_a_clock_change_skips_or_repeats(day: str, local: str, utc: str) -> None:
    assert instant(date.fromisoformat(day), time.fromisoformat(local), "Europe/Prague") == at(utc)
