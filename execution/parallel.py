"""Do the same for several accounts at once: a venue that hangs holds up neither the others nor the caller."""

import threading
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TypeVar

from django.db import connection, connections

T = TypeVar("T", bound=Hashable)
AT_ONCE = 8

_busy: set[tuple[str, Hashable]] = set()  # what this process is at: a venue that hangs is not called twice
_busy_lock = threading.Lock()


def for_each(what: str, function: Callable[[T], object], items: Sequence[T], seconds: float) -> None:
    """Call `function`, which raises nothing, for each, in threads with connections of their own.

    Waits at most so long. What takes longer goes on alone, and is not begun a second time under the same name
    (`what`) before it ends; what has not begun by then is left for the next call.
    """
    if connection.in_atomic_block:  # what it wrote is nobody else's to see
        for item in items:
            function(item)
        return
    if not items:
        return
    pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix=what)
    try:
        wait([pool.submit(_alone, what, function, item) for item in items], timeout=seconds)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _alone(what: str, function: Callable[[T], object], item: T) -> None:
    with _busy_lock:
        if (what, item) in _busy:
            return
        _busy.add((what, item))
    try:
        function(item)
    finally:
        with _busy_lock:
            _busy.discard((what, item))
        connections.close_all()
