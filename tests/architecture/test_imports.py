"""Nothing imports upwards, and the core stands alone."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.core

ROOT = Path(__file__).resolve().parents[2]
CORE = ROOT / "enforcement"

# Each of these is refused when the core is imported: what it needs is the language and its own modules.
BLOCKED = (
    "django", "rest_framework", "django_q", "psycopg2", "simple_history", "unfold", "environ",
    "firms", "execution", "signals_api", "propguard",
)  # fmt: skip
ALONE = f"""
import importlib, pkgutil, sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {BLOCKED!r}:
            raise ImportError("the core asked for " + name)

sys.meta_path.insert(0, Refuse())
import enforcement
for module in pkgutil.walk_packages(enforcement.__path__, "enforcement."):
    importlib.import_module(module.name)
verdict = enforcement.check_order_enforcement("FTMO", 1, {{"max_contracts": 1}}, {{}}, {{"contracts": 2}})
assert verdict["breach_type"] == "contracts", verdict
loaded = sorted(name for name in sys.modules if name.partition(".")[0] in {BLOCKED!r})
assert not loaded, loaded
"""


def test_the_import_contracts_hold() -> None:
    """The three contracts of pyproject.toml, by import-linter itself."""
    lint = Path(sys.executable).with_name("lint-imports")
    run = subprocess.run([lint, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    for name in ("Nothing imports upwards", "The core is plain Python", "Rules do not import each other"):
        assert f"{name} KEPT" in run.stdout


def test_the_core_imports_and_judges_where_there_is_no_django() -> None:
    run = subprocess.run([sys.executable, "-c", ALONE], cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize("path", sorted(CORE.rglob("*.py")), ids=lambda p: str(p.relative_to(CORE)))
def test_the_core_asks_no_clock_and_prints_nothing(path: Path) -> None:
    """`now` is an argument; a decision made again a year later is the same."""
    forbidden = {"now", "today", "utcnow", "time_ns", "monotonic", "print", "open", "input", "getenv"}
    called = {
        node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
    }
    assert not called & forbidden
