"""Whether tasks begin and end: a file on this machine that each of them touches.

`manage.py work` owns a cluster on its own machine and watches the file's age; no database is needed to
say that a worker moves, and none to see it. A worker that ends in order (it is recycled after some hundred
tasks) leaves its number in a second file: one that is gone without was killed.
"""

import contextlib
import os
import time
from collections.abc import Iterator
from multiprocessing.util import Finalize
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


def say_farewell_at_end(**_: object) -> None:
    """In a worker that has just been started: whenever it ends in order, it says so."""
    Finalize(None, _say_farewell, exitpriority=0)


def _say_farewell() -> None:
    path = os.environ.get(VARIABLE)
    if path:
        with contextlib.suppress(OSError), _farewells(Path(path)).open("a") as file:
            file.write(f"{os.getpid()}\n")


def farewells(path: Path) -> frozenset[int]:
    """The processes that have ended in order since the file was last cleared."""
    try:
        return frozenset(int(line) for line in _farewells(path).read_text().splitlines())
    except FileNotFoundError:
        return frozenset()


def clear_farewells(path: Path) -> None:
    _farewells(path).unlink(missing_ok=True)


def _farewells(path: Path) -> Path:
    return path.with_suffix(".ended")
