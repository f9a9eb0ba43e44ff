"""The core's values as text and back: any stored decision can be computed again, byte for byte.

    canonical_text(value)                 the same value gives the same bytes, in any process and year
    context_text(ctx)                     everything the rules saw but the terms, which stand elsewhere
    context_from(text, terms, guard, rules_of)      the context again
    terms_from(text)                      program and guard again, from a TermsSnapshot's text

Dataclasses are written as objects with sorted keys, NamedTuples as arrays in the order of their fields (to
which new ones are only ever appended). A field that an older text doesn't have takes its default.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from functools import lru_cache, partial
from hashlib import sha256
from json.encoder import encode_basestring_ascii as quoted
from operator import attrgetter
from types import NoneType, UnionType
from typing import Any, cast, get_args, get_origin, get_type_hints

from enforcement.context import EarlierTerms, OrderContext
from enforcement.instruments import Instrument
from enforcement.program import GuardPolicy, ProgramTerms

# --- to text ------------------------------------------------------------------------------------------


def canonical_text(value: object) -> str:
    """JSON with sorted keys; numbers as plain decimal text (5, not 5.0000), enums and times as words."""
    return json.dumps(_plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def decimal_text(number: Decimal) -> str:
    """A decimal without exponent or trailing zeros; "0" for every zero."""
    text = f"{number:f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return decimal_text(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    if isinstance(value, (set, frozenset)):
        return sorted(_plain(item) for item in value)
    return value


def context_text(ctx: OrderContext) -> str:
    """What the rules saw besides terms and guard, those standing in the TermsSnapshot by their digest.

    Decimals keep every digit they came with (5.0 stays 5.0), and an instrument is written with all its
    figures: an edited table changes no old decision. Written for every order, so by hand: 15 microseconds.
    """
    return _TEXTS[OrderContext](ctx)


class _Texts(dict[type, Callable[[Any], str]]):
    """How a value of each type becomes JSON."""

    def __missing__(self, kind: type) -> Callable[[Any], str]:
        """Enums and NamedTuples are written as what they derive from; the rest are dataclasses."""
        known = next((base for base in kind.__mro__ if base in self), None)
        self[kind] = _object_writer(kind) if known is None else self[known]
        return self[kind]


def _array(values: Iterable[Any]) -> str:
    return "[" + ",".join([_TEXTS[type(value)](value) for value in values]) + "]"


def _object_writer(kind: type) -> Callable[[Any], str]:
    """Writes a dataclass; its names are put into the text once and for all."""
    names = [name for name in sorted(field.name for field in fields(kind)) if name not in _ELSEWHERE]
    values_of = attrgetter(*names)
    template = "{" + ",".join(f'"{name}":%s' for name in names) + "}"
    return lambda value: template % tuple([_TEXTS[type(one)](one) for one in values_of(value)])


@lru_cache(maxsize=1024)
def _instrument_text(instrument: Instrument) -> str:
    """Here 5.0 becomes 5: equal instruments share the one text that is kept."""
    return canonical_text(instrument)


_ELSEWHERE = ("terms", "guard")
_TEXTS = _Texts(
    {
        NoneType: lambda _: "null",
        bool: lambda value: "true" if value else "false",
        int: str,
        str: quoted,
        Decimal: lambda value: f'"{value!s}"',
        datetime: lambda value: f'"{value.isoformat()}"',
        date: lambda value: f'"{value.isoformat()}"',
        tuple: _array,
        frozenset: lambda value: _array(sorted(value)),
        Instrument: _instrument_text,
    }
)

# --- and back -----------------------------------------------------------------------------------------


class Unreadable(ValueError):
    """What a text says can't be read. `problems` are all of them, each with the path to it."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__(
            "; ".join(f"{path}: {problem}" if path else problem for path, problem in problems.items())
        )
        self.problems = problems


Rules = tuple[ProgramTerms, GuardPolicy]


def context_from(
    text: str, terms: ProgramTerms, guard: GuardPolicy, rules_of: Callable[[str], Rules] | None = None
) -> OrderContext:
    """The context that `context_text` wrote; `rules_of` finds earlier rules of the day by their digest.

    Raises Unreadable for what it can't have written.
    """
    written = json.loads(text)
    earlier = written.pop("earlier", []) if isinstance(written, dict) else []
    if earlier and rules_of is None:
        raise Unreadable({"earlier": "nobody says where these rules stand"})
    ctx: OrderContext = read_object(
        OrderContext, written, terms=terms, guard=guard,
        earlier=tuple(_read_earlier(one, rules_of) for one in earlier if rules_of is not None),
    )  # fmt: skip
    return ctx


def _read_earlier(written: Any, rules_of: Callable[[str], Rules]) -> EarlierTerms:
    terms, guard = rules_of(written["digest"])
    earlier: EarlierTerms = read_object(EarlierTerms, written, terms=terms, guard=guard)
    return earlier


def terms_from(text: str) -> Rules:
    """Program and guard from the text of a TermsSnapshot. Raises Unreadable for anything else."""
    both = json.loads(text)
    if not isinstance(both, dict) or both.keys() != {"program", "guard"}:
        raise Unreadable({"": "program and guard are expected"})
    return read_object(ProgramTerms, both["program"]), read_object(GuardPolicy, both["guard"])


def read_object(kind: Any, written: Any, **given: Any) -> Any:
    """A dataclass from its fields by name; those not written take their defaults.

    Raises Unreadable with all that is wrong: fields it doesn't have, values of another kind, those missing.
    """
    if not isinstance(written, dict):
        raise Unreadable({"": f"{written!r} is not an object"})
    readers = _readers_of(kind)
    problems = {name: f"{kind.__name__} has no such field" for name in written if name not in readers}
    values = dict(given)
    for name, value in written.items():
        if name in readers:
            _collect(values, problems, name, readers[name], value)
    problems.update({name: "it is missing" for name in _required_of(kind) if name not in values | written})
    if problems:
        raise Unreadable(problems)
    return kind(**values)


def _collect(
    values: dict[Any, Any], problems: dict[str, str], name: Any, read: Callable[[Any], Any], value: Any
) -> None:
    try:
        values[name] = read(value)
    except Unreadable as error:
        for path, problem in error.problems.items():
            problems[f"{name}.{path}" if path else str(name)] = problem
    except (ValueError, TypeError, ArithmeticError):
        problems[str(name)] = f"{value!r} can't be read"


def _read_array(read: Callable[[Any], Any], written: Any) -> tuple[Any, ...]:
    if not isinstance(written, list):
        raise Unreadable({"": f"{written!r} is not a list"})
    values: dict[int, Any] = {}
    problems: dict[str, str] = {}
    for number, value in enumerate(written):
        _collect(values, problems, number, read, value)
    if problems:
        raise Unreadable(problems)
    return tuple(values.values())


def _read_tuple(kind: Any, written: Any) -> Any:
    """A NamedTuple; one that was written before it had all its fields is completed by their defaults."""
    if not isinstance(written, list):
        raise Unreadable({"": f"{written!r} is not a list"})
    names = dict(zip(kind._fields, written, strict=False))
    if len(written) > len(names):
        raise Unreadable({"": f"{kind.__name__} has {len(names)} fields, not {len(written)}"})
    return read_object(kind, names)


@lru_cache
def _readers_of(kind: Any) -> Mapping[str, Callable[[Any], Any]]:
    """What reads each field of a dataclass or NamedTuple, by the type it is declared with."""
    names = [field.name for field in fields(kind)] if is_dataclass(kind) else kind._fields
    hints = get_type_hints(kind)
    return {name: _reader(hints[name]) for name in names}


@lru_cache
def _required_of(kind: Any) -> tuple[str, ...]:
    if not is_dataclass(kind):
        return tuple(name for name in kind._fields if name not in kind._field_defaults)
    return tuple(
        field.name for field in fields(kind) if field.default is MISSING and field.default_factory is MISSING
    )


@lru_cache
def _reader(hint: Any) -> Callable[[Any], Any]:
    inner = get_args(hint)
    if isinstance(hint, UnionType):  # only ever with None
        read = _reader(next(one for one in inner if one is not NoneType))
        return lambda value: None if value is None else read(value)
    if get_origin(hint) is tuple:
        return partial(_read_array, _reader(inner[0]))
    if get_origin(hint) is frozenset:
        return lambda written: frozenset(_read_array(_reader(inner[0]), written))
    if is_dataclass(hint):
        return partial(read_object, hint)
    if issubclass(hint, (datetime, date, time)):
        return cast("Callable[[Any], Any]", hint.fromisoformat)
    if issubclass(hint, tuple):
        return partial(_read_tuple, hint)
    if issubclass(hint, Decimal):
        return _read_decimal
    return hint if issubclass(hint, Enum) else partial(_read_word, hint)


def _read_decimal(value: Any) -> Decimal:
    """From text, or a number as JSON has it. A binary fraction has lost digits already."""
    if type(value) not in (str, int, Decimal):
        raise ValueError(f"{value!r} is no exact number")
    return Decimal(value)


def _read_word(kind: type, value: Any) -> Any:
    """A text, a whole number or a yes and no: as JSON has it, or not at all."""
    if type(value) is not kind:
        raise ValueError(f"{value!r} is no {kind.__name__}")
    return value
