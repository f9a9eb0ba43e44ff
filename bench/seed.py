"""A fresh database: one account for the alerts, and a thousand for the rules.

Nine of ten accounts of the thousand approve; the others are paused, near a floor, or ask for too many
contracts. All are flat and on paper, so their state never ages.
"""

from datetime import datetime, time
from decimal import Decimal
from hashlib import sha256

from django.core.management import call_command
from django.utils import timezone

from bench.wire import ACCOUNTS, MANY, ONE, SECRET
from enforcement.account import StateSource
from execution.models import Connection, Route, SignalSource, VenueAccount
from firms.models import Account, AccountState, Firm, LossLimit, Program, Trader
from firms.services import raise_flag
from firms.terms import terms_in_force

PER_TRADER = 10
PROGRAMS = 10
START = Decimal(50_000)
PAUSED, NEAR_FLOOR, TOO_LARGE = 9, 19, 29  # of every thirty accounts


def seed() -> None:
    """Migrate an empty database and fill it."""
    call_command("migrate", verbosity=0)
    paper = Connection.objects.create(name="Paper", venue=Connection.Venue.PAPER)
    firm = Firm.objects.create(code="BENCH", name="Bench")
    programs = [_program(firm, number) for number in range(1, PROGRAMS + 1)]
    _follow(ONE, programs, 1, paper)
    _follow(MANY, programs, ACCOUNTS, paper)


def _program(firm: Firm, number: int) -> Program:
    program = Program.objects.create(
        firm=firm, number=number, name="50K", size=START, starting_balance=START, max_contracts=10,
        max_risk_share=Decimal("0.05"), stop_required=True, automation="auto",
        day_zone="America/Chicago", day_reset=time(17),
    )  # fmt: skip
    LossLimit.objects.create(
        program=program, kind="daily_loss", anchor="day_start_balance", amount=1000, consequence="soft"
    )
    LossLimit.objects.create(
        program=program, kind="drawdown", anchor="highest_equity", amount=2500, consequence="hard"
    )
    return program


def _follow(source_name: str, programs: list[Program], count: int, paper: Connection) -> None:
    """A source and `count` accounts that follow it."""
    now = timezone.now()
    source = SignalSource.objects.create(name=source_name, secret_sha256=sha256(SECRET.encode()).hexdigest())
    traders = Trader.objects.bulk_create(
        Trader(name=f"{source_name} {i}") for i in range(-(-count // PER_TRADER))
    )
    accounts = Account.objects.bulk_create(
        Account(
            trader=traders[i // PER_TRADER], program=programs[i % PROGRAMS], label=f"{source_name}-{i}",
            mode=Account.Mode.LIVE,
        )
        for i in range(count)
    )  # fmt: skip
    AccountState.objects.bulk_create(_state(account, i, now) for i, account in enumerate(accounts))
    VenueAccount.objects.bulk_create(VenueAccount(account=a, connection=paper) for a in accounts)
    Route.objects.bulk_create(_route(source, account, i) for i, account in enumerate(accounts))
    for account in accounts[PAUSED::30]:
        raise_flag(account, reason="Paused for the bench.", now=now)


def _state(account: Account, number: int, now: datetime) -> AccountState:
    equity = Decimal(47_600) if number % 30 == NEAR_FLOOR else START
    day = terms_in_force(account.program).day
    return AccountState(
        account=account, balance=equity, equity=equity, as_of=now, source=StateSource.PAPER.value,
        trading_day=day.day_of(now), closed_day=day.last_closed(now), last_close=equity,
        day_start_balance=equity, day_start_equity=equity, highest_equity=START, highest_close=START,
        highest_balance=START,
    )  # fmt: skip


def _route(source: SignalSource, account: Account, number: int) -> Route:
    if number % 30 == TOO_LARGE:
        return Route(source=source, account=account, sizing=Route.Sizing.MULTIPLIER, multiplier=10)
    return Route(source=source, account=account)
