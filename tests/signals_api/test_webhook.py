"""The webhook: the order of its checks, its answers, and what it keeps."""

import json
import logging
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client

from execution.models import Kind, Signal, SignalChunk, SignalSource
from tests.make import SECRET, alert, make_account, make_route, make_source

pytestmark = pytest.mark.django_db
URL = "/api/v1/webhooks/tv/"


@pytest.fixture
def source() -> SignalSource:
    return make_source("tv")


def post(body: Any, url: str = URL, **headers: Any) -> Any:
    raw = body if isinstance(body, bytes | str) else json.dumps(body)
    headers.setdefault("content_type", "application/json")
    return Client(raise_request_exception=False).post(url, raw, **headers)


def test_an_alert_is_stored_and_answered_with_where_to_look(source: SignalSource) -> None:
    answer = post(alert())
    signal = Signal.objects.get()
    assert answer.status_code == 202
    assert answer.json() == {
        "signal_id": signal.pk,
        "status": "accepted",
        "status_url": f"http://testserver/api/v1/signals/{signal.public_id}/",
    }


def test_a_repeat_gets_200_and_the_same_signal(source: SignalSource) -> None:
    first, second = post(alert()), post(alert())
    assert (first.status_code, second.status_code) == (202, 200)
    assert second.json()["status"] == "duplicate"
    assert second.json()["signal_id"] == first.json()["signal_id"]


def test_a_ping_is_recorded_and_routed_nowhere(source: SignalSource) -> None:
    make_route(source, make_account())
    answer = post({"secret": SECRET, "action": "ping"})
    assert (answer.status_code, answer.json()["status"]) == (202, "recorded")
    assert Signal.objects.get().kind == Kind.NOTE
    assert not SignalChunk.objects.exists()


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        pytest.param({"content": b"{}" + b" " * 70_000, "content_type": "text/html"}, 413, "too_large", id="size before type"),
        pytest.param({"content": b"not json", "content_type": "text/html"}, 415, "unsupported_media_type", id="type before parse"),
        pytest.param({"content": b'{"secret":"wrong",'}, 400, "malformed", id="parse before secret"),
        pytest.param({"content": b'{"secret":"wrong","action":"dance"}'}, 401, "unauthenticated", id="secret before fields"),
    ],
)  # fmt: skip
def test_checks_come_in_their_order(
    source: SignalSource, change: dict[str, Any], status: int, code: str
) -> None:
    answer = post(change["content"], content_type=change.get("content_type", "application/json"))
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer["Content-Type"] == "application/problem+json"


def test_every_field_error_is_named_at_once(source: SignalSource) -> None:
    answer = post(alert(action="dance", symbol="<b>", entry_price="-1", session="x" * 65))
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (400, "invalid_fields")
    assert {error["field"] for error in problem["errors"]} == {"action", "symbol", "entry_price", "session"}
    assert all(error["code"] and error["message"] for error in problem["errors"])


def test_an_unknown_source_and_a_wrong_secret_answer_alike(source: SignalSource) -> None:
    wrong, unknown = post(alert(secret="wrong")), post(alert(), url="/api/v1/webhooks/nobody/")
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.json() == unknown.json()


def test_a_source_without_a_secret_is_open_to_nobody(source: SignalSource) -> None:
    SignalSource.objects.update(secret_sha256="")
    for secret in ("", None, SECRET, 0, [], {}):
        assert post({**alert(), "secret": secret}).status_code == 401


def test_the_previous_secret_still_works_after_a_change(source: SignalSource) -> None:
    hashed = source.secret_sha256
    SignalSource.objects.update(secret_sha256="0" * 64, previous_secret_sha256=hashed)
    assert post(alert()).status_code == 202


def test_the_token_may_stand_in_the_path(source: SignalSource) -> None:
    body = alert(secret=None)
    assert post(body, url=f"{URL}{SECRET}/").status_code == 202
    assert post(body, url=f"{URL}wrong/").status_code == 401
    assert post(body, url=f"{URL}?secret={SECRET}").status_code == 401  # addresses with queries land in logs


@pytest.mark.parametrize(
    "written",
    [
        pytest.param(SECRET, id="plain"),
        pytest.param("".join(f"\\u{ord(char):04x}" for char in SECRET), id="escaped"),
        pytest.param(SECRET.replace("-", "\\u002d"), id="partly escaped"),
    ],
)
def test_the_stored_message_has_no_secret_however_it_was_written(source: SignalSource, written: str) -> None:
    raw = '{"secret":"' + written + '","action":"buy","symbol":"NQ1!","contracts":1,"note":"\\u00e9"}'
    assert post(raw).status_code == 202
    stored = bytes(Signal.objects.get().body)
    assert SECRET.encode() not in stored
    assert json.loads(stored) == {
        "secret": "***", "action": "buy", "symbol": "NQ1!", "contracts": 1, "note": "é",
    }  # fmt: skip


def test_a_foreign_secret_in_the_body_is_blanked_as_well(source: SignalSource) -> None:
    SignalSource.objects.update(template="pickmytrade")
    body = {"symbol": "NQ1!", "data": "buy", "quantity": 1, "price": 20000, "token": "someone-elses-token"}
    assert post(body, url=f"{URL}{SECRET}/").status_code == 202
    assert b"someone-elses" not in bytes(Signal.objects.get().body)


def test_the_secret_field_s_name_is_the_source_s(source: SignalSource) -> None:
    SignalSource.objects.update(secret_field="passphrase")
    assert post({**alert(secret=None), "passphrase": SECRET}).status_code == 202
    assert post(alert()).status_code == 401


def test_a_field_mapping_finds_what_stands_elsewhere(source: SignalSource) -> None:
    source.mappings.create(field="entry_price", path="bar.close")
    assert post({**alert(entry_price=None), "bar": {"close": "20001.5"}}).status_code == 202
    assert str(Signal.objects.get().entry_price.normalize()) == "20001.5"


def test_the_source_s_own_symbol_serves_messages_that_name_none(source: SignalSource) -> None:
    assert post(alert(symbol=None)).status_code == 400
    SignalSource.objects.update(default_symbol="MNQ1!")
    assert post(alert(symbol=None)).status_code == 202
    assert Signal.objects.get().symbol == "MNQ1!"


@pytest.mark.parametrize("method", ["get", "put", "patch", "delete", "head", "options"])
def test_other_methods_are_refused(source: SignalSource, method: str) -> None:
    assert getattr(Client(), method)(URL).status_code == 405


def test_an_accept_header_for_something_else_is_no_obstacle(source: SignalSource) -> None:
    assert post(alert(), HTTP_ACCEPT="application/xml").status_code == 202


# --- addresses ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("peer", "forwarded", "proxies", "status"),
    [
        pytest.param("52.89.214.238", None, [], 202, id="an allowed peer"),
        pytest.param("10.0.0.9", None, [], 403, id="another peer"),
        pytest.param("10.0.0.9", "52.89.214.238", [], 403, id="a forged header"),
        pytest.param("10.0.0.1", "52.89.214.238", ["10.0.0.1"], 202, id="a trusted proxy"),
        pytest.param(
            "10.0.0.1", "52.89.214.238, 8.8.8.8", ["10.0.0.0/8"], 403, id="from the right, not the left"
        ),
        pytest.param(
            "10.0.0.1", "8.8.8.8, 52.89.214.238, 10.0.0.2", ["10.0.0.0/8"], 202, id="through two proxies"
        ),
        pytest.param("10.0.0.1", "garbage", ["10.0.0.1"], 403, id="a header nobody can read"),
        pytest.param("::ffff:52.89.214.238", None, [], 202, id="an IPv4 address in IPv6's clothes"),
        pytest.param("", None, [], 403, id="no address at all"),
    ],
)
def test_a_source_may_be_limited_to_addresses(
    source: SignalSource, settings: Any, peer: str, forwarded: str | None, proxies: list[str], status: int
) -> None:
    SignalSource.objects.update(allowed_addresses="52.89.214.238\n34.212.75.0/24")
    settings.TRUSTED_PROXIES = proxies
    headers = {} if forwarded is None else {"HTTP_X_FORWARDED_FOR": forwarded}
    assert post(alert(), REMOTE_ADDR=peer, **headers).status_code == status


# --- when things go wrong -----------------------------------------------------------------------------


def test_a_database_that_can_not_be_written_to_is_a_503(source: SignalSource, monkeypatch: Any) -> None:
    def unavailable(*_: Any, **__: Any) -> None:
        raise OperationalError("the database system is shutting down")

    monkeypatch.setattr("signals_api.webhooks.accept", unavailable)
    answer = post(alert())
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert answer["Retry-After"] == "5"


def test_a_body_that_breaks_us_is_not_a_5xx(source: SignalSource, monkeypatch: Any) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("signals_api.webhooks.accept", broken)
    answer = post(alert())
    assert (answer.status_code, answer.json()["code"]) == (400, "unprocessable")


def test_a_refused_alert_leaves_a_line_without_its_body(
    source: SignalSource, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, logger="signals_api.webhooks"):
        post(alert(secret="a-guess", action="dance"))
    assert "Alert refused: unauthenticated (source=tv, size=" in caplog.text
    assert "a-guess" not in caplog.text


@pytest.mark.parametrize("hops", ["1", "2", "", "x"])
def test_what_a_propguard_has_forwarded_is_no_alert(source: SignalSource, hops: str) -> None:
    answer = post(alert(), headers={"PropGuard-Hop": hops})
    assert (answer.status_code, answer.json()["code"]) == (400, "forwarded")
    assert not Signal.objects.exists()
