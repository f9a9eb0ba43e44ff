"""Tell a person."""

import logging
from collections.abc import Sequence
from datetime import datetime

from enforcement.explain import plain
from enforcement.orders import OrderIntent
from execution.models import Alarm, Order
from firms.models import Account

log = logging.getLogger(__name__)


def alarm(kind: str, subject: str, message: str, *, now: datetime, account: Account | None = None) -> Alarm:
    """An alarm that is still to be raised."""
    return Alarm(kind=kind, subject=subject[:120], message=message, account=account, raised_at=now)


def raise_alarms(alarms: Sequence[Alarm]) -> None:
    """Raise alarms in one statement; one (kind and subject) that is still open is not raised twice."""
    Alarm.objects.bulk_create(alarms, ignore_conflicts=True)
    for one in alarms:
        log.warning("ALARM %s (%s): %s", one.kind, one.subject, one.message)


def raise_alarm(
    kind: str, subject: str, message: str, *, now: datetime, account: Account | None = None
) -> None:
    raise_alarms([alarm(kind, subject, message, now=now, account=account)])


def close_alarm(kind: str, subject: str, *, now: datetime) -> None:
    """What it was about is over."""
    Alarm.objects.filter(kind=kind, subject=subject, closed_at=None).update(closed_at=now)


def trade_in_words(trade: Order | OrderIntent, account: Account) -> str:
    """`Buy 2 NQ at 20,000.25, stop 19,990 on Apex-2`: what a person would type at the venue."""
    size = "" if trade.quantity is None else f" {plain(trade.quantity)}"
    symbol = trade.symbol if isinstance(trade, Order) or trade.instrument is None else trade.instrument.symbol
    prices = [
        f"{name} {plain(price)}"
        for name, price in (
            ("at", trade.entry_price),
            (", stop", trade.stop_loss),
            (", target", trade.target),
        )
        if price is not None
    ]
    return f"{trade.side.capitalize()}{size} {symbol} {''.join(prices)} on {account.label}"
