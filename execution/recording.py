"""What one transaction will insert: a chunk's decisions, the orders they approved, what a person is told."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property

from enforcement.decision import Decision as Verdict
from enforcement.decision import Finding, Handling, Outcome
from enforcement.explain import explain_refusal
from enforcement.orders import OrderIntent
from enforcement.program import ProgramTerms
from enforcement.replay import context_text
from enforcement.rules.signal_fresh import ENTRY_LIFETIME_SECONDS
from execution import alarms, epochs
from execution.enforcement_service import Facts
from execution.models import Decision, Leg, Order, OrderEvent, Signal
from execution.models.decision import findings_to_text, floors_to_text
from execution.order_state import OrderStatus
from firms import terms_in_force
from firms.models import Account
from firms.statements import insert

log = logging.getLogger(__name__)

ENTRY_LIFETIME = timedelta(seconds=ENTRY_LIFETIME_SECONDS)
CONFIRMATION_LIFETIME = timedelta(seconds=120)


@dataclass
class Batch:
    """What one transaction will insert."""

    signal: Signal
    now: datetime
    decisions: list[Decision] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)
    advice: list[tuple[Account, OrderIntent]] = field(default_factory=list)
    log_lines: list[Callable[[], None]] = field(default_factory=list)
    digests: dict[int, str] = field(default_factory=dict)
    terms: dict[int, ProgramTerms] = field(default_factory=dict)
    version: str | None = None
    waiting: bool = False
    has_exits: bool = False

    @cached_property
    def epoch(self) -> str:
        """Asked for with the first order."""
        return epochs.current()


def add(
    batch: Batch, facts: Facts, leg: Leg, intent: OrderIntent, verdict: Verdict, obstacle: str | None = None
) -> None:
    """Queue a decision for the insert; where it was approved its order, or what a person is told instead.

    What raises queues nothing: no decision says that an order was approved which can't be made.
    """
    decision = decision_of(batch.signal, facts, leg, intent, verdict, batch.now, obstacle)
    if verdict.refusal is not None:
        batch.log_lines.append(blocked_line(verdict, facts))
    elif leg is Leg.ENTRY and verdict.handling is Handling.ADVISE:
        batch.advice.append((facts.account, intent))
    elif leg is Leg.ENTRY:
        batch.orders.append(_order(batch, facts, intent, verdict, decision))
    batch.decisions.append(decision)


def decision_of(
    signal: Signal,
    facts: Facts,
    leg: Leg,
    intent: OrderIntent,
    verdict: Verdict,
    now: datetime,
    obstacle: str | None = None,
    revision: int = 1,
) -> Decision:
    """The row of a decision, not saved yet and still without the digest of its terms."""
    refusal = verdict.refusal
    return Decision(
        signal_id=signal.pk,
        account_id=facts.account.pk,
        leg=leg.value,
        revision=revision,
        decided_at=now,
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
        context_text=context_text(facts.order_context(intent, now, obstacle)),
    )


def blocked_line(verdict: Verdict, facts: Facts) -> Callable[[], None]:
    """The contract's log line of a refusal, to be written once the refusal is committed."""
    reason = explain_refusal(verdict, facts.terms.currency)
    firm, program, breach_type = facts.terms.firm, facts.terms.number, verdict.breach_type
    return lambda: log.warning(
        "ORDER BLOCKED: %s (firm=%s, program=%s, type=%s)", reason, firm, program, breach_type
    )


def _order(batch: Batch, facts: Facts, intent: OrderIntent, verdict: Verdict, decision: Decision) -> Order:
    signal, instrument = batch.signal, intent.instrument
    if instrument is None or intent.quantity is None or verdict.risk is None:
        raise ValueError("an approved order has an instrument, a size and a bounded risk")
    asks = verdict.handling is Handling.CONFIRM
    return Order(
        account=facts.account,
        signal=signal,
        decision=decision,
        leg=Leg.ENTRY.value,
        client_order_id=epochs.entry_id(batch.epoch, signal.pk, facts.account.pk),
        symbol=instrument.symbol,
        family=signal.family,
        side=intent.side.value,
        quantity=intent.quantity,
        entry_price=intent.entry_price,
        stop_loss=intent.stop_loss,
        target=intent.target,
        status=(OrderStatus.AWAITING_CONFIRMATION if asks else OrderStatus.APPROVED).value,
        risk=verdict.risk,
        created_at=batch.now,
        deadline=batch.now + CONFIRMATION_LIFETIME if asks else signal.received_at + ENTRY_LIFETIME,
        has_own_id=intent.has_own_id,
    )


def insert_batch(batch: Batch, facts: Mapping[int, Facts | Exception]) -> None:
    known = {pk: f for pk, f in facts.items() if isinstance(f, Facts)}
    terms_in_force.note({pk: f.in_force for pk, f in known.items()}, batch.now)
    batch.terms = {pk: f.terms for pk, f in known.items()}
    batch.digests = {pk: f.in_force.digest for pk, f in known.items()}
    batch.version = next((f.version for f in known.values()), None)
    for decision in batch.decisions:
        decision.terms_id = batch.digests.get(decision.account_id)
    insert(batch.decisions)
    for order in batch.orders:
        order.decision = order.decision  # takes over the key that the insert gave it
    insert(batch.orders)
    _tell(batch)


def _tell(batch: Batch) -> None:
    """Tell a person what to confirm, and what to do by hand. Nothing where no program wants either."""
    asked = [order for order in batch.orders if order.status == OrderStatus.AWAITING_CONFIRMATION.value]
    batch.orders = [order for order in batch.orders if order.status == OrderStatus.APPROVED.value]
    if not asked and not batch.advice:
        return
    insert([OrderEvent(order=order, at=batch.now, after=order.status) for order in asked])
    told = [
        alarms.alarm(
            "confirmation", f"order {order.pk}",
            f"{alarms.trade_in_words(order, order.account)}: confirm it by {order.deadline:%H:%M:%S} UTC, "
            "or it is not sent.",
            now=batch.now, account=order.account,
        )
        for order in asked
    ]  # fmt: skip
    told += [
        alarms.alarm(
            "advice", f"signal {batch.signal.pk} account {account.pk}",
            f"{alarms.trade_in_words(intent, account)}: the program allows advice only, nothing was sent.",
            now=batch.now, account=account,
        )
        for account, intent in batch.advice
    ]  # fmt: skip
    alarms.raise_alarms(told)


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


def failure(
    signal: Signal, account: Account, leg: Leg, error: Exception, now: datetime, revision: int = 1
) -> Decision:
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
        revision=revision,
        decided_at=now,
        allowed=is_exit,
        breach_type="" if is_exit else "error",
        code="" if is_exit else finding.code,
        symbol=signal.symbol,
        findings_text=findings_to_text((finding,)),
        floors_text="[]",
    )
