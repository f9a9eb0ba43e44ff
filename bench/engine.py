"""What the rules themselves cost: `evaluate_order` over the full table, on one core, without any database."""

import time
from dataclasses import replace
from datetime import UTC, datetime
from datetime import time as clock
from decimal import Decimal
from statistics import median

from enforcement import evaluate_order
from enforcement.account import AccountState, StateSource
from enforcement.calendar import Closure, TradingDay, TradingHours
from enforcement.context import NewsEvent, OrderContext, OtherExposure
from enforcement.exposure import Position, WorkingOrder
from enforcement.floors import Anchor, Boundary, Consequence, FloorKind, LossFloor, Tier
from enforcement.instruments import BUILT_IN
from enforcement.orders import OrderIntent, Side
from enforcement.program import (
    FlatBy,
    GuardPolicy,
    HedgeBy,
    HedgeScope,
    HedgingRule,
    NewsRule,
    ProgramTerms,
)
from enforcement.rules import RULES

TARGET_MICROSECONDS = 40
ROUNDS, EACH = 9, 2_000
NOW = datetime(2026, 3, 4, 17, 0, tzinfo=UTC)
NQ, MNQ, ES = (BUILT_IN[symbol] for symbol in ("NQ", "MNQ", "ES"))
DAY = TradingDay("America/Chicago", clock(17), close=clock(15, 10))


def print_costs() -> None:
    """Medians of several rounds; the context is made anew each time, as for every account."""
    print(f"\nThe engine alone: {len(RULES)} rules, one core, median of {ROUNDS} rounds of {EACH:,}")
    for name, ctx in (("evaluation account, flat", plain()), ("funded account, every rule set", full())):
        cost = median(_round(ctx) for _ in range(ROUNDS))
        verdict = (
            f"target ≤ {TARGET_MICROSECONDS} µs: {'reached' if cost <= TARGET_MICROSECONDS else 'MISSED'}"
        )
        print(f"  evaluate_order, {name:<32} {cost:6.1f} µs   {verdict}")


def _round(ctx: OrderContext) -> float:
    """Microseconds of processor time for one order."""
    fields = {name: getattr(ctx, name) for name in OrderContext.__dataclass_fields__}
    started = time.process_time()
    for _ in range(EACH):
        evaluate_order(OrderContext(**fields))
    return (time.process_time() - started) / EACH * 1e6


def plain() -> OrderContext:
    """A 50K evaluation: an end-of-day floor, a daily limit, a cap."""
    start = Decimal(50_000)
    return OrderContext(
        now=NOW,
        terms=ProgramTerms(
            firm="TOPSTEP", number=101, currency="USD", starting_balance=start, size=start, day=DAY,
            floors=(
                _floor(FloorKind.DRAWDOWN, Anchor.HIGHEST_CLOSE, 2000, Consequence.HARD, lock_at=start),
                _floor(FloorKind.DAILY_LOSS, Anchor.DAY_START_BALANCE, 1000, Consequence.SOFT),
            ),
            overnight=False, max_contracts=Decimal(5), max_minis=Decimal(5), max_micros=Decimal(50),
        ),
        guard=GuardPolicy(),
        state=_state(start),
        intent=_intent(),
    )  # fmt: skip


def full() -> OrderContext:
    """The same with tiers, hours, holidays, news, hedging across accounts, risk, discipline, positions."""
    base = plain()
    terms = replace(
        base.terms,
        hours=TradingHours(clock(17), clock(15, 10), "America/Chicago"),
        flat_by=FlatBy(at=clock(15, 10), zone="America/Chicago", lead_minutes=5),
        no_entry_minutes=2,
        closures=tuple(Closure(NOW.date(), "energy", clock(12), "America/Chicago") for _ in range(10)),
        tiers=(Tier(Decimal(0), Decimal(3)), Tier(Decimal(1500), Decimal(5))),
        max_risk_share=Decimal("0.02"),
        hedging=HedgingRule(scope=HedgeScope.TRADER, by=HedgeBy.CORRELATED),
        news=(NewsRule(before_seconds=120, after_seconds=120, events=("CPI",)),),
        max_trades_per_day=20,
        max_losses_in_a_row=3,
        profit_lock=Decimal(1500),
        stop_required=True,
    )
    others = tuple(OtherExposure(f"other-{i}", "ES", "ES", "equity_index", 1) for i in range(5))
    return replace(
        base,
        terms=terms,
        positions=(
            Position(instrument=MNQ, quantity=Decimal(2), price=Decimal(20_000), stop=Decimal(19_990)),
        ),
        working=(
            WorkingOrder(instrument=ES, side=Side.BUY, quantity=Decimal(1), risk=Decimal(120)),
        ),
        others=others,
        news=(NewsEvent(name="US CPI", at=NOW.replace(hour=13, minute=30)),),
    )  # fmt: skip


def _floor(
    kind: FloorKind, anchor: Anchor, amount: int, consequence: Consequence, lock_at: Decimal | None = None
) -> LossFloor:
    return LossFloor(
        kind=kind, anchor=anchor, amount=Decimal(amount), boundary=Boundary.AT, consequence=consequence,
        lock_at=lock_at,
    )  # fmt: skip


def _state(equity: Decimal) -> AccountState:
    return AccountState(
        balance=equity, equity=equity, as_of=NOW, source=StateSource.VENUE, trading_day=DAY.day_of(NOW),
        closed_day=DAY.last_closed(NOW), day_start_balance=equity, day_start_equity=equity,
        last_close=equity, highest_equity=equity, highest_close=equity, highest_balance=equity,
    )  # fmt: skip


def _intent() -> OrderIntent:
    return OrderIntent(
        symbol="NQ", side=Side.BUY, signalled_at=NOW, instrument=NQ, quantity=Decimal(1),
        entry_price=Decimal(20_000), stop_loss=Decimal(19_990), session="NY AM",
    )  # fmt: skip
