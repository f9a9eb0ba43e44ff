"""No binary fractions where money is computed or stored."""

import ast
from pathlib import Path

import pytest
from django.apps import apps
from django.db import models

pytestmark = pytest.mark.core

CORE = Path(__file__).resolve().parents[2] / "enforcement"
MODULES = sorted(CORE.rglob("*.py"))


def floats_in(path: Path) -> list[str]:
    """Every float literal and every use of the name `float`, with its line."""
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Constant) and isinstance(node.value, (float, complex)):
            found.append(f"{node.lineno}: {node.value}")
        elif isinstance(node, ast.Name) and node.id == "float":
            found.append(f"{node.lineno}: float")
    return found


@pytest.mark.parametrize(
    "path", [path for path in MODULES if path.name != "contract.py"], ids=lambda p: str(p.relative_to(CORE))
)
def test_a_core_module_knows_no_float(path: Path) -> None:
    assert floats_in(path) == []


def test_the_written_contract_takes_floats_and_turns_each_into_a_decimal_at_once() -> None:
    """Two mentions, both in `_number`: is it one, and its shortest text."""
    path = CORE / "contract.py"
    tree = ast.parse(path.read_text())
    number = next(n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == "_number")
    found = floats_in(path)
    assert [text.partition(": ")[2] for text in found] == ["float", "float"]
    for text in found:
        line = int(text.partition(":")[0])
        assert number.end_lineno is not None
        assert number.lineno <= line <= number.end_lineno


def test_no_column_is_a_float() -> None:
    """One exception would be a clock's reading; there is none."""
    own = [model for app in ("firms", "execution") for model in apps.get_app_config(app).get_models()]
    assert own
    floats = [
        str(field) for model in own for field in model._meta.fields if isinstance(field, models.FloatField)
    ]
    assert floats == []
