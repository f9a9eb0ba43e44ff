"""What is wished for, before anyone has permitted it: an order intent for one account."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from enforcement.instruments import Instrument


class Side(StrEnum):
    BUY = "buy"
    SELL = "sell"

    @property
    def sign(self) -> int:
        """+1 for a buy, -1 for a sell: what one contract adds to a signed position."""
        return 1 if self is Side.BUY else -1

    @property
    def opposite(self) -> "Side":
        return Side.SELL if self is Side.BUY else Side.BUY


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderIntent:
    """One leg of a signal for one account, not yet permitted.

    `instrument` is None for a symbol nobody knows, `quantity` None for a size that is missing or
    unusable. `reduces` marks an exit leg: it can only bring a position nearer to zero.
    `session` is the alert's own word (or the clock's at its arrival, where the alert had none).
    `opened_at` is when the position that an exit closes was opened, `commission` the order's total where
    it is known better than by the guard's figure, `expires_at` when the position is closed in any case.
    `has_own_id` says that the alert carried an id: it is not a copy of another one.
    """

    symbol: str
    side: Side
    signalled_at: datetime
    instrument: Instrument | None = None
    quantity: Decimal | None = None
    entry_price: Decimal | None = None
    stop_loss: Decimal | None = None
    target: Decimal | None = None
    session: str | None = None
    alert_time: datetime | None = None
    reduces: bool = False
    automated: bool = True
    opened_at: datetime | None = None
    commission: Decimal | None = None
    expires_at: datetime | None = None
    has_own_id: bool = False


def on_tick(
    instrument: Instrument, side: Side, entry: Decimal | None, stop: Decimal | None
) -> tuple[Decimal | None, Decimal | None]:
    """Entry and stop on the instrument's ticks, moved apart so that the risk is never understated.

    A chart's indicator rarely lands on a tick (19990.37); the venue takes nothing else.
    """
    long = side is Side.BUY
    if entry is not None:
        entry = instrument.ceil_to_tick(entry) if long else instrument.floor_to_tick(entry)
    if stop is not None:
        stop = instrument.floor_to_tick(stop) if long else instrument.ceil_to_tick(stop)
    return entry, stop
