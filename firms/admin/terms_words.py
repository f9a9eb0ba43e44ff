"""What differs between two sets of rules, in words: field, before, after."""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from decimal import Decimal
from enum import Enum
from typing import Any

from enforcement.explain import plain
from enforcement.floors import LossFloor
from enforcement.program import GuardPolicy, ProgramTerms
from firms.admin.words import in_full, name_of


def differences(
    before: tuple[ProgramTerms, GuardPolicy], after: tuple[ProgramTerms, GuardPolicy]
) -> list[str]:
    """`max contracts: 5 → 10`, one line for each field; [] where nothing differs."""
    return [line for one, other in zip(before, after, strict=True) for line in _lines(one, other, after[0])]


def _lines(before: Any, after: Any, terms: ProgramTerms, inside: str = "") -> Iterator[str]:
    for field in fields(before):
        was, now = getattr(before, field.name), getattr(after, field.name)
        if was == now:
            continue
        name = f"{inside}{field.name.replace('_', ' ')}"
        if field.name == "floors":
            yield from _floors(was, now, terms.currency)
        elif is_dataclass(was) and type(was) is type(now):
            yield from _lines(was, now, terms, f"{name}: ")
        else:
            yield f"{name}: {_word(was)} → {_word(now)}"


def _floors(before: tuple[LossFloor, ...], after: tuple[LossFloor, ...], currency: str) -> Iterator[str]:
    gone = [floor for floor in before if floor not in after]
    new = [floor for floor in after if floor not in before]
    for floor in gone:
        other = next((one for one in new if name_of(one) == name_of(floor)), None)
        if other is not None:
            new.remove(other)
        now = "none" if other is None else in_full(other, currency)
        yield f"{name_of(floor).lower()}: {in_full(floor, currency)} → {now}"
    for floor in new:
        yield f"{name_of(floor).lower()}: none → {in_full(floor, currency)}"


def _word(value: Any) -> str:
    if value is None or value == ():
        return "not set"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, Enum):
        return str(value.value).replace("_", " ")
    if isinstance(value, frozenset):
        return ", ".join(sorted(map(str, value)))
    if isinstance(value, tuple):
        return ", ".join(map(_word, value))
    if is_dataclass(value):
        named = ((f.name.replace("_", " "), getattr(value, f.name)) for f in fields(value))
        return "(" + ", ".join(f"{name} {_word(one)}" for name, one in named if one is not None) + ")"
    return str(value)
