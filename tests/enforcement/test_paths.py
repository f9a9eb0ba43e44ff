"""Random accounts, programs and orders against random paths of price: no approved order breaches.

A plain seeded loop of pairs: an order that is approved (or the size of it that is offered), and one path
that ends at its stop, filled as far beyond as the guard allows for, or at its target. The state is moved by
`mark` and `roll_day` on every step, closes and resets included, and held against every floor by the firm's
own comparator. `PROPGUARD_PATHS` says how many pairs.

What a path may do is what the design defines: price runs no farther in favour than the target; where none
is given and a floor follows equity, it doesn't run in favour at all (the decision warned of that). Other
open positions go from their mark to their stops, what is working loses its reservation, sooner or later or
never. A position is held over a close or a reset only where the account counts it.

Of the refusals it is told how many were unnecessary: no path of a sample of the worst kinds breached.
"""

import os
import random
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum

import pytest

from enforcement import evaluate_order
from enforcement.account import AccountState, StateReport, StateSource, mark, roll_day
from enforcement.calendar import TradingDay
from enforcement.context import OrderContext
from enforcement.exposure import Position, WorkingOrder
from enforcement.floors import Anchor, FloorLevel, LossFloor, levels_of
from enforcement.instruments import BUILT_IN, Instrument
from enforcement.orders import OrderIntent, Side
from enforcement.program import FlatBy, GuardPolicy, HoldsOverReset, ProgramTerms
from enforcement.trading_window import window_of
from tests.enforcement.make import (
    CHICAGO,
    PRAGUE,
    TOPSTEP_DAY,
    make_context,
    make_floor,
    make_guard,
    make_state,
    make_terms,
    make_tiers,
)

pytestmark = pytest.mark.core

PATHS = int(os.environ.get("PROPGUARD_PATHS", "5000"))
SEED = 20260304
UNNECESSARY_AT_MOST = Decimal("0.1")  # with the guards' own margins; measured: 0.02

INSTRUMENTS = [BUILT_IN[symbol] for symbol in ("NQ", "MNQ", "ES", "GC", "6E", "EURUSD")]
ES, ZERO = BUILT_IN["ES"], Decimal(0)
DAYS = [CHICAGO, TOPSTEP_DAY, PRAGUE]
FLAT_BY = FlatBy(at=time(15, 10), zone="America/Chicago", lead_minutes=2)
MONDAY = datetime(2026, 3, 2, 0, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
FOLLOW_EQUITY = frozenset({Anchor.HIGHEST_EQUITY, Anchor.DAY_START_HIGHER})


# --- random programs, accounts, orders ----------------------------------------------------------------


def dollars(rng: random.Random, low: int, high: int) -> Decimal:
    return Decimal(rng.randint(low * 100, high * 100)) / 100


def a_drawdown(rng: random.Random, start: Decimal) -> LossFloor:
    anchor = rng.choice(["initial", "highest_equity", "highest_close", "highest_balance", "balance"])
    fields: dict[str, object] = {"amount": dollars(rng, 800, 3000)}
    if rng.random() < 0.2:
        fields = {"share": Decimal(rng.randint(2, 6)) / 100}
    if anchor.startswith("highest") and rng.random() < 0.5:
        fields["lock_at"] = start + rng.choice([0, 100])
        fields["lock_trigger"] = rng.choice(["peak", "peak", "close", "closed_profit"])
        fields["boundary_after_lock"] = rng.choice([None, "below", "at"])
    return make_floor(
        "drawdown", anchor, boundary=rng.choice(["at", "below"]),
        tested_on=rng.choice(["equity", "equity", "lower"]), **fields,  # type: ignore[arg-type]
    )  # fmt: skip


def a_daily_limit(rng: random.Random) -> LossFloor:
    anchor = rng.choice(["day_start_balance", "day_start_higher"])
    fields: dict[str, object] = rng.choice([
        {"amount": dollars(rng, 400, 2000)},
        {"share": Decimal(rng.randint(1, 5)) / 100},
        {"share": Decimal(rng.randint(1, 5)) / 100, "share_of": "anchor"},
        {"tiers": make_tiers((0, dollars(rng, 400, 1000)), (1500, dollars(rng, 1000, 2000)))},
        {"amount": 1200, "share": "0.6", "share_of": "highest_close_profit", "share_from_profit": 2100},
    ])  # fmt: skip
    return make_floor(
        "daily_loss", anchor, boundary=rng.choice(["at", "below"]),
        consequence=rng.choice(["soft", "hard"]), tested_on=rng.choice(["equity", "equity", "lower"]), **fields,  # type: ignore[arg-type]
    )  # fmt: skip


def a_program(rng: random.Random) -> ProgramTerms:
    start = rng.choice([Decimal(50_000), Decimal(50_000), ZERO])
    floors = [a_drawdown(rng, start)]
    floors += [a_daily_limit(rng) for _ in range(rng.randint(0, 2))]
    if start == 0:  # a share of an anchor near zero is no limit
        floors = [floor for floor in floors if floor.share_of != "anchor"]
    return make_terms(
        day=rng.choice(DAYS), floors=tuple(floors), max_contracts=None, starting_balance=start,
        overnight=rng.choice([None, True, True, False]), flat_by=rng.choice([None, None, FLAT_BY]),
    )  # fmt: skip


def a_guard(rng: random.Random) -> GuardPolicy:
    return make_guard(
        slippage_ticks=rng.randint(0, 4), commission_per_side=rng.choice(["0", "1.25", "2.50"]),
        floor_buffer=rng.choice([0, 0, 50]), floor_buffer_share=rng.choice(["0", "0", "0.1"]),
        block_at_floor=rng.random() < 0.5,
        holds_over_reset=rng.choice([None, None, None, *HoldsOverReset]),
    )  # fmt: skip


def an_account(rng: random.Random, terms: ProgramTerms, now: datetime, unrealised: Decimal) -> AccountState:
    """Anchors that fit together: no peak under what has been seen."""
    start, day = terms.starting_balance, terms.day
    day_start = start + dollars(rng, -1000, 3000)
    balance = day_start + dollars(rng, -500, 800)
    equity = balance + unrealised
    highest_close = max(start, day_start) + rng.choice([ZERO, dollars(rng, 0, 1500)])
    highest_balance = max(highest_close, balance)
    day_start_equity = day_start + rng.choice([ZERO, dollars(rng, -300, 300)])
    last_close = day_start if day.last_closed(now) < day.day_of(now) else balance
    highest_close = max(highest_close, last_close)
    return make_state(
        equity, balance=balance, as_of=now, trading_day=day.day_of(now), closed_day=day.last_closed(now),
        day_start_balance=day_start, day_start_equity=day_start_equity, last_close=last_close,
        highest_close=highest_close, highest_balance=max(highest_balance, highest_close),
        highest_equity=max(highest_balance, highest_close, equity, day_start_equity) + rng.choice([ZERO, dollars(rng, 0, 800)]),
    )  # fmt: skip


def an_order(rng: random.Random, now: datetime) -> OrderIntent:
    instrument = rng.choice(INSTRUMENTS)
    side, tick = rng.choice(list(Side)), instrument.tick_size
    entry = tick * rng.randint(20_000, 90_000)
    target = None
    if rng.random() < 0.7:
        target = entry + side.sign * tick * rng.randint(1, 400)
    return OrderIntent(
        symbol=instrument.symbol, side=side, signalled_at=now, instrument=instrument,
        quantity=instrument.step * rng.choice([1, 2, 5, 10, 20, 40]), entry_price=entry,
        stop_loss=entry - side.sign * tick * rng.randint(4, 200), target=target,
        expires_at=None if rng.random() < 0.8 else now + timedelta(minutes=rng.randint(1, 3000)),
    )  # fmt: skip


def another_position(rng: random.Random) -> tuple[Position, Decimal]:
    """A position in ES with its stop, at times in profit; and what it has won or lost so far."""
    sign, price = rng.choice([1, -1]), ES.tick_size * rng.randint(20_000, 28_000)
    quantity = Decimal(sign * rng.randint(1, 2))
    stop = price - sign * ES.tick_size * rng.randint(0, 40)
    won = ES.money(ES.tick_size * rng.randint(-20, 60), quantity) * sign
    return Position(instrument=ES, quantity=quantity, price=price, stop=stop), won


def a_case(rng: random.Random) -> OrderContext:
    terms, guard = a_program(rng), a_guard(rng)
    now = MONDAY + timedelta(minutes=rng.randint(0, 5 * 24 * 60))
    positions: tuple[Position, ...] = ()
    working: tuple[WorkingOrder, ...] = ()
    unrealised = ZERO
    if rng.random() < 0.3:
        held, unrealised = another_position(rng)
        positions = (held,)
    if rng.random() < 0.2:
        working = (
            WorkingOrder(instrument=ES, side=Side.BUY, quantity=Decimal(1), risk=dollars(rng, 50, 600)),
        )
    return make_context(
        now=now, terms=terms, guard=guard, state=an_account(rng, terms, now, unrealised), positions=positions,
        working=working, intent=an_order(rng, now),
    )  # fmt: skip


# --- paths --------------------------------------------------------------------------------------------


class Kind(StrEnum):
    STRAIGHT = "straight to the stop"
    RUN = "a run in favour, then to the stop"
    NIGHT = "over closes and resets at the best price, then to the stop"
    BAD_NIGHT = "over closes and resets at a loss, then to the stop"
    WALK = "here and there, then to the stop"
    TARGET = "here and there, then to the target"


WORST = (Kind.STRAIGHT, Kind.RUN, Kind.NIGHT, Kind.BAD_NIGHT)


@dataclass(frozen=True)
class Path:
    """Ticks in favour at instants, in order, and how it ends: ticks in favour at the fill."""

    steps: tuple[tuple[datetime, int], ...]
    ends_at: datetime
    fill: int
    others_stop_at: datetime | None


def ticks_between(instrument: Instrument, one: Decimal, other: Decimal) -> int:
    return int(abs(one - other) / instrument.tick_size)


def last_moment(ctx: OrderContext) -> datetime:
    """How long the position may be open: until flat-by or its expiry; where closes and resets are not
    counted, until the first of them."""
    day, now = ctx.terms.day, ctx.now
    ends = [now + timedelta(days=3)]
    window = window_of(ctx.terms, now, "equity_index") if ctx.terms.flat_by else None
    if window is not None and window.flat is not None and not ctx.terms.overnight:
        ends.append(window.flat)
    if ctx.intent.expires_at is not None:
        ends.append(ctx.intent.expires_at)
    if ctx.guard.holds(ctx.terms) is not HoldsOverReset.ALWAYS:
        ends.append(min(day.next_close(now), day.next_reset(now)))
    return max(min(ends) - SECOND, now + SECOND)


def reach(ctx: OrderContext) -> int:
    """Ticks in favour that price may run: to the target; without one, not where a floor follows equity."""
    intent = ctx.intent
    assert intent.instrument is not None
    assert intent.entry_price is not None
    if intent.target is not None:
        return ticks_between(intent.instrument, intent.target, intent.entry_price)
    follows = any(floor.anchor in FOLLOW_EQUITY for floor in ctx.terms.floors)
    return 0 if follows else 300


def a_path(rng: random.Random, ctx: OrderContext, kind: Kind, *, worst: bool = False) -> Path:
    intent = ctx.intent
    assert intent.instrument is not None
    assert intent.entry_price is not None
    assert intent.stop_loss is not None
    stop, best = ticks_between(intent.instrument, intent.stop_loss, intent.entry_price), reach(ctx)
    end = last_moment(ctx)
    if kind is Kind.TARGET and intent.target is None:
        kind = Kind.WALK
    span = int((end - ctx.now) / SECOND)
    moments = sorted(rng.randint(0, span) for _ in range(rng.randint(2, 5)))
    if kind is Kind.STRAIGHT:
        moments = [0, 1]
    elif kind in (Kind.NIGHT, Kind.BAD_NIGHT):  # as long as it may be
        moments = [span // 1000, span]
    levels = {
        Kind.STRAIGHT: [0],
        Kind.RUN: [max(best - 1, 0), best if intent.target is None else max(best - 1, 0)],
        Kind.NIGHT: [max(best - 1, 0)],
        Kind.BAD_NIGHT: [1 - stop],
    }.get(kind) or [rng.randint(1 - stop, max(best - 1, 0)) for _ in moments]
    steps = tuple(
        (ctx.now + second * SECOND, levels[min(number, len(levels) - 1)])
        for number, second in enumerate(moments[:-1])
    )
    allowance = int(ctx.guard.slippage_ticks)
    beyond = allowance if worst or rng.random() < 0.5 else rng.randint(0, allowance)
    others = None
    if worst or rng.random() < 0.7:
        others = ctx.now + (moments[0] if worst else rng.randint(0, moments[-1])) * SECOND
    return Path(
        steps, ctx.now + moments[-1] * SECOND, best if kind is Kind.TARGET else -stop - beyond, others
    )


# --- the account on a path ----------------------------------------------------------------------------


class Account:
    """The account while the order lives: its money written out here, its state moved by the core."""

    def __init__(self, ctx: OrderContext) -> None:
        assert ctx.state is not None
        assert ctx.intent.instrument is not None
        assert ctx.intent.quantity is not None
        self.ctx, self.state, self.day = ctx, ctx.state, ctx.terms.day
        self.tick_money = ctx.intent.instrument.tick_value * ctx.intent.quantity
        self.side_cost = ctx.guard.commission_per_side * ctx.intent.quantity
        self.balance = ctx.state.balance - self.side_cost
        self.others = ctx.state.equity - ctx.state.balance  # what other positions have won or lost
        self.highest_equity, self.highest_close = ctx.state.highest_equity, ctx.state.highest_close
        self.in_favour = 0
        self.is_open = True

    @property
    def equity(self) -> Decimal:
        return self.balance + self.others + (self.in_favour * self.tick_money if self.is_open else ZERO)

    def stop_the_others(self, at: datetime) -> FloorLevel | None:
        """Every other position at its stop, everything working filled and stopped: before and after."""
        guard, costs = self.ctx.guard, ZERO
        for held in self.ctx.positions:
            assert held.price is not None
            assert held.stop is not None
            quantity = abs(held.quantity)
            ticks = ticks_between(held.instrument, held.price, held.stop) + guard.slippage_ticks
            self.others -= ticks * held.instrument.tick_value * quantity
            costs += guard.commission_per_side * quantity
        self.others -= sum((order.risk for order in self.ctx.working), ZERO)
        before = self.seen(at)
        self.balance, self.others = self.balance + self.others - costs, ZERO
        return before or self.seen(at)

    def close(self, fill: int, at: datetime) -> FloorLevel | None:
        """The order's stop or target fills: the loss or gain still open, then closed."""
        self.in_favour = fill
        before = self.seen(at)
        self.balance += fill * self.tick_money - self.side_cost
        self.is_open = False
        return before or self.seen(at)

    def seen(self, at: datetime) -> FloorLevel | None:
        """Report at an instant; the floor that is broken then."""
        self.state = roll_day(self.state, self.day, at, settled=False)
        equity = self.equity
        report = StateReport(balance=self.balance, equity=equity, as_of=at, source=StateSource.VENUE)
        self.state = mark(self.state, report)
        assert self.highest_equity is not None
        self.highest_equity = max(self.highest_equity, equity)
        assert self.state.highest_equity == self.highest_equity
        terms = self.ctx.terms
        levels = levels_of(terms.floors, self.state, terms.starting_balance, terms.size)
        assert all(at.level is not None for at in levels)
        return next((at for at in levels if at.is_crossed(equity, self.balance)), None)

    def over(self, boundary: datetime) -> FloorLevel | None:
        """Over a close or a reset: seen a second before it, and at it."""
        before = self.seen(boundary - SECOND)
        closes = self.day.last_closed(boundary) > self.state.closed_day
        resets = self.day.day_of(boundary) > self.state.trading_day
        found = self.seen(boundary)
        if closes:
            assert self.highest_close is not None
            self.highest_close = max(self.highest_close, self.balance)
            assert (self.state.last_close, self.state.highest_close) == (self.balance, self.highest_close)
        if resets:
            assert (self.state.day_start_balance, self.state.day_start_equity) == (self.balance, self.equity)
        return before or found


def boundaries(day: TradingDay, after: datetime, until: datetime) -> list[datetime]:
    found, at = [], after
    while (at := min(day.next_close(at), day.next_reset(at))) <= until:
        found.append(at)
    return found


def breach_on(ctx: OrderContext, path: Path) -> FloorLevel | None:
    """The first floor that is broken on a path; None: none is."""
    account = Account(ctx)
    events: list[tuple[datetime, int, int | None]] = [(at, 1, level) for at, level in path.steps]
    events += [(at, 0, None) for at in boundaries(ctx.terms.day, ctx.now, path.ends_at)]
    if path.others_stop_at is not None:
        events.append((path.others_stop_at, 2, None))
    broken = account.seen(ctx.now)
    for at, what, level in sorted(events, key=lambda event: event[:2]):
        if broken is not None or at > path.ends_at:
            break
        if what == 0:
            broken = account.over(at)
        elif what == 1:
            account.in_favour = level or 0
            broken = account.seen(at)
        else:
            broken = account.stop_the_others(at)
    return broken or account.close(path.fill, path.ends_at)


def was_unnecessary(rng: random.Random, ctx: OrderContext) -> bool:
    return all(breach_on(ctx, a_path(rng, ctx, kind, worst=True)) is None for kind in WORST)


def test_no_approved_order_breaches_on_any_path(capsys: pytest.CaptureFixture[str]) -> None:
    rng = random.Random(SEED)
    pairs = refused = unnecessary = over_a_boundary = 0
    while pairs < PATHS:
        ctx = a_case(rng)
        decision = evaluate_order(ctx)
        if not decision.allowed:
            assert decision.refusal is not None
            if decision.refusal.rule != "loss_floors":
                continue
            refused += 1
            unnecessary += was_unnecessary(rng, ctx)
            if not decision.fits:
                continue
            ctx = ctx.resized(decision.fits)
        pairs += 1
        path = a_path(rng, ctx, rng.choice(list(Kind)))
        broken = breach_on(ctx, path)
        over_a_boundary += bool(boundaries(ctx.terms.day, ctx.now, path.ends_at))
        assert broken is None, f"pair {pairs}: {broken}\n{path}\n{ctx}"
    share = Decimal(unnecessary) / max(refused, 1)
    with capsys.disabled():
        print(  # noqa: T201
            f"\n{pairs} approved orders on their paths ({over_a_boundary} over a close or a reset), none breached; "
            f"of {refused} refusals {share:.1%} were unnecessary."
        )
    assert over_a_boundary > pairs // 10
    assert refused > pairs // 10
    assert share <= UNNECESSARY_AT_MOST


def test_the_simulation_sees_a_breach_where_there_is_one() -> None:
    """What was refused for its loss now, without any margin of the account's own, breaches on the straight
    path. One order alone: of several stops it matters which comes first."""
    rng = random.Random(SEED)
    seen = 0
    while seen < 200:
        ctx = a_case(rng)
        bare = replace(ctx.guard, floor_buffer=ZERO, floor_buffer_share=ZERO, block_at_floor=False)
        ctx = replace(ctx, guard=bare)
        refusal = evaluate_order(ctx).refusal
        if refusal is None or refusal.code.rpartition(".")[2] not in ("would_breach", "at_floor"):
            continue
        if ctx.positions or ctx.working:
            continue
        seen += 1
        assert breach_on(ctx, a_path(rng, ctx, Kind.STRAIGHT, worst=True)) is not None, ctx
