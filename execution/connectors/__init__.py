"""The venues. To add one: its module here, one line in CONNECTORS, one subclass of the contract suite."""

from collections.abc import Mapping

from django.conf import settings
from django.utils.module_loading import import_string

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
from execution.connectors.dry_run import DryRunConnector
from execution.connectors.forward import ForwardConnector
from execution.connectors.paper import PaperConnector
from execution.models import Connection, VenueAccount
from firms.models import Account
from firms.statements import read

_CONNECTION_OF = (
    f"id = (SELECT connection_id FROM {VenueAccount._meta.db_table} WHERE account_id = %(account)s)"  # noqa: S608
)
CONNECTORS: Mapping[str, type[Connector]] = {
    "paper": PaperConnector,
    "forward": ForwardConnector,
    # Somebody else's, by dotted name: PROPGUARD_CONNECTORS="myvenue=package.module.MyConnector".
    **{name: import_string(path) for name, path in settings.EXTRA_CONNECTORS.items()},
}


class UnconnectedConnector(DryRunConnector):
    """A live account whose venue nobody has named: nothing can be sent, and nothing pretends to be."""

    live = True

    def submit(self, order: ApprovedOrder) -> Sent:
        raise Unavailable("the account is live but has no venue connection")

    def close(self, order: ClosingOrder) -> Sent:
        raise Unavailable("the account is live but has no venue connection")


def connector_for(account: Account) -> Connector:
    """Where this account's entries go: nowhere in dry-run."""
    if account.mode != Account.Mode.LIVE:
        return DryRunConnector(account)
    return venue_of(account) or UnconnectedConnector(account)


def venue_of(account: Account) -> Connector | None:
    """The account's venue whatever its mode: an exit of what this system opened still goes there."""
    links = read(Connection, _CONNECTION_OF, account=account.pk)
    return None if not links else CONNECTORS[links[0].venue](account)


__all__ = [
    "CONNECTORS",
    "ApprovedOrder",
    "ClosingOrder",
    "Connector",
    "DryRunConnector",
    "InDoubt",
    "Rejected",
    "Sent",
    "Unavailable",
    "VenueFill",
    "VenueOrder",
    "VenuePosition",
    "VenueReport",
    "connector_for",
    "venue_of",
]
