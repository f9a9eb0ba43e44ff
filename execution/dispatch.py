"""Send what was approved: each order claimed right before its own call, each call made once.

APPROVED → SUBMITTING is a conditional update that looks again at everything that may have changed since
the decision: flags, exits, the deadline, the terms. Who loses it sends nothing. The call itself happens
outside any transaction; whatever it does not answer clearly is UNKNOWN, never tried again.
"""

import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet

from enforcement.orders import Side
from enforcement.program import Automation, Deployment, ProgramTerms
from execution import alarms, answers, blind, exits, fault, orders, reports
from execution.answers import Answer
from execution.clock import database_now
from execution.connectors import (
    ApprovedOrder,
    Connector,
    InDoubt,
    Rejected,
    Sent,
    Unavailable,
    connector_for,
)
from execution.enforcement_service import RECONCILIATION_VALID, unreconciled
from execution.leadership import NotLeader
from execution.models import Exit, Leg, Order, Reconciliation, Route, SignalSource
from execution.order_state import IN_DOUBT, OrderStatus
from firms import rulebook
from firms.models import Account, Flag, RulebookVersion, Scope
from firms.services import lock_traders
from firms.statements import moment
from firms.terms import account_terms, written_out

log = logging.getLogger(__name__)

CLAIM_VALID_SECONDS = 2.0  # between the claim and the request, by both clocks
CLAIMING_SECONDS = 15.0  # one task's time for claiming; then it rings again
SLOTS = 8  # calls on the wire at once, each to another account


@dataclass(frozen=True, slots=True)
class Claim:
    """A claimed order and when it was claimed, by both clocks: a sleeping machine stops only one."""

    order: Order
    connector: Connector
    wall: float
    monotonic: float

    @property
    def is_valid(self) -> bool:
        return (
            time.monotonic() - self.monotonic < CLAIM_VALID_SECONDS
            and 0 <= time.time() - self.wall < CLAIM_VALID_SECONDS
        )


def send_approved(signal_id: int, account_ids: Sequence[int] | None = None) -> bool:
    """Send a signal's approved entries; False when time ran out before all were claimed."""
    waiting = Order.objects.filter(signal=signal_id, leg=Leg.ENTRY, status=OrderStatus.APPROVED.value)
    if account_ids is not None:
        waiting = waiting.filter(account__in=account_ids)
    return send(waiting.select_related("account__program__firm", "decision", "signal").order_by("pk"))


@dataclass(frozen=True, slots=True)
class TermsSeen:
    """Accounts' effective terms and their digests, as read at one version of the rulebook."""

    digests: Mapping[int, str] = field(default_factory=dict)
    terms: Mapping[int, ProgramTerms] = field(default_factory=dict)
    version: str | None = None


def send(
    approved: Iterable[Order], seen: TermsSeen | None = None, confirm: Callable[[], None] = lambda: None
) -> bool:
    """Claim and send entries one by one, at most SLOTS on the wire at a time.

    `seen`: what the caller has just read of their accounts' terms. `confirm` is asked inside each claim and
    raises NotLeader where the caller may not claim any more.
    """
    pending = list(approved)
    terms = _Terms(pending, seen or TermsSeen())
    started = time.monotonic()
    calls: dict[Future[Sent], Claim] = {}
    unsaved: list[Answer] = []
    with ThreadPoolExecutor(SLOTS, thread_name_prefix="connector") as pool:
        while pending or calls:
            if pending and time.monotonic() - started > CLAIMING_SECONDS:
                pending.clear()
                log.warning("Ran out of time before every order was claimed; the rest is rung for again")
            while pending and len(calls) < SLOTS:
                order = pending.pop(0)
                try:
                    claim = _claim(order, terms, confirm)
                    if claim is None:
                        continue
                    if claim.connector.inline:
                        unsaved += _write_down(claim, _call(claim))
                    else:
                        calls[pool.submit(_submit, claim)] = claim
                except NotLeader:
                    pending.clear()  # the new leader sends them
                except Exception:
                    # Its own trouble: the others are sent, and what is on the wire is still listened to.
                    log.exception("Order %s could not be sent or recorded; the sweep finds it", order.pk)
            if calls:
                for future in wait(calls, return_when=FIRST_COMPLETED).done:
                    claim = calls.pop(future)
                    try:
                        unsaved += _write_down(claim, _outcome(future))
                    except Exception:
                        log.exception("The answer to order %s could not be recorded", claim.order.pk)
    answers.insist(unsaved, _save)
    return time.monotonic() - started <= CLAIMING_SECONDS


# --- the last look ------------------------------------------------------------------------------------


class _Terms:
    """The accounts' effective terms. A claim holds only while the rulebook has the version they were read
    at: between the look and the claim nothing can change."""

    def __init__(self, waiting: Sequence[Order], seen: TermsSeen) -> None:
        self._accounts = [order.account_id for order in waiting]
        self.seen = seen

    def digest(self, account_id: int) -> str | None:
        if account_id not in self.seen.digests:
            self._read()
        return self.seen.digests.get(account_id)

    def have_changed(self) -> bool:
        """Whether any rule has changed since they were read; then they are read again."""
        if rulebook.version() == self.seen.version:
            return False
        self._read()
        return True

    def _read(self) -> None:
        book = rulebook.current()  # before the accounts: of what changes from here on, its version tells
        accounts = list(Account.objects.filter(pk__in=self._accounts))
        terms = {pk: found for pk, (_, found) in account_terms(accounts, book).items()}
        digests = {a.pk: written_out(terms[a.pk], a.guard)[0] for a in accounts}
        self.seen = TermsSeen(digests, terms, book.version)

    def allows_live(self, order: Order) -> bool:
        """Whether the program, as last looked at, lets the order really leave: one that a person has
        confirmed has a second decision."""
        policy = self.seen.terms[order.account_id].automation
        if policy is Automation.OWN_DEVICE:
            return settings.DEPLOYMENT is Deployment.OWN_DEVICE
        if policy is Automation.CONFIRM_BY_HAND:
            return order.decision is not None and order.decision.revision >= 2
        return policy is Automation.AUTO


def _claim(order: Order, terms: _Terms, confirm: Callable[[], None]) -> Claim | None:
    """Take the order for this process, or cancel it if something has come up since its decision."""
    decided_under = order.decision.terms_id if order.decision else None
    while True:
        wall, monotonic = time.time(), time.monotonic()
        if decided_under is None or terms.digest(order.account_id) != decided_under:
            _withdraw(order, "the account's terms have changed since the decision")
            return None
        connector = connector_for(order.account)
        if connector.live and not terms.allows_live(order):
            _withdraw(
                order,
                "the program lets no automated live order leave from here, and nobody has confirmed this one",
            )
            return None
        fault.point("dispatch.before_claim")
        condition = _UNOBSTRUCTED + _RECONCILED if connector.must_reconcile else _UNOBSTRUCTED
        with transaction.atomic():
            confirm()
            now = database_now()
            parameters = _obstructions(order, now, terms.seen.version)
            claimed = orders.claim(order, condition, parameters, now=now)
        if claimed:
            fault.point("dispatch.after_claim")
            return Claim(order, connector, wall, monotonic)
        if not terms.have_changed():
            break
    _withdraw(order, _what_changed(order, now))
    return None


# The claim's WHERE: no rule changed since they were looked at, no open flag, no exit in the way, still in
# time, everything switched on. By hand, for the ORM takes longer to write it than the database to run it.
# Only columns of the order itself and EXISTS: with a join PostgreSQL would not look again after waiting for
# another claimer's row lock.
_UNOBSTRUCTED = f"""
    deadline > %(now)s
    AND EXISTS (SELECT 1 FROM {RulebookVersion._meta.db_table} WHERE version = %(version)s)
    AND NOT EXISTS (
        SELECT 1 FROM {Flag._meta.db_table} WHERE ended_at IS NULL
        AND (until IS NULL OR until > %(now)s) AND (
            scope = 'platform' OR account_id = %(account)s OR program_id = %(program)s OR firm_id = %(firm)s))
    AND NOT EXISTS (
        SELECT 1 FROM {Exit._meta.db_table} WHERE account_id = %(account)s AND family = %(family)s
        AND (done_at IS NULL OR covers_id > %(signal)s OR (is_inclusive AND covers_id = %(signal)s)))
    AND NOT EXISTS (
        SELECT 1 FROM {Order._meta.db_table} AS doubtful WHERE account_id = %(account)s AND leg = 'entry'
        AND doubtful.status IN ('unknown', 'held'))
    AND EXISTS (
        SELECT 1 FROM {Account._meta.db_table} WHERE id = %(account)s AND is_active AND mode = %(mode)s)
    AND EXISTS (
        SELECT 1 FROM {SignalSource._meta.db_table} WHERE id = %(source)s AND is_enabled)
    AND EXISTS (
        SELECT 1 FROM {Route._meta.db_table}
        WHERE source_id = %(source)s AND account_id = %(account)s AND is_enabled)
"""  # noqa: S608 - table names
# Where the venue can be asked, it was lately, and said what the books say: nothing leaves before that.
_RECONCILED = f"""
    AND EXISTS (
        SELECT 1 FROM {Reconciliation._meta.db_table} WHERE account_id = %(account)s
        AND at > %(reconciled_after)s AND differences = '')
"""  # noqa: S608 - a table's name


def _obstructions(order: Order, now: datetime, version: str | None) -> dict[str, Any]:
    return {
        "now": moment(now),
        "reconciled_after": moment(now - RECONCILIATION_VALID),
        "version": version,
        "account": order.account_id,
        "mode": order.account.mode,
        "program": order.account.program_id,
        "firm": order.account.program.firm_id,
        "family": order.family,
        "signal": order.signal_id,
        "source": None if order.signal is None else order.signal.source_id,
    }


def _flags(account: Account, now: datetime) -> QuerySet[Flag]:
    return Flag.objects.filter(Flag.open_at(now)).filter(
        Q(scope=Scope.PLATFORM)
        | Q(account=account.pk)
        | Q(program=account.program_id)
        | Q(firm=account.program.firm_id)
    )


def _exits(order: Order) -> QuerySet[Exit]:
    same = Exit.objects.filter(account=order.account_id, family=order.family)
    return same.filter(Q(done_at=None) | exits.covering(order.signal_id))


def _routes(order: Order) -> QuerySet[Route]:
    return Route.objects.filter(account=order.account_id, source__signals=order.signal_id, is_enabled=True)


def _what_changed(order: Order, now: datetime) -> str:
    if order.deadline is not None and order.deadline <= now:
        return "its time was over before it could leave"
    if _flags(order.account, now).exists():
        return "paused, locked or killed since the decision"
    if _exits(order).exists():
        return "an exit has overtaken it"
    if Order.objects.filter(account=order.account, leg=Leg.ENTRY, status__in=sorted(IN_DOUBT)).exists():
        return "another entry of the account is in doubt"
    if unreconciled([order.account_id], now):
        return "the venue and the books have not been compared lately, or differ"
    return "the account, its mode, route or source was switched off or over, or another process has it"


def _withdraw(order: Order, why: str) -> None:
    with transaction.atomic():
        lock_traders([order.account.trader_id])
        order.refresh_from_db(fields=["status"])
        if order.status == OrderStatus.APPROVED.value:
            now = database_now()
            late = order.deadline is not None and order.deadline <= now
            orders.move(order, OrderStatus.EXPIRED if late else OrderStatus.CANCELED, now=now, detail=why)


# --- the call -----------------------------------------------------------------------------------------


def _submit(claim: Claim) -> Sent:
    order = claim.order
    fault.point("dispatch.before_send")
    if not claim.is_valid:
        raise Unavailable("too long between the claim and the request: not sent")
    sent = claim.connector.submit(
        ApprovedOrder(
            client_order_id=order.client_order_id,
            symbol=order.symbol,
            side=Side(order.side),
            quantity=order.quantity,
            entry_price=order.entry_price,
            stop_loss=order.stop_loss,
            target=order.target,
        )
    )
    fault.point("dispatch.after_send")
    return sent


Outcome = tuple[OrderStatus, str, str]  # status, detail, the venue's order id


def _call(claim: Claim) -> Outcome:
    future: Future[Sent] = Future()
    try:
        future.set_result(_submit(claim))
    except Exception as error:  # noqa: BLE001 - sorted out by _outcome
        future.set_exception(error)
    return _outcome(future)


def _outcome(future: Future[Sent]) -> Outcome:
    """What a call came to. Everything that is not clearly a yes, a no or not sent is UNKNOWN."""
    try:
        sent = future.result()
    except Rejected as error:
        return OrderStatus.REJECTED, str(error), ""
    except Unavailable as error:
        return OrderStatus.CANCELED, f"not sent: {error}", ""
    except InDoubt as error:
        return OrderStatus.UNKNOWN, str(error), ""
    except Exception as error:
        log.exception("A connector failed in an unexpected way")
        return OrderStatus.UNKNOWN, f"{type(error).__name__}: {error}", ""
    if sent.skipped:
        return OrderStatus.SKIPPED, "dry-run: nothing was sent", ""
    return OrderStatus.ACCEPTED, "", sent.venue_order_id


def _write_down(claim: Claim, outcome: Outcome) -> list[Answer]:
    """Record an answer. Where the database is away it is kept in a file, and returned to be tried again."""
    try:
        _record(claim, outcome)
    except answers.AWAY as error:
        answer = Answer(claim.order.client_order_id, *outcome)
        log.warning("The answer to order %s waits for the database: %s", answer.client_order_id, error)
        answers.keep(answer)
        return [answer]
    return []


def book_kept() -> None:
    """Book the answers that this machine has kept while the database was away."""
    answers.book(_save)


def _save(answer: Answer) -> None:
    order = Order.objects.select_related("account").filter(client_order_id=answer.client_order_id).first()
    if order is None:  # kept before the database was put back to an earlier state
        alarms.raise_alarm(
            "unknown_order", answer.client_order_id,
            f"A venue answered to order {answer.client_order_id}, which the database does not know: "
            f"{answer.status} {answer.venue_order_id} {answer.detail}".rstrip(),
            now=database_now(),
        )  # fmt: skip
        return
    _record(Claim(order, connector_for(order.account), 0.0, 0.0), answer[1:])


def _record(claim: Claim, outcome: Outcome) -> None:
    """Write the answer down, then what the venue reports of it. The answer is never lost to the report."""
    status, detail, venue_order_id = outcome
    order = claim.order
    fault.point("dispatch.before_save")
    with transaction.atomic():
        lock_traders([order.account.trader_id])
        now = database_now()
        order.refresh_from_db(fields=["status", "settled_at"])
        was_in_doubt = order.status in IN_DOUBT
        moved = orders.move(order, status, now=now, detail=detail, venue_order_id=venue_order_id)
        if moved and was_in_doubt:
            orders.close_doubt(order, now)  # its process was slow, and its answer is here after all
        if moved and status is OrderStatus.UNKNOWN:
            orders.doubt(order, detail, now)
            if claim.connector.blind:
                orders.hold(order, f"nobody can be asked: {detail}", now)
        if claim.connector.must_reconcile:
            Reconciliation.objects.filter(account=order.account).update(due_at=now)  # its fills are news
        if moved and claim.connector.blind:
            blind.answered(order, now)
        exits.ring_for_open([order.account_id])
    fault.point("dispatch.after_save")
    if status is OrderStatus.ACCEPTED and claim.connector.inline:
        try:
            reports.collect(claim.connector)
        except Exception:
            log.exception("The report after order %s failed; the supervisor asks again", order.pk)


def overdue(older_than: timedelta) -> Sequence[Order]:
    """Approved entries that nobody has sent: the sweeper's question."""
    waiting = Order.objects.filter(
        status=OrderStatus.APPROVED.value, leg=Leg.ENTRY, created_at__lt=database_now() - older_than
    )
    return list(waiting.select_related("account__program__firm", "decision", "signal").order_by("pk")[:200])


def stranded(older_than: timedelta) -> Sequence[Order]:
    """Orders whose process died between the claim and the answer."""
    return list(
        Order.objects.filter(
            status=OrderStatus.SUBMITTING.value, claimed_at__lt=database_now() - older_than
        ).select_related("account__trader")
    )
