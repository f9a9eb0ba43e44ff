"""One HTTP exchange with a venue, told apart by the only thing that matters: may it have been executed?

One attempt, no redirects, explicit times, at most 64 KiB of answer, numbers as Decimal. Whatever an order's
answer does not say clearly is InDoubt.
"""

import json
import os
import time
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

import httpx2

from execution.connectors import InDoubt, Unavailable

CONNECT_SECONDS = 2.0
MOST_BYTES = 64 * 1024

Answer = dict[str, Any]


class Unauthorized(Exception):
    """401: this venue documents it as "not processed"."""


def exchange(method: str, url: str, *, seconds: float, token: str = "", **content: Any) -> Answer:
    """The JSON object that the venue answers with 200. Raises Unavailable only where not a byte has left."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        status, body = _attempt(method, url, headers, seconds, content)
    except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.UnsupportedProtocol) as error:
        raise Unavailable(f"no connection to the venue ({type(error).__name__})") from error
    except httpx2.HTTPError as error:
        raise InDoubt(f"the connection failed on the way ({type(error).__name__})") from error
    if status == 401:
        raise Unauthorized
    if status != 200:
        raise InDoubt(f"HTTP {status}")
    return _object(body)


def _attempt(
    method: str, url: str, headers: dict[str, str], seconds: float, content: dict[str, Any]
) -> tuple[int, bytes]:
    """Status and body, read against one deadline: a body that drips never runs into a read time-out."""
    deadline = time.monotonic() + seconds
    times = httpx2.Timeout(seconds, connect=min(CONNECT_SECONDS, seconds))
    with _client(os.getpid()).stream(method, url, headers=headers, timeout=times, **content) as answer:
        body = b""
        for part in answer.iter_raw():
            body += part
            if len(body) > MOST_BYTES:
                raise InDoubt(f"the answer is longer than {MOST_BYTES} bytes")
            if time.monotonic() > deadline:
                raise InDoubt(f"the answer was not complete after {seconds:g} s")
        return answer.status_code, body


@lru_cache(maxsize=1)
def _client(_process: int) -> httpx2.Client:
    """One for each process, safe for threads. No connection is kept: a stale one makes every send doubtful."""
    return httpx2.Client(
        follow_redirects=False,
        trust_env=False,
        limits=httpx2.Limits(max_keepalive_connections=0),
        headers={"Accept-Encoding": "identity"},
    )


def _object(body: bytes) -> Answer:
    try:
        found = json.loads(body, parse_float=Decimal, parse_int=Decimal, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise InDoubt("the answer is not JSON") from error
    if not isinstance(found, dict):
        raise InDoubt("the answer is not a JSON object")
    return found


def _no_number(text: str) -> None:
    raise ValueError(text)


# --- what an answer holds; what it should hold and does not is not known -------------------------------


def rows(answer: Answer, name: str) -> list[Answer]:
    """A list that is missing, null or something else is not an empty one."""
    found = answer.get(name)
    if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
        raise InDoubt(f"the venue's answer has no list of {name}")
    return found


def number(row: Answer, name: str) -> Decimal:
    found = row.get(name)
    if not isinstance(found, Decimal) or not found.is_finite():
        raise InDoubt(f"the venue's {name} is not a number: {str(found)[:40]}")
    return found


def text(row: Answer, name: str) -> str:
    found = row.get(name)
    if not isinstance(found, str):
        raise InDoubt(f"the venue's {name} is not a text: {str(found)[:40]}")
    return found


def instant(row: Answer, name: str) -> datetime:
    try:
        found = datetime.fromisoformat(text(row, name))
    except ValueError as error:
        raise InDoubt(f"the venue's {name} is not a time") from error
    if found.tzinfo is None:
        raise InDoubt(f"the venue's {name} has no zone")
    return found.astimezone(UTC)
