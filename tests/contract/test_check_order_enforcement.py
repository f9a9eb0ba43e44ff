"""`check_order_enforcement`: six checks on plain dicts, the first that fails decides, never an exception.

The stock case passes all six: 50,000 of equity, 2 NQ at 20,000 with the stop ten points below. Ten points
are 40 ticks of $5: 400 for two contracts, of the 500 that one percent allows. The daily floor is 49,000,
the drawdown floor 47,500.
"""

import math
from collections.abc import Iterator, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from enforcement import check_order_enforcement
from enforcement.instruments import BUILT_IN
from tests.enforcement.make import PROPERTY

pytestmark = pytest.mark.core

METADATA: dict[str, Any] = {
    "allowed_sessions": ["NY AM", "LONDON"], "max_contracts": 5, "max_risk_per_trade_pct": 0.01,
    "daily_loss_limit": 1000.0, "max_drawdown": 2500.0,
}  # fmt: skip
STATE: dict[str, Any] = {
    "paused": False, "equity": 50_000.0, "starting_balance": 50_000.0, "peak_equity": 50_000.0,
}  # fmt: skip
ORDER: dict[str, Any] = {"entry_price": 20_000.0, "stop_loss": 19_990.0, "contracts": 2, "session": "NY AM"}
OFF: dict[str, Any] = dict.fromkeys(METADATA)
APPROVED = {"allowed": True, "reason": "All checks passed", "breach_type": None}
ABSENT = object()


def merged(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in {**base, **changes}.items() if value is not ABSENT}


def check(
    metadata: dict[str, Any] | None = None,
    state: dict[str, Any] | None = None,
    order: dict[str, Any] | None = None,
) -> Any:
    """The stock case with the given changes."""
    return check_order_enforcement(
        "FTMO", 1, merged(METADATA, metadata or {}), merged(STATE, state or {}), merged(ORDER, order or {})
    )


def only(rule: str) -> dict[str, Any]:
    """Metadata in which just one rule is set."""
    return {**OFF, rule: METADATA[rule]}


# --- the six checks, at their limits ------------------------------------------------------------------


def test_an_order_within_every_limit_is_allowed() -> None:
    assert check() == APPROVED


def test_without_any_rule_everything_is_allowed() -> None:
    assert check_order_enforcement("FTMO", 1, {}, {}, {}) == APPROVED


NOT_FALSE: list[Any] = [None, 0, 0.0, "", "false", "False", [], 1, "true", math.nan, Decimal(0)]
LIMITS: list[Any] = [
    # paused: exactly false, or absent, and nothing else
    pytest.param({}, {"paused": True}, {}, "paused", id="paused"),
    pytest.param({}, {"paused": False}, {}, None, id="not paused"),
    pytest.param({}, {"paused": ABSENT}, {}, None, id="nothing said of a pause"),
    *(
        pytest.param({}, {"paused": value}, {}, "paused", id=f"paused is {value!r}, which is not false")
        for value in NOT_FALSE
    ),
    # session
    pytest.param({}, {}, {"session": "LONDON"}, None, id="the other allowed session"),
    pytest.param({}, {}, {"session": "ASIA"}, "session", id="a session that is not allowed"),
    pytest.param({}, {}, {"session": "ny am"}, "session", id="small letters are another session"),
    pytest.param({}, {}, {"session": " NY AM"}, "session", id="a blank more is another session"),
    pytest.param({}, {}, {"session": "NY"}, "session", id="a part of a name is another session"),
    pytest.param({"allowed_sessions": []}, {}, {}, "session", id="no session is allowed"),
    pytest.param({"allowed_sessions": None}, {}, {"session": "ASIA"}, None, id="sessions are off"),
    pytest.param({"allowed_sessions": ABSENT}, {}, {"session": None}, None, id="sessions are absent"),
    # contracts: above blocks
    pytest.param({"max_contracts": 2}, {}, {}, None, id="contracts at the limit"),
    pytest.param({"max_contracts": 3}, {}, {}, None, id="one contract of headroom"),
    pytest.param({"max_contracts": 1}, {}, {}, "contracts", id="one contract too many"),
    pytest.param({"max_contracts": 0}, {}, {"contracts": 1}, "contracts", id="a limit of zero"),
    pytest.param({"max_contracts": None}, {}, {"contracts": 2}, None, id="contracts are off"),
    # risk: above blocks; 400 against equity x share
    pytest.param({}, {"equity": 50_000}, {"stop_loss": 19_987.5}, None, id="500 of 500: risk at the limit"),
    pytest.param({}, {"equity": 50_001}, {"stop_loss": 19_987.5}, None, id="500 of 500.01"),
    pytest.param({}, {"equity": 49_999}, {"stop_loss": 19_987.5}, "risk", id="500 of 499.99: a cent above"),
    pytest.param({}, {}, {"stop_loss": 19_987.25}, "risk", id="one tick farther"),
    pytest.param({}, {}, {"stop_loss": 20_012.5}, None, id="a short's stop is above: the distance counts"),
    pytest.param({}, {}, {"stop_loss": 20_012.75}, "risk", id="a short's stop one tick farther"),
    pytest.param({}, {}, {"contracts": 3}, "risk", id="600 of 500 with a third contract"),
    pytest.param({"max_risk_per_trade_pct": 0.008}, {}, {}, None, id="400 of 0.8 %"),
    pytest.param({"max_risk_per_trade_pct": 0.007}, {}, {}, "risk", id="400 of 0.7 %"),
    pytest.param({"max_risk_per_trade_pct": 0}, {}, {}, "risk", id="a share of zero"),
    pytest.param({"max_risk_per_trade_pct": 1}, {}, {}, "risk", id="1 is not a fraction"),
    pytest.param({"max_risk_per_trade_pct": 1.0}, {}, {}, "risk", id="1.0 is not a fraction"),
    pytest.param({"max_risk_per_trade_pct": 2}, {}, {}, "risk", id="2 is a percent number by mistake"),
    pytest.param({"max_risk_per_trade_pct": 0.999}, {}, {}, None, id="0.999 is one"),
    pytest.param({"max_risk_per_trade_pct": None}, {}, {"stop_loss": 1.0}, None, id="risk is off"),
    pytest.param({"daily_loss_limit": None, "max_drawdown": None}, {"equity": 0}, {}, "risk", id="no equity"),
    pytest.param(
        {"daily_loss_limit": None, "max_drawdown": None}, {"equity": -1}, {}, "risk", id="equity below zero"
    ),
    # daily loss: at or below 49,000 blocks
    pytest.param({}, {"equity": 49_000.01}, {}, None, id="one cent above the daily floor"),
    pytest.param({}, {"equity": 49_000.00}, {}, "daily_loss", id="at the daily floor"),
    pytest.param({}, {"equity": 48_999.99}, {}, "daily_loss", id="one cent below the daily floor"),
    pytest.param({"daily_loss_limit": 0}, {}, {}, "daily_loss", id="a daily limit of zero"),
    pytest.param({"daily_loss_limit": None}, {"equity": 48_000}, {}, None, id="the daily limit is off"),
    # drawdown: at or below 47,500 blocks; the day began at 47,600
    *(
        pytest.param({}, {"equity": equity, "starting_balance": 47_600}, {}, breach, id=f"drawdown: {name}")
        for equity, breach, name in (
            (47_500.01, None, "one cent above the floor"),
            (47_500.00, "drawdown", "at the floor"),
            (47_499.99, "drawdown", "one cent below the floor"),
        )
    ),
    pytest.param({"max_drawdown": 0}, {}, {}, "drawdown", id="a drawdown of zero"),
    pytest.param(
        {"max_drawdown": None, "daily_loss_limit": None},
        {"equity": 40_000.00},
        {},
        None,
        id="drawdown is off",
    ),
]


@pytest.mark.parametrize(("metadata", "state", "order", "breach_type"), LIMITS)
def test_the_limit_and_one_step_on_either_side(
    metadata: dict[str, Any], state: dict[str, Any], order: dict[str, Any], breach_type: str | None
) -> None:
    verdict = check(metadata, state, order)
    assert verdict["breach_type"] == breach_type
    assert verdict["allowed"] is (breach_type is None)
    assert (verdict == APPROVED) == (breach_type is None)


# --- which check decides ------------------------------------------------------------------------------

ALL_FAIL: tuple[dict[str, Any], dict[str, Any], dict[str, Any]] = (
    {"max_contracts": 1},
    {"paused": True, "equity": 30_000.0},
    {"session": "ASIA"},
)
# What mends each check, in the contract's order.
MENDS: list[tuple[str, int, dict[str, Any]]] = [
    ("paused", 1, {"paused": False}),
    ("session", 2, {"session": "NY AM"}),
    ("contracts", 0, {"max_contracts": 2}),
    ("risk", 0, {"max_risk_per_trade_pct": 0.05}),
    ("daily_loss", 1, {"starting_balance": 30_500.0}),
    ("drawdown", 1, {"peak_equity": 32_000.0}),
]


@pytest.mark.parametrize("mended", range(len(MENDS) + 1), ids=[*(name for name, *_ in MENDS), "all mended"])
def test_the_first_check_that_fails_decides(mended: int) -> None:
    parts = [dict(part) for part in ALL_FAIL]
    for _, place, change in MENDS[:mended]:
        parts[place].update(change)
    expected = MENDS[mended][0] if mended < len(MENDS) else None
    assert check(*parts)["breach_type"] == expected


# --- what it says -------------------------------------------------------------------------------------

REASONS: list[tuple[dict[str, Any], dict[str, Any], dict[str, Any], str]] = [
    ({}, {"paused": True}, {}, "Account paused (FTMO/1)"),
    ({}, {"paused": "no"}, {}, "Account paused: paused is 'no', not exactly false (FTMO/1)"),
    ({}, {}, {"session": "ASIA"}, "Invalid session: 'ASIA' is not in ['NY AM', 'LONDON'] (FTMO/1)"),
    ({}, {}, {"contracts": 6}, "Exceeds max contracts: 6 > 5 (FTMO/1)"),
    ({"max_contracts": 0}, {}, {}, "Exceeds max contracts: 2 > 0 (FTMO/1)"),
    ({}, {}, {"contracts": 3}, "Exceeds risk limit: 600.00 > 500.00 (FTMO/1)"),
    ({"max_risk_per_trade_pct": 0}, {}, {}, "Exceeds risk limit: 400.00 > 0.00 (FTMO/1)"),
    ({"daily_loss_limit": 0}, {}, {}, "Daily loss limit reached: equity 50000.00 <= floor 50000.00 (FTMO/1)"),
    ({"max_drawdown": 0}, {}, {}, "Drawdown limit reached: equity 50000.00 <= floor 50000.00 (FTMO/1)"),
    (
        {}, {"equity": 49_000.0}, {},
        "Daily loss limit reached: equity 49000.00 <= floor 49000.00 (FTMO/1)",
    ),
    (
        {}, {"equity": 47_500.0, "starting_balance": 48_000.0}, {},
        "Drawdown limit reached: equity 47500.00 <= floor 47500.00 (FTMO/1)",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("metadata", "state", "order", "reason"), REASONS)
def test_the_reason_begins_with_the_contracts_phrase_then_the_numbers_then_the_program(
    metadata: dict[str, Any], state: dict[str, Any], order: dict[str, Any], reason: str
) -> None:
    assert check(metadata, state, order)["reason"] == reason


def test_every_reason_names_firm_and_program() -> None:
    verdict = check_order_enforcement("APEX", 42, METADATA, {**STATE, "paused": True}, ORDER)
    assert verdict["reason"].endswith("(APEX/42)")


# --- the safe reading of the risk formula -------------------------------------------------------------


def risk_stated(order: dict[str, Any]) -> str:
    """The risk a refusal states: against a limit of 0.01, everything but nothing is above it."""
    verdict = check({**only("max_risk_per_trade_pct")}, {"equity": 1.0}, order)
    assert verdict["breach_type"] == "risk"
    return str(verdict["reason"].removeprefix("Exceeds risk limit: ").partition(" ")[0])


def test_both_numbers_of_the_risk_formula_to_the_cent() -> None:
    """|entry - stop| x 5.0 x contracts is the description's; NQ's own tick makes it four times as much."""
    assert risk_stated({"tick_size": 1, "tick_value": 5.0}) == "100.00"
    assert risk_stated({}) == "400.00"


@pytest.mark.parametrize(("equity", "breach_type"), [(40_000.0, None), (39_999.0, "risk"), (9999.0, "risk")])
def test_the_four_times_larger_number_is_the_one_that_decides(equity: float, breach_type: str | None) -> None:
    metadata = only("max_risk_per_trade_pct")
    assert check(metadata, {"equity": equity})["breach_type"] == breach_type


@pytest.mark.parametrize(("equity", "breach_type"), [(10_000.0, None), (9999.0, "risk")])
def test_with_ticks_of_one_point_the_written_formulas_number_decides(
    equity: float, breach_type: str | None
) -> None:
    written = {"tick_size": 1, "tick_value": 5.0}
    assert check(only("max_risk_per_trade_pct"), {"equity": equity}, written)["breach_type"] == breach_type


EURO = {"entry_price": 1.1, "stop_loss": 1.099}


@pytest.mark.parametrize(
    ("order", "risk"),
    [
        pytest.param({"symbol": "NQ"}, "400.00", id="NQ by name"),
        pytest.param({"symbol": None}, "400.00", id="no symbol is the description's NQ"),
        pytest.param({"symbol": "MNQ"}, "40.00", id="its micro"),
        pytest.param({"symbol": "CME_MINI:NQ1!"}, "400.00", id="TradingView's continuous contract"),
        pytest.param({"symbol": "NQZ2026"}, "400.00", id="a dated contract"),
        pytest.param({"symbol": "MNQ 12-26"}, "40.00", id="NinjaTrader's"),
        pytest.param({"symbol": "CON.F.US.ENQ.Z26"}, "400.00", id="ProjectX's"),
        pytest.param({"symbol": "es1!"}, "1000.00", id="ES in small letters: 40 ticks of 12.50"),
        pytest.param({"symbol": "GC"}, "2000.00", id="gold: 100 ticks of 10"),
        pytest.param({"symbol": "6E1!", **EURO}, "250.00", id="euro: 20 ticks of 6.25"),
        pytest.param({"symbol": "EURUSD", **EURO, "contracts": 0.5}, "50.00", id="half a lot"),
        pytest.param({"symbol": "ES", "tick_size": 1, "tick_value": 5}, "100.00", id="own ticks"),
        pytest.param({"symbol": "FDAX", "tick_size": 0.5, "tick_value": 12.5}, "500.00", id="they suffice"),
        pytest.param({"tick_size": 0.25, "tick_value": 5}, "400.00", id="NQ's ticks, said aloud"),
        pytest.param({"tick_size": 0.25, "tick_value": 0.5}, "40.00", id="MNQ's ticks, said aloud"),
        pytest.param({"tick_size": Decimal("0.25"), "tick_value": Decimal(5)}, "400.00", id="as decimals"),
        pytest.param({"tick_size": None, "tick_value": None}, "400.00", id="ticks of None are absent"),
        pytest.param({"entry_price": 20_000.1, "stop_loss": 19_999.8}, "12.00", id="0.3 points exactly"),
        pytest.param({"entry_price": -20.0, "stop_loss": -30.0}, "400.00", id="prices below zero exist"),
    ],
)  # fmt: skip
def test_the_instrument_that_prices_the_order(order: dict[str, Any], risk: str) -> None:
    assert risk_stated(order) == risk


@pytest.mark.parametrize("symbol", ["FDAX", "", "NQ.x", "ENQ", "EURUSDm", 5, True, ["NQ"], b"NQ"])
def test_an_unknown_symbol_blocks_with_risk(symbol: object) -> None:
    verdict = check(only("max_risk_per_trade_pct"), order={"symbol": symbol})
    assert verdict["breach_type"] == "risk"
    assert "symbol" in verdict["reason"]


def test_an_unknown_symbol_is_no_matter_where_risk_is_off() -> None:
    assert check({"max_risk_per_trade_pct": None}, order={"symbol": "FDAX"}) == APPROVED


def test_binary_fractions_are_read_as_they_were_written() -> None:
    """0.1 + 0.2 is not 0.3 in floats: 49,000.30 is above 49,000.3 less nothing by no cent at all."""
    metadata = only("daily_loss_limit")
    state = {"starting_balance": 50_000.3, "equity": 49_000.3}
    assert check(metadata, state)["breach_type"] == "daily_loss"
    assert check(metadata, {**state, "equity": 49_000.31}) == APPROVED


# --- what is missing, or no number --------------------------------------------------------------------

# Every input of every rule that is set: (the rule, which dict, the key).
INPUTS = [
    ("allowed_sessions", 2, "session", "session"),
    ("max_contracts", 2, "contracts", "contracts"),
    ("max_risk_per_trade_pct", 2, "entry_price", "risk"),
    ("max_risk_per_trade_pct", 2, "stop_loss", "risk"),
    ("max_risk_per_trade_pct", 2, "contracts", "risk"),
    ("max_risk_per_trade_pct", 1, "equity", "risk"),
    ("daily_loss_limit", 1, "equity", "daily_loss"),
    ("daily_loss_limit", 1, "starting_balance", "daily_loss"),
    ("max_drawdown", 1, "equity", "drawdown"),
    ("max_drawdown", 1, "peak_equity", "drawdown"),
]
NOT_A_NUMBER: list[Any] = [
    pytest.param(ABSENT, id="absent"),
    pytest.param(None, id="None"),
    pytest.param(math.nan, id="NaN"),
    pytest.param(math.inf, id="infinite"),
    pytest.param(-math.inf, id="minus infinite"),
    pytest.param(Decimal("NaN"), id="decimal NaN"),
    pytest.param(Decimal("sNaN"), id="decimal signalling NaN"),
    pytest.param(Decimal("Infinity"), id="decimal infinite"),
    pytest.param(Decimal("-Infinity"), id="decimal minus infinite"),
    pytest.param(True, id="true"),
    pytest.param(False, id="false"),
    pytest.param("2", id="a numeric string"),
    pytest.param("", id="an empty string"),
    pytest.param("abc", id="a word"),
    pytest.param(b"2", id="bytes"),
    pytest.param([2], id="a list"),
    pytest.param({"value": 2}, id="a dict"),
    pytest.param(2 + 0j, id="a complex number"),
    pytest.param(Fraction(2), id="a fraction"),
    pytest.param(object(), id="an object"),
]


@pytest.mark.parametrize("value", NOT_A_NUMBER)
@pytest.mark.parametrize(
    ("rule", "place", "key", "breach_type"), INPUTS, ids=[f"{r}: {k}" for r, _, k, _ in INPUTS]
)
def test_a_set_rule_without_its_input_blocks_with_its_type_and_names_it(
    rule: str, place: int, key: str, breach_type: str, value: object
) -> None:
    parts: list[dict[str, Any]] = [only(rule), {}, {}]
    parts[place][key] = value
    verdict = check(*parts)
    assert (verdict["allowed"], verdict["breach_type"]) == (False, breach_type)
    if not (rule == "allowed_sessions" and isinstance(value, str)):  # then the word itself is named
        assert key in verdict["reason"]


@pytest.mark.parametrize("value", NOT_A_NUMBER)
@pytest.mark.parametrize(
    ("rule", "place", "key", "breach_type"), INPUTS, ids=[f"{r}: {k}" for r, _, k, _ in INPUTS]
)
def test_a_rule_that_is_off_needs_no_input(
    rule: str, place: int, key: str, breach_type: str, value: object
) -> None:
    parts: list[dict[str, Any]] = [dict(OFF), {}, {}]
    parts[place][key] = value
    assert check(*parts) == APPROVED


LIMIT_RULES = [
    ("max_contracts", "contracts"), ("max_risk_per_trade_pct", "risk"), ("daily_loss_limit", "daily_loss"),
    ("max_drawdown", "drawdown"),
]  # fmt: skip


@pytest.mark.parametrize(
    "value", [*NOT_A_NUMBER[2:], pytest.param(-1, id="minus one"), pytest.param(-0.01, id="minus a cent")]
)
@pytest.mark.parametrize(("rule", "breach_type"), LIMIT_RULES)
def test_a_limit_that_is_no_number_or_negative_blocks_and_is_named(
    rule: str, breach_type: str, value: object
) -> None:
    verdict = check({**OFF, rule: value})
    assert (verdict["allowed"], verdict["breach_type"]) == (False, breach_type)
    assert rule in verdict["reason"]


@pytest.mark.parametrize("value", [ABSENT, None], ids=["absent", "None"])
@pytest.mark.parametrize("rule", list(METADATA))
def test_a_limit_that_is_not_set_is_off(rule: str, value: object) -> None:
    broken: dict[str, Any] = {"session": None, "contracts": -1, "entry_price": None, "stop_loss": None}
    state: dict[str, Any] = {"equity": None, "starting_balance": None, "peak_equity": None}
    others = {**OFF, rule: value}
    assert check(others, state, broken) == APPROVED


@pytest.mark.parametrize("value", ["NY AM", b"NY AM", 5, True, math.nan, object()])
def test_allowed_sessions_that_are_no_list_block(value: object) -> None:
    assert check({**OFF, "allowed_sessions": value})["breach_type"] == "session"


@pytest.mark.parametrize("value", [None, "", 5, True, math.nan, ("NY AM",)])
def test_a_session_that_is_no_name_is_missing_even_where_the_list_holds_the_same(value: object) -> None:
    verdict = check({**OFF, "allowed_sessions": ["NY AM", value]}, order={"session": value})
    assert verdict["breach_type"] == "session"
    assert "session is missing" in verdict["reason"]


@pytest.mark.parametrize(
    "value", [("NY AM",), {"NY AM"}, frozenset({"NY AM"})], ids=["tuple", "set", "frozenset"]
)
def test_allowed_sessions_may_be_any_collection_of_names(value: object) -> None:
    assert check({**OFF, "allowed_sessions": value}) == APPROVED
    assert check({**OFF, "allowed_sessions": value}, order={"session": "ASIA"})["breach_type"] == "session"


@pytest.mark.parametrize("contracts", [0, 0.0, -1, -0.5, Decimal(-2), 1.5, 2.5, Decimal("0.01")])
@pytest.mark.parametrize(("rule", "breach_type"), LIMIT_RULES[:2])
def test_contracts_are_above_zero_and_whole(rule: str, breach_type: str, contracts: object) -> None:
    verdict = check(only(rule), order={"contracts": contracts})
    assert verdict["breach_type"] == breach_type
    assert "contracts" in verdict["reason"]


@pytest.mark.parametrize("contracts", [2, 2.0, Decimal(2), Decimal("2.00")])
def test_whole_contracts_may_be_written_in_any_number(contracts: object) -> None:
    assert check(order={"contracts": contracts}) == APPROVED


@pytest.mark.parametrize("key", ["equity", "starting_balance", "peak_equity"])
def test_equity_and_balances_may_be_below_zero(key: str) -> None:
    """A funded account may start at 0; 400 above its floors it may trade, at them it may not."""
    metadata = {"max_risk_per_trade_pct": None}
    zero_based = {"equity": -400.0, "starting_balance": -100.0, "peak_equity": 0.0}
    assert check(metadata, zero_based) == APPROVED
    assert check(metadata, {**zero_based, "equity": -1100.0})["breach_type"] == "daily_loss"
    assert check(metadata, {**zero_based, key: -3000.0})["breach_type"] == {"equity": "daily_loss"}.get(key)


TICKS = [
    pytest.param({"tick_size": 0, "tick_value": 5}, "tick_size", id="a tick size of zero"),
    pytest.param({"tick_size": 0.25, "tick_value": 0}, "tick_value", id="a tick value of zero"),
    pytest.param({"tick_size": -0.25, "tick_value": 5}, "tick_size", id="a tick size below zero"),
    pytest.param({"tick_size": 0.25, "tick_value": -5}, "tick_value", id="a tick value below zero"),
    pytest.param({"tick_size": 0.25}, "tick_value", id="a size without a value"),
    pytest.param({"tick_value": 5}, "tick_size", id="a value without a size"),
    *(
        pytest.param({"tick_size": 0.25, "tick_value": 5, key: param.values[0]}, key, id=f"{key} {param.id}")
        for key in ("tick_size", "tick_value")
        for param in NOT_A_NUMBER[1:]
    ),
]


@pytest.mark.parametrize(("order", "named"), TICKS)
def test_ticks_that_make_no_sense_block_with_risk(order: dict[str, Any], named: str) -> None:
    verdict = check(only("max_risk_per_trade_pct"), order={"symbol": "NQ", **order})
    assert verdict["breach_type"] == "risk"
    assert named in verdict["reason"]


# --- what can't be had at all -------------------------------------------------------------------------


@pytest.mark.parametrize("value", [None, [], "{}", 5, True, object()])
@pytest.mark.parametrize("place", [0, 1, 2], ids=["program_metadata", "account_state", "order_data"])
def test_what_is_no_dict_blocks_with_error(place: int, value: object) -> None:
    given: list[Any] = [METADATA, STATE, ORDER]
    given[place] = value
    verdict = check_order_enforcement("FTMO", 1, *given)
    assert (verdict["allowed"], verdict["breach_type"]) == (False, "error")
    assert ("program_metadata", "account_state", "order_data")[place] in verdict["reason"]
    assert verdict["reason"].endswith("(FTMO/1)")


@pytest.mark.parametrize("reason", ["unknown program FTMO/9", None, ""])
def test_an_unavailable_program_blocks_with_error(reason: object) -> None:
    verdict = check_order_enforcement("FTMO", 9, {"unavailable": reason}, STATE, ORDER)
    assert verdict["breach_type"] == "error"
    assert verdict["reason"] == f"Program unavailable: {reason} (FTMO/9)"


def test_an_unavailable_program_blocks_whatever_else_its_metadata_says() -> None:
    assert check({"unavailable": "no"})["breach_type"] == "error"


class Raising(Mapping[str, Any]):
    """Somebody's lazy mapping whose source is gone; `keys` that are not `broken` still answer."""

    def __init__(self, values: dict[str, Any], *broken: str) -> None:
        self._values, self._broken = values, broken

    def __getitem__(self, key: str) -> Any:
        if key in self._broken:
            raise ConnectionError("the source is gone")
        return self._values[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


@pytest.mark.parametrize(
    ("place", "key"), [(0, k) for k in METADATA] + [(1, k) for k in STATE] + [(2, k) for k in ORDER]
)
def test_an_exception_blocks_with_error_and_says_which(place: int, key: str) -> None:
    given: list[Any] = [METADATA, STATE, ORDER]
    given[place] = Raising(given[place], key)
    verdict = check_order_enforcement("FTMO", 1, *given)
    assert verdict == {
        "allowed": False,
        "reason": "Enforcement error: ConnectionError: the source is gone (FTMO/1)",
        "breach_type": "error",
    }


def test_any_mapping_will_do() -> None:
    assert check_order_enforcement("FTMO", 1, Raising(METADATA), Raising(STATE), Raising(ORDER)) == APPROVED


class Unprintable:
    """A name whose own description fails."""

    def __str__(self) -> str:
        raise ValueError("no words")

    __repr__ = __str__


@pytest.mark.parametrize("place", [0, 1], ids=["firm", "program"])
def test_a_name_that_can_not_be_printed_does_not_undo_the_block(place: int) -> None:
    firm, program = ([Unprintable(), 1], ["FTMO", Unprintable()])[place]
    paused = {**STATE, "paused": True}
    verdict = check_order_enforcement(firm, program, METADATA, paused, ORDER)  # type: ignore[arg-type]
    assert (verdict["allowed"], verdict["breach_type"]) == (False, "paused")


@pytest.mark.parametrize("value", [Unprintable(), [Unprintable()]])
@pytest.mark.parametrize("key", ["paused", "session", "contracts", "equity", "symbol", "tick_size"])
def test_a_value_that_can_not_be_printed_still_blocks(key: str, value: object) -> None:
    given = {"paused": STATE, "equity": STATE}.get(key, ORDER)
    state, order = ({**part, key: value} if part is given else part for part in (STATE, ORDER))
    assert check_order_enforcement("FTMO", 1, METADATA, state, order)["allowed"] is False


def test_a_failure_whose_message_can_not_be_printed_still_blocks() -> None:
    class Wordless(Exception):
        __str__ = Unprintable.__str__

    class Source(Raising):
        def __getitem__(self, key: str) -> Any:
            raise Wordless

    verdict = check_order_enforcement("FTMO", 1, Source({}), STATE, ORDER)
    assert verdict["breach_type"] == "error"
    assert "Wordless" in verdict["reason"]


def test_the_dicts_are_not_changed() -> None:
    metadata, state, order = dict(METADATA), dict(STATE), dict(ORDER)
    check_order_enforcement("FTMO", 1, metadata, state, order)
    assert (metadata, state, order) == (METADATA, STATE, ORDER)


# --- whatever comes -----------------------------------------------------------------------------------

NUMBERS = st.integers() | st.floats() | st.decimals() | st.booleans() | st.fractions() | st.complex_numbers()
JUNK = st.recursive(
    st.none() | NUMBERS | st.text() | st.binary() | st.dates() | st.builds(Unprintable),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=4,
)
BREACHES = {"paused", "session", "contracts", "risk", "daily_loss", "drawdown", "error", None}


def junk_for(keys: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    """A dict in which each known key is what it should be, absent, or anything at all; or no dict."""
    fields = {key: st.just(value) | JUNK for key, value in keys.items()}
    return JUNK | st.fixed_dictionaries({}, optional=fields)


ORDER_KEYS = {**ORDER, "symbol": "NQ", "tick_size": 0.25, "tick_value": 5.0}


@settings(PROPERTY, max_examples=1000)
@given(
    firm=JUNK,
    program=JUNK,
    metadata=junk_for({**METADATA, "unavailable": "gone"}),
    state=junk_for(STATE),
    order=junk_for(ORDER_KEYS),
)
def test_it_never_raises_and_always_answers_in_its_three_words(
    firm: Any, program: Any, metadata: Any, state: Any, order: Any
) -> None:
    verdict = check_order_enforcement(firm, program, metadata, state, order)
    assert set(verdict) == {"allowed", "reason", "breach_type"}
    assert isinstance(verdict["reason"], str)
    assert verdict["breach_type"] in BREACHES
    assert verdict["allowed"] is (verdict["breach_type"] is None)


CENTS = st.integers(4_500_000, 5_500_000)


def first_failure(
    sessions: list[str] | None, session: str, cap: int | None, contracts: int, share: int | None, ticks: int,
    daily: int | None, drawdown: int | None, equity: int, start: int, peak: int,
) -> str | None:  # fmt: skip
    """The contract's table, written anew in whole cents (and thousandths for the share)."""
    if sessions is not None and session not in sessions:
        return "session"
    if cap is not None and contracts > cap:
        return "contracts"
    if share is not None and ticks * 500 * contracts * 1000 > equity * share:
        return "risk"
    if daily is not None and equity <= start - daily:
        return "daily_loss"
    if drawdown is not None and equity <= peak - drawdown:
        return "drawdown"
    return None


@settings(PROPERTY, max_examples=1000)
@given(
    sessions=st.none() | st.lists(st.sampled_from(["ASIA", "LONDON", "NY AM"]), max_size=3),
    session=st.sampled_from(["ASIA", "LONDON", "NY AM"]),
    cap=st.none() | st.integers(0, 6),
    contracts=st.integers(1, 7),
    share=st.none() | st.integers(0, 100),
    ticks=st.integers(0, 120),
    daily=st.none() | st.integers(0, 400_000),
    drawdown=st.none() | st.integers(0, 400_000),
    equity=CENTS,
    start=CENTS,
    peak=CENTS,
    short=st.booleans(),
    touching=st.sampled_from(["", "daily", "drawdown"]),
)
def test_the_table_of_the_contract_holds_for_all_numbers(
    sessions: list[str] | None, session: str, cap: int | None, contracts: int, share: int | None, ticks: int,
    daily: int | None, drawdown: int | None, equity: int, start: int, peak: int, short: bool, touching: str,
) -> None:  # fmt: skip
    if touching == "daily" and daily is not None:
        start = equity + daily
    if touching == "drawdown" and drawdown is not None:
        peak = equity + drawdown
    verdict = check_order_enforcement(
        "APEX",
        1,
        {
            "allowed_sessions": sessions,
            "max_contracts": cap,
            "max_risk_per_trade_pct": None if share is None else share / 1000,
            "daily_loss_limit": None if daily is None else daily / 100,
            "max_drawdown": None if drawdown is None else drawdown / 100,
        },
        {"equity": equity / 100, "starting_balance": start / 100, "peak_equity": peak / 100},
        {
            "entry_price": 20_000.0,
            "stop_loss": 20_000.0 + (ticks if short else -ticks) / 4,
            "contracts": contracts,
            "session": session,
        },
    )
    expected = first_failure(
        sessions, session, cap, contracts, share, ticks, daily, drawdown, equity, start, peak
    )  # fmt: skip
    assert verdict["breach_type"] == expected


@pytest.mark.parametrize("symbol", ["NQ", "ES", "GC", "6E", "ZN", "CL", "MNQ", "SI"])
def test_every_instruments_own_tick_prices_its_order(symbol: str) -> None:
    instrument = BUILT_IN[symbol]
    entry = instrument.tick_size * 10_000
    order = {
        "symbol": symbol,
        "entry_price": entry,
        "stop_loss": entry - instrument.tick_size,
        "contracts": 1,
    }
    assert risk_stated(order) == f"{instrument.tick_value:.2f}"
