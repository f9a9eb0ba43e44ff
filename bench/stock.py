"""The naive way: one row after the other through the ORM, in the order in which one would think of it.

The rules are the same (`enforcement.evaluate_order`), and so are the rows. It is naive, not careless:
one transaction for each of the signal's chunks, the account's program and state joined to the locking
read. It has no claim between the commit and the call, which is less work than PropGuard does.
"""

import hashlib
import json
import logging
import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from typing import Any

from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone
from django_q.tasks import async_task

from bench.apps import stamp
from enforcement.context import Activity, OpenFlag, OrderContext, RecentEntry
from enforcement.decision import Decision as Verdict
from enforcement.engine import evaluate_order
from enforcement.explain import explain_refusal
from enforcement.exposure import Position, WorkingOrder
from enforcement.instruments import Instrument, find
from enforcement.orders import OrderIntent, Side, on_tick
from enforcement.replay import canonical_text, context_text, digest
from enforcement.rules.signal_fresh import ENTRY_LIFETIME_SECONDS
from execution import models
from execution.intake import CHUNK_SIZE
from execution.models.decision import findings_to_text, floors_to_text
from execution.order_state import RESERVING, OrderStatus
from firms.models import Account, Flag, Scope, TermsSnapshot
from firms.terms import terms_in_force

log = logging.getLogger(__name__)


def accept(source: models.SignalSource, alert: Mapping[str, Any], body: bytes) -> models.Signal:
    """Store an alert with its key, its chunks and its task in one transaction."""
    now = timezone.now()
    content = hashlib.sha256(body).hexdigest()
    instrument = _instrument(alert["symbol"])
    with transaction.atomic():
        signal = models.Signal.objects.create(
            source=source, received_at=now, body=body, body_sha256=content, kind=models.Kind.ENTRY,
            action=alert["action"], symbol=alert["symbol"], family=instrument.family,
            direction={"buy": "long", "sell": "short"}[alert["action"]],
            entry_price=alert["entry_price"], stop_loss=alert["stop_loss"], session=alert["session"],
            bias=alert["bias"], contracts=alert["contracts"], size=models.Size.GIVEN,
            entry_contracts=alert["contracts"], trade_id=alert["alert_id"],
        )  # fmt: skip
        models.SignalKey.objects.create(
            source=source, key=f"id:{signal.trade_id}", seen_at=now, content_sha256=content, signal=signal
        )
        routes = models.Route.objects.filter(source=source, is_enabled=True, account__is_active=True)
        ids = list(routes.order_by("account_id").values_list("account_id", flat=True))
        size = CHUNK_SIZE[connection.vendor]
        for number, start in enumerate(range(0, len(ids), size)):
            models.SignalChunk.objects.create(
                signal=signal, number=number, account_ids_text=json.dumps(ids[start : start + size])
            )
        async_task("bench.stock.execute", signal.pk)
    return signal


def execute(signal_id: int) -> None:
    """The queue's task: decide for every account, then call the connector for what was approved."""
    for order in decide(signal_id):
        stamp(signal_id, time.time())
        order.status = OrderStatus.SKIPPED.value
        order.save()


def decide(signal_id: int) -> list[models.Order]:
    """One decision for each account of a signal, and an order where it was approved."""
    signal = models.Signal.objects.select_related("source").get(pk=signal_id)
    now = timezone.now()
    orders = []
    for chunk in signal.chunks.order_by("number"):
        with transaction.atomic():
            for account_id in chunk.account_ids:
                order = _decide_account(signal, account_id, now)
                if order is not None:
                    orders.append(order)
            chunk.attempts += 1
            chunk.done_at = now
            chunk.save()
    return orders


def _decide_account(signal: models.Signal, account_id: int, now: datetime) -> models.Order | None:
    account = (
        Account.objects.select_related("program__firm", "state")
        .select_for_update(of=("self",))
        .get(pk=account_id)
    )
    if models.Decision.objects.filter(signal=signal, account=account).exists():
        return None
    terms = terms_in_force(account.program)
    intent = _intent(signal, account)
    ctx = OrderContext(
        now=now,
        terms=terms,
        guard=account.guard,
        state=account.state.to_core(),
        positions=_positions(account),
        working=_working(account),
        flags=_flags(account),
        live=not models.VenueAccount.objects.filter(account=account, connection__venue="paper").exists(),
        activity=_activity(account, now),
        intent=intent,
        obstacle=_obstacle(signal, account),
    )
    verdict = evaluate_order(ctx)
    decision = _record(signal, account, ctx, verdict, now)
    if verdict.allowed:
        return _order(signal, account, intent, verdict, decision)
    log.warning(
        "ORDER BLOCKED: %s (firm=%s, program=%s, type=%s)",
        explain_refusal(verdict, terms.currency), terms.firm, terms.number, verdict.breach_type,
    )  # fmt: skip
    return None


# --- reading ------------------------------------------------------------------------------------------


def _instrument(symbol: str) -> Instrument:
    instrument = find(symbol)
    if instrument is None:
        raise LookupError(symbol)
    return instrument


def _intent(signal: models.Signal, account: Account) -> OrderIntent:
    instrument, side = _instrument(signal.symbol), Side.BUY if signal.direction == "long" else Side.SELL
    route = models.Route.objects.get(source=signal.source, account=account)
    quantity = Decimal(signal.entry_contracts or 0)
    if route.sizing == models.Route.Sizing.MULTIPLIER and route.multiplier is not None:
        steps = quantity * route.multiplier / instrument.step
        quantity = steps.to_integral_value(rounding=ROUND_DOWN) * instrument.step
    entry, stop = on_tick(instrument, side, signal.entry_price, signal.stop_loss)
    return OrderIntent(
        symbol=signal.symbol, side=side, signalled_at=signal.received_at, instrument=instrument,
        quantity=quantity, entry_price=entry, stop_loss=stop, session=signal.session,
        alert_time=signal.alert_time, has_own_id=True,
    )  # fmt: skip


def _positions(account: Account) -> tuple[Position, ...]:
    return tuple(
        Position(instrument=_instrument(p.symbol), quantity=p.quantity, price=p.price, stop=p.stop)
        for p in models.Position.objects.filter(account=account).exclude(quantity=0)
    )


def _working(account: Account) -> tuple[WorkingOrder, ...]:
    orders = models.Order.objects.filter(account=account, leg="entry", status__in=sorted(RESERVING))
    return tuple(
        WorkingOrder(
            instrument=_instrument(o.symbol),
            side=Side(o.side),
            quantity=o.unfilled,
            risk=o.risk * o.unfilled / o.quantity,
        )
        for o in orders
    )


def _activity(account: Account, now: datetime) -> Activity:
    """What the account did within its duplicate window, as the rules want to know."""
    since = now - timedelta(seconds=account.duplicate_window_seconds)
    recent = models.Order.objects.filter(account=account, leg="entry", created_at__gt=since)
    left_out = ["canceled", "expired", "denied", "rejected", "awaiting_confirmation"]
    return Activity(
        tuple(
            RecentEntry(
                o.created_at, o.family, Side(o.side), o.quantity, o.entry_price, o.stop_loss, o.has_own_id,
                o.target,
            )
            for o in recent.exclude(status__in=left_out)
        )
    )  # fmt: skip


def _flags(account: Account) -> tuple[OpenFlag, ...]:
    flags = Flag.objects.filter(ended_at=None).filter(
        Q(scope=Scope.PLATFORM)
        | Q(firm=account.program.firm)
        | Q(program=account.program)
        | Q(account=account)
    )
    return tuple(OpenFlag(flag.scope, flag.key, flag.cause, flag.reason) for flag in flags)


def _obstacle(signal: models.Signal, account: Account) -> str | None:
    newest = models.Exit.objects.filter(account=account, family=signal.family).order_by("-pk").first()
    if newest is None:
        return None
    if newest.covers_id is not None and newest.covers_id > signal.pk:
        return "admission.superseded"
    return "admission.exit_pending" if newest.done_at is None else None


# --- writing ------------------------------------------------------------------------------------------


def _record(
    signal: models.Signal,
    account: Account,
    ctx: OrderContext,
    verdict: Verdict,
    now: datetime,
) -> models.Decision:
    intent = ctx.intent
    text = canonical_text({"program": ctx.terms, "guard": account.guard})
    snapshot, _ = TermsSnapshot.objects.get_or_create(
        digest=digest(text), defaults={"text": text, "made_at": now}
    )
    refusal = verdict.refusal
    return models.Decision.objects.create(
        signal=signal, account=account, leg=models.Leg.ENTRY, decided_at=now, allowed=refusal is None,
        breach_type="" if refusal is None else refusal.breach_type,
        code="" if refusal is None else refusal.code,
        symbol=intent.symbol, side=intent.side.value, quantity=intent.quantity,
        entry_price=intent.entry_price, stop_loss=intent.stop_loss, target=intent.target,
        equity=account.state.equity, risk=verdict.risk, fits=verdict.fits,
        findings_text=findings_to_text(verdict.findings), floors_text=floors_to_text(verdict.floors),
        context_text=context_text(ctx), terms=snapshot,
    )  # fmt: skip


def _order(
    signal: models.Signal,
    account: Account,
    intent: OrderIntent,
    verdict: Verdict,
    decision: models.Decision,
) -> models.Order:
    instrument = intent.instrument
    return models.Order.objects.create(
        account=account, signal=signal, decision=decision, leg=models.Leg.ENTRY,
        client_order_id=f"pg-{signal.pk}-{account.pk}",
        symbol=instrument.symbol if instrument else intent.symbol, family=signal.family,
        side=intent.side.value, quantity=intent.quantity, entry_price=intent.entry_price,
        stop_loss=intent.stop_loss, target=intent.target, status=OrderStatus.APPROVED.value,
        risk=verdict.risk, created_at=decision.decided_at,
        deadline=signal.received_at + timedelta(seconds=ENTRY_LIFETIME_SECONDS), has_own_id=True,
    )  # fmt: skip
