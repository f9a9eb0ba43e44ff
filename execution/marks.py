"""Prices from outside: kept as the last mark, and worked through the paper venue's books."""

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from django.conf import settings
from django.db.models import Q

from enforcement.explain import plain
from execution import alarms, reports
from execution.clock import database_now
from execution.connectors import Unavailable
from execution.connectors.paper import PaperConnector
from execution.connectors.paper.fills import bar
from execution.instruments import find_instrument
from execution.models import Mark, PaperOrder, PaperPosition
from firms.models import Account

log = logging.getLogger(__name__)


class Price(NamedTuple):
    """A price seen at an instant; `high` and `low`: the extremes since the mark before, where known."""

    symbol: str
    price: Decimal
    at: datetime
    high: Decimal | None = None
    low: Decimal | None = None


# A last mark older than this says nothing of the next: markets open anew with a gap.
RECENT = timedelta(minutes=5)


class UnknownSymbol(LookupError):
    """A mark for a symbol nobody knows."""


def post(prices: Iterable[Price]) -> int:
    """Book marks in the order given; the number that were newer than what was known, and are believed.

    Raises UnknownSymbol before anything is booked.
    """
    known = [(_symbol(price), price) for price in prices]
    return sum(_post(symbol, price) for symbol, price in known)


def _symbol(price: Price) -> str:
    instrument = find_instrument(price.symbol)
    if instrument is None:
        raise UnknownSymbol(price.symbol)
    return instrument.symbol


def _post(symbol: str, price: Price) -> bool:
    last = Mark.objects.filter(pk=symbol).first()
    if last is not None and price.at > last.at and _is_jump(last, price) and not _is_second(last, price):
        _keep_pending(last, price)
        return False
    values = {"price": price.price, "at": price.at}
    _, made = Mark.objects.get_or_create(symbol=symbol, defaults=values)
    is_newer = made or bool(Mark.objects.filter(pk=symbol, at__lt=price.at).update(**values))
    if not is_newer and not Mark.objects.filter(pk=symbol, **values).exists():
        return False  # an older one; the same one again works what failed before
    if is_newer and last is not None and last.pending_at is not None:
        Mark.objects.filter(pk=symbol).update(pending_price=None, pending_at=None)
        alarms.close_alarm("mark_jump", symbol, now=database_now())
    held = PaperPosition.objects.filter(symbol=symbol).exclude(quantity=0).values("book")
    working = PaperOrder.objects.filter(symbol=symbol, is_working=True).values("book")
    concerned = Account.objects.filter(Q(pk__in=held) | Q(pk__in=working))
    errors = []
    for account in concerned.select_related("program__firm").order_by("pk"):
        try:
            venue = PaperConnector(account)
            venue.mark(symbol, bar(price.price, price.high, price.low), price.at)
            reports.collect(venue)
        except Unavailable as outage:  # a simulated one: the next report books what this mark has done
            log.warning("The mark of %s is worked, but not booked, for %s: %s", symbol, account, outage)
        except Exception as error:  # the other accounts' stops are worked all the same
            log.exception("The mark of %s could not be worked for %s", symbol, account)
            errors.append(error)
    if errors:
        raise errors[0]
    return is_newer


def _reach(last: Mark, price: Price) -> Decimal:
    """What of a mark is farthest from the last one: its price, or an extreme since."""
    seen = [value for value in (price.price, price.high, price.low) if value is not None]
    return max(seen, key=lambda value: abs(value - last.price))


def _is_near(value: Decimal, other: Decimal) -> bool:
    return abs(value - other) <= settings.MARK_JUMP_SHARE * abs(other)


def _is_jump(last: Mark, price: Price) -> bool:
    return price.at - last.at <= RECENT and not _is_near(_reach(last, price), last.price)


def _is_second(last: Mark, price: Price) -> bool:
    """Whether a jump that waits is borne out by this one."""
    if last.pending_price is None or last.pending_at is None:
        return False
    return timedelta(0) < price.at - last.pending_at <= RECENT and _is_near(
        _reach(last, price), last.pending_price
    )


def _keep_pending(last: Mark, price: Price) -> None:
    """A wild price moves neither peaks nor stops before a second one agrees: it may be a wrong one."""
    if last.pending_at is not None and last.pending_at >= price.at:
        return
    reach = _reach(last, price)
    Mark.objects.filter(pk=last.pk, at=last.at).update(pending_price=reach, pending_at=price.at)
    alarms.raise_alarm(
        "mark_jump", last.pk,
        f"{last.pk} came as {plain(reach)} after {plain(last.price)}: it waits for a second mark near it.",
        now=database_now(),
    )  # fmt: skip
