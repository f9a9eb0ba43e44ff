"""What makes paper honest: latency, costs, parts, hours, failures; and that chance repeats itself."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pytest
import time_machine

from enforcement.orders import Side
from execution import marks, reconcile, reports, supervision
from execution.connectors import ClosingOrder, InDoubt, Rejected, Unavailable
from execution.connectors.paper import PaperConnector
from execution.connectors.paper.words import remarks
from execution.models import (
    Mark,
    Order,
    PaperBook,
    PaperFill,
    PaperOrder,
    PaperPosition,
    PaperSettings,
    Position,
)
from firms.models import Account, MarketClosure
from tests.execution.connectors.contract import buy, closing, sell
from tests.execution.make import close_signal, entry_signal, held, make_follower, open_exits, route, the_entry
from tests.make import NOON, make_account, make_program

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]
COMMISSION = Decimal("2.50")


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def mark(price: str | int, seconds: float = 0, **extremes: str) -> int:
    bar = {name: Decimal(value) for name, value in extremes.items()}
    return marks.post([marks.Price("NQ", Decimal(price), at(seconds), **bar)])


def paper_with(**settings: Any) -> PaperConnector:
    """A paper account whose venue is plain but for these settings."""
    account = make_account(program=make_program(daily_loss=None, drawdown=20_000), paper=True)
    return switch(account, **settings)


def switch(account: Account, **settings: Any) -> PaperConnector:
    PaperSettings.objects.filter(connection__venue_accounts=account.pk).update(**settings)
    return PaperConnector(account)


def executed(paper: PaperConnector) -> list[tuple[str, Decimal, Decimal]]:
    return [(f.why, f.quantity, f.price) for f in paper.report(frozenset()).fills]


def position(paper: PaperConnector) -> Decimal:
    return sum((p.quantity for p in paper.positions()), Decimal(0))


def working(paper: PaperConnector) -> list[tuple[bool, Decimal, str]]:
    return sorted((o.protects, o.quantity, o.status.value) for o in paper.working_orders())


# --- latency ------------------------------------------------------------------------------------------

SLOW = {"latency_min_ms": 300, "latency_max_ms": 300}


def test_an_order_works_until_its_latency_is_over(clock: time_machine.Traveller) -> None:
    paper = paper_with(**SLOW)
    paper.submit(buy())
    clock.shift(0.299)
    found = paper.find("pg-1")
    assert (position(paper), found and found.status) == (0, "accepted")
    clock.shift(0.001)
    found = paper.find("pg-1")
    assert (position(paper), found and found.status) == (2, "filled")


@pytest.mark.parametrize(
    ("seconds", "price"), [(0.299, "20003"), (0.3, "20001"), (5, "20001")],
    ids=["just before it fills", "as it fills", "long after"],
)  # fmt: skip
def test_it_fills_at_the_mark_that_is_valid_then_whenever_it_is_asked_for(
    clock: time_machine.Traveller, seconds: float, price: str
) -> None:
    mark("20001")
    paper = paper_with(**SLOW)
    paper.submit(buy(stop_loss=None, target=None))
    clock.shift(seconds)
    mark("20003", seconds)
    clock.shift(10)
    [fill] = paper.report(frozenset()).fills
    assert (fill.price, fill.filled_at) == (Decimal(price), at(0.3))


def test_what_is_cancelled_before_it_fills_never_does(clock: time_machine.Traveller) -> None:
    paper = paper_with(**SLOW)
    paper.submit(buy())
    paper.cancel("pg-1")
    clock.shift(1)
    found = paper.find("pg-1")
    assert (position(paper), found and found.status, working(paper)) == (0, "canceled", [])


def test_a_cancel_that_comes_late_finds_it_filled(clock: time_machine.Traveller) -> None:
    paper = paper_with(**SLOW)
    paper.submit(buy())
    clock.shift(0.3)
    paper.cancel("pg-1")
    assert (position(paper), working(paper)) == (
        2, [(True, 2, "accepted"), (True, 2, "accepted")],
    )  # fmt: skip


def test_the_books_hear_of_a_slow_fill_at_the_next_sweep(clock: time_machine.Traveller) -> None:
    source, account = make_follower()
    switch(account, **SLOW)
    route(entry_signal(source))
    assert (the_entry(account).status, held(account)) == ("accepted", 0)
    clock.shift(1)
    supervision.sweep()
    assert (the_entry(account).status, held(account)) == ("filled", 2)


def test_an_exit_at_a_slow_venue_is_done_once_it_is_flat(clock: time_machine.Traveller) -> None:
    source, account = make_follower()
    route(entry_signal(source))
    switch(account, **SLOW)
    clock.shift(1)
    route(close_signal(source))
    assert (held(account), len(open_exits(account))) == (2, 1)
    for _ in range(2):
        clock.shift(1.1)
        supervision.sweep()
    assert (held(account), open_exits(account)) == (0, [])
    assert Order.objects.filter(leg="exit").count() == 1


def test_two_closes_at_once_do_not_cross_zero(clock: time_machine.Traveller) -> None:
    paper = paper_with()
    paper.submit(buy(quantity=2, stop_loss=None, target=None))
    slow = switch(paper.account, **SLOW)
    slow.close(closing("pg-x1-1"))
    slow.close(closing("pg-x1-2"))
    clock.shift(1)
    assert position(slow) == 0
    found = slow.find("pg-x1-2")
    assert found is not None
    assert (found.status, found.filled_quantity) == ("canceled", 0)


# --- parts --------------------------------------------------------------------------------------------

PARTS = {"fills_in_parts": True, "largest_at_once": Decimal(1)}


def test_a_large_order_fills_in_parts_and_its_stop_covers_what_is_filled() -> None:
    """Buy 3 where 1 fills at once: 1, then 1 more at each mark."""
    paper = paper_with(**PARTS)
    paper.submit(buy(quantity=3, target=None))
    assert working(paper) == [(False, 3, "partially_filled"), (True, 1, "accepted")]
    mark("20001", 0.2)
    assert working(paper) == [(False, 3, "partially_filled"), (True, 2, "accepted")]
    mark("20002", 0.4)
    assert working(paper) == [(True, 3, "accepted")]
    assert executed(paper) == [
        ("market", 1, Decimal("20000.25")), ("market", 1, 20_001), ("market", 1, 20_002),
    ]  # fmt: skip


def test_without_marks_the_parts_follow_each_second(clock: time_machine.Traveller) -> None:
    paper = paper_with(**PARTS)
    paper.submit(buy(quantity=3))
    assert position(paper) == 1
    clock.shift(0.999)
    assert position(paper) == 1
    clock.shift(0.001)
    assert position(paper) == 2
    clock.shift(60)
    assert [f.filled_at for f in paper.report(frozenset()).fills] == [at(0), at(1), at(2)]


def test_the_books_show_the_parts_and_a_stop_that_ends_the_rest(clock: time_machine.Traveller) -> None:
    source, account = make_follower()
    switch(account, **PARTS)
    route(entry_signal(source))
    assert (the_entry(account).status, held(account)) == ("partially_filled", 1)
    assert Position.objects.get(account=account).stop == 19_990
    # The gap: the second part fills at that mark as well, and the stop of both is hit.
    mark("19980", 0.5)
    assert (the_entry(account).status, held(account)) == ("filled", 0)


def test_a_stop_of_the_filled_part_cancels_the_rest_of_its_entry(clock: time_machine.Traveller) -> None:
    source, account = make_follower()
    paper = switch(account, **PARTS)
    route(entry_signal(source, contracts=4))
    mark("19980", 0.5)
    assert (position(paper), held(account), working(paper)) == (0, 0, [])
    assert the_entry(account).status == "partially_filled"
    clock.shift(3)
    reconcile.reconcile_due()
    entry = the_entry(account)
    assert (entry.status, entry.filled_quantity) == ("canceled", 2)


def test_an_exit_in_parts_goes_on_until_flat(clock: time_machine.Traveller) -> None:
    source, account = make_follower()
    route(entry_signal(source, contracts=3))
    paper = switch(account, **PARTS)
    clock.shift(1)
    route(close_signal(source))
    for _ in range(4):
        clock.shift(1.1)
        supervision.sweep()
    assert (position(paper), held(account), open_exits(account)) == (0, 0, [])
    assert sum(f.quantity for f in PaperFill.objects.filter(order__reduces=True)) == 3


def test_parts_that_cross_zero_leave_the_rest_protected() -> None:
    """Short 2, buy 4 in parts of one: in the end long 2, with a stop of 2."""
    paper = paper_with(**PARTS)
    paper.submit(sell("pg-1", 2, stop_loss=None, target=None))
    mark("20000.25", 0.1)
    paper.submit(buy("pg-2", 4, target=None))
    for step in range(4):
        mark("20000.25", 0.2 + step / 10)
    assert (position(paper), working(paper)) == (2, [(True, 2, "accepted")])


# --- costs --------------------------------------------------------------------------------------------


def test_a_market_order_pays_half_the_spread_and_slippage() -> None:
    mark("20000")
    paper = paper_with(has_costs=True)
    for number in range(40):
        paper.submit(buy(f"pg-{number}", 1, stop_loss=None, target=None))
    ticks = [(price - 20_000) / Decimal("0.25") for _, _, price in executed(paper)]
    assert set(ticks) <= {1, 2, 3}
    assert min(ticks) == 1
    assert max(ticks) > 1


def test_the_spread_is_a_loss_at_once() -> None:
    mark("20000")
    paper = paper_with(has_costs=True)
    paper.submit(buy(quantity=1, stop_loss=None, target=None))
    [(_, _, price)] = executed(paper)
    assert paper.report(frozenset()).state.equity == 50_000 - COMMISSION - (price - 20_000) * 20


def test_a_stop_pays_the_gap_and_the_costs() -> None:
    paper = paper_with(has_costs=True)
    paper.submit(buy(target=None))
    mark("19980", 1)
    why, quantity, price = executed(paper)[-1]
    assert (why, quantity) == ("stop", 2)
    assert price < 19_980


def test_the_exchanges_fee_comes_on_top() -> None:
    paper = paper_with(exchange_fee_per_side=Decimal("1.40"))
    paper.submit(buy())
    report = paper.report(frozenset())
    assert [f.commission for f in report.fills] == [2 * (COMMISSION + Decimal("1.40"))]
    assert report.state.balance == 50_000 - Decimal("7.80")


# --- targets and bars ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("percent", "price", "fills"), [(0, "20020.25", False), (100, "20020.25", True), (0, "20020.50", True)],
    ids=["a touch, last in the queue", "a touch, first in it", "traded through by a tick"],
)  # fmt: skip
def test_a_target_is_filled_when_traded_through(percent: int, price: str, fills: bool) -> None:
    paper = paper_with(touch_fills_percent=percent)
    paper.submit(buy())
    mark(price, 1)
    assert (position(paper) == 0) is fills
    if fills:
        assert executed(paper)[-1] == ("target", 2, Decimal("20020.25"))


def test_a_bar_that_touches_both_is_stopped_out() -> None:
    paper = paper_with()
    paper.submit(buy())
    mark("20001", 1)
    mark("20005", 2, high="20030", low="19990")
    assert executed(paper)[1:] == [("stop", 2, Decimal("19990.25"))]


def test_of_the_bar_it_was_opened_in_a_target_sees_only_the_end() -> None:
    """The high may be from before the entry; the low may be too, and is believed all the same."""
    paper = paper_with()
    paper.submit(buy())
    mark("20005", 1, high="20030", low="20000")
    assert position(paper) == 2
    mark("20005", 2, high="20030", low="20000")
    assert executed(paper)[1:] == [("target", 2, Decimal("20020.25"))]


def test_an_old_mark_is_no_price_for_an_alert_that_has_one() -> None:
    mark("19000", -301)
    paper = paper_with()
    paper.submit(buy())
    mark("20001", 0)
    paper.submit(buy("pg-2"))
    assert [price for _, _, price in executed(paper)] == [Decimal("20000.25"), 20_001]


# --- a closed market ----------------------------------------------------------------------------------


def test_a_closed_market_rejects_entries_and_exits(clock: time_machine.Traveller) -> None:
    paper = paper_with(rejects_when_closed=True)
    paper.submit(buy())
    clock.shift(timedelta(days=3))  # a Saturday
    with pytest.raises(Rejected, match="NQ is closed"):
        paper.submit(buy("pg-2"))
    with pytest.raises(Rejected, match="NQ is closed"):
        paper.close(closing())
    assert (position(paper), paper.find("pg-2")) == (2, None)
    clock.shift(timedelta(days=2))
    paper.close(closing())
    assert position(paper) == 0


def test_a_holiday_is_named() -> None:
    day = date(2026, 3, 4)
    MarketClosure.objects.filter(day=day).delete()
    MarketClosure.objects.create(day=day, name="Founders' Day", source_url="https://x.test", read_on=day)
    paper = paper_with(rejects_when_closed=True)
    with pytest.raises(Rejected, match="Founders' Day"):
        paper.submit(buy())
    assert not PaperOrder.objects.exists()


# --- failures made on purpose -------------------------------------------------------------------------


def test_an_outage_sends_nothing_and_answers_nothing() -> None:
    paper = paper_with()
    paper.submit(buy())
    down = switch(paper.account, failure="unavailable")
    asked: list[Any] = [
        lambda: down.submit(buy("pg-2")), lambda: down.close(closing()), lambda: down.cancel("pg-1"),
        lambda: down.cancel_all(["NQ"]), lambda: down.find("pg-1"), down.working_orders, down.positions,
        lambda: down.has_working_orders(["NQ"]), lambda: down.report(frozenset()),
    ]  # fmt: skip
    for ask in asked:
        with pytest.raises(Unavailable, match="simulates"):
            ask()
    again = switch(paper.account, failure="")
    assert (position(again), again.find("pg-2")) == (2, None)


def test_the_market_moves_on_during_an_outage() -> None:
    source, account = make_follower()
    route(entry_signal(source))
    switch(account, failure="unavailable")
    mark("19980", 1)
    assert held(account) == 2
    reports.collect(switch(account, failure=""))
    assert held(account) == 0


def test_in_doubt_is_executed_and_found_out(clock: time_machine.Traveller) -> None:
    source, account = make_follower()
    switch(account, failure="in_doubt")
    route(entry_signal(source))
    assert (the_entry(account).status, held(account)) == ("unknown", 0)
    clock.shift(1)
    supervision.sweep()
    assert (the_entry(account).status, held(account)) == ("filled", 2)
    with pytest.raises(InDoubt):
        PaperConnector(account).submit(buy("pg-2"))


def test_a_venue_that_rejects_executes_nothing() -> None:
    source, account = make_follower()
    paper = switch(account, failure="rejects")
    route(entry_signal(source))
    assert (the_entry(account).status, position(paper)) == ("rejected", 0)
    switch(account, failure="")
    route(entry_signal(source, alert_id="2"))
    with pytest.raises(Rejected, match="simulates"):
        switch(account, failure="rejects").close(closing())
    assert position(PaperConnector(account)) == 2


# --- what it says -------------------------------------------------------------------------------------


def test_it_says_what_is_simulated_and_what_only_indicative() -> None:
    paper = paper_with(latency_min_ms=50, latency_max_ms=500, failure="in_doubt")
    PaperSettings.objects.update(latency_min_ms=0, latency_max_ms=0)
    with pytest.raises(InDoubt):
        switch(paper.account).submit(buy())
    told = remarks(PaperConnector(paper.account).book)
    assert [text.split(":")[0] for text in told] == ["Simulated here", "NQ", "A failure is simulated"]
    mark("20001", 1)
    switch(paper.account, failure="")
    [told_now] = remarks(PaperConnector(paper.account).book)
    assert "at once at the last mark with no spread or slippage" in told_now


def test_without_a_row_the_honest_defaults_hold() -> None:
    paper = paper_with()
    PaperSettings.objects.all().delete()
    settings = PaperConnector(paper.account).book.settings
    assert (settings.has_costs, settings.fills_in_parts, settings.rejects_when_closed) == (True, True, True)
    assert (settings.latency_min_ms, settings.latency_max_ms, settings.failure) == (50, 500, "")


# --- reproducible, and never across zero --------------------------------------------------------------

HONEST: dict[str, Any] = {
    "has_costs": True, "fills_in_parts": True, "largest_at_once": Decimal(2), "latency_min_ms": 50,
    "latency_max_ms": 500, "touch_fills_percent": 30, "exchange_fee_per_side": Decimal("1.40"),
}  # fmt: skip


def one_day(account: Account, clock: time_machine.Traveller, seed: int) -> list[Any]:
    """A random day at the venue, from an empty book at noon; its fills."""
    PaperPosition.objects.all().delete()
    PaperFill.objects.all().delete()
    PaperOrder.objects.filter(parent__isnull=False).delete()
    PaperOrder.objects.all().delete()
    PaperBook.objects.update_or_create(account=account, defaults={"balance": 50_000, "changed_at": NOON})
    Mark.objects.all().delete()
    clock.move_to(NOON)
    paper, drawn, price = PaperConnector(account), Random(seed), Decimal(20_000)
    for step in range(40):
        clock.shift(drawn.randint(50, 900) / 1000)
        price += drawn.randint(-24, 24) * Decimal("0.25")
        match drawn.randrange(4):
            case 0:
                make = drawn.choice([buy, sell])
                side = 1 if make is buy else -1
                stop, target = price - side * 5, price + side * 5
                paper.submit(
                    make(f"pg-{step}", drawn.randint(1, 6), entry_price=price, stop_loss=stop, target=target)
                )
            case 1 if net := position(paper):
                side_out = Side.SELL if net > 0 else Side.BUY
                paper.close(ClosingOrder(f"pg-x{step}", "NQ", side_out, Decimal(drawn.randint(1, 8))))
            case _:
                now = datetime.now(NOON.tzinfo)
                before = position(paper)
                entries = paper.book.working("NQ").filter(parent=None, reduces=False)
                only_reduces = not entries.exists()
                marks.post([marks.Price("NQ", price, now, price + 2, price - 2)])
                after = position(paper)
                if only_reduces:
                    assert before * after >= 0
                    assert abs(after) <= abs(before)
    clock.shift(60)
    report = paper.report(frozenset())
    assert_money_adds_up(paper, report.state.balance)
    return list(report.fills)


def assert_money_adds_up(paper: PaperConnector, balance: Decimal) -> None:
    """Equity is what was paid in, what came of every fill in points, and every fee: written out anew."""
    state = paper.report(frozenset())
    cash, net, fees = Decimal(0), Decimal(0), Decimal(0)
    for fill in state.fills:
        cash -= fill.side.sign * fill.quantity * fill.price * 20
        net += fill.side.sign * fill.quantity
        fees += fill.quantity * (COMMISSION + Decimal("1.40"))
    assert net == position(paper)
    last = state.positions[0].price if state.positions else Decimal(0)
    assert abs(state.state.equity - (50_000 + cash + net * (last or 0) * 20 - fees)) < Decimal("0.01")
    if not net:
        assert state.state.equity == balance


@pytest.mark.parametrize("seed", range(4))
def test_two_runs_of_the_same_day_are_equal_and_no_exit_crosses_zero(
    clock: time_machine.Traveller, seed: int
) -> None:
    account = paper_with(**HONEST).account
    first, second = one_day(account, clock, seed), one_day(account, clock, seed)
    assert first == second
    assert len(first) > 5


def test_another_seed_is_another_day(clock: time_machine.Traveller) -> None:
    account = paper_with(**HONEST).account
    first = one_day(account, clock, 1)
    switch(account, seed=7)
    assert one_day(account, clock, 1) != first
