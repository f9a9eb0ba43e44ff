"""The paper venue's fill model: the limit itself and one tick on either side; chance only by seed."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enforcement.calendar import Closure
from enforcement.instruments import BUILT_IN
from enforcement.orders import Side
from execution.connectors.paper import fills, market
from execution.connectors.paper.fills import bar

NQ, EURUSD = BUILT_IN["NQ"], BUILT_IN["EURUSD"]
TICK = NQ.tick_size
BUY, SELL = Side.BUY, Side.SELL


# --- targets ------------------------------------------------------------------------------------------

# (side of the limit, high, low, fills at a touch, fills where a touch is not enough); limit 20,000
LIMITS = {
    "sell, one tick under": (SELL, "19999.75", "19990", False, False),
    "sell, touched": (SELL, "20000", "19990", True, False),
    "sell, one tick through": (SELL, "20000.25", "19990", True, True),
    "buy, one tick over": (BUY, "20010", "20000.25", False, False),
    "buy, touched": (BUY, "20010", "20000", True, False),
    "buy, one tick through": (BUY, "20010", "19999.75", True, True),
}


@pytest.mark.parametrize("row", LIMITS.values(), ids=LIMITS)
def test_a_limit_fills_when_traded_through(row: tuple[Side, str, str, bool, bool]) -> None:
    side, high, low, with_touch, without = row
    seen = bar(Decimal(high), Decimal(high), Decimal(low))
    limit = Decimal(20_000)
    assert fills.limit_fills(side, limit, seen, TICK, touch_fills=True) is with_touch
    assert fills.limit_fills(side, limit, seen, TICK, touch_fills=False) is without


@pytest.mark.parametrize(("percent", "expected"), [(0, 0), (30, 300), (100, 1000)])
def test_so_many_touches_fill(percent: int, expected: int) -> None:
    filled = sum(fills.touch_fills(fills.chance("queue", n), percent) for n in range(1000))
    assert abs(filled - expected) <= 50


# --- stops --------------------------------------------------------------------------------------------

# (side of the stop, high, low, where it fills before costs); stop 20,000
STOPS: dict[str, tuple[Side, str, str, str | None]] = {
    "sell, one tick above": (SELL, "20010", "20000.25", None),
    "sell, touched": (SELL, "20010", "20000", "20000"),
    "sell, inside the bar": (SELL, "20010", "19990", "20000"),
    "sell, the bar's highest": (SELL, "20000", "19990", "20000"),
    "sell, jumped over: the bar's worst": (SELL, "19999.75", "19990", "19990"),
    "sell, jumped over by one price": (SELL, "19985", "19985", "19985"),
    "buy, one tick under": (BUY, "19999.75", "19990", None),
    "buy, touched": (BUY, "20000", "19990", "20000"),
    "buy, inside the bar": (BUY, "20010", "19990", "20000"),
    "buy, jumped over: the bar's worst": (BUY, "20010", "20000.25", "20010"),
}


@pytest.mark.parametrize("row", STOPS.values(), ids=STOPS)
def test_a_stop_is_triggered_at_a_touch_and_pays_the_gap(row: tuple[Side, str, str, str | None]) -> None:
    side, high, low, base = row
    found = fills.stop_base(side, Decimal(20_000), bar(Decimal(high), Decimal(high), Decimal(low)))
    assert found == (None if base is None else Decimal(base))


def test_a_price_lies_within_its_bar() -> None:
    assert bar(Decimal(5)) == (5, 5, 5)
    assert bar(Decimal(5), Decimal(4), Decimal(6)) == (5, 5, 5)


# --- the price of a market order ----------------------------------------------------------------------

# (side, mark, half spread, ticks of slippage, price)
PRICES = {
    "buy at the ask": (BUY, "20000.00", "1", 0, "20000.25"),
    "sell at the bid": (SELL, "20000.00", "1", 0, "19999.75"),
    "buy with two ticks of slippage": (BUY, "20000.00", "1", 2, "20000.75"),
    "sell with two ticks of slippage": (SELL, "20000.00", "1", 2, "19999.25"),
    "half a tick is rounded against a buyer": (BUY, "20000.00", "0.5", 0, "20000.25"),
    "half a tick is rounded against a seller": (SELL, "20000.00", "0.5", 0, "19999.75"),
    "a mark between two ticks": (BUY, "20000.125", "0.5", 0, "20000.25"),
    "no costs": (SELL, "20000.00", "0", 0, "20000.00"),
}


@pytest.mark.parametrize("row", PRICES.values(), ids=PRICES)
def test_spread_and_slippage_are_against_the_trader(row: tuple[Side, str, str, int, str]) -> None:
    side, mark, half, ticks, price = row
    found = fills.market_price(NQ, side, Decimal(mark), half_spread=Decimal(half), ticks=ticks)
    assert found == Decimal(price)


@given(
    side=st.sampled_from([BUY, SELL]), cents=st.integers(1, 10_000_000), half=st.integers(0, 6),
    seed=st.integers(), busy=st.booleans(),
)  # fmt: skip
def test_no_fill_is_ever_better_than_its_mark_and_each_is_on_a_tick(
    side: Side, cents: int, half: int, seed: int, busy: bool
) -> None:
    mark = Decimal(cents) / 100
    weights = market.BUSY_SLIPPAGE if busy else market.QUIET_SLIPPAGE
    ticks = fills.slippage_ticks(fills.chance(seed), weights)
    assert 0 <= ticks < len(weights)
    price = fills.market_price(NQ, side, mark, half_spread=Decimal(half) / 2, ticks=ticks)
    assert side.sign * (price - mark) >= 0
    assert NQ.is_on_tick(price)


@pytest.mark.parametrize("weights", [market.BUSY_SLIPPAGE, market.QUIET_SLIPPAGE], ids=["busy", "quiet"])
def test_slippage_is_drawn_by_its_percentages(weights: tuple[int, ...]) -> None:
    assert sum(weights) == 100
    drawn = [fills.slippage_ticks(fills.chance("slippage", n), weights) for n in range(2000)]
    for ticks, percent in enumerate(weights):
        assert abs(drawn.count(ticks) / 20 - percent) <= 4


@pytest.mark.parametrize(
    ("quantity", "extra"), [(1, 0), (5, 0), (6, 1), (10, 1), (11, 2)],
    ids=["one", "the size at once", "one more", "twice as much", "one more than twice"],
)  # fmt: skip
def test_a_whole_fill_above_the_size_at_once_costs_ticks(quantity: int, extra: int) -> None:
    assert fills.impact_ticks(Decimal(quantity), Decimal(5)) == extra


@pytest.mark.parametrize(("left", "part"), [(4, 4), (5, 5), (6, 5)], ids=["less", "as much", "one more"])
def test_a_part_is_at_most_the_size_at_once(left: int, part: int) -> None:
    assert fills.next_part(Decimal(left), Decimal(5)) == part
    assert fills.next_part(Decimal(left), None) == left


# --- chance -------------------------------------------------------------------------------------------


def test_the_same_names_draw_the_same_and_others_differ() -> None:
    def run(*names: object) -> list[timedelta]:
        return [fills.latency(fills.chance(*names, number), 50, 500) for number in range(20)]

    assert run(0, "Apex-1", "pg-1") == run(0, "Apex-1", "pg-1")
    assert len({tuple(run(*names)) for names in ((0, "a", "pg-1"), (1, "a", "pg-1"), (0, "b", "pg-1"))}) == 3


def test_latency_stays_in_its_range() -> None:
    drawn = {fills.latency(fills.chance(n), 50, 52) for n in range(50)}
    assert drawn == {timedelta(milliseconds=ms) for ms in (50, 51, 52)}


# --- hours --------------------------------------------------------------------------------------------


def chicago(day: int, hour: int, minute: int = 0, month: int = 3, second: int = 0) -> datetime:
    return datetime(2026, month, day, hour, minute, second, tzinfo=ZoneInfo("America/Chicago")).astimezone(
        UTC
    )


GOOD_FRIDAY = Closure(date(2026, 4, 3), "", None, "America/Chicago", "Good Friday")
EARLY = Closure(date(2026, 3, 5), "equity_index", time(12), "America/Chicago", "Early close")

# (instant, closures, whether it is open): March 4, 2026 is a Wednesday
HOURS = {
    "Wednesday noon": (chicago(4, 12), (), True),
    "a second before the break": (chicago(4, 15, 59, second=59), (), True),
    "the break begins": (chicago(4, 16), (), False),
    "a second before it ends": (chicago(4, 16, 59, second=59), (), False),
    "it ends": (chicago(4, 17), (), True),
    "Friday's close": (chicago(6, 16), (), False),
    "Friday evening": (chicago(6, 18), (), False),
    "Saturday": (chicago(7, 12), (), False),
    "Sunday, a minute early": (chicago(8, 16, 59), (), False),
    "Sunday's open": (chicago(8, 17), (), True),
    "a holiday": (chicago(3, 9, month=4), (GOOD_FRIDAY,), False),
    "the evening that belongs to a holiday": (chicago(2, 18, month=4), (GOOD_FRIDAY,), False),
    "the day before a holiday": (chicago(2, 15, month=4), (GOOD_FRIDAY,), True),
    "a second before an early close": (chicago(5, 11, 59, second=59), (EARLY,), True),
    "an early close": (chicago(5, 12), (EARLY,), False),
    "the session after it": (chicago(5, 17), (EARLY,), True),
}


@pytest.mark.parametrize("row", HOURS.values(), ids=HOURS)
def test_futures_trade_from_sunday_to_friday_but_for_breaks_and_holidays(
    row: tuple[datetime, tuple[Closure, ...], bool],
) -> None:
    at, closures, is_open = row
    assert (market.closed_because(NQ, at, closures) == "") is is_open


def test_another_groups_early_close_is_not_ours() -> None:
    assert market.closed_because(BUILT_IN["CL"], chicago(5, 13), [EARLY]) == ""
    assert market.closed_because(NQ, chicago(5, 13), [EARLY]) == "Early close"


def test_currencies_know_neither_break_nor_the_exchanges_holidays() -> None:
    assert market.closed_because(EURUSD, chicago(4, 16, 30), [GOOD_FRIDAY]) == ""
    assert market.closed_because(EURUSD, chicago(3, 9, month=4), [GOOD_FRIDAY]) == ""
    assert market.closed_because(EURUSD, chicago(7, 12), []) != ""


@pytest.mark.parametrize(
    ("at", "weights"),
    [
        (chicago(4, 8, 29), market.QUIET_SLIPPAGE),
        (chicago(4, 8, 30), market.BUSY_SLIPPAGE),
        (chicago(4, 14, 59), market.BUSY_SLIPPAGE),
        (chicago(4, 15), market.QUIET_SLIPPAGE),
        (chicago(7, 12), market.QUIET_SLIPPAGE),
    ],
    ids=["a minute before the busy hours", "they begin", "a minute before they end", "they end", "Saturday"],
)
def test_slippage_goes_by_the_hour(at: datetime, weights: tuple[int, ...]) -> None:
    assert market.slippage_weights(at) == weights


def test_every_symbol_of_the_table_is_known() -> None:
    assert set(market.LIQUIDITY) <= set(BUILT_IN)
    assert market.liquidity_of("EURUSD") == market.ANY_OTHER
