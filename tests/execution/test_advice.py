"""Programs that allow signals as advice only: a person is told, and nothing leaves."""

from decimal import Decimal

import pytest

from execution import exit_loop, reports
from execution.connectors import venue_of
from execution.models import Alarm, Decision, Exit, Order, Position, SignalSource
from firms.models import Account, Program
from tests.execution.make import (
    close_signal,
    entry_signal,
    held,
    make_follower,
    make_live_follower,
    open_exits,
    route,
)
from tests.execution.venue import Venue
from tests.make import NOON, make_account, make_program, make_route, make_source

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


@pytest.fixture
def source() -> SignalSource:
    return make_source()


@pytest.fixture
def account(source: SignalSource, venue: Venue) -> Account:
    _, account = make_live_follower(source=source, automation="advise_only")
    return account


def told() -> list[str]:
    return list(Alarm.objects.filter(kind="advice").order_by("pk").values_list("message", flat=True))


def test_an_entry_is_decided_and_told_and_no_order_is_made(
    source: SignalSource, account: Account, venue: Venue
) -> None:
    route(entry_signal(source, entry_price="20000", target="20030"))
    decision = Decision.objects.get()
    assert (decision.allowed, decision.quantity) == (True, 2)
    assert "automation_policy.advise" in {finding.code for finding in decision.findings}
    assert (Order.objects.count(), venue.calls) == (0, [])
    assert told() == [
        "Buy 2 NQ at 20,000, stop 19,990, target 20,030 on Apex-2: the program allows advice only, nothing was sent."
    ]
    assert Alarm.objects.get().account == account


def test_each_signal_is_told_of(source: SignalSource, account: Account) -> None:
    route(entry_signal(source, alert_id="1"))
    route(entry_signal(source, alert_id="2"))
    assert len(told()) == 2


def test_a_refused_entry_is_no_advice(source: SignalSource, account: Account) -> None:
    route(entry_signal(source, contracts=50))
    assert (Decision.objects.get().allowed, told()) == (False, [])


def test_advice_for_one_account_keeps_no_other_from_its_order(source: SignalSource, account: Account) -> None:
    _, paper = make_follower(source=source, program=make_program(number=9))
    route(entry_signal(source))
    assert (Order.objects.get().account, len(told())) == (paper, 1)


def test_an_exit_is_told_and_nothing_leaves(source: SignalSource, account: Account, venue: Venue) -> None:
    """Whatever the person holds there by hand is not ours to close."""
    venue.held[account.pk, "NQ"] = Decimal(2)
    Position.objects.create(account=account, symbol="NQ", family="NQ", quantity=2, opened_at=NOON)
    route(close_signal(source))
    assert (venue.calls, open_exits(account)) == ([], [])
    assert told() == ["Close NQ on Apex-2: the program allows advice only, nothing was sent."]


def test_an_exit_of_an_account_without_a_connection_is_told_too(source: SignalSource) -> None:
    account = make_account("Apex-9", make_program(automation="advise_only"), live=True)
    make_route(source, account)
    route(close_signal(source))
    assert (len(told()), open_exits(account)) == (1, [])


def test_what_this_system_opened_is_closed_although_only_advice_is_allowed_by_now(
    source: SignalSource, venue: Venue
) -> None:
    _, account = make_live_follower(source=source, automation="auto")
    route(entry_signal(source))
    reports.collect(venue_of(account))  # type: ignore[arg-type]
    assert held(account) == 2
    Program.objects.filter(pk=account.program_id).update(automation="advise_only")
    route(close_signal(source))
    assert (held(account), open_exits(account), told()) == (0, [], [])
    assert len(venue.asked("close")) == 1


def test_what_this_system_has_on_its_way_is_followed_too(source: SignalSource, venue: Venue) -> None:
    _, account = make_live_follower(source=source, automation="auto")
    venue.fills_at_once = False
    route(entry_signal(source))
    Program.objects.filter(pk=account.program_id).update(automation="advise_only")
    close_signal(source)
    for row in Exit.objects.filter(done_at=None):
        exit_loop.work(row.pk)
    assert (len(venue.asked("cancel")), told()) == (1, [])


def test_what_was_opened_by_hand_after_our_own_trade_is_not_ours(
    source: SignalSource, account: Account, venue: Venue
) -> None:
    from datetime import timedelta

    from execution.models import Fill
    from execution.order_state import OrderStatus
    from tests.execution.make import make_order

    order = make_order(account, status=OrderStatus.FILLED)
    Fill.objects.create(
        account=account, order=order, venue_fill_id="1", symbol="NQ", side="buy", quantity=2, price=20_000,
        commission=0, filled_at=NOON - timedelta(hours=1), booked_at=NOON,
    )  # fmt: skip
    Position.objects.create(account=account, symbol="NQ", family="NQ", quantity=1, opened_at=NOON)
    route(close_signal(source))
    assert (venue.calls, len(told())) == ([], 1)


def test_on_paper_advice_only_is_a_warning_and_everything_runs(source: SignalSource) -> None:
    _, account = make_follower(source=source, program=make_program(automation="advise_only"))
    route(entry_signal(source))
    assert held(account) == 2
    route(close_signal(source))
    assert (held(account), told()) == (0, [])
