"""Values as text and back: equal values give equal bytes in any process, and what was seen can be seen again."""

import json
import os
import subprocess
import sys
from dataclasses import fields, replace
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enforcement import evaluate_order
from enforcement.account import AccountState, StateSource
from enforcement.calendar import Closure, Session, TradingDay, TradingHours
from enforcement.context import (
    Activity,
    ClosedLoss,
    NewsEvent,
    OpenFlag,
    OrderContext,
    OtherExposure,
    RecentEntry,
)
from enforcement.exposure import Position, WorkingOrder
from enforcement.floors import Boundary, LossFloor, Tier
from enforcement.instruments import BUILT_IN, Instrument
from enforcement.orders import OrderIntent, Side
from enforcement.program import (
    Automation,
    ConsistencyRule,
    Deployment,
    FlatBy,
    GuardPolicy,
    HedgeScope,
    HedgingRule,
    NewsRule,
    ProductLimit,
    ProgramTerms,
    ProgressTerms,
)
from enforcement.replay import (
    Unreadable,
    canonical_text,
    context_from,
    context_text,
    decimal_text,
    digest,
    read_object,
    terms_from,
)
from tests.enforcement.make import (
    NOON,
    NQ,
    NY_AM,
    PROPERTY,
    daily_floor,
    make_context,
    make_flag,
    make_guard,
    make_position,
    make_state,
    make_terms,
    make_working,
    trailing_floor,
)

pytestmark = pytest.mark.core

ROOT = Path(__file__).resolve().parents[2]


# --- canonical text -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("5", "5"), ("5.0000", "5"), ("5E+3", "5000"), ("0.10", "0.1"), ("-0.50", "-0.5"), ("0", "0"),
        ("-0", "0"), ("-0.000", "0"), ("0E-10", "0"), ("100", "100"), ("0.0000005", "0.0000005"),
    ],
)  # fmt: skip
def test_a_number_has_one_text(number: str, text: str) -> None:
    assert decimal_text(Decimal(number)) == text


def test_values_are_written_as_words_and_plain_numbers() -> None:
    value = {
        "b": Decimal("5.00"), "a": (Automation.AUTO, None, True, 3), "day": date(2026, 3, 4), "at": time(17),
        "now": datetime(2026, 3, 4, 17, tzinfo=UTC), "é": "ü", "set": frozenset({"ES", "CL", "NQ"}),
        "tier": Tier(Decimal("1500.0"), Decimal(3)),
    }  # fmt: skip
    assert canonical_text(value) == (
        '{"a":["auto",null,true,3],"at":"17:00:00","b":"5","day":"2026-03-04",'
        '"now":"2026-03-04T17:00:00+00:00","set":["CL","ES","NQ"],"tier":["1500","3",false],'
        '"\\u00e9":"\\u00fc"}'
    )


def test_a_floor_is_written_with_every_field() -> None:
    written = json.loads(canonical_text(daily_floor(1000)))
    assert written.keys() == {field.name for field in fields(LossFloor)}
    assert (written["amount"], written["anchor"], written["share"]) == ("1000", "day_start_balance", None)


def test_equal_terms_give_equal_text_however_they_were_written() -> None:
    written = make_terms(starting_balance=Decimal("50000.0000"), max_contracts=Decimal("10.0"))
    assert canonical_text(written) == canonical_text(make_terms())


def test_every_change_of_terms_or_guard_changes_the_digest() -> None:
    terms = make_terms()
    changed = [
        terms,
        replace(terms, max_contracts=Decimal("10.1")),
        replace(terms, max_contracts=None),
        replace(terms, allowed_sessions=()),
        replace(terms, allowed_sessions=(NY_AM,)),
        replace(terms, floors=(daily_floor(999),)),
        replace(terms, stop_required=True),
        replace(terms, unavailable="gone"),
        replace(terms, allowed_instruments=frozenset({"NQ"})),
        make_guard(),
        make_guard(floor_buffer=1),
    ]
    assert len({digest(canonical_text(value)) for value in changed}) == len(changed)


def test_another_process_writes_the_same_bytes() -> None:
    """Python's hashes differ from process to process; the text must not."""
    code = (
        "from tests.enforcement.test_replay import both_texts\n"
        "from enforcement.replay import digest\n"
        "print(digest(both_texts()))"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "4242"}
    there = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert there.stdout.strip() == digest(both_texts())


def both_texts() -> str:
    terms = make_terms(allowed_instruments=frozenset({"NQ", "ES", "CL", "GC", "YM"}))
    news = NewsEvent(name="CPI", at=NOON, targets=frozenset({"NQ", "ES", "CL", "GC", "YM"}))
    return canonical_text({"program": terms, "guard": make_guard()}) + context_text(
        make_context(news=(news,))
    )


# --- terms from their text ----------------------------------------------------------------------------

FULL_TERMS = make_terms(
    floors=(
        daily_floor(1000, tiers=(Tier(Decimal(0), Decimal(500)), Tier(Decimal(1500), Decimal(900), above=True))),
        trailing_floor(2500, lock_at=Decimal(50100), boundary_after_lock=Boundary.BELOW),
    ),
    day=TradingDay("America/Chicago", time(17), rests_at_weekend=False, close=time(15, 59, 59), close_zone="UTC"),
    hours=TradingHours(time(17), time(15, 10), "America/Chicago"),
    flat_by=FlatBy(at=time(15, 10), zone="America/Chicago", lead_minutes=5),
    closures=(Closure(date(2026, 7, 3), "equity_index", time(12), "America/Chicago", "Independence Day"),),
    overnight=False,
    allowed_sessions=(NY_AM, Session("ÄSIA", time(18), time(3), "America/New_York")),
    product_limits=(ProductLimit(product="CL", max_contracts=Decimal(2), weight=Decimal("1.5")),),
    tiers=(Tier(Decimal(0), Decimal(2)), Tier(Decimal(1500), Decimal(3))),
    allowed_instruments=frozenset({"NQ", "MNQ", "ES"}),
    max_risk_share=Decimal("0.01"),
    hedging=HedgingRule(scope=HedgeScope.TRADER, groups=(("ES", "NQ"), ("GC",))),
    news=(NewsRule(before_seconds=120, after_seconds=60, events=("FOMC",), max_micros=Decimal(5)),),
    progress=ProgressTerms(
        profit_target=Decimal(3000), consistency_by_payout=(Decimal("0.2"), Decimal("0.3")),
        consistency=ConsistencyRule(measure="net_profit", share=Decimal("0.5"), passes=Boundary.BELOW),
    ),
)  # fmt: skip


@pytest.mark.parametrize("terms", [make_terms(), FULL_TERMS], ids=["plain terms", "every nested type"])
def test_terms_come_back_from_their_text_byte_for_byte(terms: ProgramTerms) -> None:
    guard = make_guard(floor_buffer=100, no_stop_ticks=40)
    text = canonical_text({"program": terms, "guard": guard})
    program_again, guard_again = terms_from(text)
    assert canonical_text({"program": program_again, "guard": guard_again}) == text
    assert (program_again, guard_again) == (terms, guard)


def test_terms_written_before_a_field_existed_take_its_default() -> None:
    written = json.loads(canonical_text({"program": make_terms(), "guard": make_guard()}))
    del written["program"]["stop_required"], written["guard"]["count_run_up"]
    written["program"]["tiers"] = [["0", "2"]]
    terms, guard = terms_from(json.dumps(written))
    assert (terms.stop_required, guard.count_run_up) == (False, True)
    assert terms.tiers == (Tier(Decimal(0), Decimal(2), above=False),)


def test_all_that_cannot_be_read_is_said_at_once_with_the_way_to_it() -> None:
    written = json.loads(canonical_text(FULL_TERMS))
    del written["firm"], written["day"]["reset"]
    written["floors"][1]["kind"] = "weekly"
    written["tiers"][0] = ["0", "2", False, "more"]
    written |= {"max_contracts": True, "stop_required": "no", "number": 1.5, "leverage": 10, "news": {}}
    with pytest.raises(Unreadable) as caught:
        read_object(ProgramTerms, written)
    assert caught.value.problems == {
        "leverage": "ProgramTerms has no such field",
        "day.reset": "it is missing",
        "floors.1.kind": "'weekly' can't be read",
        "max_contracts": "True can't be read",
        "news": "{} is not a list",
        "number": "1.5 can't be read",
        "stop_required": "'no' can't be read",
        "tiers.0": "Tier has 3 fields, not 4",
        "firm": "it is missing",
    }


@pytest.mark.parametrize("text", ["[]", '"NQ"', "{}", '{"program":{}}', '{"program":3,"guard":{}}'])
def test_other_text_is_no_terms(text: str) -> None:
    with pytest.raises(Unreadable):
        terms_from(text)


# --- contexts -----------------------------------------------------------------------------------------


def maybe(one: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | one


def tuples_of(one: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(one, max_size=2).map(tuple)


money = st.decimals(-100_000, 100_000, allow_nan=False, allow_infinity=False, places=4)
# Five has many faces: 5, 5.0, 5.0000 and 5E+0 are one number, and stay the text they came as.
sizes = st.sampled_from([Decimal(text) for text in ("1", "2", "5", "5.0", "5.0000", "0.01", "1E+1")])
instants = st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31), timezones=st.just(UTC))
days = st.dates(date(2026, 1, 1), date(2026, 12, 31))
words = st.text(max_size=8)
custom = st.builds(
    Instrument, symbol=st.sampled_from(["GER40", "ÖL"]), name=words, exchange=words,
    tick_size=sizes, tick_value=sizes, currency=st.sampled_from(["USD", "EUR"]), weight=sizes, family=words,
    group=words, step=sizes,
)  # fmt: skip
instruments = st.sampled_from([BUILT_IN["NQ"], BUILT_IN["MNQ"], BUILT_IN["EURUSD"]]) | custom
counts = st.integers(0, 9)
states = st.builds(
    AccountState, balance=money, equity=money, as_of=instants, source=st.sampled_from(StateSource),
    trading_day=days, closed_day=days, day_start_balance=maybe(money), day_start_equity=maybe(money),
    last_close=maybe(money), highest_equity=maybe(money), highest_close=maybe(money),
    highest_balance=maybe(money), reported_floor=maybe(money), payouts_requested=counts,
    payouts_paid=counts, trades_today=counts, losses_in_a_row=counts, last_loss_at=maybe(instants),
    last_trade_at=maybe(instants),
)  # fmt: skip
intents = st.builds(
    OrderIntent, symbol=words, side=st.sampled_from(Side), signalled_at=instants,
    instrument=maybe(instruments), quantity=maybe(sizes), entry_price=maybe(money), stop_loss=maybe(money),
    target=maybe(money), session=maybe(words), alert_time=maybe(instants), reduces=st.booleans(),
    automated=st.booleans(), opened_at=maybe(instants), commission=maybe(money), expires_at=maybe(instants),
    has_own_id=st.booleans(),
)  # fmt: skip
positions = st.builds(
    Position, instrument=instruments, quantity=money, price=maybe(money), stop=maybe(money),
    opened_at=maybe(instants),
)  # fmt: skip
working = st.builds(
    WorkingOrder, instrument=instruments, side=st.sampled_from(Side), quantity=sizes, risk=money
)
releases = st.builds(
    NewsEvent, name=words, at=instants, impact=words, currency=words,
    targets=st.frozensets(st.sampled_from(["NQ", "ES", "equity_index"])),
)  # fmt: skip
entries = st.builds(
    RecentEntry, at=instants, family=words, side=st.sampled_from(Side), quantity=sizes,
    entry_price=maybe(money), stop_loss=maybe(money), is_own=st.booleans(), target=maybe(money),
)  # fmt: skip
closed = st.builds(ClosedLoss, at=instants, family=words, sign=st.sampled_from([1, -1]), loss=money)
contexts = st.builds(
    OrderContext, now=instants, terms=st.sampled_from([make_terms(), FULL_TERMS]),
    guard=st.just(GuardPolicy()), state=maybe(states), positions=tuples_of(positions),
    working=tuples_of(working), flags=tuples_of(st.builds(OpenFlag, scope=words, key=words, cause=words, why=words)),
    live=st.booleans(),
    others=tuples_of(
        st.builds(OtherExposure, account=words, symbol=words, family=words, group=words, sign=st.sampled_from([1, -1]))
    ),
    news=maybe(tuples_of(releases)),
    activity=st.builds(Activity, entries=tuples_of(entries), requests_today=maybe(counts), losses=tuples_of(closed)),
    deployment=maybe(st.sampled_from(Deployment)),
    intent=intents, obstacle=maybe(words),
)  # fmt: skip


@PROPERTY
@given(contexts)
def test_a_context_comes_back_from_its_text(ctx: OrderContext) -> None:
    text = context_text(ctx)
    again = context_from(text, ctx.terms, ctx.guard)
    assert again == ctx
    assert context_text(again) == text


@PROPERTY
@given(contexts)
def test_what_came_back_is_judged_the_same(ctx: OrderContext) -> None:
    terms, guard = terms_from(canonical_text({"program": ctx.terms, "guard": ctx.guard}))
    assert evaluate_order(context_from(context_text(ctx), terms, guard)) == evaluate_order(ctx)


def test_the_text_is_canonical_json_with_all_that_is_seen() -> None:
    text = context_text(make_context(positions=(make_position(),), flags=(make_flag(),)))
    written = json.loads(text)
    assert json.dumps(written, sort_keys=True, separators=(",", ":"), ensure_ascii=True) == text
    seen = {field.name for field in fields(OrderContext)} - {"terms", "guard"}
    assert written.keys() == seen
    assert written["intent"].keys() == {field.name for field in fields(OrderIntent)}
    assert written["state"].keys() == {field.name for field in fields(AccountState)}
    assert written["intent"]["instrument"].keys() == {field.name for field in fields(Instrument)}


def test_decimals_keep_the_digits_they_came_with() -> None:
    ctx = make_context(state=make_state(balance=Decimal("50000.0000")), quantity=Decimal("2.0"))
    written = json.loads(context_text(ctx))
    assert (written["state"]["balance"], written["intent"]["quantity"]) == ("50000.0000", "2.0")


def test_an_edited_instrument_changes_no_old_decision() -> None:
    ctx = make_context(instrument=replace(NQ, tick_value=Decimal(7)), positions=(make_position(),))
    again = context_from(context_text(ctx), ctx.terms, ctx.guard)
    assert again.intent.instrument is not None
    assert (again.intent.instrument.tick_value, again.positions[0].instrument) == (7, NQ)
    assert evaluate_order(again).risk == evaluate_order(ctx).risk


def test_equal_instruments_have_one_text_whichever_was_written_first() -> None:
    five = replace(NQ, symbol="OWN", tick_value=Decimal("5"))
    five_dollars = replace(five, tick_value=Decimal("5.0000"))
    texts = {context_text(make_context(instrument=one)) for one in (five_dollars, five)}
    assert len(texts) == 1
    assert '"tick_value":"5"' in texts.pop()


def test_an_instant_of_another_zone_comes_back_as_the_same_instant() -> None:
    berlin = NOON.astimezone(timezone(timedelta(hours=1)))
    ctx = make_context(alert_time=berlin)
    assert context_from(context_text(ctx), ctx.terms, ctx.guard).intent.alert_time == NOON


def test_a_context_written_before_a_field_existed_takes_its_default() -> None:
    ctx = make_context(working=(make_working(),))
    written = json.loads(context_text(ctx))
    del written["deployment"], written["intent"]["has_own_id"], written["state"]["last_trade_at"]
    written["activity"] = [[], 3]
    again = context_from(json.dumps(written), ctx.terms, ctx.guard)
    assert again == replace(ctx, activity=Activity(requests_today=3))


def test_a_context_with_what_nobody_knows_is_unreadable() -> None:
    ctx = make_context()
    written = json.loads(context_text(ctx))
    written["intent"]["leverage"] = "10"
    with pytest.raises(Unreadable, match=r"intent\.leverage: OrderIntent has no such field"):
        context_from(json.dumps(written), ctx.terms, ctx.guard)
