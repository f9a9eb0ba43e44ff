"""Working a kill switch until its accounts are flat: in any process, with the queue and the supervisor dead.

Each turn of an account: cancel what has not left, open an exit for whatever is held there by the books or
by the venue, work its exits, look whether it is flat. Two looks, two seconds apart, have to say so.
"""

import logging
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

from django.db import connections, transaction

from enforcement.program import Automation
from execution import doubt, exit_loop, kill, kill_report, reports
from execution.clock import database_now
from execution.connectors import Connector, venue_of
from execution.instruments import family
from execution.models import Exit, FlatCheck, Leg, Order, Position
from execution.order_state import IN_DOUBT, IN_FLIGHT, WORKING
from execution.parallel import for_each
from execution.prompt import prompt_transaction
from firms.models import Account, Flag, FlagKey
from firms.services import Subject

log = logging.getLogger(__name__)

BETWEEN_LOOKS = timedelta(seconds=2)
CALL_LIMIT = kill_report.CALL_LIMIT
BACKGROUND_SECONDS = 60.0  # how long a web process goes on with it; then the supervisor does
TURN_SECONDS = 1.0
PAUSE_SECONDS = 0.2


def run(
    subject: Subject, seconds: float, tell: Callable[[kill_report.KillReport], None] = lambda _report: None
) -> kill_report.KillReport:
    """Work a kill switch until it is done, at most so long; then say how far it is. `tell` hears each report.

    Accounts are worked side by side, and one that hangs holds up neither the others nor the caller.
    """
    report = kill_report.report(subject, database_now())
    if not report.is_killed:
        return report
    deadline = time.monotonic() + seconds
    while True:
        _turn_all(report, deadline)
        report = kill_report.report(subject, database_now())
        tell(report)
        if report.is_done or not report.is_killed or time.monotonic() >= deadline:
            return report
        time.sleep(PAUSE_SECONDS)


def run_in_background(subject: Subject) -> None:
    """Go on with it in a thread of this process, once what the caller has written is committed."""

    def work() -> None:
        try:
            run(subject, BACKGROUND_SECONDS)
        except Exception:
            log.exception("The kill switch could not be worked here; the supervisor goes on with it")
        finally:
            connections.close_all()

    transaction.on_commit(threading.Thread(target=work, name="kill", daemon=True).start)


def keep_on() -> None:
    """The supervisor's: go on with every kill switch that is engaged. What is flat already costs a look at
    the books; a fill that comes late is closed as well."""
    for flag in Flag.objects.filter(key=FlagKey.KILL, ended_at=None).select_related(
        "firm", "program__firm", "account__program__firm"
    ):
        report = kill_report.report(flag.account or flag.program or flag.firm, database_now())
        if report.open_account_ids:
            _turn_all(report, time.monotonic() + TURN_SECONDS)


def _turn_all(report: kill_report.KillReport, deadline: float) -> None:
    """A turn of each account that wants one; what takes longer goes on alone."""
    wanting = Account.objects.select_related("program__firm", "trader").filter(
        pk__in=sorted(report.open_account_ids)
    )
    turn = partial(_safely, since=report.since, flatten=report.flatten)
    for_each("kill", turn, list(wanting), min(TURN_SECONDS, max(0.0, deadline - time.monotonic())))


def _safely(account: Account, since: datetime, flatten: bool) -> None:
    try:
        _turn(account, since, flatten)
    except Exception:
        log.exception("Account %s could not be worked; the next turn tries again", account)


def _turn(account: Account, since: datetime, flatten: bool) -> None:
    kill.stop_entries([account])
    venue = _venue(account)
    if not flatten:
        _cancel_working(account, venue)
        return
    try:
        _close(account, venue, since)
        if venue is not None and not venue.blind:
            _look(account, venue, since)
    except Exception as error:  # noqa: BLE001 - shown in the report, tried again in the next turn
        _write(account, database_now(), since, note=f"{type(error).__name__}: {error}")


def _venue(account: Account) -> Connector | None:
    """Where the account could hold something: nowhere in dry-run, unless something of ours is left there."""
    if account.mode != Account.Mode.LIVE:
        left = Order.objects.filter(account=account, status__in=sorted(IN_FLIGHT | IN_DOUBT | WORKING))
        held = Position.objects.filter(account=account).exclude(quantity=0)
        if not left.exists() and not held.exists():
            return None
    return venue_of(account)


def _close(account: Account, venue: Connector | None, since: datetime) -> None:
    """Exits for all that is held: by the books, and by what the venue shows, whoever opened it."""
    wanted = {name: symbol for (_, name), symbol in kill.exposed([account]).items()}
    unread: Exception | None = None
    if venue is not None and not venue.blind:
        try:
            wanted |= {family(held.symbol): held.symbol for held in venue.positions() if held.quantity != 0}
        except Exception as error:  # noqa: BLE001 - raised below: what is known is worked first
            unread = error
    told = _told(account, venue, since)
    kill.open_exits_for({(account.pk, name): symbol for name, symbol in wanted.items() if name not in told})
    for pk in Exit.objects.filter(account=account, done_at=None).values_list("pk", flat=True):
        exit_loop.work(pk)
    if unread is not None:
        raise unread


def _told(account: Account, venue: Connector | None, since: datetime) -> set[str]:
    """Families whose exit is done with once: a person was told (advice only), or the venue shows nothing."""
    is_blind = venue is not None and venue.blind
    if account.program.automation != Automation.ADVISE_ONLY and not is_blind:
        return set()
    done = Exit.objects.filter(account=account, by_kill=True, opened_at__gte=since, done_at__isnull=False)
    if not is_blind:
        done = done.filter(orders=None)
    return set(done.values_list("family", flat=True))


def _cancel_working(account: Account, venue: Connector | None) -> None:
    """Entries that work at the venue; stops and targets of what is held stay."""
    if venue is None or venue.blind:  # there is nowhere to cancel, or nobody to ask: taken counts as filled
        return
    working = Order.objects.filter(account=account, leg=Leg.ENTRY, status__in=sorted(WORKING))
    for order in working.select_related("account"):
        try:
            doubt.cancel(order, venue, kill.WHY)
            if order.status in WORKING:  # filled meanwhile, or in part: it ends once that is booked
                reports.collect(venue)
        except Exception:  # the others are cancelled all the same
            log.exception("Order %s could not be cancelled; the next turn tries again", order.pk)


def _look(account: Account, venue: Connector, since: datetime) -> None:
    """A fresh look at the venue, and what it shows. Resting orders of what is not held are cancelled too:
    one of them could open a position again."""
    at = database_now()
    held = [position for position in venue.positions() if position.quantity != 0]
    families = {family(position.symbol) for position in held}
    resting = venue.working_orders()
    loose = sorted({order.symbol for order in resting if family(order.symbol) not in families})
    if loose and (account.program.automation != Automation.ADVISE_ONLY or not venue.live):
        venue.cancel_all(loose)
    _write(account, at, since, positions=len(held), working=len(resting))


def _write(
    account: Account,
    at: datetime,
    since: datetime,
    *,
    positions: int = 0,
    working: int = 0,
    note: str = "",
) -> None:
    """Keep a look, unless a newer one is there already. A first flat look starts the wait for the second."""
    on_wire = Order.objects.filter(
        account=account, status__in=sorted(IN_FLIGHT), claimed_at__gt=at - CALL_LIMIT
    )
    is_flat = not (positions or working or note or on_wire.exists())
    with prompt_transaction(gives_up=False):
        FlatCheck.objects.get_or_create(account=account, defaults={"looked_at": since})
        row = FlatCheck.objects.select_for_update().get(pk=account.pk)
        if row.looked_at > at:
            return
        row.looked_at, row.positions, row.working, row.note = at, positions, working, note
        if not is_flat:
            row.flat_at = row.verified_at = None
        elif row.flat_at is None or not kill_report.counts(row, since, kill_report.last_fill(account.pk)):
            row.flat_at, row.verified_at = at, None
        elif at - row.flat_at >= BETWEEN_LOOKS:
            row.verified_at = at
        row.save()
