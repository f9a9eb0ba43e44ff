"""What changes firms, programs and accounts: flags, reports of state, opening an account.

Each function is one transaction and writes its audit entry in it. Whoever writes what the rules read
takes the trader's lock first; flags are bare inserts and never wait.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from django.contrib.auth.models import PermissionsMixin
from django.db import IntegrityError, connection, transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from enforcement import account as core
from enforcement import days
from enforcement.floors import Anchor, LossFloor, PayoutEffect, ShareOf, levels_of
from enforcement.program import ProgramTerms
from firms import account_days, audit
from firms.audit import Actor
from firms.models import (
    MANUAL,
    Account,
    AccountDay,
    AccountState,
    Firm,
    Flag,
    FlagKey,
    Program,
    Scope,
    Trader,
)
from firms.models import CashFlow as CashFlowRow
from firms.statements import read
from firms.terms import account_terms

_KEY = re.compile(r"[a-z][a-z0-9_]{0,39}")
Subject = Account | Program | Firm | None  # None: the whole platform


RELEASE_KILL = "firms.release_kill"  # the permission


class UnknownProgram(LookupError):
    """No such program: a pause that reached nothing must not look like one that did."""


class MayNotRelease(PermissionError):
    """The kill switch is released by a person with the permission for it, and with a reason."""


# --- the lock -----------------------------------------------------------------------------------------


def lock_traders(trader_ids: Iterable[int]) -> None:
    """Take the one lock, in id order and in a statement of its own; inside a transaction.

    Reading in the same statement would see what stood there before the wait. On SQLite the transaction
    itself (BEGIN IMMEDIATE) is the lock.
    """
    if connection.vendor != "sqlite":
        read(Trader, "id {ids} ORDER BY id FOR NO KEY UPDATE", ids=list(set(trader_ids)))


def lock_owners(account_ids: Iterable[int]) -> None:
    """The same lock, of the traders that own these accounts."""
    if connection.vendor != "sqlite":
        read(Trader, _OWNERS, ids=list(account_ids))


_OWNERS = f"""
    id IN (SELECT trader_id FROM {Account._meta.db_table} WHERE id {{ids}}) ORDER BY id FOR NO KEY UPDATE
"""  # noqa: S608 - a table's name


# --- flags --------------------------------------------------------------------------------------------


def update_flag(firm_code: str, program_id: int, key: str, value: bool) -> None:
    """Set one flag for every account on a program, present and future, touching nothing else.

    `value` True raises the program's flag with cause "manual", False ends that one. Repeating changes
    nothing. Raises UnknownProgram, ValueError for a key that can't be one, TypeError for a value that is
    not a bool ("false" is not false), and MayNotRelease for an engaged kill switch: nobody is named here.
    """
    if not isinstance(value, bool):
        raise TypeError(f"value must be True or False, not {value!r}")
    if not _KEY.fullmatch(key):
        raise ValueError(f"key {key!r} is not a flag's name: small letters, digits and _, at most 40")
    program = Program.objects.filter(firm__code=firm_code, number=program_id).first()
    if program is None:
        raise UnknownProgram(f"there is no program {firm_code}/{program_id}")
    if value:
        raise_flag(program, key)
    else:
        end_flag(program, key)


def raise_flag(
    subject: Subject,
    key: str = FlagKey.PAUSED,
    *,
    cause: str = MANUAL,
    reason: str = "",
    until: datetime | None = None,
    actor: Actor = None,
    now: datetime | None = None,
) -> bool:
    """Raise a flag; False when the same one is open already. With `until` it ends by itself then."""
    now = now or timezone.now()
    with transaction.atomic():
        # One whose own time is over is still written as open: it makes room first.
        _open_flags(subject, key, cause).filter(until__lte=now).update(ended_at=F("until"))
        raised = _insert(
            Flag(
                **_columns(subject), key=key, cause=cause, reason=reason, raised_at=now, until=until,
                raised_by=audit.known(actor),
            )
        )  # fmt: skip
        _stamp(subject, now)
        if raised:
            audit.record(f"{key}.raised", _name(subject), now=now, actor=actor, reason=reason, after=cause)
    return raised


def _insert(flag: Flag) -> bool:
    """Insert an open flag; False when the database has one like it, whoever raised that first."""
    try:
        with transaction.atomic():
            flag.save(force_insert=True)
    except IntegrityError:
        alike = Flag.objects.filter(
            scope=flag.scope, firm=flag.firm_id, program=flag.program_id, account=flag.account_id,
            key=flag.key, cause=flag.cause, ended_at=None,
        )  # fmt: skip
        if alike.exists():
            return False
        raise
    return True


def end_flag(
    subject: Subject,
    key: str = FlagKey.PAUSED,
    *,
    cause: str = MANUAL,
    reason: str = "",
    actor: Actor = None,
    now: datetime | None = None,
) -> bool:
    """End the open flag of this cause; other causes stay. False when there was none.

    Raises MayNotRelease for an engaged kill switch unless the actor has the permission and gives a reason.
    """
    now = now or timezone.now()
    with transaction.atomic():
        if key == FlagKey.KILL and _open_flags(subject, key, cause).exists():
            _demand_release(actor, reason)
        ended = _open_flags(subject, key, cause).update(
            ended_at=now, ended_by=audit.known(actor), end_reason=reason
        )
        _stamp(subject, now)
        if ended:
            audit.record(f"{key}.ended", _name(subject), now=now, actor=actor, reason=reason, before=cause)
    return bool(ended)


def _demand_release(actor: Actor, reason: str) -> None:
    if not isinstance(actor, PermissionsMixin) or not actor.is_active or not actor.has_perm(RELEASE_KILL):
        raise MayNotRelease("The kill switch is released by a person with the permission for it.")
    if not reason.strip():
        raise MayNotRelease("The kill switch is released with a reason.")


def open_flags_on(account: Account, now: datetime | None = None) -> list[Flag]:
    """Every open flag that concerns an account, of whatever scope."""
    return list(
        Flag.objects.filter(Flag.open_at(now or timezone.now())).filter(
            Q(scope=Scope.PLATFORM)
            | Q(firm=account.program.firm_id)
            | Q(program=account.program_id)
            | Q(account=account)
        )
    )


def _columns(subject: Subject) -> dict[str, object]:
    if subject is None:
        return {"scope": Scope.PLATFORM}
    scope = {Account: Scope.ACCOUNT, Program: Scope.PROGRAM, Firm: Scope.FIRM}[type(subject)]
    return {"scope": scope, scope.value: subject}


def _open_flags(subject: Subject, key: str, cause: str) -> QuerySet[Flag]:
    return Flag.objects.filter(**_columns(subject), key=key, cause=cause, ended_at=None)


def _stamp(subject: Subject, now: datetime) -> None:
    """Stamp a program's flag on its row; without waiting for somebody who edits it: a pause never does."""
    if isinstance(subject, Program):
        free = Program.objects.filter(pk=subject.pk).select_for_update(skip_locked=True, no_key=True)
        for pk in free.values_list("pk", flat=True):
            Program.objects.filter(pk=pk).update(last_update=now)


def _name(subject: Subject) -> str:
    return "platform" if subject is None else f"{type(subject).__name__.lower()} {subject}"


# --- state --------------------------------------------------------------------------------------------


def record_report(account: Account, report: core.StateReport, *, settled: bool) -> AccountState:
    """Book a report of balance and equity, however late; the caller holds the trader's lock.

    `settled`: nothing was open since the last report, so the balance at every reset since is known.
    The first report of an account starts its state at the report's own figures. A floor that the report
    breaks marks the account: failed, or locked until its next reset.
    """
    terms = _terms_of(account)
    stored = AccountState.objects.filter(account=account).first()
    if stored is None:
        state = core.opening_state(report, terms.day)
        account_days.save(account, days.figures_of(report, terms.day))
    else:
        before = stored.to_core()
        if days.is_outdated(before, report):
            _see_late(account, report, terms)
            return stored
        state = _booked(account, before, report, terms, settled=settled)
    if report.as_of < state.as_of:
        _see_late(account, report, terms)
        _flag_late_breaches(account, state, report, terms)
    row = _store(account, state)
    _flag_breaches(account, state, terms, state.as_of)
    return row


def _booked(
    account: Account,
    before: core.AccountState,
    report: core.StateReport,
    terms: ProgramTerms,
    *,
    settled: bool,
) -> core.AccountState:
    if not days.concerns_days(before, report, terms.day):
        return core.mark(before, report)
    known = account_days.load(account, before)
    state, known = days.turn(before, known, terms.day, report.as_of, settled=settled)
    if state is not before:  # the turn of the day alone can break a floor, before anything is reported
        _flag_breaches(account, state, terms, _turned_at(state, terms, report.as_of))
    state, known = days.book(state, known, report, terms.day, settled=settled)
    account_days.save(account, known)
    return state


def _see_late(account: Account, report: core.StateReport, terms: ProgramTerms) -> None:
    """A report belongs to the day of its own time, whenever it arrives."""
    today = terms.day.day_of(report.as_of)
    opening = account_days.stored(account).get(today, days.NOTHING).opening_balance
    account_days.see(
        account, today, balance=report.balance, equity=report.equity, as_of=report.as_of,
        opening=None if opening is None else opening.amount,
    )  # fmt: skip


def roll(account: Account, now: datetime, *, settled: bool) -> AccountState | None:
    """Bring the stored state to the trading day of `now`; the caller holds the trader's lock.

    The reset itself can break a floor: profit closed today raises it, an open loss stays under it.
    """
    stored = AccountState.objects.filter(account=account).first()
    if stored is None:
        return None
    before, terms = stored.to_core(), _terms_of(account)
    if core.roll_day(before, terms.day, now, settled=settled) is before:
        return stored
    known = account_days.load(account, before)
    state, known = days.turn(before, known, terms.day, now, settled=settled)
    account_days.save(account, known)
    row = _store(account, state)
    _flag_breaches(account, state, terms, _turned_at(state, terms, now))
    return row


def bring_to_date(account: Account, now: datetime, *, settled: bool) -> AccountState | None:
    """`roll`, and mark the account for every floor that its equity breaks by now: also for one that rose
    because the terms did. The caller holds the trader's lock; repeating it changes nothing."""
    row = roll(account, now, settled=settled)
    if row is not None:
        _flag_breaches(account, row.to_core(), _terms_of(account), now)
    return row


def record_trade(account: Account, *, opened: bool, result: Decimal | None, at: datetime) -> None:
    """Count a fill: a position `opened`, or closed with a `result` in money; the caller holds the lock."""
    row = AccountState.objects.filter(account=account).first()
    if row is None:
        return
    row.last_trade_at = at
    if opened:
        row.trades_today += 1
        AccountDay.objects.filter(account=account, day=row.trading_day).update(trades=F("trades") + 1)
    if result is not None:
        if result < 0:
            row.losses_in_a_row += 1
            row.last_loss_at = at
        elif result > 0:
            row.losses_in_a_row = 0
    row.save(update_fields=["last_trade_at", "trades_today", "losses_in_a_row", "last_loss_at"])


@transaction.atomic
def record_cash_flow(
    account: Account,
    kind: core.CashFlow,
    amount: Decimal,
    *,
    now: datetime,
    reason: str = "",
    actor: Actor = None,
) -> AccountState:
    """Book a payout asked for or paid: the day's anchors move with a payment, the program's floors as it
    says. Raises ValueError for an amount that isn't above zero, or an account without a state."""
    if amount <= 0:
        raise ValueError(f"the amount {amount} is not above zero")
    lock_traders([account.trader_id])
    stored = AccountState.objects.filter(account=account).first()
    if stored is None:
        raise ValueError(f"nothing is known of the balance of {account}")
    terms = _terms_of(account)
    resets = any(floor.payout_effect is PayoutEffect.RESET for floor in terms.floors)
    before = stored.to_core()
    state = core.cash_flow(before, kind, amount, peaks_reset_to=terms.starting_balance if resets else None)
    if kind is core.CashFlow.PAYOUT_PAID:
        known = account_days.load(account, before)
        account_days.save(account, days.learn(known, days.figures_now(state, now)))
        state = replace(state, since=now)
    row = _store(account, state)
    if kind is core.CashFlow.PAYOUT_PAID:
        day = AccountDay.objects.filter(account=account, day=state.trading_day)
        opened_with = F("opening_balance") + amount
        day.update(paid_out=F("paid_out") + amount, opening_balance=opened_with, last_report_at=now)
    CashFlowRow.objects.create(account=account, kind=kind.value, amount=amount, at=now, reason=reason)
    audit.record(
        f"account.{kind.value}", _name(account), now=now, actor=actor, reason=reason,
        before=f"balance {before.balance}", after=f"balance {state.balance}",
    )  # fmt: skip
    return row


def _terms_of(account: Account) -> ProgramTerms:
    return account_terms([account])[account.pk][1]


def _turned_at(state: core.AccountState, terms: ProgramTerms, now: datetime) -> datetime:
    """The instant of the reset that a state has just gone over; of a close alone, now."""
    opened = terms.day.opens_at(state.trading_day)
    return opened if opened > state.as_of else now


def _flag_breaches(account: Account, state: core.AccountState, terms: ProgramTerms, now: datetime) -> None:
    """Mark an account whose equity broke a floor, by the firm's own comparator: a state until its reset,
    or for good, whatever equity does afterwards."""
    for at in levels_of(terms.floors, state, terms.starting_balance, terms.size):
        if at.is_crossed(state.equity, state.balance):
            key = FlagKey.FAILED if at.floor.is_hard else FlagKey.DAY_LOCK
            until = None if at.floor.is_hard else terms.day.next_reset(now)
            reason = f"equity {state.equity:,.2f} at {state.as_of:%Y-%m-%d %H:%M:%S}Z, floor {at.level:,.2f}"
            raise_flag(account, key, cause=at.floor.kind.value, reason=reason, until=until, now=now)


# Floors that stand where they stood when a late report was true: on its own day, and on any day.
_OF_THE_DAY = frozenset({Anchor.INITIAL, Anchor.DAY_START_BALANCE, Anchor.DAY_START_HIGHER})
_OF_ANY_DAY = frozenset({Anchor.INITIAL})


def _flag_late_breaches(
    account: Account, state: core.AccountState, report: core.StateReport, terms: ProgramTerms
) -> None:
    """What broke a floor was a breach, however late it is known; where a trailing floor was then, is not."""
    same_day = terms.day.day_of(report.as_of) == state.trading_day
    anchors = _OF_THE_DAY if same_day else _OF_ANY_DAY
    then = replace(
        state, balance=report.balance, equity=report.equity, as_of=report.as_of, reported_floor=None
    )
    floors = tuple(
        floor
        for floor in terms.floors
        if floor.anchor in anchors and floor.lock_at is None and (same_day or _stands_still(floor))
    )
    _flag_breaches(account, then, replace(terms, floors=floors), state.as_of)


def _stands_still(floor: LossFloor) -> bool:
    """Whether a floor under the starting balance is where it was on any day, and still matters today."""
    return floor.is_hard and not floor.tiers and floor.share_of is not ShareOf.HIGHEST_CLOSE_PROFIT


def _store(account: Account, state: core.AccountState) -> AccountState:
    columns = {name: getattr(state, name) for name in state.__slots__}
    row, _ = AccountState.objects.update_or_create(
        account=account, defaults={**columns, "source": state.source.value}
    )
    account_days.see(
        account, state.trading_day, balance=state.balance, equity=state.equity, as_of=state.as_of,
        opening=state.day_start_balance,
    )  # fmt: skip
    return row


@dataclass(frozen=True, slots=True, kw_only=True)
class OpeningState:
    """What somebody reads off the firm's dashboard, in the account's currency. None: not given."""

    balance: Decimal | None = None
    equity: Decimal | None = None
    day_start_balance: Decimal | None = None
    highest_equity: Decimal | None = None
    highest_close: Decimal | None = None
    highest_balance: Decimal | None = None
    last_close: Decimal | None = None
    floor: Decimal | None = None
    payouts_paid: int = 0


@transaction.atomic
def open_account(
    account: Account,
    opening: OpeningState,
    *,
    now: datetime,
    source: core.StateSource = core.StateSource.DECLARED,
    actor: Actor = None,
) -> Account:
    """Save a new account with its opening state.

    Nothing given means a fresh account. Of a used one (its balance or equity is not the starting
    balance), peaks and the day's opening balance that are not given stay unknown, and block where a
    floor is measured from them: a guess would put the floor too low.
    """
    account.save()
    state = restate(account, opening, now=now, source=source)
    audit.record(
        "account.opened", _name(account), now=now, actor=actor,
        after=f"balance {state.balance}, equity {state.equity}",
    )  # fmt: skip
    return account


@transaction.atomic
def restate(
    account: Account, opening: OpeningState, *, now: datetime, source: core.StateSource
) -> AccountState:
    """Start the account's state anew from `opening`, forgetting what was known of its money."""
    lock_traders([account.trader_id])
    AccountState.objects.filter(account=account).delete()
    account_days.forget(account)
    report = _opening_report(account, opening, now, source)
    if opening.payouts_paid:  # they decide where some programs' floors are: known before any is tested
        state = replace(
            core.opening_state(report, _terms_of(account).day),
            payouts_paid=opening.payouts_paid,
            payouts_requested=opening.payouts_paid,
        )
        _store(account, state)
    return record_report(account, report, settled=True)


def _opening_report(
    account: Account, opening: OpeningState, now: datetime, source: core.StateSource
) -> core.StateReport:
    """A floor that was read off stands for the peaks it came from: those since then start at what is
    known now."""
    start = account.program.starting_balance
    balance = start if opening.balance is None else opening.balance
    equity = balance if opening.equity is None else opening.equity
    is_fresh = balance == equity == start
    day_start = opening.day_start_balance
    if day_start is None and is_fresh:
        day_start = start

    def peak(given: Decimal | None, now_at: Decimal) -> Decimal | None:
        if given is None:
            return max(start, now_at) if is_fresh or opening.floor is not None else None
        return max(given, now_at)

    return core.StateReport(
        balance=balance,
        equity=equity,
        as_of=now,
        source=source,
        day_start_balance=day_start,
        day_start_equity=day_start,
        highest_equity=peak(opening.highest_equity, equity),
        highest_close=peak(opening.highest_close, start),
        highest_balance=peak(opening.highest_balance, balance),
        last_close=start if opening.last_close is None and is_fresh else opening.last_close,
        floor=opening.floor,
    )
