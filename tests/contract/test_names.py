"""Every name of the contract, importable from its documented home, with its documented arguments."""

import inspect
from importlib import import_module
from typing import Any

import pytest

pytestmark = pytest.mark.core

# name, importable from, home, arguments
NAMES: list[tuple[str, str, str, list[str]]] = [
    (
        "check_order_enforcement", "enforcement", "enforcement.contract",
        ["firm_code", "program_id", "program_metadata", "account_state", "order_data"],
    ),
    ("get_unified_program_metadata", "firms.terms", "firms.terms", ["firm_code", "program_id"]),
    ("update_flag", "firms.services", "firms.services", ["firm_code", "program_id", "key", "value"]),
    (
        "enqueue_execution_task_for_entry", "execution.intake", "execution.intake",
        ["trade_id", "direction", "entry_price", "stop_loss", "session", "bias", "contracts"],
    ),
    ("ExecutionRouter", "execution.router", "execution.router", []),
]  # fmt: skip


@pytest.mark.parametrize(("name", "module", "home", "arguments"), NAMES, ids=[name for name, *_ in NAMES])
def test_a_name_lives_where_the_contract_says(
    name: str, module: str, home: str, arguments: list[str]
) -> None:
    found: Any = getattr(import_module(module), name)
    assert found is getattr(import_module(home), name)
    assert found.__module__ == home
    assert list(inspect.signature(found).parameters) == arguments


def test_only_contracts_may_be_left_out_of_an_entry() -> None:
    from execution.intake import enqueue_execution_task_for_entry

    parameters = inspect.signature(enqueue_execution_task_for_entry).parameters.values()
    optional = {p.name: p.default for p in parameters if p.default is not inspect.Parameter.empty}
    assert optional == {"contracts": None}


def test_the_router_has_the_contracts_name_and_the_projects() -> None:
    from execution.router import ExecutionRouter

    public, written = (
        ExecutionRouter.run_comprehensive_enforcement,
        ExecutionRouter._run_comprehensive_enforcement_for_task,
    )
    assert public is written
    assert list(inspect.signature(public).parameters) == ["self", "task_payload"]
