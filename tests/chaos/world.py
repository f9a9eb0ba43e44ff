"""What runs inside the installation, through `manage.py shell`: its accounts, its person, its state."""

import json
import sys
import time
from pathlib import Path

from django.db import Error, connection

from execution import orders
from execution.clock import database_now
from execution.models import Exit, Order, SignalChunk
from execution.order_state import IN_DOUBT, OrderStatus
from firms.models import Account, Flag
from firms.services import end_flag
from tests.chaos.traffic import SECRET
from tests.fakevenue.book import Book
from tests.fakevenue.checker import is_blocked
from tests.fakevenue.fixtures import at_venue
from tests.fakevenue.journal import read
from tests.make import make_account, make_program, make_route, make_source

LOOK_EVERY_SECONDS = 3.0


def seed(accounts: str) -> None:
    """Accounts A-1, A-2, …, each with a trader and a source of its own."""
    program = make_program(daily_loss=None, drawdown=40_000)
    for number in range(1, int(accounts) + 1):
        name = f"A-{number}"
        account = at_venue(make_account(name, program, live=True, trader=f"Trader {number}"), name)
        make_route(make_source(f"s{number}", SECRET), account)


def person(journal: str) -> None:
    """Somebody who looks at the venue and says what became of each order that is held, until killed."""
    while True:
        try:
            settle_held(Path(journal))
        except Error:
            connection.close()
        time.sleep(LOOK_EVERY_SECONDS)


def settle_held(journal: Path) -> None:
    book = Book()
    for event in read(journal):
        book.apply(event)
    there = {o.client_order_id for o in book.orders.values() if not o.parent}
    for order in Order.objects.filter(status=OrderStatus.HELD.value).select_related("account"):
        happened = order.client_order_id in there
        orders.settle(order, happened=happened, reason="looked at the venue", now=database_now())
    for flag in Flag.objects.filter(cause="late_evidence", ended_at=None, account__isnull=False):
        account = Account.objects.get(pk=flag.account_id)
        end_flag(account, flag.key, cause=flag.cause, reason="looked at the venue", now=database_now())


def state() -> None:
    """Print what is still moving, and which accounts would take an entry."""
    now = database_now()
    moving = (OrderStatus.APPROVED, OrderStatus.SUBMITTING, OrderStatus.UNKNOWN, OrderStatus.ACCEPTED)
    found = {
        "undecided": SignalChunk.objects.filter(done_at=None).count(),
        "moving": [
            f"{order.client_order_id} {order.status}: {order.note}"
            for order in Order.objects.filter(status__in=[status.value for status in moving])
        ],
        "exits": Exit.objects.filter(done_at=None).count(),
        "in_doubt": Order.objects.filter(status__in=sorted(IN_DOUBT)).count(),
        "flags": [f"{flag}: {flag.reason}" for flag in Flag.objects.filter(ended_at=None)],
        "free": [a.label for a in Account.objects.select_related("program") if not is_blocked(a, now)],
    }
    json.dump(found, sys.stdout)


def known(signal_ids: str) -> None:
    """Print which of these acknowledged signals are not stored, or not decided once for their account."""
    from django.db.models import Count

    wanted = [int(one) for one in Path(signal_ids).read_text().split()]
    stored = dict(SignalChunk.objects.values_list("signal_id").annotate(Count("pk")))
    from execution.models import Decision

    decided = set(Decision.objects.values_list("signal_id", flat=True))
    json.dump(
        {
            "lost": [one for one in wanted if one not in stored],
            "undecided": [one for one in wanted if one not in decided],
        },
        sys.stdout,
    )
