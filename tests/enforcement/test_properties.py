"""What must hold for every order and every account, whatever the numbers."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from enforcement import check_order_enforcement, evaluate_order
from enforcement.account import AccountState, StateReport, mark
from enforcement.context import OrderContext
from enforcement.exposure import Position
from enforcement.floors import LossFloor, level_of
from enforcement.instruments import BUILT_IN, Instrument
from enforcement.orders import OrderIntent, Side
from enforcement.program import Automation, GuardPolicy, ProgramTerms
from enforcement.rules import MESSAGES
from tests.enforcement.make import (
    ASIA,
    GER40,
    LONDON,
    MORNING,
    NOON,
    NY_AM,
    PROPERTY,
    make_context,
    make_flag,
    make_floor,
    make_guard,
    make_intent,
    make_position,
    make_state,
    make_terms,
    make_working,
    seconds,
)

pytestmark = pytest.mark.core

ENGINE_CODES = {"engine.rule_failed"}
SESSIONS = {session.name: session for session in (ASIA, LONDON, NY_AM)}
FULL_SIZE = [i for i in BUILT_IN.values() if i.currency == "USD" and i.weight == 1 and i.step == 1]
INSTRUMENTS = [BUILT_IN[symbol] for symbol in ("NQ", "MNQ", "ES", "GC", "ZN", "6E")]


def cents(low: int, high: int) -> st.SearchStrategy[Decimal]:
    return st.integers(low * 100, high * 100).map(lambda amount: Decimal(amount) / 100)


FLOORS: st.SearchStrategy[LossFloor] = st.builds(
    make_floor,
    kind=st.sampled_from(["drawdown", "daily_loss"]),
    anchor=st.sampled_from(
        ["initial", "highest_equity", "highest_close", "day_start_balance", "day_start_higher"]
    ),
    amount=cents(0, 4000),
    boundary=st.sampled_from(["at", "below"]),
    consequence=st.sampled_from(["hard", "soft"]),
    lock_at=st.none() | cents(46_000, 51_000),
)
TERMS: st.SearchStrategy[ProgramTerms] = st.builds(
    make_terms,
    floors=st.lists(FLOORS, max_size=3).map(tuple),
    max_contracts=st.none() | st.integers(0, 20),
    max_risk_share=st.none() | st.integers(1, 100).map(lambda share: Decimal(share) / 1000),
    stop_required=st.booleans(),
    allowed_sessions=st.none() | st.lists(st.sampled_from(list(SESSIONS.values())), max_size=3).map(tuple),
    automation=st.sampled_from(Automation),
    unavailable=st.none() | st.just("an override can't be read"),
)
# Mostly sound terms, so that many orders are approved.
LENIENT: st.SearchStrategy[ProgramTerms] = st.builds(
    make_terms,
    floors=st.lists(FLOORS, min_size=1, max_size=3).map(tuple),
    max_contracts=st.none() | st.just(20),
)
GUARDS: st.SearchStrategy[GuardPolicy] = st.builds(
    make_guard,
    slippage_ticks=st.integers(0, 8),
    commission_per_side=cents(0, 5),
    floor_buffer=cents(0, 200),
    no_stop_ticks=st.none() | st.integers(1, 400),
    block_at_floor=st.booleans(),
)
STATES: st.SearchStrategy[AccountState] = st.builds(
    make_state,
    equity=cents(46_000, 54_000),
    day_start_balance=st.none() | cents(48_000, 52_000),
    day_start_equity=st.none() | cents(48_000, 52_000),
    highest_equity=st.none() | cents(50_000, 54_000),
    highest_close=st.none() | cents(50_000, 54_000),
    as_of=st.integers(-10, 1000).map(lambda age: NOON - seconds(age)),
)
KNOWN_STATES: st.SearchStrategy[AccountState] = st.builds(
    make_state,
    equity=cents(47_000, 54_000),
    day_start_balance=cents(48_000, 52_000),
    day_start_equity=cents(48_000, 52_000),
    highest_equity=cents(50_000, 54_000),
    highest_close=cents(50_000, 54_000),
)


@st.composite
def intents(draw: st.DrawFn, *, sound: bool = False) -> OrderIntent:
    """Orders on the tick, their stop on the losing side; the unsound ones lack or exceed something."""
    instrument = draw(st.sampled_from(INSTRUMENTS))
    side = draw(st.sampled_from(Side))
    entry = instrument.tick_size * draw(st.integers(10_000, 100_000))
    stop: Decimal | None = entry - side.sign * instrument.tick_size * draw(st.integers(1, 200))
    intent = make_intent(
        symbol=instrument.symbol, instrument=instrument, side=side, quantity=draw(st.integers(1, 25)),
        entry_price=entry, stop_loss=stop,
    )  # fmt: skip
    if sound:
        return intent
    return replace(
        intent,
        instrument=draw(st.sampled_from([instrument, instrument, None, GER40])),
        quantity=draw(st.sampled_from([intent.quantity, intent.quantity, None, Decimal("0.5"), Decimal(0)])),
        entry_price=draw(st.sampled_from([entry, entry, None])),
        stop_loss=draw(st.sampled_from([stop, stop, None])),
        session=draw(st.sampled_from([None, "", "NY AM", "LONDON"])),
        signalled_at=NOON - seconds(draw(st.integers(0, 20))),
        alert_time=draw(st.none() | st.integers(-100, 400).map(lambda age: NOON - seconds(age))),
        automated=draw(st.booleans()),
    )


@st.composite
def positions(draw: st.DrawFn, *, bounded: bool = False) -> tuple[Position, ...]:
    found = []
    for _ in range(draw(st.integers(0, 2))):
        instrument = draw(st.sampled_from(INSTRUMENTS))
        quantity = draw(st.integers(-4, 4).filter(bool))
        price = instrument.tick_size * draw(st.integers(10_000, 100_000))
        away = instrument.tick_size * draw(st.integers(-20, 200))
        stop = price - away if quantity > 0 else price + away
        unbounded = not bounded and draw(st.integers(0, 4)) == 0
        found.append(
            make_position(quantity, instrument=instrument, price=price, stop=None if unbounded else stop)
        )
    return tuple(found)


WORKING = st.lists(st.builds(make_working, quantity=st.integers(1, 5), risk=cents(1, 800)), max_size=2).map(
    tuple
)

CONTEXTS: st.SearchStrategy[OrderContext] = st.builds(
    make_context,
    now=st.sampled_from([NOON, MORNING]),
    terms=TERMS,
    guard=GUARDS,
    state=st.none() | STATES,
    positions=positions(),
    working=WORKING,
    flags=st.sampled_from([(), (), (make_flag(),), (make_flag("failed"), make_flag("day_lock"))]),
    live=st.booleans(),
    obstacle=st.sampled_from([None, None, None, "admission.route_disabled", "admission.superseded"]),
    intent=intents(),
)
SOUND_CONTEXTS: st.SearchStrategy[OrderContext] = st.builds(
    make_context, terms=LENIENT, guard=GUARDS, state=KNOWN_STATES, positions=positions(bounded=True),
    working=WORKING, intent=intents(sound=True),
)  # fmt: skip


@PROPERTY
@given(ctx=CONTEXTS)
def test_a_decision_is_complete_and_every_finding_can_be_read(ctx: OrderContext) -> None:
    decision = evaluate_order(ctx)
    assert len(decision.findings) == 13
    assert {finding.code for finding in decision.findings} <= MESSAGES.keys() | ENGINE_CODES
    assert len(decision.floors) == len(ctx.terms.floors)
    assert (decision.fits is None) == decision.allowed
    assert decision == evaluate_order(ctx), "the same question has the same answer"


@PROPERTY
@given(ctx=CONTEXTS)
def test_an_exit_is_never_refused(ctx: OrderContext) -> None:
    assert evaluate_order(replace(ctx, intent=replace(ctx.intent, reduces=True))).allowed


# --- adding risk --------------------------------------------------------------------------------------


def more_contracts(ctx: OrderContext, amount: int) -> OrderContext:
    quantity = ctx.intent.quantity
    return replace(ctx, intent=replace(ctx.intent, quantity=None if quantity is None else quantity + amount))


def wider_stop(ctx: OrderContext, amount: int) -> OrderContext:
    intent = ctx.intent
    if intent.instrument is None or intent.stop_loss is None:
        return ctx
    away = intent.side.sign * amount * intent.instrument.tick_size
    return replace(ctx, intent=replace(intent, stop_loss=intent.stop_loss - away))


def lower_equity(ctx: OrderContext, amount: int) -> OrderContext:
    return (
        ctx if ctx.state is None else replace(ctx, state=replace(ctx.state, equity=ctx.state.equity - amount))
    )


def higher_peak(ctx: OrderContext, amount: int) -> OrderContext:
    if ctx.state is None or ctx.state.highest_equity is None:
        return ctx
    return replace(ctx, state=replace(ctx.state, highest_equity=ctx.state.highest_equity + amount))


def another_position(ctx: OrderContext, amount: int) -> OrderContext:
    return replace(ctx, positions=(*ctx.positions, make_position(amount)))


def a_position_without_a_stop(ctx: OrderContext, amount: int) -> OrderContext:
    return replace(ctx, positions=(*ctx.positions, make_position(amount, stop=None)))


def another_reservation(ctx: OrderContext, amount: int) -> OrderContext:
    return replace(ctx, working=(*ctx.working, make_working(amount, amount * 100)))


def another_flag(ctx: OrderContext, amount: int) -> OrderContext:
    return replace(ctx, flags=(*ctx.flags, make_flag("paused", "platform", cause=f"cause {amount}")))


def a_further_floor(ctx: OrderContext, amount: int) -> OrderContext:
    if not ctx.terms.floors:  # the first floor is what lets a program trade at all
        return ctx
    floors = (*ctx.terms.floors, make_floor("drawdown", "initial", 100 * amount))
    return replace(ctx, terms=replace(ctx.terms, floors=floors))


def a_lower_cap(ctx: OrderContext, amount: int) -> OrderContext:
    cap = ctx.terms.max_contracts
    lower = Decimal(amount) if cap is None else max(cap - amount, Decimal(0))
    return replace(ctx, terms=replace(ctx.terms, max_contracts=lower))


def more_slippage(ctx: OrderContext, amount: int) -> OrderContext:
    return replace(ctx, guard=replace(ctx.guard, slippage_ticks=ctx.guard.slippage_ticks + amount))


def a_larger_buffer(ctx: OrderContext, amount: int) -> OrderContext:
    return replace(ctx, guard=replace(ctx.guard, floor_buffer=ctx.guard.floor_buffer + amount))


def an_older_report(ctx: OrderContext, amount: int) -> OrderContext:
    """From a clock that is right on, older and older."""
    if ctx.state is None or ctx.state.as_of > ctx.now:
        return ctx
    return replace(ctx, state=replace(ctx.state, as_of=ctx.state.as_of - timedelta(minutes=amount)))


def no_equity(ctx: OrderContext, amount: int) -> OrderContext:
    return replace(ctx, state=None)


def no_day_start(ctx: OrderContext, amount: int) -> OrderContext:
    return ctx if ctx.state is None else replace(ctx, state=replace(ctx.state, day_start_balance=None))


WORSE = [
    more_contracts, wider_stop, lower_equity, higher_peak, another_position, a_position_without_a_stop,
    another_reservation, another_flag, a_further_floor, a_lower_cap, more_slippage, a_larger_buffer,
    an_older_report, no_equity, no_day_start,
]  # fmt: skip


@pytest.mark.parametrize("worsened", WORSE, ids=[change.__name__.replace("_", " ") for change in WORSE])
def test_adding_risk_never_turns_a_refusal_into_an_approval(worsened: Any) -> None:
    @settings(PROPERTY, max_examples=120)
    @given(ctx=CONTEXTS | SOUND_CONTEXTS, amount=st.integers(1, 50))
    def never(ctx: OrderContext, amount: int) -> None:
        # Half a contract is refused for its half, no contract for being none: more of them is not more risk.
        assume(ctx.intent.quantity is None or (ctx.intent.quantity > 0 and ctx.intent.quantity % 1 == 0))
        if not evaluate_order(ctx).allowed:
            assert not evaluate_order(worsened(ctx, amount)).allowed

    never()


# --- no approved order breaches -----------------------------------------------------------------------


def stopped_out(
    instrument: Instrument, ticks: Decimal, quantity: Decimal, sides: int, guard: GuardPolicy
) -> Decimal:
    """Money lost by `ticks` and the slippage allowance, commissions for `sides`: written out anew here."""
    return (
        ticks + guard.slippage_ticks
    ) * instrument.tick_value * quantity + guard.commission_per_side * sides * quantity


def equity_after_every_stop(ctx: OrderContext) -> Decimal:
    """Every stop is hit, open, working and this order's, with slippage allowance and commissions."""
    intent, state = ctx.intent, ctx.state
    assert state is not None
    assert intent.instrument is not None
    assert intent.quantity is not None
    assert intent.entry_price is not None
    assert intent.stop_loss is not None
    ticks = abs(intent.entry_price - intent.stop_loss) / intent.instrument.tick_size
    lost = stopped_out(intent.instrument, ticks, intent.quantity, 2, ctx.guard)
    lost += sum((order.risk for order in ctx.working), Decimal(0))
    for held in ctx.positions:
        assert held.price is not None
        assert held.stop is not None
        away = (held.price - held.stop) if held.quantity > 0 else (held.stop - held.price)
        ticks = max(away, Decimal(0)) / held.instrument.tick_size
        lost += stopped_out(held.instrument, ticks, abs(held.quantity), 1, ctx.guard)
    return state.equity - lost


def test_no_approved_order_breaches() -> None:
    """An order that is refused for its size is taken at the largest that passes: the nearest to a floor."""
    approved = 0

    @PROPERTY
    @given(ctx=SOUND_CONTEXTS)
    def stays_above(ctx: OrderContext) -> None:
        nonlocal approved
        decision = evaluate_order(ctx)
        if decision.fits:
            ctx = replace(ctx, intent=replace(ctx.intent, quantity=decision.fits))
        elif not decision.allowed:
            return
        approved += 1
        assert ctx.state is not None
        assert evaluate_order(ctx).allowed
        equity = equity_after_every_stop(ctx)
        report = StateReport(balance=equity, equity=equity, as_of=ctx.now, source=ctx.state.source)
        after = mark(ctx.state, report)
        for floor in ctx.terms.floors:
            level = level_of(floor, after, ctx.terms.starting_balance, ctx.terms.size)
            assert level is not None
            assert not floor.is_crossed(equity, level)
            if ctx.guard.block_at_floor:
                assert equity - ctx.guard.floor_buffer > level

    stays_above()
    assert approved >= 50


def test_the_property_above_sees_approvals_near_a_floor() -> None:
    """One cent above the floor after the stop-out is approved: the margin is not there by accident."""
    terms = make_terms(floors=(make_floor("drawdown", "initial", 2500),))
    assert evaluate_order(make_context(terms=terms, state=make_state("47930.01"))).allowed
    assert not evaluate_order(make_context(terms=terms, state=make_state("47930.00"))).allowed


# --- the core blocks whatever the written contract blocks ----------------------------------------------


@st.composite
def contract_cases(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any], OrderContext]:
    """The same program, account and order twice: as the contract's dicts, and as the core's context.

    A full-size contract, a flat account, floors at start less daily limit and peak less drawdown.
    """
    instrument = draw(st.sampled_from(FULL_SIZE))
    names = draw(st.none() | st.lists(st.sampled_from(sorted(SESSIONS)), max_size=3, unique=True))
    cap = draw(st.none() | st.integers(0, 6))
    share = draw(st.none() | st.integers(1, 100).map(lambda s: Decimal(s) / 1000))
    daily, drawdown = draw(st.none() | cents(0, 3000)), draw(st.none() | cents(0, 4000))
    assume(daily is not None or drawdown is not None)
    equity, day_start, peak = (
        draw(cents(46_000, 52_000)),
        draw(cents(48_000, 52_000)),
        draw(cents(48_000, 53_000)),
    )
    entry = instrument.tick_size * draw(st.integers(1000, 80_000))
    stop = entry + instrument.tick_size * draw(st.integers(-200, 200))
    contracts = draw(st.integers(-1, 8))
    session = draw(st.sampled_from([None, "NY AM", "LONDON", "ASIA"]))
    side = draw(st.sampled_from(Side))
    paused = draw(st.integers(0, 9)) == 0
    metadata = {
        "allowed_sessions": names, "max_contracts": cap, "max_risk_per_trade_pct": share,
        "daily_loss_limit": daily, "max_drawdown": drawdown,
    }  # fmt: skip
    state = {"paused": paused, "equity": equity, "starting_balance": day_start, "peak_equity": peak}
    order = {
        "entry_price": entry, "stop_loss": draw(st.sampled_from([stop, stop, stop, None])),
        "contracts": contracts, "session": session, "symbol": instrument.symbol,
    }  # fmt: skip
    floors = []
    if daily is not None:
        floors.append(make_floor("daily_loss", "day_start_balance", daily))
    if drawdown is not None:
        floors.append(make_floor("drawdown", "highest_equity", drawdown))
    ctx = make_context(
        now=MORNING,
        terms=make_terms(
            floors=tuple(floors), max_contracts=cap, max_risk_share=share,
            starting_balance=draw(st.sampled_from([0, 48_000])),
            allowed_sessions=None if names is None else tuple(SESSIONS[name] for name in names),
        ),
        guard=make_guard(
            slippage_ticks=draw(st.integers(0, 4)), commission_per_side=draw(cents(0, 3)),
            no_stop_ticks=draw(st.sampled_from([None, 10])),
        ),
        state=make_state(equity, day_start_balance=day_start, highest_equity=peak, as_of=MORNING),
        flags=(make_flag(),) if paused else (),
        intent=make_intent(
            symbol=instrument.symbol, instrument=instrument, side=side, quantity=contracts, entry_price=entry,
            stop_loss=order["stop_loss"], session=session, signalled_at=MORNING,
        ),
    )  # fmt: skip
    return metadata, state, order, ctx


CONTRACT_TYPES = {"paused", "session", "contracts", "risk", "daily_loss", "drawdown"}


def test_the_core_blocks_whatever_the_written_contract_blocks() -> None:
    seen: set[str | None] = set()

    @PROPERTY
    @given(case=contract_cases())
    def implied(case: tuple[dict[str, Any], dict[str, Any], dict[str, Any], OrderContext]) -> None:
        metadata, state, order, ctx = case
        verdict = check_order_enforcement("APEX", 1, metadata, state, order)
        seen.add(verdict["breach_type"])
        if not verdict["allowed"]:
            assert not evaluate_order(ctx).allowed

    implied()
    assert seen == CONTRACT_TYPES | {None}, "the cases met every type of block, and approvals"
