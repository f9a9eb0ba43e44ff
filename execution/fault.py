"""Named points where a test may make the process die, stop or fail. Nothing in production.

`PROPGUARD_FAULT="dispatch.after_claim=kill"` ends the process the first time it comes by; `stop` freezes it
(SIGSTOP), `raise` raises. Several are separated by commas; a number after a colon (`=kill:3`) is the visit
that counts. With `PROPGUARD_FAULT_ONCE` naming a file that does not exist yet, only the first process to make
it is hit.
"""

import os
import signal
import threading
from collections import Counter
from pathlib import Path

_VARIABLE = "PROPGUARD_FAULT"
_visits: Counter[str] = Counter()


class Fault(Exception):
    """What a point set to `raise` raises."""


def _parsed(text: str) -> dict[str, tuple[str, int]]:
    found = {}
    for part in filter(None, text.split(",")):
        name, _, action = part.partition("=")
        action, _, visit = action.partition(":")
        found[name.strip()] = action.strip(), int(visit or 1)
    return found


_armed = _parsed(os.environ.get(_VARIABLE, ""))


def point(name: str) -> None:
    """A place a fault may be set at. One dictionary look-up where none is."""
    if not _armed or name not in _armed:
        return
    action, visit = _armed[name]
    _visits[name] += 1
    if _visits[name] == visit and _is_ours():
        _strike(name, action)


def _is_ours() -> bool:
    """Whether this process is the one to be hit: always, or the first to leave its mark."""
    once = os.environ.get("PROPGUARD_FAULT_ONCE")
    if not once:
        return True
    try:
        Path(once).touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def _strike(name: str, action: str) -> None:
    if action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif action == "stop":
        # To this very thread: another would take the signal while this one went on for a moment.
        signal.pthread_kill(threading.get_ident(), signal.SIGSTOP)
    else:
        raise Fault(name)
