"""A program's rules in force: the database's, tightened by the environment.

`terms_in_force` is the one place that applies overrides; the core's `ProgramTerms` and the contract's
metadata dict are both made from its answer, so they can't differ.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from django.utils import timezone

from enforcement import program as core
from enforcement.calendar import Session, TradingDay, TradingHours
from enforcement.floors import Anchor, Boundary, Consequence, FloorKind, LossFloor, PayoutEffect, ShareOf
from enforcement.program import Automation, GuardPolicy, ProgramTerms
from enforcement.replay import canonical_text, digest
from firms import overrides, rulebook
from firms.models import (
    Account,
    Market,
    MarketClosure,
    PersonalLimits,
    Program,
    TermsSnapshot,
    Tier,
    TradingSession,
)
from firms.rulebook import ProgramRows, Rulebook
from firms.statements import read

log = logging.getLogger(__name__)


def get_unified_program_metadata(firm_code: str, program_id: int) -> dict[str, Any]:
    """A program's rules as the contract's dict, for `check_order_enforcement`. Never raises.

    From environment overrides, then the database. A rule that is not set is None. An unknown program,
    an inactive firm, an override that can't be read: `{"unavailable": reason}`, which blocks.
    Limits given as shares or tiers are the smallest amount the rule can yield. Numbers are floats and
    int, as the contract says; the core itself never computes with them.
    """
    try:
        program = (
            Program.objects.select_related("firm").filter(firm__code=firm_code, number=program_id).first()
        )
        if program is None:
            return {"unavailable": f"unknown program {firm_code}/{program_id}"}
        return _metadata(terms_in_force(program))
    except Exception as error:
        log.exception("Program %s/%s can't be read", firm_code, program_id)
        return {"unavailable": f"program {firm_code}/{program_id} can't be read: {type(error).__name__}"}


def terms_in_force(program: Program) -> ProgramTerms:
    """The program's rules with the environment's overrides applied: they only ever tighten.

    Its optional limits are included: an account may be without them (see `account_terms`).
    """
    sessions = {row.pk: row for row in TradingSession.objects.all()}
    closures = tuple(MarketClosure.objects.order_by("pk"))
    return _terms(rulebook.rows_of(program), sessions, closures, with_optional=True)


def account_terms(
    accounts: Iterable[Account], book: Rulebook | None = None
) -> dict[int, tuple[Program, ProgramTerms]]:
    """The effective terms of accounts by id, with their programs: program, environment, personal limits.

    A fixed number of queries however many accounts, none of them once the rules are known and as long as
    they don't change. Terms that can't be built are unavailable; other accounts are not disturbed. `book`:
    the rulebook where the caller has read it, before the accounts.
    """
    accounts = list(accounts)
    book = book or rulebook.current()
    book.add_programs(account.program_id for account in accounts)
    book.add_personal(account.pk for account in accounts)
    environment = overrides.fingerprint()
    found: dict[int, tuple[Program, ProgramTerms]] = {}
    for account in accounts:
        rows, own = book.programs[account.program_id], book.personal[account.pk]
        key = (account.program_id, account.has_optional_limits, account.pk if own else None, environment)
        terms = book.terms.get(key)
        if terms is None:
            terms = book.terms[key] = _terms_or_unavailable(rows, book, account, own)
        found[account.pk] = (rows.program, terms)
    return found


def _terms_or_unavailable(
    rows: ProgramRows, book: Rulebook, account: Account, own: PersonalLimits | None
) -> ProgramTerms:
    program = rows.program
    try:
        terms = _terms(rows, book.sessions, book.closures, with_optional=account.has_optional_limits)
        if own is None:
            return terms
        sessions = tuple(_to_core(row) for row in book.personal_sessions[account.pk])
        return tightened_by(terms, own, sessions)
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


def _terms(
    rows: ProgramRows,
    sessions_by_key: Mapping[int, TradingSession],
    closures: Sequence[MarketClosure],
    *,
    with_optional: bool,
) -> ProgramTerms:
    program = rows.program
    added = overrides.read(program.firm.code, program.number)
    problems = list(added.problems)
    daily_tiers = tuple(tier.to_core() for tier in rows.tiers if tier.of == Tier.Of.DAILY_LOSS)
    floors = [limit.to_core(daily_tiers) for limit in rows.limits if with_optional or not limit.is_optional]
    if added.daily_loss_limit is not None:
        floors = _tightened(floors, FloorKind.DAILY_LOSS, added.daily_loss_limit, program.size)
    if added.max_drawdown is not None:
        floors = _tightened(floors, FloorKind.DRAWDOWN, added.max_drawdown, program.size)
    cap = None if program.max_contracts is None else Decimal(program.max_contracts)
    sessions = _sessions(program, rows.sessions, sessions_by_key.values(), added.allowed_sessions, problems)
    if not program.firm.is_active:
        problems.append(f"the firm {program.firm.code} is not active")
    return ProgramTerms(
        firm=program.firm.code,
        number=program.number,
        currency=program.currency,
        starting_balance=program.starting_balance,
        size=program.size,
        day=TradingDay(
            program.day_zone,
            program.day_reset,
            program.market == Market.FUTURES,
            program.close_time,
            program.close_zone or None,
        ),
        floors=tuple(floors),
        **_times(program),
        closures=tuple(row.to_core() for row in closures) if program.market == Market.FUTURES else (),
        allowed_sessions=sessions,
        max_contracts=_lower(cap, added.max_contracts),
        max_minis=cap,
        max_micros=None if program.max_micros is None else Decimal(program.max_micros),
        micro_weight=program.micro_weight,
        product_limits=tuple(row.to_core() for row in rows.product_limits),
        tiers=tuple(tier.to_core() for tier in rows.tiers if tier.of == Tier.Of.CONTRACTS),
        scaling_basis=core.ScalingBasis(program.scaling_basis),
        scaling_may_fall=program.scaling_may_fall,
        allowed_instruments=rows.symbols or None,
        **_risk(program, added.max_risk_share),
        stop_required=program.stop_required,
        hedging=_hedging(program),
        news=tuple(row.to_core() for row in rows.news),
        max_trades_per_day=program.max_trades_per_day,
        max_requests_per_day=program.max_requests_per_day,
        automation=Automation(program.automation),
        progress=_progress(program),
        unavailable="; ".join(problems) or None,
    )


def _times(program: Program) -> dict[str, Any]:
    hours = flat_by = None
    if program.hours_open is not None and program.hours_close is not None:
        hours = TradingHours(program.hours_open, program.hours_close, program.hours_zone)
    if program.flat_by is not None:
        zone = program.flat_by_zone or program.hours_zone or program.day_zone
        flat_by = core.FlatBy(at=program.flat_by, zone=zone, lead_minutes=program.flat_by_lead_minutes)
    return {
        "hours": hours,
        "flat_by": flat_by,
        "no_entry_minutes": program.no_entry_minutes,
        "early_close_lead_minutes": program.early_close_lead_minutes,
        "early_close_flat_by": program.early_close_flat_by,
        "overnight": program.overnight,
        "weekend": program.weekend,
        "min_hold_seconds": program.min_hold_seconds,
        "max_hold_seconds": program.max_hold_seconds,
    }


def _risk(program: Program, override: Decimal | None) -> dict[str, Any]:
    """The shares of risk. The environment's is of equity: it joins the program's where that is of equity
    too, and stands beside it otherwise."""
    share, risk_of = program.max_risk_share, core.RiskOf(program.risk_of)
    if share is None or risk_of is core.RiskOf.EQUITY:
        shares = {"max_risk_share": _lower(share, override), "risk_of": core.RiskOf.EQUITY}
    else:
        shares = {"max_risk_share": share, "risk_of": risk_of, "max_equity_risk_share": override}
    return {**shares, "idea_window_minutes": program.idea_window_minutes}


def _hedging(program: Program) -> core.HedgingRule | None:
    if not program.hedging_scope:
        return None
    return core.HedgingRule(
        scope=core.HedgeScope(program.hedging_scope),
        by=core.HedgeBy(program.hedging_by),
        grace_seconds=program.hedging_grace_seconds,
        same_product_inside=program.hedging_same_product_inside,
    )


def _progress(program: Program) -> core.ProgressTerms:
    rule = None
    if program.consistency_share is not None:
        rule = core.ConsistencyRule(
            measure=program.consistency_measure,
            share=program.consistency_share,
            passes=Boundary(program.consistency_passes),
        )
    return core.ProgressTerms(
        profit_target=program.profit_target,
        min_trading_days=program.min_trading_days,
        min_day_profit=program.min_day_profit,
        qualifying_days=program.qualifying_days,
        qualifying_window_days=program.qualifying_window_days,
        days_limit=program.days_limit,
        consistency=rule,
        consistency_by_payout=program.payout_shares,
        safety_net=program.safety_net,
        inactivity=program.inactivity,
        inactivity_unit=program.inactivity_unit,
    )


def tightened_by(terms: ProgramTerms, own: PersonalLimits, sessions: tuple[Session, ...]) -> ProgramTerms:
    """The terms with a trader's own limits: each holds beside the program's, none widens it."""
    floors = list(terms.floors)
    for kind, anchor, amount, consequence in (
        (FloorKind.DAILY_LOSS, Anchor.DAY_START_BALANCE, own.daily_loss, Consequence.SOFT),
        (FloorKind.DRAWDOWN, Anchor.HIGHEST_EQUITY, own.max_drawdown, Consequence.SOFT),
    ):
        if amount is not None:
            floors.append(
                LossFloor(
                    kind=kind, anchor=anchor, amount=amount, boundary=Boundary.AT, consequence=consequence,
                    personal=True,
                )
            )  # fmt: skip
    allowed = terms.allowed_sessions
    if sessions:
        allowed = sessions if allowed is None else tuple(s for s in allowed if s in sessions)
    flat_by = terms.flat_by
    if flat_by is not None and own.flat_by_lead_minutes is not None:
        flat_by = replace(flat_by, lead_minutes=max(flat_by.lead_minutes, own.flat_by_lead_minutes))
    cap = None if own.max_contracts is None else Decimal(own.max_contracts)
    return replace(
        terms,
        floors=tuple(floors),
        flat_by=flat_by,
        allowed_sessions=allowed,
        max_contracts=_lower(terms.max_contracts, cap),
        max_equity_risk_share=_lower(terms.max_equity_risk_share, own.max_risk_share),
        max_trades_per_day=_fewer(terms.max_trades_per_day, own.max_trades_per_day),
        max_losses_in_a_row=own.max_losses_in_a_row,
        cool_off_minutes=own.cool_off_minutes,
        profit_lock=own.profit_lock,
    )


def _fewer(first: int | None, second: int | None) -> int | None:
    return min((x for x in (first, second) if x is not None), default=None)


def snapshot(pairs: Iterable[tuple[ProgramTerms, GuardPolicy]]) -> list[str]:
    """The digest of each account's effective terms; texts not stored yet are stored, in one statement."""
    written = [written_out(terms, guard) for terms, guard in pairs]
    digests = [found for found, _ in written]
    known = {row.digest for row in read(TermsSnapshot, "digest {digests}", digests=digests)}
    now = timezone.now()
    missing = {found: text for found, text in written if found not in known}
    if missing:
        TermsSnapshot.objects.bulk_create(
            # In one order everywhere: two transactions with the same new texts would lock each other out.
            [TermsSnapshot(digest=found, text=text, made_at=now) for found, text in sorted(missing.items())],
            ignore_conflicts=True,
        )
    return digests


_texts: dict[tuple[int, GuardPolicy], tuple[ProgramTerms, str, str]] = {}


def written_out(terms: ProgramTerms, guard: GuardPolicy) -> tuple[str, str]:
    """Digest and canonical text. Terms are one object as long as the rules don't change (see rulebook), so
    they are written out once, not for every order."""
    key = (id(terms), guard)
    found = _texts.get(key)
    if found is None or found[0] is not terms:
        if len(_texts) > 10_000:
            _texts.clear()
        text = canonical_text({"program": terms, "guard": guard})
        found = _texts[key] = (terms, digest(text), text)
    return found[1], found[2]


def _lower(first: Decimal | None, second: Decimal | None) -> Decimal | None:
    return min((x for x in (first, second) if x is not None), default=None)


def _sessions(
    program: Program,
    own: Sequence[TradingSession],
    every: Iterable[TradingSession],
    names: tuple[str, ...] | None,
    problems: list[str],
) -> tuple[Session, ...] | None:
    if names is None:
        return tuple(_to_core(row) for row in own) or None
    rows = {row.name.upper(): row for row in (own or every)}
    if not own and (unknown := [name for name in names if name not in rows]):
        problems.append(f"{program.firm.code}_ALLOWED_SESSIONS names unknown sessions: {', '.join(unknown)}")
    return tuple(_to_core(rows[name]) for name in names if name in rows)


def _to_core(row: TradingSession) -> Session:
    return Session(row.name, row.opens, row.closes, row.zone)


def _tightened(floors: list[LossFloor], kind: FloorKind, amount: Decimal, size: Decimal) -> list[LossFloor]:
    """The floors with one of the environment's own beside each of `kind` that lies farther than `amount`
    from its anchor; a program without any gets one.

    It is the owner's word, not the firm's: it never ends, no payout moves it, and crossing it shuts the
    day. The one a program doesn't have is the contract's: daily from the day's opening balance, drawdown
    from the highest equity.
    """
    alike = [floor for floor in floors if floor.kind is kind]
    daily = kind is FloorKind.DAILY_LOSS
    own = LossFloor(
        kind=kind,
        anchor=Anchor.DAY_START_BALANCE if daily else Anchor.HIGHEST_EQUITY,
        boundary=Boundary.AT,
        consequence=Consequence.SOFT,
        amount=amount,
        personal=True,
    )
    if not alike:
        return [*floors, own]
    added = []
    for floor in alike:
        distance = _fixed_distance(floor, size)
        if distance is None or distance > amount:
            shape = {name: getattr(floor, name) for name in _SHAPE}
            added.append(replace(own, **shape))
    return [*floors, *dict.fromkeys(added)]


_SHAPE = ("anchor", "boundary", "tested_on", "lock_at", "lock_trigger")


def _fixed_distance(floor: LossFloor, size: Decimal) -> Decimal | None:
    """How far below its anchor a floor always lies; None where that moves, ends or is moved by a payout."""
    if floor.tiers or floor.ends_from_profit is not None or floor.payout_effect is not PayoutEffect.NONE:
        return None
    if floor.share is None:
        return floor.amount
    return floor.share * size if floor.share_of is ShareOf.INITIAL else None


def _metadata(terms: ProgramTerms) -> dict[str, Any]:
    if terms.unavailable is not None:
        return {"unavailable": terms.unavailable}
    drawdown = _smallest(terms, FloorKind.DRAWDOWN, terms.size)
    lowest_balance = max(terms.size - (drawdown or terms.size), Decimal(0))
    daily = _smallest(terms, FloorKind.DAILY_LOSS, lowest_balance)
    sessions = terms.allowed_sessions
    return {
        "allowed_sessions": None if sessions is None else [session.name for session in sessions],
        "max_contracts": _smallest_cap(terms),
        "max_risk_per_trade_pct": _float(_smallest_share(terms)),
        "daily_loss_limit": _float(daily),
        "max_drawdown": _float(drawdown),
    }


_RISK_OF_MONEY = {core.RiskOf.EQUITY, core.RiskOf.BALANCE, core.RiskOf.INITIAL}


def _smallest(terms: ProgramTerms, kind: FloorKind, lowest_anchor: Decimal) -> Decimal | None:
    """The smallest distance that any floor of this kind can have."""
    amounts = []
    for floor in terms.floors:
        if floor.kind is kind:
            base = lowest_anchor if floor.share_of is ShareOf.ANCHOR else terms.size
            if floor.tiers:
                amounts.append(min(tier.value for tier in floor.tiers))
            elif floor.amount is not None:
                amounts.append(floor.amount)
            else:
                amounts.append((floor.share or Decimal(0)) * base)
    return min(amounts, default=None)


def _smallest_share(terms: ProgramTerms) -> Decimal | None:
    firms = terms.max_risk_share if terms.risk_of in _RISK_OF_MONEY else None
    return _lower(firms, terms.max_equity_risk_share)


def _smallest_cap(terms: ProgramTerms) -> int | None:
    caps = [tier.value for tier in terms.tiers]
    if terms.max_contracts is not None:
        caps.append(terms.max_contracts)
    return int(min(caps)) if caps else None


def _float(number: Decimal | None) -> float | None:
    return None if number is None else float(number)
