"""What an alert means: its fields checked, all errors at once, then entry, exit, reversal or note. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Literal, NamedTuple

from execution.templates import Template

Direction = Literal["long", "short"]
SizeState = Literal["given", "absent", "unusable"]

LARGEST_SIZE = 1_000_000
_PRICE = re.compile(r"[+-]?\d{1,12}(\.\d{1,10}0*)?([eE][+-]?\d{1,2})?", re.ASCII)
_WHOLE = re.compile(r"\+?\d{1,9}(\.0{1,10})?", re.ASCII)
_SYMBOL = re.compile(r"[A-Za-z0-9/@][A-Za-z0-9 ._:/!@&#-]{0,31}(?<! )", re.ASCII)
_TEXT_LIMIT = 64
_ID_LIMIT = 120
_SIDES: Mapping[str, Direction] = {"buy": "long", "long": "long", "sell": "short", "short": "short"}
_POSITIONS: Mapping[str, int] = {"long": 1, "bullish": 1, "short": -1, "bearish": -1, "flat": 0}


class FieldError(NamedTuple):
    """One field that can't be used: its name, a code for programs, a sentence for people."""

    field: str
    code: str
    message: str


class Undecodable(Exception):
    """The message can't be understood; `errors` has every reason at once."""

    def __init__(self, errors: list[FieldError]) -> None:
        super().__init__("; ".join(f"{error.field}: {error.message}" for error in errors))
        self.errors = errors


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """What a message asks for. Sizes are whole contracts; positions are signed, in the sender's view.

    `contracts` is the size as sent, `entry_contracts` that of the entry leg (of a reversal only its new
    side). `position_target` is what an exit leaves: 0 is flat.
    """

    kind: Literal["entry", "exit", "reverse", "note"]
    action: str
    symbol: str = ""
    direction: Direction | None = None
    entry_price: Decimal | None = None
    stop_loss: Decimal | None = None
    target: Decimal | None = None
    session: str = ""
    bias: str = ""
    contracts: int | None = None
    size: SizeState = "absent"
    entry_contracts: int | None = None
    position_target: int | None = None
    position_before: int | None = None
    alert_time: datetime | None = None
    trade_id: str = ""


def _extract(body: Mapping[str, Any], paths: Mapping[str, tuple[str, ...]]) -> dict[str, Any]:
    """The message's values under PropGuard's own field names; what is absent or empty is left out."""
    found = {}
    for name, places in paths.items():
        for place in places:
            value = _at(body, place)
            if value is not None and value != "":
                found[name] = value
                break
    return found


def decode(body: Mapping[str, Any], template: Template, default_symbol: str = "") -> Meaning:
    """The meaning of a message. Raises Undecodable with every field error at once."""
    return _Decoder(body, template, default_symbol).decode()


def _at(body: Mapping[str, Any], path: str) -> Any:
    value: Any = body
    for key in path.split("."):
        if not isinstance(value, Mapping):
            return None
        value = value.get(key)
    return value


class _Decoder:
    """One message on its way to a meaning; `errors` gathers what is wrong with it."""

    def __init__(self, body: Mapping[str, Any], template: Template, default_symbol: str) -> None:
        self.body = body
        self.template = template
        self.default_symbol = default_symbol
        self.fields = _extract(body, template.paths)
        self.errors: list[FieldError] = []

    def decode(self) -> Meaning:
        action = self._action()
        is_exit = action in self.template.exits or action == "close"
        is_note = action in self.template.notes or (
            not is_exit and any(_is_true(_at(self.body, path)) for path in self.template.true_means_note)
        )
        for path, allowed in self.template.only.items():
            value = _at(self.body, path)
            if value is not None and not (isinstance(value, str) and value.strip().lower() in allowed):
                self._error(
                    path, "unsupported", f"{_shown(value)} is not supported, only {', '.join(allowed)}"
                )
        contracts, size = self._size()
        common: dict[str, Any] = {
            "action": action,
            "symbol": "" if is_note else self._symbol(),
            "entry_price": self._price("entry_price"),
            "stop_loss": self._price("stop_loss"),
            "target": self._price("target"),
            "session": self._text("session"),
            "bias": self._text("bias"),
            "contracts": contracts,
            "size": size,
            "alert_time": _instant(self.fields.get("time")),
            "trade_id": self._trade_id(),
        }
        intention = {"kind": "note"} if is_note else self._intention(action, contracts)
        if intention.get("kind") in ("entry", "reverse"):
            self._check_stops()
        if self.errors:
            raise Undecodable(self.errors)
        return Meaning(**common, **intention)

    # --- what it means ---

    def _intention(self, action: str, contracts: int | None) -> dict[str, Any]:
        """The decoder table: (previous position, position, action, size) → entry, exit or reversal.

        Without the previous position, the order's size and the position's say what it was.
        """
        position, before = self._position("market_position"), self._position("prev_market_position")
        direction = self._direction(action, position)
        if action in self.template.exits or action == "close":
            return {"kind": "exit", "position_target": 0}
        if direction is None:
            return {}  # an error already
        if position is None:
            return {"kind": "entry", "direction": direction, "entry_contracts": contracts}
        sign = 1 if direction == "long" else -1
        if position == 0:
            if before is not None and before * sign > 0:
                return self._contradiction(f"a {action} can't take a {self._word(before)} position to flat")
            old = self._whole("prev_market_position_size", quiet=True)
            was = None if before is None or old is None else before * old
            return {"kind": "exit", "position_target": 0, "position_before": was}
        size = self._whole("market_position_size")
        after = None if size is None else position * size
        old = 0 if before == 0 else self._whole("prev_market_position_size")
        if before is None and after is not None and contracts is not None:
            was = after - sign * contracts
            before, old = (was > 0) - (was < 0), abs(was)
        if before is not None and before * position < 0:
            return self._reversal(action, sign, position, before, old, after, contracts)
        if before is not None and before * position > 0:
            return self._same_side(action, sign, position, old, after, contracts)
        if sign * position < 0:
            if before is None:  # a sell that leaves a long: it can only have been larger before
                return self._same_side(action, sign, position, old, after, contracts)
            return self._contradiction(f"a {action} can't lead to a {self._word(position)} position")
        if before == 0 and None not in (after, contracts) and abs(after) != contracts:  # type: ignore[arg-type]
            return self._contradiction(f"{contracts} contracts do not lead from flat to {after}")
        return {"kind": "entry", "direction": direction, "entry_contracts": contracts}

    def _direction(self, action: str, position: int | None) -> Direction | None:
        if action not in self.template.adds:
            return _SIDES.get(action)
        if not position:
            self._error("market_position", "required", f"{action} needs the side of the position it adds to")
            return None
        return self._word(position)

    def _reversal(
        self, action: str, sign: int, position: int, before: int, old: int | None, after: int | None,
        contracts: int | None,
    ) -> dict[str, Any]:  # fmt: skip
        if sign * position < 0:
            return self._contradiction(f"a {action} can't lead to a {self._word(position)} position")
        if None not in (contracts, old, after) and contracts != old + abs(after):  # type: ignore[operator,arg-type]
            return self._contradiction(f"{contracts} contracts do not lead from {old} to {after}")
        if after is None and contracts is not None and old is not None:
            after = position * (contracts - old)
        if after is not None and after * position <= 0:
            return self._contradiction(f"{contracts} contracts do not lead from {old} to the other side")
        return {
            "kind": "reverse",
            "direction": "long" if position > 0 else "short",
            "entry_contracts": None if after is None else abs(after),
            "position_target": 0,
            "position_before": None if old is None else (1 if before > 0 else -1) * old,
        }

    def _same_side(
        self, action: str, sign: int, position: int, old: int | None, after: int | None, contracts: int | None
    ) -> dict[str, Any]:
        side = 1 if position > 0 else -1
        grows = sign == side
        if grows:
            if after is not None and old is not None and abs(after) - old != (contracts or abs(after) - old):
                return self._contradiction(f"{contracts} contracts do not lead from {old} to {abs(after)}")
            if after is not None and old is not None and abs(after) <= old:
                return self._contradiction(f"a {action} can't take the position from {old} to {abs(after)}")
            return {"kind": "entry", "direction": self._word(side), "entry_contracts": contracts}
        if after is None and old is not None and contracts is not None:
            after = side * (old - contracts)
        if after is None:
            return self._contradiction("what is left of the position is not said", "market_position_size")
        if (old is not None and abs(after) >= old) or after * side < 0:
            return self._contradiction(f"a {action} can't take the position from {old} to {abs(after)}")
        return {
            "kind": "exit",
            "position_target": after,
            "position_before": None if old is None else side * old,
        }

    def _check_stops(self) -> None:
        for path in self.template.stops_elsewhere:
            value = _at(self.body, path)
            if value not in (None, "", False) and _number(value) != 0:
                self._error(path, "unsupported", "a stop in this form is not supported: send it as a price")

    def _contradiction(self, message: str, field: str = "market_position") -> dict[str, Any]:
        self._error(field, "contradiction", message)
        return {}

    @staticmethod
    def _word(position: int) -> Direction:
        return "long" if position > 0 else "short"

    # --- its fields ---

    def _action(self) -> str:
        value = self.fields.get("action")
        word = value.strip().lower() if isinstance(value, str) else ""
        known = {*_SIDES, "close", *self.template.exits, *self.template.adds, *self.template.notes}
        if value is None or (isinstance(value, str) and not word):
            self._error("action", "required", "the action is missing")
        elif word not in known:
            self._error(
                "action", "unknown_action", f"{_shown(value)} is not one of {', '.join(sorted(known))}"
            )
        else:
            self._check_direction(word)
        return word

    def _check_direction(self, action: str) -> None:
        """A `direction` beside an action must say the same."""
        value = self.fields.get("direction")
        if value is None or action not in _SIDES:
            return
        word = value.strip().lower() if isinstance(value, str) else ""
        if _SIDES.get(word) != _SIDES[action]:
            self._error("direction", "contradiction", f"{_shown(value)} contradicts the action {action}")

    def _symbol(self) -> str:
        value = self.fields.get("symbol", self.default_symbol)
        if value == "":
            self._error("symbol", "required", "the symbol is missing")
        elif not isinstance(value, str) or not _SYMBOL.fullmatch(value.strip()):
            self._error("symbol", "invalid_symbol", f"{_shown(value)} is not a symbol")
        else:
            return value.strip().upper()
        return ""

    def _price(self, name: str) -> Decimal | None:
        value = self.fields.get(name)
        if value is None:
            return None
        number = _number(value)
        if number is None:
            self._error(name, "invalid_price", f"{_shown(value)} is not a price")
        elif number < 0:
            self._error(name, "negative_price", f"{_shown(value)} is negative")
        elif number == 0 and self.template.zero_is_none:
            return None
        return number

    def _size(self) -> tuple[int | None, SizeState]:
        """`contracts`, else `quantity`. What is there but no whole number above zero is unusable."""
        sent = [self.fields[name] for name in ("contracts", "quantity") if name in self.fields]
        if not sent:
            return None, "absent"
        sizes = {_whole_number(value) for value in sent}
        size = sizes.pop()
        if sizes or size is None or not 0 < size <= LARGEST_SIZE:
            return None, "unusable"
        return size, "given"

    def _whole(self, name: str, *, quiet: bool = False) -> int | None:
        """A size of the sender's position; its sign does not matter, its side stands beside it.

        `quiet`: one that can't be read is no error, for the exit does not depend on it.
        """
        value = self.fields.get(name)
        if value is None:
            return None
        text = value.lstrip("-") if isinstance(value, str) else value
        number = _whole_number(-text if isinstance(text, (int, Decimal)) and text < 0 else text)
        if number is None and not quiet:
            self._error(name, "invalid_size", f"{_shown(value)} is not a whole number")
        return number

    def _position(self, name: str) -> int | None:
        value = self.fields.get(name)
        if value is None:
            return None
        word = value.strip().lower() if isinstance(value, str) else ""
        if word not in _POSITIONS:
            self._error(name, "unknown_position", f"{_shown(value)} is not long, short or flat")
        return _POSITIONS.get(word)

    def _text(self, name: str) -> str:
        value = self.fields.get(name)
        if value is None:
            return ""
        if not isinstance(value, str):
            self._error(name, "invalid_text", f"{_shown(value)} is not text")
        elif len(value.strip()) > _TEXT_LIMIT:
            self._error(name, "too_long", f"longer than {_TEXT_LIMIT} characters")
        elif not _printable(value):
            self._error(name, "invalid_text", "it has characters that can't be printed")
        else:
            return value.strip()
        return ""

    def _trade_id(self) -> str:
        value = self.fields.get("trade_id")
        if value is None:
            return ""
        text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
        if not isinstance(text, str) or not text.strip() or len(text) > _ID_LIMIT or not _printable(text):
            self._error(
                "alert_id", "invalid_id", f"{_shown(value)} is not an id of at most {_ID_LIMIT} characters"
            )
            return ""
        return text.strip()

    def _error(self, field: str, code: str, message: str) -> None:
        self.errors.append(FieldError(field, code, message))


def _number(value: Any) -> Decimal | None:
    """A finite decimal number, given as a JSON number or as its text; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, Decimal, str)):
        return None
    text = value.strip() if isinstance(value, str) else _digits(value)
    if text is None or not _PRICE.fullmatch(text):
        return None
    number = Decimal(text)
    if number and not -10 <= number.adjusted() < 12:
        return None
    exponent = number.normalize().as_tuple().exponent
    return number if isinstance(exponent, int) and exponent >= -10 else None


def _digits(value: int | Decimal) -> str | None:
    if isinstance(value, int):
        return str(value) if abs(value) < 10**13 else None
    return str(value) if value.is_finite() else None


def _whole_number(value: Any) -> int | None:
    """3, 3.0, "3", "3.0"; None for 2.5, "abc", true and for everything else."""
    if isinstance(value, bool) or not isinstance(value, (int, Decimal, str)):
        return None
    text = value.strip() if isinstance(value, str) else _digits(value)
    return int(Decimal(text)) if text is not None and _WHOLE.fullmatch(text) else None


def _instant(value: Any) -> datetime | None:
    """An alert's own time: ISO 8601 or seconds or milliseconds since 1970; None when it is none of them."""
    try:
        if isinstance(value, str):
            text = value.strip()
            if not text.isdigit():
                moment = datetime.fromisoformat(text)
                return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
            value = int(text[:20])
        if isinstance(value, (int, Decimal)) and not isinstance(value, bool) and value > 0:
            seconds = value / 1000 if value > 10**11 else value
            return datetime.fromtimestamp(float(seconds), UTC)
    except (ValueError, ArithmeticError, OSError):  # ArithmeticError: also what Decimal raises
        return None
    return None


def _is_true(value: Any) -> bool:
    return value is True or (isinstance(value, str) and value.strip().lower() in ("true", "1"))


def _printable(text: str) -> bool:
    return text.isprintable() and not any("\ud800" <= char <= "\udfff" for char in text)


def _shown(value: Any) -> str:
    """A value from outside, short enough for an error message."""
    text = (
        value
        if isinstance(value, str)
        else type(value).__name__
        if isinstance(value, (dict, list))
        else str(value)
    )
    text = "".join(char if char.isprintable() else "?" for char in text[:60])
    return repr(text)
