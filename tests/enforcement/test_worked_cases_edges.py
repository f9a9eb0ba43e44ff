"""Worked cases: what is working beside an order, locks and failures, and how figures are compared."""

from copy import deepcopy
from decimal import Decimal
from typing import Any

import pytest

from enforcement.worked_cases import answer, verify

pytestmark = pytest.mark.core

CASE: dict[str, Any] = {
    "id": "own",
    "rule": {
        "starting_balance": 50_000,
        "drawdown": {"type": "static", "amount": 2500},
        "daily_loss": {"amount": 1000, "severity": "soft", "reset_time": "17:00", "timezone": "America/Chicago"},
    },
    "timeline": [{"t": "2026-09-14T10:00:00-05:00", "balance": 50_000, "equity": 50_000}],
    "question": {
        "type": "order",
        "t": "2026-09-14T11:00:00-05:00",
        "order": {"symbol": "NQ", "side": "buy", "qty": 1, "entry": 20_000, "stop": 19_990},
    },
}  # fmt: skip
NQ = {"symbol": "NQ", "side": "buy", "qty": 1, "entry": 20_000, "stop": 19_980}


def asked(**question: Any) -> dict[str, Any]:
    case = deepcopy(CASE)
    case["question"].update(question)
    return answer(case)[0]


def then(*rows: tuple[str, int], at: str = "2026-09-14T13:00:00-05:00") -> dict[str, Any]:
    """Equity at times of Monday 14 September in Chicago, and how the account stands afterwards."""
    case = deepcopy(CASE)
    case["timeline"] += [
        {"t": f"2026-09-14T{clock}:00-05:00", "balance": e, "equity": e} for clock, e in rows
    ]
    case["question"] = {"type": "equity_check", "t": at}
    return answer(case)[0]


@pytest.mark.parametrize(
    ("working", "projected"),
    [
        ([], 49_800),
        ([NQ], 49_400),
        ([{**NQ, "price": 20_010, "entry": None}], 49_800),
        ([{key: NQ[key] for key in ("symbol", "side", "qty", "stop")}], 49_800),
        ([{**NQ, "stop": None}], 49_800),
        ([NQ, {**NQ, "qty": 2}], 48_600),
    ],
    ids=["nothing working", "400 working", "no entry", "no price at all", "no stop", "two of them"],
)
def test_what_is_working_is_at_stake_where_a_case_prices_it(working: list[Any], projected: int) -> None:
    assert asked(working_orders=working)["projected_equity"] == projected


@pytest.mark.parametrize(
    ("held", "projected"),
    [({"stop": 19_980}, 49_400), ({}, 49_800), ({"side": "sell", "stop": 20_020}, 49_400)],
    ids=["400 down to its stop", "no stop: as if stopped where it is", "a short"],
)
def test_open_positions_are_at_stake_down_to_their_stops(held: dict[str, Any], projected: int) -> None:
    row = {"symbol": "NQ", "side": "buy", "qty": 1, "price": 20_000, **held}
    assert asked(open_positions=[row])["projected_equity"] == projected


def test_contracts_working_count_beside_the_order() -> None:
    assert asked(working_orders=[{**NQ, "qty": 3}])["contracts_after"] == 4
    assert asked()["contracts_after"] == 1


def test_a_soft_lock_lasts_to_its_reset_and_a_hard_breach_for_ever() -> None:
    assert then(("11:00", 50_000))["breach_type"] is None
    locked = then(("11:00", 49_000), ("12:00", 49_500))
    assert (locked["allowed"], locked["breach_type"], locked["cause"]) == (False, "daily_loss", None)
    assert then(("11:00", 49_000), ("12:00", 49_500), at="2026-09-14T17:00:00-05:00")["allowed"]
    failed = then(("11:00", 47_500), ("12:00", 49_500))
    assert (failed["breach_type"], failed["cause"]) == ("account_failed", "max_drawdown")
    assert (
        then(("11:00", 47_500), ("12:00", 49_500), at="2026-09-15T17:00:00-05:00")["breach_type"]
        == "account_failed"
    )


def test_rows_after_the_question_have_not_happened() -> None:
    assert then(("14:00", 47_000))["allowed"]
    assert not then(("13:00", 47_000))["allowed"]


@pytest.mark.parametrize(
    ("expected", "differs"),
    [
        (49_800, False),
        (Decimal("49800.009"), False),
        (Decimal("49800.01"), True),
        (Decimal("49799.991"), False),
        (Decimal("49799.99"), True),
        (True, True),
        ("49800", True),
        (None, True),
    ],
)
def test_figures_agree_to_less_than_a_cent(expected: Any, differs: bool) -> None:
    case = {**deepcopy(CASE), "expected": {"projected_equity": expected}}
    assert bool(verify(case)) is differs


CPI = {"name": "US CPI", "t": "2026-09-14T11:05:00-05:00", "currency": "USD", "targets": ["NQ"]}


@pytest.mark.parametrize(
    ("restricted", "breach"),
    [(True, "news"), (False, None)],
    ids=["no execution of any kind", "entries only"],
)
def test_an_exit_is_refused_around_releases_only_where_the_firm_restricts_closing(
    restricted: bool, breach: str | None
) -> None:
    case = deepcopy(CASE)
    case["rule"]["news"] = {"before": 10, "after": 10, "closing_restricted": restricted}
    case["rule"]["session"] = {"open": "18:00", "close": "10:00", "timezone": "America/Chicago"}
    case["question"].update(calendar=[CPI])
    case["question"]["order"]["reduces_position"] = True
    assert answer(case)[0]["breach_type"] == breach
