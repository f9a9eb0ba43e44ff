"""The venue's append-only journal: one JSON object a line, on the disk before anybody hears of it."""

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

Event = dict[str, Any]


class Journal:
    """Opens, and goes on with, what an earlier process wrote. Not safe for threads: the market locks."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.events = list(read(path))
        whole = b"".join(_line(event) for event in self.events)
        self._file = path.open("r+b" if path.exists() else "w+b")
        # A process that was killed while it wrote leaves half a line: it was not acknowledged to anybody.
        self._file.truncate(len(whole))
        self._file.seek(len(whole))

    def append(self, kind: str, *, synced: bool = True, **fields: Any) -> Event:
        """Write an event down; `synced`: not before the disk has it."""
        event = {"n": len(self.events) + 1, "at": datetime.now(UTC).isoformat(), "kind": kind, **fields}
        self._file.write(_line(event))
        self._file.flush()
        if synced:
            os.fsync(self._file.fileno())
        self.events.append(event)
        return event


def read(path: Path) -> Iterator[Event]:
    """The journal's whole lines, from outside or after a crash."""
    if not path.exists():
        return
    with path.open("rb") as file:
        for line in file:
            if not line.endswith(b"\n"):
                return
            yield json.loads(line)


def _line(event: Event) -> bytes:
    return json.dumps(event, separators=(",", ":")).encode() + b"\n"
