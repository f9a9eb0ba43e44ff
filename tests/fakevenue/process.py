"""The venue from a test's side: start it, steer it, kill it, and read what it really did."""

import json
import subprocess
import sys
import urllib.error
import urllib.request
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.fakevenue.book import Book
from tests.fakevenue.journal import Event, read

ROOT = Path(__file__).resolve().parent.parent.parent


class FakeVenue:
    """One venue process and its journal. The ports stay the same across a restart."""

    def __init__(self, journal: Path) -> None:
        self.journal_path = journal
        self.port = self.control_port = 0
        self._process: subprocess.Popen[str] | None = None
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    # --- the process ---

    @property
    def lives(self) -> bool:
        return self._process is not None

    def start(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.fakevenue", "--port", str(self.port), "--control-port",
             str(self.control_port), "--journal", str(self.journal_path)],
            cwd=ROOT, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the venue did not start"
        self.port, self.control_port = (int(word) for word in line.split())

    def kill(self) -> None:
        """kill -9."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            if self._process.stdout is not None:
                self._process.stdout.close()
            self._process = None

    def begin_anew(self, journal: Path) -> None:
        """A venue that knows nothing, in the same process: starting one costs more than most tests."""
        self.journal_path = journal
        if self._process is None:
            self.start()
        self.do("reset", journal=str(journal))

    def restart(self) -> None:
        self.kill()
        self.start()

    # --- steering ---

    def do(self, command: str, **values: Any) -> Any:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.control_port}/", json.dumps({"command": command, **values}).encode()
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return json.load(answer)["result"]
        except urllib.error.HTTPError as error:
            raise AssertionError(json.load(error)["error"]) from None

    def rule(self, **values: Any) -> None:
        """The next call(s) of a kind: see `switches.Rule`."""
        self.do("rule", **values)

    def set(self, name: str, value: Any) -> None:
        """A setting that holds: see `switches.SETTINGS`."""
        self.do("set", name=name, value=value)

    def clear(self) -> None:
        self.do("clear")

    # --- what it really did ---

    def events(self, kind: str | None = None) -> list[Event]:
        return [event for event in read(self.journal_path) if kind in (None, event["kind"])]

    def asked(self, what: str) -> list[dict[str, Any]]:
        """The bodies of the requests of one kind."""
        return [event["body"] for event in self.events("request") if event["what"] == what]

    def book(self) -> Book:
        """The journal read anew: what stands there, whatever the venue says about it."""
        book = Book()
        for event in self.events():
            book.apply(event)
        return book

    def held(self, account: str, symbol: str = "NQ") -> Decimal:
        return self.book().held(account, symbol)

    def executed(self, client_order_id: str) -> Decimal:
        """Contracts that were really filled for this id, over all orders that carry it."""
        orders = self.book().orders.values()
        return sum(
            (o.filled for o in orders if o.client_order_id == client_order_id and not o.parent), Decimal(0)
        )
