"""Stored decisions computed again with the present engine, and what comes out differently."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from itertools import zip_longest
from typing import Any, cast

from django.db.models import DecimalField

from enforcement.decision import Decision as Verdict
from enforcement.decision import Finding, FloorRoom
from enforcement.engine import evaluate_order
from enforcement.program import GuardPolicy, ProgramTerms
from enforcement.replay import context_from, terms_from
from execution.models import Decision
from execution.models.decision import (
    findings_from_text,
    findings_to_text,
    floors_from_text,
    floors_to_text,
)
from firms.models import TermsSnapshot

# Findings that are not the engine's: what a route's sizing said, and that the facts couldn't be had.
NOT_THE_ENGINES = frozenset({"sizing", "engine"})


@dataclass(frozen=True, slots=True)
class Difference:
    """One value that is not what it was: `what` names it (loss_floors.limit, floor 1.level, risk)."""

    what: str
    stored: object
    computed: object


def has_context(row: Decision) -> bool:
    """Whether what the rules saw is known: older decisions, and those on accounts whose facts couldn't be
    had, have none."""
    return bool(row.context_text and row.terms_id)


def differences(row: Decision) -> list[Difference]:
    """Everything that the present engine says differently; [] when it says the same.

    Numbers are compared as numbers (5.0 is 5). A rule that was not asked then, or isn't now, is a
    difference only where it blocks or is capped: adding a rule that passes changes no decision. What can't
    be read any more is a difference too.
    """
    try:
        terms, guard = _terms(str(row.terms_id))
        verdict = evaluate_order(context_from(row.context_text, terms, guard, _terms))
    except Exception as error:  # noqa: BLE001 - whatever it is, it is shown beside the other decisions
        return [Difference("context", "readable", f"{type(error).__name__}: {error}")]
    return [
        *_in_findings(row, verdict),
        *_in_floors(row, verdict),
        *_in_column("risk", row.risk, verdict.risk),
        *_in_column("fits", row.fits, verdict.fits),
    ]


@lru_cache(maxsize=256)
def _terms(digest: str) -> tuple[ProgramTerms, GuardPolicy]:
    return terms_from(TermsSnapshot.objects.values_list("text", flat=True).get(digest=digest))


def _in_findings(row: Decision, verdict: Verdict) -> Iterator[Difference]:
    stored = _by_rule(findings_from_text(row.findings_text))
    # The same way through text as the stored ones, so that only what the engine says can differ.
    computed = _by_rule(findings_from_text(findings_to_text(verdict.findings)))
    for rule in stored | computed:
        before, now = stored.get(rule), computed.get(rule)
        if before is None or now is None:
            only = before or now
            if only is not None and (only.outcome.blocks or only.verdict is not None):
                yield Difference(rule, before and before.code, now and now.code)
            continue
        for name in Finding._fields:
            yield from _compared(f"{rule}.{name}", getattr(before, name), getattr(now, name))
    # The same findings in another order name another one.
    yield from _compared("refused by", _refusal(stored), _refusal(computed))


def _by_rule(findings: Iterable[Finding]) -> dict[str, Finding]:
    return {finding.rule: finding for finding in findings if finding.rule not in NOT_THE_ENGINES}


def _refusal(findings: dict[str, Finding]) -> str | None:
    return next((finding.code for finding in findings.values() if finding.outcome.blocks), None)


def _in_floors(row: Decision, verdict: Verdict) -> Iterator[Difference]:
    stored, computed = floors_from_text(row.floors_text), floors_from_text(floors_to_text(verdict.floors))
    for number, (before, now) in enumerate(zip_longest(stored, computed), 1):
        if before is None or now is None:
            yield Difference(f"floor {number}", before and _words(before), now and _words(now))
            continue
        if before.floor != now.floor:
            yield Difference(f"floor {number}.terms", _words(before), _words(now))
        for name in ("level", "equity", "projected"):
            yield from _compared(f"floor {number}.{name}", getattr(before, name), getattr(now, name))


def _words(room: FloorRoom) -> str:
    return f"{room.floor.kind.value} from {room.floor.anchor.value} at {room.level}"


def _in_column(name: str, stored: Decimal | None, computed: Decimal | None) -> Iterator[Difference]:
    """A column keeps so many places and no more."""
    places = cast("DecimalField[Any, Any]", Decision._meta.get_field(name)).decimal_places
    if stored is None or computed is None or abs(stored - computed) >= Decimal(1).scaleb(-places):
        yield from _compared(name, stored, computed)


def _compared(what: str, stored: object, computed: object) -> Iterator[Difference]:
    if isinstance(stored, dict) and isinstance(computed, dict):
        for key in stored | computed:
            yield from _compared(f"{what}.{key}", stored.get(key), computed.get(key))
    elif stored != computed and not _is_one_number(stored, computed):
        yield Difference(what, stored, computed)


def _is_one_number(first: object, second: object) -> bool:
    try:
        return Decimal(str(first)) == Decimal(str(second))
    except InvalidOperation:
        return False
