"""The alerts: sent as TradingView sends them, a 5xx again after a while and nothing else ever again."""

import json
import queue
import random
import threading
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field

SECRET = "chaos-secret-" + "x" * 20
SENDERS = 4
RESENDS = 3
RESEND_AFTER_SECONDS = 5.0


@dataclass
class Traffic:
    """`signals` alerts over `seconds`, to sources s1, s2, …; most buy, some sell, some close."""

    url: str
    accounts: int
    signals: int
    seconds: float
    seed: int
    acknowledged: list[int] = field(default_factory=list)
    unanswered: int = 0
    refused: dict[int, int] = field(default_factory=dict)

    def run(self) -> None:
        """Send them all; returns when the last one has had its answers."""
        waiting: queue.Queue[tuple[float, int, bytes, int] | None] = queue.Queue()
        self._again: queue.PriorityQueue[tuple[float, int, bytes, int]] = queue.PriorityQueue()
        self._lock = threading.Lock()
        senders = [threading.Thread(target=self._send_from, args=(waiting,)) for _ in range(SENDERS)]
        for sender in senders:
            sender.start()
        chance, began = random.Random(self.seed), time.monotonic()
        for number in range(self.signals):
            due = began + self.seconds * number / self.signals
            self._ring_again(waiting)
            time.sleep(max(due - time.monotonic(), 0))
            account = 1 + number % self.accounts
            waiting.put((0.0, account, json.dumps(_alert(chance, number)).encode(), 0))
        while waiting.qsize() or self._again.qsize():
            self._ring_again(waiting)
            time.sleep(0.1)
        for _ in senders:
            waiting.put(None)
        for sender in senders:
            sender.join()

    def _ring_again(self, waiting: "queue.Queue[tuple[float, int, bytes, int] | None]") -> None:
        while self._again.qsize() and self._again.queue[0][0] <= time.monotonic():
            waiting.put(self._again.get())

    def _send_from(self, waiting: "queue.Queue[tuple[float, int, bytes, int] | None]") -> None:
        while (task := waiting.get()) is not None:
            _, account, body, sends = task
            status, answer = _post(f"{self.url}/api/v1/webhooks/s{account}/", body)
            with self._lock:
                if status in (200, 202):
                    self.acknowledged.append(int(answer["signal_id"]))
                elif status >= 500 and status != 504 and sends < RESENDS:
                    self._again.put((time.monotonic() + RESEND_AFTER_SECONDS, account, body, sends + 1))
                elif status == 0:
                    self.unanswered += 1
                else:
                    self.refused[status] = self.refused.get(status, 0) + 1


def _alert(chance: random.Random, number: int) -> dict[str, object]:
    if chance.random() < 0.2:
        return {"secret": SECRET, "action": "close", "symbol": "NQ1!", "alert_id": f"chaos-{number}"}
    action = chance.choice(["buy", "buy", "buy", "sell"])
    stop = "19990" if action == "buy" else "20010"
    return {
        "secret": SECRET, "action": action, "symbol": "NQ1!", "entry_price": "20000", "stop_loss": stop,
        "contracts": 1, "session": "NY AM", "bias": "Bullish", "alert_id": f"chaos-{number}",
    }  # fmt: skip


def _post(url: str, body: bytes) -> tuple[int, dict[str, object]]:
    """Status and answer; 0 where there was none."""
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=3) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, {}
    except (OSError, ValueError):
        return 0, {}


def send_one(url: str, account: str, name: str, **fields: object) -> int:
    body = {**_alert(random.Random(1), 0), "alert_id": name, **fields}
    status, _ = _post(f"{url}/api/v1/webhooks/s{account.removeprefix('A-')}/", json.dumps(body).encode())
    return status
