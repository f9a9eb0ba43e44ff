"""Lists and the home page ask the database as often for twenty accounts as for two."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from enforcement.account import CashFlow
from execution.models import NewsEvent
from firms import services
from firms.models import Account, MarketClosure, TermSource
from tests.admin.world import decide, make_signal
from tests.make import make_account, make_program, make_route, make_source

pytestmark = pytest.mark.django_db

PAGES = [
    "/admin/", "/admin/firms/account/", "/admin/firms/program/", "/admin/firms/firm/", "/admin/firms/flag/",
    "/admin/firms/trader/", "/admin/execution/decision/", "/admin/execution/order/", "/admin/execution/signal/",
    "/admin/execution/position/", "/admin/execution/fill/", "/admin/execution/orderevent/",
    "/admin/execution/exit/", "/admin/execution/route/", "/admin/execution/signalsource/",
    "/admin/firms/auditentry/", "/admin/firms/cashflow/", "/admin/firms/termsource/",
    "/admin/firms/marketclosure/", "/admin/execution/newsevent/",
]  # fmt: skip


def count(client: Client, page: str) -> int:
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert client.get(page).status_code == 200
    return len(queries)


def add_more(account: Account, n: int) -> None:
    """A row in every other table that has a list."""
    services.record_cash_flow(account, CashFlow.PAYOUT_REQUESTED, Decimal(1), now=timezone.now())
    day = date(2026, 1, 1) + timedelta(days=n)
    TermSource.objects.create(
        program=account.program, url="https://a.example/", read_on=day, evidence="disputed"
    )
    MarketClosure.objects.create(day=day, name="x", source_url="https://a.example/", read_on=day)
    NewsEvent.objects.create(name=f"CPI {n}", at=timezone.now())


def test_the_number_of_queries_does_not_depend_on_the_number_of_rows(admin_client: Client) -> None:
    source = make_source()

    def grow(start: int, end: int) -> None:
        for n in range(start, end):
            program = make_program(f"FIRM{n}", 1)
            account = make_account(f"A{n:02}", program, trader=f"T{n}", paper=True)
            make_route(source, account)
            add_more(account, n)
            services.raise_flag(account if n % 2 else program, "watched", reason="r")
            services.end_flag(account if n % 2 else program, "watched", reason="r")
            services.raise_flag(program.firm, "noted", cause="later")
            services.end_flag(program.firm, "noted", cause="later")
        decide(make_signal(source, "NY AM", kind="entry", entry_contracts=1))

    grow(0, 2)
    for page in PAGES:
        count(admin_client, page)  # content types and the like are kept after the first time
    few = {page: count(admin_client, page) for page in PAGES}
    grow(2, 20)
    many = {page: count(admin_client, page) for page in PAGES}
    assert many == few
    assert many["/admin/"] < 40
    assert many["/admin/firms/account/"] < 40


def test_a_signals_page_asks_as_often_for_twenty_decisions_as_for_two(admin_client: Client) -> None:
    source = make_source()
    program = make_program()
    signals = []
    for size in (2, 20):
        for n in range(len(source.routes.all()), size):
            make_route(source, make_account(f"A{n:02}", program, paper=True))
        signal = make_signal(source, "NY AM", kind="entry", entry_contracts=1)
        decide(signal)
        signals.append(reverse("admin:execution_signal_change", args=[signal.pk]))
    count(admin_client, signals[0])
    assert count(admin_client, signals[0]) == count(admin_client, signals[1])
