"""Alerts as the webhook would store them, tasks as the cluster would run them, a venue in memory."""

import json
from collections.abc import Callable
from decimal import Decimal
from importlib import import_module
from typing import Any

from django_q.models import OrmQ
from django_q.signing import SignedPackage

from execution import intake, router, tasks
from execution.decoding import decode
from execution.models import (
    Connection,
    Decision,
    Exit,
    Order,
    Position,
    Route,
    Signal,
    SignalSource,
    VenueAccount,
)
from execution.order_state import OrderStatus
from firms.models import Account, Program
from tests.make import alert, make_account, make_program, make_route, make_source

# What the default alert stands to lose on an account with the default guard: buy 2 NQ at 20,000.25, stop
# 19,990, so 41 ticks x $5 x 2 = 410, two ticks of slippage = 20, commissions both ways = 10.
RISK = Decimal(440)


def accept_alert(source: SignalSource, **fields: Any) -> intake.Accepted:
    """An alert through the intake, as the webhook hands it over."""
    body = alert(**fields)
    return intake.accept(
        source,
        decode(body, source.shape, source.default_symbol),
        body=json.dumps(body, default=str).encode(),
        content=intake.content_of(body, source.secret_field_name),
    )


def entry_signal(source: SignalSource, **fields: Any) -> Signal:
    return accept_alert(source, **fields).signal


def close_signal(source: SignalSource, **fields: Any) -> Signal:
    """A bare close: "flat, whatever is there"."""
    bare: dict[str, Any] = dict.fromkeys(("entry_price", "stop_loss", "contracts", "bias", "session"))
    return accept_alert(source, **{**bare, "action": "close", **fields}).signal


def make_follower(
    label: str = "Apex-1",
    *,
    source: SignalSource | None = None,
    route: dict[str, Any] | None = None,
    **account: Any,
) -> tuple[SignalSource, Account]:
    """A paper account that follows a source; both are made where they are not given."""
    source = source or SignalSource.objects.first() or make_source()
    follower = make_account(label, **{"paper": True, **account})
    make_route(source, follower, **(route or {}))
    return source, follower


def make_live_follower(
    label: str = "Apex-2",
    *,
    source: SignalSource | None = None,
    automation: str = "confirm_by_hand",
    route: dict[str, Any] | None = None,
    program: dict[str, Any] | None = None,
    **account: Any,
) -> tuple[SignalSource, Account]:
    """A live account at the venue in memory, on a program with this policy; it follows a source."""
    source = source or SignalSource.objects.first() or make_source()
    number = Program.objects.count() + 1
    terms = make_program(number=number, automation=automation, anchor="highest_close", **(program or {}))
    follower = make_account(label, terms, live=True, **account)
    connection, _ = Connection.objects.get_or_create(name="Memory", venue="memory")
    VenueAccount.objects.create(account=follower, connection=connection)
    make_route(source, follower, **(route or {}))
    return source, follower


def decide(signal: Signal) -> list[Decision]:
    """The decisions of every chunk, oldest account first; nothing is sent."""
    for chunk in signal.chunks.order_by("number"):
        router.decide_chunk(chunk.pk)
    return list(signal.decisions.order_by("account_id", "leg"))


def route(signal: Signal) -> None:
    """What the cluster does for a signal: decide, work its exits, send."""
    for chunk in signal.chunks.order_by("number"):
        tasks.route_chunk(chunk.pk)


def queued() -> list[tuple[str, tuple[Any, ...]]]:
    """The queue's rows, oldest first, as (function, arguments)."""
    packages = [SignedPackage.loads(row.payload) for row in OrmQ.objects.order_by("id")]
    return [(package["func"], tuple(package["args"])) for package in packages]


def run_queue() -> int:
    """Run every queue row once, in order, the way a worker does; the number of tasks that ran."""
    waiting = queued()
    OrmQ.objects.all().delete()
    for name, arguments in waiting:
        function_named(name)(*arguments)
    return len(waiting)


def function_named(path: str) -> Callable[..., None]:
    module, _, name = path.rpartition(".")
    function: Callable[..., None] = getattr(import_module(module), name)
    return function


def held(account: Account, symbol: str = "NQ") -> Decimal:
    """What is booked as held, signed."""
    position = Position.objects.filter(account=account, symbol=symbol).first()
    return Decimal(0) if position is None else position.quantity


def the_entry(account: Account) -> Order:
    return Order.objects.get(account=account, leg="entry")


def make_order(
    account: Account, signal: Signal | None = None, status: OrderStatus = OrderStatus.ACCEPTED, **fields: Any
) -> Order:
    """An entry that stands where a test wants it: buy 2 NQ at 20,000.25, stop 19,990."""
    from django.utils import timezone

    defaults: dict[str, Any] = {
        "leg": "entry", "symbol": "NQ", "family": "NQ", "side": "buy", "quantity": Decimal(2), "risk": RISK,
        "entry_price": Decimal("20000.25"), "stop_loss": Decimal(19990), "created_at": timezone.now(),
        "client_order_id": f"pg-{signal.pk if signal else 'x'}-{account.pk}",
    }  # fmt: skip
    return Order.objects.create(account=account, signal=signal, status=status.value, **{**defaults, **fields})


def open_exits(account: Account) -> list[Exit]:
    return list(Exit.objects.filter(account=account, done_at=None))


def sizing(**columns: Any) -> dict[str, Any]:
    """A route's sizing: `sizing(multiplier=Decimal("0.5"))`, `sizing(fixed_size=2)`."""
    if "multiplier" in columns:
        return {"sizing": Route.Sizing.MULTIPLIER, **columns}
    if "fixed_size" in columns:
        return {"sizing": Route.Sizing.FIXED, **columns}
    return columns
