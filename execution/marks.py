"""Prices from outside: kept as the last mark, and worked through the paper venue's books."""

import logging
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from django.db.models import Q

from execution import reports
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


class UnknownSymbol(LookupError):
    """A mark for a symbol nobody knows."""


def post(prices: Iterable[Price]) -> int:
    """Book marks in the order given; the number that were newer than what was known.

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
    values = {"price": price.price, "at": price.at}
    _, made = Mark.objects.get_or_create(symbol=symbol, defaults=values)
    is_newer = made or bool(Mark.objects.filter(pk=symbol, at__lt=price.at).update(**values))
    if not is_newer and not Mark.objects.filter(pk=symbol, **values).exists():
        return False  # an older one; the same one again works what failed before
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
