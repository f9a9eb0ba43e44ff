"""Bring positions down, again and again, until the venue shows them there. Exits wait for nothing.

An Exit row is opened in the commit of the signal that asks for it. It covers every entry of an earlier
signal; a reversal's own entry leg comes after its exit. Working it: cancel the entries it
covers, read the position, close what is too much, read again. It is done only when the venue is at the
target, nothing of ours still works there, and no covered entry is in flight or in doubt.
"""

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal

from django.db import connection, transaction
from django.db.models import Q, QuerySet
from django_q.tasks import async_task

from enforcement.orders import Side
from execution import alarms, orders
from execution.clock import database_now
from execution.connectors import (
    ClosingOrder,
    Connector,
    InDoubt,
    Rejected,
    Unavailable,
    VenuePosition,
    venue_of,
)
from execution.instruments import find_instrument
from execution.models import Exit, Leg, Order, Position, Route, Signal, SignalChunk
from execution.order_state import IN_DOUBT, IN_FLIGHT, RESERVING, WORKING, OrderStatus
from firms.models import Account
from firms.services import lock_traders

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=15)
SETTLE_TIME = timedelta(seconds=60)  # how late a venue may still execute what it left unanswered
ROUNDS = 4  # reads of the position in one go; what is left is the sweeper's
ALARM_AFTER_ATTEMPTS = 5
ZERO = Decimal(0)


# --- opening ------------------------------------------------------------------------------------------


def open_for_signal(signal: Signal, account_ids: Iterable[int], now: datetime) -> None:
    """Open, or join, one exit per account; in the signal's own transaction."""
    targets = _targets(signal, list(account_ids))
    for account_id, target in targets.items():
        open_exit(account_id, signal.family, signal.symbol, signal.pk, target, now)


def open_exit(
    account_id: int, family: str, symbol: str, covers: int | None, target: Decimal, now: datetime
) -> None:
    """Open an exit, or let the open one answer this signal too: the newest one's target counts."""
    table = Exit._meta.db_table
    adapt = connection.ops.adapt_datetimefield_value
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} (account_id, family, symbol, covers_id, target, opened_at, attempts, note) "  # noqa: S608
            "VALUES (%s, %s, %s, %s, %s, %s, 0, '') "
            "ON CONFLICT (account_id, family) WHERE done_at IS NULL "
            "DO UPDATE SET covers_id = excluded.covers_id, target = excluded.target, "
            "symbol = excluded.symbol "
            f"WHERE coalesce(excluded.covers_id, 0) >= coalesce({table}.covers_id, 0)",
            [account_id, family, symbol, covers, str(target), adapt(now)],
        )


def reopen_if_covered(order: Order, now: datetime) -> None:
    """A fill of an entry that an exit had covered: that exit is not done after all."""
    newest = (
        Exit.objects.filter(account=order.account, family=order.family, covers__gt=order.signal_id)
        .order_by("-covers")
        .first()
    )
    if newest is not None:
        open_exit(order.account_id, order.family, order.symbol, newest.covers_id, newest.target, now)
        ring_for_open([order.account_id])


def exposed_accounts(account_ids: Iterable[int], family: str) -> set[int]:
    """Those of the accounts where something of ours is open, or may yet be, in a symbol family."""
    ids = list(account_ids)
    held = Position.objects.filter(account__in=ids, family=family).exclude(quantity=0)
    ordered = Order.objects.filter(account__in=ids, family=family, status__in=sorted(RESERVING))
    return set(held.values_list("account", flat=True)) | set(ordered.values_list("account", flat=True))


def ring_for_open(account_ids: Iterable[int]) -> None:
    for pk in Exit.objects.filter(account__in=list(account_ids), done_at=None).values_list("pk", flat=True):
        async_task("execution.tasks.work_exit", pk, task_name=f"exit-{pk}")


def _targets(signal: Signal, account_ids: list[int]) -> dict[int, Decimal]:
    """What the exit leaves on each account: the sender's target in the account's own size."""
    if not signal.position_target:
        return dict.fromkeys(account_ids, ZERO)
    routes = Route.objects.filter(source=signal.source, account__in=account_ids)
    return {route.account_id: _scaled(route, signal) for route in routes}


def _scaled(route: Route, signal: Signal) -> Decimal:
    left = Decimal(signal.position_target or 0)
    if route.sizing == Route.Sizing.MULTIPLIER and route.multiplier is not None:
        return (left * route.multiplier).to_integral_value(rounding="ROUND_DOWN")
    if route.sizing == Route.Sizing.FIXED and route.fixed_size is not None:
        if not signal.position_before:
            return ZERO
        kept = route.fixed_size * abs(left) / abs(signal.position_before)
        return kept.to_integral_value(rounding="ROUND_DOWN").copy_sign(left)
    return left


# --- working ------------------------------------------------------------------------------------------


def work(exit_id: int) -> None:
    """Work one exit as far as it goes now. Safe to run twice at once: a lease keeps the second out."""
    row = _leased(exit_id)
    if row is None:
        return
    note, done = "", False
    try:
        for _ in range(ROUNDS):
            note, done = _round(row)
            if done or note:
                break
    except (Unavailable, InDoubt, Rejected) as error:
        note = f"{type(error).__name__}: {error}"
    except Exception as error:
        log.exception("Exit %s failed and will be tried again", exit_id)
        note = f"{type(error).__name__}: {error}"
    finally:
        _settle(row, note, done=done)


def _leased(exit_id: int) -> Exit | None:
    """Take the exit for a while; None when it is done or somebody else has it."""
    with transaction.atomic():
        now = database_now()
        free = Q(leased_until=None) | Q(leased_until__lt=now)
        taken = Exit.objects.filter(free, pk=exit_id, done_at=None).update(leased_until=now + LEASE)
        if not taken:
            return None
        row = Exit.objects.select_related("account__program", "account__trader").get(pk=exit_id)
        Exit.objects.filter(pk=exit_id).update(attempts=row.attempts + 1)
        row.attempts += 1
    return row


def _round(row: Exit) -> tuple[str, bool]:
    """One turn: cancel, read, close, or find it done. A note says what keeps it open."""
    from execution import reports

    venue = _venue(row.account)
    _cancel_covered(row, venue)
    if venue is None:
        return _without_venue(row)
    held = [p for p in venue.positions() if _family(p.symbol) == row.family and p.quantity != 0]
    excess = [position for position in held if _too_much(position, row.target)]
    if excess:
        if _closing_in_doubt(row):
            return "a closing order is in doubt: another one might cross zero", False
        for position in excess:
            _close(row, venue, position)
        reports.collect(venue)
        return "", False
    if row.target == 0:
        symbols = _symbols(row)
        if venue.has_working_orders(symbols):
            venue.cancel_all(symbols)
            return "", False
    return _unfinished(row), not _unfinished(row)


def _venue(account: Account) -> Connector | None:
    """Where the position is: the venue, even in dry-run, if this system ever opened something there."""
    if account.mode != Account.Mode.LIVE and not Position.objects.filter(account=account).exists():
        return None
    return venue_of(account)


def _without_venue(row: Exit) -> tuple[str, bool]:
    """Dry-run, or no connection: nothing was ever sent, so nothing is held."""
    if Position.objects.filter(account=row.account, family=row.family).exclude(quantity=0).exists():
        return "a position is booked, but the account has no venue to close it at", False
    return _unfinished(row), not _unfinished(row)


def _cancel_covered(row: Exit, venue: Connector | None) -> None:
    """Entries that the exit covers: approved ones never leave, working ones are cancelled at the venue."""
    with transaction.atomic():
        lock_traders([row.account.trader_id])
        for order in _covered(row).filter(status=OrderStatus.APPROVED.value):
            orders.move(order, OrderStatus.CANCELED, now=database_now(), detail="covered by an exit")
    if venue is not None:
        for order in _covered(row).filter(status__in=sorted(WORKING)):
            venue.cancel(order.client_order_id)


def _covered(row: Exit) -> QuerySet[Order]:
    entries = Order.objects.filter(account=row.account, family=row.family, leg=Leg.ENTRY)
    return entries if row.covers_id is None else entries.filter(signal__lt=row.covers_id)


def _closing_in_doubt(row: Exit) -> bool:
    """A closing order nobody has answered for may still execute until its settle time is over."""
    return Order.objects.filter(
        exit=row,
        status__in=[OrderStatus.SUBMITTING.value, OrderStatus.UNKNOWN.value],
        created_at__gt=database_now() - SETTLE_TIME,
    ).exists()


def _too_much(position: VenuePosition, target: Decimal) -> bool:
    """Beyond the target, or on the other side of it."""
    if position.quantity * target > 0:
        return abs(position.quantity) > abs(target)
    return position.quantity != 0


def _close(row: Exit, venue: Connector, position: VenuePosition) -> None:
    """Send one closing order for what was just read: never more than that."""
    keep = abs(row.target) if position.quantity * row.target > 0 else ZERO
    quantity = abs(position.quantity) - keep
    side = Side.SELL if position.quantity > 0 else Side.BUY
    with transaction.atomic():
        lock_traders([row.account.trader_id])
        now = database_now()
        number = Order.objects.filter(exit=row).count() + 1
        order = Order.objects.create(
            account=row.account,
            signal=row.covers,
            exit=row,
            leg=Leg.EXIT,
            client_order_id=f"pg-x{row.pk}-{number}",
            symbol=position.symbol,
            family=row.family,
            side=side.value,
            quantity=quantity,
            status=OrderStatus.APPROVED.value,
            created_at=now,
        )
        orders.move(order, OrderStatus.SUBMITTING, now=now, claimed_at=now)
    closing = ClosingOrder(order.client_order_id, position.symbol, side, quantity)
    try:
        sent = venue.close(closing)
    except Rejected as error:
        _answer(order, OrderStatus.REJECTED, str(error))
        raise
    except Unavailable as error:
        _answer(order, OrderStatus.CANCELED, str(error))
        raise
    except Exception as error:
        _answer(order, OrderStatus.UNKNOWN, str(error))
        raise
    after = OrderStatus.SKIPPED if sent.skipped else OrderStatus.ACCEPTED
    _answer(order, after, venue_order_id=sent.venue_order_id)


def _answer(order: Order, after: OrderStatus, detail: str = "", **columns: str) -> None:
    with transaction.atomic():
        lock_traders([order.account.trader_id])
        order.refresh_from_db()
        orders.move(order, after, now=database_now(), detail=detail, **columns)


def _unfinished(row: Exit) -> str:
    """What keeps an exit open although the venue shows the target: covered entries that may still fill."""
    covered = _covered(row)
    if covered.filter(status__in=sorted(IN_FLIGHT)).exists():
        return "an entry it covers is on its way"
    if covered.filter(status__in=sorted(IN_DOUBT)).exists():
        return "an entry it covers is in doubt"
    if covered.filter(status__in=sorted(WORKING)).exists():
        return "an entry it covers still works at the venue"
    return ""


def _settle(row: Exit, note: str, *, done: bool) -> None:
    """Give the lease back; when done, let the entries go on that waited for it."""
    with transaction.atomic():
        lock_traders([row.account.trader_id])
        now = database_now()
        if done:
            # Only if no further signal joined, and no covered entry was claimed, meanwhile.
            finished = not _unfinished(row) and Exit.objects.filter(
                pk=row.pk, done_at=None, covers=row.covers_id, target=row.target
            ).update(done_at=now, leased_until=None, note="")
            if finished:
                _ring_waiting(row)
                return
        Exit.objects.filter(pk=row.pk).update(leased_until=None, note=note)
        if row.attempts >= ALARM_AFTER_ATTEMPTS and note:
            alarms.raise_alarm(
                "exit_open", f"exit {row.pk}", f"{row}: still open after {row.attempts} attempts ({note}).",
                now=now, account=row.account,
            )  # fmt: skip


def _ring_waiting(row: Exit) -> None:
    from execution.intake import ring_for

    waiting = SignalChunk.objects.filter(done_at=None, signal__family=row.family)
    ring_for(chunk.pk for chunk in waiting if row.account_id in chunk.account_ids)


def _symbols(row: Exit) -> list[str]:
    held = Position.objects.filter(account=row.account, family=row.family).values_list("symbol", flat=True)
    ordered = Order.objects.filter(account=row.account, family=row.family).values_list("symbol", flat=True)
    return sorted({row.symbol, *held, *ordered.distinct()})


def _family(symbol: str) -> str:
    instrument = find_instrument(symbol)
    return instrument.family if instrument else symbol


__all__ = ["exposed_accounts", "open_exit", "open_for_signal", "reopen_if_covered", "work"]
