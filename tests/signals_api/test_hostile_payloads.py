"""Every case of the acceptance file gives its outcome, and none a 5xx.

Further files are read from PROPGUARD_HOSTILE_CASES (os.pathsep between them).
"""

import json
import os
import re
import threading
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client

from execution.models import Order, Signal, SignalKey
from tests.make import SECRET, make_account, make_route, make_source

FILES = [Path(__file__).parent.parent / "data" / "hostile_payloads.json"]
FILES += [Path(name) for name in os.environ.get("PROPGUARD_HOSTILE_CASES", "").split(os.pathsep) if name]
CASES: dict[str, dict[str, Any]] = {
    case["id"]: case for file in FILES for case in json.loads(file.read_text())["cases"]
}
URL = "/api/v1/webhooks/tv/"
_NOW = re.compile(r"@NOW(?:([+-])(\d+)s)?@")


@pytest.fixture
def account() -> None:
    source = make_source("tv")
    make_route(source, make_account(paper=True))


def body_of(case: dict[str, Any]) -> bytes:
    raw = case.get("raw", "") or "".join(unit * times for unit, times in case.get("raw_build", []))
    if case.get("substitute"):
        raw = _NOW.sub(_instant, raw)
    encoding = case.get("raw_encoding", "utf-8")
    if encoding == "base64":
        import base64

        return base64.b64decode(raw)
    return raw.encode(encoding, "surrogatepass") if encoding == "utf-8" else raw.encode(encoding)


def _instant(match: re.Match[str]) -> str:
    shift = timedelta(seconds=int(match[2] or 0)) * (-1 if match[1] == "-" else 1)
    return (datetime.now(UTC) + shift).strftime("%Y-%m-%dT%H:%M:%SZ")


def send(case: dict[str, Any], client: Client | None = None) -> tuple[int, dict[str, Any]]:
    headers = {
        f"HTTP_{name.upper().replace('-', '_')}": value for name, value in case.get("headers", {}).items()
    }
    response = (client or Client(raise_request_exception=False)).generic(
        case.get("method", "POST"),
        URL + ("?" + case["query"].lstrip("?") if case.get("query") else ""),
        body_of(case),
        content_type=case["content_type"],
        **headers,
    )
    assert response.status_code < 500, case["why"]
    assert SECRET.encode() not in response.content
    return response.status_code, response.json() if response.content else {}


def outcome(status: int, answer: dict[str, Any]) -> str:
    if 200 <= status < 300:
        return "duplicate" if answer.get("status") == "duplicate" else "accept"
    return str(status)


def check(case: dict[str, Any], status: int, answer: dict[str, Any], before: int) -> None:
    allowed = case.get("expect_any") or [case["expect"]]
    found = outcome(status, answer)
    assert found in allowed, f"{case['id']} ({case['why']}): {found}, wanted {allowed}: {answer}"
    stored = Signal.objects.count() - before
    assert stored == (1 if found == "accept" else 0), case["why"]
    if found == "accept":
        check_stored(case, Signal.objects.get(pk=answer["signal_id"]))


def check_stored(case: dict[str, Any], signal: Signal) -> None:
    assert SECRET.encode() not in bytes(signal.body)
    for name, wanted in case.get("normalized", {}).items():
        stored = getattr(signal, name)
        if isinstance(wanted, str) and isinstance(stored, Decimal):
            stored, wanted = stored, Decimal(wanted)
        assert stored == wanted, f"{case['id']}: {name} is {stored!r}, not {wanted!r}"
    if "normalized_any" in case:
        sizes = case["normalized_any"]
        wanted = sizes.get("contracts", []) if isinstance(sizes, dict) else sizes
        assert signal.contracts in wanted


@pytest.mark.django_db
@pytest.mark.parametrize("case_id", [i for i, case in CASES.items() if not case.get("concurrent")])
def test_f54_hostile_case(case_id: str, account: None, settings: Any) -> None:
    case = CASES[case_id]
    if "allow-list on" in case.get("requires", ""):
        from execution.models import SignalSource

        SignalSource.objects.update(allowed_addresses="52.89.214.238")
    elif case.get("requires"):
        pytest.skip(f"needs {case['requires']}")
    for earlier in case.get("after", []):
        send(CASES[earlier])
    before = Signal.objects.count()
    if case.get("advance_clock_s"):
        with time_machine.travel(datetime.now(UTC) + timedelta(seconds=case["advance_clock_s"]), tick=True):
            if connection.vendor == "postgresql":  # whose clock no test can move: the key ages instead
                age = timedelta(seconds=case["advance_clock_s"])
                for key in SignalKey.objects.all():
                    SignalKey.objects.filter(pk=key.pk).update(seen_at=key.seen_at - age)
            status, answer = send(case)
    else:
        status, answer = send(case)
    check(case, status, answer, before)
    if outcome(status, answer) not in ("accept",):
        assert Order.objects.count() == 0


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("case_id", [i for i, case in CASES.items() if case.get("concurrent")])
def test_f54_hostile_case_sent_many_times_at_once(case_id: str, account: None) -> None:
    case = CASES[case_id]
    found: list[str] = []

    def one() -> None:
        try:
            found.append(outcome(*send(case)))
        finally:
            connection.close()

    threads = [threading.Thread(target=one) for _ in range(case["concurrent"])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    counts = case.get("expect_counts", {"accept": 1, "duplicate": case["concurrent"] - 1})
    assert {name: found.count(name) for name in counts} == counts
    assert Signal.objects.count() == counts.get("accept", 0)
