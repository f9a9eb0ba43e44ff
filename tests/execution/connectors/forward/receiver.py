"""A receiver of webhooks on this machine: real sockets, answers in each service's own shape, and its moods.

`executed` is what it would have traded: written before it answers, so that a test sees what happened to an
order whatever became of the answer.
"""

import json
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from threading import Event, Thread
from typing import Any, NamedTuple

Reply = Callable[["Received"], bytes]


class Received(NamedTuple):
    """One request as it arrived."""

    line: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        found = json.loads(self.body)
        assert isinstance(found, dict)
        return found

    @property
    def fields(self) -> dict[str, str]:
        """CrossTrade's way of writing: `key=value;`."""
        parts = [part.strip().partition("=") for part in self.body.decode().split(";") if part.strip()]
        return {name: value for name, _, value in parts}


def response(
    status: int, body: bytes | str | dict[str, Any], media_type: str = "application/json", **more: str
) -> bytes:
    """An answer on the wire."""
    raw = (
        json.dumps(body).encode()
        if isinstance(body, dict)
        else body.encode()
        if isinstance(body, str)
        else body
    )
    lines = [
        f"HTTP/1.1 {status} X",
        f"Content-Type: {media_type}",
        f"Content-Length: {len(raw)}",
        "Connection: close",
    ]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in more.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + raw


class Receiver:
    """Listens on loopback until it is closed. `reply` makes the bytes of each answer."""

    def __init__(self, reply: Reply, context: ssl.SSLContext | None = None) -> None:
        self.reply = reply
        self.received: list[Received] = []
        self.executed: list[Received] = []
        self.closed = Event()
        self._context = context
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._thread = Thread(target=self._serve, daemon=True)
        self._thread.start()

    def url(self, path: str = "/hook/uuid-1/s3cret-path-word", host: str = "127.0.0.1") -> str:
        return f"{'https' if self._context else 'http'}://{host}:{self.port}{path}"

    def close(self) -> None:
        self.closed.set()
        self._socket.close()

    def _serve(self) -> None:
        while not self.closed.is_set():
            try:
                raw, _ = self._socket.accept()
            except OSError:
                return
            Thread(target=self._answer, args=(raw,), daemon=True).start()

    def _answer(self, raw: socket.socket) -> None:
        try:
            raw.settimeout(10)
            line = self._context.wrap_socket(raw, server_side=True) if self._context else raw
            with line:
                received = _read(line)
                if received is None:
                    return
                self.received.append(received)
                for part in _parts(self.reply(received)):
                    line.sendall(part)
        except OSError:
            raw.close()


def _parts(reply: Any) -> Iterator[bytes]:
    yield from [reply] if isinstance(reply, bytes) else reply


def _read(line: socket.socket) -> Received | None:
    raw = b""
    while b"\r\n\r\n" not in raw:
        more = line.recv(65536)
        if not more:
            return None
        raw += more
    head, _, body = raw.partition(b"\r\n\r\n")
    first, *rest = head.decode("latin-1").split("\r\n")
    headers = {
        name.strip().lower(): value.strip() for name, _, value in (text.partition(":") for text in rest)
    }
    while len(body) < int(headers.get("content-length", "0")):
        body += line.recv(65536)
    return Received(first, headers, body)


@contextmanager
def receiving(reply: Reply, context: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    receiver = Receiver(reply, context)
    try:
        yield receiver
    finally:
        receiver.close()


# --- the services, in their own shapes ----------------------------------------------------------------


def traderspost(received: Received) -> bytes:
    """Checks what its own specification says it does, and echoes the payload."""
    body = received.json
    refused: tuple[str, str] | None = None
    if not received.line.startswith("POST /hook/uuid-1/s3cret-path-word "):
        refused = "invalid-password", "The webhook password is not valid."
    elif body.get("action") not in ("buy", "sell", "exit", "cancel", "add"):
        refused = "invalid-action", "The provided action is invalid."
    elif not body.get("ticker"):
        refused = "invalid-payload", "Both the action and ticker fields are required."
    elif "quantity" in body and not (isinstance(body["quantity"], int | float) and body["quantity"] > 0):
        refused = "invalid-quantity", "The quantity field must be a positive numeric value."
    if refused:
        return response(
            400, {"success": False, "logId": "log-1", "messageCode": refused[0], "message": refused[1]}
        )
    return response(200, {"success": True, "id": "tp-1", "logId": "log-1", "payload": body})


def pickmytrade(received: Received) -> bytes:
    body = received.json
    if body.get("token") != "pmt-token-1" or body.get("data") not in ("buy", "sell", "close"):
        return response(200, {"status": "error", "message": f"bad request of {body.get('token')}"})
    return response(200, {"status": "ok"})


def crosstrade(received: Received) -> bytes:
    fields = received.fields
    if fields.get("key") != "ct-key-12345" or fields.get("command") not in ("PLACE", "CLOSEPOSITION"):
        return response(400, {"error": "Invalid request"})
    return response(200, "Command received", "text/plain")


def own(received: Received) -> bytes:
    return response(204, b"", "text/plain")


# --- certificates -------------------------------------------------------------------------------------


class Certificates(NamedTuple):
    """A server's side, and a client's that trusts whoever signed it."""

    server: ssl.SSLContext
    client: ssl.SSLContext


def certificates(folder: Path, name: str, *, expired: bool = False) -> Certificates:
    """Self-made: for one name (and loopback), valid for a day or expired a day ago."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC) - (timedelta(days=2) if expired else timedelta())
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName(name), x509.IPAddress(ip_address("127.0.0.2"))]),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / f"{name}-{expired}.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(path)
    return Certificates(server, ssl.create_default_context(cafile=str(path)))
