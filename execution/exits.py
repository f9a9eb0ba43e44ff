"""Exits: what opens one, joins one, and opens it again. `exit_loop` works them.

An Exit row is opened in the commit of the signal that asks for it. It covers every entry of an earlier
signal; a reversal's own entry leg comes after its exit.
"""

import logging
from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal

from django.db import DatabaseError, connection, transaction
from django.db.models import Max, Q
from django_q.tasks import async_task

from execution.instruments import find_instrument
from execution.models import Exit, Leg, Order, Position, Route, Signal
from execution.order_state import RESERVING, UNCONFIRMED

log = logging.getLogger(__name__)

ZERO = Decimal(0)


def open_for_signal(signal: Signal, account_ids: Iterable[int], now: datetime) -> None:
    """Open, or join, one exit per account; in the signal's own transaction."""
    targets = _targets(signal, list(account_ids))
    for account_id, target in sorted(targets.items()):  # everybody's order, or two would wait for each other
        open_exit(account_id, signal.family, signal.symbol, signal.pk, target, now)


def open_exit(
    account_id: int,
    family: str,
    symbol: str,
    covers: int | None,
    target: Decimal,
    now: datetime,
    *,
    is_inclusive: bool = False,
    by_kill: bool = False,
) -> None:
    """Open an exit, or let the open one answer this signal too: the newest one's target counts, but for the
    kill switch's, which stays 0 whatever joins it. `is_inclusive`: entries of `covers` are covered too."""
    table = Exit._meta.db_table
    newer = f"coalesce(excluded.covers_id, 0) >= coalesce({table}.covers_id, 0)"
    adapt = connection.ops.adapt_datetimefield_value
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} "  # noqa: S608
            "(account_id, family, symbol, covers_id, target, opened_at, is_inclusive, by_kill, "
            "attempts, note) "
            "VALUES (%s, %s, %s, %s, %s, %s, %s, %s, 0, '') "
            "ON CONFLICT (account_id, family) WHERE done_at IS NULL "
            "DO UPDATE SET "
            f"covers_id = CASE WHEN {newer} THEN excluded.covers_id ELSE {table}.covers_id END, "
            f"is_inclusive = CASE WHEN {newer} THEN excluded.is_inclusive ELSE {table}.is_inclusive END, "
            f"target = CASE WHEN {table}.by_kill THEN {table}.target ELSE excluded.target END, "
            f"symbol = excluded.symbol, by_kill = ({table}.by_kill OR excluded.by_kill) "
            f"WHERE {newer} OR excluded.by_kill",
            [account_id, family, symbol, covers, str(target), adapt(now), is_inclusive, by_kill],
        )


def open_flat(symbols: Mapping[tuple[int, str], str], now: datetime, *, by_kill: bool = False) -> None:
    """Open exits to flat that answer every signal so far, the newest one's entry included: nobody's alert,
    but the system's own word. `symbols` by account id and family; inside a transaction."""
    newest = Signal.objects.aggregate(newest=Max("pk"))["newest"]
    for (account_id, family), symbol in sorted(symbols.items()):
        open_exit(account_id, family, symbol, newest, ZERO, now, is_inclusive=True, by_kill=by_kill)


def covers(row: Exit, signal_id: int) -> bool:
    """Whether an exit covers the entry of a signal. A reversal's own entry comes after its exit."""
    newest = row.covers_id
    return newest is None or signal_id < newest or (row.is_inclusive and signal_id == newest)


def covering(signal_id: int | None) -> Q:
    """The same of rows: exits that cover the entry of a signal."""
    return Q(covers__gt=signal_id) | Q(is_inclusive=True, covers=signal_id)


def reopen_if_covered(order: Order, now: datetime) -> None:
    """A fill of an entry that an exit had covered: that exit is not done after all."""
    if order.signal_id is None:  # nobody's signal: no exit can have answered it
        return
    newest = (
        Exit.objects.filter(covering(order.signal_id), account=order.account, family=order.family)
        .order_by("-covers")
        .first()
    )
    if newest is not None:
        open_exit(
            order.account_id, order.family, order.symbol, newest.covers_id, newest.target, now,
            is_inclusive=newest.is_inclusive, by_kill=newest.by_kill,
        )  # fmt: skip
        ring_for_open([order.account_id])


def exposed_accounts(account_ids: Iterable[int], family: str) -> set[int]:
    """Those of the accounts where something of ours is open, or may yet be, in a symbol family."""
    ids = list(account_ids)
    held = Position.objects.filter(account__in=ids, family=family).exclude(quantity=0)
    ordered = Order.objects.filter(account__in=ids, family=family, status__in=sorted(RESERVING))
    return set(held.values_list("account", flat=True)) | set(ordered.values_list("account", flat=True))


def ring_for_open(account_ids: Iterable[int]) -> None:
    """Ring for the exits that are open. A queue that can't be written to holds nothing up: the sweep works
    them as well."""
    for pk in Exit.objects.filter(account__in=list(account_ids), done_at=None).values_list("pk", flat=True):
        try:
            with transaction.atomic():
                async_task("execution.tasks.work_exit", pk, task_name=f"exit-{pk}")
        except DatabaseError:
            log.exception("Exit %s could not be rung for; the sweep works it", pk)


def _targets(signal: Signal, account_ids: list[int]) -> dict[int, Decimal]:
    """What the exit leaves on each account: the sender's target in the account's own size."""
    if not signal.position_target:
        return dict.fromkeys(account_ids, ZERO)
    routes = Route.objects.filter(source=signal.source, account__in=account_ids)
    return {route.account_id: _scaled(route, signal) for route in routes}


def _scaled(route: Route, signal: Signal) -> Decimal:
    left = Decimal(signal.position_target or 0)
    if route.sizing == Route.Sizing.MULTIPLIER and route.multiplier is not None:
        instrument = find_instrument(signal.symbol)
        step = instrument.step if instrument else Decimal(1)
        return (left * route.multiplier / step).to_integral_value(rounding="ROUND_DOWN") * step
    if route.sizing == Route.Sizing.FIXED and route.fixed_size is not None:
        if not signal.position_before:
            return ZERO
        kept = route.fixed_size * abs(left) / abs(signal.position_before)
        return kept.to_integral_value(rounding="ROUND_DOWN").copy_sign(left)
    if route.sizing in (Route.Sizing.SHARE_OF_EQUITY, Route.Sizing.SHARE_OF_ROOM):
        return _same_part(route.account_id, signal, left)
    return left


def _same_part(account_id: int, signal: Signal, left: Decimal) -> Decimal:
    """Where the account's size is its own, the part of what it holds that the sender keeps of his; in
    contracts of the signal's symbol, which may be a broken number of them. Nothing where that isn't told."""
    meant = find_instrument(signal.symbol)
    if not signal.position_before or meant is None:
        return ZERO
    held = ZERO
    for position in Position.objects.filter(account=account_id, family=signal.family).exclude(quantity=0):
        own = find_instrument(position.symbol) or meant
        held += abs(position.quantity) * own.weight / meant.weight
    kept = held * abs(left) / abs(signal.position_before)
    return kept.quantize(Decimal("0.0001"), rounding="ROUND_DOWN").copy_sign(left)


def rearm(signal: Signal, account_ids: Iterable[int], now: datetime) -> None:
    """Open a repeated signal's exits again: a reversal's not where its own entry is what is held by now."""
    entries = Order.objects.filter(account__in=list(account_ids), family=signal.family, leg=Leg.ENTRY)
    entries = entries.exclude(status__in=sorted(UNCONFIRMED))
    newest = entries.values("account").annotate(newest=Max("signal")).filter(newest=signal.pk)
    ids = sorted(set(account_ids) - set(newest.values_list("account", flat=True)))
    open_for_signal(signal, ids, now)
    ring_for_open(ids)
