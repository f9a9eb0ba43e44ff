"""Bring positions down, again and again, until the venue shows them there. Exits wait for nothing.

One turn: cancel the entries the exit covers, read the position, close what is too much, read again. It is
done only when the venue is at the target, nothing of ours still works there, no covered entry is in flight
or in doubt, and no fill was booked since the read.
"""

import logging
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial

from django.db.models import Max, Q, QuerySet

from enforcement.explain import plain
from enforcement.orders import Side
from enforcement.program import Automation
from execution import alarms, blind, confirmation, doubt, epochs, fault, orders, reports
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
from execution.instruments import family, find_instrument
from execution.intake import ring_for
from execution.models import Exit, Fill, Leg, Order, Position, SignalChunk
from execution.order_state import IN_DOUBT, IN_FLIGHT, WORKING, OrderStatus
from execution.parallel import for_each
from execution.prompt import prompt_transaction
from firms.models import Account
from firms.services import lock_traders

log = logging.getLogger(__name__)

NEVER = datetime.min.replace(tzinfo=UTC)
LEASE = timedelta(seconds=15)
LONGEST_PAUSE = 10  # seconds between two attempts at an exit that does not get on
ROUNDS = 4  # reads of the position in one go; what is left is the sweeper's
ALARM_AFTER_ATTEMPTS = 5
ZERO = Decimal(0)
_NOT_SENT_YET = (OrderStatus.APPROVED.value, OrderStatus.AWAITING_CONFIRMATION.value)


def work(exit_id: int) -> None:
    """Work one exit as far as it goes now. Safe to run twice at once: a lease keeps the second out."""
    row = _leased(exit_id)
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
    except _LeaseLost:
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


class _LeaseLost(Exception):
    """The lease ran out meanwhile: what was read may have been acted on by somebody else."""


def _keep_lease(row: Exit) -> None:
    """Right before a request that others would suffer from, were the exit done by now. Raises _LeaseLost."""
    with prompt_transaction(gives_up=False):
        now = database_now()
        own = Exit.objects.filter(pk=row.pk, done_at=None, leased_until=row.leased_until)
        if not own.update(leased_until=now + LEASE):
            raise _LeaseLost
        row.leased_until = now + LEASE


def _leased(exit_id: int) -> Exit | None:
    """Take the exit for a while; None when it is done or somebody else has it."""
    with prompt_transaction(gives_up=False):
        now = database_now()
        free = Q(leased_until=None) | Q(leased_until__lt=now)
        mine = {"leased_until": now + LEASE, "tried_at": now}
        taken = Exit.objects.filter(free, pk=exit_id, done_at=None).update(**mine)
        if not taken:
            return None
        row = Exit.objects.select_related("account__program", "account__trader").get(pk=exit_id)
        Exit.objects.filter(pk=exit_id).update(attempts=row.attempts + 1)
        row.attempts += 1
    return row


def is_due(row: Exit, now: datetime) -> bool:
    """Whether the sweep tries again by now: at once, then after a pause that doubles up to ten seconds."""
    if row.leased_until is not None and row.leased_until >= now:
        return False
    pause = timedelta(seconds=min(2 ** max(row.attempts - 1, 0), LONGEST_PAUSE))
    return row.tried_at is None or now >= row.tried_at + pause


def _round(row: Exit) -> tuple[str, int | None]:
    """One turn: cancel, read, close. A note says what keeps it open; a number that the venue showed the
    target: the newest fill that was booked when it was read."""
    venue = _venue(row.account)
    if venue is not None and venue.blind:
        return _round_blind(row, venue), None
    uncancelled = _cancel_covered(row, venue)
    last_fill = _last_fill(row.account)
    if venue is None:
        return _without_venue(row), last_fill
    _ask_about(row, venue)
    held = [p for p in _positions(row, venue) if family(p.symbol) == row.family and p.quantity != 0]
    excess = _excess(row, held)
    if excess:
        if _closing_pending(row, venue):
            return "a closing order still works or is in doubt: another one might cross zero", None
        _close_all(row, venue, excess)
        reports.collect(venue)
        return "", None
    if row.target == 0:
        symbols = _symbols(row)
        if venue.has_working_orders(symbols):
            _keep_lease(row)
            venue.cancel_all(symbols)
            return "", None
    reports.collect(venue)  # what brought it there is booked before it is done
    if _last_fill(row.account) != last_fill:
        return "", None  # and may be all that an order it cancelled was waiting for
    if _take_back(row.orders.filter(status__in=sorted(WORKING)), venue, "not needed any more: taken back"):
        return "", None
    return uncancelled or _unfinished(row), last_fill


def _positions(row: Exit, venue: Connector) -> Sequence[VenuePosition]:
    """A fresh read. Where the venue can't tell, its own flatten is sent unseen, and the exit stays open."""
    try:
        return venue.positions()
    except Exception:
        if venue.native_flatten and row.target == 0:
            _keep_lease(row)
            venue.flatten(_symbols(row))
        raise


def _ask_about(row: Exit, venue: Connector) -> None:
    """What is in doubt, of the exit's own closing orders and of the entries it covers, the venue is asked."""
    now = database_now()
    own = Order.objects.filter(exit=row) | _covered(row)
    for order in own.select_related("account").filter(status__in=sorted(IN_FLIGHT | IN_DOUBT)):
        if order.status == OrderStatus.SUBMITTING.value:
            if order.claimed_at is not None and now - order.claimed_at < doubt.STRANDED:
                continue
            doubt.strand(order)
        try:
            doubt.ask(order, venue)
        except Exception:  # the close does not wait for an answer
            log.exception("The venue could not be asked about order %s; the next turn asks again", order.pk)


def _round_blind(row: Exit, venue: Connector) -> str:
    """One turn where nobody can be asked: tell the symbols to be flat, at last assume that they are."""
    _cancel_covered(row, None)
    step = blind.next_step(row, _covered(row), database_now(), partial(_excess, row))
    if step.flatten:
        _close_all(row, venue, step.flatten)
        return ""
    return step.waits_for or _finish_blind(row)


def _finish_blind(row: Exit) -> str:
    with prompt_transaction(gives_up=False):
        lock_traders([row.account.trader_id])
        now = database_now()
        step = blind.next_step(row, _covered(row), now, partial(_excess, row))
        if step.flatten or step.waits_for:
            return step.waits_for
        note = blind.ASSUMED_FLAT if step.symbols else ""
        finished = Exit.objects.filter(
            pk=row.pk, done_at=None, covers=row.covers_id, target=row.target
        ).update(done_at=now, leased_until=None, note=note)
        if finished:
            blind.assume_flat(row, _covered(row), step.symbols, now)
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
    _cancel_covered(row, None)
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
    return _unfinished(row)


def _cancel_covered(row: Exit, venue: Connector | None) -> str:
    """Entries that the exit covers: what was approved, or waits for a person, never leaves; what works is
    cancelled at the venue.

    Returns what could not be cancelled: the close does not wait for it.
    """
    with prompt_transaction(gives_up=False):
        lock_traders([row.account.trader_id])
        why = "covered by an exit"
        for order in _covered(row).filter(status__in=_NOT_SENT_YET):
            now = database_now()
            if order.status == OrderStatus.APPROVED.value:
                orders.move(order, OrderStatus.CANCELED, now=now, detail=why)
            else:
                confirmation.end(order, OrderStatus.CANCELED, act="canceled", now=now, why=why)
    failed = ""
    if venue is not None:
        for order in _covered(row).filter(status__in=sorted(WORKING)):
            try:
                doubt.cancel(order, venue, "cancelled for an exit")
            except Exception as error:  # noqa: BLE001 - kept in the exit's note, tried again next round
                failed = f"an entry it covers could not be cancelled: {type(error).__name__}: {error}"
    return failed


def _covered(row: Exit) -> QuerySet[Order]:
    entries = Order.objects.filter(account=row.account, family=row.family, leg=Leg.ENTRY)
    if row.covers_id is None:
        return entries
    # A reversal's own entry comes after its exit; the system's own word covers all there was.
    newest = Q(signal=row.covers_id) if row.is_inclusive else Q()
    return entries.filter(Q(signal__lt=row.covers_id) | newest)


def _closing_pending(row: Exit, venue: Connector) -> bool:
    """Whether a closing order may still execute: a second one could then cross zero.

    One that works and is not filled within the settle time is taken back. HELD ones are past it.
    """
    now = database_now()
    pending = list(row.orders.filter(status__in=sorted({*IN_FLIGHT, *WORKING, OrderStatus.UNKNOWN})))
    if any(order.status not in WORKING or not doubt.is_settled(order, venue, now) for order in pending):
        return True
    _take_back(pending, venue, "not filled in time: taken back")
    return False


def _take_back(closing: Iterable[Order], venue: Connector, why: str) -> bool:
    """Cancel closing orders that work; whether there were any."""
    found = list(closing)
    for order in found:
        doubt.cancel(order, venue, why)
    return bool(found)


def _excess(row: Exit, held: Iterable[VenuePosition]) -> list[VenuePosition]:
    """What of the family's positions is beyond the target or on its other side, each in its own contracts.

    The target is kept once, of minis before micros: they are one position.
    """
    meant = find_instrument(row.symbol)
    weighed = []
    for position in held:
        own = find_instrument(position.symbol)
        weight = own.weight / meant.weight if own is not None and meant is not None else Decimal(1)
        weighed.append((weight, position, own))
    left, beyond = abs(row.target), []
    for weight, position, own in sorted(weighed, key=lambda one: (-one[0], one[1].symbol)):
        keep = ZERO
        if position.quantity * row.target > 0:
            fits = left / weight if own is None else own.floor_to_step(left / weight)
            keep = min(fits, abs(position.quantity))
            left -= keep * weight
        if abs(position.quantity) > keep:
            beyond.append(position._replace(quantity=position.quantity - keep.copy_sign(position.quantity)))
    return beyond


def _close_all(row: Exit, venue: Connector, positions: Iterable[VenuePosition]) -> None:
    """Close what is too much in each symbol; one that fails does not hold the others back."""
    errors: list[Exception] = []
    for position in positions:
        try:
            _close(row, venue, position)
        except _LeaseLost:
            raise
        except Exception as error:  # noqa: BLE001 - raised below, once the others are closed
            errors.append(error)
    if errors:
        raise errors[0]


def _close(row: Exit, venue: Connector, position: VenuePosition) -> None:
    """Send one closing order for (a part of) what was just read: never more than that."""
    quantity = abs(position.quantity)
    side = Side.SELL if position.quantity > 0 else Side.BUY
    with prompt_transaction(gives_up=False):
        lock_traders([row.account.trader_id])
        now = database_now()
        _keep_lease(row)
        number = Order.objects.filter(exit=row).count() + 1
        order = Order.objects.create(
            account=row.account,
            signal=row.covers,
            exit=row,
            leg=Leg.EXIT,
            client_order_id=epochs.closing_id(epochs.current(), row.pk, number),
            symbol=position.symbol,
            family=row.family,
            side=side.value,
            quantity=quantity,
            status=OrderStatus.APPROVED.value,
            created_at=now,
        )
        orders.move(order, OrderStatus.SUBMITTING, now=now, claimed_at=now)
    closing = ClosingOrder(order.client_order_id, position.symbol, side, quantity)
    fault.point("exit.after_claim")
    try:
        sent = venue.close(closing)
        fault.point("exit.after_send")
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
    with prompt_transaction(gives_up=False):
        lock_traders([order.account.trader_id])
        order.refresh_from_db()
        orders.move(order, after, now=database_now(), detail=detail, **columns)


def _unfinished(row: Exit) -> str:
    """What keeps an exit open although the venue shows the target: covered entries that may still fill."""
    if row.orders.filter(status__in=sorted({*IN_FLIGHT, OrderStatus.UNKNOWN})).exists():
        return "a closing order of it is on its way or in doubt"
    covered = _covered(row)
    if covered.filter(status__in=sorted(IN_FLIGHT)).exists():
        return "an entry it covers is on its way"
    if covered.filter(status__in=sorted(IN_DOUBT)).exists():
        return "an entry it covers is in doubt"
    if covered.filter(status__in=sorted(WORKING)).exists():
        return "an entry it covers still works at the venue"
    return ""


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
        if _unfinished(row) or _last_fill(row.account) != last_fill:
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


def _symbols(row: Exit) -> list[str]:
    held = Position.objects.filter(account=row.account, family=row.family).values_list("symbol", flat=True)
    ordered = Order.objects.filter(account=row.account, family=row.family).values_list("symbol", flat=True)
    return sorted({row.symbol, *held, *ordered.distinct()})
