"""Do the same for several accounts at once, so that a venue that hangs holds up nobody else's."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import connections

T = TypeVar("T")
AT_ONCE = 8


def for_each(function: Callable[[T], object], items: Sequence[T]) -> None:
    """Call `function`, which raises nothing, for each; a single one right here, on this connection."""
    if len(items) < 2:
        for item in items:
            function(item)
        return
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="for-each") as pool:
        list(pool.map(lambda item: _in_thread(function, item), items))


def _in_thread(function: Callable[[T], object], item: T) -> None:
    try:
        function(item)
    finally:
        connections.close_all()
