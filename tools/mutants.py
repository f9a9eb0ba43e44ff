"""Breaks the core a line at a time and sees that a test fails: mutation testing of `enforcement/`.

    python -m tools.mutants                                everything (hours)
    python -m tools.mutants --sample 250 --jobs 2          a seeded sample
    python -m tools.mutants --module floors rules.hedging  some modules, whole

One mutant is one changed node of a module's syntax tree. It lives in the memory of a forked child, never in
a file: the child imports the changed tree instead of the module's text, runs the tests named after the
module, and, where they pass, all the rest of tests/enforcement. A test that fails, or takes too long, has
killed it. Left alone: words, docstrings, annotations, decorators, and the data of instrument_table.
"""

import argparse
import ast
import itertools
import json
import os
import random
import resource
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path
from types import CodeType
from typing import Any

import django.core.management.commands.flush  # noqa: F401 - conftest needs it, hypothesis the tests:
import hypothesis  # noqa: F401 - imported once here, they cost no child anything
import pytest

ROOT = Path(__file__).resolve().parent.parent
CORE, TESTS = ROOT / "enforcement", ROOT / "tests" / "enforcement"
LEFT_ALONE = ("__init__", "instrument_table")
PASSING_SHARE = 0.9
MEMORY_BYTES = 4 << 30
NAMED_SECONDS = 60  # the tests named after a module take a few

# The core's tests need no Django, and start three times as fast without it.
WITHOUT_DJANGO = ["-p", "no:django", "-o", "addopts="]
# As `make test-core` runs them: what hypothesis draws depends on what is imported.
ALL_TESTS = ["tests/enforcement"]

# Tests that are not named after the module they speak of.
ALSO = {
    "contract": ["tests/contract/test_check_order_enforcement.py"],
    "context": ["tests/enforcement/test_exposure.py", "tests/enforcement/rules/test_loss_floors.py"],
    "decision": ["tests/enforcement/test_engine.py"],
    "holding": ["tests/enforcement/test_trading_window.py"],
    "orders": ["tests/enforcement/test_engine.py", "tests/enforcement/test_peers.py"],
    "program": ["tests/enforcement/test_engine.py"],
    "prospects": [
        "tests/enforcement/rules/test_loss_floors.py",
        "tests/enforcement/rules/test_loss_floors_edges.py",
    ],
    "rules.__init__": ["tests/enforcement/test_engine.py"],
    "sizing_words": ["tests/enforcement/test_explain.py"],
    "snapshots": ["tests/enforcement/test_worked_cases.py"],
}


@dataclass(frozen=True)
class Mutant:
    """`holder.field` (its item `index`, where it is a list) becomes `change`."""

    module: str
    line: int
    source: str
    before: str
    after: str
    tree: ast.Module
    holder: ast.AST
    field: str
    index: int | None
    change: ast.AST

    def apply(self) -> None:
        _put(self.holder, self.field, self.index, self.change)
        ast.fix_missing_locations(self.tree)


# --- what is changed ----------------------------------------------------------------------------------

_OPERATORS: dict[type[ast.AST], tuple[type[ast.AST], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE), ast.LtE: (ast.Lt, ast.Gt), ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt), ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,), ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,), ast.In: (ast.NotIn,), ast.NotIn: (ast.In,), ast.Add: (ast.Sub,),
    ast.Sub: (ast.Add,), ast.Mult: (ast.Div,), ast.Div: (ast.Mult,), ast.FloorDiv: (ast.Mult,),
    ast.Mod: (ast.Mult,), ast.And: (ast.Or,), ast.Or: (ast.And,),
}  # fmt: skip
_NAMES = {"min": "max", "max": "min", "any": "all", "all": "any"}
_OUTCOMES = {"PASS": "DENY", "WARN": "PASS", "UNDETERMINED": "WARN", "DENY": "UNDETERMINED"}
_SKIPPED = {"annotation", "returns", "decorator_list", "type_params"}


def mutants_of(module: str, text: str) -> Iterator[Mutant]:
    tree, lines = ast.parse(text), text.splitlines()
    for holder, field, index, node, line in _places(tree, 1):
        for change in _changes(holder, field, node):
            # An operator is shown with what it stands between.
            is_operator = isinstance(node, ast.operator | ast.cmpop | ast.boolop)
            before = ast.unparse(holder if is_operator else node)
            _put(holder, field, index, change)
            after = ast.unparse(holder if is_operator else change)
            _put(holder, field, index, node)
            source = lines[line - 1].strip()
            yield Mutant(module, line, source, before, after, tree, holder, field, index, change)


def _put(holder: ast.AST, field: str, index: int | None, node: ast.AST) -> None:
    if index is None:
        setattr(holder, field, node)
    else:
        getattr(holder, field)[index] = node


def _places(holder: ast.AST, line: int) -> Iterator[tuple[ast.AST, str, int | None, Any, int]]:
    """Every node below one, with where it hangs and the line it stands in (operators have none)."""
    for field, value in ast.iter_fields(holder):
        if field in _SKIPPED:
            continue
        for index, node in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if isinstance(node, ast.AST):
                own = getattr(node, "lineno", line)
                yield holder, field, index, node, own
                yield from _places(node, own)


def _changes(holder: ast.AST, field: str, node: ast.AST) -> Iterator[ast.AST]:
    """What may stand in a node's place."""
    match node:
        case ast.operator() | ast.cmpop() | ast.boolop():
            yield from (other() for other in _OPERATORS.get(type(node), ()))
        case ast.Constant(value=bool(value)):
            yield ast.Constant(not value)
        case ast.Constant(value=int(value)) if not isinstance(holder, ast.FormattedValue):
            yield from (ast.Constant(value + 1), ast.Constant(value - 1))
        case ast.Call(func=ast.Name("Decimal"), args=[ast.Constant(str(figure))]):
            yield ast.Call(node.func, [ast.Constant(f"1{figure}")], [])
        case ast.Name(name) if name in _NAMES:
            yield ast.Name(_NAMES[name], ast.Load())
        case ast.Attribute(ast.Name("Outcome"), name) if name in _OUTCOMES:
            yield ast.Attribute(node.value, _OUTCOMES[name], ast.Load())
        case ast.UnaryOp(ast.Not() | ast.USub()):
            yield node.operand
        case ast.Break():
            yield ast.Continue()
        case ast.Continue():
            yield ast.Break()
    # A single comparison or `not` is turned round by its own operator.
    if field in ("test", "ifs") and isinstance(node, ast.expr) and not _turns_by_itself(node):
        yield ast.UnaryOp(ast.Not(), node)


def _turns_by_itself(node: ast.expr) -> bool:
    match node:
        case ast.Compare(ops=[_]) | ast.UnaryOp(ast.Not()):
            return True
    return False


# --- a mutant's life ----------------------------------------------------------------------------------


class _Changed(SourceFileLoader):
    """Finds and loads a mutant's tree in place of its module."""

    def __init__(self, mutant: Mutant) -> None:
        path = CORE / f"{mutant.module.replace('.', '/')}.py"
        super().__init__(f"enforcement.{mutant.module}".removesuffix(".__init__"), str(path))
        self.tree = mutant.tree

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        return spec_from_file_location(fullname, self.path, loader=self) if fullname == self.name else None

    def get_code(self, fullname: str) -> CodeType:
        return compile(self.tree, self.path, "exec")


def _start(mutant: Mutant | None, tests: Sequence[str], seconds: int) -> int:
    """Forks a child that runs tests against a mutant; its exit status is 0 where they pass."""
    child = os.fork()
    if child:
        return child
    signal.alarm(seconds)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    status = 1
    try:
        if mutant is not None:
            mutant.apply()
            sys.meta_path.insert(0, _Changed(mutant))
        status = int(pytest.main(["-x", "-q", "--tb=no", "-p", "no:xdist", "-m", "core", *tests]))
    finally:
        os._exit(status)


def named_tests(module: str) -> list[str]:
    """The test files named after a module (test_floors, test_floors_edges), a rule's among the rules'."""
    *folder, name = module.split(".")
    found = sorted((TESTS / "/".join(folder)).glob(f"test_{name}*.py"))
    return [str(path.relative_to(ROOT)) for path in found] + ALSO.get(module, [])


def run(mutants: Sequence[Mutant], jobs: int, seconds: int, *, quick: bool) -> Iterator[tuple[Mutant, bool]]:
    """Each mutant and whether a test killed it, as they come."""
    waiting = list(reversed(mutants))
    alive: dict[int, tuple[Mutant, bool]] = {}
    while waiting or alive:
        while waiting and len(alive) < jobs:
            mutant = waiting.pop()
            named = named_tests(mutant.module)
            first, limit = ([*WITHOUT_DJANGO, *named], NAMED_SECONDS) if named else (ALL_TESTS, seconds)
            child = _start(mutant, first, limit)
            alive[child] = (mutant, bool(named) and not quick)
        child, status = os.wait()
        mutant, more = alive.pop(child)
        if status == 0 and more:
            alive[_start(mutant, ALL_TESTS, seconds)] = (mutant, False)
        else:
            yield mutant, status != 0


def all_mutants(modules: Sequence[str]) -> list[Mutant]:
    found: list[Mutant] = []
    for path in sorted(CORE.rglob("*.py")):
        module = ".".join(path.relative_to(CORE).with_suffix("").parts)
        if module not in LEFT_ALONE and (not modules or module in modules):
            found += mutants_of(module, path.read_text())
    return found


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tools.mutants", description="Mutation testing of the core."
    )
    parser.add_argument("--module", nargs="+", default=[], help="only these: floors, rules.hedging …")
    parser.add_argument("--sample", type=int, help="so many of them, drawn by --seed")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1, help="so many at a time")
    parser.add_argument("--quick", action="store_true", help="only the tests named after each module")
    parser.add_argument("--json", action="store_true", help="the figures and survivors as JSON")
    options = parser.parse_args()

    mutants = all_mutants(options.module)
    if options.sample and options.sample < len(mutants):
        mutants = random.Random(options.seed).sample(mutants, options.sample)  # noqa: S311 - no secret
    began = time.monotonic()
    if os.waitpid(_start(None, ALL_TESTS, 900), 0)[1]:
        _say("The tests fail without any mutant: run `python -m pytest -m core tests/enforcement` first.")
        return 2
    seconds = 30 + 3 * int(time.monotonic() - began)
    total, killed, survivors = Counter[str](), Counter[str](), []
    for done, (mutant, dead) in enumerate(run(mutants, options.jobs, seconds, quick=options.quick), start=1):
        total[mutant.module] += 1
        killed[mutant.module] += dead
        if not dead:
            survivors.append(mutant)
            _say(f"alive: {mutant.module}:{mutant.line}: {mutant.before}  →  {mutant.after}")
        if done % 50 == 0:
            _say(f"{done}/{len(mutants)} after {time.monotonic() - began:.0f} s, {len(survivors)} alive")
    survivors.sort(key=lambda one: (one.module, one.line))
    _report(total, killed, survivors, as_json=options.json)
    return int(killed.total() < PASSING_SHARE * total.total())


def _report(total: Counter[str], killed: Counter[str], survivors: list[Mutant], *, as_json: bool) -> None:
    write = sys.stdout.write
    if as_json:
        names = ("module", "line", "source", "before", "after")
        rows = [{name: getattr(one, name) for name in names} for one in survivors]
        figures = {module: [killed[module], total[module]] for module in sorted(total)}
        write(json.dumps({"killed_of": figures, "survivors": rows}, indent=1, ensure_ascii=False) + "\n")
        return
    for module in sorted(total):
        write(f"{module:32} {killed[module]:5} of {total[module]:5}\n")
    write(
        f"{'all':32} {killed.total():5} of {total.total():5}  {killed.total() / (total.total() or 1):.1%}\n"
    )
    for module, ones in itertools.groupby(survivors, key=lambda one: one.module):
        write(f"\n{module}\n")
        for one in ones:
            write(f"  {one.line}: {one.source}\n      {one.before}  →  {one.after}\n")


if __name__ == "__main__":
    sys.exit(main())
