"""What one transaction will insert: a chunk's decisions and the orders they approved."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from enforcement.decision import Decision as Verdict
from enforcement.decision import Finding, Outcome
from enforcement.explain import explain_refusal
from enforcement.orders import OrderIntent
from enforcement.program import ProgramTerms
from enforcement.rules.signal_fresh import ENTRY_LIFETIME_SECONDS
from execution.enforcement_service import Facts
from execution.models import Decision, Leg, Order, Signal
from execution.models.decision import findings_to_text, floors_to_text
from execution.order_state import OrderStatus
from firms.models import Account
from firms.statements import insert
from firms.terms import snapshot

log = logging.getLogger(__name__)

ENTRY_LIFETIME = timedelta(seconds=ENTRY_LIFETIME_SECONDS)


@dataclass(slots=True)
class Batch:
    """What one transaction will insert."""

    signal: Signal
    now: datetime
    decisions: list[Decision] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)
    log_lines: list[Callable[[], None]] = field(default_factory=list)
    digests: dict[int, str] = field(default_factory=dict)
    terms: dict[int, ProgramTerms] = field(default_factory=dict)
    waiting: bool = False
    has_exits: bool = False


def add(batch: Batch, facts: Facts, leg: Leg, intent: OrderIntent, verdict: Verdict) -> None:
    """Queue a decision for the insert, and its order where it was approved."""
    account, refusal = facts.account, verdict.refusal
    decision = Decision(
        signal_id=batch.signal.pk,
        account_id=account.pk,
        leg=leg.value,
        decided_at=batch.now,
        allowed=refusal is None,
        breach_type="" if refusal is None else refusal.breach_type,
        code="" if refusal is None else refusal.code,
        symbol=intent.symbol,
        side=intent.side.value,
        quantity=intent.quantity,
        entry_price=intent.entry_price,
        stop_loss=intent.stop_loss,
        target=intent.target,
        equity=None if facts.state is None else facts.state.equity,
        risk=verdict.risk,
        fits=verdict.fits,
        findings_text=findings_to_text(verdict.findings),
        floors_text=floors_to_text(verdict.floors),
    )
    if refusal is not None:
        reason = explain_refusal(verdict, facts.terms.currency)
        batch.log_lines.append(_blocked_line(reason, facts, refusal))
    elif leg is Leg.ENTRY:
        batch.orders.append(_order(batch, facts, intent, verdict, decision))
    batch.decisions.append(decision)


def _blocked_line(reason: str, facts: Facts, refusal: Finding) -> Callable[[], None]:
    firm, program = facts.terms.firm, facts.terms.number
    return lambda: log.warning(
        "ORDER BLOCKED: %s (firm=%s, program=%s, type=%s)", reason, firm, program, refusal.breach_type
    )


def _order(batch: Batch, facts: Facts, intent: OrderIntent, verdict: Verdict, decision: Decision) -> Order:
    signal, instrument = batch.signal, intent.instrument
    if instrument is None or intent.quantity is None or verdict.risk is None:
        raise ValueError("an approved order has an instrument, a size and a bounded risk")
    return Order(
        account=facts.account,
        signal=signal,
        decision=decision,
        leg=Leg.ENTRY.value,
        client_order_id=f"pg-{signal.pk}-{facts.account.pk}",
        symbol=instrument.symbol,
        family=signal.family,
        side=intent.side.value,
        quantity=intent.quantity,
        entry_price=intent.entry_price,
        stop_loss=intent.stop_loss,
        target=intent.target,
        status=OrderStatus.APPROVED.value,
        risk=verdict.risk,
        created_at=batch.now,
        deadline=signal.received_at + ENTRY_LIFETIME,
    )


def insert_batch(batch: Batch, facts: Mapping[int, Facts | Exception]) -> None:
    known = {pk: f for pk, f in facts.items() if isinstance(f, Facts)}
    # An account's terms follow from its program, one object for all its accounts, and its own guard.
    pairs = {(f.account.program_id, f.guard): (f.terms, f.guard) for f in known.values()}
    digests = dict(zip(pairs, snapshot(pairs.values()), strict=True))
    batch.terms = {pk: f.terms for pk, f in known.items()}
    batch.digests = {pk: digests[f.account.program_id, f.guard] for pk, f in known.items()}
    for decision in batch.decisions:
        decision.terms_id = batch.digests.get(decision.account_id)
    insert(batch.decisions)
    for order in batch.orders:
        order.decision = order.decision  # takes over the key that the insert gave it
    insert(batch.orders)


def legs_of(signal: Signal) -> list[Leg]:
    """What a signal asks for: its exit first, then its entry."""
    return [leg for leg, has in ((Leg.EXIT, signal.has_exit), (Leg.ENTRY, signal.has_entry)) if has]


# --- when an account's facts or rules fail ------------------------------------------------------------


def add_failure(batch: Batch, account_id: int, error: Exception) -> None:
    account = Account.objects.select_related("program__firm").get(pk=account_id)
    # The exit leg never depends on this: its Exit row was written with the signal.
    done = {d.leg for d in batch.decisions if d.account_id == account_id}
    for leg in legs_of(batch.signal):
        if leg.value not in done:
            batch.decisions.append(failure(batch.signal, account, leg, error, batch.now))
    batch.log_lines.append(
        lambda: log.error(
            "ORDER BLOCKED: Enforcement exception for %s/%s: %s",
            account.program.firm.code, account.program.number, error,
        )
    )  # fmt: skip


def failure(signal: Signal, account: Account, leg: Leg, error: Exception, now: datetime) -> Decision:
    is_exit = leg is Leg.EXIT
    finding = Finding(
        "engine",
        "engine.failed",
        Outcome.WARN if is_exit else Outcome.UNDETERMINED,
        "error",
        facts={"error": f"{type(error).__name__}: {error}"[:500]},
        verdict=Outcome.UNDETERMINED if is_exit else None,
    )
    return Decision(
        signal=signal,
        account=account,
        leg=leg.value,
        decided_at=now,
        allowed=is_exit,
        breach_type="" if is_exit else "error",
        code="" if is_exit else finding.code,
        symbol=signal.symbol,
        findings_text=findings_to_text((finding,)),
        floors_text="[]",
    )
