"""The paper venue: the contract, and its own book to the cent."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine

from enforcement.account import StateSource
from execution import marks, reports
from execution.connectors import ApprovedOrder, Connector, Rejected
from execution.connectors.paper import PaperConnector
from execution.models import Fill, Mark, PaperBook, PaperFill, PaperOrder, Position
from firms.models import Account
from tests.execution.connectors.contract import ENTRY_PRICE, ConnectorContract, buy, closing, sell
from tests.make import NOON, make_account, make_program

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]

COMMISSION = Decimal("2.50")  # the guard's default, each contract and side


@pytest.fixture
def account() -> Account:
    return make_account(program=make_program(daily_loss=None, drawdown=20_000), paper=True)


@pytest.fixture
def paper(account: Account) -> PaperConnector:
    return PaperConnector(account)


class TestPaperKeepsTheContract(ConnectorContract):
    @pytest.fixture
    def connector(self, paper: PaperConnector) -> Connector:
        return paper

    def anew(self, connector: Connector) -> Connector:
        return PaperConnector(Account.objects.get(pk=connector.account.pk))


def at(seconds: float) -> Any:
    return NOON + timedelta(seconds=seconds)


def mark(price: str | int, seconds: float = 0, symbol: str = "NQ") -> int:
    return marks.post([marks.Price(symbol, Decimal(price), at(seconds))])


def prices(paper: PaperConnector) -> list[tuple[str, Decimal]]:
    """What was executed, in order, as (why, price)."""
    return [(fill.why, fill.price) for fill in paper.report(frozenset()).fills]


def balance(paper: PaperConnector) -> Decimal:
    return paper.report(frozenset()).state.balance


def equity(paper: PaperConnector) -> Decimal:
    return paper.report(frozenset()).state.equity


def position(paper: PaperConnector, symbol: str = "NQ") -> Decimal:
    return {p.symbol: p.quantity for p in paper.positions()}.get(symbol, Decimal(0))


# --- fills --------------------------------------------------------------------------------------------


def test_without_a_mark_an_entry_fills_at_the_alerts_price(paper: PaperConnector) -> None:
    paper.submit(buy())
    assert prices(paper) == [("market", ENTRY_PRICE)]


def test_with_a_mark_an_entry_fills_there(paper: PaperConnector) -> None:
    mark("20001.50")
    paper.submit(buy())
    assert prices(paper) == [("market", Decimal("20001.50"))]


def test_without_mark_and_price_it_is_rejected_and_may_come_again(paper: PaperConnector) -> None:
    with pytest.raises(Rejected, match="no mark"):
        paper.submit(buy(entry_price=None))
    assert not PaperOrder.objects.exists()
    mark("20001.50")
    paper.submit(buy(entry_price=None))
    assert position(paper) == 2


def test_a_close_fills_at_the_last_mark(paper: PaperConnector) -> None:
    paper.submit(buy(stop_loss=None, target=None))
    mark("20004.25")
    paper.close(closing())
    assert prices(paper)[-1] == ("market", Decimal("20004.25"))


def test_every_fill_has_the_id_of_its_order_and_a_number(paper: PaperConnector) -> None:
    paper.submit(buy())
    mark("19990.00", 1)
    fills = paper.report(frozenset()).fills
    assert [fill.venue_fill_id for fill in fills] == ["pg-1-1", "pg-1-stop-1"]
    assert [fill.client_order_id for fill in fills] == ["pg-1", "pg-1"]


def test_commission_is_charged_for_each_contract_and_side(paper: PaperConnector) -> None:
    paper.submit(buy())
    assert balance(paper) == 50_000 - 2 * COMMISSION
    paper.close(closing())
    assert balance(paper) == 50_000 - 4 * COMMISSION
    assert [fill.commission for fill in paper.report(frozenset()).fills] == [5, 5]


def test_the_book_opens_with_the_accounts_balance(account: Account) -> None:
    other = make_account("Apex-2", account.program, paper=True, state={"balance": Decimal("48123.45")})
    assert balance(PaperConnector(other)) == Decimal("48123.45")
    assert PaperBook.objects.count() == 1


def test_it_says_that_it_is_simulated(paper: PaperConnector) -> None:
    paper.submit(buy())
    assert paper.report(frozenset()).state.source is StateSource.PAPER
    assert not PaperConnector.live


# --- money, by hand -----------------------------------------------------------------------------------

# What one trade makes before commission: (symbol, side, contracts, in, out, profit)
MONEY = {
    "NQ long 2, 10 points up: 40 ticks of $5": ("NQ", buy, 2, "20000.25", "20010.25", "400.00"),
    "NQ long 2, one tick down": ("NQ", buy, 2, "20000.25", "20000.00", "-10.00"),
    "NQ short 1, 10 points down": ("NQ", sell, 1, "20000.25", "19990.25", "200.00"),
    "NQ short 1, 10 points up": ("NQ", sell, 1, "20000.25", "20010.25", "-200.00"),
    "MNQ long 3, 10 points up: 40 ticks of $0.50": ("MNQ", buy, 3, "20000.25", "20010.25", "60.00"),
    "MNQ short 3, one tick up": ("MNQ", sell, 3, "20000.25", "20000.50", "-1.50"),
    "6A long 2, 12 ticks of $5": ("6A", buy, 2, "0.65120", "0.65180", "120.00"),
    "6A short 2, one tick of 0.00005 against": ("6A", sell, 2, "0.65120", "0.65125", "-10.00"),
}


@pytest.mark.parametrize("row", MONEY.values(), ids=MONEY)
def test_profit_is_exact_to_the_cent(paper: PaperConnector, row: tuple[Any, ...]) -> None:
    symbol, side, contracts, entry, out, profit = row
    order: ApprovedOrder = side(
        symbol=symbol, quantity=contracts, entry_price=Decimal(entry), stop_loss=None, target=None
    )
    paper.submit(order)
    assert equity(paper) == 50_000 - contracts * COMMISSION
    mark(out, 1, symbol)
    assert equity(paper) == 50_000 - contracts * COMMISSION + Decimal(profit)
    assert balance(paper) == 50_000 - contracts * COMMISSION
    paper.close(closing(side=order.side.opposite, quantity=contracts, symbol=symbol))
    assert balance(paper) == equity(paper) == 50_000 - 2 * contracts * COMMISSION + Decimal(profit)


def test_a_second_entry_averages_the_price(paper: PaperConnector) -> None:
    """1 at 20,000 and 3 at 20,004 make 4 at 20,003; at 20,005 that is 2 points x $20 x 4 = $160."""
    paper.submit(buy("pg-1", 1, entry_price=Decimal(20_000), stop_loss=None, target=None))
    paper.submit(buy("pg-2", 3, entry_price=Decimal(20_004), stop_loss=None, target=None))
    mark(20_005, 1)
    assert equity(paper) == 50_000 - 4 * COMMISSION + 160


def test_netting_books_the_profit_of_what_it_closes(paper: PaperConnector) -> None:
    """Long 3 at 20,000, sell 1 at 20,010: 10 points x $20 = $200 booked, 2 are left at 20,000."""
    paper.submit(buy("pg-1", 3, entry_price=Decimal(20_000), stop_loss=None, target=None))
    paper.submit(sell("pg-2", 1, entry_price=Decimal(20_010), stop_loss=None, target=None))
    assert (position(paper), balance(paper)) == (2, 50_000 - 4 * COMMISSION + 200)
    assert equity(paper) == 50_000 - 4 * COMMISSION + 200 + 400


def test_crossing_zero_closes_everything_and_opens_the_rest_at_the_new_price(paper: PaperConnector) -> None:
    """Long 1 at 20,000, sell 3 at 20,010: $200 booked, short 2 from 20,010; at 20,005 those make $200."""
    paper.submit(buy("pg-1", 1, entry_price=Decimal(20_000), stop_loss=None, target=None))
    paper.submit(sell("pg-2", 3, entry_price=Decimal(20_010), stop_loss=None, target=None))
    assert (position(paper), balance(paper)) == (-2, 50_000 - 4 * COMMISSION + 200)
    mark(20_005, 1)
    assert equity(paper) == 50_000 - 4 * COMMISSION + 200 + 200


# --- stops and targets --------------------------------------------------------------------------------

# (side, mark, what is executed at which price); stop 10 points away, target 20
TOUCHES: dict[str, tuple[Any, str, tuple[str, str] | None]] = {
    "long, one tick above the stop": (buy, "19990.50", None),
    "long, at the stop": (buy, "19990.25", ("stop", "19990.25")),
    "long, through the stop: the market's price": (buy, "19985.00", ("stop", "19985.00")),
    "long, one tick under the target": (buy, "20020.00", None),
    "long, at the target": (buy, "20020.25", ("target", "20020.25")),
    "long, beyond the target: its own price": (buy, "20030.00", ("target", "20020.25")),
    "short, one tick under the stop": (sell, "20010.00", None),
    "short, at the stop": (sell, "20010.25", ("stop", "20010.25")),
    "short, through the stop: the market's price": (sell, "20015.00", ("stop", "20015.00")),
    "short, at the target": (sell, "19980.25", ("target", "19980.25")),
    "short, beyond the target: its own price": (sell, "19970.00", ("target", "19980.25")),
}


@pytest.mark.parametrize("row", TOUCHES.values(), ids=TOUCHES)
def test_stops_and_targets_work_as_marks_arrive(paper: PaperConnector, row: tuple[Any, ...]) -> None:
    side, price, executed = row
    paper.submit(side())
    mark(price, 1)
    if executed is None:
        assert (abs(position(paper)), paper.has_working_orders(["NQ"])) == (2, True)
    else:
        assert prices(paper)[1:] == [(executed[0], Decimal(executed[1]))]
        assert (position(paper), paper.has_working_orders(["NQ"])) == (0, False)


def test_one_cancels_the_other(paper: PaperConnector) -> None:
    paper.submit(buy())
    mark("19990.25", 1)
    mark("20030", 2)
    assert (position(paper), len(prices(paper))) == (0, 2)


def test_a_stop_works_once(paper: PaperConnector) -> None:
    paper.submit(buy(target=None))
    mark("19990", 1)
    mark("19980", 2)
    assert (position(paper), len(prices(paper))) == (0, 2)


def test_the_protection_shrinks_with_the_position(paper: PaperConnector) -> None:
    paper.submit(buy(quantity=3))
    paper.close(closing(quantity=2))
    working = PaperOrder.objects.filter(is_working=True).values_list("kind", "quantity")
    assert sorted(working) == [("limit", 1), ("stop", 1)]
    mark("19990.25", 1)
    assert position(paper) == 0


def test_each_trades_protection_is_its_own(paper: PaperConnector) -> None:
    """Two longs with stops at 19,990.25 and 19,980: the first one's is hit, the other stays."""
    paper.submit(buy("pg-1", 1, target=None))
    paper.submit(buy("pg-2", 1, target=None, stop_loss=Decimal(19_980)))
    mark("19990", 1)
    assert position(paper) == 1
    mark("19980", 2)
    assert position(paper) == 0


@pytest.mark.parametrize(
    ("order", "price"), [(sell("pg-2", 4, target=None), "19990"), (sell("pg-2", 1, target=None), "20010.25")],
    ids=["the stop of a long that was crossed into a short", "the stop of a sell that only netted a long"],
)  # fmt: skip
def test_protection_can_only_reduce(paper: PaperConnector, order: ApprovedOrder, price: str) -> None:
    paper.submit(buy("pg-1", 2, target=None))
    paper.submit(order)
    before = position(paper)
    mark(price, 1)
    assert abs(position(paper)) <= abs(before)
    assert position(paper) * before >= 0


def test_a_mark_from_before_the_entry_moves_nothing(
    paper: PaperConnector, clock: time_machine.Traveller
) -> None:
    """A quote provider's backlog: the price was seen before the position was there."""
    clock.shift(10)
    paper.submit(buy())
    assert mark("19985", 5) == 1
    assert (position(paper), equity(paper)) == (2, 50_000 - 2 * COMMISSION)


def test_a_mark_of_another_symbol_moves_nothing(paper: PaperConnector) -> None:
    paper.submit(buy())
    mark("19985", 1, "MNQ")
    assert position(paper) == 2


# --- its report ---------------------------------------------------------------------------------------


def test_a_flat_books_figures_are_as_old_as_its_last_fill(
    paper: PaperConnector, clock: time_machine.Traveller
) -> None:
    paper.submit(buy())
    clock.shift(60)
    paper.close(closing())
    clock.shift(60)
    assert paper.report(frozenset()).state.as_of == at(60)


def test_with_something_open_the_figures_are_as_old_as_the_mark(
    paper: PaperConnector, clock: time_machine.Traveller
) -> None:
    paper.submit(buy())
    mark("20001", 30)
    clock.shift(90)
    assert paper.report(frozenset()).state.as_of == at(30)


def test_marks_are_booked_into_the_account_at_once(account: Account, paper: PaperConnector) -> None:
    paper.submit(buy())
    reports.collect(paper)
    mark("20005.25", 1)  # 5 points x $20 x 2
    account.state.refresh_from_db()
    assert (account.state.equity, account.state.highest_equity) == (50_195, 50_195)
    mark("19990.25", 2)
    account.state.refresh_from_db()
    assert (account.state.balance, account.state.equity) == (49_590, 49_590)  # -400 and four sides
    assert Position.objects.get().quantity == 0
    assert sorted(Fill.objects.values_list("why", flat=True)) == ["market", "stop"]


def test_a_realised_loss_shows_although_another_positions_mark_is_older(
    account: Account, paper: PaperConnector, clock: time_machine.Traveller
) -> None:
    """NQ is held and was last marked at noon; ES is opened and closed a minute later, 10 points x $50 lost."""
    paper.submit(buy("pg-1", 1, stop_loss=None, target=None))
    reports.collect(paper)
    clock.shift(60)
    paper.submit(buy("pg-2", 1, "ES", entry_price=Decimal(5000), stop_loss=Decimal(4990), target=None))
    mark("4990", 61, "ES")
    account.state.refresh_from_db()
    assert account.state.balance == 50_000 - 500 - 3 * COMMISSION


def test_a_mark_a_moment_ahead_of_our_clock_does_not_hide_the_close_after_it(
    account: Account, paper: PaperConnector
) -> None:
    """Two machines' clocks differ by a second or two: marks are accepted that far from the future."""
    paper.submit(buy(stop_loss=None, target=None))
    reports.collect(paper)
    mark("20010.25", 2)  # 10 points x $20 x 2
    paper.close(closing())
    reports.collect(paper)
    account.state.refresh_from_db()
    assert account.state.balance == account.state.equity == 50_400 - 4 * COMMISSION


def test_two_accounts_books_do_not_touch(account: Account, paper: PaperConnector) -> None:
    other = PaperConnector(make_account("Apex-2", account.program, paper=True))
    paper.submit(buy())
    other.submit(sell())
    mark("20010.25", 1)
    assert (position(paper), position(other)) == (2, 0)
    assert PaperFill.objects.count() == 3
    assert Mark.objects.get().price == Decimal("20010.25")
