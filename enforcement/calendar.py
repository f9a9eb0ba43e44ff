"""Local rule time to instants and back: the trading day and the named sessions.

Rule times are local times of a named zone. Every instant is aware UTC. A local time is turned into an
instant with the zone data base each time, never by adding 24 hours: days of 23 and 25 hours exist.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

ONE_DAY = timedelta(days=1)
FRIDAY, SATURDAY, SUNDAY = 4, 5, 6
NOON = time(12)
MIDNIGHT = time(0)


@lru_cache
def zone_named(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def instant(day: date, at: time, zone: str) -> datetime:
    """The instant of a local time. One that a clock change skips is read by the clock before the change,
    one that comes twice means the first."""
    return datetime.combine(day, at, zone_named(zone)).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class TradingDay:
    """A program's accounting day: it begins at `reset` in `zone`.

    A reset after noon opens the next calendar day: 17:00 Chicago on Sunday begins Monday. Where the
    market rests at the weekend, Friday lasts until Sunday's reset, and with it everything that holds
    "until the next trading day". The reset instant itself belongs to the new day.

    `close` is the local time at which the day's closing balance is taken, in `close_zone` (None: the
    day's own zone). Without one the day closes with the next reset.
    """

    zone: str
    reset: time
    rests_at_weekend: bool = True
    close: time | None = None
    close_zone: str | None = None

    def day_of(self, at: datetime) -> date:
        local = at.astimezone(zone_named(self.zone))
        day = local.date() if local.time() >= self.reset else local.date() - ONE_DAY
        if self._opens_next_date:
            day += ONE_DAY
        if self.rests_at_weekend:
            while day.weekday() in (SATURDAY, SUNDAY):
                day -= ONE_DAY
        return day

    def opens_at(self, day: date) -> datetime:
        """The instant at which trading day `day` begins."""
        return instant(day - ONE_DAY if self._opens_next_date else day, self.reset, self.zone)

    def next_day(self, day: date) -> date:
        following = day + ONE_DAY
        if self.rests_at_weekend:
            while following.weekday() in (SATURDAY, SUNDAY):
                following += ONE_DAY
        return following

    def day_before(self, day: date) -> date:
        earlier = day - ONE_DAY
        if self.rests_at_weekend:
            while earlier.weekday() in (SATURDAY, SUNDAY):
                earlier -= ONE_DAY
        return earlier

    def next_reset(self, at: datetime) -> datetime:
        """The first reset after `at`."""
        return self.opens_at(self.next_day(self.day_of(at)))

    def closes_at(self, day: date) -> datetime:
        """The instant at which the closing balance of trading day `day` is taken: after its reset."""
        return _closes_at(self, day)

    def last_closed(self, at: datetime) -> date:
        """The latest trading day whose close is not after `at`."""
        today = self.day_of(at)
        return today if self.closes_at(today) <= at else self.day_before(today)

    def next_close(self, at: datetime) -> datetime:
        """The first close after `at`."""
        return self.closes_at(self.next_day(self.last_closed(at)))

    @property
    def _opens_next_date(self) -> bool:
        return self.reset >= NOON


@lru_cache(maxsize=4096)
def _closes_at(day: TradingDay, date_of_day: date) -> datetime:
    if day.close is None:
        return day.opens_at(day.next_day(date_of_day))
    zone, opens = day.close_zone or day.zone, day.opens_at(date_of_day)
    local_date = opens.astimezone(zone_named(zone)).date()
    closes = instant(local_date, day.close, zone)
    return closes if closes > opens else instant(local_date + ONE_DAY, day.close, zone)


@dataclass(frozen=True, slots=True)
class Session:
    """A named span of the trading day, half-open: at `opens` it is open, at `closes` it is not.

    A session belongs to the day it closes on, so ASIA on Sunday evening is Monday's; none is open on a
    day that is Saturday's or Sunday's. One that closes at midnight sharp ends the date it opens on.
    """

    name: str
    opens: time
    closes: time
    zone: str

    def is_open(self, at: datetime) -> bool:
        local = at.astimezone(zone_named(self.zone))
        now = local.time()
        if self.opens < self.closes:
            inside, closing_day = self.opens <= now < self.closes, local.date()
        else:  # over midnight
            inside = now >= self.opens or now < self.closes
            overnight = now >= self.opens and self.closes != MIDNIGHT
            closing_day = local.date() + ONE_DAY if overnight else local.date()
        return inside and closing_day.weekday() not in (SATURDAY, SUNDAY)


@dataclass(frozen=True, slots=True)
class Closure:
    """A holiday or an early close of the exchange: on trading date `day` products of `group` ("" for all)
    stop trading at `closes`, local time of `zone`; None: they don't trade at all."""

    day: date
    group: str
    closes: time | None
    zone: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class TradingHours:
    """When a firm lets its accounts trade, Sunday to Friday: half-open, over midnight where `opens` is
    after `closes`. A span belongs to the date it closes on; one that closes at midnight sharp ends the
    date it opens on, and belongs to that."""

    opens: time
    closes: time
    zone: str

    def span_of(self, at: datetime) -> tuple[datetime, datetime]:
        """The opening and closing instants of the span that holds `at`. Between two spans: of the one
        that closed last, until midnight; over the weekend of the next one."""
        local = at.astimezone(zone_named(self.zone))
        day = local.date()  # the date the span belongs to
        if self._over_midnight:
            day += ONE_DAY if local.time() >= self.opens else timedelta(0)
        elif local.time() >= self.closes != MIDNIGHT:
            day += ONE_DAY
        while day.weekday() in (SATURDAY, SUNDAY):
            day += ONE_DAY
        opening = day - ONE_DAY if self._over_midnight else day
        closing = day + ONE_DAY if self.closes == MIDNIGHT else day
        return instant(opening, self.opens, self.zone), instant(closing, self.closes, self.zone)

    def trading_date(self, closes: datetime) -> date:
        """The date that a span with this closing instant belongs to."""
        day = closes.astimezone(zone_named(self.zone)).date()
        return day - ONE_DAY if self.closes == MIDNIGHT else day

    @property
    def _over_midnight(self) -> bool:
        return self.opens >= self.closes != MIDNIGHT


def session_at(at: datetime, sessions: Iterable[Session]) -> str | None:
    """The name of the session that is open at an instant; None when all are closed."""
    return next((session.name for session in sessions if session.is_open(at)), None)
