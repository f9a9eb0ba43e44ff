"""The test's own door to the venue, on another port: switches, market moves, and what stands in the book."""

import json
from decimal import Decimal
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, ClassVar

from tests.fakevenue import answers
from tests.fakevenue.market import Market
from tests.fakevenue.server import Server, Venue, serve


class Desk:
    """Carries out commands; closes and opens the venue's door."""

    def __init__(self, venue: Venue, port: int) -> None:
        self.venue = venue
        self.server: Server | None = serve(venue, port)
        self.port = int(self.server.server_address[1])

    def do(self, command: str, **values: Any) -> Any:
        return getattr(self, f"do_{command}")(**values)

    def do_reset(self, journal: str) -> None:
        """Another venue in the same process: its own journal, no rules."""
        self.do_clear()
        self.do_listen()
        self.venue.market = Market(Path(journal))

    def do_rule(self, **values: Any) -> None:
        with self.venue.market.lock:
            self.venue.switches.add(**values)

    def do_clear(self) -> None:
        """No rules any more, and whoever hangs is let go."""
        with self.venue.market.lock:
            self.venue.switches.rules.clear()
        self.venue.released.set()
        self.venue.released = type(self.venue.released)()

    def do_set(self, name: str, value: Any) -> None:
        if name not in self.venue.market.book.settings:
            raise ValueError(f"no such setting: {name}")
        self.venue.market.record("setting", name=name, value=value)

    def do_account(
        self, id: str, balance: str = "50000", currency: str = "USD", commission: str = "0"
    ) -> None:
        if id not in self.venue.market.book.accounts:
            self.venue.market.record(
                "account", id=id, balance=balance, currency=currency, commission=commission
            )

    def do_fill(self, client_order_id: str, quantity: str | None = None) -> None:
        self.venue.market.fill(client_order_id, None if quantity is None else Decimal(quantity))

    def do_end(self, client_order_id: str, status: str) -> None:
        """The venue ends what is left of an order: canceled, rejected or expired."""
        self.venue.market.end(client_order_id, status)

    def do_person(self, account: str, symbol: str, side: str, quantity: str, rests: bool = False) -> None:
        self.venue.market.person(account, symbol, side, Decimal(quantity), rests)

    def do_mark(self, symbol: str, price: str) -> None:
        self.venue.market.mark(symbol, Decimal(price))

    def do_kick(self) -> None:
        self.venue.market.kick()

    def do_refuse(self) -> None:
        """Connections are refused until `listen`."""
        if self.server is not None:
            self.server.shutdown()
            self.server.server_close()
            self.server = None

    def do_listen(self) -> None:
        if self.server is None:
            self.server = serve(self.venue, self.port)

    def do_positions(self, account: str) -> dict[str, str]:
        book = self.venue.market.book
        with self.venue.market.lock:
            return {
                s: str(h.quantity)
                for (owner, s), h in book.positions.items()
                if owner == account and h.quantity
            }

    def do_working(self, account: str) -> list[dict[str, Any]]:
        with self.venue.market.lock:
            return [
                answers.order_row(self.venue.market.book, o) for o in self.venue.market.book.working(account)
            ]


class ControlHandler(BaseHTTPRequestHandler):
    desk: ClassVar[Desk]

    def do_POST(self) -> None:
        try:
            command = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, answer = 200, {"result": self.desk.do(**command)}
        except Exception as error:  # noqa: BLE001 - the test's own mistake, told to the test
            status, answer = 400, {"error": f"{type(error).__name__}: {error}"}
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: Any) -> None:
        """The journal has what matters."""
