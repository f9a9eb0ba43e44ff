"""Store a signal once, with everything that will be needed to act on it, in one commit."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connection, transaction
from django.db.models import F
from django_q.tasks import async_task

from execution import alarms, exits, fault
from execution.clock import database_now
from execution.decoding import Meaning, decode
from execution.instruments import find_instrument
from execution.models import Kind, Route, Signal, SignalChunk, SignalKey, SignalSource, Size
from execution.prompt import prompt_transaction
from execution.templates import TEMPLATES
from firms.models import Account
from firms.statements import insert

# Longer than TradingView's four deliveries of one alert, five seconds apart.
DUPLICATE_WINDOW = timedelta(seconds=20)
DEFAULT_SYMBOL = "NQ"  # of the contract's own entry function only
CHUNK_SIZE = {"postgresql": 200, "sqlite": 50}


@dataclass(frozen=True, slots=True)
class Accepted:
    """A stored signal; `is_duplicate` when an earlier delivery had stored it already."""

    signal: Signal
    is_duplicate: bool


class Conflict(Exception):
    """An alert id that was used before, with other content."""

    def __init__(self, trade_id: str, signal: Signal) -> None:
        super().__init__(f"the id {trade_id!r} was used before with other content")
        self.trade_id = trade_id
        self.signal = signal


def accept(source: SignalSource, meaning: Meaning, *, body: bytes, content: bytes) -> Accepted:
    """Store a signal, its chunks, its exits and its queue rows in one commit; or find the first delivery.

    `body` is what to keep, its secret blanked; `content` what two deliveries of the same alert share.
    Raises Conflict for an alert id with other content, execution.prompt.Busy when the database can't be
    written to in time.
    """
    content_hash = hashlib.sha256(content).hexdigest()
    key = f"id:{meaning.trade_id}" if meaning.trade_id else f"content:{content_hash}"
    with prompt_transaction():
        now = database_now()
        signal = _store(source, meaning, body, now)
        if _is_first(key, content_hash, signal, now):
            _plan(signal, now)
            fault.point("intake.before_commit")
            transaction.on_commit(lambda: fault.point("intake.after_commit"))
            return Accepted(signal, is_duplicate=False)
        # Take the row back: nothing else was written, and evidence can't be deleted.
        connection.set_rollback(True)
    return _repeated(source, key, content_hash, meaning)


def enqueue_execution_task_for_entry(
    trade_id: str,
    direction: str,
    entry_price: float | Decimal | None,
    stop_loss: float | Decimal | None,
    session: str | None,
    bias: str | None,
    contracts: int | None = None,
) -> Signal:
    """Create the durable task for an entry: the same intake as the webhook's.

    For the source named in PROPGUARD_DEFAULT_SOURCE (or the only enabled one; ImproperlyConfigured
    otherwise), symbol NQ, `trade_id` as the idempotency key. The durable task is the Signal returned.
    Raises Undecodable with every field that can't be used.
    """
    return accept_payload(
        {
            "direction": direction,
            "entry_price": entry_price,
            "stop_loss": stop_loss,
            "session": session,
            "bias": bias,
            "contracts": contracts,
        },
        trade_id=trade_id,
    )


def accept_payload(payload: Mapping[str, Any], trade_id: str = "") -> Signal:
    """Store the contract's entry payload for the default source. Without an id its content is the key."""
    body = {
        "action": payload.get("direction"),
        "symbol": DEFAULT_SYMBOL,
        "entry_price": _json_number(payload.get("entry_price")),
        "stop_loss": _json_number(payload.get("stop_loss")),
        "session": payload.get("session"),
        "bias": payload.get("bias"),
        "contracts": _json_number(payload.get("contracts")),
        "alert_id": trade_id,
    }
    source = default_source()
    meaning = decode(body, TEMPLATES["canonical"])
    text = json.dumps(body, sort_keys=True, default=str).encode()
    return accept(source, meaning, body=text, content=text).signal


def default_source() -> SignalSource:
    """The source of signals that name none."""
    enabled = SignalSource.objects.filter(is_enabled=True)
    if settings.DEFAULT_SOURCE:
        enabled = enabled.filter(name=settings.DEFAULT_SOURCE)
    found = list(enabled[:2])
    if len(found) != 1:
        wanted = f"named {settings.DEFAULT_SOURCE!r}" if settings.DEFAULT_SOURCE else "that is the only one"
        raise ImproperlyConfigured(
            f"There is no enabled signal source {wanted}: set PROPGUARD_DEFAULT_SOURCE to a source's name."
        )
    return found[0]


def content_of(body: Mapping[str, Any], secret_field: str) -> bytes:
    """What two deliveries of one alert share: the message without its secret, numbers and names unified.

    20000.25 and "20000.25" are the same, and so is a size under either of its names.
    """
    content = {key: value for key, value in body.items() if key != secret_field}
    if content.get("contracts") in (None, "") and "quantity" in content:
        content["contracts"] = content.pop("quantity")
    return json.dumps(_unified(content), sort_keys=True).encode("utf-8", "surrogatepass")


def _unified(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _unified(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_unified(item) for item in value]
    if isinstance(value, bool) or value is None:
        return value
    text = str(value).strip()
    try:
        number = Decimal(text)
    except ArithmeticError:
        return text
    # An absurd exponent would be written out digit by digit.
    return f"{number.normalize():f}" if number.is_finite() and abs(number.adjusted()) < 40 else text


def _store(source: SignalSource, meaning: Meaning, body: bytes, now: datetime) -> Signal:
    instrument = find_instrument(meaning.symbol)
    signal = Signal(
        source=source,
        received_at=now,
        body=body,
        body_sha256=hashlib.sha256(body).hexdigest(),
        kind=Kind(meaning.kind),
        action=meaning.action,
        symbol=meaning.symbol,
        family=instrument.family if instrument else meaning.symbol,
        direction=meaning.direction or "",
        entry_price=meaning.entry_price,
        stop_loss=meaning.stop_loss,
        target=meaning.target,
        session=meaning.session,
        bias=meaning.bias,
        contracts=meaning.contracts,
        size=Size(meaning.size),
        entry_contracts=meaning.entry_contracts,
        position_target=meaning.position_target,
        position_before=meaning.position_before,
        alert_time=meaning.alert_time,
        trade_id=meaning.trade_id,
    )
    insert([signal])
    return signal


def _is_first(key: str, content_hash: str, signal: Signal, now: datetime) -> bool:
    """Claim the key. One statement decides, so there is no gap between looking and writing.

    A content hash is forgotten after the window: the same levels an hour later are a new signal. So is a
    close as soon as an entry came after it: "close, buy, close" ends flat, and the second close has to
    cover that entry. An alert's own id never is forgotten.
    """
    table, signals = SignalKey._meta.db_table, Signal._meta.db_table
    adapt = connection.ops.adapt_datetimefield_value
    forgets = not signal.trade_id
    overtaken = (
        f" OR EXISTS (SELECT 1 FROM {signals} later WHERE later.family = %s"  # noqa: S608
        f" AND later.id > {table}.signal_id AND later.kind IN ('entry', 'reverse'))"
        if signal.kind == Kind.EXIT
        else ""
    )
    conflict = (
        "DO UPDATE SET seen_at = excluded.seen_at, signal_id = excluded.signal_id, repeats = 0 "
        f"WHERE {table}.seen_at < %s{overtaken}"
        if forgets
        else "DO NOTHING"
    )
    parameters: list[Any] = [signal.source_id, key, adapt(now), content_hash, signal.pk]
    if forgets:
        parameters += [adapt(now - DUPLICATE_WINDOW), *([signal.family] if overtaken else [])]
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} (source_id, key, seen_at, content_sha256, signal_id, repeats) "  # noqa: S608
            f"VALUES (%s, %s, %s, %s, %s, 0) ON CONFLICT (source_id, key) {conflict} RETURNING id",
            parameters,
        )
        return cursor.fetchone() is not None


def _plan(signal: Signal, now: datetime) -> None:
    """What follows from the signal: exit rows, chunks with their accounts frozen, and queue rows."""
    followers = _followers(signal)
    if signal.has_exit:
        exits.open_for_signal(signal, followers, now)
    size = CHUNK_SIZE[connection.vendor]
    chunks = [
        SignalChunk(
            signal=signal, number=number, account_ids_text=json.dumps(followers[start : start + size])
        )
        for number, start in enumerate(range(0, len(followers), size))
    ]
    insert(chunks)
    ring_for(chunk.pk for chunk in chunks)


_ROUTES = f"""
    SELECT route.account_id, route.is_enabled AND account.is_active
    FROM {Route._meta.db_table} route JOIN {Account._meta.db_table} account ON account.id = route.account_id
    WHERE route.source_id = %s
"""  # noqa: S608 - table names


def _followers(signal: Signal) -> list[int]:
    """The accounts that take part, in id order. Those whose route or account was switched off do as long as
    something of ours is open there: an exit reaches them, and so does an entry that may close it."""
    if signal.kind == Kind.NOTE:
        return []
    with connection.cursor() as cursor:
        cursor.execute(_ROUTES, [signal.source_id])
        routes = cursor.fetchall()
    following = {account_id for account_id, follows in routes if follows}
    if len(following) < len(routes):
        others = [account_id for account_id, _ in routes if account_id not in following]
        following |= exits.exposed_accounts(others, signal.family)
    return sorted(following)


def ring_for(chunk_ids: Iterable[int]) -> None:
    for chunk_id in chunk_ids:
        async_task("execution.tasks.route_chunk", chunk_id, task_name=f"chunk-{chunk_id}")


def _repeated(source: SignalSource, key: str, content_hash: str, meaning: Meaning) -> Accepted:
    with prompt_transaction():
        stored = SignalKey.objects.select_related("signal__source").get(source=source, key=key)
        if stored.content_sha256 != content_hash:
            alarms.raise_alarm(
                "alert_id_conflict",
                f"source {source.name}",
                f"The alert id {meaning.trade_id!r} came again with other content. It was not traded. "
                "Ids must be unique: is a fixed text used where {{timenow}} belongs?",
                now=database_now(),
            )
            conflict = Conflict(meaning.trade_id, stored.signal)
        else:
            conflict = None
            SignalKey.objects.filter(pk=stored.pk).update(repeats=F("repeats") + 1)
            if stored.signal.has_exit:
                exits.rearm(stored.signal, _followers(stored.signal), database_now())
    if conflict is not None:
        raise conflict
    return Accepted(stored.signal, is_duplicate=True)


def _json_number(value: object) -> object:
    """A float as JSON would have written it: the decoder takes no binary fractions."""
    return Decimal(str(value)) if isinstance(value, float) else value
