"""Published and derived examples of real firms, word for word through the real engine."""

import ast
import json
from copy import deepcopy
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from enforcement import floors, worked_cases
from enforcement.worked_cases import COMPARED, answer, verify

pytestmark = pytest.mark.core

HERE = Path(__file__).parent
FILES = [HERE / "cases" / "published.json", HERE / "cases" / "own.json"]
CASES = [
    pytest.param(case, id=case["id"])
    for file in FILES
    for case in json.loads(file.read_text(encoding="utf-8"), parse_float=Decimal)
]


def named(name: str) -> dict[str, Any]:
    return deepcopy(next(case.values[0] for case in CASES if case.id == name))  # type: ignore[arg-type]


@pytest.mark.parametrize("case", CASES)
def test_the_engine_says_what_the_firm_says(case: dict[str, Any]) -> None:
    assert verify(case) == []


def test_every_kind_of_question_is_asked() -> None:
    kinds = {param.values[0]["question"]["type"] for param in CASES}  # type: ignore[index,call-overload]
    assert kinds == {"equity_check", "order", "hold_check", "consistency", "pnl"}


@pytest.mark.parametrize("what", COMPARED)
def test_every_figure_is_compared(what: str) -> None:
    """A wrong figure in any place that a case names is a difference: nothing is waved through."""
    for param in CASES:
        case = deepcopy(param.values[0])
        expected = case["expected"]  # type: ignore[index,call-overload]
        if expected.get(what) is not None:
            right = expected[what]
            wrong = not right if isinstance(right, bool) else f"not {right}"
            expected[what] = right + 1 if isinstance(right, (int, Decimal)) and right is not True else wrong
            if isinstance(right, bool):
                expected[what] = not right
            assert [difference.what for difference in verify(case)] == [what]  # type: ignore[arg-type]
            return
    pytest.fail(f"no case names {what}")


def test_a_broken_line_of_a_floor_fails_cases(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(floors, "_lock_fired", lambda *_: False)
    assert sum(bool(verify(param.values[0])) for param in CASES) >= 3  # type: ignore[arg-type]


def test_it_only_builds_values_and_asks_the_engine() -> None:
    """Neither module does arithmetic of floors or rooms of its own: they import what the engine uses."""
    allowed = {"enforcement", "collections", "dataclasses", "datetime", "decimal", "typing", "re"}
    for module in ("worked_cases", "snapshots"):
        source = Path(worked_cases.__file__).with_name(f"{module}.py").read_text(encoding="utf-8")
        imports = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ImportFrom)]
        assert {str(node.module).split(".")[0] for node in imports} <= allowed
    source = Path(worked_cases.__file__).read_text(encoding="utf-8")
    assert "enforcement.scenario" in source, "timelines run through the same runner as `manage.py scenario`"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        pytest.param(
            {"rule": {"drawdown": {"type": "sideways", "amount": 1}}}, "sideways", id="unknown type"
        ),
        pytest.param({"question": {"type": "guess"}}, "guess", id="unknown question"),
        pytest.param(
            {"question": {"t": "2026-09-15T10:00:00", "type": "equity_check"}}, "offset", id="naive time"
        ),
        pytest.param({"rule": {"starting_balance": "50000"}}, "50000", id="a text for a number"),
        pytest.param({"rule": {"starting_balance": True}}, "True", id="a boolean for a number"),
    ],
)
def test_a_case_that_cant_be_read_says_what_is_wrong_with_it(change: dict[str, Any], says: str) -> None:
    case = named("apex-01")
    for part, values in change.items():
        case[part] = {**case[part], **values}
    [difference] = verify(case)
    assert difference.what == "case"
    assert says in str(difference.got)


def test_an_answer_names_the_floor_behind_it() -> None:
    _, by = answer(named("apex-01"))
    assert by == "drawdown floor 49200"
