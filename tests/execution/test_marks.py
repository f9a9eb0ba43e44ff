"""Marks from outside: the newest counts, unknown symbols are refused before anything is booked."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from execution import marks
from execution.connectors import connector_for
from execution.connectors.paper import PaperConnector
from execution.marks import Price, UnknownSymbol
from execution.models import Alarm, Mark, PaperBook
from firms.models import Account
from tests.execution.connectors.contract import buy
from tests.execution.make import entry_signal, held, make_follower, route
from tests.make import NOON, make_account

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


def price(value: str | int, seconds: float = 0, symbol: str = "NQ") -> Price:
    return Price(symbol, Decimal(value), NOON + timedelta(seconds=seconds))


def kept() -> dict[str, Decimal]:
    return dict(Mark.objects.values_list("symbol", "price"))


def test_the_last_mark_of_each_symbol_is_kept() -> None:
    assert marks.post([price(20_000), price(5_000, symbol="ES"), price(20_001, 1)]) == 3
    assert kept() == {"NQ": 20_001, "ES": 5_000}


@pytest.mark.parametrize("spelling", ["NQ1!", "CME_MINI:NQ1!", "nqz6", "NQ"])
def test_every_spelling_of_a_symbol_is_the_same_mark(spelling: str) -> None:
    marks.post([price(20_000, symbol=spelling)])
    assert kept() == {"NQ": 20_000}


@pytest.mark.parametrize("seconds", [0, -1], ids=["as old", "older"])
def test_a_mark_that_is_not_newer_is_passed_over(seconds: int) -> None:
    assert marks.post([price(20_000)]) == 1
    assert marks.post([price(19_000, seconds)]) == 0
    assert kept() == {"NQ": 20_000}


def test_an_unknown_symbol_is_refused_before_anything_is_booked() -> None:
    with pytest.raises(UnknownSymbol, match="WHAT"):
        marks.post([price(20_000), price(1, symbol="WHAT")])
    assert kept() == {}


def test_a_mark_values_every_paper_account_that_holds_the_symbol() -> None:
    source, first = make_follower("Apex-1")
    _, second = make_follower("Apex-2", source=source)
    route(entry_signal(source))
    marks.post([price("20005.25", 1)])  # 5 points x $20 x 2, less $5 commission
    assert {equity(first), equity(second)} == {Decimal(50_195)}
    marks.post([price("19990", 2)])  # the stop: 10.25 points x $20 x 2 lost, $10 commission in all
    assert {equity(first), equity(second)} == {Decimal(49_580)}
    assert (held(first), held(second)) == (0, 0)


def test_an_account_that_fails_does_not_keep_back_the_stops_of_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source, first = make_follower("Apex-1")
    _, second = make_follower("Apex-2", source=source)
    route(entry_signal(source))
    genuine = PaperConnector.mark

    def mark(self: PaperConnector, *given: Any) -> None:
        if self.account == first:
            raise ZeroDivisionError("oops")
        genuine(self, *given)

    with monkeypatch.context() as patch:
        patch.setattr(PaperConnector, "mark", mark)
        with pytest.raises(ZeroDivisionError):
            marks.post([price("19990", 1)])
    assert (held(first), held(second)) == (2, 0)
    marks.post([price("19990", 1)])  # the same mark again: what failed is worked now
    assert (held(first), held(second)) == (0, 0)


def test_a_mark_does_not_open_books() -> None:
    account = make_account(paper=True)
    marks.post([price(20_000)])
    assert not PaperBook.objects.exists()
    assert equity(account) == 50_000


def test_an_account_without_the_symbol_is_left_alone() -> None:
    account = make_account(paper=True)
    connector_for(account).submit(buy(symbol="ES", entry_price=Decimal(5_000), stop_loss=None, target=None))
    marks.post([price(20_000, 1)])
    assert equity(account) == 50_000


def equity(account: Account) -> Decimal:
    state = type(account.state).objects.get(account=account)
    return state.equity


# --- a price too wild to be believed --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "believed"),
    [(21_000, True), ("21000.25", False), (19_000, True), ("18999.75", False)],
    ids=["five percent up", "a tick more", "five percent down", "a tick less"],
)
def test_a_mark_far_off_the_last_one_needs_a_second(first: int | str, believed: bool) -> None:
    assert marks.post([price(20_000), price(first, 1)]) == (2 if believed else 1)
    assert kept() == {"NQ": Decimal(first) if believed else 20_000}
    assert Alarm.objects.filter(kind="mark_jump", closed_at=None).exists() is not believed


SECONDS: list[Any] = [
    pytest.param(price(18_100, 2), 18_100, id="near the first: believed"),
    pytest.param(price("17100.00", 2), "17100.00", id="five percent from the first"),
    pytest.param(price("17099.75", 2), 20_000, id="a tick farther: it waits in its turn"),
    pytest.param(price(20_001, 2), 20_001, id="near the last: the first was wrong"),
    pytest.param(price(18_000, 1), 20_000, id="the same again is no second"),
    pytest.param(price(18_100, 0.5), 20_000, id="an earlier one neither"),
    pytest.param(price(18_100, 301), 18_100, id="the last is too old to say anything"),
]


@pytest.mark.parametrize(("second", "expected"), SECONDS)
def test_the_second_mark_decides(second: Price, expected: int | str) -> None:
    marks.post([price(20_000), price(18_000, 1)])
    marks.post([second])
    assert kept() == {"NQ": Decimal(expected)}
    waits = Decimal(expected) == 20_000
    assert (Mark.objects.get().pending_at is not None) is waits
    assert Alarm.objects.filter(kind="mark_jump", closed_at=None).exists() is waits


def test_a_wild_mark_works_no_stop_and_raises_no_peak_before_a_second_one() -> None:
    source, account = make_follower("Apex-1")
    route(entry_signal(source))
    marks.post([price("20000.25", 1)])
    before = account.state.highest_equity
    marks.post([price(22_000, 2), price(18_000, 3)])
    account.state.refresh_from_db()
    assert (account.state.highest_equity, held(account)) == (before, 2)
    marks.post([price(18_000, 4)])
    assert held(account) == 0, "the stop at 19,990 is worked now"


def test_an_extreme_of_a_bar_is_held_against_the_last_mark_too() -> None:
    marks.post([price(20_000)])
    marks.post([price(20_000, 1)._replace(high=Decimal(22_000), low=Decimal(19_999))])
    assert Mark.objects.get().pending_price == 22_000
