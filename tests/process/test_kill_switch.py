"""The kill switch with nothing but the web process alive: flat within five seconds, and sticky."""

import json
import time
import urllib.request
from typing import Any

import pytest

from tests.process.installation import Installation, wait_for

pytestmark = pytest.mark.process
OPEN = "SELECT count(*) FROM execution_position WHERE quantity <> 0"
KEY = "from execution.credentials import new_api_key; print(new_api_key('panic', ['kill'])[1])"


def call(installation: Installation, key: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """POST the body, or GET the report."""
    request = urllib.request.Request(
        f"{installation.url}/api/v1/kill/",
        None if body is None else json.dumps(body).encode(),
        {"Authorization": f"Api-Key {key}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        found: dict[str, Any] = json.load(answer)
        return found


def test_with_the_cluster_stopped_it_is_flat_within_five_seconds_and_stays_on(
    installation: Installation,
) -> None:
    installation.seed()
    key = installation.manage("shell", "-v", "0", "-c", KEY).strip()
    web, work = installation.start("web"), installation.start("work")
    installation.wait_until_served()
    installation.send()
    wait_for("a position on paper", lambda: installation.rows(OPEN)[0][0] > 0)
    installation.kill(work)  # no cluster, and there never was a supervisor
    group = installation.group_of("queue")
    if group is not None:
        installation.kill_group(group)

    started = time.monotonic()
    engaged = call(installation, key, {"reason": "everything out"})
    answered = time.monotonic() - started
    wait_for("flat", lambda: call(installation, key)["flat"])
    seconds = time.monotonic() - started
    assert (engaged["killed"], engaged["flat"]) == (True, False)
    assert call(installation, key)["report"] == "flat"
    assert installation.rows(OPEN) == [(0,)]
    assert installation.rows("SELECT count(*) FROM execution_exit WHERE done_at IS NULL") == [(0,)]
    assert seconds < 5, f"flat after {seconds:.2f} s, answered after {answered:.2f} s"

    installation.kill(web)
    installation.start("up")  # everything starts anew: the switch is still on
    installation.wait_until_served()
    assert call(installation, key)["report"] == "flat"
    _, answer = installation.send(contracts=1)
    decisions = wait_for("the decisions", lambda: installation.decided(answer))
    assert [decision for decision in decisions if decision["allowed"]] == []
    claimed = "SELECT count(*) FROM execution_order WHERE claimed_at > (SELECT raised_at FROM firms_flag WHERE key = 'kill') AND leg = 'entry'"
    assert installation.rows(claimed) == [(0,)]


def test_the_command_works_with_nothing_else_alive_and_its_status_says_flat(
    installation: Installation,
) -> None:
    installation.seed()
    work = installation.start("work")
    web = installation.start("web")
    installation.wait_until_served()
    installation.send()
    wait_for("a position on paper", lambda: installation.rows(OPEN)[0][0] > 0)
    installation.kill(web)
    installation.kill(work)
    group = installation.group_of("queue")
    if group is not None:
        installation.kill_group(group)
    said = installation.manage("kill", "--reason", "everything out")
    assert said.splitlines()[0] == "engaged: no entry leaves any more"
    assert said.splitlines()[-1] == "flat"
    assert installation.rows(OPEN) == [(0,)]
