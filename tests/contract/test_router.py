"""`ExecutionRouter`: one structured result for each account, one log line for each blocked order."""

import logging
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from enforcement.rules import RULES
from execution.intake import enqueue_execution_task_for_entry
from execution.models import Decision, Order, Position, Signal, SignalSource
from execution.router import ExecutionRouter
from firms.models import Account
from firms.services import raise_flag, update_flag
from tests.make import make_account, make_program, make_route, make_source

pytestmark = pytest.mark.django_db


@pytest.fixture
def source() -> SignalSource:
    return make_source()


@pytest.fixture
def blocked_lines(caplog: pytest.LogCaptureFixture) -> Iterator[Any]:
    """What was logged of blocked orders: (level, line), in order."""
    with caplog.at_level(logging.DEBUG):
        yield lambda: [
            (record.levelname, record.getMessage())
            for record in caplog.records
            if "BLOCKED" in record.getMessage()
        ]


def entry(trade_id: str = "T-1", contracts: int | None = 2) -> dict[str, Any]:
    """Buy 2 NQ at 20,000, stop ten points below: 430 at worst."""
    return enqueue_execution_task_for_entry(
        trade_id, "long", 20_000.0, 19_990.0, "NY AM", "Bullish", contracts
    ).task_payload()


def follow(source: SignalSource, label: str, program: Any = None, **fields: Any) -> Account:
    account = make_account(label, program or make_program(), **fields)
    make_route(source, account)
    return account


def break_facts(account: Account) -> None:
    """Something is open in a symbol that nobody knows any more: its risk can't be told."""
    Position.objects.create(account=account, symbol="GONE", family="GONE", quantity=1)


def run(payload: dict[str, Any]) -> list[dict[str, Any]]:
    return ExecutionRouter().run_comprehensive_enforcement(payload)


# --- results ------------------------------------------------------------------------------------------


def test_one_structured_result_for_each_account(source: SignalSource) -> None:
    apex, ftmo = make_program("APEX", 1), make_program("FTMO", 7)
    for label, program in (("Apex-1", apex), ("Ftmo-1", ftmo), ("Apex-2", apex)):
        follow(source, label, program)
    results = run(entry())
    assert [(r["firm"], r["program"], r["account"], r["allowed"]) for r in results] == [
        ("APEX", 1, "Apex-1", True),
        ("FTMO", 7, "Ftmo-1", True),
        ("APEX", 1, "Apex-2", True),
    ]


def test_a_result_names_firm_program_account_verdict_and_every_checks_figures(source: SignalSource) -> None:
    follow(source, "Apex-1", make_program("APEX", 3, anchor="highest_close"))
    [result] = run(entry())
    figures = result.pop("checks")
    assert result == {
        "firm": "APEX", "program": 3, "account": "Apex-1", "leg": "entry", "allowed": True, "reason": "",
        "breach_type": None,
    }  # fmt: skip
    assert [check["rule"] for check in figures] == [rule.code for rule in RULES]
    assert {check["outcome"] for check in figures} == {"pass"}
    contracts = next(check for check in figures if check["rule"] == "max_contracts")
    assert {key: Decimal(contracts[key]) for key in ("observed", "limit", "room")} == {
        "observed": Decimal(2), "limit": Decimal(10), "room": Decimal(10),
    }  # fmt: skip
    floors = next(check for check in figures if check["rule"] == "loss_floors")
    assert {key: Decimal(floors[key]) for key in ("observed", "limit", "room")} == {
        "observed": Decimal(49_570), "limit": Decimal(49_000), "room": Decimal(1000),
    }  # fmt: skip


def test_a_refusal_names_its_type_and_gives_its_reason(source: SignalSource) -> None:
    follow(source, "Apex-1", make_program(anchor="highest_close"))
    [result] = run(entry(contracts=11))
    assert (result["allowed"], result["breach_type"]) == (False, "contracts")
    assert result["reason"] == (
        "This order would make 11 contracts of full size, the limit is 10: 10 are left. 4 would pass."
    )
    refused = {check["rule"]: check["outcome"] for check in result["checks"] if check["outcome"] != "pass"}
    assert refused == {"max_contracts": "deny", "loss_floors": "deny"}


def test_each_account_is_judged_by_its_own_program_and_state(source: SignalSource) -> None:
    apex, ftmo = make_program("APEX", 1), make_program("FTMO", 7, max_contracts=1)
    follow(source, "Apex-1", apex)
    follow(
        source,
        "Apex-2",
        apex,
        state={
            "balance": Decimal(49_200),
            "day_start_balance": Decimal(50_000),
            "highest_equity": Decimal(50_000),
        },
    )
    follow(source, "Ftmo-1", ftmo)
    found = [(r["firm"], r["program"], r["account"], r["breach_type"]) for r in run(entry())]
    assert found == [
        ("APEX", 1, "Apex-1", None),
        ("APEX", 1, "Apex-2", "daily_loss"),
        ("FTMO", 7, "Ftmo-1", "contracts"),
    ]


def test_accounts_that_do_not_follow_the_source_have_no_result(source: SignalSource) -> None:
    follow(source, "Apex-1")
    make_account("bystander")
    assert [result["account"] for result in run(entry())] == ["Apex-1"]


def test_asked_again_the_decisions_stand(source: SignalSource, blocked_lines: Any) -> None:
    follow(source, "Apex-1")
    follow(source, "Apex-2", make_program("FTMO", 7, max_contracts=1))
    payload = entry()
    first = run(payload)
    update_flag("APEX", 1, "paused", True)
    assert run(payload) == first
    assert Decision.objects.count() == 2
    assert len(blocked_lines()) == 1


def test_a_payload_without_a_signal_goes_through_the_intake_first(source: SignalSource) -> None:
    follow(source, "Apex-1")
    payload = {
        "kind": "ENTRY", "direction": "long", "entry_price": 20_000.0, "stop_loss": 19_990.0,
        "session": "NY AM", "bias": "Bullish", "contracts": 2,
    }  # fmt: skip
    [result] = run(payload)
    assert result["allowed"]
    assert Signal.objects.get().task_payload() == {**payload, "signal_id": Signal.objects.get().pk}


def test_an_unknown_size_is_refused_not_guessed(source: SignalSource) -> None:
    follow(source, "Apex-1")
    [result] = run(entry(contracts=None))
    assert (result["allowed"], result["breach_type"]) == (False, "contracts")


def test_a_program_without_a_loss_limit_is_refused(source: SignalSource) -> None:
    follow(source, "Apex-1", make_program(daily_loss=None, drawdown=None))
    [result] = run(entry())
    assert result["breach_type"] == "error"


# --- log lines, to the letter -------------------------------------------------------------------------


def test_a_blocked_order_logs_its_reason_at_warning(source: SignalSource, blocked_lines: Any) -> None:
    follow(source, "Apex-1")
    update_flag("APEX", 1, "paused", True)
    [result] = run(entry())
    assert blocked_lines() == [
        ("WARNING", "ORDER BLOCKED: The program is paused (manual). (firm=APEX, program=1, type=paused)")
    ]
    assert result["reason"] == "The program is paused (manual)."


def test_each_blocked_order_has_a_line_and_an_approved_one_has_none(
    source: SignalSource, blocked_lines: Any
) -> None:
    apex, ftmo = make_program("APEX", 1), make_program("FTMO", 7, max_contracts=1)
    follow(source, "Apex-1", apex)
    follow(source, "Ftmo-1", ftmo)
    raise_flag(follow(source, "Apex-2", apex), "paused", reason="news at two")
    reasons = {result["account"]: result["reason"] for result in run(entry())}
    assert blocked_lines() == [
        ("WARNING", f"ORDER BLOCKED: {reasons['Ftmo-1']} (firm=FTMO, program=7, type=contracts)"),
        (
            "WARNING",
            "ORDER BLOCKED: The account is paused (news at two). (firm=APEX, program=1, type=paused)",
        ),
    ]


def test_an_exception_logs_at_error_and_blocks_that_account_alone(
    source: SignalSource, blocked_lines: Any
) -> None:
    apex = make_program("APEX", 1)
    follow(source, "before", apex)
    break_facts(follow(source, "broken", make_program("FTMO", 7)))
    follow(source, "after", apex)
    results = {result["account"]: result for result in run(entry())}
    [(level, line)] = blocked_lines()
    assert level == "ERROR"
    assert line == (
        "ORDER BLOCKED: Enforcement exception for FTMO/7: "
        "something is open in GONE, which is not known any more"
    )
    assert {label: result["allowed"] for label, result in results.items()} == {
        "before": True, "broken": False, "after": True,
    }  # fmt: skip
    assert results["broken"]["breach_type"] == "error"
    assert "LookupError" in results["broken"]["reason"]
    assert {order.account.label for order in Order.objects.all()} == {"before", "after"}


def test_two_broken_accounts_have_a_line_each(source: SignalSource, blocked_lines: Any) -> None:
    program = make_program()
    for label in ("one", "two"):
        break_facts(follow(source, label, program))
    assert [result["breach_type"] for result in run(entry())] == ["error", "error"]
    assert [level for level, _ in blocked_lines()] == ["ERROR", "ERROR"]


# --- dry-run ------------------------------------------------------------------------------------------


def test_dry_run_is_the_default_everything_runs_and_the_connector_answers_skipped(
    source: SignalSource,
) -> None:
    account = follow(source, "Apex-1")
    assert account.mode == Account.Mode.DRY_RUN
    [result] = ExecutionRouter().handle(entry())
    assert result["allowed"]
    order = Order.objects.get()
    assert (order.status, order.decision) == ("skipped", Decision.objects.get())
    assert [event.after for event in order.events.all()][-1] == "skipped"


def test_a_blocked_order_never_reaches_a_connector(source: SignalSource) -> None:
    follow(source, "Apex-1")
    update_flag("APEX", 1, "paused", True)
    [result] = ExecutionRouter().handle(entry())
    assert not result["allowed"]
    assert not Order.objects.exists()
    assert Decision.objects.get().breach_type == "paused"


def test_a_pause_between_decision_and_sending_holds(source: SignalSource) -> None:
    follow(source, "Apex-1")
    payload = entry()
    [decided] = run(payload)
    update_flag("APEX", 1, "paused", True)
    ExecutionRouter().handle(payload)
    assert decided["allowed"]
    assert Order.objects.get().status == "canceled"


def test_an_approved_order_counts_against_the_next(source: SignalSource) -> None:
    """1,000 of daily room: two orders of 430 fit, the third does not."""
    follow(source, "Apex-1")
    breaches = [run(entry(f"T-{number}"))[0]["breach_type"] for number in range(3)]
    assert breaches == [None, None, "daily_loss"]
