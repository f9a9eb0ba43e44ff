"""How each service's answer reads.

TradersPost, PickMyTrade and CrossTrade pass an alert on to a broker, and answer before the broker has: their
yes means "taken", no more. Only what a service documents as a refusal counts as one; everything that is
neither its yes nor that is in doubt.
"""

import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NamedTuple

from execution.connectors.forward.sending import Answer

_FAILED = ("error", "errors", "failed", "failure", "fail", "rejected", "invalid", "unauthorized", "denied")
_MAY_HAVE_ARRIVED = (408, 409, 425, 429)


class Reading(StrEnum):
    TAKEN = "taken"
    REFUSED = "refused"
    IN_DOUBT = "in doubt"


class Verdict(NamedTuple):
    """What an answer means. `text`: the service's id of what it took, or why not."""

    reading: Reading
    text: str = ""


def _object(answer: Answer) -> dict[str, Any] | None:
    """The answer's JSON object; None where it is anything else."""
    try:
        found = json.loads(answer.body)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _is_html(answer: Answer) -> bool:
    return "html" in answer.media_type or answer.body.lstrip()[:1] == b"<"


def _doubt(answer: Answer, why: str) -> Verdict:
    return Verdict(Reading.IN_DOUBT, f"HTTP {answer.status}: {why}")


def _says_failed(found: Mapping[str, Any]) -> bool:
    if found.get("success") is False or found.get("ok") is False or found.get("error") or found.get("errors"):
        return True
    return str(found.get("status", "")).lower() in _FAILED


def read_traderspost(answer: Answer) -> Verdict:
    """200 {"success": true, "id", …}; 400 {"success": false, "messageCode", "message"} is its refusal."""
    found = _object(answer)
    if found is None:
        return _doubt(answer, "no JSON object")
    if answer.is_success and found.get("success") is True:
        return Verdict(Reading.TAKEN, str(found.get("id") or found.get("logId") or ""))
    if answer.status == 400 and found.get("success") is False and isinstance(found.get("messageCode"), str):
        return Verdict(Reading.REFUSED, f"{found['messageCode']}: {found.get('message', '')}")
    return _doubt(answer, "neither its yes nor its documented refusal")


def read_pickmytrade(answer: Answer) -> Verdict:
    """A JSON object that says nothing of a failure. Its refusals are not documented: they are in doubt."""
    found = _object(answer)
    if not answer.is_success or found is None:
        return _doubt(answer, "not its yes")
    if _says_failed(found):
        return _doubt(answer, f"it speaks of a failure: {found.get('message') or found.get('status') or ''}")
    return Verdict(Reading.TAKEN, str(found.get("id") or ""))


def read_crosstrade(answer: Answer) -> Verdict:
    """Any 2xx with words, in text or JSON, that do not speak of a failure."""
    found = _object(answer)
    words = answer.body.decode(errors="replace").strip()
    if not answer.is_success or not words or _is_html(answer):
        return _doubt(answer, "not its yes")
    if _says_failed(found) if found is not None else any(word in words.lower() for word in _FAILED):
        return _doubt(answer, "it speaks of a failure")
    return Verdict(Reading.TAKEN)


def read_standard(answer: Answer) -> Verdict:
    """Any 2xx but a web page; a 4xx with `{"success": false}` is a refusal: one's own receiver can say so."""
    found = _object(answer)
    if answer.is_success and not _is_html(answer) and not (found is not None and _says_failed(found)):
        return Verdict(Reading.TAKEN, str((found or {}).get("id") or ""))
    is_refusal = 400 <= answer.status < 500 and answer.status not in _MAY_HAVE_ARRIVED
    if is_refusal and found is not None and found.get("success") is False:
        return Verdict(Reading.REFUSED, str(found.get("message") or "refused by the receiver"))
    return _doubt(answer, 'neither a 2xx nor a 4xx with {"success": false}')
