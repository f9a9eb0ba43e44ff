"""Venues' answers that the database could not be told of, in files of this machine until it can.

Only a save that has failed writes one: the usual way pays nothing. A file holds an order's id, what became
of it, and the venue's words and number for it; no secrets. It survives its process, and whichever process
of this machine sees the database next books it.
"""

import contextlib
import json
import logging
import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

from django.db import Error, connection

from execution.order_state import OrderStatus
from execution.processes import run_directory
from execution.prompt import Busy

log = logging.getLogger(__name__)

AWAY = (Error, Busy)  # how a database says that it can't be written to
AGAIN_AFTER_SECONDS = (0.1, 0.2, 0.4, 0.8, 1.6)


class Answer(NamedTuple):
    """What a venue's answer to one order came to."""

    client_order_id: str
    status: OrderStatus
    detail: str
    venue_order_id: str


Save = Callable[[Answer], None]  # raises one of AWAY while the database is away; may run twice


def folder() -> Path:
    return run_directory() / "answers"


def keep(answer: Answer) -> None:
    """Write an answer down so that it outlives this process and the machine's power. Never raises."""
    path = _path(answer)
    try:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        half = path.with_suffix(f".{os.getpid()}")
        with half.open("w", encoding="utf-8", errors="replace") as file:
            file.write(f"{json.dumps(answer._asdict())}\n")
            file.flush()
            os.fsync(file.fileno())
        half.rename(path)
        _sync_folder(path.parent)
    except OSError:
        log.exception("The answer to order %s is in this process's memory only", answer.client_order_id)


def kept() -> list[Answer]:
    """The answers that wait for the database, oldest first."""
    try:
        paths = sorted(folder().glob("*.jsonl"), key=lambda path: path.stat().st_mtime)
        return [answer for answer in map(_read, paths) if answer is not None]
    except FileNotFoundError:  # none was ever kept, or another process has just booked one
        return []


def insist(answers: Iterable[Answer], save: Save) -> None:
    """Save answers that failed before, with growing pauses; what is left stays in its file."""
    left = list(answers)
    for seconds in AGAIN_AFTER_SECONDS if left else ():
        time.sleep(seconds)
        left = [answer for answer in left if not _is_saved(answer, save)]
        if not left:
            return


def book(save: Save) -> None:
    """Book what this machine has kept. The first failure ends it: the next pass tries again."""
    for answer in kept():
        if not _is_saved(answer, save):
            return


def _is_saved(answer: Answer, save: Save) -> bool:
    try:
        if not connection.in_atomic_block:
            connection.close_if_unusable_or_obsolete()
        save(answer)
    except AWAY as error:
        log.warning("The answer to order %s waits for the database: %s", answer.client_order_id, error)
        return False
    with contextlib.suppress(OSError):
        _path(answer).unlink()
    return True


def _path(answer: Answer) -> Path:
    return folder() / f"{answer.client_order_id}.jsonl"


def _read(path: Path) -> Answer | None:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return Answer(**{**found, "status": OrderStatus(found["status"])})
    except (ValueError, TypeError, KeyError):
        log.exception("%s is no answer and is put aside", path)
        path.rename(path.with_suffix(".unreadable"))
        return None


def _sync_folder(path: Path) -> None:
    """Make the rename itself durable."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
