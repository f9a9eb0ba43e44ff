"""From rounds of samples to one table, and to a file that keeps every sample."""

import json
import os
import platform
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import chain
from pathlib import Path
from statistics import median
from typing import Any

from bench.client import Sample

PACKAGES = ("django", "djangorestframework", "django-q2", "psycopg2-binary", "gunicorn")
SIDES = ("propguard", "stock")
LATENCY_TARGET, DECISIONS_TARGET = 8, 15


@dataclass(slots=True)
class Rounds:
    """One side's rounds, in order."""

    idle: list[Sample] = field(default_factory=list)
    steady: list[Sample] = field(default_factory=list)
    decisions_per_second: list[float] = field(default_factory=list)


@dataclass(slots=True)
class Result:
    """One database's figures."""

    database: str
    rate: int
    accounts: int
    orders: int
    sides: dict[str, Rounds]


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table; `ratios` say how many times better we are, round by round."""

    name: str
    ours: float
    stock: float
    unit: str
    ratios: Sequence[float]
    samples: tuple[int, int]
    target: int | None = None

    def cells(self) -> list[str]:
        low, high = min(self.ratios), max(self.ratios)
        reached = "" if self.target is None else f"≥ {self.target}x"
        verdict = (
            "" if self.target is None else ("reached" if median(self.ratios) >= self.target else "MISSED")
        )
        return [
            self.name,
            _figure(self.ours, self.unit),
            _figure(self.stock, self.unit),
            f"{median(self.ratios):.1f}x",
            f"{low:.1f} to {high:.1f}" if len(self.ratios) > 1 else "",
            f"{reached} {verdict}".strip(),
            f"{self.samples[0]:,} / {self.samples[1]:,}",
        ]


HEAD = ["", "PropGuard", "stock", "ratio", "of rounds", "target", "samples"]


def print_result(result: Result) -> None:
    """The table of one database."""
    print(f"\n{result.database}")
    table = [HEAD, *(row.cells() for row in _rows(result))]
    widths = [max(len(line[column]) for line in table) for column in range(len(HEAD))]
    for line in table:
        cells = [cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True)]
        print("  ".join([line[0].ljust(widths[0]), *cells]).rstrip())


def machine() -> str:
    """What it ran on, and with which versions."""
    python = f"Python {platform.python_version()}"
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return (
        f"{os.cpu_count()} x {_processor()}, {platform.system()} {platform.release()}, {python}, {packages}"
    )


def store(path: Path, results: Sequence[Result], settings: dict[str, Any]) -> None:
    """Every sample, in seconds, as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    document = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "settings": settings,
        "results": [asdict(result) for result in results],
    }
    path.write_text(json.dumps(document, indent=1) + "\n")


def _rows(result: Result) -> list[Row]:
    ours, stock = (result.sides[side] for side in SIDES)
    rows = []
    for name, of, rate in (
        ("ack", lambda sample: sample.ack, f"{result.rate}/s"),
        ("alert → connector", lambda sample: sample.connector, f"{result.rate}/s"),
    ):
        target = LATENCY_TARGET if name != "ack" else None
        rows += _latencies(f"{name}, idle", of, ours.idle, stock.idle, target)
        rows += _latencies(f"{name}, {rate}", of, ours.steady, stock.steady, target)
    mine, theirs = ours.decisions_per_second, stock.decisions_per_second
    rows.append(
        Row(
            name=f"decisions/s, {result.accounts:,} accounts",
            ours=median(mine),
            stock=median(theirs),
            unit="",
            ratios=[a / b for a, b in zip(mine, theirs, strict=True)],
            samples=(len(mine) * result.accounts, len(theirs) * result.accounts),
            target=DECISIONS_TARGET,
        )
    )
    return rows


def _latencies(
    name: str,
    of: Callable[[Sample], list[float]],
    ours: Sequence[Sample],
    stock: Sequence[Sample],
    target: int | None,
) -> list[Row]:
    """The median and the 99th percentile over all rounds; the ratio is taken within each round."""
    all_ours, all_stock = (list(chain.from_iterable(map(of, side))) for side in (ours, stock))
    return [
        Row(
            name=f"{name}, p{percent}",
            ours=percentile(all_ours, percent),
            stock=percentile(all_stock, percent),
            unit="ms",
            ratios=[
                percentile(of(theirs), percent) / percentile(of(mine), percent)
                for mine, theirs in zip(ours, stock, strict=True)
            ],
            samples=(len(all_ours), len(all_stock)),
            target=target if percent == 50 else None,
        )
        for percent in (50, 99)
    ]


def percentile(values: Sequence[float], percent: int) -> float:
    """The smallest value that at least `percent` of a hundred values do not exceed."""
    ordered = sorted(values)
    return ordered[max(-(-len(ordered) * percent // 100), 1) - 1]


def _figure(value: float, unit: str) -> str:
    return f"{value * 1000:,.1f} ms" if unit == "ms" else f"{value:,.0f}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
