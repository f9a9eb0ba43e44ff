"""The exchange itself: takes orders, fills them, works stops. Every change is in the journal before it counts."""

import re
import secrets
import threading
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.fakevenue.book import POINT_VALUES, SIGNS, ZERO, Book, BookedOrder
from tests.fakevenue.journal import Journal
from tests.fakevenue.switches import SETTINGS

OPPOSITE = {"buy": "sell", "sell": "buy"}
OPENING_PRICE = Decimal(20_000)  # of what nobody has marked or priced


class Refused(Exception):
    """The venue's documented no: nothing was and nothing will be executed."""

    def __init__(self, code: str, text: str = "") -> None:
        super().__init__(code)
        self.code, self.text = code, text or code


class Market:
    """One lock around everything: what is asked sees all or nothing of what is being done."""

    def __init__(self, path: Path) -> None:
        self.lock = threading.RLock()
        self.journal = Journal(path)
        self.book = Book(settings=dict(SETTINGS))
        for event in self.journal.events:
            self.book.apply(event)

    def setting(self, name: str) -> Any:
        return self.book.settings[name]

    def now(self) -> datetime:
        """By the venue's own clock."""
        return datetime.now(UTC) + timedelta(seconds=self.setting("clock_offset"))

    def record(self, kind: str, **fields: Any) -> None:
        with self.lock:
            self.book.apply(self.journal.append(kind, time=self.now().isoformat(), **fields))

    def heard(self, **fields: Any) -> None:
        """A request, before anything is done about it."""
        with self.lock:
            self.journal.append("request", synced=False, **fields)

    # --- orders ---

    def place(self, body: dict[str, Any]) -> BookedOrder:
        """An entry, with the stop and target that leave together with it."""
        with self.lock:
            self._admit(body)
            stop, target = _number(body.get("stop_loss")), _number(body.get("target"))
            if (stop or target) and self.setting("bracket") == "off":
                raise Refused("brackets_off", "bracket orders are not switched on for this account")
            order = self._new(body, "market", price=_number(body.get("price")), stop_loss=stop, target=target)
            self._fill_at_once(order)
            return order

    def close(self, body: dict[str, Any]) -> BookedOrder:
        """Reduce a position: never more than is held."""
        with self.lock:
            self._admit(body)
            held = self.book.held(body["account"], body["symbol"])
            if held * SIGNS[body["side"]] >= 0:
                raise Refused("nothing_to_close", f"nothing to close in {body['symbol']}")
            quantity = min(Decimal(str(body["quantity"])), abs(held))
            order = self._new({**body, "quantity": quantity}, "close")
            self._fill_at_once(order)
            return order

    def protect(self, body: dict[str, Any]) -> BookedOrder:
        """A stop and target of their own, one cancels the other: for an entry that has left without them."""
        with self.lock:
            self._check_account(body["account"])
            name = str(body["client_order_id"])
            prices = (("stop", _number(body.get("stop_loss"))), ("target", _number(body.get("target"))))
            pair = f"pair {name}"
            made = [o for o in self.book.orders.values() if o.parent == pair and o.account == body["account"]]
            if not made:
                if self.setting("bracket") == "reject_stop":
                    raise Refused("invalid_stop")
                other = {**body, "side": OPPOSITE[body["side"]]}
                made = [self._new(other, kind, parent=pair, price=p) for kind, p in prices if p is not None]
            return made[0]

    def cancel(self, account: str, client_order_id: str) -> None:
        """What is left of an order; what it has filled, and what protects that, stays."""
        with self.lock:
            self._check_account(account)
            for order in self.book.by_client_id(account, client_order_id):
                if order.status == "working":
                    self.record("ended", order_id=order.order_id, status="canceled")

    def cancel_all(self, account: str, symbols: list[str]) -> None:
        with self.lock:
            self._check_account(account)
            for order in self.book.working(account):
                if order.symbol in symbols:
                    self.record("ended", order_id=order.order_id, status="canceled")

    def flatten(self, account: str) -> None:
        with self.lock:
            self._check_account(account)
            self.cancel_all(account, sorted(POINT_VALUES))
            for (owner, symbol), held in list(self.book.positions.items()):
                if owner == account and held.quantity:
                    side = "sell" if held.quantity > 0 else "buy"
                    self._person(account, symbol, side, abs(held.quantity), by="flatten")

    # --- what moves it from outside ---

    def fill(self, client_order_id: str, quantity: Decimal | None = None) -> None:
        """Execute a working order, or a part of it."""
        with self.lock:
            for order in list(self.book.orders.values()):
                if (
                    order.client_order_id == client_order_id
                    and not order.parent
                    and order.status == "working"
                ):
                    self._execute(order, min(quantity or order.left, order.left))

    def end(self, client_order_id: str, status: str) -> None:
        with self.lock:
            for order in list(self.book.orders.values()):
                if (
                    order.client_order_id == client_order_id
                    and not order.parent
                    and order.status == "working"
                ):
                    self.record("ended", order_id=order.order_id, status=status)

    def person(self, account: str, symbol: str, side: str, quantity: Decimal, rests: bool = False) -> None:
        """Somebody trades on the phone; `rests`: a limit order far from the market."""
        with self.lock:
            self._person(account, symbol, side, quantity, by="person", rests=rests)

    def mark(self, symbol: str, price: Decimal) -> None:
        """The market moves: stops and targets that it reaches are executed, and one cancels the other."""
        with self.lock:
            self.record("mark", symbol=symbol, price=str(price))
            for order in list(self.book.orders.values()):
                if (
                    order.symbol == symbol
                    and order.status == "working"
                    and order.parent
                    and _reached(order, price)
                ):
                    for other in self.book.working(order.account):
                        if other.parent == order.parent and other is not order:
                            self.record("ended", order_id=other.order_id, status="canceled")
                    self._execute(order, order.left)

    def log_in(self) -> str:
        with self.lock:
            token = secrets.token_hex(8)
            self.record("token", token=token)
            surplus = self.book.tokens[: -self.setting("max_sessions")]
            if surplus:
                self.record("kick", tokens=surplus)
            return token

    def kick(self) -> None:
        with self.lock:
            self.record("kick", tokens=list(self.book.tokens))

    # --- inside ---

    def _check_account(self, account: str) -> None:
        if account not in self.book.accounts:
            raise Refused("account_not_found")

    def _admit(self, body: dict[str, Any]) -> None:
        self._check_account(body["account"])
        name = str(body["client_order_id"])
        if body["account"] in self.setting("disabled"):
            raise Refused("account_disabled")
        if body["symbol"] not in POINT_VALUES:
            raise Refused("unknown_symbol")
        if body["symbol"] in self.setting("expired"):
            raise Refused("contract_not_active")
        if len(name) > self.setting("id_max") or not re.fullmatch(self.setting("id_pattern"), name):
            raise Refused("id_invalid")
        if Decimal(str(body["quantity"])) <= 0:
            raise Refused("invalid_quantity")
        if self.setting("unique_ids") and self.book.by_client_id(body["account"], name):
            raise Refused("duplicate_id")

    def _new(
        self, body: dict[str, Any], kind: str, *, parent: str = "", status: str = "working", **prices: Any
    ) -> BookedOrder:
        order_id = f"v{len(self.book.orders) + 1}"
        numbers = {name: _text(prices.get(name)) for name in ("price", "stop_loss", "target")}
        self.record(
            "order", order_id=order_id, client_order_id=str(body["client_order_id"]), account=body["account"],
            symbol=body["symbol"], side=body["side"], quantity=str(body["quantity"]), kind_of=kind,
            parent=parent, status=status, **numbers,
        )  # fmt: skip
        return self.book.orders[order_id]

    def _fill_at_once(self, order: BookedOrder) -> None:
        how = self.setting("fill")
        if how == "whole" or order.kind == "close":
            self._execute(order, order.quantity)
        elif how != "none":
            for _ in range(min(int(how), int(order.quantity))):
                self._execute(order, Decimal(1))

    def _execute(self, order: BookedOrder, quantity: Decimal) -> None:
        own = order.price if order.kind in ("limit", "target") else None
        price = own or self.book.price_of(order.symbol, order.price) or OPENING_PRICE
        self.record(
            "fill", fill_id=f"f{len(self.book.fills) + 1}", order_id=order.order_id, quantity=str(quantity),
            price=str(price), commission=str(self.book.accounts[order.account].commission * quantity),
        )  # fmt: skip
        if order.kind == "market" and (order.stop_loss or order.target):
            self._protect(order, order.filled)

    def _protect(self, entry: BookedOrder, quantity: Decimal) -> list[BookedOrder]:
        """Stop and target for what the entry has filled; they grow with it."""
        made = []
        for kind, price in (("stop", entry.stop_loss), ("target", entry.target)):
            if price is None:
                continue
            own = [o for o in self.book.orders.values() if o.parent == entry.order_id and o.kind == kind]
            if own:
                self.record("resized", order_id=own[0].order_id, quantity=str(quantity))
                made.append(own[0])
                continue
            status = "rejected" if kind == "stop" and self.setting("bracket") == "reject_stop" else "working"
            body = {
                "client_order_id": entry.client_order_id, "account": entry.account, "symbol": entry.symbol,
                "side": OPPOSITE[entry.side], "quantity": quantity,
            }  # fmt: skip
            made.append(self._new(body, kind, parent=entry.order_id, status=status, price=price))
        return made

    def _person(
        self, account: str, symbol: str, side: str, quantity: Decimal, *, by: str, rests: bool = False
    ) -> None:
        body = {
            "client_order_id": "",
            "account": account,
            "symbol": symbol,
            "side": side,
            "quantity": quantity,
        }
        price = Decimal(1) if rests else None
        order = self._new(body, "limit" if rests else by, price=price)
        if not rests:
            self._execute(order, order.quantity)


def _reached(order: BookedOrder, price: Decimal) -> bool:
    if order.price is None:
        return False
    falling = (order.side == "sell") == (order.kind == "stop")
    return price <= order.price if falling else price >= order.price


def _number(value: Any) -> Decimal | None:
    return None if value is None else Decimal(str(value))


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


__all__ = ["ZERO", "Market", "Refused"]
