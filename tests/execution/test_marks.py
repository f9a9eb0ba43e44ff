"""Marks from outside: the newest counts, unknown symbols are refused before anything is booked."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from execution import marks
from execution.connectors import connector_for
from execution.connectors.paper import PaperConnector
from execution.marks import Price, UnknownSymbol
from execution.models import Mark, PaperBook
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
