"""The kill switch: no entry leaves any more and, if so chosen, every position in its scope is closed.

The switch is a flag with the key `kill`, committed first and by itself: nothing it has to wait for stands
before it. `flattening` does the rest, in whatever process is alive; `kill_report` says how far it is.
"""

import logging
from collections.abc import Iterable
from datetime import datetime
from itertools import groupby

from django.db import DatabaseError, transaction
from django.db.models import Q, QuerySet

from execution import confirmation, exits, orders
from execution.clock import database_now
from execution.models import Kill, Leg, Order, Position
from execution.order_state import RESERVING, OrderStatus
from execution.prompt import Busy, prompt_transaction
from firms import audit
from firms.audit import Actor
from firms.models import MANUAL, Account, Firm, Flag, FlagKey, Program, Scope
from firms.services import Subject, end_flag, lock_traders, raise_flag

log = logging.getLogger(__name__)

WHY = "the kill switch"
_NOT_SENT_YET = (OrderStatus.APPROVED.value, OrderStatus.AWAITING_CONFIRMATION.value)


def engage(
    subject: Subject, *, flatten: bool, reason: str, actor: Actor = None, now: datetime | None = None
) -> Flag:
    """Switch it on, and start what follows. `now` is the database's time where it is not given.

    Engaged again it stays as it is, but for `flatten`, which can be added and never taken back.
    """
    flag = _switch_on(subject, flatten=flatten, reason=reason, actor=actor, now=now or database_now())
    if flatten:
        open_exits(accounts_of(subject))
    stop_entries(accounts_of(subject))
    return flag


def release(subject: Subject, *, reason: str, actor: Actor, now: datetime | None = None) -> bool:
    """Switch it off. Only this does; raises MayNotRelease unless a person with the permission gives a reason.

    False where the subject itself is not killed: what stands above it is released there.
    """
    now = now or database_now()
    with transaction.atomic():
        own = list(_own_flags(subject).values_list("cause", flat=True))
        for cause in own:
            end_flag(subject, FlagKey.KILL, cause=cause, reason=reason, actor=actor, now=now)
    return bool(own)


def subject_named(scope: str, name: str = "") -> Subject:
    """A firm by its code, a program as CODE/NUMBER, an account by its label (TRADER/LABEL where two share
    it). Raises LookupError with what is wrong in words."""
    found: list[Firm] | list[Program] | list[Account] = []
    if scope == Scope.PLATFORM:
        return None
    if scope == Scope.FIRM:
        found = list(Firm.objects.filter(code=name))
    elif scope == Scope.PROGRAM:
        code, _, number = name.rpartition("/")
        if number.isascii() and number.isdigit() and len(number) < 10:
            found = list(Program.objects.select_related("firm").filter(firm__code=code, number=int(number)))
    else:
        trader, _, label = name.partition("/")
        accounts = Account.objects.select_related("program__firm", "trader")
        found = list(accounts.filter(label=name)) or list(accounts.filter(label=label, trader__name=trader))
    if len(found) > 1:
        raise LookupError(f"There are {len(found)} accounts {name!r}: write it as TRADER/LABEL.")
    if not found:
        raise LookupError(f"There is no {scope} {name!r}.")
    return found[0]


def accounts_of(subject: Subject) -> QuerySet[Account]:
    """Every account in a scope, those that are switched off included."""
    accounts = Account.objects.select_related("program__firm", "trader").order_by("pk")
    if subject is None:
        return accounts
    if isinstance(subject, Firm):
        return accounts.filter(program__firm=subject)
    if isinstance(subject, Program):
        return accounts.filter(program=subject)
    return accounts.filter(pk=subject.pk)


def kills_over(subject: Subject) -> list[Flag]:
    """The open kill switches that concern a subject: its own and those above it, the oldest first."""
    over = Q(scope=Scope.PLATFORM)
    if isinstance(subject, Firm):
        over |= Q(firm=subject)
    elif isinstance(subject, Program):
        over |= Q(program=subject) | Q(firm=subject.firm_id)
    elif isinstance(subject, Account):
        over |= Q(account=subject) | Q(program=subject.program_id) | Q(firm=subject.program.firm_id)
    rows = Flag.objects.filter(over, key=FlagKey.KILL, ended_at=None)
    return list(rows.select_related("kill", "raised_by", "firm", "program__firm", "account").order_by("pk"))


def flattens(flag: Flag) -> bool:
    """Whether positions are to be closed as well. A kill flag that somebody raised by itself only stops."""
    return isinstance(kill := getattr(flag, "kill", None), Kill) and kill.flatten


def open_exits(accounts: Iterable[Account]) -> None:
    """An exit for everything that is, or may yet be, held in these accounts. Bare inserts: nothing waits.

    It answers every signal there is: what comes later is refused by the flag.
    """
    open_exits_for(exposed(accounts))


def exposed(accounts: Iterable[Account]) -> dict[tuple[int, str], str]:
    """What the books say is, or may yet be, held: a symbol by account id and family."""
    ids = [account.pk for account in accounts]
    held = Position.objects.filter(account__in=ids).exclude(quantity=0)
    coming = Order.objects.filter(account__in=ids, leg=Leg.ENTRY, status__in=sorted(RESERVING))
    return {
        (account, family): symbol
        for rows in (coming, held)
        for account, family, symbol in rows.values_list("account", "family", "symbol")
    }


def open_exits_for(families: dict[tuple[int, str], str]) -> None:
    """Open the exits of (account id, family): a symbol of it."""
    if not families:
        return
    with prompt_transaction(gives_up=False):
        exits.open_flat(families, database_now(), by_kill=True)


def stop_entries(accounts: Iterable[Account]) -> None:
    """Entries that have not left never do. Traders whose lock can't be had now are left for the next turn:
    the flag alone keeps their entries from being claimed."""
    ids = [account.pk for account in accounts]
    waiting = Order.objects.filter(account__in=ids, leg=Leg.ENTRY, status__in=_NOT_SENT_YET)
    found = waiting.select_related("account").order_by("account__trader_id", "pk")
    for trader_id, rows in groupby(found, key=lambda order: order.account.trader_id):
        try:
            _stop(trader_id, list(rows))
        except (Busy, DatabaseError):
            log.exception("Entries of trader %s could not be cancelled yet; none can be claimed", trader_id)


def _stop(trader_id: int, waiting: Iterable[Order]) -> None:
    with prompt_transaction(gives_up=False):
        lock_traders([trader_id])
        now = database_now()
        for order in waiting:
            order.refresh_from_db(fields=["status"])
            if order.status == OrderStatus.APPROVED.value:
                orders.move(order, OrderStatus.CANCELED, now=now, detail=WHY)
            elif order.status == OrderStatus.AWAITING_CONFIRMATION.value:
                confirmation.end(order, OrderStatus.CANCELED, act="canceled", now=now, why=WHY)


def _switch_on(subject: Subject, *, flatten: bool, reason: str, actor: Actor, now: datetime) -> Flag:
    """The flag and its row, in a transaction of their own that waits for no other lock."""
    with prompt_transaction(gives_up=False):
        raised = raise_flag(subject, FlagKey.KILL, reason=reason, actor=actor, now=now)
        flag = _own_flags(subject).filter(cause=MANUAL).first()
        if flag is not None:
            kill, _ = Kill.objects.get_or_create(flag=flag, defaults={"flatten": flatten})
            if flatten and not kill.flatten:
                Kill.objects.filter(pk=kill.pk).update(flatten=True)
            if not raised:
                what = "flatten" if flatten else "stop"
                audit.record("kill.repeated", flag.subject, now=now, actor=actor, reason=reason, after=what)
            return flag
    # It was released between the two statements by somebody who did not know of this one.
    return _switch_on(subject, flatten=flatten, reason=reason, actor=actor, now=now)


def _own_flags(subject: Subject) -> QuerySet[Flag]:
    rows = Flag.objects.filter(key=FlagKey.KILL, ended_at=None)
    if subject is None:
        return rows.filter(scope=Scope.PLATFORM)
    scope = {Firm: Scope.FIRM, Program: Scope.PROGRAM, Account: Scope.ACCOUNT}[type(subject)]
    return rows.filter(**{scope.value: subject})
