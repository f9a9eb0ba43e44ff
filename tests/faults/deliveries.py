"""A queue that delivers one task several times at once, to workers that a named fault may kill.

The workers are forked from this process, which has Django loaded: a run costs a tenth of a second.
"""

import os
import signal
import time
import traceback
from collections.abc import Callable
from typing import NoReturn

from django.db import connections

from execution import fault

DEADLINE_SECONDS = 60.0


def deliver(task: Callable[[], None], times: int = 3, fault_text: str = "") -> list[int]:
    """Run a task `times` times at once, each in a process of its own; how each of them ended.

    0 is well, a negative number the signal that killed it. `fault_text` is PROPGUARD_FAULT's.
    """
    connections.close_all()  # a connection must not be shared with a child
    gate, go = os.pipe()
    children = []
    for _ in range(times):
        pid = os.fork()
        if pid == 0:
            os.close(go)
            _work(task, gate, fault_text)
        children.append(pid)
    os.close(gate)
    os.close(go)  # they begin together
    return [_ended(pid) for pid in children]


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
