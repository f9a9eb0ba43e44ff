"""A program's rules in force: the database's, tightened by the environment.

`terms_in_force` is the one place that applies overrides; the core's `ProgramTerms` and the contract's
metadata dict are both made from its answer, so they can't differ.
"""

import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from django.utils import timezone

from enforcement.calendar import Session, TradingDay
from enforcement.floors import Anchor, Boundary, Consequence, FloorKind, LossFloor, ShareOf
from enforcement.program import Automation, GuardPolicy, ProgramTerms
from enforcement.replay import canonical_text, digest
from firms import overrides
from firms.models import Firm, LossLimit, Market, Program, TermsSnapshot, TradingSession
from firms.statements import read

log = logging.getLogger(__name__)


def get_unified_program_metadata(firm_code: str, program_id: int) -> dict[str, Any]:
    """A program's rules as the contract's dict, for `check_order_enforcement`. Never raises.

    From environment overrides, then the database. A rule that is not set is None. An unknown program,
    an inactive firm, an override that can't be read: `{"unavailable": reason}`, which blocks.
    Limits given as shares are the smallest amount the rule can yield. Numbers are floats and int, as
    the contract says; the core itself never computes with them.
    """
    try:
        program = (
            Program.objects.select_related("firm")
            .prefetch_related("loss_limits", "allowed_sessions")
            .filter(firm__code=firm_code, number=program_id)
            .first()
        )
        if program is None:
            return {"unavailable": f"unknown program {firm_code}/{program_id}"}
        return _metadata(terms_in_force(program))
    except Exception as error:
        log.exception("Program %s/%s can't be read", firm_code, program_id)
        return {"unavailable": f"program {firm_code}/{program_id} can't be read: {type(error).__name__}"}


def load_terms(program_ids: Iterable[int]) -> dict[int, ProgramTerms]:
    """The terms in force of several programs, by primary key, in a fixed number of queries.

    One that can't be built is unavailable; the others are not disturbed.
    """
    return {pk: terms for pk, (_, terms) in load_programs(program_ids).items()}


def load_programs(program_ids: Iterable[int]) -> dict[int, tuple[Program, ProgramTerms]]:
    """Programs with their firms, and their terms in force."""
    ids = list(set(program_ids))
    programs = read(Program, "id {ids}", ids=ids)
    firms = {firm.pk: firm for firm in read(Firm, "id {ids}", ids=list({p.firm_id for p in programs}))}
    limits: dict[int, list[LossLimit]] = defaultdict(list)
    for limit in sorted(read(LossLimit, "program_id {ids}", ids=ids), key=lambda limit: limit.pk):
        limits[limit.program_id].append(limit)
    sessions = _allowed_sessions(ids)
    for program in programs:
        program.firm = firms[program.firm_id]
    return {
        program.pk: (program, _terms_or_unavailable(program, limits[program.pk], sessions[program.pk]))
        for program in programs
    }


def _allowed_sessions(program_ids: list[int]) -> dict[int, list[TradingSession]]:
    allowed: dict[int, list[TradingSession]] = defaultdict(list)
    links = read(Program.allowed_sessions.through, "program_id {ids}", ids=program_ids)
    if links:
        rows = {row.pk: row for row in TradingSession.objects.all()}
        for link in sorted(links, key=lambda link: link.tradingsession_id):
            allowed[link.program_id].append(rows[link.tradingsession_id])
    return allowed


def _terms_or_unavailable(
    program: Program, limits: Sequence[LossLimit], sessions: Sequence[TradingSession]
) -> ProgramTerms:
    try:
        return _terms(program, limits, sessions)
    except Exception as error:
        log.exception("Program %s can't be read", program.code)
        return ProgramTerms(
            firm=program.firm.code,
            number=program.number,
            currency=program.currency,
            starting_balance=program.starting_balance,
            size=program.size,
            day=TradingDay("UTC", program.day_reset),
            unavailable=f"the program can't be read: {type(error).__name__}: {error}",
        )


def terms_in_force(program: Program) -> ProgramTerms:
    """The program's rules with the environment's overrides applied: they only ever tighten."""
    return _terms(program, program.loss_limits.all(), program.allowed_sessions.all())


def _terms(
    program: Program, limits: Iterable[LossLimit], sessions_allowed: Iterable[TradingSession]
) -> ProgramTerms:
    added = overrides.read(program.firm.code, program.number)
    problems = list(added.problems)
    floors = [limit.to_core() for limit in limits]
    if added.daily_loss_limit is not None:
        floors = _tightened(floors, FloorKind.DAILY_LOSS, added.daily_loss_limit, program.size)
    if added.max_drawdown is not None:
        floors = _tightened(floors, FloorKind.DRAWDOWN, added.max_drawdown, program.size)
    cap = None if program.max_contracts is None else Decimal(program.max_contracts)
    sessions = _sessions(program, list(sessions_allowed), added.allowed_sessions, problems)
    if not program.firm.is_active:
        problems.append(f"the firm {program.firm.code} is not active")
    return ProgramTerms(
        firm=program.firm.code,
        number=program.number,
        currency=program.currency,
        starting_balance=program.starting_balance,
        size=program.size,
        day=TradingDay(program.day_zone, program.day_reset, program.market == Market.FUTURES),
        floors=tuple(floors),
        allowed_sessions=sessions,
        max_contracts=_lower(cap, added.max_contracts),
        max_risk_share=_lower(program.max_risk_share, added.max_risk_share),
        stop_required=program.stop_required,
        automation=Automation(program.automation),
        unavailable="; ".join(problems) or None,
    )


def snapshot(pairs: Iterable[tuple[ProgramTerms, GuardPolicy]]) -> list[str]:
    """The digest of each account's effective terms; texts not stored yet are stored, in one statement."""
    texts = [canonical_text({"program": terms, "guard": guard}) for terms, guard in pairs]
    digests = [digest(text) for text in texts]
    known = {row.digest for row in read(TermsSnapshot, "digest {digests}", digests=digests)}
    now = timezone.now()
    missing = {d: text for d, text in zip(digests, texts, strict=True) if d not in known}
    if missing:
        TermsSnapshot.objects.bulk_create(
            # In one order everywhere: two transactions with the same new texts would lock each other out.
            [TermsSnapshot(digest=d, text=text, made_at=now) for d, text in sorted(missing.items())],
            ignore_conflicts=True,
        )
    return digests


def _lower(first: Decimal | None, second: Decimal | None) -> Decimal | None:
    return min((x for x in (first, second) if x is not None), default=None)


def _sessions(
    program: Program, own: list[TradingSession], names: tuple[str, ...] | None, problems: list[str]
) -> tuple[Session, ...] | None:
    if names is None:
        return tuple(_to_core(row) for row in own) or None
    rows = {row.name.upper(): row for row in (own or TradingSession.objects.all())}
    if not own and (unknown := [name for name in names if name not in rows]):
        problems.append(f"{program.firm.code}_ALLOWED_SESSIONS names unknown sessions: {', '.join(unknown)}")
    return tuple(_to_core(rows[name]) for name in names if name in rows)


def _to_core(row: TradingSession) -> Session:
    return Session(row.name, row.opens, row.closes, row.zone)


def _tightened(floors: list[LossFloor], kind: FloorKind, amount: Decimal, size: Decimal) -> list[LossFloor]:
    """The floors with `kind` no farther from its anchor than `amount`; a program without one gets one.

    The new one is the contract's: daily from the day's opening balance, drawdown from the highest equity,
    at the floor.
    """
    if all(floor.kind is not kind for floor in floors):
        daily = kind is FloorKind.DAILY_LOSS
        own = LossFloor(
            kind=kind,
            anchor=Anchor.DAY_START_BALANCE if daily else Anchor.HIGHEST_EQUITY,
            boundary=Boundary.AT,
            consequence=Consequence.SOFT if daily else Consequence.HARD,
            amount=amount,
        )
        return [*floors, own]
    tightened = []
    for floor in floors:
        fixed = (
            floor.amount if floor.share is None or floor.share_of is ShareOf.ANCHOR else floor.share * size
        )
        if floor.kind is not kind or (fixed is not None and fixed <= amount):
            tightened.append(floor)
        elif fixed is None:  # a share of a moving anchor: both floors hold, the higher one binds
            tightened += [floor, replace(floor, amount=amount, share=None)]
        else:
            tightened.append(replace(floor, amount=amount, share=None))
    return tightened


def _metadata(terms: ProgramTerms) -> dict[str, Any]:
    if terms.unavailable is not None:
        return {"unavailable": terms.unavailable}
    drawdown = _smallest(terms, FloorKind.DRAWDOWN, terms.size)
    lowest_balance = max(terms.size - (drawdown or terms.size), Decimal(0))
    daily = _smallest(terms, FloorKind.DAILY_LOSS, lowest_balance)
    sessions = terms.allowed_sessions
    return {
        "allowed_sessions": None if sessions is None else [session.name for session in sessions],
        "max_contracts": None if terms.max_contracts is None else int(terms.max_contracts),
        "max_risk_per_trade_pct": _float(terms.max_risk_share),
        "daily_loss_limit": _float(daily),
        "max_drawdown": _float(drawdown),
    }


def _smallest(terms: ProgramTerms, kind: FloorKind, lowest_anchor: Decimal) -> Decimal | None:
    """The smallest distance that any floor of this kind can have."""
    amounts = []
    for floor in terms.floors:
        if floor.kind is kind:
            base = lowest_anchor if floor.share_of is ShareOf.ANCHOR else terms.size
            amounts.append(floor.amount if floor.amount is not None else (floor.share or Decimal(0)) * base)
    return min(amounts, default=None)


def _float(number: Decimal | None) -> float | None:
    return None if number is None else float(number)
