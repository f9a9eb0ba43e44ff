"""Until when a position may be opened, and held: hours, flat-by, holidays and early closes together."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from enforcement.calendar import ONE_DAY, Closure, TradingDay, TradingHours, instant, zone_named
from enforcement.program import FlatBy, ProgramTerms

HALF_DAY = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class Window:
    """The span an instant lies in, or the next one. Instants; half-open.

    opens          from when positions may be opened
    last_entry     from then on no new position
    flat           by then nothing may be open; None: the program doesn't ask for it
    closure        the holiday or early close that shortens it; "" for none
    """

    opens: datetime
    last_entry: datetime
    flat: datetime | None
    closure: str = ""

    def lets_open(self, at: datetime) -> bool:
        return self.opens <= at < self.last_entry

    def lets_hold(self, at: datetime) -> bool:
        return self.flat is None or self.opens <= at < self.flat


def window_of(terms: ProgramTerms, at: datetime, group: str) -> Window | None:
    """The window for products of `group`; None where the program has neither hours nor flat-by.

    An early close moves the end to `early_close_lead_minutes` before it; a closed day has no window.
    """
    if terms.hours is None and terms.flat_by is None:
        return None
    opens, closes, day = _span(terms.hours, terms.flat_by, terms.day, at)
    flat = None
    if terms.flat_by is not None:
        flat = _flat_instant(terms.flat_by, opens, closes)
    elif terms.hours is not None:
        flat = closes
    lead = timedelta(minutes=terms.flat_by.lead_minutes if terms.flat_by else 0)
    last = closes if flat is None else min(closes, flat - lead)
    name = ""
    for closure in terms.closures:
        if closure.day == day and closure.group in ("", group):
            end = _early_end(closure, opens, terms)
            flat = end if flat is None else min(flat, end)
            if end - lead < last:
                last, name = end - lead, closure.name or "a holiday"
    return Window(opens, last - timedelta(minutes=terms.no_entry_minutes), flat, name)


def last_flat(terms: ProgramTerms, at: datetime, group: str) -> datetime | None:
    """By when positions last had to be flat: the end of the latest window that held any, over weekends and
    holidays; None: none within a fortnight, or nothing has to be flat."""
    for half_days in range(28):
        window = window_of(terms, at - half_days * HALF_DAY, group)
        if window is not None and window.flat is not None and window.opens < window.flat <= at:
            return window.flat
    return None


def _span(
    hours: TradingHours | None, flat_by: FlatBy | None, day: TradingDay, at: datetime
) -> tuple[datetime, datetime, date]:
    """Opening and closing instants, and the trading date: the one that closures are listed under."""
    if hours is not None:
        opens, closes = hours.span_of(at)
        return opens, closes, hours.trading_date(closes)
    today = day.day_of(at)
    return day.opens_at(today), day.opens_at(day.next_day(today)), today


def _flat_instant(flat_by: FlatBy, opens: datetime, closes: datetime) -> datetime:
    """The first flat-by after the opening."""
    day = opens.astimezone(zone_named(flat_by.zone)).date()
    flat = instant(day, flat_by.at, flat_by.zone)
    if flat <= opens:
        flat = instant(day + ONE_DAY, flat_by.at, flat_by.zone)
    return flat if flat < closes else closes


def _early_end(closure: Closure, opens: datetime, terms: ProgramTerms) -> datetime:
    """When nothing may be open on a shortened day: the lead before its close, or the firm's own time."""
    if closure.closes is None:
        return opens
    end = instant(closure.day, closure.closes, closure.zone)
    end -= timedelta(minutes=terms.early_close_lead_minutes)
    if terms.early_close_flat_by is not None and terms.flat_by is not None:
        end = min(end, instant(closure.day, terms.early_close_flat_by, terms.flat_by.zone))
    return end
