"""Strict JSON from strangers: one object or list, nothing twice, nothing that is not JSON, nothing huge."""

import json
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from rest_framework.parsers import BaseParser

from signals_api.problems import Problem

LARGEST_BODY = 64 * 1024
DEEPEST = 32
MOST_KEYS = 200
LONGEST_NUMBER = 40
_OPENING, _CLOSING = frozenset("[{"), frozenset("]}")


class Malformed(ValueError):
    """Not the JSON we take; the message says why."""


def loads(raw: bytes) -> Any:
    """The value of a JSON document. Numbers come as int or Decimal, never as float. Raises Malformed."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Malformed(f"it is not UTF-8 (byte {error.start})") from error
    text = text.removeprefix("\ufeff")
    if _depth(text) > DEEPEST:
        raise Malformed(f"it is nested deeper than {DEEPEST} levels")
    try:
        return _DECODER.decode(text)
    except RecursionError as error:
        raise Malformed("it is nested too deep") from error
    except json.JSONDecodeError as error:
        raise Malformed(f"{error.msg} at line {error.lineno}, column {error.colno}") from error


def load_object(raw: bytes) -> dict[str, Any]:
    """The one JSON object that a webhook's body is. Raises Malformed."""
    if not raw.strip():
        raise Malformed("it is empty")
    value = loads(raw)
    if not isinstance(value, dict):
        raise Malformed("it is not one JSON object")
    return value


def _depth(text: str) -> int:
    """How deep the brackets nest, those in strings left out: json itself would run out of stack."""
    depth = deepest = 0
    in_string = escaped = False
    for char in text:
        if in_string:
            if escaped:
                escaped = False
            elif char == "\\":
                escaped = True
            elif char == '"':
                in_string = False
        elif char == '"':
            in_string = True
        elif char in _OPENING:
            depth += 1
            deepest = max(deepest, depth)
        elif char in _CLOSING:
            depth -= 1
    return deepest


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Malformed("a field is given twice")
    if len(found) > MOST_KEYS:
        raise Malformed(f"it has more than {MOST_KEYS} fields")
    return found


def _number(text: str) -> Decimal:
    if len(text) > LONGEST_NUMBER:
        raise Malformed(f"a number has more than {LONGEST_NUMBER} characters")
    try:
        return Decimal(text)
    except InvalidOperation as error:
        raise Malformed(f"{text} is not a number") from error


def _whole(text: str) -> int:
    if len(text) > LONGEST_NUMBER:
        raise Malformed(f"a number has more than {LONGEST_NUMBER} characters")
    return int(text)


def _constant(text: str) -> Any:
    raise Malformed(f"{text} is not JSON")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_float=_number, parse_int=_whole, parse_constant=_constant
)


class StrictJSONParser(BaseParser):
    """DRF's parser for the rest of the API: the same strictness."""

    media_type = "application/json"

    def parse(
        self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        raw = stream.read(LARGEST_BODY + 1)
        if len(raw) > LARGEST_BODY:
            raise Problem(413, "too_large", f"The body is larger than {LARGEST_BODY} bytes.")
        try:
            return loads(raw)
        except Malformed as error:
            raise Problem(400, "malformed", f"The body can't be read: {error}.") from error
