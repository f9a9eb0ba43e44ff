"""A rule is one module, one line in RULES, its messages, and one table of tests."""

import ast
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest

from enforcement.rules import RULES, Rule

pytestmark = pytest.mark.core

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted(
    path.stem for path in (ROOT / "enforcement" / "rules").glob("*.py") if path.stem != "__init__"
)


def test_every_rule_module_is_in_the_table_once() -> None:
    assert sorted(rule.code for rule in RULES) == MODULES


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_a_rule_says_what_it_does_and_has_messages(rule: Rule) -> None:
    assert rule.messages
    assert rule.breach_type
    assert "None" not in rule.doc.splitlines(), "the module or its check has no docstring"


@pytest.mark.parametrize("rule", MODULES)
def test_a_rule_has_a_table_of_tests(rule: str) -> None:
    path = ROOT / "tests" / "enforcement" / "rules" / f"test_{rule}.py"
    names = {
        target.id
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    assert "ROWS" in names


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_a_rules_codes_are_dotted_and_its_messages_sentences(rule: Rule) -> None:
    for code, text in rule.messages.items():
        family, dot, name = code.partition(".")
        assert dot
        assert name.replace("_", "").isalpha()
        assert family == rule.code or family in ("daily_loss", "drawdown")
        assert text[-1] == "."
        assert set(_formats(text)) <= {"", "money", "percent"}


def _formats(text: str) -> Iterator[str]:
    return (spec for _, name, spec, _ in Formatter().parse(text) if name is not None and spec is not None)
