"""`check_order_enforcement`: the written contract's six checks, plain dicts in, a plain dict out.

These six and no more, in the contract's order. Everything else a real program demands (the worst case,
reservations, static and locked floors, micros) is in `evaluate_order`, which the router uses.
"""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any, TypedDict

from enforcement.decision import BreachType
from enforcement.exposure import stop_loss_money
from enforcement.instruments import BUILT_IN, Instrument, find

LARGEST_SIZE = Decimal(10) ** 12  # beyond it, decimal arithmetic on steps and ticks is not exact any more
DEFAULT_INSTRUMENT = BUILT_IN["NQ"]  # the description's, where an order names no symbol


class Verdict(TypedDict):
    allowed: bool
    reason: str
    breach_type: str | None


class Blocked(Exception):
    """A check that fails: its type and what it has to say."""

    def __init__(self, breach_type: str, reason: str) -> None:
        super().__init__(reason)
        self.breach_type = breach_type
        self.reason = reason


def check_order_enforcement(
    firm_code: str,
    program_id: int,
    program_metadata: Mapping[str, Any],
    account_state: Mapping[str, Any],
    order_data: Mapping[str, Any],
) -> Verdict:
    """May this order be sent? Never raises: an error is a blocked order.

    program_metadata  allowed_sessions, max_contracts, max_risk_per_trade_pct (a fraction: 0.01 is 1 %),
                      daily_loss_limit, max_drawdown (money); None or absent: the rule is off.
                      {"unavailable": reason} blocks with `error`.
    account_state     paused, equity, starting_balance (at the start of the trading day), peak_equity
    order_data        entry_price, stop_loss, contracts, session; symbol, or tick_size and tick_value

    The first check that fails decides: paused, session, contracts (> blocks), risk (> blocks),
    daily_loss (at or below blocks), drawdown (at or below blocks). A rule that is set and whose input
    is missing, not a finite number, or negative where it can't be, blocks with its own type.
    """
    try:
        _available(program_metadata, account_state, order_data)
        for check in (_paused, _session, _contracts, _risk, _daily_loss, _drawdown):
            check(program_metadata, account_state, order_data)
    except Blocked as blocked:
        return _verdict(blocked.breach_type, blocked.reason, firm_code, program_id)
    except Exception as error:  # noqa: BLE001 - the contract: never raises, an error is a blocked order
        reason = f"Enforcement error: {type(error).__name__}: {_text(error)}"
        return _verdict(BreachType.ERROR, reason, firm_code, program_id)
    return {"allowed": True, "reason": "All checks passed", "breach_type": None}


def _verdict(breach_type: str, reason: str, firm_code: object, program_id: object) -> Verdict:
    program = f"{_text(firm_code)}/{_text(program_id)}"
    return {"allowed": False, "reason": f"{reason} ({program})", "breach_type": breach_type}


def _text(value: object) -> str:
    try:
        return str(value)
    except Exception:  # noqa: BLE001 - a name that can't be printed must not undo the block
        return type(value).__name__


def _available(*given: object) -> None:
    for name, value in zip(("program_metadata", "account_state", "order_data"), given, strict=True):
        if not isinstance(value, Mapping):
            raise Blocked(BreachType.ERROR, f"{name} is missing or not a dict")
        if name == "program_metadata" and "unavailable" in value:
            raise Blocked(BreachType.ERROR, f"Program unavailable: {value['unavailable']}")


def _paused(metadata: Mapping[str, Any], state: Mapping[str, Any], order: Mapping[str, Any]) -> None:
    paused = state.get("paused", False)
    if paused is False:
        return
    detail = "" if paused is True else f": paused is {_text(paused)!r}, not exactly false"
    raise Blocked(BreachType.PAUSED, f"Account paused{detail}")


def _session(metadata: Mapping[str, Any], state: Mapping[str, Any], order: Mapping[str, Any]) -> None:
    allowed, phrase = metadata.get("allowed_sessions"), "Invalid session"
    if allowed is None:
        return
    if not isinstance(allowed, (list, tuple, set, frozenset)):
        raise Blocked(BreachType.SESSION, f"{phrase}: allowed_sessions is not a list")
    names = list(allowed)
    session = order.get("session")
    if not isinstance(session, str) or not session:
        raise Blocked(BreachType.SESSION, f"{phrase}: session is missing, allowed are {names}")
    if session not in names:
        raise Blocked(BreachType.SESSION, f"{phrase}: {session!r} is not in {names}")


def _contracts(metadata: Mapping[str, Any], state: Mapping[str, Any], order: Mapping[str, Any]) -> None:
    phrase = "Exceeds max contracts"
    if metadata.get("max_contracts") is None:
        return
    limit = _number(metadata, "max_contracts", BreachType.CONTRACTS, phrase, at_least=0)
    contracts = _size(order, BreachType.CONTRACTS, phrase)
    if contracts > limit:
        raise Blocked(BreachType.CONTRACTS, f"{phrase}: {contracts} > {limit}")


def _risk(metadata: Mapping[str, Any], state: Mapping[str, Any], order: Mapping[str, Any]) -> None:
    phrase = "Exceeds risk limit"
    if metadata.get("max_risk_per_trade_pct") is None:
        return
    share = _number(metadata, "max_risk_per_trade_pct", BreachType.RISK, phrase, at_least=0)
    if share >= 1:
        raise Blocked(
            BreachType.RISK, f"{phrase}: max_risk_per_trade_pct {share} is not a fraction (0.01 is 1 %)"
        )
    entry = _number(order, "entry_price", BreachType.RISK, phrase)
    stop = _number(order, "stop_loss", BreachType.RISK, phrase)
    contracts = _size(order, BreachType.RISK, phrase)
    equity = _number(state, "equity", BreachType.RISK, phrase)
    risk = stop_loss_money(_priced(order, phrase), entry, stop, contracts)
    limit = equity * share
    if risk > limit:
        raise Blocked(BreachType.RISK, f"{phrase}: {risk:.2f} > {limit:.2f}")


def _daily_loss(metadata: Mapping[str, Any], state: Mapping[str, Any], order: Mapping[str, Any]) -> None:
    _above_floor(
        metadata,
        state,
        limit_key="daily_loss_limit",
        anchor_key="starting_balance",
        breach_type=BreachType.DAILY_LOSS,
        phrase="Daily loss limit reached",
    )


def _drawdown(metadata: Mapping[str, Any], state: Mapping[str, Any], order: Mapping[str, Any]) -> None:
    _above_floor(
        metadata,
        state,
        limit_key="max_drawdown",
        anchor_key="peak_equity",
        breach_type=BreachType.DRAWDOWN,
        phrase="Drawdown limit reached",
    )


def _above_floor(
    metadata: Mapping[str, Any],
    state: Mapping[str, Any],
    *,
    limit_key: str,
    anchor_key: str,
    breach_type: str,
    phrase: str,
) -> None:
    if metadata.get(limit_key) is None:
        return
    limit = _number(metadata, limit_key, breach_type, phrase, at_least=0)
    equity = _number(state, "equity", breach_type, phrase)
    floor = _number(state, anchor_key, breach_type, phrase) - limit
    if equity <= floor:
        raise Blocked(breach_type, f"{phrase}: equity {equity:.2f} <= floor {floor:.2f}")


def _number(
    source: Mapping[str, Any], key: str, breach_type: str, phrase: str, *, at_least: int | None = None
) -> Decimal:
    """A finite number. Booleans and numeric strings are not numbers here."""
    value = source.get(key)
    if value is None:
        raise Blocked(breach_type, f"{phrase}: {key} is missing")
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        raise Blocked(breach_type, f"{phrase}: {key} is not a number ({type(value).__name__})")
    number = Decimal(str(value)) if isinstance(value, float) else Decimal(value)
    if not number.is_finite():
        raise Blocked(breach_type, f"{phrase}: {key} is {number}")
    if at_least is not None and number < at_least:
        raise Blocked(breach_type, f"{phrase}: {key} {number} is negative")
    return number


def _size(order: Mapping[str, Any], breach_type: str, phrase: str) -> Decimal:
    """Contracts above zero, whole unless the instrument named trades in finer steps."""
    contracts = _number(order, "contracts", breach_type, phrase)
    if contracts <= 0:
        raise Blocked(breach_type, f"{phrase}: contracts {contracts} is not above zero")
    if contracts >= LARGEST_SIZE:
        raise Blocked(breach_type, f"{phrase}: contracts {contracts} is no size that anybody trades")
    step = (_named(order) or DEFAULT_INSTRUMENT).step
    if contracts % step != 0:
        raise Blocked(breach_type, f"{phrase}: contracts {contracts} is not a multiple of {step}")
    return contracts


def _priced(order: Mapping[str, Any], phrase: str) -> Instrument:
    """The instrument whose ticks price the order: the order's own tick size and value, else its symbol's."""
    named = _named(order)
    if order.get("tick_size") is None and order.get("tick_value") is None:
        if named is None:
            raise Blocked(BreachType.RISK, f"{phrase}: symbol {_text(order.get('symbol'))!r} is not known")
        return named
    tick_size = _number(order, "tick_size", BreachType.RISK, phrase, at_least=0)
    tick_value = _number(order, "tick_value", BreachType.RISK, phrase, at_least=0)
    for name, value in (("tick_size", tick_size), ("tick_value", tick_value)):
        if value == 0:
            raise Blocked(BreachType.RISK, f"{phrase}: {name} is 0")
    return replace(DEFAULT_INSTRUMENT, tick_size=tick_size, tick_value=tick_value)


def _named(order: Mapping[str, Any]) -> Instrument | None:
    """The instrument of the order's symbol, None if unknown. No symbol at all means the description's."""
    symbol = order.get("symbol")
    if symbol is None:
        return DEFAULT_INSTRUMENT
    return find(symbol) if isinstance(symbol, str) else None
