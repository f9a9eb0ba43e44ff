"""One attempt on real sockets: what had not left is not sent, everything after that is in doubt."""

import socket
import ssl
import time
from pathlib import Path
from typing import Any

import pytest

from execution.connectors import InDoubt, Unavailable
from execution.connectors.forward.address import Destination
from execution.connectors.forward.sending import LARGEST_ANSWER, Answer, post
from tests.execution.connectors.forward.receiver import (
    Certificates,
    Receiver,
    certificates,
    receiving,
    response,
)

pytestmark = pytest.mark.core


def send(port: int, scheme: str = "http", host: str = "127.0.0.1", **options: Any) -> Answer:
    destination = Destination(scheme, host, port, "/hook?t=1")
    return post(destination, options.pop("addresses", ["127.0.0.1"]), {"X-One": "1"}, b"{}", **options)


def test_an_answer_comes_back_whole() -> None:
    with receiving(lambda received: response(202, "a" * LARGEST_ANSWER, "text/plain")) as there:
        answer = send(there.port)
        assert (answer.status, answer.media_type, len(answer.body)) == (202, "text/plain", LARGEST_ANSWER)
        [received] = there.received
    assert received.line == "POST /hook?t=1 HTTP/1.1"
    assert (received.headers["x-one"], received.headers["accept-encoding"]) == ("1", "identity")


def test_a_byte_too_many_is_in_doubt() -> None:
    with (
        receiving(lambda received: response(200, "a" * (LARGEST_ANSWER + 1))) as there,
        pytest.raises(InDoubt, match="larger"),
    ):
        send(there.port)


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param([], id="closed without an answer"),
        pytest.param([b"HTTP/1.1 200 OK\r\n"], id="closed within the headers"),
        pytest.param([b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{}"], id="closed within the body"),
        pytest.param([b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{}"], id="closed within a chunk"),
        pytest.param([b"SSH-2.0-OpenSSH_9.6\r\n\r\n"], id="not HTTP"),
        pytest.param([b"\x15\x03\x01\x00\x02\x02\x28"], id="a TLS alert"),
        pytest.param([b"HTTP/1.1 200 OK\r\n" + b"X-Y: " + b"z" * 200_000 + b"\r\n\r\n"], id="headers without end"),
    ],
)  # fmt: skip
def test_a_broken_answer_is_in_doubt_and_asked_for_once(parts: list[bytes]) -> None:
    with receiving(lambda received: iter(parts)) as there:  # type: ignore[arg-type,return-value]
        with pytest.raises(InDoubt):
            send(there.port)
        assert len(there.received) == 1


@pytest.mark.parametrize(
    "first", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n{"]
)
def test_silence_ends_with_the_time_and_is_in_doubt(first: bytes) -> None:
    there: Receiver

    def silent(received: Any) -> Any:
        yield first
        there.closed.wait(5)

    with receiving(silent) as there:
        began = time.monotonic()
        with pytest.raises(InDoubt):
            send(there.port, seconds=0.3)
        assert time.monotonic() - began < 2


def test_a_drip_does_not_stretch_the_time() -> None:
    """Each byte comes well within any time-out of a single read."""
    there: Receiver

    def dripping(received: Any) -> Any:
        yield b"HTTP/1.1 200 OK\r\n"
        while not there.closed.wait(0.02):
            yield b"X-Drip: 1\r\n"

    with receiving(dripping) as there:
        began = time.monotonic()
        with pytest.raises(InDoubt):
            send(there.port, seconds=0.5)
        assert time.monotonic() - began < 2


def test_a_port_nobody_listens_on_is_not_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(Unavailable, match="nothing was sent to"):
        send(port)


def test_the_next_address_is_tried_where_the_first_refuses() -> None:
    with receiving(lambda received: response(200, "ok")) as there:
        assert send(there.port, addresses=["127.0.0.9", "127.0.0.1"]).status == 200


def test_the_name_is_never_looked_up_again(monkeypatch: pytest.MonkeyPatch) -> None:
    real = socket.getaddrinfo

    def numeric(host: Any, *rest: Any, **more: Any) -> Any:
        assert host == "127.0.0.1", f"looked up {host}"
        return real(host, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", numeric)
    with receiving(lambda received: response(200, "ok")) as there:
        assert send(there.port, host="bridge.example.com").status == 200
        assert there.received[0].headers["host"] == f"bridge.example.com:{there.port}"


def test_no_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with receiving(lambda received: response(200, "proxied")) as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url(""))
        with receiving(lambda received: response(200, "direct")) as there:
            assert send(there.port).body == b"direct"
        assert not proxy.received


# --- TLS ----------------------------------------------------------------------------------------------


@pytest.fixture
def bridge(tmp_path: Path) -> Certificates:
    return certificates(tmp_path, "bridge.example.com")


def test_https_goes_to_the_checked_address_under_the_hosts_name(bridge: Certificates) -> None:
    names: list[str | None] = []
    bridge.server.sni_callback = lambda line, name, context: names.append(name)
    with receiving(lambda received: response(200, "ok"), bridge.server) as there:
        assert send(there.port, "https", "bridge.example.com", context=bridge.client).status == 200
    assert names == ["bridge.example.com"]


@pytest.mark.parametrize("wrong", ["another name", "expired", "nobody's"])
def test_a_certificate_that_is_not_right_stops_it_before_a_byte(tmp_path: Path, wrong: str) -> None:
    bridge = certificates(tmp_path, "bridge.example.com", expired=wrong == "expired")
    trusting = ssl.create_default_context() if wrong == "nobody's" else bridge.client
    host = "other.example.com" if wrong == "another name" else "bridge.example.com"
    with receiving(lambda received: response(200, "ok"), bridge.server) as there:
        with pytest.raises(Unavailable, match=r"certificate is not to be trusted.*nothing was sent"):
            send(there.port, "https", host, context=trusting)
        assert not there.received


def test_plain_http_where_tls_is_asked_for_is_not_sent(bridge: Certificates) -> None:
    with receiving(lambda received: response(200, "ok")) as there:
        with pytest.raises(Unavailable):
            send(there.port, "https", "bridge.example.com", context=bridge.client, seconds=1)
        assert not there.received
