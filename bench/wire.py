"""What both sides and the load client agree on: the sources, the alert, how decisions are told."""

import json

SECRET = "bench-secret-0123456789abcdef0123456789"
ONE, MANY = "one", "many"  # sources with one account, and with ACCOUNTS
ACCOUNTS = 1_000


def alert(number: int) -> bytes:
    """An alert as TradingView would send it, with an id of its own."""
    return json.dumps(
        {
            "secret": SECRET,
            "action": "buy",
            "symbol": "NQ1!",
            "entry_price": "20000.25",
            "stop_loss": "19990",
            "session": "NY AM",
            "bias": "Bullish",
            "contracts": 2,
            "alert_id": f"bench-{number}",
        }
    ).encode()
