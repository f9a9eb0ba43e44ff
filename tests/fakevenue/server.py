"""HTTP in front of the market: every request into the journal, then executed or not, then answered or not."""

import json
import socket
import struct
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlsplit

from tests.fakevenue import answers
from tests.fakevenue.market import Market, Refused
from tests.fakevenue.switches import Rule, Switches

HANG_SECONDS = 60.0
Body = dict[str, Any]


class Venue:
    """The market, its switches and what is hanging: shared by all connections."""

    def __init__(self, market: Market) -> None:
        self.market = market
        self.switches = Switches()
        self.released = threading.Event()
        self.calls: list[float] = []

    def rule_for(self, what: str, account: str) -> Rule:
        with self.market.lock:
            return self.switches.take(what, account)

    def is_flooded(self) -> bool:
        with self.market.lock:
            limit, now = self.market.setting("calls_per_second"), time.monotonic()
            self.calls = [at for at in self.calls if now - at < 1] + [now]
            return bool(limit) and len(self.calls) > limit


def acts(market: Market) -> dict[str, Callable[[Body], Body]]:
    """What changes something, by the last part of its address; the answer when all went well."""

    def ordered(make: Callable[[Body], Any]) -> Callable[[Body], Body]:
        def act(body: Body) -> Body:
            order = make(body)
            return {"ok": True, "order_id": order.order_id, "status": order.status}

        return act

    def done(do: Callable[[Body], None]) -> Callable[[Body], Body]:
        def act(body: Body) -> Body:
            do(body)
            return {"ok": True}

        return act

    return {
        "place": ordered(market.place),
        "close": ordered(market.close),
        "protect": ordered(market.protect),
        "cancel": done(lambda body: market.cancel(body["account"], body["client_order_id"])),
        "cancel_all": done(lambda body: market.cancel_all(body["account"], body["symbols"])),
        "flatten": done(lambda body: market.flatten(body["account"])),
        "login": lambda _body: {"ok": True, "token": market.log_in()},
    }


LISTS = {"orders": answers.orders, "fills": answers.fills, "positions": answers.positions}


class Handler(BaseHTTPRequestHandler):
    """One request of a trader's program. The connection ends with it."""

    venue: ClassVar[Venue]
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body: Body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
        what = urlsplit(self.path).path.rpartition("/")[2]
        self._answer(what, body, acts(self.venue.market).get(what))

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        what = address.path.rpartition("/")[2]
        self._answer(what, dict(parse_qsl(address.query)), None)

    def _answer(self, what: str, body: Body, act: Callable[[Body], Body] | None) -> None:
        market = self.venue.market
        rule = self.venue.rule_for(what, str(body.get("account", "")))
        market.heard(what=what, body=body, execute=rule.execute, answer=rule.answer, rows=rule.rows)
        time.sleep(rule.latency + market.setting("latency"))
        if self.venue.is_flooded():
            return self._send(429, b'{"ok": false, "code": "too_many_requests"}', {"Retry-After": "1"})
        if what != "login" and not self._is_known():
            return self._send(401, b'{"ok": false, "code": "unauthorized"}')
        answer = self._listed(what, body, rule) if act is None else self._acted(act, body, rule)
        if answer is None:
            return self._send(404, b'{"ok": false, "code": "no_such_address"}')
        time.sleep(rule.linger)
        return self._leave(answer, rule)

    def _is_known(self) -> bool:
        token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        with self.venue.market.lock:
            return token in self.venue.market.book.tokens

    def _acted(self, act: Callable[[Body], Body], body: Body, rule: Rule) -> Body:
        if rule.execute == "late":
            timer = threading.Timer(rule.seconds, _quietly(act), [body])
            timer.daemon = True
            timer.start()
        if rule.execute != "yes":
            return {"ok": True, "order_id": _nobodys_id(), "status": "working"}
        try:
            return act(body)
        except Refused as refusal:
            return {"ok": False, "code": refusal.code, "text": refusal.text}

    def _listed(self, what: str, query: Body, rule: Rule) -> Body | None:
        market = self.venue.market
        with market.lock:
            if what == "ping":
                return {"ok": True, "at": answers.time_text(market, market.now().isoformat())}
            if what not in LISTS and what != "account":
                return None
            if query.get("account") not in market.book.accounts:
                return {"ok": False, "code": "account_not_found", "text": ""}
            if what == "account":
                return {"ok": True, "account": answers.account(market, query)}
            rows = LISTS[what](market, query, answers.cutoff(market, rule))
            return answers.listed(market, what, rows, rule)

    def _leave(self, answer: Body, rule: Rule) -> None:
        """Answer as the rule says, whatever was done."""
        headers = {} if rule.retry_after is None else {"Retry-After": str(rule.retry_after)}
        match rule.answer:
            case "drop":
                self._reset()
            case "hang":
                self.venue.released.wait(HANG_SECONDS)
                self._reset()
            case "status":
                self._send(rule.status, b'{"error": "server"}', headers)
            case "redirect":
                self._send(307, b"", {"Location": f"http://{self.headers['Host']}{self.path}"})
            case "drip":
                self._drip(answers.spoiled(answer, rule))
            case _:
                body = answers.spoiled(_said(answer, rule), rule)
                self._send(200, body, headers, twice=rule.answer == "twice")

    def _send(
        self, status: int, body: bytes, headers: dict[str, str] | None = None, *, twice: bool = False
    ) -> None:
        kind = "text/html" if body.startswith(b"<") else "application/json"
        lines = {
            "Content-Type": kind,
            "Content-Length": str(len(body)),
            "Connection": "close",
            **(headers or {}),
        }
        for _ in range(2 if twice else 1):
            self.send_response(status)
            for name, value in lines.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)
        self.close_connection = True

    def _drip(self, body: bytes) -> None:
        """A byte now and then: no read ever times out, and the whole never ends."""
        self.send_response(200)
        self.send_header("Content-Length", str(len(body) + 10_000))
        self.end_headers()
        while not self.venue.released.wait(0.05):
            self.wfile.write(b" ")
            self.wfile.flush()

    def _reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True

    def log_message(self, *_arguments: Any) -> None:
        """The journal has it."""

    def handle(self) -> None:
        try:
            super().handle()
        except (
            ConnectionError,
            ValueError,
            OSError,
        ):  # the other side is gone, or we were told to cut it off
            self.close_connection = True

    def finish(self) -> None:
        try:
            super().finish()
        except (OSError, ValueError):
            return


def _said(answer: Body, rule: Rule) -> Body:
    """The answer itself, or another one in its place."""
    match rule.answer:
        case "no":
            return {"ok": False, "code": rule.code, "text": "as the test wants it"}
        case "yes":
            return {**answer, "ok": True, "order_id": answer.get("order_id", _nobodys_id())}
        case "penalty":
            return {"penalty": {"ticket": "p-1", "wait_seconds": rule.retry_after or 1}}
    return answer


def _nobodys_id() -> str:
    return f"lie-{time.monotonic_ns()}"


def _quietly(act: Callable[[Body], Body]) -> Callable[[Body], None]:
    def late(body: Body) -> None:
        try:
            act(body)
        except Refused:
            return

    return late


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    allow_reuse_address = True

    def handle_error(self, *_arguments: Any) -> None:
        """A connection that was cut off is no news."""


def serve(venue: Venue, port: int) -> Server:
    """Listen on loopback, in a thread of its own."""
    handler = type("VenueHandler", (Handler,), {"venue": venue})
    server = Server(("127.0.0.1", port), handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    return server
