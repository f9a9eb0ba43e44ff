"""The sender of alerts: one request at a time on a kept connection, its clock read before each."""

import itertools
import json
import random
import socket
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from bench.wire import ONE, alert

ANSWER_SECONDS = 15.0
CONNECTIONS = 8
# Between idle alerts: from PAUSE on over one of stock's polls, evenly, so that every moment of the poll is
# met as often as any other and the median does not hang on chance.
PAUSE, POLL = 0.06, 0.2


class Broken(Exception):
    """Something did not work: there is nothing to measure."""


@dataclass(slots=True)
class Sample:
    """One phase's times, in seconds."""

    ack: list[float] = field(default_factory=list)
    connector: list[float] = field(default_factory=list)


class Stamps:
    """What the workers say: when each signal's order was about to leave."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._at: dict[int, float] = {}
        self._news = threading.Condition()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        path.chmod(0o666)
        threading.Thread(target=self._listen, daemon=True).start()

    def wait_for(self, signal_id: int) -> float:
        with self._news:
            if not self._news.wait_for(lambda: signal_id in self._at, ANSWER_SECONDS):
                raise Broken(f"signal {signal_id} did not reach the connector in {ANSWER_SECONDS:.0f} s")
            return self._at.pop(signal_id)

    def _listen(self) -> None:
        while True:
            signal_id, at = self._socket.recv(64).split()
            with self._news:
                self._at[int(signal_id)] = float(at)
                self._news.notify_all()


class Connection:
    """A kept HTTP connection, by hand: a library would cost more than some of what is measured."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=ANSWER_SECONDS)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def post(self, number: int) -> tuple[int, float, float]:
        """Send one alert: its signal, the time before the request, the time after the whole answer."""
        body = alert(number)
        head = (
            f"POST /api/v1/webhooks/{ONE}/ HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        before = time.time()
        self._socket.sendall(head.encode() + body)
        status, answer = self._answer()
        after = time.time()
        if status != 202:
            raise Broken(f"the webhook answered {status}: {answer.decode(errors='replace')[:500]}")
        return json.loads(answer)["signal_id"], before, after

    def _answer(self) -> tuple[int, bytes]:
        received = b""
        while b"\r\n\r\n" not in received:
            received += self._receive()
        head, _, body = received.partition(b"\r\n\r\n")
        lines = head.decode().lower().split("\r\n")
        length = next(int(line.partition(":")[2]) for line in lines if line.startswith("content-length:"))
        while len(body) < length:
            body += self._receive()
        return int(lines[0].split()[1]), body

    def _receive(self) -> bytes:
        data = self._socket.recv(65536)
        if not data:
            raise Broken("the web server closed the connection")
        return data

    def close(self) -> None:
        self._socket.close()


_numbers = itertools.count(1)
_shuffle = random.Random(0).shuffle


def _pauses(count: int) -> list[float]:
    pauses = [PAUSE + POLL * (turn + 0.5) / count for turn in range(count)]
    _shuffle(pauses)
    return pauses


def idle(port: int, stamps: Stamps, alerts: int) -> Sample:
    """One alert after the other, each after the last one has reached the connector and a pause."""
    sample = Sample()
    connection = Connection(port)
    try:
        for pause in _pauses(alerts):
            time.sleep(pause)
            signal_id, before, after = connection.post(next(_numbers))
            sample.ack.append(after - before)
            sample.connector.append(stamps.wait_for(signal_id) - before)
    finally:
        connection.close()
    return sample


def steady(port: int, stamps: Stamps, rate: int, seconds: float) -> Sample:
    """`rate` alerts a second over several connections, whatever the answers take."""
    sent: list[tuple[int, float, float]] = []
    failures: list[Exception] = []
    start = time.monotonic() + 0.1
    turns = iter(range(int(rate * seconds)))
    taking = threading.Lock()

    def send() -> None:
        try:
            connection = Connection(port)
            while not failures:
                with taking:
                    turn = next(turns, None)
                if turn is None:
                    break
                time.sleep(max(start + turn / rate - time.monotonic(), 0))
                sent.append(connection.post(next(_numbers)))
            connection.close()
        except Exception as error:  # noqa: BLE001 - told to the thread that waits
            failures.append(error)

    threads = [threading.Thread(target=send) for _ in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return Sample(
        ack=[after - before for _, before, after in sent],
        connector=[stamps.wait_for(signal_id) - before for signal_id, before, _ in sent],
    )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
