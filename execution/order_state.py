"""An order's life cycle: which status may follow which. Pure."""

from enum import StrEnum


class OrderStatus(StrEnum):
    """Where an order is. `APPROVED` and `CANCELED` before a claim provably never left us."""

    AWAITING_CONFIRMATION = "awaiting_confirmation"  # a person has to say yes; reserves nothing
    DENIED = "denied"  # confirmed too late for the rules: the new decision refused it
    APPROVED = "approved"
    SUBMITTING = "submitting"  # claimed: at most one request was or will be made
    ACCEPTED = "accepted"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    SKIPPED = "skipped"  # dry-run: everything but the sending
    CANCELED = "canceled"
    REJECTED = "rejected"  # by the venue; what we refuse is a denied decision and no order at all
    EXPIRED = "expired"
    UNKNOWN = "unknown"  # sent, or perhaps sent, and nobody has said what became of it
    HELD = "held"  # still unknown after asking: a person must say


S = OrderStatus

# From the venue's word about an order it has.
_AT_VENUE = {
    S.ACCEPTED,
    S.PARTIALLY_FILLED,
    S.FILLED,
    S.REJECTED,
    S.CANCELED,
    S.EXPIRED,
}
TRANSITIONS: dict[OrderStatus, frozenset[OrderStatus]] = {
    S.AWAITING_CONFIRMATION: frozenset({S.APPROVED, S.DENIED, S.EXPIRED, S.CANCELED}),
    S.DENIED: frozenset(),
    S.APPROVED: frozenset({S.SUBMITTING, S.CANCELED, S.EXPIRED}),
    # CANCELED from here means provably not sent. A fill report may overtake the answer to the request.
    S.SUBMITTING: frozenset(_AT_VENUE | {S.UNKNOWN, S.SKIPPED}),
    # HELD from here: the venue said yes, and later does not know it.
    S.ACCEPTED: frozenset({S.PARTIALLY_FILLED, S.FILLED, S.CANCELED, S.EXPIRED, S.REJECTED, S.HELD}),
    S.PARTIALLY_FILLED: frozenset({S.PARTIALLY_FILLED, S.FILLED, S.CANCELED, S.EXPIRED, S.HELD}),
    S.UNKNOWN: frozenset(_AT_VENUE | {S.HELD, S.SKIPPED}),
    S.HELD: frozenset(_AT_VENUE),
    # A fill can cross the cancel on the wire; a fill is always booked.
    S.CANCELED: frozenset({S.FILLED}),
    S.REJECTED: frozenset({S.FILLED}),
    S.EXPIRED: frozenset({S.FILLED}),
    S.FILLED: frozenset(),
    S.SKIPPED: frozenset(),
}

# May still fill without a further request: what such an entry could lose stays reserved.
RESERVING = frozenset({S.APPROVED, S.SUBMITTING, S.ACCEPTED, S.PARTIALLY_FILLED, S.UNKNOWN, S.HELD})
IN_FLIGHT = frozenset({S.SUBMITTING})
IN_DOUBT = frozenset({S.UNKNOWN, S.HELD})
WORKING = frozenset({S.ACCEPTED, S.PARTIALLY_FILLED})
UNCONFIRMED = frozenset({S.AWAITING_CONFIRMATION, S.DENIED})  # no decision of ours let it go
ENDED = frozenset({S.FILLED, S.CANCELED, S.REJECTED, S.EXPIRED, S.DENIED})


# News that something later has overtaken: true once, and of no consequence now.
OVERTAKEN: frozenset[tuple[OrderStatus, OrderStatus]] = frozenset(
    (now, old)
    for old, later in (
        (S.ACCEPTED, (S.PARTIALLY_FILLED, S.FILLED, S.CANCELED, S.EXPIRED, S.REJECTED)),
        (S.PARTIALLY_FILLED, (S.FILLED,)),
        (S.UNKNOWN, (S.ACCEPTED, S.PARTIALLY_FILLED, S.FILLED, S.CANCELED, S.EXPIRED, S.REJECTED, S.SKIPPED)),
    )
    for now in later
)


def may_follow(before: OrderStatus, after: OrderStatus) -> bool:
    return after in TRANSITIONS[before]
