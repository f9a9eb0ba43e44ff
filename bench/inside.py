"""`python -m bench.inside`: the part of the bench that runs with Django, told what to do by lines.

Each line on stdin names a job, each answer is one line of JSON on stdout. Everything else that is
printed or logged goes to stderr.
"""

import json
import sys
import time
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import django

from bench.wire import MANY, alert


def _seed() -> dict[str, Any]:
    from bench.seed import seed

    seed()
    return {}


def _versions() -> dict[str, Any]:
    from django.db import connection

    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SHOW server_version")
            return {"database": f"PostgreSQL {cursor.fetchone()[0]}"}
        cursor.execute("SELECT sqlite_version()")
        return {"database": f"SQLite {cursor.fetchone()[0]}"}


def _propguard_round() -> dict[str, Any]:
    """Decide one signal for its thousand accounts, chunk after chunk; only that is timed."""
    from execution.decoding import decode
    from execution.intake import accept
    from execution.models import SignalSource
    from execution.router import decide_chunk

    source = SignalSource.objects.get(name=MANY)
    body = alert(_number())
    meaning = decode(json.loads(body), source.shape)
    signal = accept(source, meaning, body=body, content=body).signal
    chunks = list(signal.chunks.order_by("number").values_list("pk", flat=True))
    started = time.perf_counter()
    for pk in chunks:
        decide_chunk(pk)
    return _outcome(signal.pk, time.perf_counter() - started)


def _stock_round() -> dict[str, Any]:
    """The same, the naive way."""
    from bench import stock
    from bench.stock_web import AlertSerializer
    from execution.models import SignalSource

    body = alert(_number())
    parsed = AlertSerializer(data=json.loads(body))
    parsed.is_valid(raise_exception=True)
    source = SignalSource.objects.get(name=MANY)
    signal = stock.accept(source, parsed.validated_data, body)
    started = time.perf_counter()
    stock.decide(signal.pk)
    return _outcome(signal.pk, time.perf_counter() - started)


def _number() -> int:
    return time.time_ns()


def _outcome(signal_id: int, seconds: float) -> dict[str, Any]:
    """How long it took, and what was written: both sides must have written the same."""
    from execution.models import Decision, Order
    from execution.order_state import OrderStatus

    decisions = Decision.objects.filter(signal=signal_id).order_by("account__label").values_list(
        "account__label", "leg", "allowed", "breach_type", "code", "symbol", "side", "quantity",
        "entry_price", "stop_loss", "equity", "risk", "fits", "floors_text", "terms",
    )  # fmt: skip
    orders = Order.objects.filter(signal=signal_id).order_by("account__label").values_list(
        "account__label", "leg", "symbol", "family", "side", "quantity", "entry_price", "stop_loss", "status",
        "risk", "decision__account__label",
    )  # fmt: skip
    written = repr((list(decisions), list(orders)))
    outcome = {
        "seconds": seconds,
        "decisions": len(decisions),
        "orders": len(orders),
        "digest": sha256(written.encode()).hexdigest(),
    }
    # Reserves nothing from here on: the next round meets the accounts as this one did.
    Order.objects.filter(signal=signal_id).update(status=OrderStatus.SKIPPED.value)
    return outcome


def main() -> None:
    django.setup()
    jobs: dict[str, Callable[[], dict[str, Any]]] = {
        "seed": _seed,
        "versions": _versions,
        "propguard": _propguard_round,
        "stock": _stock_round,
    }
    for line in sys.stdin:
        sys.stdout.write(json.dumps(jobs[line.strip()]()) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
