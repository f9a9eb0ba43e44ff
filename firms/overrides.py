"""Limits from the environment, such as FTMO_1_MAX_CONTRACTS. They can only tighten.

`{FIRM}_{PROGRAM}_…` concerns one program, `{FIRM}_…` all of a firm's; where both are set, both count.
One that can't be parsed blocks its programs: a limit somebody meant to set must not vanish.
"""

import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import TypeVar

T = TypeVar("T")
_NUMBER = re.compile(r"\d{1,12}(\.\d{1,6})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Overrides:
    """What the environment adds for one program. `problems` name each variable that can't be parsed."""

    max_contracts: Decimal | None = None
    daily_loss_limit: Decimal | None = None
    max_drawdown: Decimal | None = None
    max_risk_share: Decimal | None = None
    allowed_sessions: tuple[str, ...] | None = None
    problems: tuple[str, ...] = field(default=())


def read(firm_code: str, number: int, environ: Mapping[str, str] = os.environ) -> Overrides:
    """The overrides in force for a program; where a firm's and a program's are set, the tighter one."""
    problems: list[str] = []

    def lowest(key: str, parse: Callable[[str], Decimal]) -> Decimal | None:
        return min(_values(firm_code, number, key, parse, environ, problems), default=None)

    return Overrides(
        max_contracts=lowest("MAX_CONTRACTS", _whole),
        daily_loss_limit=lowest("DAILY_LOSS_LIMIT", _number),
        max_drawdown=lowest("MAX_DRAWDOWN", _number),
        max_risk_share=lowest("MAX_RISK_PERCENT", _fraction),
        allowed_sessions=_sessions(firm_code, number, environ, problems),
        problems=tuple(problems),
    )


_SUFFIXES = ("_MAX_CONTRACTS", "_DAILY_LOSS_LIMIT", "_MAX_DRAWDOWN", "_MAX_RISK_PERCENT", "_ALLOWED_SESSIONS")


def fingerprint(environ: Mapping[str, str] = os.environ) -> tuple[tuple[str, str], ...]:
    """Every override that is set, for telling whether terms made before still hold."""
    return tuple(sorted(item for item in environ.items() if item[0].endswith(_SUFFIXES)))


def _values(
    firm_code: str,
    number: int,
    key: str,
    parse: Callable[[str], T],
    environ: Mapping[str, str],
    problems: list[str],
) -> Iterator[T]:
    for name in (f"{firm_code}_{number}_{key}", f"{firm_code}_{key}"):
        text = environ.get(name)
        if text is None:
            continue
        try:
            yield parse(text.strip())
        except (ValueError, InvalidOperation):
            problems.append(f"{name}={text!r} can't be read")


def _sessions(
    firm_code: str, number: int, environ: Mapping[str, str], problems: list[str]
) -> tuple[str, ...] | None:
    lists = list(_values(firm_code, number, "ALLOWED_SESSIONS", _names, environ, problems))
    if not lists:
        return None
    return tuple(name for name in lists[0] if all(name in names for names in lists))


def _number(text: str) -> Decimal:
    if not _NUMBER.fullmatch(text):
        raise ValueError(text)
    return Decimal(text)


def _whole(text: str) -> Decimal:
    number = _number(text)
    if number % 1 != 0:
        raise ValueError(text)
    return number


def _fraction(text: str) -> Decimal:
    number = _number(text)
    if number >= 1:  # a percent number typed by mistake
        raise ValueError(text)
    return number


def _names(text: str) -> tuple[str, ...]:
    names = tuple(name.strip().upper() for name in text.split(",") if name.strip())
    if not names:
        raise ValueError(text)
    return names
