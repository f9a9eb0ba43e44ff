"""What every venue's connector does, and the only three ways it may fail.

Synchronous, no hidden state, and no retry of anything that moves money: whether to ask again is decided
by whoever sees the order's whole life.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import ClassVar, NamedTuple

from enforcement.account import StateReport
from enforcement.orders import Side
from execution.order_state import OrderStatus
from firms.models import Account

LONGEST_WORDS = 1000


class VenueError(Exception):
    """In the venue's words, as far as any database can store them and a page show them."""

    def __str__(self) -> str:
        text = super().__str__()[:LONGEST_WORDS].replace("\0", "\N{REPLACEMENT CHARACTER}")
        return text.encode("utf-8", "replace").decode()


class Rejected(VenueError):
    """The venue refused, definitely: nothing was and nothing will be executed."""


class Unavailable(VenueError):
    """Provably nothing was sent: not even the first byte left."""


class InDoubt(VenueError):
    """Anything else: it may have been executed, or may yet be."""


class ApprovedOrder(NamedTuple):
    """An entry that the rules let through, with the stop and target that leave together with it."""

    client_order_id: str
    symbol: str
    side: Side
    quantity: Decimal
    entry_price: Decimal | None
    stop_loss: Decimal | None
    target: Decimal | None


class ClosingOrder(NamedTuple):
    """Brings a position nearer to zero and can't cross it; needs no rule's leave."""

    client_order_id: str
    symbol: str
    side: Side
    quantity: Decimal


class Sent(NamedTuple):
    """The venue has the order. `skipped`: there was no sending, the account is in dry-run."""

    venue_order_id: str
    skipped: bool = False


class VenueFill(NamedTuple):
    """One execution. `client_order_id` is the order's whose entry, stop or target it was."""

    venue_fill_id: str
    client_order_id: str
    symbol: str
    side: Side
    quantity: Decimal
    price: Decimal
    commission: Decimal
    filled_at: datetime
    why: str


class VenueOrder(NamedTuple):
    """An order as the venue has it. `client_order_id` is "" where the order is not one of ours.

    `status` is one of ACCEPTED, PARTIALLY_FILLED, FILLED, CANCELED, REJECTED and EXPIRED. A stop or target
    that belongs to an entry `protects`, and carries that entry's id. `stop_price` is where a stop triggers,
    None of anything else.
    """

    client_order_id: str
    venue_order_id: str
    symbol: str
    side: Side
    quantity: Decimal
    filled_quantity: Decimal
    status: OrderStatus
    protects: bool = False
    stop_price: Decimal | None = None


class VenuePosition(NamedTuple):
    symbol: str
    quantity: Decimal  # signed
    price: Decimal | None  # the one its account's equity includes


class VenueReport(NamedTuple):
    """The account at the venue: its money, what it holds, and every fill after the ones known."""

    state: StateReport
    positions: Sequence[VenuePosition]
    fills: Sequence[VenueFill]


class Connector(ABC):
    """One account at one venue."""

    # Runs in the worker's own thread and database connection; others are called from a pool.
    inline: ClassVar[bool] = False
    # Whether an approved order really leaves for a market.
    live: ClassVar[bool] = True
    # Nothing can be asked: no orders, no positions, no money. Its accounts go by declared or posted state.
    blind: ClassVar[bool] = False
    # Entries leave only while the books were compared with the venue's lately (execution.reconcile).
    must_reconcile: ClassVar[bool] = True
    # `flatten` closes everything without our knowing what is held.
    native_flatten: ClassVar[bool] = False
    # Entry, stop and target leave as one request; else `protect` is called once the entry has filled.
    native_bracket: ClassVar[bool] = True
    # How long after the request the venue may still show an order it did not answer for.
    settle_seconds: ClassVar[float] = 60.0

    def __init__(self, account: Account) -> None:
        self.account = account

    def __init_subclass__(cls) -> None:
        """Whoever says of itself what takes a method brings it along: at import, not with a position open."""
        super().__init_subclass__()
        for says, method in ((not cls.native_bracket, "protect"), (cls.native_flatten, "flatten")):
            if says and getattr(cls, method) is getattr(Connector, method):
                raise TypeError(f"{cls.__name__} must have a {method} of its own")

    @abstractmethod
    def submit(self, order: ApprovedOrder) -> Sent:
        """Send an entry: one attempt. A repeated client order id is the same order, never a second."""

    @abstractmethod
    def close(self, order: ClosingOrder) -> Sent:
        """Reduce a position: one attempt."""

    @abstractmethod
    def cancel(self, client_order_id: str) -> None:
        """Cancel what is left of an order; fine when nothing is. Once it returns, nothing of it works."""

    @abstractmethod
    def find(self, client_order_id: str) -> VenueOrder | None:
        """What became of an order, by our own id. None: the venue answered and does not have it (yet).

        Not being able to say is InDoubt or Unavailable: a list that failed is not an empty one.
        """

    @abstractmethod
    def working_orders(self) -> Sequence[VenueOrder]:
        """Every order of the account that may still fill, not ours and protective ones included."""

    def protect(self, order: ApprovedOrder) -> Sent:
        """Place the stop (and target) of a filled entry: asked only where `native_bracket` is not."""
        raise NotImplementedError(f"{type(self).__name__} sends its stops with the entry")

    @abstractmethod
    def positions(self) -> Sequence[VenuePosition]:
        """A fresh read of what is held. An empty answer means flat; not knowing is InDoubt."""

    @abstractmethod
    def has_working_orders(self, symbols: Sequence[str]) -> bool:
        """Whether anything in these symbols could still fill."""

    @abstractmethod
    def cancel_all(self, symbols: Sequence[str]) -> None:
        """Cancel every working order in these symbols, protective stops included."""

    def flatten(self, symbols: Sequence[str]) -> None:
        """Close whatever is held in these symbols, unseen: asked only where `native_flatten` is."""
        raise NotImplementedError(f"{type(self).__name__} has no flatten of its own")

    @abstractmethod
    def report(self, known_fills: frozenset[str]) -> VenueReport:
        """State, positions, and the fills whose ids are not among `known_fills`."""
