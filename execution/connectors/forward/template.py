"""The body of a request: a JSON or text template with a fixed set of fields, and no code.

In JSON, `"{{quantity}}"` on its own becomes the value in its own type; inside a longer text it becomes text.
Values are written by the JSON encoder, never joined into a string of it. A text template (CrossTrade's
`key=…;command=PLACE;…`) refuses values that could end a field or begin another.

A value that there is none of (an order without a target) takes the object or the part it stands in with it.
"""

import json
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

FIELDS = frozenset(
    {"ticker", "action", "quantity", "price", "stop", "target", "id", "time", "account", "secret", "symbol"}
)
OPTIONAL = frozenset({"price", "stop", "target", "account"})  # what an order, or its account, may lack
ORDER_FIELDS = ("ticker", "action", "quantity", "stop")  # what an entry can't be sent without

Values = Mapping[str, str | Decimal | None]
_FIELD = re.compile(r"\{\{\s*([a-z_]*)\s*\}\}")
_PARTS = re.compile(r"(?<=[;\n])")
_SEPARATORS = re.compile(r"[\x00-\x1f\x7f;|,&{}\"'<>\u0080-\uffff]")
_ABSENT = object()


class Unfillable(ValueError):
    """The template, or a value in it, can't be written; says which."""


def fields_of(template: str) -> set[str]:
    return set(_FIELD.findall(template))


def check(template: str, *, is_json: bool) -> None:
    """Refuse a template that could never be filled. Raises Unfillable."""
    unknown = fields_of(template) - FIELDS
    if unknown:
        raise Unfillable(f"no field {', '.join(sorted(unknown))}; there are {', '.join(sorted(FIELDS))}")
    if "{{" in _FIELD.sub("", template):
        raise Unfillable("a field is written {{name}}")
    if is_json:
        _parsed(template)


def fill_json(template: str, values: Values) -> bytes:
    """A JSON template with its values. Raises Unfillable."""
    filled = _filled(_parsed(template), values)
    if filled is _ABSENT:
        raise Unfillable("nothing is left of the message")
    return json.dumps(filled, allow_nan=False, separators=(",", ":"), ensure_ascii=False).encode()


def _parsed(template: str) -> dict[str, Any]:
    try:
        found = json.loads(template)
    except ValueError as error:
        raise Unfillable(f"the template is not JSON: {error}") from error
    if not isinstance(found, dict):
        raise Unfillable("the template is not a JSON object")
    return found


def _filled(node: Any, values: Values, *, is_top: bool = True) -> Any:
    if isinstance(node, dict):
        parts = {key: _filled(value, values, is_top=False) for key, value in node.items()}
        if not is_top and any(part is _ABSENT for part in parts.values()):
            return _ABSENT
        return {key: part for key, part in parts.items() if part is not _ABSENT}
    if isinstance(node, list):
        items = [_filled(item, values, is_top=False) for item in node]
        kept = [item for item in items if item is not _ABSENT]
        return kept if kept or not items else _ABSENT
    return _written(node, values) if isinstance(node, str) else node


def _written(text: str, values: Values) -> Any:
    alone = _FIELD.fullmatch(text)
    if alone is not None:
        value = _value(alone[1], values)
        return _ABSENT if value is None else _number(value) if isinstance(value, Decimal) else value
    found = {name: _value(name, values) for name in fields_of(text)}
    if any(value is None for value in found.values()):
        return _ABSENT
    return _FIELD.sub(lambda match: _plain(found[match[1]]), text)


def fill_text(template: str, values: Values) -> bytes:
    """A text template with its values. Raises Unfillable."""
    parts = []
    for part in _PARTS.split(template):
        found = {name: _value(name, values) for name in fields_of(part)}
        if any(value is None for value in found.values()):
            continue
        for name, value in found.items():
            if _SEPARATORS.search(_plain(value)):
                raise Unfillable(f"{name} holds a character that could end its field")
        parts.append(_FIELD.sub(lambda match, found=found: _plain(found[match[1]]), part))
    return "".join(parts).encode()


def _value(name: str, values: Values) -> str | Decimal | None:
    value = values.get(name)
    if (value is None or value == "") and name not in OPTIONAL:
        raise Unfillable(f"there is no {name}")
    return value if value != "" else None


def _number(value: Decimal) -> int | float:
    """A number as JSON has it. One that a double can't hold exactly enough is not sent at all."""
    if not value.is_finite():
        raise Unfillable("a number is not finite")
    if value == value.to_integral_value():
        return int(value)
    written = float(value)
    if Decimal(repr(written)) != value:
        raise Unfillable(f"{value} has more digits than a JSON number keeps")
    return written


def _plain(value: str | Decimal | None) -> str:
    return f"{value.normalize():f}" if isinstance(value, Decimal) else str(value)
