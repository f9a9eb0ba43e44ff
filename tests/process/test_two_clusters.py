"""Two clusters on one database: what arrives at once is decided by both, and counted once.

Each `manage.py work` has a folder of its own, as on two machines, so neither ends the other.
"""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.db import connection

from execution import heartbeats
from execution.models import Alarm, Decision, Heartbeat, Order, SignalSource
from tests.execution.make import entry_signal, make_follower
from tests.faults.workers import environment
from tests.make import make_program, make_source
from tests.process.installation import ROOT, wait_for

pytestmark = [pytest.mark.process, pytest.mark.django_db(transaction=True)]
PATIENCE = 120.0


@pytest.fixture
def two_clusters(tmp_path: Path) -> Iterator[None]:
    """Both beat: the canaries that either sends are run by whichever is free."""
    folders = [tmp_path / "one", tmp_path / "two"]
    started = []
    for folder in folders:
        made = {**environment(), "PROPGUARD_VAR": str(folder), "PROPGUARD_CANARY_EVERY": "0.5"}
        with (tmp_path / "log.txt").open("ab") as log:
            command = [sys.executable, "manage.py", "work"]
            started.append(
                subprocess.Popen(command, cwd=ROOT, env=made, stdout=log, stderr=log, start_new_session=True)
            )
    clusters = Heartbeat.objects.filter(name__startswith="cluster ")
    try:
        wait_for("two clusters", lambda: clusters.count() == 2, PATIENCE)
        yield
    finally:
        for work in started:
            work.send_signal(signal.SIGKILL)
            work.wait()
        for folder in folders:
            os.killpg(int((folder / "queue.lock").read_text()), signal.SIGKILL)
        wait_for("the end of all", lambda: all(not _is_locked(folder) for folder in folders))


def _is_locked(folder: Path) -> bool:
    import fcntl

    with (folder / "queue.lock").open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def arrive_at_once(*arrivals: Callable[[], object]) -> None:
    start = threading.Barrier(len(arrivals))

    def run(arrive: Callable[[], object]) -> None:
        try:
            start.wait(10)
            arrive()
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(arrive,)) for arrive in arrivals]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)


def decided(count: int) -> None:
    wait_for(f"{count} decisions", lambda: Decision.objects.count() == count, PATIENCE)


def run_by(name: str = "cluster ") -> int:
    return Heartbeat.objects.filter(name__startswith=name).count()


@pytest.mark.usefixtures("two_clusters")
def test_f56_of_twenty_alerts_for_room_for_three_exactly_three_are_approved() -> None:
    """Daily floor 48,500: room for 1,500; 3 x 440 = 1,320 fit, 4 x 440 = 1,760 don't."""
    source = make_source()
    _, account = make_follower(source=source, program=make_program(daily_loss=1500))
    arrive_at_once(*[lambda n=n: entry_signal(source, alert_id=str(n)) for n in range(20)])
    decided(20)
    assert Decision.objects.filter(allowed=True).count() == Order.objects.filter(account=account).count() == 3
    wait_for("the fills", lambda: Order.objects.filter(status="filled").count() == 3)
    assert run_by() == 2


@pytest.mark.usefixtures("two_clusters")
def test_of_opposite_entries_on_two_accounts_of_one_trader_one_is_approved() -> None:
    """Five traders, each with two accounts that get a buy and a sell at the same moment."""
    program = make_program(hedging_scope="trader")
    sides: list[tuple[SignalSource, dict[str, str]]] = []
    for trader in ("Ada", "Bob", "Cid", "Dot", "Eve"):
        for side, stop in (("buy", "19990"), ("sell", "20010.5")):
            source = make_source(f"{trader} {side}")
            make_follower(f"{trader} {side}", source=source, program=program, trader=trader)
            sides.append((source, {"action": side, "stop_loss": stop, "bias": ""}))
    arrive_at_once(*[lambda s=s, fields=fields: entry_signal(s, **fields) for s, fields in sides])
    decided(10)
    for trader in ("Ada", "Bob", "Cid", "Dot", "Eve"):
        verdicts = Decision.objects.filter(account__trader__name=trader).order_by("allowed")
        assert [(one.allowed, one.breach_type) for one in verdicts] == [(False, "hedging"), (True, "")]


@pytest.mark.usefixtures("two_clusters")
def test_f10_two_clusters_of_one_machine_are_an_alarm() -> None:
    listener = heartbeats.Listener()
    wait_for(
        "the alarm",
        lambda: listener.look() or Alarm.objects.filter(kind="two_clusters", closed_at=None).exists(),
        PATIENCE,
    )
