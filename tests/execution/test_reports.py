"""What a venue says is booked once, in whatever order and however often it is said."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from enforcement.account import StateReport, StateSource
from enforcement.orders import Side
from execution import reports
from execution.connectors import VenueFill, VenuePosition, VenueReport
from execution.models import Alarm, Fill, Order, Position, SignalSource
from execution.order_state import OrderStatus, may_follow
from firms.models import Account, AccountDay, AccountState
from firms.services import open_flags_on
from tests.execution.make import RISK, decide, entry_signal, held, make_follower, make_order
from tests.make import NOON, make_account, make_program, make_source

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


@pytest.fixture
def account() -> Account:
    return make_account()


def at(seconds: float) -> Any:
    return NOON + timedelta(seconds=seconds)


def fill(
    number: int,
    quantity: int = 1,
    price: str | int = 20_000,
    *,
    order: str = "pg-x-1",
    side: Side = Side.BUY,
    seconds: float = 0,
    symbol: str = "NQ",
    why: str = "entry",
) -> VenueFill:
    return VenueFill(
        venue_fill_id=f"{order}-{number}", client_order_id=order, symbol=symbol, side=side,
        quantity=Decimal(quantity), price=Decimal(price), commission=Decimal("2.50"), filled_at=at(seconds), why=why,
    )  # fmt: skip


def report(
    *fills: VenueFill,
    seconds: float = 60,
    equity: int = 50_000,
    balance: int | None = None,
    price: str | int | None = None,
    **state: Any,
) -> VenueReport:
    """A report as of `seconds` after noon. `price` is the one the venue values its NQ at."""
    money = StateReport(
        balance=Decimal(equity if balance is None else balance), equity=Decimal(equity), as_of=at(seconds),
        source=StateSource.VENUE, **state,
    )  # fmt: skip
    positions = [] if price is None else [VenuePosition("NQ", Decimal(1), Decimal(price))]
    return VenueReport(money, positions, list(fills))


def book(account: Account, *said: VenueReport) -> None:
    for each in said:
        reports.book(account, each, now=max(at(120), each.state.as_of))


def state_of(account: Account) -> AccountState:
    return AccountState.objects.get(account=account)


def make_entry(account: Account, quantity: int = 4, name: str = "pg-x-1", **fields: Any) -> Order:
    """An entry that the venue has, from a signal of its own."""
    source = SignalSource.objects.filter(name="orders").first() or make_source("orders")
    signal = entry_signal(source, alert_id=f"{account.pk} {name}")
    return make_order(
        account,
        signal,
        quantity=Decimal(quantity),
        risk=RISK * quantity / 2,
        client_order_id=name,
        has_own_id=True,
        **fields,
    )


# --- fills --------------------------------------------------------------------------------------------


def test_a_fill_makes_a_position_and_ends_its_order(account: Account) -> None:
    order = make_entry(account, 2)
    book(account, report(fill(1, 2, "20000.50")))
    order.refresh_from_db()
    assert (order.status, order.filled_quantity, order.average_price) == ("filled", 2, Decimal("20000.50"))
    position = Position.objects.get()
    assert (position.quantity, position.average_price, position.stop, position.last_fill_at) == (
        2, Decimal("20000.50"), 19_990, NOON,
    )  # fmt: skip
    row = Fill.objects.get()
    assert (row.order, row.commission, row.filled_at, row.booked_at) == (
        order,
        Decimal("2.50"),
        NOON,
        at(120),
    )


def test_partial_fills_move_an_order_on_and_average_its_price(account: Account) -> None:
    """1 at 20,000 and 3 at 20,004 are 4 at 20,003."""
    order = make_entry(account)
    book(account, report(fill(1, 1, 20_000)))
    order.refresh_from_db()
    assert (order.status, order.unfilled) == ("partially_filled", 3)
    book(account, report(fill(2, 3, 20_004)))
    order.refresh_from_db()
    assert (order.status, order.unfilled, order.average_price) == ("filled", 0, 20_003)
    assert Position.objects.get().average_price == 20_003


def test_a_fill_books_into_the_position_what_it_releases_from_the_reservation() -> None:
    """Room for 1,400, two orders' worth and a half: before, half way through and after, one more fits, two don't."""
    source = make_source()
    _, account = make_follower(source=source, program=make_program(daily_loss=1400, drawdown=None))
    order = make_entry(account, 4)
    for number in (0, 1, 2):
        if number:
            book(account, report(fill(number, 2, "20000.25"), seconds=0, price="20000.25"))
        order.refresh_from_db()
        assert [allowed(source, size) for size in (2, 4)] == [True, False]
    assert order.status == "filled"


def allowed(source: SignalSource, contracts: int) -> bool:
    """Whether an order of this size would pass now; nothing is kept."""
    with transaction.atomic():
        [decision] = decide(entry_signal(source, contracts=contracts, alert_id=f"{contracts} now"))
        transaction.set_rollback(True)
    return decision.allowed


@pytest.mark.parametrize(
    "status",
    [s for s in OrderStatus if may_follow(s, OrderStatus.FILLED)],
    ids=str,
)
def test_a_fill_is_always_booked(account: Account, status: OrderStatus) -> None:
    order = make_entry(account, 2, status=status)
    book(account, report(fill(1, 2)))
    order.refresh_from_db()
    assert (order.status, held(account)) == ("filled", 2)


@pytest.mark.parametrize("status", [OrderStatus.AWAITING_CONFIRMATION, OrderStatus.DENIED], ids=str)
def test_a_fill_of_what_never_left_is_booked_and_stops_everything(
    account: Account, status: OrderStatus
) -> None:
    order = make_entry(account, 2, status=status)
    book(account, report(fill(1, 2)))
    order.refresh_from_db()
    assert (order.status, held(account)) == (status.value, 2)
    assert Alarm.objects.get().kind == "impossible_report"
    assert [flag.cause for flag in open_flags_on(account)] == ["impossible_report"]


def test_a_part_that_is_filled_after_the_cancel_is_booked_and_leaves_the_order_ended(
    account: Account,
) -> None:
    """Nothing more is to come of it: the rest must not stay reserved for ever."""
    order = make_entry(account, 4, status=OrderStatus.CANCELED)
    book(account, report(fill(1, 1)))
    order.refresh_from_db()
    assert (order.status, order.filled_quantity, held(account)) == ("canceled", 1, 1)


def test_more_than_was_ordered_is_booked_and_alarms(account: Account) -> None:
    order = make_entry(account, 2)
    book(account, report(fill(1, 2)), report(fill(2, 1, seconds=1)))
    order.refresh_from_db()
    assert (order.status, order.filled_quantity, held(account)) == ("filled", 3, 3)
    assert [alarm.kind for alarm in Alarm.objects.all()] == ["overfilled"]


def test_money_from_before_the_last_fill_is_not_known(clock: object) -> None:
    """The venue has filled; what that won or lost is in no snapshot yet, so entries wait for one."""
    source = make_source()
    _, account = make_follower(source=source, paper=False)
    make_entry(account, 2)
    book(account, report(fill(1, 2, seconds=1), seconds=0))
    [decision] = decide(entry_signal(source, contracts=1))
    assert (decision.allowed, decision.code) == (False, "account_data_fresh.unknown")
    book(account, report(seconds=1, price=20_000))
    [decision] = decide(entry_signal(source, contracts=1, alert_id="2"))
    assert decision.allowed


def test_a_report_from_the_future_is_not_believed(account: Account) -> None:
    reports.book(account, report(seconds=5, equity=60_000), now=NOON)
    assert state_of(account).equity == 50_000


def test_a_fill_of_nobodys_order_is_booked_too(account: Account) -> None:
    """Somebody trades the account by hand: it is exposure all the same, and nothing bounds it."""
    book(account, report(fill(1, 2, order="by-hand")))
    position = Position.objects.get()
    assert (position.quantity, position.stop, Fill.objects.get().order) == (2, None, None)


def test_a_fill_of_another_accounts_order_does_not_move_that_order(account: Account) -> None:
    other = make_account("Apex-2")
    order = make_entry(other, 2)
    book(account, report(fill(1, 2)))
    order.refresh_from_db()
    assert (order.status, held(other), held(account)) == ("accepted", 0, 2)


def test_the_stops_fill_brings_the_position_down_and_leaves_the_entry_as_it_is(account: Account) -> None:
    order = make_entry(account, 2)
    book(account, report(fill(1, 2)))
    book(account, report(fill(2, 2, "19990", side=Side.SELL, seconds=30, why="stop"), equity=49_600))
    order.refresh_from_db()
    position = Position.objects.get()
    assert (order.status, order.filled_quantity, order.average_price) == ("filled", 2, 20_000)
    assert (position.quantity, position.average_price, position.stop) == (0, None, None)


def test_a_symbol_written_otherwise_belongs_to_the_same_family(account: Account) -> None:
    book(account, report(fill(1, 2, symbol="MNQ")))
    assert Position.objects.get().family == "NQ"


# --- the stop that protects a position ----------------------------------------------------------------

STOPS: dict[str, tuple[Side, list[str | None], str | None]] = {
    "one long": (Side.BUY, ["19990"], "19990"),
    "two longs: the lower stop loses more": (Side.BUY, ["19990", "19980"], "19980"),
    "two longs, the other way round": (Side.BUY, ["19980", "19990"], "19980"),
    "two shorts: the higher stop loses more": (Side.SELL, ["20010", "20020"], "20020"),
    "one part without a stop: nothing bounds the whole": (Side.BUY, ["19990", None], None),
    "the first part without a stop": (Side.BUY, [None, "19990"], None),
}


@pytest.mark.parametrize("row", STOPS.values(), ids=STOPS)
def test_the_farthest_stop_protects_a_position(
    account: Account, row: tuple[Side, list[str | None], str | None]
) -> None:
    side, stops, wanted = row
    for number, stop in enumerate(stops):
        name = f"pg-{number}"
        make_entry(account, 1, name, side=side.value, stop_loss=None if stop is None else Decimal(stop))
        book(account, report(fill(1, 1, order=name, side=side)))
    assert Position.objects.get().stop == (None if wanted is None else Decimal(wanted))


def test_a_partial_close_keeps_the_stop_and_the_price(account: Account) -> None:
    make_entry(account, 4)
    book(account, report(fill(1, 4)))
    book(account, report(fill(2, 3, 20_010, side=Side.SELL, seconds=1)))
    position = Position.objects.get()
    assert (position.quantity, position.average_price, position.stop) == (1, 20_000, 19_990)


def test_crossing_zero_takes_the_new_sides_price_and_stop(account: Account) -> None:
    make_entry(account, 2)
    book(account, report(fill(1, 2)))
    make_entry(account, 5, "pg-2", side="sell", stop_loss=Decimal(20_020))
    book(account, report(fill(1, 5, 20_010, order="pg-2", side=Side.SELL, seconds=1)))
    position = Position.objects.get()
    assert (position.quantity, position.average_price, position.stop) == (-3, 20_010, 20_020)


# --- what was traded ----------------------------------------------------------------------------------

# Each fill: signed contracts, price. After all: when the position was opened (by the fill's number), trades
# today, losses in a row. Each fill costs 2.50.
TRADES: dict[str, tuple[list[tuple[int, int]], int | None, int, int]] = {
    "opened": ([(2, 20_000)], 0, 1, 0),
    "added to": ([(1, 20_000), (1, 20_004)], 0, 1, 0),
    "closed at a loss": ([(2, 20_000), (-2, 19_990)], None, 1, 1),
    "closed at a profit": ([(2, 20_000), (-2, 20_010)], None, 1, 0),
    "closed in parts is one loss": ([(2, 20_000), (-1, 19_990), (-1, 19_990)], None, 1, 1),
    "one part won, the whole lost": ([(2, 20_000), (-1, 20_010), (-1, 19_980)], None, 1, 1),
    "one part lost, the whole won": ([(2, 20_000), (-1, 19_990), (-1, 20_020)], None, 1, 0),
    "reduced is not closed": ([(2, 20_000), (-1, 19_990)], 0, 1, 0),
    "flat by price is a loss by commission": ([(1, 20_000), (-1, 20_000)], None, 1, 1),
    "two losses": ([(1, 20_000), (-1, 19_999), (1, 20_000), (-1, 19_999)], None, 2, 2),
    "a loss and a profit": ([(1, 20_000), (-1, 19_999), (1, 20_000), (-1, 20_001)], None, 2, 0),
    "a short at a loss": ([(-1, 20_000), (1, 20_010)], None, 1, 1),
    "turned at a loss": ([(2, 20_000), (-5, 19_990)], 1, 2, 1),
    "turned at a loss, then closed at a profit": ([(2, 20_000), (-5, 19_990), (3, 19_980)], None, 2, 0),
    "turned at a profit, then closed at a loss": ([(2, 20_000), (-5, 20_010), (3, 20_020)], None, 2, 1),
}


@pytest.mark.parametrize("row", TRADES.values(), ids=TRADES)
def test_fills_open_and_close_trades(
    account: Account, row: tuple[list[tuple[int, int]], int | None, int, int]
) -> None:
    traded, opened, trades, losses = row
    for number, (signed, price) in enumerate(traded):
        side = Side.BUY if signed > 0 else Side.SELL
        one = fill(number, abs(signed), price, order=f"o{number}", side=side, seconds=number)
        book(account, report(one, seconds=number), report(one, seconds=number))  # the second changes nothing
    state = state_of(account)
    assert Position.objects.get().opened_at == (None if opened is None else at(opened))
    assert (state.trades_today, state.losses_in_a_row) == (trades, losses)
    assert state.last_trade_at == at(len(traded) - 1)
    assert AccountDay.objects.get().trades == trades


def test_a_trade_of_another_day_is_not_todays(account: Account) -> None:
    """Chicago's day ends at 23:00 UTC, six hours after noon in New York."""
    book(
        account,
        report(fill(1, 1), seconds=0),
        report(fill(2, 1, side=Side.SELL, seconds=7 * 3600), seconds=7 * 3600),
    )
    assert (state_of(account).trades_today, state_of(account).losses_in_a_row) == (0, 1)
    assert [day.trades for day in AccountDay.objects.order_by("day")] == [1, 0]


def test_a_result_in_another_currency_is_not_counted(account: Account) -> None:
    book(
        account,
        report(fill(1, 1, symbol="EURGBP"), fill(2, 1, 1, symbol="EURGBP", side=Side.SELL, seconds=1)),
    )
    assert (state_of(account).trades_today, state_of(account).losses_in_a_row) == (1, 0)


def test_three_losses_in_a_row_stop_an_account_that_wants_that() -> None:
    from firms.models import PersonalLimits

    source = make_source()
    _, account = make_follower(source=source, paper=False)
    PersonalLimits.objects.create(account=account, max_losses_in_a_row=3)
    for number in range(3):
        name = f"o{number}"
        book(
            account,
            report(fill(1, 1, order=name, seconds=number), seconds=number),
            report(fill(2, 1, 19_999, order=name, side=Side.SELL, seconds=number), seconds=number),
        )
        [decision] = decide(entry_signal(source, alert_id=name))
        assert decision.allowed is (number < 2)
        Order.objects.update(status="canceled")
    assert decision.breach_type == "rate"


# --- repeats and disorder -----------------------------------------------------------------------------


def everything(account: Account) -> tuple[Any, ...]:
    """All that is kept of an account but for when it was booked."""
    orders = Order.objects.order_by("pk").values_list("status", "filled_quantity", "average_price")
    positions = Position.objects.values_list(
        "symbol", "quantity", "average_price", "stop", "price", "last_fill_at"
    )
    state = AccountState.objects.filter(account=account).values_list(
        "balance", "equity", "as_of", "trading_day", "day_start_balance", "highest_equity", "highest_close"
    )
    fills = Fill.objects.order_by("venue_fill_id").values_list("venue_fill_id", "quantity", "price")
    return list(orders), list(positions), list(state), list(fills)


def test_the_same_report_again_changes_nothing(account: Account) -> None:
    make_entry(account)
    said = report(fill(1, 1), fill(2, 3, 20_004), equity=50_100, price=20_004)
    book(account, said)
    before = everything(account)
    book(account, said, said)
    assert everything(account) == before


# Four contracts in three parts, each with the report that a poll right after it would bring.
PARTS = [
    report(fill(1, 1, 20_000, seconds=1), seconds=1, equity=50_000, balance=50_000, price=20_000),
    report(fill(2, 1, 20_004, seconds=2), seconds=2, equity=50_080, balance=50_000, price=20_004),
    report(fill(3, 2, 20_006, seconds=3), seconds=3, equity=50_200, balance=50_000, price=20_006),
]


@given(
    order=st.lists(st.sampled_from(range(3)), min_size=3, max_size=7).filter(lambda o: set(o) == {0, 1, 2})
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_reports_in_any_order_and_repeated_end_in_the_same_state(account: Account, order: list[int]) -> None:
    with transaction.atomic():
        make_entry(account)
        book(account, *[PARTS[number] for number in order])
        [[status, filled, average]], [position], [state], fills = everything(account)
        transaction.set_rollback(True)
    assert (status, filled, average) == ("filled", 4, 20_004)  # (20,000 + 20,004 + 2 x 20,006) / 4
    assert position == ("NQ", 4, 20_004, 19_990, 20_006, at(3))
    assert (state[1], state[2], len(fills)) == (50_200, at(3), 3)


@given(order=st.permutations(range(4)))
@settings(max_examples=24, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_an_entry_and_its_close_end_flat_in_any_order(account: Account, order: list[int]) -> None:
    """A close may be reported before the entry it closes."""
    fills = [
        fill(1, 1, 20_000, seconds=1),
        fill(2, 1, 20_004, seconds=2),
        fill(1, 1, 20_010, order="pg-x1-1", side=Side.SELL, seconds=3, why="close"),
        fill(2, 1, 20_012, order="pg-x1-1", side=Side.SELL, seconds=4, why="close"),
    ]
    with transaction.atomic():
        make_entry(account, 2)
        make_order(account, client_order_id="pg-x1-1", side="sell", leg="exit", stop_loss=None)
        book(account, *[report(fills[number], seconds=number + 1) for number in order])
        orders, [position], _, _ = everything(account)
        transaction.set_rollback(True)
    assert orders == [("filled", 2, 20_002), ("filled", 2, 20_011)]
    assert position[:4] == ("NQ", 0, None, None)


# --- money --------------------------------------------------------------------------------------------


def test_a_report_sets_the_state(account: Account) -> None:
    book(account, report(equity=50_300, balance=50_100))
    state = state_of(account)
    assert (state.balance, state.equity, state.as_of, state.source) == (50_100, 50_300, at(60), "venue")
    assert state.highest_equity == 50_300


def test_a_snapshot_older_than_the_state_changes_neither_money_nor_prices(account: Account) -> None:
    """It may have been higher then than was known: the peak is all it moves."""
    make_entry(account, 2)
    book(account, report(fill(1, 2), seconds=60, equity=49_900, price=19_998))
    orders, positions, [state], fills = everything(account)
    book(account, report(seconds=30, equity=50_500, price=20_030))
    assert everything(account) == (orders, positions, [(*state[:5], 50_500, state[6])], fills)


def test_a_snapshot_older_than_the_last_fill_is_not_believed(account: Account) -> None:
    """Its equity does not know the trade yet, and so neither its loss."""
    make_entry(account, 2)
    book(account, report(fill(1, 2, seconds=30), seconds=20, equity=50_700, price=20_017))
    assert (state_of(account).equity, state_of(account).highest_equity) == (50_000, 50_000)
    assert Position.objects.get().price == 20_000
    book(account, report(seconds=30, equity=49_995, price=20_000))
    assert state_of(account).equity == 49_995


def test_peaks_only_rise(account: Account) -> None:
    for seconds, equity in enumerate((50_200, 50_900, 49_500)):
        book(account, report(seconds=seconds, equity=equity, balance=50_000))
    state = state_of(account)
    assert (state.equity, state.highest_equity, state.highest_close) == (49_500, 50_900, 50_000)
    day = AccountDay.objects.get()
    assert (day.high_equity, day.low_equity) == (50_900, 49_500)


def test_the_venues_own_peaks_and_anchors_are_taken(account: Account) -> None:
    told = report(day_start_balance=Decimal(50_400), highest_equity=Decimal(51_000))
    book(account, told)
    state = state_of(account)
    assert (state.day_start_balance, state.highest_equity, state.highest_close) == (50_400, 51_000, 50_400)


def test_a_report_belongs_to_the_day_of_its_own_time(account: Account) -> None:
    """The day of a Chicago program ends at 17:00: 23:00 UTC. A snapshot a minute before is the new day's anchor."""
    before_reset, after_reset = 6 * 3600 - 60, 6 * 3600 + 60
    book(account, report(seconds=before_reset, equity=50_600, balance=50_500))
    first = state_of(account)
    assert (str(first.trading_day), first.day_start_balance) == ("2026-03-04", 50_000)
    book(account, report(seconds=after_reset, equity=50_400, balance=50_500))
    state = state_of(account)
    assert (str(state.trading_day), state.day_start_balance, state.day_start_equity) == (
        "2026-03-05",
        50_500,
        50_600,
    )
    assert (state.highest_equity, state.highest_close) == (50_600, 50_500)
    assert [str(day.day) for day in AccountDay.objects.all()] == ["2026-03-05", "2026-03-04"]


def test_a_day_that_began_unseen_has_no_known_anchor(account: Account) -> None:
    """The last snapshot was at noon, the laptop slept over the reset: entries are blocked, nothing is guessed."""
    book(account, report(seconds=6 * 3600 + 60, equity=50_400))
    state = state_of(account)
    assert (state.day_start_balance, state.day_start_equity, state.equity) == (None, None, 50_400)


def test_a_flat_paper_account_knows_its_anchor_however_long_nobody_looked() -> None:
    account = make_account(paper=True)
    paper = StateReport(
        balance=Decimal(50_000), equity=Decimal(50_000), as_of=at(48 * 3600), source=StateSource.PAPER
    )
    book(account, VenueReport(paper, [], []))
    state = state_of(account)
    assert (str(state.trading_day), state.day_start_balance) == ("2026-03-06", 50_000)


def test_a_paper_account_with_something_open_over_the_reset_does_not(account: Account) -> None:
    account = make_account("Apex-2", paper=True)
    make_entry(account, 2)
    assert not reports.is_settled(account)
    Order.objects.update(status="filled")
    assert reports.is_settled(account)
    Position.objects.create(account=account, symbol="NQ", family="NQ", quantity=2)
    assert not reports.is_settled(account)


# --- posted state -------------------------------------------------------------------------------------


def posted(equity: int, seconds: float = 60) -> StateReport:
    return StateReport(
        balance=Decimal(equity), equity=Decimal(equity), as_of=at(seconds), source=StateSource.DECLARED
    )


def test_state_may_be_posted(account: Account) -> None:
    assert reports.post_state(account, posted(50_250)).equity == 50_250
    assert reports.post_state(account, posted(60_000, seconds=30)).equity == 50_250  # older: not taken


def test_a_paper_accounts_state_may_not_be_posted() -> None:
    account = make_account(paper=True)
    with pytest.raises(reports.ReportsItself):
        reports.post_state(account, posted(60_000))
    assert state_of(account).equity == 50_000
