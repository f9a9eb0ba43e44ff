"""The printed alert shows approvals and refusals of several kinds: at any hour, any day, any later start."""

import json
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import connection
from django.test import Client

from execution.models import Decision, Order
from execution.tasks import route_chunk
from firms.models import Account, AccountState
from propguard import demo

pytestmark = pytest.mark.django_db(transaction=True)
WEDNESDAY = datetime(2026, 3, 4, 15, 0, tzinfo=UTC)
KINDS = {"paused", "session", "contracts", "drawdown", "daily_loss"}
MOMENTS = [
    pytest.param(WEDNESDAY, id="a Wednesday morning in New York"),
    pytest.param(datetime(2026, 3, 7, 3, 0, tzinfo=UTC), id="a Saturday"),
    pytest.param(datetime(2026, 3, 8, 23, 30, tzinfo=UTC), id="a Sunday after the clocks went forward"),
    pytest.param(datetime(2026, 12, 25, 12, 0, tzinfo=UTC), id="Christmas"),
    pytest.param(datetime(2026, 3, 4, 22, 59, 59, tzinfo=UTC), id="a second before the reset in Chicago"),
]


def send() -> tuple[int, set[str]]:
    """Post the printed alert and decide it; how many were approved, and the kinds of refusal."""
    body = demo.ALERT.format(secret=demo._secret("demo_secret"))
    answer = Client().post("/api/v1/webhooks/demo/", body, content_type="application/json")
    assert answer.status_code == 202, answer.content
    from execution.models import Signal

    signal = Signal.objects.get(pk=answer.json()["signal_id"])
    for chunk in signal.chunks.all():
        route_chunk(chunk.pk)
    decisions = Decision.objects.filter(signal=signal)
    assert decisions.count() == len(demo.ACCOUNTS)
    return decisions.filter(allowed=True).count(), set(
        decisions.filter(allowed=False).values_list("breach_type", flat=True)
    )


@pytest.mark.skipif("connection.vendor == 'postgresql'", reason="its clock can't be frozen")
@pytest.mark.parametrize("moment", MOMENTS)
def test_at_any_moment(moment: datetime) -> None:
    with time_machine.travel(moment, tick=True):
        demo.seed()
        approved, refusals = send()
    assert approved >= 1
    assert len(refusals & KINDS) >= 3


@pytest.mark.skipif("connection.vendor == 'postgresql'", reason="its clock can't be frozen")
@pytest.mark.parametrize("later", [timedelta(days=1), timedelta(days=3), timedelta(days=200)])
def test_at_a_later_start_untouched_accounts_stand_where_they_stood(later: timedelta) -> None:
    with time_machine.travel(WEDNESDAY, tick=True):
        demo.seed()
        assert send()[0] == 2
    with time_machine.travel(WEDNESDAY + later, tick=True):
        demo.seed()
        approved, refusals = send()
    assert approved >= 1  # the first account holds what it bought, with a price of days ago
    assert len(refusals & KINDS) >= 3


def test_now_on_either_database() -> None:
    demo.seed()
    approved, refusals = send()
    assert approved == 2
    assert refusals == KINDS
    assert set(Order.objects.values_list("status", flat=True)) == {"filled", "skipped"}


def test_seeding_again_adds_nothing_and_leaves_what_has_traded() -> None:
    demo.seed()
    send()
    traded = AccountState.objects.get(account__label="Topstep-1")
    accounts = Account.objects.count()
    demo.seed()
    assert Account.objects.count() == accounts
    assert AccountState.objects.get(account__label="Topstep-1").balance == traded.balance
    assert traded.balance == 51_240 - 5  # two contracts at 2.50 a side


def test_a_deleted_or_renamed_demo_account_stays_away() -> None:
    demo.seed()
    Account.objects.filter(label="Apex-2").update(label="Mine")
    demo.seed()
    assert not Account.objects.filter(label="Apex-2").exists()


def test_what_is_printed_is_an_alert_to_paste() -> None:
    text = demo.what_to_try("http://127.0.0.1:8000")
    line = next(line for line in text.splitlines() if "curl" in line)
    assert json.loads(line.partition("-d '")[2].removesuffix("'"))["symbol"] == "NQ1!"
    assert connection.vendor  # a database is there, nothing of it is printed
