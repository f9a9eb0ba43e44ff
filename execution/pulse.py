"""Whether tasks begin and end: a file on this machine that each of them touches.

`manage.py work` owns a cluster on its own machine and watches the file's age; no database is needed to
say that a worker moves, and none to see it.
"""

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

VARIABLE = "PROPGUARD_PULSE"


@contextlib.contextmanager
def pulse() -> Iterator[None]:
    """Around a task: touch at its beginning and at its end, however it ends."""
    touch()
    try:
        yield
    finally:
        touch()


def touch() -> None:
    path = os.environ.get(VARIABLE)
    if path:
        with contextlib.suppress(OSError):
            Path(path).touch()


def age(path: Path) -> float:
    """Seconds since the last touch."""
    try:
        return max(time.time() - path.stat().st_mtime, 0.0)
    except FileNotFoundError:
        return float("inf")
