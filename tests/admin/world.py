"""A small world with a row in every table the admin shows."""

import json
from datetime import time, timedelta
from decimal import Decimal
from typing import Any

from django.contrib.auth.models import Group, User
from django.utils import timezone

from enforcement import account as core
from execution import alarms, dispatch, exit_loop, heartbeats, intake, router
from execution.credentials import new_api_key
from execution.models import (
    Connection,
    Exit,
    Fill,
    ForwardTarget,
    Kill,
    Mark,
    NewsEvent,
    Order,
    OrderEvent,
    Position,
    Reconciliation,
    Signal,
)
from execution.vault import Sealed
from firms import services
from firms.models import (
    Account,
    Flag,
    Instrument,
    MarketClosure,
    NewsRule,
    PersonalLimits,
    ProductLimit,
    Program,
    TermSource,
    Tier,
)
from tests.make import make_account, make_firm, make_program, make_route, make_source

# Breaks out of an attribute and runs, wherever it is written unescaped.
MARKER = '"><img src=x onerror=alert(1)>'


def make_world(text: str = "plain", *, actor: User | None = None) -> Account:
    """Firm to fill, with `text` in every column that holds words; the account that everything is about."""
    now = timezone.now()
    program = make_program(make_firm(name=f"Apex {text}"), name=f"50K {text}", automation_note=text)
    TermSource.objects.create(
        program=program, term="all", url="https://apex.example/rules", read_on="2026-01-02",
        evidence="disputed", note=text, other_reading=text,
    )  # fmt: skip
    add_rows(program, text)
    account = make_account(f"One {text}"[:80], program, trader=f"Ada {text}", paper=True)
    Connection.objects.update_or_create(venue="paper", defaults={"name": f"Paper {text}"[:80]})
    forwards = Connection.objects.create(venue="forward", name=f"Forward {text}"[:80])
    ForwardTarget.objects.create(
        connection=forwards, address=Sealed.of(f"https://example.com/{text}"), symbols=text,
        entry_template=text, flat_template=text,
    )  # fmt: skip
    make_account("Two", program, trader=f"Ada {text}")
    PersonalLimits.objects.create(account=account, daily_loss=Decimal(900))
    services.record_cash_flow(
        account, core.CashFlow.PAYOUT_REQUESTED, Decimal(10), now=now, reason=text, actor=actor
    )
    source = make_source("tv", default_symbol=text[:32])
    for follower in Account.objects.all():
        make_route(source, follower)
    Instrument.objects.create(
        symbol="OWN", name=f"Own {text}", tick_size=1, tick_value=1, family="OWN", group="other", aliases=text
    )
    signal = make_signal(source, text, kind="entry", entry_contracts=1, trade_id=text)
    decide(signal)
    make_signal(source, text, kind="note", action="ping", symbol=text[:64])
    services.raise_flag(account, reason=text, actor=actor)
    services.raise_flag(program, cause=f"why {text}"[:60], reason=text, actor=actor)
    services.end_flag(program, cause=f"why {text}"[:60], reason=text, actor=actor)
    killed = Flag.objects.create(
        scope="account",
        account=account,
        key="kill",
        reason=text,
        raised_at=now,
        ended_at=now,
        end_reason=text,
    )
    Kill.objects.create(flag=killed, flatten=True)
    alarms.raise_alarm(f"kind {text}"[:40], f"subject {text}", f"message {text}", now=now, account=account)
    Exit.objects.create(
        account=account, family="NQ", symbol=text[:64], covers=signal, opened_at=now, note=text
    )  # fmt: skip
    order = Order.objects.filter(account=account).first()
    if order is not None:
        OrderEvent.objects.create(order=order, at=now, before="filled", after="filled", detail=text)
        Order.objects.filter(pk=order.pk).update(note=text)
    Fill.objects.create(
        account=account, order=order, venue_fill_id=f"x{text}"[:100], symbol=text[:64], side="buy",
        quantity=Decimal(1), price=Decimal(1), commission=Decimal(1), filled_at=now, booked_at=now,
    )  # fmt: skip
    Position.objects.create(account=account, symbol=text[:64], family=text[:64], quantity=Decimal(0))
    Mark.objects.create(symbol=f"M{text}"[:64], price=Decimal(1), at=now)
    NewsEvent.objects.create(name=f"CPI {text}", at=now + timedelta(days=2), targets=text, source=text)
    Reconciliation.objects.create(account=account, at=now, due_at=now, differences=text, error=text)
    heartbeats.beat(f"worker {text}"[:40])
    new_api_key(f"key {text}"[:80], ["marks"])
    Group.objects.create(name=f"group {text}")
    return account


def add_rows(program: Program, text: str) -> None:
    """One of everything that repeats in a program, none of which stops the world's orders."""
    Tier.objects.create(program=program, of="contracts", from_profit=Decimal(0), value=Decimal(10))
    ProductLimit.objects.create(program=program, product=text[:32], max_contracts=Decimal(1))
    NewsRule.objects.create(
        program=program, events=text, products=text, before_seconds=120, after_seconds=120, note=text
    )
    MarketClosure.objects.create(
        day="2026-11-26", group="", closes=time(12), name=f"Thanksgiving {text}"[:80],
        source_url="https://www.cmegroup.com/trading-hours.html", read_on="2026-01-02",
    )  # fmt: skip


def make_signal(source: Any, text: str, **fields: Any) -> Signal:
    """A signal as intake stores it, its words chosen freely."""
    body = json.dumps({"session": text}).encode()
    columns = {
        "source": source, "received_at": timezone.now(), "body": body, "body_sha256": "0" * 64, "action": "buy",
        "symbol": "NQ", "family": "NQ", "direction": "long", "entry_price": Decimal("20000.25"),
        "stop_loss": Decimal(19990), "session": text[:64], "bias": text[:64], "contracts": 1, "size": "given",
        **fields,
    }  # fmt: skip
    signal = Signal.objects.create(**columns)
    intake.SignalChunk.objects.create(
        signal=signal, number=0,
        account_ids_text=json.dumps(list(source.routes.values_list("account", flat=True))),
    )  # fmt: skip
    return signal


def decide(signal: Signal) -> None:
    """What the worker does with it."""
    for chunk in signal.chunks.filter(done_at=None):
        router.decide_chunk(chunk.pk)
    dispatch.send_approved(signal.pk)
    for pk in Exit.objects.filter(done_at=None).values_list("pk", flat=True):
        exit_loop.work(pk)


def view_only_staff() -> User:
    """May look at everything and do nothing."""
    from django.contrib.auth.models import Permission

    user = User.objects.create_user("looker", password="look-only-1234", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    return user
