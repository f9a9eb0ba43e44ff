"""A queue that delivers one task several times at once, to workers that a named fault may kill.

The workers are forked from this process, which has Django loaded: a run costs a tenth of a second.
"""

import os
import select
import signal
import time
import traceback
from collections.abc import Callable
from typing import NoReturn

from django.db import connections

from execution import fault

DEADLINE_SECONDS = 60.0
MEETING_SECONDS = 10.0


def deliver(task: Callable[[], None], times: int = 3, fault_text: str = "", meet_at: str = "") -> list[int]:
    """Run a task `times` times at once, each in a process of its own; how each of them ended.

    0 is well, a negative number the signal that killed it. `fault_text` is PROPGUARD_FAULT's. At the fault
    point `meet_at` each waits until all have come there: without that the first is done before the others look.
    """
    connections.close_all()  # a connection must not be shared with a child
    gate, go = os.pipe()
    arrivals, arrive = os.pipe()
    onward, open_onward = os.pipe()
    children = []
    for _ in range(times):
        pid = os.fork()
        if pid == 0:
            os.close(go)
            os.close(open_onward)
            if meet_at:
                _meet(meet_at, arrive, onward)
            _work(task, gate, fault_text)
        children.append(pid)
    os.close(gate)
    os.close(go)  # they begin together
    os.close(arrive)
    if meet_at:
        _wait_for_all(arrivals, times)
    for pipe in (onward, open_onward, arrivals):
        os.close(pipe)
    return [_ended(pid) for pid in children]


def _meet(name: str, arrive: int, onward: int) -> None:
    """In a child: wait at a fault point for the others, the first time it comes by."""
    point, met = fault.point, []

    def meeting(at: str) -> None:
        if at == name and not met:
            met.append(at)
            os.write(arrive, b".")
            os.read(onward, 1)
        point(at)

    fault.point = meeting


def _wait_for_all(arrivals: int, times: int) -> None:
    """Until so many have come, or all have ended, or one is too late."""
    come = 0
    while come < times and select.select([arrivals], [], [], MEETING_SECONDS)[0]:
        read = os.read(arrivals, times)
        if not read:
            return
        come += len(read)


def _work(task: Callable[[], None], gate: int, fault_text: str) -> NoReturn:
    status = 1
    try:
        fault._armed = fault._parsed(fault_text)
        fault._visits.clear()
        os.read(gate, 1)
        task()
        status = 0
    except BaseException:  # noqa: BLE001 - a forked child must never come back into the test runner
        traceback.print_exc()
    finally:
        os._exit(status)


def _ended(pid: int) -> int:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while time.monotonic() < deadline:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.005)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    raise AssertionError("a delivery did not end")
