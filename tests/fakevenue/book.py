"""What stands at the venue, rebuilt from its journal: accounts, orders, fills, positions. `apply` alone changes it."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from tests.fakevenue.journal import Event

ZERO = Decimal(0)
# What one contract makes when the price moves by one.
POINT_VALUES = {
    "NQ": Decimal(20), "MNQ": Decimal(2), "ES": Decimal(50), "MES": Decimal(5), "CL": Decimal(1000),
    "GC": Decimal(100), "6A": Decimal(100_000),
}  # fmt: skip
SIGNS = {"buy": Decimal(1), "sell": Decimal(-1)}


@dataclass
class VenueAccount:
    id: str
    balance: Decimal
    currency: str = "USD"
    commission: Decimal = ZERO  # each contract and side
    changed_at: str = ""


@dataclass
class BookedOrder:
    """An order the venue has. `parent`: the order it protects; `kind`: market, limit, stop, target or close."""

    order_id: str
    client_order_id: str
    account: str
    symbol: str
    side: str
    quantity: Decimal
    kind: str
    at: str
    price: Decimal | None = None
    parent: str = ""
    stop_loss: Decimal | None = None
    target: Decimal | None = None
    status: str = "working"  # working, filled, canceled, rejected, expired
    filled: Decimal = ZERO

    @property
    def left(self) -> Decimal:
        return self.quantity - self.filled


@dataclass
class Execution:
    fill_id: str
    order_id: str
    account: str
    symbol: str
    side: str
    quantity: Decimal
    price: Decimal
    commission: Decimal
    at: str


@dataclass
class Held:
    quantity: Decimal = ZERO
    average: Decimal = ZERO


@dataclass
class Book:
    accounts: dict[str, VenueAccount] = field(default_factory=dict)
    orders: dict[str, BookedOrder] = field(default_factory=dict)
    fills: list[Execution] = field(default_factory=list)
    positions: dict[tuple[str, str], Held] = field(default_factory=dict)
    marks: dict[str, Decimal] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    tokens: list[str] = field(default_factory=list)

    def apply(self, event: Event) -> None:
        handler = getattr(self, f"_on_{event['kind']}", None)
        if handler is not None:  # requests and rules change nothing
            handler(event)

    def by_client_id(self, account: str, client_order_id: str) -> list[BookedOrder]:
        """The orders themselves, not what protects them."""
        return [
            o for o in self.orders.values()
            if o.account == account and o.client_order_id == client_order_id and not o.parent
        ]  # fmt: skip

    def working(self, account: str) -> list[BookedOrder]:
        return [o for o in self.orders.values() if o.account == account and o.status == "working"]

    def held(self, account: str, symbol: str) -> Decimal:
        return self.positions.get((account, symbol), Held()).quantity

    def price_of(self, symbol: str, otherwise: Decimal | None = None) -> Decimal | None:
        return self.marks.get(symbol, otherwise)

    def equity(self, account: str) -> Decimal:
        """Balance and open profit at the last mark."""
        open_profit = ZERO
        for (owner, symbol), held in self.positions.items():
            if owner == account and held.quantity:
                price = self.marks.get(symbol, held.average)
                open_profit += (price - held.average) * held.quantity * POINT_VALUES[symbol]
        return self.accounts[account].balance + open_profit

    # --- events ---

    def _on_account(self, event: Event) -> None:
        self.accounts[event["id"]] = VenueAccount(
            event["id"],
            Decimal(event["balance"]),
            event["currency"],
            Decimal(event["commission"]),
            event["time"],
        )

    def _on_setting(self, event: Event) -> None:
        self.settings[event["name"]] = event["value"]

    def _on_token(self, event: Event) -> None:
        self.tokens.append(event["token"])

    def _on_kick(self, event: Event) -> None:
        self.tokens = [token for token in self.tokens if token not in event["tokens"]]

    def _on_mark(self, event: Event) -> None:
        self.marks[event["symbol"]] = Decimal(event["price"])
        for (account, symbol), held in self.positions.items():
            if symbol == event["symbol"] and held.quantity:
                self.accounts[account].changed_at = event["time"]

    def _on_order(self, event: Event) -> None:
        numbers = {
            name: None if event[name] is None else Decimal(event[name])
            for name in ("quantity", "price", "stop_loss", "target")
        }
        words = {
            name: event[name]
            for name in (
                "order_id",
                "client_order_id",
                "account",
                "symbol",
                "side",
                "kind_of",
                "time",
                "parent",
                "status",
            )
        }
        words["kind"], words["at"] = words.pop("kind_of"), words.pop("time")
        self.orders[event["order_id"]] = BookedOrder(**words, **numbers)  # type: ignore[arg-type]

    def _on_resized(self, event: Event) -> None:
        self.orders[event["order_id"]].quantity = Decimal(event["quantity"])

    def _on_ended(self, event: Event) -> None:
        self.orders[event["order_id"]].status = event["status"]

    def _on_fill(self, event: Event) -> None:
        order = self.orders[event["order_id"]]
        account = self.accounts[order.account]
        fill = Execution(
            event["fill_id"], order.order_id, order.account, order.symbol, order.side,
            Decimal(event["quantity"]), Decimal(event["price"]), Decimal(event["commission"]), event["time"],
        )  # fmt: skip
        self.fills.append(fill)
        order.filled += fill.quantity
        if order.left <= 0:
            order.status = "filled"
        held = self.positions.setdefault((order.account, order.symbol), Held())
        change = SIGNS[order.side] * fill.quantity
        account.balance += _net(held, change, fill.price) * POINT_VALUES[order.symbol] - fill.commission
        account.changed_at = fill.at


def _net(held: Held, change: Decimal, price: Decimal) -> Decimal:
    """Net a change into what is held; the points that it closed."""
    before, after = held.quantity, held.quantity + change
    points = ZERO
    if before * change < 0:
        closed = min(abs(before), abs(change)).copy_sign(before)
        points = (price - held.average) * closed
        if before * after < 0:
            held.average = price
    else:
        held.average = (abs(before) * held.average + abs(change) * price) / abs(after) if after else price
    held.quantity = after
    return points


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)
