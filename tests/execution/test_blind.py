"""Blind accounts: sent once, counted as filled, told to be flat at most three times, and never verified."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from enforcement.account import StateReport, StateSource
from enforcement.orders import Side
from execution import blind, exit_loop, reports
from execution.connectors import ApprovedOrder, ClosingOrder, InDoubt, Rejected, Sent, Unavailable
from execution.connectors.forward import ForwardConnector
from execution.enforcement_service import Facts, load
from execution.models import Alarm, Exit, Fill, Order, Position, SignalSource
from firms.models import Account, AccountState
from tests.execution.make import (
    close_signal,
    decide,
    entry_signal,
    make_live_follower,
    open_exits,
    route,
    the_entry,
)
from tests.make import make_account, make_route

pytestmark = pytest.mark.django_db(transaction=True)


class Wire:
    """What left, and what the receiver says to the next ones."""

    def __init__(self) -> None:
        self.entries: list[ApprovedOrder] = []
        self.flats: list[ClosingOrder] = []
        self.answers: list[Exception | None] = []

    def answer(self) -> None:
        said = self.answers.pop(0) if self.answers else None
        if said is not None:
            raise said


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Wire:
    wire = Wire()

    class Connector(ForwardConnector):
        def submit(self, order: ApprovedOrder) -> Sent:
            wire.entries.append(order)
            wire.answer()
            return Sent("there-1")

        def close(self, order: ClosingOrder) -> Sent:
            wire.flats.append(order)
            wire.answer()
            return Sent("there-2")

    monkeypatch.setattr("execution.connectors.CONNECTORS", {"memory": Connector})
    return wire


@pytest.fixture
def following(wire: Wire, clock: time_machine.Traveller) -> tuple[SignalSource, Account]:
    return make_live_follower(automation="auto")


@pytest.fixture
def time(clock: time_machine.Traveller) -> Iterator[time_machine.Traveller]:
    return clock


def facts_of(account: Account) -> Facts:
    found = load([account.pk], timezone.now())[account.pk]
    assert isinstance(found, Facts)
    return found


def post(account: Account, balance: int, equity: int | None = None, *, flat: bool = False) -> None:
    report = StateReport(
        balance=Decimal(balance), equity=Decimal(equity if equity is not None else balance),
        as_of=timezone.now(), source=StateSource.DECLARED,
    )  # fmt: skip
    reports.post_state(account, report, flat=flat)


def alarms_of(kind: str) -> list[Alarm]:
    return list(Alarm.objects.filter(kind=kind, closed_at=None))


# --- entries ------------------------------------------------------------------------------------------


def test_an_entry_that_was_taken_stays_reserved_and_no_fill_is_made_up(
    following: tuple[SignalSource, Account], wire: Wire
) -> None:
    source, account = following
    route(entry_signal(source))
    assert [order.symbol for order in wire.entries] == ["NQ"]
    entry = the_entry(account)
    assert (entry.status, entry.filled_quantity, entry.venue_order_id) == ("accepted", 0, "there-1")
    [working] = facts_of(account).working
    assert (working.quantity, working.risk) == (2, Decimal(440))
    assert not Fill.objects.exists()
    assert AccountState.objects.get(account=account).trades_today == 1


def test_a_second_entry_in_the_same_symbol_is_no_second_trade(
    following: tuple[SignalSource, Account], wire: Wire
) -> None:
    source, account = following
    route(entry_signal(source))
    route(entry_signal(source, entry_price="20001"))
    assert len(wire.entries) == 2
    assert AccountState.objects.get(account=account).trades_today == 1


def test_contracts_taken_count_against_the_cap(following: tuple[SignalSource, Account], wire: Wire) -> None:
    source, account = following
    account.program.max_contracts = 3
    account.program.save()
    route(entry_signal(source))
    [decision] = decide(entry_signal(source, entry_price="20001"))
    assert (decision.allowed, decision.breach_type) == (False, "contracts")


@pytest.mark.parametrize(
    ("error", "status", "alarm"),
    [
        (InDoubt("timed out"), {"held"}, "order_held"),
        (Rejected("invalid-quantity: no"), {"rejected"}, None),
        (Unavailable("no address"), {"canceled"}, "not_sent"),
    ],
)
def test_an_entry_is_sent_once_whatever_is_answered(
    following: tuple[SignalSource, Account], wire: Wire, error: Exception, status: set[str], alarm: str | None
) -> None:
    source, account = following
    wire.answers = [error]
    signal = entry_signal(source)
    route(signal)
    route(signal)
    assert len(wire.entries) == 1
    assert the_entry(account).status in status
    assert {one.kind for one in Alarm.objects.filter(closed_at=None)} == ({alarm} if alarm else set())


def test_what_could_not_be_sent_is_told_once_and_over_with_the_next_yes(
    following: tuple[SignalSource, Account], wire: Wire
) -> None:
    source, _ = following
    wire.answers = [Unavailable("no address"), Unavailable("no address")]
    for price in ("20000", "20001"):
        route(entry_signal(source, entry_price=price))
    assert len(alarms_of("not_sent")) == 1
    route(entry_signal(source, entry_price="20002"))
    assert not alarms_of("not_sent")


# --- money --------------------------------------------------------------------------------------------


def test_a_profit_that_is_not_closed_does_not_count_while_something_may_be_open(
    following: tuple[SignalSource, Account], wire: Wire, time: time_machine.Traveller
) -> None:
    source, account = following
    route(entry_signal(source))
    time.shift(10)
    post(account, 50_000, 50_900)
    state = facts_of(account).state
    assert state is not None
    assert (state.balance, state.equity) == (50_000, 50_000)
    post(account, 50_000, 49_700)
    state = facts_of(account).state
    assert state is not None
    assert state.equity == 49_700


def test_a_venue_that_can_be_asked_keeps_its_equity(clock: time_machine.Traveller) -> None:
    account = make_account(live=True)
    post(account, 50_000, 50_900)
    state = facts_of(account).state
    assert state is not None
    assert state.equity == 50_900


def test_after_an_exit_the_money_is_unknown_until_it_is_posted(
    following: tuple[SignalSource, Account], wire: Wire, time: time_machine.Traveller
) -> None:
    source, account = following
    route(entry_signal(source))
    time.shift(60)
    route(close_signal(source))
    time.shift(1)
    assert facts_of(account).state is None
    [decision] = decide(entry_signal(source, entry_price="20002"))
    assert (decision.allowed, decision.breach_type) == (False, "stale")
    post(account, 49_800)
    assert facts_of(account).state is not None


# --- exits --------------------------------------------------------------------------------------------


def test_an_exit_tells_the_symbol_to_be_flat_and_assumes_it(
    following: tuple[SignalSource, Account], wire: Wire, time: time_machine.Traveller
) -> None:
    source, account = following
    route(entry_signal(source))
    time.shift(60)
    route(close_signal(source))
    [flat] = wire.flats
    assert (flat.symbol, flat.side, flat.quantity) == ("NQ", Side.SELL, 2)
    [row] = Exit.objects.all()
    assert row.done_at is not None
    assert row.note == "assumed flat, not verified"
    entry = the_entry(account)
    assert (entry.status, entry.filled_quantity) == ("filled", 2)
    assert "nobody can be asked" in entry.note
    assert facts_of(account).working == ()
    assert {order.status for order in row.orders.all()} == {"filled"}
    [alarm] = alarms_of("exit_unverified")
    assert "not verified: the command was taken" in alarm.message
    assert not Fill.objects.exists()
    assert not Position.objects.exclude(quantity=0).exists()


def test_a_command_without_a_clear_answer_is_sent_three_times_at_most(
    following: tuple[SignalSource, Account], wire: Wire, time: time_machine.Traveller
) -> None:
    source, account = following
    route(entry_signal(source))
    wire.answers = [InDoubt("timed out")] * 9
    route(close_signal(source))
    [row] = open_exits(account)
    for _ in range(30):
        time.shift(1)
        exit_loop.work(row.pk)
    assert len(wire.flats) == 3
    row.refresh_from_db()
    assert row.note == "assumed flat, not verified"
    assert the_entry(account).status == "filled"
    assert {order.status for order in row.orders.all()} == {"expired"}
    [alarm] = alarms_of("exit_unverified")
    assert "sent 3 times and never answered clearly" in alarm.message
    assert not alarms_of("order_in_doubt") + alarms_of("order_held")


def test_the_pause_between_two_commands_grows(
    following: tuple[SignalSource, Account], wire: Wire, time: time_machine.Traveller
) -> None:
    source, account = following
    route(entry_signal(source))
    wire.answers = [InDoubt("timed out")] * 9
    route(close_signal(source))
    [row] = open_exits(account)
    sent = []
    for second in range(1, 8):
        time.shift(1)
        exit_loop.work(row.pk)
        sent.append(len(wire.flats))
        assert second
    assert sent == [1, 2, 2, 2, 2, 3, 3]  # after 2 s, then after 4


@pytest.mark.parametrize(
    "error", [Unavailable("no address"), Rejected("invalid-password: no")], ids=["not sent", "refused"]
)
def test_what_was_never_taken_is_tried_on_with_an_alarm(
    following: tuple[SignalSource, Account], wire: Wire, time: time_machine.Traveller, error: Exception
) -> None:
    source, account = following
    route(entry_signal(source))
    wire.answers = [error] * 6
    route(close_signal(source))
    [row] = open_exits(account)
    for _ in range(70):
        time.shift(1)
        exit_loop.work(row.pk)
    assert len(wire.flats) == 7
    assert the_entry(account).status == "filled"
    row.refresh_from_db()
    assert row.done_at is not None
    assert Alarm.objects.filter(kind="exit_open").exists()
    assert not alarms_of("exit_open")


def test_an_entry_in_doubt_does_not_hold_the_command_back_and_stays_in_doubt(
    following: tuple[SignalSource, Account], wire: Wire
) -> None:
    source, account = following
    wire.answers = [InDoubt("timed out")]
    route(entry_signal(source))
    route(close_signal(source))
    assert [flat.symbol for flat in wire.flats] == ["NQ"]
    assert not open_exits(account)
    assert the_entry(account).status == "held"
    assert alarms_of("order_held")


def test_an_entry_on_its_way_gets_a_command_now_and_one_after_its_answer(
    following: tuple[SignalSource, Account], wire: Wire, time: time_machine.Traveller
) -> None:
    from execution import orders
    from execution.order_state import OrderStatus

    source, account = following
    decide(entry_signal(source))
    entry = the_entry(account)
    orders.move(entry, OrderStatus.SUBMITTING, now=timezone.now(), claimed_at=timezone.now())
    route(close_signal(source))
    [row] = open_exits(account)
    assert len(wire.flats) == 1
    assert row.note == "an entry it covers is on its way"
    time.shift(3)
    orders.move(entry, OrderStatus.ACCEPTED, now=timezone.now())
    time.shift(1)
    exit_loop.work(row.pk)
    assert len(wire.flats) == 2
    assert not open_exits(account)
    assert the_entry(account).status == "filled"


def test_each_symbol_of_a_family_is_told(following: tuple[SignalSource, Account], wire: Wire) -> None:
    source, _ = following
    route(entry_signal(source))
    route(entry_signal(source, symbol="MNQ1!", entry_price="20001"))
    route(close_signal(source))
    assert sorted(flat.symbol for flat in wire.flats) == ["MNQ", "NQ"]


def test_a_smaller_target_flattens_whole_and_a_target_already_met_sends_nothing(
    following: tuple[SignalSource, Account], wire: Wire, time: time_machine.Traveller
) -> None:
    from execution.exits import open_exit

    source, account = following
    signal = entry_signal(source)
    route(signal)
    for target, sent in ((Decimal(2), 0), (Decimal(1), 1)):
        time.shift(1)
        open_exit(account.pk, "NQ", "NQ", None, target, timezone.now())
        [row] = open_exits(account)
        exit_loop.work(row.pk)
        assert len(wire.flats) == sent
        assert not open_exits(account)
    assert the_entry(account).status == "filled"


def test_a_repeated_close_is_sent_again_and_forgets_nothing_new(
    following: tuple[SignalSource, Account], wire: Wire, time: time_machine.Traveller
) -> None:
    source, account = following
    route(entry_signal(source))
    route(close_signal(source))
    time.shift(60)
    post(account, 49_900, flat=True)
    assert not alarms_of("exit_unverified")
    time.shift(60)
    route(close_signal(source))
    assert len(wire.flats) == 2
    assert facts_of(account).state is not None
    assert not alarms_of("exit_unverified")


def test_where_nothing_was_ever_sent_nothing_is(following: tuple[SignalSource, Account], wire: Wire) -> None:
    source, account = following
    route(close_signal(source))
    assert wire.flats == []
    assert not open_exits(account)
    assert not Alarm.objects.exists()


def test_nothing_ever_leaves_an_account_for_advice_only(wire: Wire, clock: time_machine.Traveller) -> None:
    source, _ = make_live_follower(automation="advise_only")
    route(entry_signal(source))
    route(close_signal(source))
    assert (wire.entries, wire.flats) == ([], [])
    assert {alarm.kind for alarm in Alarm.objects.all()} == {"advice"}


# --- what a person says -------------------------------------------------------------------------------


def test_flat_in_a_posted_state_ends_what_was_taken_before_it(
    following: tuple[SignalSource, Account], wire: Wire, time: time_machine.Traveller
) -> None:
    source, account = following
    route(entry_signal(source))
    time.shift(60)
    post(account, 49_700)
    assert len(facts_of(account).working) == 1  # balance and equity alone say nothing of positions
    post(account, 49_700, flat=True)
    assert facts_of(account).working == ()
    assert "posted state" in the_entry(account).note
    assert facts_of(account).state is not None


def test_flat_of_an_earlier_moment_ends_nothing(
    following: tuple[SignalSource, Account], wire: Wire, time: time_machine.Traveller
) -> None:
    source, account = following
    route(entry_signal(source))
    before = StateReport(
        balance=Decimal(50_000), equity=Decimal(50_000), as_of=timezone.now() - timedelta(seconds=1),
        source=StateSource.DECLARED,
    )  # fmt: skip
    reports.post_state(account, before, flat=True)
    assert the_entry(account).status == "accepted"


def test_a_person_declares_it_flat_and_the_money_waits(
    following: tuple[SignalSource, Account], wire: Wire, time: time_machine.Traveller, admin_user: Any
) -> None:
    source, account = following
    route(entry_signal(source))
    time.shift(60)
    [ended] = blind.declare_flat(account, reason="stopped out", now=timezone.now(), actor=admin_user)
    assert ended.status == "filled"
    time.shift(1)
    assert facts_of(account).working == ()
    assert facts_of(account).state is None
    from firms.models import AuditEntry as Audit

    entry = Audit.objects.get(action="account.declared_flat")
    assert (entry.actor, entry.reason, entry.before) == (admin_user, "stopped out", "buy 2 NQ")


def test_another_account_of_the_trader_is_left_alone(
    following: tuple[SignalSource, Account], wire: Wire, time: time_machine.Traveller
) -> None:
    source, account = following
    other = make_account("Other", account.program, live=True)
    make_route(source, other)
    route(entry_signal(source))
    time.shift(1)
    post(account, 50_000, flat=True)
    assert Order.objects.filter(account=account, status="filled").count() == 1


# --- the system's own word -----------------------------------------------------------------------------


def test_the_systems_own_exit_covers_the_entry_of_the_newest_signal(
    following: tuple[SignalSource, Account], wire: Wire, time: time_machine.Traveller
) -> None:
    from execution import exits

    source, account = following
    route(entry_signal(source))
    time.shift(1)
    exits.open_flat({(account.pk, "NQ"): "NQ"}, timezone.now())
    exit_loop.work(open_exits(account)[0].pk)
    assert [flat.symbol for flat in wire.flats] == ["NQ"]
    assert (the_entry(account).status, open_exits(account)) == ("filled", [])


def test_an_entry_in_doubt_of_a_locked_account_is_told_to_be_flat_once_not_with_every_pass(
    following: tuple[SignalSource, Account], wire: Wire, time: time_machine.Traveller
) -> None:
    from execution import monitor
    from execution.leadership import SOLE
    from firms.models import FlagKey
    from firms.services import raise_flag

    source, account = following
    wire.answers = [InDoubt("timed out")]
    route(entry_signal(source))
    raise_flag(account, FlagKey.FAILED, cause="drawdown", reason="broken", now=timezone.now())
    for _ in range(5):
        time.shift(2)
        monitor.watch(SOLE)
        for row in open_exits(account):
            exit_loop.work(row.pk)
    assert (len(wire.flats), Exit.objects.count(), the_entry(account).status) == (1, 1, "held")


def test_a_kill_that_died_before_its_exits_is_carried_on_where_nothing_can_be_read(
    following: tuple[SignalSource, Account], wire: Wire, time: time_machine.Traveller
) -> None:
    from execution import flattening, kill

    source, account = following
    route(entry_signal(source))
    kill._switch_on(None, flatten=True, reason="stop", actor=None, now=timezone.now())
    for _ in range(3):
        time.shift(2)
        flattening._safely(account, kill.kills_over(None)[0].raised_at, flatten=True)
    assert [flat.symbol for flat in wire.flats] == ["NQ"]
    assert the_entry(account).status == "filled"


def test_a_kill_that_only_stops_is_done_where_what_was_taken_counts_as_filled(
    following: tuple[SignalSource, Account], wire: Wire
) -> None:
    from execution import flattening, kill

    source, _ = following
    route(entry_signal(source))
    kill.engage(None, flatten=False, reason="stop")
    report = flattening.run(None, 1)
    assert report.is_done
    assert report.words == "stopped: no entry leaves; 1 position left open"
