"""Accounts whose venue can't be asked: what is assumed of them, from when on, and until when.

An entry that was taken counts as filled: the order stays ACCEPTED with nothing filled, so that its risk and
its contracts stay reserved, and no fill is made up. That ends when its symbol was told to be flat, or when
somebody says that nothing is open. What such a trade won or lost is then unknown until state is posted.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from django.db import transaction
from django.db.models import Max, QuerySet

from enforcement.account import AccountState
from enforcement.explain import plain
from enforcement.orders import Side
from execution import alarms, connectors, orders
from execution.connectors.base import VenuePosition
from execution.models import Alarm, Connection, Exit, Leg, Order, OrderEvent, Position, VenueAccount
from execution.order_state import IN_DOUBT, IN_FLIGHT, WORKING, OrderStatus
from firms import audit
from firms.audit import Actor
from firms.models import Account
from firms.services import lock_traders, record_trade
from firms.statements import keys

FLAT_ATTEMPTS = 3  # of the command that flattens, as long as nobody answers it clearly
LONGEST_PAUSE = timedelta(seconds=10)
ASSUMED_FLAT = "assumed flat, not verified"
_AT = f"""
    account_id {{ids}}
    AND connection_id IN (SELECT id FROM {Connection._meta.db_table} WHERE venue {{venues}})
"""  # noqa: S608 - a table's name
_ASSUMED = frozenset(WORKING | IN_DOUBT | IN_FLIGHT)  # may be held at the venue
_ONE_REQUEST = (OrderStatus.SUBMITTING, OrderStatus.UNKNOWN, OrderStatus.HELD)  # perhaps sent


def among(account_ids: Iterable[int]) -> set[int]:
    """Those of the accounts that are at a venue which can't be asked. One query, at most."""
    venues = [name for name, kind in connectors.CONNECTORS.items() if kind.blind]
    ids = list(account_ids)
    return keys(VenueAccount, "account_id", _AT, ids=ids, venues=venues) if ids and venues else set()


def cautious(state: AccountState) -> AccountState:
    """The state while something may be open there: a profit that is not closed does not count.

    The risk of the open entry runs from its own price; nobody says at which price equity was marked.
    """
    return replace(state, equity=min(state.equity, state.balance))


def answered(order: Order, now: datetime) -> None:
    """An entry's answer has been written down; the caller holds the trader's lock.

    Taken or in doubt, it counts as a trade; not sent at all, a person hears of it.
    """
    account, subject = order.account, f"account {order.account_id}"
    if order.status == OrderStatus.CANCELED.value:
        alarms.raise_alarm(
            "not_sent", subject,
            f"{account}: {order} could not be sent, and will not be ({order.note}).",
            now=now, account=account,
        )  # fmt: skip
    elif order.status == OrderStatus.ACCEPTED.value or OrderStatus(order.status) in IN_DOUBT:
        before = Order.objects.filter(account=account, leg=Leg.ENTRY, symbol=order.symbol)
        opens = not before.filter(status__in=sorted(_ASSUMED)).exclude(pk=order.pk).exists()
        record_trade(account, opened=opens, result=None, at=now)
        alarms.close_alarm("not_sent", subject, now=now)


# --- exits --------------------------------------------------------------------------------------------


class Step(NamedTuple):
    """What an exit does next: `flatten` these, else wait (why), else it is over for `symbols`."""

    flatten: list[VenuePosition]
    waits_for: str
    symbols: list[str]


def next_step(
    row: Exit,
    covered: QuerySet[Order],
    now: datetime,
    excess: Callable[[Iterable[VenuePosition]], Iterable[VenuePosition]],
) -> Step:
    """Looks at what the exit covers and at what was sent for it.

    The command counts from the last answer of an entry it covers: what was taken later needs another one.
    """
    flatten, symbols, waits_for = [], [], ""
    held = _assumed(covered)
    beyond = {position.symbol for position in excess(held)}
    for position in held:
        if position.symbol not in beyond:
            continue
        symbols.append(position.symbol)
        told = list(
            row.orders.filter(
                symbol=position.symbol, created_at__gte=_changed_at(row, covered, position.symbol)
            )
        )
        perhaps = [order for order in told if order.status in _ONE_REQUEST]
        if any(order.status == OrderStatus.ACCEPTED.value for order in told) or len(perhaps) >= FLAT_ATTEMPTS:
            continue
        if told and now < _next_at(told):
            waits_for = f"{position.symbol}: told to be flat {len(told)} times, without a yes"
        else:
            flatten.append(position)
    if covered.filter(status__in=sorted(IN_FLIGHT)).exists():
        waits_for = waits_for or "an entry it covers is on its way"
    return Step(flatten, waits_for, symbols)


def _assumed(covered: QuerySet[Order]) -> list[VenuePosition]:
    """What may be held by symbol; where that is nothing, the last entry's: the command can be repeated."""
    entries = list(covered.filter(status__in=sorted(_ASSUMED)).order_by("pk"))
    if not entries:
        entries = list(covered.exclude(claimed_at=None).order_by("-pk")[:1])
    held: dict[str, Decimal] = {}
    newest = {order.symbol: Side(order.side).sign * order.quantity for order in entries}
    for order in entries:
        held[order.symbol] = held.get(order.symbol, Decimal(0)) + Side(order.side).sign * order.quantity
    return [VenuePosition(symbol, quantity or newest[symbol], None) for symbol, quantity in held.items()]


def _changed_at(row: Exit, covered: QuerySet[Order], symbol: str) -> datetime:
    entries = covered.filter(symbol=symbol, status__in=sorted(WORKING | IN_DOUBT))
    last: datetime | None = OrderEvent.objects.filter(order__in=entries).aggregate(last=Max("at"))["last"]
    return max(last, row.opened_at) if last is not None else row.opened_at


def _next_at(told: list[Order]) -> datetime:
    last = max(order.created_at for order in told)
    return last + min(timedelta(seconds=2 ** min(len(told), 10)), LONGEST_PAUSE)


def assume_flat(row: Exit, covered: QuerySet[Order], symbols: list[str], now: datetime) -> None:
    """The exit is over for these symbols; the caller holds the trader's lock.

    An entry in doubt stays in doubt: whether it ever was, only a person can say.
    """
    own = row.orders.filter(symbol__in=symbols)
    taken = set(own.filter(status=OrderStatus.ACCEPTED.value).values_list("symbol", flat=True)) >= set(
        symbols
    )
    held = list(covered.filter(symbol__in=symbols, status__in=sorted(WORKING | IN_DOUBT)))
    for order in held:
        if OrderStatus(order.status) in WORKING:
            _end(order, "assumed filled, and told to be flat since: nobody can be asked", now)
    for order in own.filter(status=OrderStatus.ACCEPTED.value):
        _end(order, "taken; assumed done: nobody can be asked", now)
    for order in own.filter(status__in=_ONE_REQUEST):
        orders.move(order, OrderStatus.EXPIRED, now=now, detail="never answered clearly")
        orders.close_doubt(order, now)
    if held:
        _forget_money(row.account, {order.symbol for order in held}, row.family, now)
    if held or not taken:
        what = "was taken" if taken else f"was sent {FLAT_ATTEMPTS} times and never answered clearly"
        alarms.raise_alarm(
            "exit_unverified", _unverified(row.account, row.family),
            f"{row.account}: {', '.join(symbols)} is {ASSUMED_FLAT}: the command {what}. Look at the broker.",
            now=now, account=row.account,
        )  # fmt: skip


def _unverified(account: Account, family: str) -> str:
    return f"account {account.pk} {family}"


def _end(order: Order, detail: str, now: datetime) -> None:
    orders.move(
        order, OrderStatus.FILLED, now=now, detail=detail,
        filled_quantity=order.quantity, average_price=order.entry_price,
    )  # fmt: skip


def _forget_money(account: Account, symbols: Iterable[str], family: str, now: datetime) -> None:
    """What is known of the account's money is from before this: entries wait for what is posted next."""
    for symbol in symbols:
        Position.objects.update_or_create(
            account=account,
            symbol=symbol,
            defaults={"last_fill_at": now},
            create_defaults={"family": family, "quantity": Decimal(0), "last_fill_at": now},
        )


# --- what a person, or a script, says -----------------------------------------------------------------


def nothing_open(account: Account, *, at: datetime, now: datetime, why: str) -> list[Order]:
    """Somebody says that at `at` nothing was open there: what was taken before ends. The caller holds the
    trader's lock. Returns the entries it ended; those in doubt stay for whoever looks each one up."""
    ended = []
    for order in Order.objects.filter(account=account, leg=Leg.ENTRY, status__in=sorted(WORKING)):
        last: datetime | None = order.events.aggregate(last=Max("at"))["last"]
        if last is None or last <= at:
            _end(order, f"assumed filled; nothing of it is open: {why}", now)
            ended.append(order)
    Alarm.objects.filter(
        kind="exit_unverified", account=account, closed_at=None, raised_at__lte=at
    ).update(closed_at=now)  # fmt: skip
    return ended


def declare_flat(account: Account, *, reason: str, now: datetime, actor: Actor) -> list[Order]:
    """A person has looked at the broker. What the trades came to stays unknown until state is posted."""
    with transaction.atomic():
        lock_traders([account.trader_id])
        ended = nothing_open(account, at=now, now=now, why=reason)
        for order in ended:
            _forget_money(account, [order.symbol], order.family, now)
        audit.record(
            "account.declared_flat", f"account {account}", now=now, actor=actor, reason=reason,
            before=", ".join(f"{order.side} {plain(order.quantity)} {order.symbol}" for order in ended),
            after="nothing open",
        )  # fmt: skip
    return ended
