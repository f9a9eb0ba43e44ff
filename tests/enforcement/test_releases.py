"""Which releases a news rule speaks of, for which products, and when its window is open."""

from datetime import timedelta
from typing import Any

import pytest

from enforcement.context import NewsEvent
from enforcement.instruments import BUILT_IN, Instrument
from enforcement.program import NewsRule
from enforcement.releases import in_window
from tests.enforcement.make import CL, ES, EURUSD, GC, GER40, NOON, NQ, make_news, make_release

pytestmark = pytest.mark.core

USDJPY, NG, ZC = BUILT_IN["USDJPY"], BUILT_IN["NG"], BUILT_IN["ZC"]


def speaks(rule: NewsRule, event: NewsEvent, instrument: Instrument = NQ, at: Any = NOON) -> bool:
    return bool(list(in_window([rule], [event], instrument, at)))


@pytest.mark.parametrize(
    ("seconds", "inside"), [(-121, False), (-120, True), (0, True), (60, True), (61, False)]
)
def test_both_ends_are_inside(seconds: int, inside: bool) -> None:
    """From two minutes before to one minute after."""
    assert speaks(make_news(120, 60), make_release(), at=NOON + timedelta(seconds=seconds)) is inside


WORDS: list[Any] = [
    pytest.param((), {}, True, id="no words: every release"),
    pytest.param((), {"impact": "low"}, True, id="no words: of any impact"),
    pytest.param(("high",), {}, True, id="by impact"),
    pytest.param(("high",), {"impact": "medium"}, False, id="another impact"),
    pytest.param(("High",), {}, True, id="in capitals"),
    pytest.param(("high", "medium"), {"impact": "medium"}, True, id="one of two impacts"),
    pytest.param(("CPI",), {"name": "Core CPI m/m"}, True, id="a word of the name"),
    pytest.param(("cpi",), {"name": "Core CPI m/m"}, True, id="in small letters"),
    pytest.param(("FOMC", "CPI"), {"name": "FOMC Statement"}, True, id="one of two words"),
    pytest.param(("Non-Farm",), {"name": "CPI m/m"}, False, id="another release"),
    pytest.param(
        ("high",),
        {"name": "Highest temperature", "impact": "low"},
        False,
        id="an impact is no word of a name",
    ),
]


@pytest.mark.parametrize(("words", "event", "spoken_of"), WORDS)
def test_the_words_of_a_rule(words: tuple[str, ...], event: dict[str, Any], spoken_of: bool) -> None:
    assert speaks(make_news(events=words), make_release(**event)) is spoken_of


PRODUCTS: list[Any] = [
    # TradeDay: some releases for all products, crude for oil, gas for gas, crops for grains
    pytest.param((), {}, NQ, True, id="a dollar release moves a dollar future"),
    pytest.param((), {}, EURUSD, True, id="and a dollar pair"),
    pytest.param((), {"currency": "EUR"}, EURUSD, True, id="a euro release moves the pair as well"),
    pytest.param((), {"currency": "EUR"}, NQ, False, id="but not the Nasdaq"),
    pytest.param((), {"currency": "EUR"}, GER40, True, id="the DAX is quoted in euros"),
    pytest.param((), {"currency": "USD"}, GER40, False, id="a dollar release is not the DAX's"),
    pytest.param((), {"currency": "USD"}, USDJPY, True, id="the dollar's side of dollar and yen"),
    pytest.param(("equity_index",), {}, ES, True, id="by group"),
    pytest.param(("equity_index",), {}, GC, False, id="another group"),
    pytest.param(("GC",), {}, GC, True, id="by symbol"),
    pytest.param(("GC",), {}, BUILT_IN["MGC"], False, id="the micro is another symbol"),
    pytest.param((), {"targets": frozenset({"CL"})}, CL, True, id="a release that names its product"),
    pytest.param((), {"targets": frozenset({"energy"})}, NG, True, id="or its group"),
    pytest.param((), {"targets": frozenset({"CL"})}, NG, False, id="crude's report is not gas's"),
    pytest.param((), {"targets": frozenset({"grains"})}, NQ, False, id="a crop report is only for grains"),
    pytest.param((), {"targets": frozenset({"grains"})}, ZC, True, id="corn is one"),
    pytest.param(
        ("energy",), {"targets": frozenset({"CL"})}, NG, False, id="rule and release must both concern it"
    ),
]


@pytest.mark.parametrize(("products", "event", "instrument", "concerned"), PRODUCTS)
def test_which_products_a_release_concerns(
    products: tuple[str, ...], event: dict[str, Any], instrument: Instrument, concerned: bool
) -> None:
    assert speaks(make_news(products=products), make_release(**event), instrument) is concerned


def test_every_rule_and_release_that_holds_is_given() -> None:
    rules = [make_news(), make_news(60, 60, must_be_flat=True)]
    events = [make_release("CPI", 1), make_release("FOMC", 2), make_release("GDP", 30)]
    found = [(rule.must_be_flat, event.name) for rule, event in in_window(rules, iter(events), NQ, NOON)]
    assert found == [(False, "CPI"), (False, "FOMC"), (True, "CPI")]
