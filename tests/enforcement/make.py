"""Builders for the core's values: a test states only what matters to it.

The stock case, checkable by hand: a 50,000 account on a Wednesday noon in New York, flat, floors at
49,000 (daily, soft) and 47,500 (trailing, hard), ten contracts. The stock order buys 2 NQ at 20,000 with
the stop ten points (40 ticks of $5) below: 200 a contract at the stop. The guard adds two ticks of
slippage (10) and both commissions (5), so the worst case is 215 a contract, 430 together.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

import pytest
from hypothesis import settings

from enforcement.account import AccountState, StateSource
from enforcement.calendar import Session, TradingDay
from enforcement.context import (
    Activity,
    ClosedLoss,
    NewsEvent,
    OpenFlag,
    OrderContext,
    OtherExposure,
    RecentEntry,
)
from enforcement.decision import Finding, Outcome
from enforcement.explain import explain
from enforcement.exposure import Position, WorkingOrder
from enforcement.floors import (
    Anchor,
    Boundary,
    Consequence,
    FloorKind,
    LockTrigger,
    LossFloor,
    PayoutEffect,
    ShareOf,
    TestedOn,
    Tier,
)
from enforcement.instruments import BUILT_IN, Instrument
from enforcement.orders import OrderIntent, Side
from enforcement.program import GuardPolicy, NewsRule, ProgramTerms
from enforcement.rules import MESSAGES, Rule

PROPERTY = settings(derandomize=True, deadline=None, max_examples=300, database=None)

NOON = datetime(2026, 3, 4, 17, 0, tzinfo=UTC)  # a Wednesday, 12:00 in New York: NY AM closes
MORNING = datetime(2026, 3, 4, 15, 0, tzinfo=UTC)  # the same day, 10:00 in New York
CHICAGO = TradingDay("America/Chicago", time(17))
PRAGUE = TradingDay("Europe/Prague", time(0), rests_at_weekend=False)
TOPSTEP_DAY = TradingDay("America/Chicago", time(17), close=time(15, 10))  # closes before its reset
NQ, MNQ, ES, EURUSD, GER40 = (BUILT_IN[symbol] for symbol in ("NQ", "MNQ", "ES", "EURUSD", "GER40"))
MES, CL, SI, SIL, GC = (BUILT_IN[symbol] for symbol in ("MES", "CL", "SI", "SIL", "GC"))

ASIA = Session("ASIA", time(18), time(3), "America/New_York")
LONDON = Session("LONDON", time(3), time(8), "America/New_York")
NY_AM = Session("NY AM", time(9, 30), time(12), "America/New_York")
NY_LUNCH = Session("NY LUNCH", time(12), time(13, 30), "America/New_York")

Number = Decimal | int | str


def exact(number: Number | None) -> Decimal | None:
    return None if number is None else Decimal(number)


_FLOOR_WORDS: dict[str, Any] = {
    "lock_trigger": LockTrigger, "payout_effect": PayoutEffect, "tested_on": TestedOn,
    "boundary_after_lock": Boundary,
}  # fmt: skip


def make_floor(
    kind: str = "drawdown",
    anchor: str = "highest_equity",
    amount: Number | None = None,
    *,
    share: Number | None = None,
    share_of: str = "initial",
    boundary: str = "at",
    consequence: str | None = None,
    lock_at: Number | None = None,
    **further: Any,
) -> LossFloor:
    """A hard drawdown or a soft daily floor, at which touching is the breach. Words for every enum."""
    for name, words in _FLOOR_WORDS.items():
        if further.get(name) is not None:
            further[name] = words(further[name])
    for name in ("floor_after_payout", "ends_from_profit", "share_from_profit"):
        if name in further:
            further[name] = exact(further[name])
    return LossFloor(
        kind=FloorKind(kind),
        anchor=Anchor(anchor),
        boundary=Boundary(boundary),
        consequence=Consequence(consequence or ("soft" if kind == "daily_loss" else "hard")),
        amount=exact(amount),
        share=exact(share),
        share_of=ShareOf(share_of),
        lock_at=exact(lock_at),
        **further,
    )


def make_tiers(*steps: tuple[Number, Number], above: bool = False) -> tuple[Tier, ...]:
    """Pairs of a profit and the value that holds from it on."""
    return tuple(Tier(Decimal(profit), Decimal(value), above) for profit, value in steps)


def daily_floor(amount: Number | None = 1000, **fields: Any) -> LossFloor:
    return make_floor("daily_loss", fields.pop("anchor", "day_start_balance"), amount, **fields)


def trailing_floor(amount: Number = 2500, **fields: Any) -> LossFloor:
    return make_floor("drawdown", "highest_equity", amount, **fields)


def static_floor(amount: Number = 2500, **fields: Any) -> LossFloor:
    return make_floor("drawdown", "initial", amount, **fields)


def make_terms(**fields: Any) -> ProgramTerms:
    defaults: dict[str, Any] = {
        "firm": "APEX", "number": 1, "currency": "USD", "starting_balance": Decimal(50_000),
        "size": Decimal(50_000), "day": CHICAGO, "floors": (daily_floor(), trailing_floor()),
        "max_contracts": Decimal(10),
    }  # fmt: skip
    money = (
        "starting_balance", "size", "max_contracts", "max_risk_share", "max_equity_risk_share", "max_minis",
        "max_micros", "micro_weight", "profit_lock",
    )  # fmt: skip
    for name in money:
        if name in fields:
            fields[name] = exact(fields[name])
    return ProgramTerms(**{**defaults, **fields})


def make_guard(**fields: Any) -> GuardPolicy:
    money = ("slippage_ticks", "commission_per_side", "floor_buffer", "floor_buffer_share", "no_stop_ticks")
    for name in money:
        if name in fields:
            fields[name] = exact(fields[name])
    return GuardPolicy(**fields)


# The firm's own arithmetic, without any margin of the account's owner.
BARE = make_guard(slippage_ticks=0, commission_per_side=0, block_at_floor=False)


def make_state(equity: Number = 50_000, **fields: Any) -> AccountState:
    """A fresh account, its equity reported this very moment; peaks and day start as on day one."""
    anchors = (
        "day_start_balance", "day_start_equity", "last_close", "highest_equity", "highest_close",
        "highest_balance",
    )  # fmt: skip
    defaults: dict[str, Any] = {
        "equity": Decimal(equity), "balance": Decimal(equity), "as_of": NOON, "source": StateSource.DECLARED,
        "trading_day": CHICAGO.day_of(NOON), "closed_day": CHICAGO.last_closed(NOON),
        **dict.fromkeys(anchors, Decimal(50_000)),
    }  # fmt: skip
    money = (*anchors, "balance", "reported_floor")
    given = {name: exact(value) if name in money else value for name, value in fields.items()}
    return AccountState(**{**defaults, **given})


def make_intent(**fields: Any) -> OrderIntent:
    """Buy 2 NQ at 20,000, stop ten points below, signalled this very moment."""
    defaults: dict[str, Any] = {
        "symbol": "NQ1!", "side": Side.BUY, "signalled_at": NOON, "instrument": NQ, "quantity": Decimal(2),
        "entry_price": Decimal(20_000), "stop_loss": Decimal(19_990), "session": "NY AM",
    }  # fmt: skip
    for name in ("quantity", "entry_price", "stop_loss", "target", "commission"):
        if name in fields:
            fields[name] = exact(fields[name])
    if isinstance(fields.get("side"), str):
        fields["side"] = Side(fields["side"])
    return OrderIntent(**{**defaults, **fields})


def make_position(quantity: Number = 1, **fields: Any) -> Position:
    """Long NQ marked at 20,000, its stop ten points below."""
    defaults: dict[str, Any] = {"instrument": NQ, "price": Decimal(20_000), "stop": Decimal(19_990)}
    for name in ("price", "stop"):
        if name in fields:
            fields[name] = exact(fields[name])
    return Position(quantity=Decimal(quantity), **{**defaults, **fields})


def make_working(quantity: Number = 1, risk: Number = 215, **fields: Any) -> WorkingOrder:
    defaults: dict[str, Any] = {"instrument": NQ, "side": Side.BUY}
    return WorkingOrder(quantity=Decimal(quantity), risk=Decimal(risk), **{**defaults, **fields})


def make_flag(key: str = "paused", scope: str = "account", cause: str = "manual", why: str = "") -> OpenFlag:
    return OpenFlag(scope, key, cause, why)


def make_release(name: str = "CPI m/m", minutes: float = 0, **fields: Any) -> NewsEvent:
    """A scheduled release, so many minutes from noon."""
    return NewsEvent(name=name, at=NOON + timedelta(minutes=minutes), **fields)


def make_news(before: int = 120, after: int = 120, **fields: Any) -> NewsRule:
    """No new positions from two minutes before every release to two minutes after it."""
    if "max_micros" in fields:
        fields["max_micros"] = exact(fields["max_micros"])
    return NewsRule(before_seconds=before, after_seconds=after, **fields)


def make_entry(ago: float = 10, **fields: Any) -> RecentEntry:
    """The stock order, approved ten seconds ago from an alert without an id."""
    defaults: dict[str, Any] = {
        "family": "NQ", "side": Side.BUY, "quantity": Decimal(2), "entry_price": Decimal(20_000),
        "stop_loss": Decimal(19_990), "is_own": False, "target": None,
    }  # fmt: skip
    for name in ("quantity", "entry_price", "stop_loss", "target"):
        if name in fields:
            fields[name] = exact(fields[name])
    return RecentEntry(at=NOON - timedelta(seconds=ago), **{**defaults, **fields})


def make_loss(amount: Number, ago: float = 60, family: str = "NQ", sign: int = 1) -> ClosedLoss:
    """A long NQ that lost so much, closed a minute ago."""
    return ClosedLoss(NOON - timedelta(seconds=ago), family, sign, Decimal(amount))


def make_activity(
    *entries: RecentEntry, requests_today: int | None = None, losses: tuple[ClosedLoss, ...] = ()
) -> Activity:
    return Activity(entries, requests_today, losses)


def make_other(sign: int = -1, instrument: Instrument = NQ, account: str = "Second 50K") -> OtherExposure:
    """Short NQ (or long, with a sign of 1) in another account of the same trader."""
    return OtherExposure(account, instrument.symbol, instrument.family, instrument.group, sign)


_INTENT_FIELDS = frozenset(OrderIntent.__slots__)


def make_context(**fields: Any) -> OrderContext:
    """The stock account and order. Fields of the intent may be given directly, as may whole parts."""
    wished = {name: fields.pop(name) for name in _INTENT_FIELDS & fields.keys()}
    defaults: dict[str, Any] = {
        "now": NOON,
        "terms": make_terms(),
        "guard": make_guard(),
        "state": make_state(),
    }
    if "intent" not in fields:
        fields["intent"] = make_intent(**wished)
    return OrderContext(**{**defaults, **fields})


def seconds(count: float) -> timedelta:
    return timedelta(seconds=count)


class Row(NamedTuple):
    """One row of a rule's table: what a trader would call it, the case, and what the rule must say."""

    id: str
    ctx: OrderContext
    outcome: Outcome
    code: str
    breach_type: str


def table(rows: Iterable[Row]) -> Any:
    return pytest.mark.parametrize("row", [pytest.param(row, id=row.id) for row in rows])


def judged(rule: Rule, row: Row) -> Finding:
    """Ask one rule about a row, compare all it says, and see that a trader can read it."""
    finding = rule.check(row.ctx)
    assert (finding.outcome, finding.code, finding.breach_type) == (row.outcome, row.code, row.breach_type)
    assert finding.rule == rule.code
    assert finding.code in MESSAGES
    sentence = explain(finding)
    assert sentence != finding.code
    assert "{" not in sentence
    assert "unknown" not in sentence
    return finding
