"""Many senders at once: every alert is stored once and decided once for each route."""

import threading
import time
from typing import Any

import pytest

from tests.process.installation import Installation, wait_for

pytestmark = pytest.mark.process
CLIENTS, ALERTS, ACCOUNTS = 8, 200, 7
TRIES = 4  # TradingView sends again after a 5xx, three times


def test_200_alerts_from_8_clients_are_neither_lost_nor_doubled(installation: Installation) -> None:
    installation.start("up", "--demo")
    installation.wait_until_served()
    answers: list[tuple[int, dict[str, Any]]] = []

    def send(numbers: range) -> None:
        for number in numbers:
            for _ in range(TRIES):
                status, answer = installation.send(alert_id=f"load-{number}")
                if status != 503:
                    break
                time.sleep(0.5)  # the sender's own pause before it repeats
            answers.append((status, answer))

    threads = [threading.Thread(target=send, args=(range(n, ALERTS, CLIENTS),)) for n in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [status for status, _ in answers if status not in (200, 202)] == []
    assert len({answer["signal_id"] for _, answer in answers}) == ALERTS
    assert installation.rows("SELECT count(*) FROM execution_signal") == [(ALERTS,)]
    wait_for(
        "every decision",
        lambda: installation.rows("SELECT count(*) FROM execution_decision") == [(ALERTS * ACCOUNTS,)],
    )
    wait_for(
        "every chunk is done",
        lambda: (
            installation.rows("SELECT count(*) FROM execution_signalchunk WHERE done_at IS NULL") == [(0,)]
        ),
    )
    doubled = "SELECT count(*) FROM execution_decision GROUP BY signal_id, account_id HAVING count(*) > 1"
    assert installation.rows(doubled) == []
