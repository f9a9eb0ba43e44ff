"""From a signal's chunk to one recorded decision for each account, and the approved orders.

One transaction per chunk: lock the traders, read, ask the rules, insert, commit. What was approved
counts as exposure from that commit on; sending it is `execution.dispatch`'s, in the same task.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection, transaction
from django.db.models import QuerySet

from execution import dispatch, exits, fault, intake, routing, sizing
from execution.clock import database_now
from execution.enforcement_service import Facts, enforce, load
from execution.instruments import find_instrument
from execution.models import Decision, Kind, Leg, Order, Position, Signal, SignalChunk, SignalSource
from execution.recording import ENTRY_LIFETIME, Batch, add, add_failure, failure, insert_batch, legs_of
from execution.routing import Surroundings
from firms.models import Account
from firms.services import lock_owners
from firms.statements import execute, fetch, moment, read

log = logging.getLogger(__name__)

GIVE_UP_AFTER = timedelta(seconds=60)
GIVE_UP_ATTEMPTS = 3
# A chunk whose attempts end their process is given up once no entry of it could leave any more.
POISON_AFTER = timedelta(seconds=20)


class ExecutionRouter:
    """Handles tasks: the durable task is a Signal, its payload the contract's dict with `signal_id`."""

    def handle(self, task_payload: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Decide a task for each of its accounts, then send what was approved; the structured results."""
        signal = signal_of(task_payload)
        results = self.run_comprehensive_enforcement({**task_payload, "signal_id": signal.pk})
        dispatch.send_approved(signal.pk)
        return results

    def run_comprehensive_enforcement(self, task_payload: Mapping[str, Any]) -> list[dict[str, Any]]:
        """One structured result for each firm, program and account of the task. Never raises for an
        account's error: that account is blocked. Accounts decided before keep their decision."""
        signal = signal_of(task_payload)
        for chunk in signal.chunks.all():
            decide_chunk(chunk.pk)
        decisions = signal.decisions.select_related("account__program__firm")
        return [result_of(decision) for decision in newest(decisions)]

    _run_comprehensive_enforcement_for_task = run_comprehensive_enforcement


def signal_of(task_payload: Mapping[str, Any]) -> Signal:
    """The signal a payload stands for. One without `signal_id` goes through the intake first."""
    if task_payload.get("signal_id") is None:
        return intake.accept_payload(task_payload)
    return Signal.objects.select_related("source").get(pk=task_payload["signal_id"])


def newest(decisions: QuerySet[Decision]) -> list[Decision]:
    """The word that counts for each account and leg, in order: a person's confirmation is a second one."""
    found = {(one.account_id, one.leg): one for one in decisions.order_by("account_id", "leg", "revision")}
    return list(found.values())


def result_of(decision: Decision) -> dict[str, Any]:
    """A decision as the contract's structured result, with each check's figures."""
    program = decision.account.program
    return {
        "firm": program.firm.code,
        "program": program.number,
        "account": decision.account.label,
        "leg": decision.leg,
        "allowed": decision.allowed,
        "reason": decision.reason,
        "breach_type": decision.breach_type or None,
        "checks": [
            {
                "rule": finding.rule,
                "code": finding.code,
                "outcome": finding.outcome.name.lower(),
                "observed": _figure(finding.observed),
                "limit": _figure(finding.limit),
                "room": _figure(finding.room),
            }
            for finding in decision.findings
        ],
    }


def _figure(value: object) -> str | None:
    return None if value is None else str(value)


# --- a chunk ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Decided:
    """What deciding a chunk came to, for whoever goes on with it at once.

    Of a first attempt (`is_first`) `orders` are those it approved, with the terms `seen` for them; later
    ones may follow on orders of others. `has_exits`: something may have to be closed.
    """

    orders: Sequence[Order] = ()
    seen: dispatch.TermsSeen | None = None
    is_first: bool = False
    has_exits: bool = True


def decide_chunk(chunk_id: int) -> bool:
    """`decide`, for those who only ask whether there was anything to do."""
    return decide(chunk_id) is not None


def decide(chunk_id: int) -> Decided | None:
    """Decide a chunk's accounts; None when there was nothing to do. Safe to run twice.

    The attempt is committed before the work. From the second one on each account has a transaction of
    its own, so that one bad row can't hold the others.
    """
    chunk = _attempt(chunk_id)
    if chunk is None:
        return None
    if chunk.attempts == 1:
        return _decide_first(chunk)
    if _is_poison(chunk):
        for pk in chunk.account_ids:
            _blocked(chunk.signal, pk, RuntimeError("deciding it ended its process, again and again"))
        SignalChunk.objects.filter(pk=chunk_id).update(done_at=database_now())
        return Decided()
    waiting = failed = False
    for pk in chunk.account_ids:
        try:
            waiting |= _decide(chunk.signal, [pk]).waiting
        except Exception as error:  # noqa: BLE001 - recorded as that account's refusal
            failed |= not _failed(chunk, pk, error)
    if not (waiting or failed):
        SignalChunk.objects.filter(pk=chunk_id).update(done_at=database_now())
    elif not failed:  # it only waits for an exit, and came back: no attempt to be counted
        SignalChunk.objects.filter(pk=chunk_id).update(attempts=1)
    return Decided()


def _is_poison(chunk: SignalChunk) -> bool:
    """Whether attempt after attempt never came back: each took its worker, and the whole queue, along."""
    is_late = database_now() > chunk.signal.received_at + POISON_AFTER
    return chunk.attempts > GIVE_UP_ATTEMPTS and is_late


# The attempt outlives a process that dies at work, which is what it is for; it need not outlive the power,
# so PostgreSQL does not wait for the disk here.
_ATTEMPT = {
    vendor: f"UPDATE {SignalChunk._meta.db_table} SET attempts = attempts + 1 {source} "  # noqa: S608
    "WHERE id = %(id)s AND done_at IS NULL RETURNING {columns}"
    for vendor, source in {
        "sqlite": "",
        "postgresql": "FROM (SELECT set_config('synchronous_commit', 'off', true)) AS relaxed",
    }.items()
}
_DONE = f"UPDATE {SignalChunk._meta.db_table} SET done_at = %(now)s WHERE id = %(id)s"  # noqa: S608


def _attempt(chunk_id: int) -> SignalChunk | None:
    """Count one more attempt at a chunk that is not done; with its signal and source."""
    for chunk in fetch(SignalChunk, _ATTEMPT[connection.vendor], {"id": chunk_id}):
        [chunk.signal] = read(Signal, "id = %(id)s", id=chunk.signal_id)
        [chunk.signal.source] = read(SignalSource, "id = %(id)s", id=chunk.signal.source_id)
        return chunk
    return None


def _decide_first(chunk: SignalChunk) -> Decided:
    """All accounts in one transaction, the chunk's end included. What it raises, the sweeper rings for."""
    batch = _decide(chunk.signal, chunk.account_ids, first_of=chunk)
    seen = dispatch.TermsSeen(batch.digests, batch.terms, batch.version)
    return Decided(batch.orders, seen, is_first=True, has_exits=batch.has_exits)


def _decide(signal: Signal, account_ids: Sequence[int], first_of: SignalChunk | None = None) -> Batch:
    """Decide accounts in one transaction; a first attempt's ends its chunk (`first_of`) as well."""
    with transaction.atomic():
        lock_owners(account_ids)
        batch = Batch(signal, database_now())
        decided = _decided(signal, account_ids)
        open_ids = [pk for pk in account_ids if not _is_complete(signal, pk, decided)]
        facts = load(open_ids, batch.now)
        around = routing.survey(signal, open_ids, batch.now)
        batch.has_exits = signal.has_exit or bool(around.open_exits)
        for pk in open_ids:
            _decide_account(batch, around, facts[pk], pk, decided)
        insert_batch(batch, facts)
        if first_of and not batch.waiting:
            execute(_DONE, id=first_of.pk, now=moment(batch.now))
        fault.point("router.before_commit")
    fault.point("router.after_commit")
    for line in batch.log_lines:
        line()
    return batch


def _decided(signal: Signal, account_ids: Sequence[int]) -> set[tuple[int, str]]:
    """What is decided already: a second attempt may have overtaken the first."""
    condition = "signal_id = %(signal)s AND account_id {ids}"
    made = read(Decision, condition, signal=signal.pk, ids=list(account_ids))
    return {(decision.account_id, decision.leg) for decision in made}


def _is_complete(signal: Signal, account_id: int, decided: set[tuple[int, str]]) -> bool:
    return all((account_id, leg.value) in decided for leg in legs_of(signal))


def _decide_account(
    batch: Batch, around: Surroundings, facts: Facts | Exception, pk: int, decided: set[tuple[int, str]]
) -> None:
    """Add one account's decisions to the batch. Its error blocks it alone."""
    try:
        if isinstance(facts, Exception):
            raise facts
        has_exit_leg = (pk, Leg.EXIT.value) in decided
        if batch.signal.has_exit and not has_exit_leg:
            _add_exit(batch, around, facts)
        if batch.signal.has_entry and (pk, Leg.ENTRY.value) not in decided:
            _decide_entry(batch, around, facts, split=has_exit_leg and batch.signal.kind == Kind.ENTRY)
    except Exception as error:  # noqa: BLE001 - the contract: it blocks this account alone
        _close_what_it_opposes(batch, around, pk)
        add_failure(batch, pk, error)


def _close_what_it_opposes(batch: Batch, around: Surroundings, pk: int) -> None:
    """An alert against a position closes it, whatever else of the account can't be known."""
    signal, own = batch.signal, around.instrument
    if signal.kind != Kind.ENTRY or own is None:
        return
    held = Decimal(0)
    for position in Position.objects.filter(account=pk, family=signal.family).exclude(quantity=0):
        instrument = find_instrument(position.symbol)
        if instrument is not None:
            held += position.quantity * instrument.weight / own.weight
    if held * routing.SIDES[signal.direction].sign < 0:
        size = abs(held) if signal.entry_contracts is None else Decimal(signal.entry_contracts)
        left = max(abs(held) - size, Decimal(0)).copy_sign(held)
        exits.open_exit(pk, signal.family, signal.symbol, signal.pk, left, batch.now)
        batch.has_exits = True


def _decide_entry(batch: Batch, around: Surroundings, facts: Facts, *, split: bool) -> None:
    """Decide the entry leg, let it wait for an exit, or turn what would cross zero into an exit first."""
    found = routing.obstacle(around, facts)
    if found == "admission.exit_pending" and batch.now < batch.signal.received_at + ENTRY_LIFETIME:
        batch.waiting = True
        return
    sized = sizing.size_for(around, facts)
    if split and sized.quantity is not None:
        left = _left_over(batch.signal, around, facts, sized.quantity)
        if left <= 0:
            return  # all of it went into the exit
        sized = sized._replace(quantity=left, exact=left)
    elif (found is None or found in routing.STILL_CLOSES) and batch.signal.kind == Kind.ENTRY:
        held = routing.held_in_family(around, facts)
        if held * routing.SIDES[batch.signal.direction].sign < 0:
            quantity = sizing.taken_off(around, facts, sized, held)
            if quantity is not None:
                _split_at_zero(batch, around, facts, held, quantity)
                return
    intent, verdict = sizing.judged(around, facts, sized, batch.now, found)
    add(batch, facts, Leg.ENTRY, intent, verdict, found)


def _split_at_zero(
    batch: Batch, around: Surroundings, facts: Facts, held: Decimal, quantity: Decimal
) -> None:
    """An entry against the position: bring that down first; only what is left over opens the other side."""
    target = held + quantity.copy_sign(-held) if quantity < abs(held) else Decimal(0)
    exits.open_exit(
        facts.account.pk, batch.signal.family, batch.signal.symbol, batch.signal.pk, target, batch.now
    )
    _add_exit(batch, around, facts)
    batch.waiting |= quantity > abs(held)
    batch.has_exits = True


def _left_over(signal: Signal, around: Surroundings, facts: Facts, quantity: Decimal) -> Decimal:
    """What an entry has left for the other side: its exit leg took what was held when that was decided.

    Not what the closing orders filled: where a stop closed the position first, they filled nothing, and
    the whole size would open the other side.
    """
    exit_leg = Decision.objects.filter(signal=signal, account=facts.account, leg=Leg.EXIT)
    taken = exit_leg.values_list("quantity", flat=True).first() or Decimal(0)
    left = quantity - taken
    return around.instrument.floor_to_step(left) if around.instrument else left // 1


def _add_exit(batch: Batch, around: Surroundings, facts: Facts) -> None:
    intent = routing.exit_intent(around, facts)
    add(batch, facts, Leg.EXIT, intent, enforce(facts, intent, batch.now))


def _failed(chunk: SignalChunk, account_id: int, error: Exception) -> bool:
    """An account whose own transaction failed: True once its refusal is recorded, False to try again."""
    is_early = database_now() < chunk.signal.received_at + GIVE_UP_AFTER
    gives_up = chunk.attempts >= GIVE_UP_ATTEMPTS or not is_early
    _blocked(chunk.signal, account_id, error, record=gives_up)
    return gives_up


def _blocked(signal: Signal, account_id: int, error: Exception, *, record: bool = True) -> None:
    """Say, and record, that an account could not be decided; what was decided before stays."""
    account = Account.objects.select_related("program__firm").get(pk=account_id)
    log.error(
        "ORDER BLOCKED: Enforcement exception for %s/%s: %s",
        account.program.firm.code, account.program.number, error,
    )  # fmt: skip
    if record:
        now = database_now()
        Decision.objects.bulk_create(
            [failure(signal, account, leg, error, now) for leg in legs_of(signal)], ignore_conflicts=True
        )


def undone_chunks(older_than: datetime) -> list[int]:
    """Chunks that somebody should have decided by now: the sweeper's question."""
    overdue = SignalChunk.objects.filter(done_at=None, signal__received_at__lt=older_than)
    return list(overdue.order_by("pk").values_list("pk", flat=True)[:100])
