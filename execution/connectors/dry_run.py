"""Dry-run: everything is decided and recorded, nothing is sent."""

from collections.abc import Sequence

from execution.connectors.base import (
    ApprovedOrder,
    ClosingOrder,
    Connector,
    InDoubt,
    Sent,
    VenueOrder,
    VenuePosition,
    VenueReport,
)


class DryRunConnector(Connector):
    """Answers SKIPPED to every order and holds nothing."""

    inline = True
    live = False
    must_reconcile = False

    def submit(self, order: ApprovedOrder) -> Sent:
        return Sent(venue_order_id="", skipped=True)

    def close(self, order: ClosingOrder) -> Sent:
        return Sent(venue_order_id="", skipped=True)

    def cancel(self, client_order_id: str) -> None:
        """Nothing was sent, so nothing works."""

    def find(self, client_order_id: str) -> VenueOrder | None:
        return None

    def working_orders(self) -> Sequence[VenueOrder]:
        return []

    def positions(self) -> Sequence[VenuePosition]:
        return []

    def has_working_orders(self, symbols: Sequence[str]) -> bool:
        return False

    def cancel_all(self, symbols: Sequence[str]) -> None:
        """Nothing works."""

    def report(self, known_fills: frozenset[str]) -> VenueReport:
        raise InDoubt("a dry-run account has no venue to ask; its state is posted or typed")
