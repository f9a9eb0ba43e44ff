"""`get_unified_program_metadata`: a program's rules in one dict, tightened by the environment."""

import logging
import os
from decimal import Decimal
from typing import Any

import pytest
from django.db import OperationalError, connection

from enforcement import check_order_enforcement
from enforcement.floors import level_of
from firms.models import LossLimit, Program, TradingSession
from firms.terms import get_unified_program_metadata, terms_in_force
from propguard.checks import environment_overrides
from tests.enforcement.make import make_state
from tests.make import make_firm, make_program

pytestmark = pytest.mark.django_db

NO_RULES: dict[str, Any] = {
    "allowed_sessions": None, "max_contracts": None, "max_risk_per_trade_pct": None,
    "daily_loss_limit": None, "max_drawdown": None,
}  # fmt: skip
STATE = {"paused": False, "equity": 50_000, "starting_balance": 50_000, "peak_equity": 50_000}
ORDER = {"entry_price": 20_000, "stop_loss": 19_990, "contracts": 2, "session": "NY AM"}


def apex(*sessions: str, **fields: Any) -> Program:
    """APEX/1 with every rule: ten contracts, 1 % a trade, 1,000 a day, 2,500 in all."""
    program = make_program(**{"max_risk_share": Decimal("0.01"), **fields})
    program.allowed_sessions.set(TradingSession.objects.filter(name__in=sessions))
    return program


def metadata(**environment: str) -> dict[str, Any]:
    """APEX/1's dict under the given environment variables."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setitem(os.environ, name, value)
        return get_unified_program_metadata("APEX", 1)


def breach_type(of: dict[str, Any], **changes: Any) -> str | None:
    state = {**STATE, **{k: v for k, v in changes.items() if k in STATE}}
    order = {**ORDER, **{k: v for k, v in changes.items() if k in ORDER}}
    return check_order_enforcement("APEX", 1, of, state, order)["breach_type"]


# --- from the database --------------------------------------------------------------------------------


def test_a_programs_rules_as_the_contract_names_them() -> None:
    apex("NY AM", "LONDON")
    found = metadata()
    assert found == {
        "allowed_sessions": ["LONDON", "NY AM"],
        "max_contracts": 10,
        "max_risk_per_trade_pct": 0.01,
        "daily_loss_limit": 1000.0,
        "max_drawdown": 2500.0,
    }
    assert {key: type(value) for key, value in found.items()} == {
        "allowed_sessions": list, "max_contracts": int, "max_risk_per_trade_pct": float,
        "daily_loss_limit": float, "max_drawdown": float,
    }  # fmt: skip


def test_a_rule_that_is_not_set_is_none() -> None:
    make_program(daily_loss=None, drawdown=None, max_contracts=None)
    assert metadata() == NO_RULES


def test_the_check_takes_the_dict_as_it_is() -> None:
    apex("NY AM")
    found = metadata()
    assert breach_type(found) is None
    assert breach_type(found, session="ASIA") == "session"
    assert breach_type(found, contracts=11) == "contracts"
    assert breach_type(found, contracts=3) == "risk"
    assert breach_type(found, equity=49_000) == "daily_loss"
    assert breach_type(found, equity=47_500, starting_balance=48_000) == "drawdown"


@pytest.mark.parametrize(
    ("firm", "number"), [("APEX", 2), ("FTMO", 1), ("apex", 1), ("", 1), ("APEX", -1), ("APEX", 10**30)]
)
def test_an_unknown_program_is_unavailable_not_unlimited(firm: str, number: int) -> None:
    apex()
    found = get_unified_program_metadata(firm, number)
    assert list(found) == ["unavailable"]
    verdict = check_order_enforcement(firm, number, found, STATE, ORDER)
    assert (verdict["allowed"], verdict["breach_type"]) == (False, "error")
    assert f"{firm}/{number}" in verdict["reason"]


def test_a_firm_that_is_switched_off_is_unavailable() -> None:
    apex()
    Program.objects.get().firm.__class__.objects.update(is_active=False)
    assert metadata() == {"unavailable": "the firm APEX is not active"}


@pytest.mark.parametrize("junk", [None, "one", object(), [1], {}, "\x00"])
def test_whatever_is_asked_for_it_never_raises(junk: Any) -> None:
    apex()
    for firm, number in (("APEX", junk), (junk, 1)):
        assert list(get_unified_program_metadata(firm, number)) == ["unavailable"]


def test_a_database_that_can_not_be_read_makes_the_program_unavailable(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def gone(*_: Any) -> Any:
        raise OperationalError("the server closed the connection")

    apex()
    with connection.execute_wrapper(gone), caplog.at_level(logging.ERROR):
        found = metadata()
    assert found == {"unavailable": "program APEX/1 can't be read: OperationalError"}
    assert breach_type(found) == "error"
    assert "APEX/1 can't be read" in caplog.text


def test_a_program_whose_zone_nobody_knows_still_has_its_limits() -> None:
    apex(day_zone="Mars/Olympus")
    assert metadata()["max_contracts"] == 10


# --- limits given as shares ---------------------------------------------------------------------------


def with_limits(*limits: dict[str, Any], size: int = 100_000) -> dict[str, Any]:
    program = make_program(daily_loss=None, drawdown=None, size=size, starting_balance=size)
    for limit in limits:
        LossLimit.objects.create(program=program, **limit)
    return metadata()


DAILY_5 = {"kind": "daily_loss", "anchor": "day_start_balance", "share": Decimal("0.05")}
STATIC_10 = {"kind": "drawdown", "anchor": "initial", "share": Decimal("0.10")}


def test_a_share_of_the_initial_size_is_that_amount() -> None:
    found = with_limits(DAILY_5, STATIC_10)
    assert (found["daily_loss_limit"], found["max_drawdown"]) == (5000.0, 10_000.0)


def test_a_share_of_the_days_balance_is_the_smallest_it_can_yield() -> None:
    """The balance can't fall under 90,000 before the account is lost: 5 % of that."""
    assert with_limits({**DAILY_5, "share_of": "anchor"}, STATIC_10)["daily_loss_limit"] == 4500.0


def test_of_several_limits_the_smallest_counts() -> None:
    two = {"kind": "daily_loss", "anchor": "day_start_balance", "amount": 4000}
    assert with_limits(DAILY_5, two, STATIC_10)["daily_loss_limit"] == 4000.0


def test_a_trailing_share_is_a_share_of_the_start_at_least() -> None:
    trailing = {
        "kind": "drawdown",
        "anchor": "highest_equity",
        "share": Decimal("0.05"),
        "share_of": "anchor",
    }
    assert with_limits(DAILY_5, trailing)["max_drawdown"] == 5000.0


# --- the environment tightens -------------------------------------------------------------------------

OVERRIDES: dict[str, list[tuple[str, dict[str, str], float]]] = {
    "max_contracts": [
        ("fewer", {"APEX_1_MAX_CONTRACTS": "5"}, 5),
        ("as many", {"APEX_1_MAX_CONTRACTS": "10"}, 10),
        ("more: no effect", {"APEX_1_MAX_CONTRACTS": "11"}, 10),
        ("none at all", {"APEX_1_MAX_CONTRACTS": "0"}, 0),
        ("blanks around it", {"APEX_1_MAX_CONTRACTS": " 5 "}, 5),
        ("5.0 is 5", {"APEX_1_MAX_CONTRACTS": "5.0"}, 5),
        ("for all of the firm's programs", {"APEX_MAX_CONTRACTS": "4"}, 4),
        ("the firm's is lower", {"APEX_MAX_CONTRACTS": "4", "APEX_1_MAX_CONTRACTS": "6"}, 4),
        ("the program's is lower", {"APEX_MAX_CONTRACTS": "6", "APEX_1_MAX_CONTRACTS": "4"}, 4),
        ("another program's", {"APEX_2_MAX_CONTRACTS": "4", "APEX_11_MAX_CONTRACTS": "4"}, 10),
        ("another firm's", {"FTMO_MAX_CONTRACTS": "4", "FTMO_1_MAX_CONTRACTS": "4"}, 10),
    ],
    "daily_loss_limit": [
        ("lower", {"APEX_1_DAILY_LOSS_LIMIT": "500"}, 500.0),
        ("a cent lower", {"APEX_1_DAILY_LOSS_LIMIT": "999.99"}, 999.99),
        ("a cent higher: no effect", {"APEX_1_DAILY_LOSS_LIMIT": "1000.01"}, 1000.0),
        ("the firm's", {"APEX_DAILY_LOSS_LIMIT": "700"}, 700.0),
    ],
    "max_drawdown": [
        ("lower", {"APEX_1_MAX_DRAWDOWN": "2000"}, 2000.0),
        ("higher: no effect", {"APEX_1_MAX_DRAWDOWN": "3000"}, 2500.0),
        ("the firm's", {"APEX_MAX_DRAWDOWN": "1500"}, 1500.0),
    ],
    "max_risk_per_trade_pct": [
        ("half a percent", {"APEX_1_MAX_RISK_PERCENT": "0.005"}, 0.005),
        ("two percent: no effect", {"APEX_1_MAX_RISK_PERCENT": "0.02"}, 0.01),
        ("the firm's", {"APEX_MAX_RISK_PERCENT": "0.0025"}, 0.0025),
    ],
}


@pytest.mark.parametrize(
    ("environment", "key", "value"),
    [
        pytest.param(environment, key, value, id=f"{key}: {name}")
        for key, rows in OVERRIDES.items()
        for name, environment, value in rows
    ],
)
def test_an_override_can_only_tighten(environment: dict[str, str], key: str, value: float) -> None:
    apex()
    plain = metadata()
    found = metadata(**environment)
    assert found == {**plain, key: value}


@pytest.mark.parametrize(
    ("name", "text", "key", "value"),
    [
        ("APEX_1_MAX_CONTRACTS", "3", "max_contracts", 3),
        ("APEX_1_DAILY_LOSS_LIMIT", "800", "daily_loss_limit", 800.0),
        ("APEX_1_MAX_DRAWDOWN", "2000", "max_drawdown", 2000.0),
        ("APEX_1_MAX_RISK_PERCENT", "0.02", "max_risk_per_trade_pct", 0.02),
        ("APEX_ALLOWED_SESSIONS", "ny am, LONDON", "allowed_sessions", ["NY AM", "LONDON"]),
    ],
)
def test_an_override_sets_a_rule_that_the_program_does_not_have(
    name: str, text: str, key: str, value: object
) -> None:
    make_program(daily_loss=None, drawdown=None, max_contracts=None)
    assert metadata(**{name: text}) == {**NO_RULES, key: value}


@pytest.mark.parametrize(
    ("own", "environment", "left"),
    [
        (["LONDON", "NY AM"], {"APEX_ALLOWED_SESSIONS": "NY AM,ASIA"}, ["NY AM"]),
        (["LONDON", "NY AM"], {"APEX_ALLOWED_SESSIONS": "ny am"}, ["NY AM"]),
        (["LONDON", "NY AM"], {"APEX_ALLOWED_SESSIONS": "ASIA"}, []),
        (["LONDON", "NY AM"], {"FTMO_ALLOWED_SESSIONS": "ASIA"}, ["LONDON", "NY AM"]),
        ([], {"APEX_ALLOWED_SESSIONS": "ASIA, NY PM ,"}, ["ASIA", "NY PM"]),
        (
            [],
            {"APEX_ALLOWED_SESSIONS": "ASIA,LONDON", "APEX_1_ALLOWED_SESSIONS": "LONDON,NY AM"},
            ["LONDON"],
        ),
        ([], {"APEX_ALLOWED_SESSIONS": "ASIA", "APEX_1_ALLOWED_SESSIONS": "LONDON"}, []),
    ],
    ids=[
        "what both allow", "in small letters", "nothing in common: none is allowed", "another firm's",
        "any was allowed before", "the firm's and the program's", "those have nothing in common",
    ],
)  # fmt: skip
def test_sessions_intersect(own: list[str], environment: dict[str, str], left: list[str]) -> None:
    apex(*own)
    found = metadata(**environment)
    assert found["allowed_sessions"] == left
    assert breach_type(found) == (None if "NY AM" in left else "session")


NUMBERS = ("APEX_1_MAX_CONTRACTS", "APEX_MAX_CONTRACTS", "APEX_1_DAILY_LOSS_LIMIT", "APEX_1_MAX_DRAWDOWN")
NO_NUMBERS = (
    "", " ", "five", "-1", "+5", "1e3", "NaN", "inf", "1,000", "1_000", "$500", "5%", "0x10", "\uff15",
)  # fmt: skip
UNREADABLE = [
    *(pytest.param(name, text, id=f"{name}={text!r}") for name in NUMBERS for text in NO_NUMBERS),
    pytest.param("APEX_1_MAX_CONTRACTS", "2.5", id="half a contract"),
    *(
        pytest.param("APEX_1_MAX_RISK_PERCENT", text, id=f"risk of {text!r}: a percent number by mistake")
        for text in ("1", "1.0", "1.5", "2", "100")
    ),
    pytest.param("APEX_1_MAX_RISK_PERCENT", "0.5%", id="a percent sign"),
    pytest.param("APEX_1_MAX_RISK_PERCENT", "-0.01", id="a negative risk"),
    pytest.param("APEX_ALLOWED_SESSIONS", "", id="no session named"),
    pytest.param("APEX_ALLOWED_SESSIONS", " , ", id="only commas"),
    pytest.param("APEX_ALLOWED_SESSIONS", "NY AM,TOKIO", id="a session nobody knows"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "text"), UNREADABLE)
def test_an_override_that_can_not_be_read_blocks_the_program_and_is_named(name: str, text: str) -> None:
    """A limit that somebody meant to set must not vanish."""
    apex()
    found = metadata(**{name: text})
    assert list(found) == ["unavailable"]
    assert name in found["unavailable"]
    assert breach_type(found) == "error"


def test_an_unreadable_override_concerns_its_own_program_only() -> None:
    apex()
    make_program(make_firm("FTMO"), 1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(os.environ, "FTMO_1_MAX_CONTRACTS", "five")
        assert list(get_unified_program_metadata("FTMO", 1)) == ["unavailable"]
        assert get_unified_program_metadata("APEX", 1)["max_contracts"] == 10


def test_every_problem_is_named_at_once() -> None:
    apex()
    found = metadata(APEX_1_MAX_CONTRACTS="five", APEX_MAX_DRAWDOWN="much")
    assert "APEX_1_MAX_CONTRACTS" in found["unavailable"]
    assert "APEX_MAX_DRAWDOWN" in found["unavailable"]


def test_an_unreadable_override_is_said_at_start_up(monkeypatch: pytest.MonkeyPatch) -> None:
    assert environment_overrides() == []
    monkeypatch.setitem(os.environ, "APEX_1_MAX_CONTRACTS", "5")
    assert environment_overrides() == []
    monkeypatch.setitem(os.environ, "APEX_1_MAX_RISK_PERCENT", "2")
    monkeypatch.setitem(os.environ, "FTMO_ALLOWED_SESSIONS", "")
    messages = [warning.msg for warning in environment_overrides()]
    assert len(messages) == 2
    assert "APEX_1_MAX_RISK_PERCENT='2'" in messages[0]
    assert "FTMO_ALLOWED_SESSIONS=''" in messages[1]


# --- one answer for the dict and for the core ---------------------------------------------------------


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"APEX_1_MAX_CONTRACTS": "3", "APEX_MAX_RISK_PERCENT": "0.002"},
        {"APEX_1_DAILY_LOSS_LIMIT": "300", "APEX_MAX_DRAWDOWN": "900"},
        {"APEX_ALLOWED_SESSIONS": "NY AM"},
        {"APEX_1_MAX_CONTRACTS": "three"},
    ],
)
def test_the_dict_and_the_cores_terms_come_from_one_answer(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    program = apex("NY AM", "LONDON")
    for name, value in environment.items():
        monkeypatch.setitem(os.environ, name, value)
    found, terms = get_unified_program_metadata("APEX", 1), terms_in_force(program)
    if terms.unavailable:
        assert found == {"unavailable": terms.unavailable}
        return
    assert terms.allowed_sessions is not None
    assert found["allowed_sessions"] == [session.name for session in terms.allowed_sessions]
    assert found["max_contracts"] == terms.max_contracts
    assert Decimal(str(found["max_risk_per_trade_pct"])) == terms.max_risk_share
    amounts = {floor.kind.value: floor.amount for floor in terms.floors}
    assert amounts == {
        "daily_loss": Decimal(found["daily_loss_limit"]),
        "drawdown": Decimal(found["max_drawdown"]),
    }


LIMITS: list[dict[str, Any]] = [
    {"kind": "drawdown", "anchor": "initial", "amount": 2500},
    {"kind": "drawdown", "anchor": "highest_equity", "amount": 2500, "lock_at": 50_100},
    {"kind": "drawdown", "anchor": "highest_close", "share": Decimal("0.06")},
    {"kind": "drawdown", "anchor": "highest_equity", "share": Decimal("0.04"), "share_of": "anchor"},
]


@pytest.mark.parametrize("amount", ["100", "1000", "1999", "2000", "2500", "9999"])
@pytest.mark.parametrize(
    "limit", LIMITS, ids=["static", "trailing with a lock", "end of day", "a share of the peak"]
)
def test_an_override_never_lowers_a_floor(
    limit: dict[str, Any], amount: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = make_program(daily_loss=None, drawdown=None)
    LossLimit.objects.create(program=program, **limit)
    states = [
        make_state(50_000),
        make_state(53_000, highest_equity=53_000, highest_close=52_000),
        make_state(48_000, highest_equity=51_234, highest_close=50_500),
    ]

    def highest(at: Any) -> Decimal:
        terms = terms_in_force(Program.objects.get(pk=program.pk))
        levels = [level_of(floor, at, terms.starting_balance, terms.size) for floor in terms.floors]
        return max(level for level in levels if level is not None)

    before = [highest(state) for state in states]
    monkeypatch.setitem(os.environ, "APEX_1_MAX_DRAWDOWN", amount)
    after = [highest(state) for state in states]
    assert all(new >= old for new, old in zip(after, before, strict=True))
    assert after[0] == max(before[0], 50_000 - Decimal(amount))
