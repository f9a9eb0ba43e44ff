"""Processes are killed at the worst moment; what got a 202 is decided, once for each account."""

import os
import signal
from typing import Any

import pytest

from tests.process.installation import Installation, lives, wait_for

pytestmark = pytest.mark.process
ACCOUNTS = 7
ONCE_EACH = "SELECT count(*), count(DISTINCT account_id) FROM execution_decision"


def test_the_web_process_dies_right_after_its_202(installation: Installation) -> None:
    installation.seed()
    web = installation.start("web")
    installation.wait_until_served()
    status, answer = installation.send()
    installation.kill(web)
    assert status == 202
    assert installation.rows(ONCE_EACH) == [(0, 0)]  # no worker ran: nothing is decided yet
    installation.start("up")
    installation.wait_until_served()
    decisions = wait_for("the decisions", lambda: installation.decided(answer))
    assert len(decisions) == ACCOUNTS
    assert installation.rows(ONCE_EACH) == [(ACCOUNTS, ACCOUNTS)]


def test_the_cluster_dies_between_the_202_and_the_decision(installation: Installation) -> None:
    installation.seed()
    installation.start("web")
    installation.start("work")
    installation.start("supervise")
    installation.wait_until_served()
    group = wait_for("the cluster", lambda: installation.group_of("queue"))
    installation.send(contracts=1)
    wait_for(
        "a first decision of each account", lambda: installation.rows(ONCE_EACH)[0] == (ACCOUNTS, ACCOUNTS)
    )
    answer = wait_for("an alert that arrives at a frozen cluster", lambda: frozen_send(installation, group))
    os.killpg(group, signal.SIGKILL)
    decisions = wait_for("the decisions", lambda: installation.decided(answer))
    assert len(decisions) == ACCOUNTS
    assert installation.rows(ONCE_EACH) == [(2 * ACCOUNTS, ACCOUNTS)]


def frozen_send(installation: Installation, group: int) -> dict[str, Any] | None:
    """An alert taken while the cluster stands still; None where it stands still holding the database."""
    os.killpg(group, signal.SIGSTOP)
    status, answer = installation.send()
    if status == 202:
        return answer
    os.killpg(group, signal.SIGCONT)
    return None


def test_a_killed_up_leaves_nothing_that_the_next_start_does_not_end(installation: Installation) -> None:
    up = installation.start("up", "--demo")
    installation.wait_until_served()
    old = {name: wait_for(name, lambda name=name: installation.group_of(name)) for name in ("web", "queue")}
    up.kill()
    up.wait()
    installation.start("up", "--demo")
    wait_for("a new cluster", lambda: installation.group_of("queue") not in (None, old["queue"]))
    installation.wait_until_served()
    for group in old.values():
        assert not lives(group)
    status, answer = installation.send()
    assert status == 202
    assert len(wait_for("the decisions", lambda: installation.decided(answer))) == ACCOUNTS
