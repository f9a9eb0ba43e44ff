"""Whatever order the news of an order arrives in, and however often: the end is the same."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest
from django.db import transaction

from enforcement.account import StateReport, StateSource
from enforcement.orders import Side
from execution import doubt, orders, reports
from execution.connectors import VenueFill, VenueOrder, VenueReport
from execution.models import Alarm, ClosedTrade, Fill, Order, Position
from execution.order_state import OrderStatus as S
from firms.models import Account, AccountState
from firms.services import open_flags_on
from tests.execution.make import entry_signal, make_follower, make_order
from tests.make import NOON

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]

Event = Callable[[Order], None]


def fill(number: int, quantity: int, price: int, side: Side = Side.BUY, why: str = "entry") -> Event:
    """The venue reports one execution; number `n` happened `n` seconds after noon."""

    def happen(order: Order) -> None:
        at = NOON + timedelta(seconds=number)
        one = VenueFill(
            f"fill-{number}", order.client_order_id, "NQ", side, Decimal(quantity), Decimal(price),
            Decimal(1), at, why,
        )  # fmt: skip
        money = StateReport(
            balance=Decimal(50_000), equity=Decimal(50_000), as_of=NOON + timedelta(seconds=60),
            source=StateSource.VENUE,
        )  # fmt: skip
        report = VenueReport(state=money, positions=[], fills=[one])
        reports.book(Account.objects.get(pk=order.account_id), report, now=NOON + timedelta(seconds=61))

    return happen


def answer(status: S) -> Event:
    """What the request itself came to."""

    def happen(order: Order) -> None:
        columns = {"venue_order_id": "v-1"} if status is S.ACCEPTED else {}
        orders.move(order, status, now=NOON, **columns)

    return happen


def found(status: S, filled: int) -> Event:
    """What the venue says of it when asked by id."""

    def happen(order: Order) -> None:
        doubt.adopt(
            order,
            VenueOrder(order.client_order_id, "v-1", "NQ", Side.BUY, order.quantity, Decimal(filled), status),
        )

    return happen


STORIES: dict[str, tuple[list[Event], tuple[S, int]]] = {
    "filled in three parts": (
        [answer(S.ACCEPTED), fill(1, 1, 20_000), fill(2, 1, 20_003), fill(3, 1, 20_006)],
        (S.FILLED, 3),
    ),
    "filled twice over the wire": (
        [answer(S.ACCEPTED), fill(1, 3, 20_000), fill(1, 3, 20_000), answer(S.ACCEPTED)],
        (S.FILLED, 3),
    ),
    "no answer, and filled": (
        [answer(S.UNKNOWN), fill(1, 1, 20_000), fill(2, 2, 20_003), found(S.FILLED, 3)],
        (S.FILLED, 3),
    ),
    "filled in part, the rest cancelled": (
        [
            answer(S.ACCEPTED),
            fill(1, 1, 20_000),
            fill(2, 1, 20_004),
            found(S.CANCELED, 2),
            found(S.CANCELED, 2),
        ],
        (S.CANCELED, 2),
    ),
    "filled in part, the rest rejected, no answer": (
        [answer(S.UNKNOWN), fill(1, 2, 20_000), found(S.EXPIRED, 2), found(S.EXPIRED, 2)],
        (S.EXPIRED, 2),
    ),
}


@pytest.fixture
def order() -> Order:
    source, account = make_follower(commission_per_side=Decimal(1))
    AccountState.objects.filter(account=account).update(source=StateSource.VENUE.value)
    return make_order(account, entry_signal(source), S.SUBMITTING, quantity=Decimal(3), claimed_at=NOON)


def end_of(order: Order) -> dict[str, Any]:
    order = Order.objects.get(pk=order.pk)
    position = Position.objects.filter(account=order.account).first()
    kept = ("quantity", "average_price", "stop", "opened_at", "last_fill_at")
    state = AccountState.objects.get(account=order.account)
    return {
        "order": (order.status, order.filled_quantity, order.average_price, order.venue_order_id),
        "position": None if position is None else tuple(getattr(position, name) for name in kept),
        "fills": sorted(Fill.objects.values_list("venue_fill_id", flat=True)),
        "trades": (state.trades_today, list(ClosedTrade.objects.values_list("result", flat=True))),
        "flags": sorted(flag.cause for flag in open_flags_on(order.account)),
        "alarms": sorted(Alarm.objects.filter(closed_at=None).values_list("kind", flat=True)),
    }


@pytest.mark.parametrize(("events", "expected"), STORIES.values(), ids=STORIES)
def test_every_order_of_arrival_ends_in_the_same_state(
    order: Order, events: list[Event], expected: tuple[S, int]
) -> None:
    ends: list[dict[str, Any]] = []
    for arrival in permutations(events):
        with transaction.atomic():
            for event in arrival:
                event(Order.objects.select_related("account").get(pk=order.pk))
            found(expected[0], expected[1])(Order.objects.select_related("account").get(pk=order.pk))
            ends.append(end_of(order))
            transaction.set_rollback(True)
    assert ends[0]["order"][:2] == expected
    assert (ends[0]["flags"], ends[0]["alarms"]) == ([], [])
    assert [end for end in ends if end != ends[0]] == []
