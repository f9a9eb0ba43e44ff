"""What every venue's connector keeps. A subclass makes the account and moves the market; the rest is here.

To add a venue: subclass `ConnectorContract` in `test_<venue>.py` with a local fake of the venue behind it.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from decimal import Decimal

import pytest

from enforcement.orders import Side
from execution.connectors import (
    ApprovedOrder,
    ClosingOrder,
    Connector,
    InDoubt,
    Rejected,
    Sent,
    Unavailable,
    VenueOrder,
)
from execution.order_state import OrderStatus

ENTRY_PRICE = Decimal("20000.25")
ERRORS = (Rejected, Unavailable, InDoubt)


def buy(name: str = "pg-1", quantity: int = 2, symbol: str = "NQ", **fields: Decimal | None) -> ApprovedOrder:
    """A buy at 20,000.25 with a stop 10 points below and a target 20 points above."""
    values: dict[str, Decimal | None] = {
        "entry_price": ENTRY_PRICE, "stop_loss": Decimal("19990.25"), "target": Decimal("20020.25"), **fields
    }  # fmt: skip
    return ApprovedOrder(name, symbol, Side.BUY, Decimal(quantity), **values)


def sell(
    name: str = "pg-1", quantity: int = 2, symbol: str = "NQ", **fields: Decimal | None
) -> ApprovedOrder:
    """A sell at 20,000.25 with a stop 10 points above and a target 20 points below."""
    values: dict[str, Decimal | None] = {
        "entry_price": ENTRY_PRICE, "stop_loss": Decimal("20010.25"), "target": Decimal("19980.25"), **fields
    }  # fmt: skip
    return ApprovedOrder(name, symbol, Side.SELL, Decimal(quantity), **values)


def closing(
    name: str = "pg-x1-1", side: Side = Side.SELL, quantity: int = 2, symbol: str = "NQ"
) -> ClosingOrder:
    return ClosingOrder(name, symbol, side, Decimal(quantity))


def stop_of(entry: ApprovedOrder) -> ApprovedOrder:
    """What places an entry's stop and target after it has filled, as `execution.protection` names it."""
    return entry._replace(client_order_id=f"{entry.client_order_id}-p{entry.quantity}")


class ConnectorContract(ABC):
    """The promises. `connector` stands on a flat account that may trade NQ."""

    @pytest.fixture
    @abstractmethod
    def connector(self) -> Connector: ...

    @abstractmethod
    def anew(self, connector: Connector) -> Connector:
        """Another connector of the same account, as another process would make it."""

    def enter(self, connector: Connector, order: ApprovedOrder) -> None:
        """An entry with its stop and target, by one request or by two."""
        connector.submit(order)
        if not connector.native_bracket:
            connector.protect(stop_of(order))

    def held(self, connector: Connector) -> dict[str, Decimal]:
        return {position.symbol: position.quantity for position in connector.positions()}

    def fills(self, connector: Connector) -> list[tuple[str, str, Decimal]]:
        return [
            (fill.client_order_id, fill.side.value, fill.quantity)
            for fill in connector.report(frozenset()).fills
        ]

    def test_an_entry_becomes_a_position(self, connector: Connector) -> None:
        sent = connector.submit(buy())
        assert sent.venue_order_id
        assert not sent.skipped
        assert self.held(connector) == {"NQ": 2}
        assert self.held(self.anew(connector)) == {"NQ": 2}

    def test_a_repeated_client_order_id_is_one_order(self, connector: Connector) -> None:
        first = connector.submit(buy())
        assert connector.submit(buy()) == first
        assert self.anew(connector).submit(buy()) == first
        assert self.held(connector) == {"NQ": 2}
        assert len(self.fills(connector)) == 1

    def test_a_repeated_close_is_one_order(self, connector: Connector) -> None:
        connector.submit(buy(quantity=3))
        first = connector.close(closing(quantity=1))
        assert connector.close(closing(quantity=1)) == first
        assert self.held(connector) == {"NQ": 2}

    @pytest.mark.parametrize("quantity", [2, 3, 100], ids=["as much", "one more", "far more"])
    @pytest.mark.parametrize(
        ("entry", "side"), [(buy, Side.SELL), (sell, Side.BUY)], ids=["of a long", "of a short"]
    )
    def test_a_close_never_crosses_zero(
        self, connector: Connector, entry: Callable[[], ApprovedOrder], side: Side, quantity: int
    ) -> None:
        connector.submit(entry())
        connector.close(closing(side=side, quantity=quantity))
        assert self.held(connector) == {}

    def test_a_close_of_a_part_leaves_the_rest(self, connector: Connector) -> None:
        connector.submit(buy(quantity=3))
        connector.close(closing(quantity=1))
        assert self.held(connector) == {"NQ": 2}

    def test_there_is_nothing_to_close_on_a_flat_account(self, connector: Connector) -> None:
        with pytest.raises(ERRORS):
            connector.close(closing())
        assert (self.held(connector), self.fills(connector)) == ({}, [])

    def test_a_close_on_the_positions_own_side_adds_nothing(self, connector: Connector) -> None:
        connector.submit(buy())
        with pytest.raises(ERRORS):
            connector.close(closing(side=Side.BUY))
        assert self.held(connector) == {"NQ": 2}

    def test_a_close_that_was_refused_can_be_sent_again_later(self, connector: Connector) -> None:
        with pytest.raises(ERRORS):
            connector.close(closing())
        connector.submit(buy())
        connector.close(closing())
        assert self.held(connector) == {}

    def test_the_reports_fills_are_stable_and_complete(self, connector: Connector) -> None:
        connector.submit(buy())
        connector.submit(buy("pg-2", 1))
        connector.close(closing(quantity=2))
        first, again = connector.report(frozenset()), self.anew(connector).report(frozenset())
        assert first.fills == again.fills
        assert len({fill.venue_fill_id for fill in first.fills}) == len(first.fills)
        assert sum(fill.side.sign * fill.quantity for fill in first.fills) == 1
        assert [(position.symbol, position.quantity) for position in first.positions] == [("NQ", 1)]
        orders = {fill.client_order_id for fill in first.fills}
        assert orders == {"pg-1", "pg-2", "pg-x1-1"}

    def test_known_fills_are_not_reported_again(self, connector: Connector) -> None:
        connector.submit(buy())
        known = frozenset(fill.venue_fill_id for fill in connector.report(frozenset()).fills)
        assert connector.report(known).fills == []
        connector.close(closing())
        [fill] = connector.report(known).fills
        assert (fill.client_order_id, fill.side, fill.quantity) == ("pg-x1-1", Side.SELL, 2)

    def test_the_report_agrees_with_the_positions(self, connector: Connector) -> None:
        assert list(connector.report(frozenset()).positions) == list(connector.positions()) == []
        connector.submit(sell())
        assert list(connector.report(frozenset()).positions) == list(connector.positions())

    def test_cancel_all_leaves_nothing_working_and_the_position_as_it_is(self, connector: Connector) -> None:
        self.enter(connector, buy())
        assert connector.has_working_orders(["NQ"])
        assert not connector.has_working_orders(["ES"])
        connector.cancel_all(["ES"])
        assert connector.has_working_orders(["NQ"])
        connector.cancel_all(["NQ"])
        assert not connector.has_working_orders(["NQ"])
        assert self.held(connector) == {"NQ": 2}

    def test_nothing_works_on_after_a_full_close(self, connector: Connector) -> None:
        self.enter(connector, buy())
        connector.close(closing())
        connector.cancel_all(["NQ"])
        assert not connector.has_working_orders(["NQ"])

    def test_cancelling_what_is_not_there_is_fine(self, connector: Connector) -> None:
        connector.cancel("pg-never-sent")
        connector.cancel_all(["NQ", "ES"])
        connector.submit(buy())
        connector.cancel("pg-1")
        assert self.held(connector) == {"NQ": 2}

    def test_an_order_is_found_by_our_own_id(self, connector: Connector) -> None:
        sent = connector.submit(buy())
        for asked in (connector, self.anew(connector)):
            assert asked.find("pg-1") == VenueOrder(
                "pg-1", sent.venue_order_id, "NQ", Side.BUY, Decimal(2), Decimal(2), OrderStatus.FILLED
            )

    def test_a_close_is_found_as_well(self, connector: Connector) -> None:
        connector.submit(buy())
        connector.close(closing(quantity=1))
        found = connector.find("pg-x1-1")
        assert found is not None
        assert (found.side, found.filled_quantity, found.status) == (Side.SELL, 1, OrderStatus.FILLED)

    def test_what_the_venue_never_had_is_not_found(self, connector: Connector) -> None:
        assert connector.find("pg-1") is None
        with pytest.raises(ERRORS):
            connector.submit(buy(symbol="GONE"))
        assert connector.find("pg-1") is None

    def test_stop_and_target_work_under_their_entrys_id(self, connector: Connector) -> None:
        assert list(connector.working_orders()) == []
        self.enter(connector, buy())
        working = connector.working_orders()
        assert [(o.client_order_id, o.protects, o.symbol, o.side, o.quantity) for o in working] == [
            ("pg-1", True, "NQ", Side.SELL, 2)
        ] * 2
        assert len({order.venue_order_id for order in working}) == 2
        assert {order.stop_price for order in working} == {Decimal("19990.25"), None}
        assert {order.status for order in working} == {OrderStatus.ACCEPTED}

    def test_without_brackets_an_entry_stands_alone_until_it_is_protected(self, connector: Connector) -> None:
        connector.submit(buy())
        assert connector.has_working_orders(["NQ"]) is connector.native_bracket
        if connector.native_bracket:
            with pytest.raises(NotImplementedError):
                connector.protect(stop_of(buy()))
        else:
            first = connector.protect(stop_of(buy()))
            assert self.anew(connector).protect(stop_of(buy())) == first
            assert len(connector.working_orders()) == 2

    def test_what_was_cancelled_works_no_more(self, connector: Connector) -> None:
        self.enter(connector, buy())
        connector.cancel_all(["NQ"])
        assert list(connector.working_orders()) == []
        found = connector.find("pg-1")
        assert found is not None
        assert found.status is OrderStatus.FILLED

    @pytest.mark.parametrize(
        "act",
        [
            lambda c: c.submit(buy(symbol="GONE")),
            lambda c: c.close(closing(symbol="GONE")),
            lambda c: c.close(closing()),
        ],
        ids=["an unknown symbol", "a close of an unknown symbol", "a close of nothing"],
    )
    def test_it_fails_in_one_of_three_ways_and_leaves_nothing(
        self, connector: Connector, act: Callable[[Connector], Sent]
    ) -> None:
        with pytest.raises(ERRORS):
            act(connector)
        assert self.held(connector) == {}
        assert connector.report(frozenset()).fills == []
