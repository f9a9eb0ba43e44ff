"""Forward connections as the admin would store them."""

from typing import Any

from execution.models import Connection, ForwardTarget, VenueAccount
from execution.vault import Sealed
from firms.models import Account

SIGNING_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SECRETS = {"traderspost": "", "pickmytrade": "pmt-token-1", "crosstrade": "ct-key-12345", "standard": ""}


def make_target(
    account: Account, address: str, service: str = "traderspost", number: str = "APEX-1", **fields: Any
) -> ForwardTarget:
    """A connection to a receiver on this machine, and the account's link to it."""
    connection = Connection.objects.create(name=f"{service} of {account}", venue=Connection.Venue.FORWARD)
    sealed = {
        name: Sealed.of(fields.pop(name, default))
        for name, default in (
            ("secret", SECRETS[service]),
            ("signing_secret", SIGNING_SECRET if service == "standard" else ""),
            ("headers", ""),
        )
    }
    target = ForwardTarget(
        connection=connection, service=service, address=Sealed.of(address), local_network=fields.pop("local_network", True),
        **sealed, **fields,
    )  # fmt: skip
    target.full_clean()
    target.save()
    VenueAccount.objects.create(account=account, connection=connection, venue_account_id=number)
    return target
