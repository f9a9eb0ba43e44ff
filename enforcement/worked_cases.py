"""Worked cases: a rule, a timeline and a question as plain data, answered by the real engine.

The format is that of published examples collected as data (one JSON object per case):

    rule       the program's rules as a snapshot: starting_balance, drawdown, daily_loss, max_contracts,
               scaling, session, news, hedging, automation, stop_loss_required, max_risk_per_trade,
               consistency
    timeline   rows {t, balance, equity}: the state from their instant until the next; a row may carry
               `payout` (its amount) or `payout_requested`
    question   {t, type}: equity_check, order, hold_check, consistency, pnl
    expected   allowed, breach_type, cause and the figures; what a case doesn't name is not compared

It is the firm's verdict that is asked for: our own guards (buffer, slippage, next reset, run-up, staleness,
duplicates, tick checks) are off. This module builds terms, state and intent and asks; it computes nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from enforcement.context import NewsEvent, OtherExposure
from enforcement.decision import Decision, Finding, Outcome
from enforcement.exposure import Position, WorkingOrder, stop_loss_money
from enforcement.floors import FloorKind
from enforcement.holding import evaluate_holding
from enforcement.instruments import Instrument, find
from enforcement.orders import OrderIntent, Side
from enforcement.program import Deployment, GuardPolicy, HoldsOverReset, ProgramTerms
from enforcement.progress import consistency
from enforcement.rules.max_contracts import cap_now, contracts_after
from enforcement.scenario import Event, Hold, Look, Mark, Order, Payout, Step, Surroundings, run, worst_of
from enforcement.snapshots import CaseError, cash_flow_of, consistency_of, number, terms_of

Case = Mapping[str, Any]
FOR_EVER = 10**10
GUARD = GuardPolicy(
    slippage_ticks=Decimal(0),
    commission_per_side=Decimal(0),
    block_at_floor=False,
    holds_over_reset=HoldsOverReset.NEVER,
    count_run_up=False,
    max_state_age_seconds=FOR_EVER,
    max_signal_age_seconds=FOR_EVER,
    duplicate_window_seconds=0,
)
# Rules that are ours, not a firm's; and what only says that something isn't known.
_OURS = frozenset({"program_terms", "admission", "account_data_fresh", "signal_fresh", "duplicate_order"})
_OUR_CODES = frozenset(
    {"order_shape.price_off_tick", "order_shape.size_off_step", "order_shape.price_missing",
     "order_shape.stop_on_wrong_side", "order_shape.target_on_wrong_side",
     "protective_stop.no_bound"}
)  # fmt: skip
_WORDS = {"drawdown": "max_drawdown", "contracts": "max_contracts", "risk": "risk_per_trade"}
COMPARED = (
    "allowed", "breach_type", "cause", "floor", "drawdown_floor", "daily_floor", "projected_equity",
    "contract_limit", "contracts_after", "ratio_pct", "required_total", "effective_target", "money",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One figure that came out differently. `by` names the floor or the finding behind it."""

    case: str
    what: str
    expected: object
    got: object
    by: str = ""


def verify(case: Case) -> list[Difference]:
    """Every difference between what a case expects and what the engine says; [] when it passes.

    A case that can't be read is a difference too, of `case`, with what is wrong.
    """
    name = str(case.get("id", "?"))
    try:
        got, by = answer(case)
    except (CaseError, KeyError, ValueError, ArithmeticError, TypeError, AttributeError) as error:
        return [Difference(case=name, what="case", expected="a case that can be read", got=repr(error))]
    expected = case.get("expected", {})
    return [
        Difference(case=name, what=what, expected=expected[what], got=got.get(what), by=by)
        for what in COMPARED
        if what in expected and not _same(what, expected[what], got.get(what))
    ]


_DIVIDED = frozenset({"ratio_pct", "required_total", "effective_target"})


def _same(what: str, expected: object, got: object) -> bool:
    """Numbers agree to a cent; those that come from a division, to the last place the case gives."""
    if isinstance(expected, bool) or not isinstance(expected, (int, Decimal)) or not isinstance(got, Decimal):
        return expected == got
    wished = Decimal(expected)
    if what in _DIVIDED and got.quantize(wished) == wished:
        return True
    return abs(wished - got) < Decimal("0.01")


def answer(case: Case) -> tuple[dict[str, Any], str]:
    """What the engine says to a case, in the case's words, and by which floor or finding."""
    question = case["question"]
    kind = question["type"]
    if kind == "pnl":
        return _money(question["order"]), ""
    if kind == "consistency":
        return _consistency(case), ""
    if kind not in _ANSWERS:
        raise CaseError(
            f"question.type: {kind!r} is not one of {', '.join(['consistency', 'pnl', *_ANSWERS])}"
        )
    return _ANSWERS[kind](case)


# --- questions about an account -------------------------------------------------------------------------


def _equity_check(case: Case) -> tuple[dict[str, Any], str]:
    step = _last_step(case, Look(at=moment(case["question"]["t"])))
    breach_type, cause, by = _standing_breach(step)
    return {"allowed": breach_type is None, "breach_type": breach_type, "cause": cause, **_floors(step)}, by


def _hold_check(case: Case) -> tuple[dict[str, Any], str]:
    position = case["question"]["position"]
    step = _last_step(case, Look(at=moment(case["question"]["t"])))
    breach_type, cause, by = _standing_breach(step)
    finding = evaluate_holding(step.context, _instrument(position["symbol"], step.context.terms))
    if breach_type is None and finding.outcome.blocks:
        breach_type, by = finding.breach_type, finding.code
    return {"allowed": breach_type is None, "breach_type": breach_type, "cause": cause, **_floors(step)}, by


def _order(case: Case) -> tuple[dict[str, Any], str]:
    question = case["question"]
    at, data = moment(question["t"]), question["order"]
    terms = terms_of(case)
    intent = _intent(data, at, terms)
    step = _last_step(case, Order(at=at, intent=intent))
    decision = step.decision
    if decision is None:
        raise CaseError("the order was not judged")
    refusal = _firms_word(decision, intent)
    got: dict[str, Any] = {"allowed": refusal is None, "breach_type": None, **_floors(step)}
    by = ""
    if refusal is not None:
        got["breach_type"], got["cause"] = _breach_words(refusal)
        by = refusal.code
    # An approved order works already in the step's own context: the figures are those before it.
    before = replace(step.context, working=step.context.working[: len(_around_working(case))])
    if intent.quantity is not None and intent.instrument is not None and not intent.reduces:
        got["contracts_after"] = contracts_after(before, intent)
        got["contract_limit"] = cap_now(before)[0]
    if decision.risk is not None and before.open_risk is not None:
        got["projected_equity"] = step.state.equity - before.open_risk - decision.risk
    return got, by


_ANSWERS = {"equity_check": _equity_check, "hold_check": _hold_check, "order": _order}


def _last_step(case: Case, asked: Event) -> Step:
    terms, question = terms_of(case), case["question"]
    around = Surroundings(
        others=tuple(_others(_elsewhere(question), terms)),
        news=tuple(_event(row) for row in question.get("calendar", ())),
        live=True,
        deployment=_deployment(case["rule"].get("automation"), question.get("order", {})),
        working=tuple(_working(row, terms) for row in _around_working(case)),
    )
    *_, last = run(_timeline(case, asked, terms), terms, GUARD, around=around)
    return last


def _timeline(case: Case, asked: Event, terms: ProgramTerms) -> list[Event]:
    """The rows up to the question, what is open then, and the question."""
    events: list[Event] = []
    balance = terms.starting_balance
    for row in case.get("timeline", ()):
        at = moment(row["t"])
        if at > asked.at:
            break
        payout = cash_flow_of(row, balance)
        if payout is not None:
            events.append(Payout(at=at, flow=payout[0], amount=payout[1]))
        balance = number(row["balance"])
        events.append(Mark(at=at, balance=balance, equity=number(row["equity"])))
    elsewhere = _elsewhere(case["question"])
    own = [row for row in case["question"].get("open_positions") or () if row not in elsewhere]
    if own:
        events.append(Hold(at=asked.at, positions=tuple(_position(row, terms) for row in own)))
    return [*events, asked]


def _around_working(case: Case) -> Sequence[Mapping[str, Any]]:
    return case["question"].get("working_orders") or ()


def _working(row: Mapping[str, Any], terms: ProgramTerms) -> WorkingOrder:
    instrument, quantity = _instrument(row["symbol"], terms), number(row["qty"])
    entry, stop = _maybe(row.get("entry", row.get("price"))), _maybe(row.get("stop"))
    risk = Decimal(0) if entry is None or stop is None else stop_loss_money(instrument, entry, stop, quantity)
    return WorkingOrder(instrument=instrument, side=Side(row["side"]), quantity=quantity, risk=risk)


def _elsewhere(question: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Positions of another account than the order's."""
    own = (question.get("order") or {}).get("account")
    rows = question.get("open_positions") or ()
    return [row for row in rows if row.get("account") and row["account"] != own]


def _standing_breach(step: Step) -> tuple[str | None, str | None, str]:
    """How the account stands: failed before, crossed now (hard before soft, then the higher), locked."""
    for flag in step.flags:
        if flag.key == "failed":
            return "account_failed", _WORDS.get(flag.cause, flag.cause), "failed"
    crossed = worst_of(step.standing.crossed)
    if crossed is not None:
        kind = crossed.floor.kind.value
        return _WORDS.get(kind, kind), None, f"{kind} floor {crossed.level}"
    locked = any(flag.key == "day_lock" for flag in step.flags)
    return ("daily_loss", None, "day lock") if locked else (None, None, "")


def _floors(step: Step) -> dict[str, Decimal | None]:
    levels: dict[FloorKind, Decimal] = {}
    for room in step.standing.floors:
        if room.level is not None:
            levels[room.floor.kind] = max(levels.get(room.floor.kind, room.level), room.level)
    return {
        "floor": max(levels.values(), default=None),
        "drawdown_floor": levels.get(FloorKind.DRAWDOWN),
        "daily_floor": levels.get(FloorKind.DAILY_LOSS),
    }


def _firms_word(decision: Decision, intent: OrderIntent) -> Finding | None:
    """The first rule of the firm that refuses. An exit is judged by what its rule said before the cap, and
    only where the firm may forbid closing: around releases."""
    for finding in decision.findings:
        said = finding.verdict or finding.outcome
        is_firms = finding.rule not in _OURS and finding.code not in _OUR_CODES
        if intent.reduces:
            is_firms = finding.rule == "news_window"
        if said is Outcome.DENY and is_firms:
            return finding
    return None


def _breach_words(refusal: Finding) -> tuple[str, str | None]:
    if refusal.code == "trading_state.failed":
        return "account_failed", _WORDS.get(refusal.breach_type, refusal.breach_type)
    if refusal.rule == "protective_stop":
        return "stop_loss_required", None
    return _WORDS.get(refusal.breach_type, refusal.breach_type), None


# --- questions of arithmetic ----------------------------------------------------------------------------


def _money(order: Mapping[str, Any]) -> dict[str, Any]:
    instrument = find(str(order["symbol"]))
    if instrument is None:
        raise CaseError(f"question.order.symbol: {order['symbol']!r} is not known")
    change = abs(number(order["entry"]) - number(order["exit"]))
    money = instrument.money(change, number(order["qty"]))
    return {"allowed": True, "breach_type": None, "money": money}


def _consistency(case: Case) -> dict[str, Any]:
    rule, target = consistency_of(case)
    even = consistency(rule, [number(day) for day in case["question"]["daily_pnl"]], target)
    return {
        "allowed": even.is_met,
        "breach_type": None if even.is_met else "consistency",
        "ratio_pct": None if even.share is None else even.share * 100,
        "required_total": even.required_total,
        "effective_target": even.target,
    }


# --- plain data to the core's values --------------------------------------------------------------------


def moment(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise CaseError(f"{text}: a time needs its offset")
    return at


def _instrument(symbol: str, terms: ProgramTerms) -> Instrument:
    """The product; where its money is another than the account's the cases take a rate of 1."""
    instrument = find(str(symbol))
    if instrument is None:
        raise CaseError(f"symbol: {symbol!r} is not known")
    return (
        instrument if instrument.currency == terms.currency else replace(instrument, currency=terms.currency)
    )


def _intent(data: Mapping[str, Any], at: datetime, terms: ProgramTerms) -> OrderIntent:
    """An order without a route was typed by a person: automation does not concern it."""
    return OrderIntent(
        symbol=str(data["symbol"]),
        side=Side(data["side"]),
        signalled_at=at,
        instrument=_instrument(data["symbol"], terms),
        quantity=number(data["qty"]),
        entry_price=_maybe(data.get("entry", data.get("price"))),
        stop_loss=_maybe(data.get("stop")),
        target=_maybe(data.get("target")),
        reduces=bool(data.get("reduces_position", False)),
        automated=str(data.get("route", "manual")) != "manual",
        opened_at=moment(data["opened_at"]) if data.get("opened_at") else None,
        commission=number(data.get("commission", 0)),
        has_own_id=True,
    )


def _position(row: Mapping[str, Any], terms: ProgramTerms) -> Position:
    """A position without a stop adds nothing to the projection in the cases: as if stopped where it is."""
    sign = Side(row["side"]).sign
    price = number(row.get("price", row.get("entry", 0)))
    stop = _maybe(row.get("stop"))
    return Position(
        instrument=_instrument(row["symbol"], terms),
        quantity=number(row["qty"]) * sign,
        price=price,
        stop=price if stop is None else stop,
    )


def _others(rows: Sequence[Mapping[str, Any]], terms: ProgramTerms) -> list[OtherExposure]:
    found = []
    for row in rows:
        one = _instrument(row["symbol"], terms)
        sign = Side(row["side"]).sign
        found.append(OtherExposure(str(row["account"]), one.symbol, one.family, one.group, sign))
    return found


def _event(row: Mapping[str, Any]) -> NewsEvent:
    return NewsEvent(
        name=str(row["name"]),
        at=moment(row["t"]),
        impact=str(row.get("impact", "high")),
        currency=str(row.get("currency", "USD")),
        targets=frozenset(str(symbol) for symbol in row.get("targets") or ()),
    )


def _deployment(automation: Mapping[str, Any] | None, order: Mapping[str, Any]) -> Deployment:
    """Where the order comes from, against the hosts a program names."""
    host, hosts = order.get("host"), (automation or {}).get("hosts")
    if hosts:
        return Deployment.OWN_DEVICE if host in hosts else Deployment.SERVER
    return Deployment.OWN_DEVICE if host in (None, "personal_device", "own_device") else Deployment.SERVER


def _maybe(value: object) -> Decimal | None:
    return None if value is None else number(value)
