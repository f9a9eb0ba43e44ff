"""Demo data: seven paper accounts in telling states, and one alert that meets all of them.

The programs carry the firms' published figures, each with its source, but are labelled copies without
clock rules, so that the alert shows the same at any hour. Accounts that never filled an order are put
back into their state at every start.
"""

import secrets
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from decimal import Decimal
from hashlib import sha256
from typing import NamedTuple

from django.contrib.auth import get_user_model
from django.db import transaction
from django.utils import timezone

from enforcement.account import StateSource
from execution.models import (
    ApiKey,
    Connection,
    Fill,
    PaperBook,
    PaperSettings,
    Route,
    SignalSource,
    VenueAccount,
)
from firms.models import Account, Firm, LossLimit, Program, TermSource, Trader, TradingSession
from firms.services import OpeningState, open_account, raise_flag, restate
from propguard.environment import secret_file

SOURCE, TRADER, LOGIN, PAPER = "demo", "Demo trader", "demo", "Paper"
PAUSE_REASON = "Two losing days in a row: paused by hand until Monday's review."
ALERT = (
    '{{"secret":"{secret}","action":"buy","symbol":"NQ1!","entry_price":20000.25,"stop_loss":19990,'
    '"contracts":2,"session":"NY AM"}}'
)


# Its one alert shall show the same at any hour, and at once; spread and slippage are as anywhere.
PAPER_SETTINGS = {"rejects_when_closed": False, "latency_min_ms": 0, "latency_max_ms": 0}


class Limit(NamedTuple):
    kind: str
    anchor: str
    amount: int
    consequence: str
    lock_at: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoProgram:
    firm: str
    number: int
    name: str
    size: int
    max_contracts: int
    limits: tuple[Limit, ...]
    automation: str
    day: tuple[str, time]
    url: str
    read_on: date
    evidence: str
    stop_required: bool = False
    sessions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoAccount:
    """`multiplier` is its route's; `tells` what a stranger should see in it."""

    label: str
    firm: str
    number: int
    tells: str
    balance: int
    day_start: int
    highest_equity: int
    highest_close: int
    dry_run: bool = False
    paused: bool = False
    multiplier: int | None = None


FIRMS = {
    "TOPSTEP": ("Topstep", "https://www.topstep.com"),
    "FTMO": ("FTMO", "https://ftmo.com"),
    "APEX": ("Apex Trader Funding", "https://apextraderfunding.com"),
}
CHICAGO, NEW_YORK = ("America/Chicago", time(17)), ("America/New_York", time(18))
_FTMO = DemoProgram(
    firm="FTMO", number=1, name="Futures Growth 50K", size=50_000, max_contracts=5,
    limits=(Limit("drawdown", "highest_close", 2000, "hard", lock_at=50_000),),
    automation="auto", day=NEW_YORK,
    url="https://ftmo.com/en/futures/trading-objectives-and-rules/",
    read_on=date(2026, 9, 8), evidence="transcribed",
)  # fmt: skip
PROGRAMS = (
    DemoProgram(
        firm="TOPSTEP", number=1, name="Trading Combine 50K", size=50_000, max_contracts=5,
        limits=(Limit("drawdown", "highest_close", 2000, "hard", lock_at=50_000),),
        automation="own_device", day=CHICAGO,
        url="https://help.topstep.com/en/articles/8284197-trading-combine-parameters",
        read_on=date(2026, 9, 24), evidence="transcribed",
    ),
    DemoProgram(
        firm="TOPSTEP", number=2, name="Labs 25K Static Combine", size=25_000, max_contracts=2,
        limits=(Limit("drawdown", "initial", 1000, "hard"), Limit("daily_loss", "day_start_balance", 500, "soft")),
        automation="own_device", day=CHICAGO,
        url="https://help.topstep.com/en/articles/15520357-topstep-labs",
        read_on=date(2026, 9, 19), evidence="transcribed",
    ),
    _FTMO,
    replace(_FTMO, number=2, name="Futures Growth 50K, London only", sessions=("LONDON",)),
    DemoProgram(
        firm="APEX", number=1, name="Intraday Trailing Evaluation 50K", size=50_000, max_contracts=6,
        limits=(Limit("drawdown", "highest_equity", 2000, "hard"),),
        automation="prohibited", stop_required=True, day=NEW_YORK,
        url="https://apextraderfunding.com/help-center/intraday-trailing-drawdown-accounts/"
        "intraday-trailing-drawdown-explained/",
        read_on=date(2026, 9, 30), evidence="transcribed",
    ),
    DemoProgram(
        firm="APEX", number=2, name="EOD Evaluation 50K", size=50_000, max_contracts=6,
        limits=(
            Limit("drawdown", "highest_close", 2000, "hard"),
            Limit("daily_loss", "day_start_balance", 1000, "soft"),
        ),
        automation="prohibited", stop_required=True, day=NEW_YORK,
        url="https://apextraderfunding.com/help-center/eod-trailing-drawdown-accounts/eod-evaluations/",
        read_on=date(2026, 9, 26), evidence="transcribed",
    ),
)  # fmt: skip
ACCOUNTS = (
    DemoAccount(
        label="Topstep-1", firm="TOPSTEP", number=1, tells="healthy: approved and filled",
        balance=51_240, day_start=51_240, highest_equity=51_240, highest_close=51_240,
    ),
    DemoAccount(
        label="Topstep-2", firm="TOPSTEP", number=1, tells="dry-run: approved, and nothing is sent",
        balance=50_000, day_start=50_000, highest_equity=50_000, highest_close=50_000, dry_run=True,
    ),
    DemoAccount(
        label="Topstep-Labs", firm="TOPSTEP", number=2, tells="its route doubles the size: too many contracts",
        balance=25_000, day_start=25_000, highest_equity=25_000, highest_close=25_000, multiplier=2,
    ),
    DemoAccount(
        label="FTMO-1", firm="FTMO", number=1, tells="paused", paused=True,
        balance=50_310, day_start=50_310, highest_equity=50_310, highest_close=50_310,
    ),
    DemoAccount(
        label="FTMO-London", firm="FTMO", number=2, tells="trades in London's session only",
        balance=50_000, day_start=50_000, highest_equity=50_000, highest_close=50_000,
    ),
    DemoAccount(
        label="Apex-1", firm="APEX", number=1, tells="near its trailing floor",
        balance=51_310, day_start=51_310, highest_equity=53_000, highest_close=52_400,
    ),
    DemoAccount(
        label="Apex-2", firm="APEX", number=2, tells="near its daily floor",
        balance=49_700, day_start=50_400, highest_equity=50_400, highest_close=50_400,
    ),
)  # fmt: skip


@transaction.atomic
def seed(now: datetime | None = None) -> None:
    """Create the demo data if it isn't there; put untouched accounts back into their telling states."""
    now = now or timezone.now()
    if not SignalSource.objects.filter(name=SOURCE).exists():
        _create(now)
    for connection in Connection.objects.filter(name=PAPER, venue=Connection.Venue.PAPER):
        PaperSettings.objects.get_or_create(connection=connection, defaults=PAPER_SETTINGS)
    for demo in ACCOUNTS:
        account = Account.objects.filter(label=demo.label, trader__name=TRADER).first()
        if account is not None and not Fill.objects.filter(account=account).exists():
            PaperBook.objects.filter(account=account).update(balance=demo.balance, changed_at=now)
            restate(account, _opening(demo), now=now, source=StateSource.PAPER)


def what_to_try(address: str) -> str:
    """What `make run` prints: where to look, how to log in, and an alert to paste."""
    alert = ALERT.format(secret=_secret("demo_secret"))
    accounts = "\n".join(f"  {demo.label:<14}{demo.tells}" for demo in ACCOUNTS)
    return f"""
PropGuard is running. Everything below is a demo on paper: nothing reaches a broker.

  Admin     {address}/admin/
  Login     {LOGIN} / {_secret("demo_password")}
  API docs  {address}/api/v1/docs/

Send an alert as TradingView would:

  curl -s {address}/api/v1/webhooks/{SOURCE}/ -H 'Content-Type: application/json' -d '{alert}'

Then look at {address}/admin/execution/decision/ : one decision for each account.

{accounts}

Ctrl-C stops everything.
"""


def _create(now: datetime) -> None:
    users = get_user_model()._default_manager
    if not users.filter(username=LOGIN).exists():
        users.create_superuser(LOGIN, password=_secret("demo_password"))
    source = SignalSource.objects.create(name=SOURCE, secret_sha256=_hashed(_secret("demo_secret")))
    key = _secret("demo_api_key")
    ApiKey.objects.create(name="Demo", prefix=key[:8], key_sha256=_hashed(key), scopes="marks state")
    programs = {(p.firm, p.number): _program(p) for p in PROGRAMS}
    paper, _ = Connection.objects.get_or_create(name=PAPER, venue=Connection.Venue.PAPER)
    trader, _ = Trader.objects.get_or_create(name=TRADER)
    for demo in ACCOUNTS:
        account = Account(
            trader=trader, program=programs[demo.firm, demo.number], label=demo.label,
            mode=Account.Mode.DRY_RUN if demo.dry_run else Account.Mode.LIVE,
        )  # fmt: skip
        open_account(account, _opening(demo), now=now, source=StateSource.PAPER)
        VenueAccount.objects.create(account=account, connection=paper)
        sizing = Route.Sizing.MULTIPLIER if demo.multiplier else Route.Sizing.AS_SENT
        Route.objects.create(source=source, account=account, sizing=sizing, multiplier=demo.multiplier)
        if demo.paused:
            raise_flag(account, reason=PAUSE_REASON, now=now)


def _program(demo: DemoProgram) -> Program:
    name, website = FIRMS[demo.firm]
    firm, _ = Firm.objects.get_or_create(code=demo.firm, defaults={"name": name, "website": website})
    program = Program.objects.create(
        firm=firm, number=demo.number, name=f"{demo.name} (demo copy)",
        size=Decimal(demo.size), starting_balance=Decimal(demo.size), max_contracts=demo.max_contracts,
        stop_required=demo.stop_required, automation=demo.automation, day_zone=demo.day[0], day_reset=demo.day[1], last_verified_on=demo.read_on,
    )  # fmt: skip
    program.allowed_sessions.set(TradingSession.objects.filter(name__in=demo.sessions))
    for limit in demo.limits:
        LossLimit.objects.create(program=program, **limit._asdict())
    TermSource.objects.create(
        program=program, url=demo.url, read_on=demo.read_on, evidence=demo.evidence,
        note="A copy for the demo: the program's clock rules are left out.",
    )  # fmt: skip
    return program


def _opening(demo: DemoAccount) -> OpeningState:
    return OpeningState(
        balance=Decimal(demo.balance),
        day_start_balance=Decimal(demo.day_start),
        highest_equity=Decimal(demo.highest_equity),
        highest_close=Decimal(demo.highest_close),
    )


def _secret(name: str) -> str:
    """128 random bits, kept in `var/` and reused."""
    return secret_file(name, lambda: secrets.token_urlsafe(16))


def _hashed(text: str) -> str:
    return sha256(text.encode()).hexdigest()
