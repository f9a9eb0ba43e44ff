"""Bring positions down, again and again, until the venue shows them there. Exits wait for nothing.

One turn: cancel the entries the exit covers, read the position, close what is too much, read again. It is
done only when the venue is at the target, nothing of ours still works there, no covered entry is in flight
or in doubt, and no fill was booked since the read.
"""

import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial

from django.db.models import Max

from enforcement.explain import plain
from enforcement.program import Automation
from execution import alarms, blind, exit_lease, exit_orders, orders, reports
from execution.clock import database_now
from execution.connectors import (
    Connector,
    InDoubt,
    Rejected,
    Unavailable,
    VenuePosition,
    venue_of,
)
from execution.instruments import family
from execution.intake import ring_for
from execution.models import Exit, Fill, Leg, Order, Position, SignalChunk
from execution.order_state import IN_DOUBT, IN_FLIGHT, WORKING, OrderStatus
from execution.parallel import for_each
from execution.prompt import prompt_transaction
from firms.models import Account
from firms.services import lock_traders

log = logging.getLogger(__name__)

NEVER = datetime.min.replace(tzinfo=UTC)
ROUNDS = 4  # reads of the position in one go; what is left is the sweeper's
ALARM_AFTER_ATTEMPTS = 5
ZERO = Decimal(0)


def work(exit_id: int) -> None:
    """Work one exit as far as it goes now. Safe to run twice at once: a lease keeps the second out."""
    row = exit_lease.take(exit_id)
    if row is None:
        return
    note = ""
    try:
        advises = _is_advice(row)
        for _ in range(ROUNDS):
            note, last_fill = _advise(row) if advises else _round(row)
            if note or (last_fill is not None and _finish(row, last_fill)):
                break
            # A further signal, or the kill switch, may have joined.
            row.refresh_from_db(fields=["covers", "target", "symbol", "is_inclusive", "by_kill"])
        else:
            note = f"not there after {ROUNDS} looks"
    except exit_lease.LeaseLost:
        return  # somebody else works on it by now
    except (Unavailable, InDoubt, Rejected) as error:
        note = f"{type(error).__name__}: {error}"
    except Exception as error:
        log.exception("Exit %s failed and will be tried again", exit_id)
        note = f"{type(error).__name__}: {error}"
    _give_back(row, note)


def work_all(exit_ids: Sequence[int], seconds: float) -> None:
    """Work several side by side: one venue that hangs holds up neither the exits of others nor the caller."""
    for_each("exit", _safely, exit_ids, seconds)


def _safely(exit_id: int) -> None:
    try:
        work(exit_id)
    except Exception:
        log.exception("Exit %s could not be worked; the sweep tries again", exit_id)


def _round(row: Exit) -> tuple[str, int | None]:
    """One turn: cancel, read, close. A note says what keeps it open; a number that the venue showed the
    target: the newest fill that was booked when it was read."""
    venue = _venue(row.account)
    if venue is not None and venue.blind:
        return _round_blind(row, venue), None
    uncancelled = exit_orders.cancel_covered(row, venue)
    last_fill = _last_fill(row.account)
    if venue is None:
        return _without_venue(row), last_fill
    exit_orders.ask_about(row, venue)
    held = [p for p in _positions(row, venue) if family(p.symbol) == row.family and p.quantity != 0]
    excess = exit_orders.excess(row, held)
    if excess:
        if exit_orders.closing_pending(row, venue):
            return "a closing order still works or is in doubt: another one might cross zero", None
        exit_orders.close_all(row, venue, excess)
        reports.collect(venue)
        return "", None
    if row.target == 0:
        symbols = exit_orders.symbols_of(row)
        if venue.has_working_orders(symbols):
            exit_lease.keep(row)
            venue.cancel_all(symbols)
            return "", None
    reports.collect(venue)  # what brought it there is booked before it is done
    if _last_fill(row.account) != last_fill:
        return "", None  # and may be all that an order it cancelled was waiting for
    if exit_orders.take_back(
        row.orders.filter(status__in=sorted(WORKING)), venue, "not needed any more: taken back"
    ):
        return "", None
    return uncancelled or exit_orders.unfinished(row), last_fill


def _positions(row: Exit, venue: Connector) -> Sequence[VenuePosition]:
    """A fresh read. Where the venue can't tell, its own flatten is sent unseen, and the exit stays open."""
    try:
        return venue.positions()
    except Exception:
        if venue.native_flatten and row.target == 0:
            exit_lease.keep(row)
            venue.flatten(exit_orders.symbols_of(row))
        raise


def _round_blind(row: Exit, venue: Connector) -> str:
    """One turn where nobody can be asked: tell the symbols to be flat, at last assume that they are."""
    exit_orders.cancel_covered(row, None)
    step = blind.next_step(row, exit_orders.covered(row), database_now(), partial(exit_orders.excess, row))
    if step.flatten:
        exit_orders.close_all(row, venue, step.flatten)
        return ""
    return step.waits_for or _finish_blind(row)


def _finish_blind(row: Exit) -> str:
    with prompt_transaction(gives_up=False):
        lock_traders([row.account.trader_id])
        now = database_now()
        step = blind.next_step(row, exit_orders.covered(row), now, partial(exit_orders.excess, row))
        if step.flatten or step.waits_for:
            return step.waits_for
        note = blind.ASSUMED_FLAT if step.symbols else ""
        finished = Exit.objects.filter(
            pk=row.pk, done_at=None, covers=row.covers_id, target=row.target
        ).update(done_at=now, leased_until=None, note=note)
        if finished:
            blind.assume_flat(row, exit_orders.covered(row), step.symbols, now)
            alarms.close_alarm("exit_open", f"exit {row.pk}", now=now)
            _ring_waiting(row)
    return note or "done"


def _venue(account: Account) -> Connector | None:
    """Where the position is: the venue, even in dry-run, if this system ever sent something there."""
    if account.mode != Account.Mode.LIVE:
        sent = Order.objects.filter(account=account, status__in=sorted(IN_FLIGHT | IN_DOUBT | WORKING))
        if not sent.exists() and not Position.objects.filter(account=account).exists():
            return None
    return venue_of(account)


def _is_advice(row: Exit) -> bool:
    """Whether the program allows advice only, and this system opened nothing here. What it did open, before
    the program said so, is closed as ever."""
    account = row.account
    if account.program.automation != Automation.ADVISE_ONLY or account.mode != Account.Mode.LIVE:
        return False
    venue = venue_of(account)
    entries = Order.objects.filter(account=account, family=row.family, leg=Leg.ENTRY)
    if (venue is not None and not venue.live) or row.orders.exists():
        return False
    if entries.filter(status__in=sorted(IN_FLIGHT | IN_DOUBT | WORKING)).exists():
        return False
    held = Position.objects.filter(account=account, family=row.family).exclude(quantity=0)
    return not any(_is_ours(position) for position in held)


def _is_ours(position: Position) -> bool:
    """Whether an entry of ours was filled since the position left zero."""
    fills = Fill.objects.filter(account=position.account_id, symbol=position.symbol, order__leg=Leg.ENTRY)
    return fills.filter(filled_at__gte=position.opened_at or NEVER).exists()


def _advise(row: Exit) -> tuple[str, int | None]:
    """An exit there is an alarm to a person, and done with it: nothing ever leaves."""
    exit_orders.cancel_covered(row, None)
    what = f"Close {row.family}" if row.target == 0 else f"Bring {row.family} to {plain(row.target)}"
    alarms.raise_alarm(
        "advice", f"exit {row.pk}",
        f"{what} on {row.account.label}: the program allows advice only, nothing was sent.",
        now=database_now(), account=row.account,
    )  # fmt: skip
    return "", _last_fill(row.account)


def _without_venue(row: Exit) -> str:
    """Dry-run, or no connection: nothing was ever sent, so nothing is held."""
    if Position.objects.filter(account=row.account, family=row.family).exclude(quantity=0).exists():
        return "a position is booked, but the account has no venue to close it at"
    return exit_orders.unfinished(row)


def _last_fill(account: Account) -> int:
    """The newest booked fill; 0 where there is none. Fills of an account are booked under its one lock."""
    return Fill.objects.filter(account=account).aggregate(last=Max("pk"))["last"] or 0


def _finish(row: Exit, last_fill: int) -> bool:
    """Done, and let the entries go on that waited for it; False when the read no longer says so.

    That is when a further signal joined, a covered entry was claimed, or a fill was booked since: the
    entry that was on its way at the read may be the position by now.
    """
    with prompt_transaction(gives_up=False):
        lock_traders([row.account.trader_id])
        if exit_orders.unfinished(row) or _last_fill(row.account) != last_fill:
            return False
        finished = Exit.objects.filter(
            pk=row.pk, done_at=None, covers=row.covers_id, target=row.target
        ).update(done_at=database_now(), leased_until=None, note="")
        if finished:
            now = database_now()
            alarms.close_alarm("exit_open", f"exit {row.pk}", now=now)
            for order in Order.objects.filter(exit=row, status=OrderStatus.HELD.value).select_related(
                "account"
            ):
                orders.move(order, OrderStatus.CANCELED, now=now, detail="the position is where it should be")
                orders.close_doubt(order, now)
            _ring_waiting(row)
    return bool(finished)


def _give_back(row: Exit, note: str) -> None:
    """Give the lease back, if it is still ours and the exit still open; a note left too long is an alarm."""
    with prompt_transaction(gives_up=False):
        lock_traders([row.account.trader_id])
        now = database_now()
        own = Exit.objects.filter(pk=row.pk, done_at=None, leased_until=row.leased_until)
        if own.update(leased_until=None, note=note) and row.attempts >= ALARM_AFTER_ATTEMPTS and note:
            alarms.raise_alarm(
                "exit_open", f"exit {row.pk}", f"{row}: still open after {row.attempts} attempts ({note}).",
                now=now, account=row.account,
            )  # fmt: skip


def _ring_waiting(row: Exit) -> None:
    """Ring for chunks that were tried and wait for this exit. The others have a ring of their own: a flood of
    them must not double with each exit."""
    waiting = SignalChunk.objects.filter(done_at=None, attempts__gt=0, signal__family=row.family)
    ring_for(chunk.pk for chunk in waiting if row.account_id in chunk.account_ids)
