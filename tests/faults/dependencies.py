"""Everything an order's way leans on, and how each of it is made to fail: the rows of the table in
docs/reliability.md. Each breaker is undone by its monkeypatch."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import OperationalError
from django.utils import timezone

from execution import models, reconcile
from execution.connectors import InDoubt, Unavailable
from firms import rulebook
from firms.models import Account, AccountState, Flag, LossLimit, Program
from firms.statements import read
from tests.execution.venue import Venue

TIMED_OUT = OperationalError("canceling statement due to statement timeout")
BROKEN = ZeroDivisionError("division by zero")


@dataclass(frozen=True, slots=True)
class World:
    """What a breaker may break."""

    account: Account
    venue: Venue
    patch: pytest.MonkeyPatch
    clock: Any


Breaker = Callable[[World], None]


def raising(*paths: str, error: Exception) -> Breaker:
    """Functions, by dotted name, that raise whenever they are called."""

    def fail(*_: Any, **__: Any) -> Any:
        raise error

    def break_it(world: World) -> None:
        for path in paths:
            world.patch.setattr(path, fail)

    return break_it


def unreadable(model: type[Any], error: Exception) -> Breaker:
    """Rows of one model that can't be read where the decision reads them."""

    def fail(asked: type[Any], where: str, **parameters: Any) -> Any:
        if asked is model:
            raise error
        return read(asked, where, **parameters)

    return lambda world: world.patch.setattr("execution.enforcement_service.read", fail)


def venue_fails(error: Exception, *calls: str) -> Breaker:
    def break_it(world: World) -> None:
        for call in calls:
            world.venue.failures[call] = [error] * 10_000
        models.Reconciliation.objects.update(at=timezone.now() - timedelta(minutes=5))

    return break_it


def no_terms(world: World) -> None:
    rulebook._known.clear()  # what was read before would still be used, rightly
    raising("firms.terms._terms", error=BROKEN)(world)


def unspecified(world: World) -> None:
    LossLimit.objects.all().delete()


def unreadable_override(world: World) -> None:
    world.patch.setenv("APEX_1_MAX_CONTRACTS", "ten")


def old_state(world: World) -> None:
    """A venue that goes on answering, with figures from an hour ago."""
    world.venue.as_of_lag = timedelta(hours=1)
    AccountState.objects.update(as_of=timezone.now() - timedelta(hours=1))


def half_a_state(world: World) -> None:
    AccountState.objects.update(day_start_balance=None)


def no_state(world: World) -> None:
    world.venue.failures["report"] = [InDoubt("no figures")] * 10_000
    AccountState.objects.all().delete()


def unknown_symbol(world: World) -> None:
    for module in ("routing", "router", "confirmation"):
        world.patch.setattr(f"execution.{module}.find_instrument", lambda _symbol: None)


def a_position_of_somebody_else(world: World) -> None:
    world.venue.held[world.account.pk, "ES"] = Decimal(1)
    reconcile.reconcile(world.account)


def dead_supervisor(world: World) -> None:
    """Nothing reconciles any more; the sweep's other work is done by the queue."""
    world.patch.setattr("execution.reconcile.reconcile_due", lambda: None)
    models.Reconciliation.objects.update(at=timezone.now() - timedelta(minutes=5))


def an_entry_in_doubt(world: World) -> None:
    from tests.execution.make import make_order

    make_order(world.account, status=models.order.OrderStatus.HELD, symbol="ES", family="ES")


def no_route(world: World) -> None:
    models.Route.objects.update(is_enabled=False)


def no_source(world: World) -> None:
    models.SignalSource.objects.update(is_enabled=False)


def no_policy(world: World) -> None:
    Program.objects.update(automation="unknown")


CASES: dict[tuple[str, str], Breaker] = {
    ("the account's state", "timeout"): unreadable(AccountState, TIMED_OUT),
    ("the account's state", "exception"): unreadable(AccountState, BROKEN),
    ("the account's state", "stale"): old_state,
    ("the account's state", "empty"): no_state,
    ("the account's state", "partial"): half_a_state,
    ("the program's terms", "timeout"): raising(
        "execution.enforcement_service.account_terms", error=TIMED_OUT
    ),
    ("the program's terms", "exception"): no_terms,
    ("the program's terms", "empty"): unspecified,
    ("the program's terms", "partial"): unreadable_override,
    ("the program's automation policy", "empty"): no_policy,
    ("the terms' record", "timeout"): raising("firms.terms_in_force.snapshot", error=TIMED_OUT),
    ("the terms' record", "exception"): raising("firms.terms_in_force.snapshot", error=BROKEN),
    ("the booked positions", "timeout"): unreadable(models.Position, TIMED_OUT),
    ("the booked positions", "exception"): unreadable(models.Position, BROKEN),
    ("the booked positions", "partial"): a_position_of_somebody_else,
    ("the working orders", "timeout"): unreadable(models.Order, TIMED_OUT),
    ("the working orders", "exception"): unreadable(models.Order, BROKEN),
    ("an earlier entry's fate", "partial"): an_entry_in_doubt,
    ("the flags", "timeout"): unreadable(Flag, TIMED_OUT),
    ("the flags", "exception"): unreadable(Flag, BROKEN),
    ("the trader's other accounts", "timeout"): raising("execution.surroundings.others", error=TIMED_OUT),
    ("the trader's other accounts", "exception"): raising("execution.surroundings.others", error=BROKEN),
    ("the news calendar", "timeout"): raising("execution.surroundings.news", error=TIMED_OUT),
    ("the news calendar", "exception"): raising("execution.surroundings.news", error=BROKEN),
    ("the account's recent orders", "timeout"): raising("execution.surroundings.activity", error=TIMED_OUT),
    ("the account's recent orders", "exception"): raising("execution.surroundings.activity", error=BROKEN),
    ("the instruments", "exception"): raising("execution.routing.find_instrument", error=BROKEN),
    ("the instruments", "empty"): unknown_symbol,
    ("the trading calendar", "exception"): raising("enforcement.calendar.TradingDay.day_of", error=BROKEN),
    ("the rules' own code", "exception"): raising(
        "execution.enforcement_service.evaluate_order", error=BROKEN
    ),
    ("the order ids", "exception"): raising("execution.epochs.current", error=BROKEN),
    ("the route", "empty"): no_route,
    ("the source", "empty"): no_source,
    ("the reconciliation", "stale"): dead_supervisor,
    ("the venue's orders", "timeout"): venue_fails(InDoubt("timed out"), "working_orders"),
    ("the venue's orders", "exception"): venue_fails(BROKEN, "working_orders"),
    ("the venue's orders", "empty"): venue_fails(InDoubt("null instead of a list"), "working_orders"),
    ("the venue's money and fills", "timeout"): venue_fails(InDoubt("timed out"), "report"),
    ("the venue's money and fills", "exception"): venue_fails(BROKEN, "report"),
    ("the venue's money and fills", "partial"): venue_fails(InDoubt("no list of fills"), "report"),
    ("the venue's positions", "timeout"): venue_fails(InDoubt("timed out"), "positions", "report"),
    ("the venue's positions", "exception"): venue_fails(BROKEN, "positions", "report"),
    ("the venue's positions", "empty"): venue_fails(InDoubt("null instead of a list"), "positions", "report"),
    ("the venue's door", "timeout"): venue_fails(InDoubt("timed out"), "close", "cancel", "working_orders"),
    ("the venue's door", "exception"): venue_fails(
        Unavailable("refused"), "submit", "close", "cancel", "positions", "report", "working_orders"
    ),
}
