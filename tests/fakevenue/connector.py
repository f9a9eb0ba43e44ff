"""The fake venue's connector: how one for a real venue is written. Loaded by name, PROPGUARD_CONNECTORS.

What it maps where:
  Rejected     a refusal whose code the venue documents as final, and 401, which it documents as not processed
  Unavailable  no connection: not a byte has left
  InDoubt      all else: time-outs, resets, other statuses, answers that can't be read or say neither yes nor no
"""

import os
import re
import threading
import time
from collections import deque
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, ClassVar

from enforcement.account import StateReport, StateSource
from enforcement.orders import Side
from execution.connectors.base import (
    ApprovedOrder,
    ClosingOrder,
    Connector,
    InDoubt,
    Rejected,
    Sent,
    Unavailable,
    VenueFill,
    VenueOrder,
    VenuePosition,
    VenueReport,
)
from execution.models import VenueAccount
from execution.order_state import OrderStatus
from firms.models import Account
from tests.fakevenue.wire import Answer, Unauthorized, exchange, instant, number, rows, text

# The refusals that the venue documents as final. "pending" and "unknown_error" are not among them.
FINAL = frozenset(
    {
        "account_not_found", "account_disabled", "unknown_symbol", "contract_not_active", "id_invalid",
        "invalid_quantity", "invalid_stop", "brackets_off", "nothing_to_close", "order_not_found",
    }
)  # fmt: skip
LOG_INS_PER_HOUR = int(os.environ.get("FAKE_VENUE_LOG_INS", "10"))


class FakeVenueConnector(Connector):
    """One account at the fake venue."""

    settle_seconds: ClassVar[float] = float(os.environ.get("FAKE_VENUE_SETTLE_SECONDS", "60"))
    total_seconds: ClassVar[float] = float(os.environ.get("FAKE_VENUE_TOTAL_SECONDS", "10"))
    url: ClassVar[str] = os.environ.get("FAKE_VENUE_URL", "http://127.0.0.1:8700")

    def __init__(self, account: Account) -> None:
        super().__init__(account)
        # Read here: the calls themselves come from a pool, whose threads have no business in the database.
        self.venue_account_id = VenueAccount.objects.get(account=account).venue_account_id

    # --- orders ---

    def submit(self, order: ApprovedOrder) -> Sent:
        stops: dict[str, str] = {}
        if self.native_bracket:
            stops = _prices(stop_loss=order.stop_loss, target=order.target)
        return self._send("place", order, **_prices(price=order.entry_price), **stops)

    def close(self, order: ClosingOrder) -> Sent:
        return self._send("close", order)

    def protect(self, order: ApprovedOrder) -> Sent:
        if self.native_bracket:
            return super().protect(order)
        return self._send("protect", order, **_prices(stop_loss=order.stop_loss, target=order.target))

    def cancel(self, client_order_id: str) -> None:
        self._post("cancel", client_order_id=client_order_id)

    def cancel_all(self, symbols: Sequence[str]) -> None:
        self._post("cancel_all", symbols=list(symbols))

    def _send(self, what: str, order: ApprovedOrder | ClosingOrder, **prices: str) -> Sent:
        try:
            answer = self._post(
                what,
                client_order_id=order.client_order_id,
                symbol=order.symbol,
                side=order.side.value,
                quantity=str(order.quantity),
                **prices,
            )
        except _DuplicateId:
            # The venue has it already: whose answer was lost is looked up, never sent under another id.
            known = self.find(order.client_order_id)
            if known is None:
                raise InDoubt("the venue knows the order's id, but does not show the order") from None
            return Sent(known.venue_order_id)
        return Sent(text(answer, "order_id"))

    # --- questions ---

    def find(self, client_order_id: str) -> VenueOrder | None:
        found = [_order(row) for row in self._list("orders", client_order_id=client_order_id)]
        if len(found) > 1:
            raise InDoubt(f"the venue shows {len(found)} orders under {client_order_id}")
        return found[0] if found else None

    def working_orders(self) -> Sequence[VenueOrder]:
        return [_order(row) for row in self._list("orders", working="1")]

    def has_working_orders(self, symbols: Sequence[str]) -> bool:
        return any(order.symbol in symbols for order in self.working_orders())

    def positions(self) -> Sequence[VenuePosition]:
        return [
            VenuePosition(text(row, "symbol"), number(row, "quantity"), number(row, "price"))
            for row in self._list("positions")
        ]

    def report(self, known_fills: frozenset[str]) -> VenueReport:
        """The money is read first: a fill that comes meanwhile makes it old, never too new."""
        state = self._state()
        positions = self.positions()
        fills = {fill.venue_fill_id: fill for fill in map(_fill, self._list("fills"))}
        new = [fill for name, fill in fills.items() if name not in known_fills]
        return VenueReport(state, positions, sorted(new, key=lambda fill: fill.filled_at))

    def _state(self) -> StateReport:
        row = self._get("account").get("account")
        if not isinstance(row, dict) or text(row, "account_id") != self.venue_account_id:
            raise InDoubt("the venue answered for another account")
        if text(row, "currency") != self.account.program.currency:
            raise InDoubt(f"the account is in {text(row, 'currency')}, its program in another currency")
        return StateReport(
            balance=number(row, "balance"),
            equity=number(row, "equity"),
            as_of=instant(row, "as_of"),
            source=StateSource.VENUE,
        )

    # --- the wire ---

    def _list(self, name: str, **query: str) -> list[Answer]:
        return rows(self._get(name, **query), name)

    def _get(self, what: str, **query: str) -> Answer:
        return self._exchange("GET", what, params={"account": self.venue_account_id, **query})

    def _post(self, what: str, **body: Any) -> Answer:
        return self._exchange("POST", what, json={"account": self.venue_account_id, **body})

    def _exchange(self, method: str, what: str, **content: Any) -> Answer:
        session = _sessions.setdefault(self.url, _Session())
        token = session.token(self.url, self.total_seconds)
        try:
            answer = exchange(
                method, f"{self.url}/{what}", seconds=self.total_seconds, token=token, **content
            )
        except Unauthorized:
            session.forget(token)  # the next call logs in; this one is not repeated
            raise Rejected("the venue has ended the session: not processed") from None
        return _agreed(answer)


class _DuplicateId(Exception):
    """The venue has an order under this id."""


def _agreed(answer: Answer) -> Answer:
    """The answer, if it is a yes. A penalty ticket, an unknown code or no `ok` at all is neither yes nor no."""
    if answer.get("ok") is True:
        return answer
    code = str(answer.get("code", ""))[:80]
    if answer.get("ok") is False and code == "duplicate_id":
        raise _DuplicateId
    if answer.get("ok") is False and code in FINAL:
        raise Rejected(f"{code}: {str(answer.get('text', ''))[:200]}")
    raise InDoubt(f"the venue said neither yes nor no ({code or 'no code'})")


class _Session:
    """This process's log-in at one address. A few an hour at most: two programs that end each other's session would go on
    for ever."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._token = ""
        self._log_ins: deque[float] = deque(maxlen=LOG_INS_PER_HOUR)

    def token(self, url: str, seconds: float) -> str:
        with self._lock:
            if not self._token:
                self._token = self._log_in(url, seconds)
            return self._token

    def forget(self, token: str) -> None:
        with self._lock:
            if self._token == token:
                self._token = ""

    def _log_in(self, url: str, seconds: float) -> str:
        now = time.monotonic()
        if len(self._log_ins) == LOG_INS_PER_HOUR and now - self._log_ins[0] < 3600:
            raise Unavailable(
                f"logged in {LOG_INS_PER_HOUR} times within an hour: somebody else uses this login"
            )
        self._log_ins.append(now)
        try:
            return text(_agreed(exchange("POST", f"{url}/login", seconds=seconds, json={})), "token")
        except (InDoubt, Unauthorized, Rejected, _DuplicateId) as error:
            raise Unavailable(f"could not log in: {error}") from error  # of the call itself nothing has left


_sessions: dict[str, _Session] = {}

_STATUS = {
    "working": OrderStatus.ACCEPTED,
    "filled": OrderStatus.FILLED,
    "canceled": OrderStatus.CANCELED,
    "rejected": OrderStatus.REJECTED,
    "expired": OrderStatus.EXPIRED,
}


def _order(row: Answer) -> VenueOrder:
    status, filled = _STATUS.get(text(row, "status")), number(row, "filled_quantity")
    if status is None:
        raise InDoubt(f"the venue's order has an unknown status: {text(row, 'status')[:40]}")
    if status is OrderStatus.ACCEPTED and filled:
        status = OrderStatus.PARTIALLY_FILLED
    protects = row.get("protects") is True
    return VenueOrder(
        client_order_id=_entry_of(text(row, "client_order_id")),
        venue_order_id=text(row, "order_id"),
        symbol=text(row, "symbol"),
        side=_side(row),
        quantity=number(row, "quantity"),
        filled_quantity=filled,
        status=status,
        protects=protects,
        stop_price=number(row, "price") if text(row, "kind") == "stop" else None,
    )


def _fill(row: Answer) -> VenueFill:
    return VenueFill(
        venue_fill_id=text(row, "fill_id"),
        client_order_id=_entry_of(text(row, "client_order_id")),
        symbol=text(row, "symbol"),
        side=_side(row),
        quantity=number(row, "quantity"),
        price=number(row, "price"),
        commission=number(row, "commission"),
        filled_at=instant(row, "filled_at"),
        why=text(row, "kind")[:16],
    )


def _entry_of(client_order_id: str) -> str:
    """Whose order it is: a stop that was placed after its entry has the entry's id and a suffix."""
    return re.sub(r"-p[0-9.]+$", "", client_order_id)


def _side(row: Answer) -> Side:
    try:
        return Side(text(row, "side"))
    except ValueError as error:
        raise InDoubt("the venue's side is neither buy nor sell") from error


def _prices(**prices: Decimal | None) -> dict[str, str]:
    return {name: str(price) for name, price in prices.items() if price is not None}
