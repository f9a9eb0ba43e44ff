"""Any process of the queue is killed while it idles: routing goes on within 45 s, and nothing is done twice.

What is killed while it waits for a queue takes the queue's lock along: the cluster looks healthy and does
nothing, or runs every task again. `manage.py work` sees that a process is gone and starts all of it anew.
"""

import os
import signal
import time
from collections.abc import Callable

import pytest

from tests.process.installation import Installation, Process, lives, processes, wait_for

pytestmark = pytest.mark.process
ACCOUNTS, WORKERS = 7, 2
ROUTES_AGAIN_WITHIN = 45.0
DOUBLED = "SELECT count(*) FROM execution_decision GROUP BY signal_id, account_id HAVING count(*) > 1"
ORDERED_TWICE = "SELECT count(*) FROM execution_order GROUP BY signal_id, account_id, leg HAVING count(*) > 1"
FILLED_TWICE = "SELECT count(*) FROM execution_fill GROUP BY order_id HAVING count(*) > 1"
CLUSTER_SIZE = 4 + WORKERS  # the command, its sentinel, the workers, the monitor, the pusher


def cluster(installation: Installation) -> list[Process]:
    """Its living processes, eldest first: the command, the sentinel, then workers, monitor and pusher."""
    group = installation.group_of("queue")
    return [one for one in processes() if one.group == group and one.lives]


def whole_cluster(installation: Installation) -> list[Process] | None:
    found = [one._replace(state="") for one in cluster(installation)]
    return found if len(found) >= CLUSTER_SIZE else None


# Workers are spawned first, then the monitor, then the pusher: django_q.cluster.Sentinel.spawn_cluster.
VICTIMS: dict[str, Callable[[list[Process]], list[int]]] = {
    "the parent of the cluster": lambda found: [found[0].pid],
    "f10 the sentinel": lambda found: [found[1].pid],
    "f08 an idle worker": lambda found: [found[2].pid],
    "f08 every idle worker": lambda found: [one.pid for one in found[2 : 2 + WORKERS]],
    "f09 the idle monitor": lambda found: [found[2 + WORKERS].pid],
    "f10 the pusher": lambda found: [found[3 + WORKERS].pid],
    "the whole group": lambda found: [one.pid for one in found],
}


SAMPLE = {"f08 an idle worker"}  # with the usual limits each takes twenty seconds; the others run in CI


@pytest.mark.parametrize(
    "victim", [v if v in SAMPLE else pytest.param(v, marks=pytest.mark.long) for v in VICTIMS]
)
def test_routing_goes_on_after_a_kill(installation: Installation, victim: str) -> None:
    installation.seed()
    for part in ("web", "work", "supervise"):
        installation.start(part)
    installation.wait_until_served()
    decide_one(installation)
    old = wait_for("the whole cluster", lambda: whole_cluster(installation))
    for _ in range(2):  # the watchdog has counted them meanwhile
        wait_for_a_canary(installation)
    assert whole_cluster(installation) == old
    group = installation.group_of("queue")
    assert group is not None
    for pid in VICTIMS[victim](old):
        os.kill(pid, signal.SIGKILL)
    killed_at = time.monotonic()
    decide_one(installation)
    assert time.monotonic() - killed_at < ROUTES_AGAIN_WITHIN
    wait_for("another cluster", lambda: installation.group_of("queue") != group)
    wait_for("the end of the old one", lambda: not lives(group))
    wait_for("the whole new cluster", lambda: whole_cluster(installation))
    decide_one(installation)
    nothing_is_doubled(installation)
    assert installation.rows("SELECT kind FROM execution_alarm WHERE kind = 'two_clusters'") == []


def test_f10_orphans_of_a_killed_work_are_ended_by_the_next(installation: Installation) -> None:
    installation.seed()
    installation.start("web")
    installation.start("supervise")
    work = installation.start("work")
    installation.wait_until_served()
    decide_one(installation)
    group = installation.group_of("queue")
    assert group is not None
    work.kill()
    work.wait()
    decide_one(installation)  # the orphans still work
    assert lives(group)
    installation.start("work")
    wait_for("another cluster", lambda: installation.group_of("queue") not in (None, group))
    assert not lives(group)
    decide_one(installation)
    nothing_is_doubled(installation)


def test_a_cluster_that_stands_still_is_started_anew(installation: Installation) -> None:
    """Frozen, no process is gone: what tells is that tasks wait and none begins."""
    installation.environment["PROPGUARD_STUCK_AFTER"] = "4"
    installation.environment["PROPGUARD_CANARY_EVERY"] = "1"
    installation.seed()
    installation.start("web")
    installation.start("work")
    installation.wait_until_served()
    decide_one(installation)
    group = installation.group_of("queue")
    assert group is not None
    freeze(installation, group)
    status, answer = installation.send()
    assert status == 202
    wait_for("the decisions", lambda: installation.decided(answer), ROUTES_AGAIN_WITHIN)
    assert installation.group_of("queue") != group
    nothing_is_doubled(installation)


def freeze(installation: Installation, group: int) -> None:
    """Stop the cluster where it doesn't hold the database."""
    for _ in range(50):
        os.killpg(group, signal.SIGSTOP)
        if installation.is_writable():
            return
        os.killpg(group, signal.SIGCONT)
        time.sleep(0.1)  # let it go on and let go
    raise AssertionError("the cluster holds the database whenever it is stopped")


def wait_for_a_canary(installation: Installation) -> None:
    beat = "SELECT at FROM execution_heartbeat WHERE name = 'queue'"
    before = installation.rows(beat)
    wait_for("another canary", lambda: installation.rows(beat) != before)


def decide_one(installation: Installation) -> None:
    """One alert, decided once for each account within the time that is promised."""
    status, answer = installation.send(alert_id=os.urandom(8).hex())
    assert status == 202
    decisions = wait_for(
        f"the decisions; log:\n{installation.tail()}",
        lambda: installation.decided(answer),
        ROUTES_AGAIN_WITHIN,
    )
    assert len(decisions) == ACCOUNTS


def nothing_is_doubled(installation: Installation) -> None:
    for doubled in (DOUBLED, ORDERED_TWICE, FILLED_TWICE):
        assert installation.rows(doubled) == []
