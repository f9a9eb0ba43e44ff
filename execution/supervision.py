"""What runs outside the queue: the parts of `manage.py supervise`, and the sweep that finds work nobody did.

One pass of the sweep does a bounded amount and can run anywhere, any number of times at once: every
step is a compare-and-set.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from django.db import connection
from django_q.brokers import get_broker

from execution import (
    clock_watch,
    confirmation,
    dispatch,
    doubt,
    exit_lease,
    exit_loop,
    exits,
    flattening,
    heartbeats,
    monitor,
    reconcile,
    reports,
    router,
)
from execution.clock import database_now
from execution.connectors import Unavailable, venue_of
from execution.intake import ring_for
from execution.leadership import SOLE, Leader
from execution.models import Exit, Order
from execution.order_state import IN_DOUBT, WORKING
from firms import rulebook, terms_in_force
from firms.models import Account

log = logging.getLogger(__name__)

CHUNK_OVERDUE = timedelta(seconds=1)
ORDER_OVERDUE = timedelta(seconds=2)
UNHEARD = timedelta(seconds=0.5)  # about as long as paper's own latency
EXIT_PAUSE = timedelta(seconds=1)
EXIT_PATIENCE_SECONDS = 1.0  # the sweep's; one that takes longer goes on beside it
QUEUE_IS_DEEP = 50  # due tasks nobody has taken


@dataclass(frozen=True, slots=True)
class Part:
    """One loop of `manage.py supervise`, in a thread of its own; gives a sign of life after each turn.

    `led`: only the leader's runs. What it writes, it writes after `leader.confirm()`.
    """

    name: str
    every_seconds: float
    work: Callable[[Leader], None]
    led: bool = False

    def turn(self, leader: Leader) -> None:
        if self.led and not leader.is_leader():
            return
        self.work(leader)
        heartbeats.beat_now_and_then(self.name)


def parts() -> tuple[Part, ...]:
    """What a supervisor does. One part that hangs or fails leaves the others alone."""
    listener, reconciler, watcher = heartbeats.Listener(), reconcile.Reconciler(), monitor.Monitor()
    return (
        Part(heartbeats.SWEEP, 1.0, sweep),
        Part(heartbeats.RECONCILE, 1.0, lambda _leader: reconciler.look()),
        Part(heartbeats.MONITOR, 2.0, watcher.look, led=True),
        Part("clocks", 5.0, lambda _leader: clock_watch.look()),
        Part("terms", 1.0, lambda _leader: note_terms()),
        Part("listener", 5.0, lambda _leader: listener.look()),
    )


def sweep(leader: Leader = SOLE) -> None:
    """Find chunks not decided, orders not sent, not confirmed or stranded, exits still open; each step on
    its own. Exits and chunks need no leader; approved entries that nobody sent are the leader's."""
    steps: tuple[Callable[[], None], ...] = (
        ring_chunks,
        work_exits,
        flattening.keep_on,
        dispatch.book_kept,
        partial(send_overdue, leader),
        confirmation.expire_overdue,
        settle_stranded,
        collect_unheard,
    )
    for step in steps:
        try:
            step()
        except Exception:
            name = step.func.__name__ if isinstance(step, partial) else step.__name__
            log.exception("%s failed; the next sweep tries again", name)


def ring_chunks() -> None:
    """Ring again for chunks that are not done: their task was lost, or they wait for an exit.

    Not into a queue that stands: each pass would leave its rows there, to be run all at once one day.
    """
    if get_broker().queue_size() < QUEUE_IS_DEEP:
        ring_for(router.undone_chunks(database_now() - CHUNK_OVERDUE))


def work_exits() -> None:
    """Exits need neither the queue nor a leader: work them right here."""
    now = database_now()
    # The stuck ones last, or a hundred of them would keep every later one waiting.
    waiting = Exit.objects.filter(done_at=None, opened_at__lt=now - EXIT_PAUSE).order_by("attempts", "pk")
    due = [row.pk for row in waiting[:100] if exit_lease.is_due(row, now)]
    exit_loop.work_all(due, EXIT_PATIENCE_SECONDS)


def send_overdue(leader: Leader = SOLE) -> None:
    """Approved entries whose task died between the decision and the claim: sent in time, or expired."""
    overdue = dispatch.overdue(ORDER_OVERDUE)
    if overdue and leader.is_leader():
        dispatch.send(overdue, confirm=leader.confirm)


def settle_stranded() -> None:
    """Orders whose process died after the claim: perhaps sent. Nobody sends them again."""
    for order in dispatch.stranded(doubt.STRANDED):
        doubt.strand(order)
        exits.ring_for_open([order.account_id])


def collect_unheard() -> None:
    """Ask the venues of this process (paper) about orders whose end nobody has heard of."""
    silent = Order.objects.filter(
        status__in=sorted(WORKING | IN_DOUBT), claimed_at__lt=database_now() - UNHEARD
    )
    for account in Account.objects.filter(pk__in=silent.values("account"))[:100]:
        venue = venue_of(account)
        if venue is not None and venue.inline:
            try:
                reports.collect(venue)
            except Unavailable as outage:  # a simulated one, every second: no trace of the stack is of use
                log.warning("The report of %s failed; the next sweep asks again: %s", account, outage)
            except Exception:
                log.exception("The report of %s failed; the next sweep asks again", account)


_noted: dict[str, str] = {}


def note_terms() -> None:
    """Write down what is in force where a rule has changed since the last pass, by whatever way."""
    version = rulebook.version()
    if version is None or _noted.get(connection.alias) != version:
        terms_in_force.note_terms(database_now)
        if version is not None:
            _noted[connection.alias] = version
