"""Every delivery three times, every behaviour of the venue, every moment to die (reliability C22).

3 concurrent deliveries × 9 behaviours × kill -9 at 6 points or nowhere × a venue that does or does not
refuse a repeated id. In each: at most one request and one execution, nothing left in between, nothing executed
that nobody knows of, and a way out afterwards. PROPGUARD_MATRIX=all runs all 126; otherwise a sample.
"""

import os
from itertools import product
from typing import Any, NamedTuple

import pytest

from execution.models import Order
from execution.order_state import OrderStatus
from tests.faults.trading import CALL_SECONDS, Trading

pytestmark = pytest.mark.process


class Behaviour(NamedTuple):
    """What the venue does with an entry. `executed`: whether there is a position in the end."""

    rule: dict[str, Any]
    executed: bool
    refused: bool = False
    hides: bool = False


BEHAVIOURS = {
    "well": Behaviour({}, True),
    "executes-then-drops": Behaviour({"answer": "drop"}, True),
    "drops-before": Behaviour({"execute": "no", "answer": "drop"}, False),
    "executes-late": Behaviour({"execute": "late", "seconds": CALL_SECONDS + 0.1, "answer": "hang"}, True),
    "500-after": Behaviour({"answer": "status", "status": 500}, True),
    "500-before": Behaviour({"execute": "no", "answer": "status", "status": 500}, False),
    "refuses": Behaviour({"execute": "no", "answer": "no", "code": "account_disabled"}, False, refused=True),
    "lying-yes": Behaviour({"execute": "no", "answer": "yes"}, False),
    "hides": Behaviour({"answer": "drop"}, True, hides=True),
}
POINTS = ("none", "before_claim", "after_claim", "before_send", "after_send", "before_save", "after_save")
NEVER_SENT = ("after_claim", "before_send")
ALL = list(product(BEHAVIOURS, POINTS, (True, False)))
CASES = ALL if os.environ.get("PROPGUARD_MATRIX") == "all" else ALL[::5]


@pytest.mark.parametrize(
    ("behaviour", "point", "unique_ids"), CASES,
    ids=[f"{b}-{p}-{'unique' if u else 'labels'}" for b, p, u in CASES],
)  # fmt: skip
def test_one_order_whatever_happens(trading: Trading, behaviour: str, point: str, unique_ids: bool) -> None:
    how = BEHAVIOURS[behaviour]
    venue = trading.venue
    venue.set("unique_ids", unique_ids)
    venue.set("hidden", how.hides)
    venue.rule(on="place", times=None, **how.rule)
    signal = trading.signal()

    # Where the venue takes a repeated id, all three come to the claim together; else they decide as well.
    fault = "" if point == "none" else f"dispatch.{point}=kill"
    trading.deliver(signal, times=3, fault=fault, at_the_claim=not unique_ids)
    order = Order.objects.get(signal=signal)
    status = trading.settle(order)

    was_sent = point not in NEVER_SENT
    assert len(venue.asked("place")) == was_sent
    assert venue.executed(order.client_order_id) == (2 if was_sent and how.executed else 0)
    trading.check()
    if how.hides or not was_sent or not (how.executed or how.refused):
        assert status is OrderStatus.HELD
        assert trading.is_blocked()
        assert len(venue.asked("place")) == was_sent
    elif how.refused:
        # Held where its answer was lost with its process, or came too late.
        assert status in (OrderStatus.REJECTED, OrderStatus.HELD)
    venue.clear()
    venue.set("hidden", False)
    trading.supervise()
    order.refresh_from_db()
    if was_sent and how.executed:
        assert (order.status, trading.held) == (OrderStatus.FILLED, 2)
    else:
        assert (order.filled_quantity, trading.held) == (0, 0)
    trading.flatten()
    trading.check()
