"""Symbols in every spelling, and the figures behind them."""

from decimal import Decimal

import pytest

from enforcement.instruments import BUILT_IN, Instrument, find
from enforcement.orders import Side, on_tick
from tests.enforcement.make import NQ

pytestmark = pytest.mark.core

SPELLINGS = [
    ("NQ", "NQ"),
    ("nq", "NQ"),
    (" NQ ", "NQ"),
    ("NQ1!", "NQ"),
    ("NQ2!", "NQ"),
    ("MNQ1!", "MNQ"),
    ("6E1!", "6E"),
    ("M2K1!", "M2K"),
    ("CME_MINI:NQ1!", "NQ"),
    ("COMEX:GC1!", "GC"),
    ("NQZ6", "NQ"),
    ("NQZ26", "NQ"),
    ("NQZ2026", "NQ"),
    ("MNQH7", "MNQ"),
    ("MESM6", "MES"),
    ("6EZ26", "6E"),
    ("M6EH2027", "M6E"),
    ("CME_MINI:ESM2026", "ES"),
    ("/NQ", "NQ"),
    ("/MNQZ6", "MNQ"),
    ("@NQ", "NQ"),
    ("MNQ 12-26", "MNQ"),
    ("CON.F.US.ENQ.Z26", "NQ"),
    ("CON.F.US.EP.H27", "ES"),
    ("CON.F.US.MNQ.Z26", "MNQ"),
    ("CON.F.US.EU6.Z26", "6E"),
    ("CON.F.US.TYA.Z26", "ZN"),
    ("EURUSD", "EURUSD"),
    ("EUR/USD", "EURUSD"),
    ("EUR_USD", "EURUSD"),
    ("EUR-USD", "EURUSD"),
    ("FX:EURUSD", "EURUSD"),
    ("OANDA:XAUUSD", "XAUUSD"),
    ("NAS100", "US100"),
    ("USTEC", "US100"),
    ("US100.cash", "US100"),
    ("GER40.cash", "GER40"),
    ("DE40", "GER40"),
    ("SPX500", "US500"),
    ("JPN225", "JP225"),
]


@pytest.mark.parametrize(("spelling", "symbol"), SPELLINGS, ids=[spelling for spelling, _ in SPELLINGS])
def test_a_spelling_names_its_instrument(spelling: str, symbol: str) -> None:
    assert find(spelling) is BUILT_IN[symbol]


@pytest.mark.parametrize(
    "spelling",
    [
        "", " ", "!", "1!", ":", "NQ3!", "NQ1", "NQA6", "NQZ", "NQZ226", "NQZ1926", "ENQ", "EP", "USA",
        "EURUSD.r", "EURUSDm", "EURUSD.pro", "NQ.x", "XAUUSD.", "NQ 2026", "MNQ 12-2026", "NQ1!-ES1!",
        "CON.F.US.XXX.Z26", "CON.F.EU.ENQ.Z26", "AAPL", "BTCUSDT", "QC", "QC1!", "NQ\nES", ".CASH",
        "US30Z6", "GER40H5", "EURUSDM5", "EURUSD1!", "XAUUSD 12-26",  # spot has no contract months
        "A" * 5000,
    ],
)  # fmt: skip
def test_a_spelling_that_may_mean_something_else_is_unknown(spelling: str) -> None:
    assert find(spelling) is None


@pytest.mark.parametrize("letter", "FGHJKMNQUVXZ")
@pytest.mark.parametrize("root", ["NQ", "ES", "CL", "GC", "6E", "ZN", "MES", "M2K", "1OZ", "MNG"])
def test_every_contract_month_of_a_root_is_the_root(root: str, letter: str) -> None:
    for year in ("6", "26", "2026"):
        assert find(f"{root}{letter}{year}") is BUILT_IN[root]


def test_the_database_adds_symbols_and_can_not_replace_what_is_built_in() -> None:
    own = Instrument(
        "DAX", "DAX future", "EUREX", Decimal("0.5"), Decimal("12.50"), "EUR", Decimal(1), "DAX",
        "equity_index", Decimal(1),
    )  # fmt: skip
    assert find("DAX1!", {"DAX": own}) is own
    assert find("DAX1!") is None
    assert find("NQ", {"NQ": own}) is NQ


# rules.md §5, the rows whose figures people get wrong, and one of each group.
FUTURES = [
    ("ES", "0.25", "12.50", "50", "1"),
    ("MES", "0.25", "1.25", "5", "0.1"),
    ("NQ", "0.25", "5.00", "20", "1"),
    ("MNQ", "0.25", "0.50", "2", "0.1"),
    ("YM", "1", "5.00", "5", "1"),
    ("MYM", "1", "0.50", "0.5", "0.1"),
    ("RTY", "0.1", "5.00", "50", "1"),
    ("M2K", "0.1", "0.50", "5", "0.1"),
    ("NKD", "5", "25.00", "5", "1"),
    ("CL", "0.01", "10.00", "1000", "1"),
    ("QM", "0.025", "12.50", "500", "1"),
    ("MCL", "0.01", "1.00", "100", "0.1"),
    ("NG", "0.001", "10.00", "10000", "1"),
    ("RB", "0.0001", "4.20", "42000", "1"),
    ("GC", "0.1", "10.00", "100", "1"),
    ("MGC", "0.1", "1.00", "10", "0.1"),
    ("1OZ", "0.25", "0.25", "1", "0.1"),
    ("SI", "0.005", "25.00", "5000", "1"),
    ("SIL", "0.005", "5.00", "1000", "0.1"),
    ("HG", "0.0005", "12.50", "25000", "1"),
    ("PA", "0.5", "50.00", "100", "1"),
    ("ZB", "0.03125", "31.25", "1000", "1"),
    ("ZN", "0.015625", "15.625", "1000", "1"),
    ("ZF", "0.0078125", "7.8125", "1000", "1"),
    ("ZT", "0.00390625", "7.8125", "2000", "1"),
    ("6E", "0.00005", "6.25", "125000", "1"),
    ("M6B", "0.0001", "0.625", "6250", "0.1"),
    ("6J", "0.0000005", "6.25", "12500000", "1"),
    ("MJY", "0.000001", "1.25", "1250000", "0.1"),
    ("ZC", "0.25", "12.50", "50", "1"),
    ("LE", "0.025", "10.00", "400", "1"),
    ("GF", "0.025", "12.50", "500", "1"),
    ("MBT", "5", "0.50", "0.1", "0.1"),
    ("MET", "0.5", "0.05", "0.1", "0.1"),
    ("VX", "0.05", "50.00", "1000", "1"),
]


@pytest.mark.parametrize(("symbol", "tick_size", "tick_value", "point", "weight"), FUTURES)
def test_a_future_has_the_figures_of_its_exchange(
    symbol: str, tick_size: str, tick_value: str, point: str, weight: str
) -> None:
    future = BUILT_IN[symbol]
    assert (future.tick_size, future.tick_value) == (Decimal(tick_size), Decimal(tick_value))
    assert (future.point_value, future.weight) == (Decimal(point), Decimal(weight))
    assert (future.currency, future.step) == ("USD", Decimal(1))


def test_there_are_67_futures_28_currency_pairs_2_metals_and_12_index_cfds() -> None:
    futures = [i for i in BUILT_IN.values() if i.exchange]
    pairs = [i for i in BUILT_IN.values() if i.group == "currencies" and not i.exchange]
    assert len(futures) == 67
    assert len(pairs) == 28
    assert len(BUILT_IN) == 67 + 28 + 2 + 12


def test_every_instrument_stands_under_its_own_symbol_and_every_family_has_its_standard_contract() -> None:
    for symbol, instrument in BUILT_IN.items():
        assert instrument.symbol == symbol
        assert find(symbol) is instrument
        assert BUILT_IN[instrument.family].family == instrument.family
        assert instrument.tick_size > 0
        assert instrument.tick_value > 0
        assert instrument.weight in (Decimal(1), Decimal("0.1"))


def test_a_micro_moves_a_tenth_of_its_mini() -> None:
    for mini, micro in (
        ("ES", "MES"),
        ("NQ", "MNQ"),
        ("YM", "MYM"),
        ("RTY", "M2K"),
        ("CL", "MCL"),
        ("GC", "MGC"),
    ):
        assert BUILT_IN[micro].point_value * 10 == BUILT_IN[mini].point_value
        assert BUILT_IN[micro].family == BUILT_IN[mini].family


@pytest.mark.parametrize(
    ("symbol", "move", "lots", "money"),
    [
        ("EURUSD", "0.0050", "1", "500"),  # 50 pips of 10 dollars
        ("USDJPY", "0.50", "1", "50000"),  # 50 pips of 1,000 yen
        ("XAUUSD", "1", "1", "100"),  # 100 ounces
        ("XAGUSD", "1", "1", "5000"),
        ("US30", "10", "2", "20"),
        ("GER40", "10", "0.5", "5"),
    ],
)
def test_money_for_a_move_of_a_spot_instrument(symbol: str, move: str, lots: str, money: str) -> None:
    assert BUILT_IN[symbol].money(Decimal(move), Decimal(lots)) == Decimal(money)
    assert BUILT_IN[symbol].step == Decimal("0.01")


def test_ten_points_of_nq_are_200_dollars_a_contract() -> None:
    assert NQ.money(Decimal(10), Decimal(1)) == 200


@pytest.mark.parametrize(
    ("price", "below", "above"),
    [("19990.25", "19990.25", "19990.25"), ("19990.37", "19990.25", "19990.50"), ("-0.10", "-0.25", "0.00")],
)
def test_prices_move_to_the_tick(price: str, below: str, above: str) -> None:
    assert NQ.floor_to_tick(Decimal(price)) == Decimal(below)
    assert NQ.ceil_to_tick(Decimal(price)) == Decimal(above)
    assert NQ.is_on_tick(Decimal(price)) == (below == above)


def test_sizes_go_down_to_the_step() -> None:
    assert NQ.floor_to_step(Decimal("2.9")) == 2
    assert BUILT_IN["EURUSD"].floor_to_step(Decimal("0.129")) == Decimal("0.12")


@pytest.mark.parametrize(
    ("side", "entry", "stop"),
    [(Side.BUY, "20000.25", "19990.00"), (Side.SELL, "20000.00", "19990.25")],
    ids=["a long's stop goes down, its entry up", "a short's stop goes up, its entry down"],
)
def test_rounding_never_understates_the_risk(side: Side, entry: str, stop: str) -> None:
    assert on_tick(NQ, side, Decimal("20000.10"), Decimal("19990.10")) == (Decimal(entry), Decimal(stop))
    assert on_tick(NQ, side, None, None) == (None, None)


def test_sides_are_each_others_opposites() -> None:
    assert (Side.BUY.sign, Side.SELL.sign) == (1, -1)
    assert (Side.BUY.opposite, Side.SELL.opposite) == (Side.SELL, Side.BUY)
