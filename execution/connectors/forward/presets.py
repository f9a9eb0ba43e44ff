"""The services whose shape is known, each with its own messages, and one's own receiver."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from execution.connectors.forward import answers
from execution.connectors.forward.answers import Verdict
from execution.connectors.forward.sending import Answer

JSON, TEXT = "application/json", "text/plain"


class Preset(NamedTuple):
    """A service: the bodies of its messages and how it answers.

    `needs`: fields without which nothing can be sent. `ticker`: how it writes a future's symbol. `example`:
    its address, as its own pages give it.
    """

    label: str
    media_type: str
    entry: str
    flat: str
    test: str
    test_means: str
    read: Callable[[Answer], Verdict]
    needs: frozenset[str] = frozenset()
    ticker: str = "{symbol}1!"
    example: str = ""


_TRADERSPOST = Preset(
    label="TradersPost",
    media_type=JSON,
    entry="""{"ticker": "{{ticker}}", "action": "{{action}}", "orderType": "market",
 "quantity": "{{quantity}}", "price": "{{price}}", "time": "{{time}}",
 "stopLoss": {"type": "stop", "stopPrice": "{{stop}}"}, "takeProfit": {"limitPrice": "{{target}}"},
 "extras": {"id": "{{id}}"}}""",
    flat='{"ticker": "{{ticker}}", "action": "exit", "time": "{{time}}", "extras": {"id": "{{id}}"}}',
    test='{"ticker": "NQ1!", "action": "propguard-test", "time": "{{time}}", "extras": {"id": "{{id}}"}}',
    test_means="An action that TradersPost does not know. It answers 400 invalid-action where the address is "
    "right, invalid-password where it is not, and trades nothing.",
    read=answers.read_traderspost,
    example="https://webhooks.traderspost.io/trading/webhook/<uuid>/<password>",
)
_PICKMYTRADE = Preset(
    label="PickMyTrade",
    media_type=JSON,
    entry="""{"symbol": "{{ticker}}", "date": "{{time}}", "data": "{{action}}", "quantity": "{{quantity}}",
 "risk_percentage": 0, "price": "{{price}}", "tp": "{{target}}", "percentage_tp": 0, "dollar_tp": 0,
 "sl": "{{stop}}", "percentage_sl": 0, "dollar_sl": 0, "trail": 0, "trail_stop": 0, "trail_trigger": 0,
 "trail_freq": 0, "update_tp": false, "update_sl": false, "duplicate_position_allow": true,
 "reverse_order_close": true, "comment": "{{id}}", "token": "{{secret}}",
 "multiple_accounts": [{"token": "{{secret}}", "account_id": "{{account}}", "risk_percentage": 0,
 "quantity_multiplier": 1}]}""",
    flat="""{"symbol": "{{ticker}}", "date": "{{time}}", "data": "close", "quantity": 0, "risk_percentage": 0,
 "price": 0, "tp": 0, "sl": 0, "token": "{{secret}}",
 "multiple_accounts": [{"token": "{{secret}}", "account_id": "{{account}}", "risk_percentage": 0,
 "quantity_multiplier": 1}]}""",
    test="""{"symbol": "NQ1!", "date": "{{time}}", "data": "propguard-test", "quantity": 0, "price": 0,
 "token": "{{secret}}"}""",
    test_means="Size 0, and data that is neither buy, sell nor close: nothing that could be traded. Look at "
    "PickMyTrade's alert log whether it arrived under your token.",
    read=answers.read_pickmytrade,
    needs=frozenset({"secret"}),
    example="https://api.pickmytrade.trade/v2/add-trade-data-latest?t=<your number>",
)
_CROSSTRADE = Preset(
    label="CrossTrade (NinjaTrader)",
    media_type=TEXT,
    entry="key={{secret}};command=PLACE;account={{account}};instrument={{ticker}};action={{action}};"
    "qty={{quantity}};order_type=MARKET;tif=DAY;stop_loss={{stop}};take_profit={{target}};",
    flat="key={{secret}};command=CLOSEPOSITION;account={{account}};instrument={{ticker}};",
    test="key={{secret}};command=PROPGUARDTEST;account={{account}};",
    test_means="A command that CrossTrade does not have: nothing is traded. Look at its alert history "
    "whether it arrived under your key.",
    read=answers.read_crosstrade,
    needs=frozenset({"secret", "account"}),
    example="https://app.crosstrade.io/v1/send/<id>/<token>",
)
_STANDARD = Preset(
    label="Your own receiver (Standard Webhooks)",
    media_type=JSON,
    entry="""{"type": "entry", "id": "{{id}}", "time": "{{time}}", "account": "{{account}}",
 "symbol": "{{symbol}}", "ticker": "{{ticker}}", "action": "{{action}}", "quantity": "{{quantity}}",
 "price": "{{price}}", "stop": "{{stop}}", "target": "{{target}}"}""",
    flat="""{"type": "flat", "id": "{{id}}", "time": "{{time}}", "account": "{{account}}",
 "symbol": "{{symbol}}", "ticker": "{{ticker}}", "action": "exit"}""",
    test='{"type": "test", "id": "{{id}}", "time": "{{time}}", "account": "{{account}}"}',
    test_means='A signed message of type "test": what your receiver makes of it is yours.',
    read=answers.read_standard,
    example="https://bot.example.com/propguard",
)
PRESETS: Mapping[str, Preset] = {
    "traderspost": _TRADERSPOST,
    "pickmytrade": _PICKMYTRADE,
    "crosstrade": _CROSSTRADE,
    "standard": _STANDARD,
}
