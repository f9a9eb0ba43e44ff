"""One look at every account: its day, its floors, its room, and whether it may still hold what it holds.

A part of the supervisor, and the leader's. A fixed number of queries for each 200 accounts; what has to be
written is written account by account, under its trader's lock, in transactions of a few rows.
"""

import logging
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from django.db import transaction
from django.db.models import Q

from enforcement.engine import Standing, evaluate_account
from enforcement.holding import WEEKEND, evaluate_holding, has_hours
from execution import alarms, closing, reports, room_warnings
from execution.clock import database_now
from execution.closing import Exposure
from execution.enforcement_service import Facts, load
from execution.leadership import Leader, NotLeader
from execution.models import Alarm, Order, Position
from execution.order_state import RESERVING
from firms import services
from firms.models import Account, AccountState, Flag, FlagKey, Scope

log = logging.getLogger(__name__)

BATCH = 200
EVERYBODY_EVERY_SECONDS = 30.0
# A venue's report may come late: until then a turn of the day that would lose its anchor is not stored.
LATE_REPORTS = timedelta(minutes=15)
WEEKEND_NOTICE = timedelta(hours=1)
LONGEST_DAY = timedelta(days=7)  # a trading day, over a weekend and holidays
ROOM = "room"
# While one of these is true its alarm is open, and it closes by itself.
KINDS = (ROOM, "floor_broken", "stale_state", "weekend", "unwatched")


class Monitor:
    """A supervisor's part: accounts with something open at each look, all of them now and then.

    A flat account's floors move with its reports, which mark what they break themselves, and with its day.
    """

    def __init__(self) -> None:
        self._all_at = float("-inf")

    def look(self, leader: Leader) -> None:
        everybody = time.monotonic() - self._all_at >= EVERYBODY_EVERY_SECONDS
        if everybody:
            self._all_at = time.monotonic()
        watch(leader, only_exposed=not everybody)


def watch(leader: Leader, *, only_exposed: bool = False) -> None:
    """One pass. What fails for one account is logged, and the others are looked at."""
    held = Q(pk__in=Position.objects.exclude(quantity=0).values("account"))
    coming = Q(pk__in=Order.objects.filter(status__in=sorted(RESERVING)).values("account"))
    concerned = held | coming if only_exposed else held | Q(is_active=True)
    ids = list(Account.objects.filter(concerned).order_by("pk").values_list("pk", flat=True))
    for start in range(0, len(ids), BATCH):
        try:
            _look(ids[start : start + BATCH], leader)
        except NotLeader:
            return


def _look(ids: Sequence[int], leader: Leader) -> None:
    now = database_now()
    facts = load(ids, now)
    standings = {pk: evaluate_account(f.context(now)) for pk, f in facts.items() if isinstance(f, Facts)}
    for account in _behind(facts, standings, now):
        _bring_to_date(account, leader)
    locks, exposures = _locks(ids, now), closing.exposures(ids)
    found = _Found()
    for pk, known in facts.items():
        exposure = exposures.get(pk, Exposure())
        try:
            if isinstance(known, Facts):
                _judge(known, standings[pk], locks[pk], exposure, found, now)
            elif exposure.held:
                subject = f"{pk} on {now:%Y-%m-%d}"
                found.say("unwatched", subject, f"An open position can't be watched: {known}", pk)
        except Exception:
            log.exception("Account %s could not be watched; the next pass tries again", pk)
    _settle_alarms(ids, found, now)
    for pk, (symbols, why) in found.to_flatten.items():
        known = facts[pk]
        if isinstance(known, Facts):
            _guarded(partial(closing.flatten, known.account, symbols, why, leader), known.account)


# --- days and floors ----------------------------------------------------------------------------------


def _behind(
    facts: Mapping[int, Facts | Exception], standings: Mapping[int, Standing], now: datetime
) -> list[Account]:
    """Accounts whose stored state is of another day, or whose broken floor is not marked yet."""
    rows = AccountState.objects.filter(account__in=list(facts))
    stored = {
        pk: (day, closed) for pk, day, closed in rows.values_list("account", "trading_day", "closed_day")
    }
    behind = []
    for pk, known in facts.items():
        if isinstance(known, Facts) and known.state is not None:
            has_turned = stored[pk] != (known.state.trading_day, known.state.closed_day)
            if (has_turned and _may_turn(known, now)) or _is_unmarked(known, standings[pk]):
                behind.append(known.account)
    return behind


def _may_turn(facts: Facts, now: datetime) -> bool:
    state, day = facts.state, facts.terms.day
    if state is None:
        return False
    turned_at = max(day.opens_at(state.trading_day), day.closes_at(state.closed_day))
    is_whole = state.day_start_balance is not None and state.last_close is not None
    return is_whole or now - turned_at > LATE_REPORTS


def _is_unmarked(facts: Facts, standing: Standing) -> bool:
    marked = {(flag.key, flag.cause) for flag in facts.flags if flag.scope == Scope.ACCOUNT}
    return any(
        (FlagKey.FAILED if at.floor.is_hard else FlagKey.DAY_LOCK, at.floor.kind.value) not in marked
        for at in standing.crossed
    )


def _bring_to_date(account: Account, leader: Leader) -> None:
    def write() -> None:
        with transaction.atomic():
            services.lock_traders([account.trader_id])
            leader.confirm()
            services.bring_to_date(account, database_now(), settled=reports.is_settled(account))

    _guarded(write, account)


def _locks(ids: Iterable[int], now: datetime) -> dict[int, list[Flag]]:
    """The open marks of broken floors, by account."""
    found: dict[int, list[Flag]] = defaultdict(list)
    keys = (FlagKey.FAILED.value, FlagKey.DAY_LOCK.value)
    for flag in Flag.objects.filter(Flag.open_at(now), account__in=list(ids), key__in=keys):
        if flag.account_id is not None:
            found[flag.account_id].append(flag)
    for flags_of_one in found.values():
        flags_of_one.sort(key=lambda flag: flag.key != FlagKey.FAILED)  # the weightier first
    return found


def _guarded(write: Callable[[], None], account: Account) -> None:
    try:
        write()
    except NotLeader:
        raise
    except Exception:
        log.exception("%s could not be written; the next pass tries again", account)


# --- the verdict --------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Found:
    """What the pass found: alarms that should be open, by kind and subject, warnings, and what to close."""

    troubles: dict[tuple[str, str], tuple[str, int]] = field(default_factory=dict)
    warnings: list[tuple[room_warnings.RoomWarning, int]] = field(default_factory=list)
    to_flatten: dict[int, tuple[dict[str, str], str]] = field(default_factory=dict)

    def say(self, kind: str, subject: str, message: str, account_id: int) -> None:
        self.troubles[kind, subject] = message, account_id


def _judge(
    facts: Facts, standing: Standing, locks: Sequence[Flag], exposure: Exposure, found: _Found, now: datetime
) -> None:
    account = facts.account
    for flag in locks:
        act = " What is open is being closed." if account.flatten_when_locked else ""
        found.say(
            "floor_broken", f"flag {flag.pk}",
            f"{account.label} is {str(FlagKey(flag.key).label).lower()}: {flag.reason}.{act}", account.pk,
        )  # fmt: skip
    if not locks:
        due = room_warnings.due(facts, standing, account.warning_shares)
        found.warnings += [(one, account.pk) for one in due]
    if exposure.held:
        _judge_age(facts, found, now)
        _judge_weekend(facts, found, now)
    families: dict[str, str] = {}
    if locks and account.flatten_when_locked:
        families = dict.fromkeys(exposure.open_families, f"{locks[0].key}: {locks[0].reason}")
    elif exposure.open_families:
        due_now = closing.to_close(facts, now)
        families = {family: due_now[family].code for family in exposure.open_families & due_now.keys()}
    if families:
        symbols = {family: exposure.symbols[family] for family in families}
        found.to_flatten[account.pk] = symbols, "; ".join(sorted(set(families.values())))


def _judge_age(facts: Facts, found: _Found, now: datetime) -> None:
    """The money of an account with an open position is not known, or is too old."""
    state, limit = facts.state, timedelta(seconds=facts.guard.max_state_age_seconds)
    if state is not None and now - state.as_of <= limit:
        return
    when = f"on {now:%Y-%m-%d}" if state is None else f"since {state.as_of:%Y-%m-%d %H:%M:%S} UTC"
    found.say(
        "stale_state", f"{facts.account.pk} {when}",
        f"{facts.account.label} holds a position, and its equity is not known {when}: its floors can't be "
        "watched.", facts.account.pk,
    )  # fmt: skip


def _judge_weekend(facts: Facts, found: _Found, now: datetime) -> None:
    """A program forbids the weekend, but not even its hours are known: a person has to close in time."""
    context = facts.context(now + WEEKEND_NOTICE)
    if has_hours(context):
        return
    for held in facts.positions:
        if evaluate_holding(context, held.instrument).code == WEEKEND:
            week = (now + WEEKEND_NOTICE).isocalendar()
            found.say(
                "weekend", f"{facts.account.pk} {week.year}-{week.week}",
                f"{facts.account.label} holds {held.instrument.symbol}, and its program lets nothing be held "
                "over the weekend. Close it before the market does: when that is, isn't known here.",
                facts.account.pk,
            )  # fmt: skip


# --- alarms -------------------------------------------------------------------------------------------


def _settle_alarms(ids: Iterable[int], found: _Found, now: datetime) -> None:
    """Raise what is new, close what is over. What was raised before under the same subject is not raised
    again, even if it was closed meanwhile."""
    reached = {(ROOM, one.subject) for one, _ in found.warnings}
    subjects = [subject for _, subject in found.troubles]
    lately = Q(closed_at=None) | Q(subject__in=subjects) | Q(kind=ROOM, raised_at__gt=now - LONGEST_DAY)
    own = Alarm.objects.filter(lately, kind__in=KINDS, account__in=list(ids))
    known = list(own.values_list("kind", "subject", "closed_at"))
    raised = {(kind, subject) for kind, subject, _ in known}
    new = [
        alarms.alarm(kind, subject, message, now=now, account=Account(pk=pk))
        for (kind, subject), (message, pk) in found.troubles.items()
        if (kind, subject) not in raised
    ]
    rooms = [subject for kind, subject in raised if kind == ROOM]
    account_of = {one.subject: pk for one, pk in found.warnings}
    new += [
        alarms.alarm(ROOM, one.subject, one.message, now=now, account=Account(pk=account_of[one.subject]))
        for one in room_warnings.newly([one for one, _ in found.warnings], rooms)
    ]
    alarms.raise_alarms(new)
    for kind, subject, closed_at in known:
        if closed_at is None and (kind, subject) not in found.troubles.keys() | reached:
            alarms.close_alarm(kind, subject, now=now)
