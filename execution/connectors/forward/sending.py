"""One request, one attempt: to the addresses that were checked, within ten seconds, and what came back.

Raises Unavailable as long as not one byte of the request has left (no address, refused, a bad certificate),
InDoubt from then on. No redirect is followed, no proxy of the environment used, no connection kept.
"""

import logging
import ssl
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

import httpcore2
import httpx2

from execution.connectors.base import InDoubt, Unavailable
from execution.connectors.forward.address import Destination

log = logging.getLogger(__name__)

CONNECT_SECONDS = 2.0
TOTAL_SECONDS = 10.0
LARGEST_ANSWER = 64 * 1024


class Answer(NamedTuple):
    """What came back, whole."""

    status: int
    media_type: str
    body: bytes

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300


@cache
def trusted_authorities() -> ssl.SSLContext:
    """Whom https trusts: the system's authorities. Certificates are always checked: there is no switch."""
    return httpx2.create_ssl_context(trust_env=False)


def post(
    destination: Destination,
    addresses: Sequence[str],
    headers: Mapping[str, str],
    body: bytes,
    *,
    context: ssl.SSLContext | None = None,
    clock: Callable[[], float] = time.monotonic,
    seconds: float = TOTAL_SECONDS,
) -> Answer:
    """Send one POST and read its answer. `addresses`: what the host was resolved to, and vetted."""
    line = _Line(addresses, deadline=clock() + seconds, clock=clock)
    sent = {
        "Host": _authority(destination),
        "Connection": "close",
        "Accept": "application/json, text/plain",
        "Accept-Encoding": "identity",  # so that the answer's size is what is read
        "Content-Length": str(len(body)),
        **headers,
    }
    url = httpcore2.URL(
        scheme=destination.scheme.encode(),
        host=destination.host.encode(),
        port=destination.port,
        target=destination.path.encode(),
    )
    try:
        with (
            httpcore2.ConnectionPool(
                ssl_context=context or trusted_authorities(), network_backend=line, retries=0
            ) as pool,
            pool.stream("POST", url, headers=list(sent.items()), content=body) as response,
        ):
            given = {name.lower(): value for name, value in response.headers}
            media_type = given.get(b"content-type", b"").decode(errors="replace").lower()
            return Answer(response.status, media_type, _read(response.iter_stream()))
    except InDoubt:
        raise
    except Exception as error:
        what = _in_words(error)
        if line.has_sent:
            raise InDoubt(f"{what}, after the request had left for {destination.host}") from error
        raise Unavailable(f"{what}: nothing was sent to {destination.host}") from error


def _authority(destination: Destination) -> str:
    host = f"[{destination.host}]" if ":" in destination.host else destination.host
    default = 443 if destination.scheme == "https" else 80
    return host if destination.port == default else f"{host}:{destination.port}"


def _read(parts: Iterable[bytes]) -> bytes:
    body = b""
    for part in parts:
        body += part
        if len(body) > LARGEST_ANSWER:
            raise InDoubt(f"the answer is larger than {LARGEST_ANSWER} bytes")
    return body


def _in_words(error: Exception) -> str:
    """What went wrong, without anything of the address or the answer in it."""
    cause = error.__cause__ or error.__context__
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"its certificate is not to be trusted ({cause.verify_message})"
    if isinstance(cause, ssl.SSLError):
        return "TLS failed"
    return type(error).__name__


class _Line(httpcore2.NetworkBackend):
    """Connections to the vetted addresses only, every wait cut to what is left of the time."""

    def __init__(self, addresses: Sequence[str], *, deadline: float, clock: Callable[[], float]) -> None:
        self._addresses = addresses
        self._deadline = deadline
        self._clock = clock
        self._network = httpcore2.SyncBackend()
        self.has_sent = False

    def left(self, most: float | None = None) -> float:
        left = self._deadline - self._clock()
        if left <= 0:
            raise httpcore2.ReadTimeout("its time is over")
        return left if most is None else min(left, most)

    def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, local_address: str | None = None,
        socket_options: Any = None,
    ) -> httpcore2.NetworkStream:  # fmt: skip
        """`host` is never looked up again: a name can answer otherwise the second time."""
        until = self._clock() + CONNECT_SECONDS
        failed: Exception = httpcore2.ConnectTimeout("no address answered in time")
        for address in self._addresses:
            left = until - self._clock()
            if left <= 0:
                break
            try:
                stream = self._network.connect_tcp(address, port, self.left(left), None, socket_options or [])
                return _Stream(stream, self)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failed = error
        raise failed


class _Stream(httpcore2.NetworkStream):
    def __init__(self, stream: httpcore2.NetworkStream, line: _Line) -> None:
        self._stream = stream
        self._line = line

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._line.left())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        left = self._line.left()
        self._line.has_sent = True
        self._stream.write(buffer, left)

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> "httpcore2.NetworkStream":
        left = self._line.left(CONNECT_SECONDS)
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, left), self._line)

    def close(self) -> None:
        self._stream.close()

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
