"""Builders with plain defaults: a test states only what matters to it."""

from datetime import UTC, datetime, time
from decimal import Decimal
from typing import Any

from execution.models import Connection, PaperSettings, Route, SignalSource, VenueAccount
from firms.models import Account, Firm, LossLimit, Program, Trader
from firms.services import OpeningState, open_account

NOON = datetime(2026, 3, 4, 17, 0, tzinfo=UTC)  # a Wednesday, 12:00 in New York
# A paper venue without chance: at the mark, at once, whole, at any hour.
PLAIN_PAPER: dict[str, Any] = {
    "has_costs": False, "fills_in_parts": False, "latency_min_ms": 0, "latency_max_ms": 0,
    "touch_fills_percent": 100, "rejects_when_closed": False,
}  # fmt: skip
SECRET = "pg-test-secret-4f9b2c71"


def make_firm(code: str = "APEX", **fields: Any) -> Firm:
    firm, _ = Firm.objects.get_or_create(code=code, defaults={"name": code.title(), **fields})
    return firm


def make_program(
    firm: str | Firm = "APEX",
    number: int = 1,
    *,
    daily_loss: Decimal | int | None = 1000,
    drawdown: Decimal | int | None = 2500,
    anchor: str = "highest_equity",
    boundary: str = "at",
    **fields: Any,
) -> Program:
    """A 50,000 futures program: daily loss 1,000 (soft), trailing drawdown 2,500, ten contracts."""
    firm = firm if isinstance(firm, Firm) else make_firm(firm)
    defaults: dict[str, Any] = {
        "name": "50K", "size": Decimal(50_000), "starting_balance": Decimal(50_000), "max_contracts": 10,
        "automation": "auto", "day_zone": "America/Chicago", "day_reset": time(17),
    }  # fmt: skip
    program = Program.objects.create(firm=firm, number=number, **{**defaults, **fields})
    if daily_loss is not None:
        LossLimit.objects.create(
            program=program, kind="daily_loss", anchor="day_start_balance", amount=daily_loss,
            boundary=boundary, consequence="soft",
        )  # fmt: skip
    if drawdown is not None:
        LossLimit.objects.create(
            program=program, kind="drawdown", anchor=anchor, amount=drawdown, boundary=boundary,
            consequence="hard",
        )  # fmt: skip
    return program


def make_trader(name: str = "Ada") -> Trader:
    trader, _ = Trader.objects.get_or_create(name=name)
    return trader


def make_account(
    label: str = "Apex-1",
    program: Program | None = None,
    *,
    trader: str = "Ada",
    now: datetime | None = None,
    live: bool = False,
    paper: bool = False,
    state: dict[str, Any] | None = None,
    **fields: Any,
) -> Account:
    """An account with its opening state, as of `now` (the real clock's, where none is given).

    `paper` connects it to the paper venue and switches it live there: its orders fill, plainly.
    """
    from django.utils import timezone

    if program is None:
        program = Program.objects.first() or make_program()
    account = Account(
        trader=make_trader(trader), program=program, label=label,
        mode=Account.Mode.LIVE if live or paper else Account.Mode.DRY_RUN, **fields,
    )  # fmt: skip
    from enforcement.account import StateSource

    source = StateSource.PAPER if paper else StateSource.DECLARED
    open_account(account, OpeningState(**(state or {})), now=now or timezone.now(), source=source)
    if paper:
        connection, made = Connection.objects.get_or_create(name="Paper", venue="paper")
        if made:
            PaperSettings.objects.create(connection=connection, **PLAIN_PAPER)
        VenueAccount.objects.create(account=account, connection=connection)
    return account


def make_source(name: str = "tv", secret: str = SECRET, **fields: Any) -> SignalSource:
    from hashlib import sha256

    return SignalSource.objects.create(name=name, secret_sha256=sha256(secret.encode()).hexdigest(), **fields)


def make_route(source: SignalSource, account: Account, **fields: Any) -> Route:
    return Route.objects.create(source=source, account=account, **fields)


def alert(**fields: Any) -> dict[str, Any]:
    """A canonical alert: buy 2 NQ at 20,000.25, stop 19,990."""
    body = {
        "secret": SECRET, "action": "buy", "symbol": "NQ1!", "entry_price": "20000.25", "stop_loss": "19990",
        "session": "NY AM", "contracts": 2, "bias": "Bullish",
    }  # fmt: skip
    return {key: value for key, value in {**body, **fields}.items() if value is not None}
