"""Compare an account's books with its venue: what is in doubt, working orders, positions, money.

A difference stops the account's entries and alarms until both agree again. Nothing is corrected by a guess:
fills are booked as the venue reports them, and what they leave unexplained is for a person.
"""

import logging
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import partial

from django.db import transaction
from django.db.models import Q

from execution import alarms, books, connectors, doubt, protection, reports
from execution.clock import database_now
from execution.connectors import Connector, InDoubt, Rejected, Unavailable, venue_of
from execution.models import Order, Position, Reconciliation
from execution.order_state import IN_DOUBT, IN_FLIGHT, WORKING
from execution.parallel import for_each
from firms.models import Account, FlagKey
from firms.services import end_flag, raise_flag

log = logging.getLogger(__name__)

EVERY = timedelta(seconds=20)
SOON = timedelta(seconds=2)  # while an order is on its way, in doubt, or a stop is missing
PATIENCE_SECONDS = 5.0  # a venue that takes longer is waited for beside the others
WATCHED = timedelta(seconds=60)  # how long an order that works is looked at that often
SILENT_AFTER = timedelta(seconds=60)
CAUSE = "reconcile"


def reconcile_due() -> None:
    """Look at every account whose time has come. Any number of processes may: each account has one winner."""
    now = database_now()
    here: list[Account] = []
    elsewhere: list[Account] = []
    for account in _due(now)[:200]:
        venue = venue_of(account)
        if venue is not None and not venue.blind:
            (here if venue.inline else elsewhere).append(account)
    for account in here:
        _reconcile_once(account, now)
    for_each("reconcile", partial(_reconcile_once, now=now), elsewhere, PATIENCE_SECONDS)


def _reconcile_once(account: Account, now: datetime) -> None:
    try:
        if _is_taken(account, now):
            reconcile(account)
    except Exception:
        log.exception("Account %s could not be reconciled; it is tried again", account.pk)


class Reconciler:
    """A supervisor's part. At its first look nothing counts any more that was compared before it began."""

    def __init__(self) -> None:
        self._has_begun = False

    def look(self) -> None:
        if not self._has_begun:
            Reconciliation.objects.update(at=None, due_at=database_now())
            self._has_begun = True
        reconcile_due()


def reconcile(account: Account) -> bool:
    """One look at one account; False when it came to no end. Raises nothing: what fails is written down."""
    venue = venue_of(account)
    if venue is None or venue.blind:
        return False
    started = database_now()
    try:
        differences = _differences(venue, started)
    except (InDoubt, Unavailable, Rejected) as error:
        return _not_told(account, f"{type(error).__name__}: {error}")
    except Exception as error:
        log.exception("Account %s could not be reconciled; it is tried again", account.pk)
        return _not_told(account, f"{type(error).__name__}: {error}")
    _write(account, started, differences)
    return True


def _differences(venue: Connector, started: datetime) -> Sequence[str]:
    account = venue.account
    for order in doubt.of_account(account.pk):
        doubt.ask(order, venue)
    working = venue.working_orders()
    before = books.money_of(account)
    found: list[str] = []
    counts = True

    def look(report: reports.VenueReport, counted: bool, now: datetime) -> None:
        nonlocal counts
        counts = counted
        if not counted:
            return
        found.extend(books.position_differences(account, report.positions, now))
        found.extend(books.order_differences(account, working, started))
        books.check_balance(account, before, report, now)

    reports.collect(venue, look)
    # An entry's own stop and target work on under its id when the entry itself is over.
    found.extend(_gone(venue, {o.client_order_id for o in working if not o.protects}, started))
    protection.check(venue, working)
    if not counts:  # said only now: its fills are true and stay booked, and their stops are looked after
        raise InDoubt("the venue's figures are of another time than what was booked before")
    return found


def _gone(venue: Connector, listed: set[str], started: datetime) -> Iterable[str]:
    """Orders of ours that should work and are not listed: ended, filled, or lost by the venue."""
    ours = Order.objects.filter(
        account=venue.account, status__in=sorted(WORKING), claimed_at__lt=started - SOON
    ).exclude(client_order_id__in=listed)
    for order in ours.select_related("account"):
        doubt.ask(order, venue)
        if order.status in WORKING and doubt.is_settled(order, venue, started):
            yield f"{order} ({order.client_order_id}) is done at the venue, and its fills were not reported"


# --- when, and what came of it --------------------------------------------------------------------------


def _due(now: datetime) -> Sequence[Account]:
    """Accounts at a venue that may trade only while it was compared, those with something open there, and
    those that differed when they were last looked at."""
    asked = [name for name, connector in connectors.CONNECTORS.items() if connector.must_reconcile]
    trading = Q(mode=Account.Mode.LIVE, is_active=True, venue_account__connection__venue__in=asked)
    open_orders = Order.objects.filter(status__in=sorted(WORKING | IN_DOUBT | IN_FLIGHT)).values("account")
    held = Position.objects.exclude(quantity=0).values("account")
    due = Q(reconciliation=None) | Q(reconciliation__due_at__lte=now)
    concerned = trading | Q(pk__in=open_orders) | Q(pk__in=held) | Q(reconciliation__differences__gt="")
    found = Account.objects.filter(due, concerned, venue_account__isnull=False)
    return list(found.select_related("program__firm", "trader").order_by("reconciliation__due_at", "pk"))


def _is_taken(account: Account, now: datetime) -> bool:
    """Whether this process looks at it: the others see it due again only later."""
    row, made = Reconciliation.objects.get_or_create(account=account, defaults={"due_at": now + EVERY})
    if made:
        return True
    waiting = Reconciliation.objects.filter(account=account, due_at=row.due_at, due_at__lte=now)
    return bool(waiting.update(due_at=now + EVERY))


def _next(account: Account, now: datetime) -> datetime:
    moving = Order.objects.filter(account=account).filter(
        Q(status__in=sorted(IN_FLIGHT | IN_DOUBT))
        | Q(status__in=sorted(WORKING), claimed_at__gt=now - WATCHED)
    )
    recent = moving.filter(claimed_at__gt=now - 10 * WATCHED)
    bare = Position.objects.filter(account=account, unprotected_since__isnull=False).exclude(quantity=0)
    return now + (SOON if recent.exists() or bare.exists() else EVERY)


def _write(account: Account, started: datetime, differences: Sequence[str]) -> None:
    now, text = database_now(), "\n".join(differences)
    with transaction.atomic():
        Reconciliation.objects.update_or_create(
            account=account,
            defaults={"at": started, "due_at": _next(account, now), "differences": text, "error": ""},
        )
        alarms.close_alarm("venue_silent", f"account {account.pk}", now=now)
        if differences:
            raise_flag(account, FlagKey.PAUSED, cause=CAUSE, reason=text[:500], now=now)
            alarms.raise_alarm(
                CAUSE, f"account {account.pk}",
                f"{account}: the venue and the books differ, no entry leaves: {'; '.join(differences)}.",
                now=now, account=account,
            )  # fmt: skip
        elif end_flag(
            account, FlagKey.PAUSED, cause=CAUSE, reason="the venue and the books agree again", now=now
        ):
            alarms.close_alarm(CAUSE, f"account {account.pk}", now=now)


def _not_told(account: Account, why: str) -> bool:
    with transaction.atomic():
        now = database_now()
        row, _ = Reconciliation.objects.update_or_create(
            account=account, defaults={"error": why[:500], "due_at": _next(account, now)}
        )
        if row.at is None or now - row.at > SILENT_AFTER:
            alarms.raise_alarm(
                "venue_silent", f"account {account.pk}",
                f"{account}: the venue could not be compared with the books ({why}). Until it is, no entry "
                "leaves.",
                now=now, account=account,
            )  # fmt: skip
    return False
