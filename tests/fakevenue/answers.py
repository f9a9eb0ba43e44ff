"""What the venue says: rows as JSON, and the many shapes of a bad answer."""

import json
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from tests.fakevenue.book import SIGNS, Book, BookedOrder, Execution, instant
from tests.fakevenue.market import Market
from tests.fakevenue.switches import Rule

HTML = b"<!doctype html><html><title>Maintenance</title><body>We will be back soon.</body></html>"
HUGE_BYTES = 10 * 1024 * 1024


def order_row(book: Book, order: BookedOrder) -> dict[str, Any]:
    return {
        "order_id": order.order_id,
        "client_order_id": order.client_order_id,
        "protects": bool(order.parent),
        "symbol": order.symbol,
        "side": order.side,
        "quantity": _json(order.quantity),
        "filled_quantity": _json(order.filled),
        "kind": order.kind,
        "price": _json(order.price),
        "status": order.status,
        "placed_at": order.at,
    }


def fill_row(book: Book, fill: Execution) -> dict[str, Any]:
    order = book.orders[fill.order_id]
    return {
        "fill_id": fill.fill_id,
        "order_id": fill.order_id,
        "client_order_id": order.client_order_id,
        "kind": order.kind,
        "symbol": fill.symbol,
        "side": fill.side,
        "quantity": _json(fill.quantity),
        "price": _json(fill.price),
        "commission": _json(fill.commission),
        "filled_at": fill.at,
    }


def cutoff(market: Market, rule: Rule) -> datetime | None:
    """What is younger than this is not shown; None: everything is."""
    delay = market.setting("hidden_seconds")
    if rule.rows in ("hidden", "stale"):
        delay = max(delay, rule.seconds)
    return market.now() - timedelta(seconds=delay) if delay else None


def orders(market: Market, query: dict[str, str], until: datetime | None) -> list[dict[str, Any]]:
    book, account = market.book, query["account"]
    found = [o for o in book.orders.values() if o.account == account]
    if "client_order_id" in query:
        found = book.by_client_id(account, query["client_order_id"])
    if query.get("working"):
        found = [order for order in found if order.status == "working"]
    return [order_row(book, order) for order in found if until is None or instant(order.at) <= until]


def fills(market: Market, query: dict[str, str], until: datetime | None) -> list[dict[str, Any]]:
    own = [fill for fill in market.book.fills if fill.account == query["account"]]
    return [fill_row(market.book, fill) for fill in own if until is None or instant(fill.at) <= until]


def positions(market: Market, query: dict[str, str], until: datetime | None) -> list[dict[str, Any]]:
    book = market.book
    held = {symbol: h.quantity for (owner, symbol), h in book.positions.items() if owner == query["account"]}
    for fill in book.fills:
        if fill.account == query["account"] and until is not None and instant(fill.at) > until:
            held[fill.symbol] -= SIGNS[fill.side] * fill.quantity
    return [
        {
            "symbol": symbol,
            "quantity": _json(quantity),
            "price": _json(book.price_of(symbol, book.positions[query["account"], symbol].average)),
        }
        for symbol, quantity in held.items()
        if quantity
    ]


def account(market: Market, query: dict[str, str]) -> dict[str, Any]:
    book, name = market.book, query["account"]
    own = book.accounts[name]
    balance, equity = _json(own.balance), _json(book.equity(name))
    instead = market.setting("balance")
    if instead is not None:
        balance = equity = None if instead == "null" else instead if instead == "NaN" else float(instead)
    return {
        "account_id": market.setting("account_id") or name,
        "balance": balance,
        "equity": equity,
        "currency": market.setting("currency") or own.currency,
        "can_trade": name not in market.setting("disabled"),
        "simulated": True,
        "as_of": time_text(market, market.now().isoformat()),
    }


def time_text(market: Market, text: str) -> str:
    return text.partition("+")[0] if market.setting("zoneless") else text


def listed(market: Market, name: str, rows: list[dict[str, Any]], rule: Rule) -> dict[str, Any]:
    """An answer with a list, or without the one it should have."""
    if market.setting("hidden") or rule.rows == "empty":
        return {"ok": True, name: []}
    if rule.rows == "duplicated":
        rows = [row for row in rows for _ in range(2)]
    if rule.rows == "reversed":
        rows = rows[::-1]
    shown = [
        {key: time_text(market, v) if key.endswith("_at") else v for key, v in row.items()} for row in rows
    ]
    match rule.rows:
        case "missing":
            return {"ok": True}
        case "null":
            return {"ok": True, name: None}
        case "wrong_type":
            return {"ok": True, name: "none"}
    return {"ok": True, name: shown}


def spoiled(answer: dict[str, Any], rule: Rule) -> bytes:
    """The body that leaves, by the rule's kind of answer."""
    if rule.answer == "no_id":
        answer = {key: value for key, value in answer.items() if key != "order_id"}
    body = json.dumps(answer).encode()
    match rule.answer:
        case "html":
            return HTML
        case "empty":
            return b""
        case "truncated":
            return body[: max(len(body) // 2, 1)]
        case "huge":
            return json.dumps({**answer, "padding": "x" * HUGE_BYTES}).encode()
        case "wrong_type":
            return json.dumps([answer.get("ok"), 7]).encode()
    return body


def _json(number: Decimal | None) -> int | float | None:
    if number is None:
        return None
    return int(number) if number == number.to_integral_value() else float(number)
