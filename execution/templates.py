"""The shapes of alert messages that people already have: where each field stands. Data, no code.

A path is dotted (`stopLoss.stopPrice`); the first one that is present and not empty counts.
"""

from collections.abc import Mapping
from typing import NamedTuple

# The field names of PropGuard's own message, and of what the decoder reads.
_CANONICAL: Mapping[str, tuple[str, ...]] = {
    "action": ("action", "direction"),
    "direction": ("direction",),
    "symbol": ("symbol",),
    "entry_price": ("entry_price",),
    "stop_loss": ("stop_loss",),
    "target": ("take_profit", "target"),
    "session": ("session",),
    "bias": ("bias",),
    "contracts": ("contracts",),
    "quantity": ("quantity",),
    "market_position": ("market_position",),
    "market_position_size": ("market_position_size",),
    "prev_market_position": ("prev_market_position",),
    "prev_market_position_size": ("prev_market_position_size",),
    "time": ("timenow", "alert_time", "time"),  # {{time}} is the bar's opening, not the moment
    "trade_id": ("alert_id", "trade_id", "signal_id", "id"),
}


class Template(NamedTuple):
    """One shape of message.

    `exits`, `adds` and `notes` are action words beyond buy, sell, long, short and close. `zero_is_none`:
    a price of 0 means "none". A field of `only` with another value than those given is refused: it
    would ask for an order PropGuard does not send. A true field of `true_means_note` asks for no order.
    `stops_elsewhere` are stops in a form that can't be used (a share, money, trailing): an entry that has
    one is refused, for it would leave without the stop its sender relies on.
    """

    label: str
    paths: Mapping[str, tuple[str, ...]]
    secret_field: str = "secret"  # noqa: S105 - a field's name
    exits: frozenset[str] = frozenset()
    adds: frozenset[str] = frozenset()
    notes: frozenset[str] = frozenset({"ping"})
    zero_is_none: bool = False
    only: Mapping[str, frozenset[str]] = {}
    true_means_note: tuple[str, ...] = ()
    stops_elsewhere: tuple[str, ...] = ()


TEMPLATES: Mapping[str, Template] = {
    "canonical": Template(label="PropGuard", paths=_CANONICAL),
    "strategy": Template(
        label="TradingView strategy",
        paths={**_CANONICAL, "symbol": ("ticker", "symbol"), "entry_price": ("price", "entry_price")},
    ),
    "traderspost": Template(
        label="TradersPost",
        paths={
            **_CANONICAL,
            "symbol": ("ticker",),
            "entry_price": ("price", "signalPrice"),
            "stop_loss": ("stopLoss.stopPrice",),
            "target": ("takeProfit.limitPrice",),
            "market_position": ("sentiment",),
            "trade_id": ("extras.id", "id"),
        },
        exits=frozenset({"exit"}),
        adds=frozenset({"add"}),
        notes=frozenset({"ping", "cancel"}),
        only={
            "orderType": frozenset({"market"}),
            "quantityType": frozenset({"fixed_quantity"}),
        },
        stops_elsewhere=(
            "stopLoss.percent",
            "stopLoss.amount",
            "stopLoss.trailAmount",
            "stopLoss.trailPercent",
            "stopLoss.trailPrice",
        ),
    ),
    "pickmytrade": Template(
        label="PickMyTrade",
        paths={
            **_CANONICAL,
            "action": ("data",),
            "direction": (),
            "entry_price": ("price",),
            "stop_loss": ("sl",),
            "target": ("tp",),
            "time": ("date",),
            "trade_id": ("alert_id",),
        },
        secret_field="token",  # noqa: S106 - a field's name
        zero_is_none=True,
        true_means_note=("update_sl", "update_tp"),
        stops_elsewhere=("dollar_sl", "percentage_sl", "trail"),
    ),
    "nested": Template(
        label="Nested strategy snapshot",
        paths={
            **_CANONICAL,
            "action": ("strategy.order_action",),
            "direction": (),
            "symbol": ("ticker",),
            "entry_price": ("strategy.order_price", "bar.close"),
            "stop_loss": ("strategy.stop_loss", "stop_loss"),
            "contracts": ("strategy.order_contracts",),
            "market_position": ("strategy.market_position",),
            "market_position_size": ("strategy.market_position_size",),
            "prev_market_position": ("strategy.prev_market_position",),
            "prev_market_position_size": ("strategy.prev_market_position_size",),
        },
        secret_field="passphrase",  # noqa: S106 - a field's name
    ),
}
