"""A person settles an order in doubt: with a reason, by POST, under the lock."""

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from execution import alarms, orders
from execution.models import Alarm, Order
from execution.order_state import OrderStatus
from firms.models import AuditEntry
from tests.execution.make import entry_signal
from tests.make import make_account, make_route, make_source

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def in_doubt(admin_user: User) -> Order:
    source, account = make_source(), make_account(paper=True)
    make_route(source, account)
    entry_signal(source)
    from execution.models import SignalChunk
    from execution.router import decide_chunk

    decide_chunk(SignalChunk.objects.get().pk)
    order, now = Order.objects.select_related("account").get(), timezone.now()
    orders.move(order, OrderStatus.SUBMITTING, now=now)
    orders.move(order, OrderStatus.UNKNOWN, now=now)
    alarms.raise_alarm("order_in_doubt", f"order {order.pk}", "perhaps sent", now=now, account=account)
    return order


def settle(client: Client, order: Order, reason: str) -> int:
    url = reverse("admin:execution_order_did_not_happen", args=[order.pk])
    return client.post(url, {"reason": reason, "_form_submitted": "1"}).status_code


def test_it_frees_the_order_closes_the_alarm_and_says_who(
    in_doubt: Order, admin_client: Client, admin_user: User
) -> None:
    settle(admin_client, in_doubt, "Not in the venue's list")
    in_doubt.refresh_from_db()
    assert in_doubt.status == "canceled"
    assert in_doubt.note == "it did not happen: Not in the venue's list"
    assert not Alarm.objects.filter(closed_at=None).exists()
    entry = AuditEntry.objects.get(action="order.settled")
    assert (entry.actor, entry.before, entry.after) == (admin_user, "unknown", "canceled")


def test_without_a_reason_nothing_happens(in_doubt: Order, admin_client: Client) -> None:
    settle(admin_client, in_doubt, "")
    in_doubt.refresh_from_db()
    assert in_doubt.status == "unknown"


def test_an_order_not_in_doubt_is_left_alone(in_doubt: Order, admin_client: Client) -> None:
    Order.objects.update(status="filled")
    settle(admin_client, in_doubt, "oops")
    in_doubt.refresh_from_db()
    assert in_doubt.status == "filled"
    assert not AuditEntry.objects.filter(action="order.settled").exists()


def test_the_button_stands_only_at_an_order_in_doubt(in_doubt: Order, admin_client: Client) -> None:
    page = reverse("admin:execution_order_change", args=[in_doubt.pk])
    assert "It did not happen" in admin_client.get(page).content.decode()
    Order.objects.update(status="filled")
    assert "It did not happen" not in admin_client.get(page).content.decode()
