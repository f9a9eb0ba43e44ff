"""The monitor marks, warns, closes in time; twice in a row it does what once does."""

from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from enforcement.account import StateReport, StateSource
from execution import alarms, exit_loop, exits, monitor, reports
from execution.leadership import SOLE, LeaseLeader
from execution.models import Alarm, Exit, Position, SignalSource
from firms.models import Account, AccountDay, AccountState, AuditEntry, Flag, PersonalLimits
from firms.services import end_flag, record_report
from tests.execution.make import decide, entry_signal, held, make_follower, open_exits, route
from tests.execution.venue import Venue
from tests.make import NOON, make_account, make_program, make_source

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]
HOURS: dict[str, Any] = {
    "hours_open": time(17), "hours_close": time(16), "hours_zone": "America/Chicago", "overnight": False,
}  # fmt: skip
FLAT_BY = datetime(2026, 3, 4, 21, 10, tzinfo=NOON.tzinfo)  # 15:10 in Chicago


def report(account: Account, equity: int | Decimal, at: datetime = NOON, **fields: Any) -> None:
    equity = Decimal(equity)
    record_report(
        account,
        StateReport(
            balance=fields.pop("balance", equity),
            equity=equity,
            as_of=at,
            source=StateSource.DECLARED,
            **fields,
        ),
        settled=False,
    )


def hold(account: Account, symbol: str = "NQ", family: str = "NQ", at: datetime = NOON) -> Position:
    return Position.objects.create(
        account=account, symbol=symbol, family=family, quantity=2, price=Decimal(20_000), average_price=20_000,
        stop=Decimal(19_990), opened_at=at, last_fill_at=at,
    )  # fmt: skip


def watch() -> None:
    monitor.watch(SOLE)


def open_alarms(kind: str) -> list[str]:
    return list(
        Alarm.objects.filter(kind=kind, closed_at=None).order_by("pk").values_list("message", flat=True)
    )


# --- the day ------------------------------------------------------------------------------------------

RESET = datetime(2026, 3, 4, 23, 0, tzinfo=NOON.tzinfo)  # 17:00 in Chicago


def test_the_turn_of_the_day_is_stored_once(clock: time_machine.Traveller) -> None:
    account = make_account(paper=True)
    clock.move_to(RESET - timedelta(seconds=1))
    watch()
    assert AccountState.objects.get().trading_day.isoformat() == "2026-03-04"
    clock.move_to(RESET)
    watch()
    watch()
    state = AccountState.objects.get()
    assert (state.trading_day.isoformat(), state.day_start_balance) == ("2026-03-05", 50_000)
    assert [day.day.isoformat() for day in AccountDay.objects.filter(account=account)] == [
        "2026-03-05",
        "2026-03-04",
    ]


@pytest.mark.parametrize(
    ("late", "day"), [(timedelta(minutes=15), "2026-03-04"), (timedelta(minutes=15, seconds=1), "2026-03-05")]
)
def test_a_turn_whose_anchor_nobody_saw_waits_for_late_reports(
    clock: time_machine.Traveller, late: timedelta, day: str
) -> None:
    account = make_account()
    report(account, 50_000)
    clock.move_to(RESET + late)
    watch()
    assert AccountState.objects.get().trading_day.isoformat() == day


# --- floors -------------------------------------------------------------------------------------------


def test_a_floor_that_rises_over_equity_locks_the_day_and_is_one_alarm(clock: time_machine.Traveller) -> None:
    account = make_account(
        state={"equity": Decimal(49_600), "balance": Decimal(49_600), "day_start_balance": Decimal(50_000)}
    )
    watch()
    assert Flag.objects.count() == 0
    PersonalLimits.objects.create(account=account, daily_loss=400)
    for _ in range(3):
        watch()
        clock.shift(2)
    flag = Flag.objects.get()
    assert (flag.key, flag.cause, flag.until) == ("day_lock", "daily_loss", RESET)
    assert len(open_alarms("floor_broken")) == Alarm.objects.filter(kind="floor_broken").count() == 1
    clock.move_to(RESET)
    watch()
    assert open_alarms("floor_broken") == []


def test_a_broken_floor_closes_what_is_open_in_every_family() -> None:
    source, account = make_source(), make_account()
    newest = entry_signal(source)
    hold(account)
    hold(account, "MES", "ES")
    report(account, 47_500)
    assert Flag.objects.get(key="failed")
    for _ in range(2):
        watch()
    found = {(row.family, row.symbol, row.covers_id, row.target) for row in open_exits(account)}
    assert found == {("NQ", "NQ", newest.pk, 0), ("ES", "MES", newest.pk, 0)}
    audited = AuditEntry.objects.get(action="account.flattened")
    assert audited.after == "ES, NQ"
    assert "failed" in audited.reason


def test_where_the_owner_wants_to_close_by_himself_nothing_is_closed() -> None:
    account = make_account(flatten_when_locked=False)
    hold(account)
    report(account, 47_500)
    watch()
    assert (Exit.objects.count(), len(open_alarms("floor_broken"))) == (0, 2)


def test_a_flag_that_a_person_ended_is_no_reason_to_close_any_more() -> None:
    account = make_account()
    hold(account)
    report(account, 47_500)
    end_flag(account, "failed", cause="drawdown", now=NOON)
    end_flag(account, "day_lock", cause="daily_loss", now=NOON)
    report(account, 50_000, NOON + timedelta(seconds=1))
    watch()
    assert Exit.objects.count() == 0


def test_a_locked_account_is_flat_at_the_venue_in_the_end(
    clock: time_machine.Traveller, venue: Venue
) -> None:
    source, account = make_follower()
    route(entry_signal(source))
    reports.collect(venue.connector(account))
    assert held(account) == 2
    clock.shift(1)
    report(account, 47_000, NOON + timedelta(seconds=1))
    watch()
    exit_loop.work(open_exits(account)[0].pk)
    assert (held(account), open_exits(account)) == (0, [])
    clock.shift(10)
    watch()
    assert Exit.objects.count() == 1


def test_an_approved_entry_of_a_locked_account_never_leaves(
    venue: Venue, clock: time_machine.Traveller
) -> None:
    source, account = make_follower()
    decide(entry_signal(source))
    report(account, 47_000)
    watch()
    exit_loop.work(open_exits(account)[0].pk)
    assert venue.asked("submit") == []
    assert open_exits(account) == []
    watch()
    assert Exit.objects.count() == 1


def test_an_exit_that_ended_without_closing_is_not_opened_again_and_again(
    clock: time_machine.Traveller,
) -> None:
    """On an advise-only account an exit is a word to a person, and done with it."""
    account = make_account()
    hold(account)
    report(account, 47_500)
    watch()
    Exit.objects.update(done_at=NOON + timedelta(seconds=5))
    clock.shift(60)
    watch()
    assert Exit.objects.count() == 1


# --- the room -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("equity", "percent"),
    [("50000", None), ("49500.01", None), ("49500", "50.0%"), ("49250.01", "25.0%"), ("49250", "25.0%"), ("49100", "10.0%"), ("49000.01", "0.0%")],
    ids=["nothing lost", "a cent above half", "half", "a cent above a quarter", "a quarter", "a tenth", "a cent"],
)  # fmt: skip
def test_the_smallest_share_that_is_reached_is_one_alarm(equity: str, percent: str | None) -> None:
    program = make_program(drawdown=None)
    account = make_account(program=program)
    report(account, Decimal(equity), day_start_balance=Decimal(50_000))
    watch()
    found = open_alarms("room")
    assert len(found) == (0 if percent is None else 1)
    if percent is not None:
        assert f"{percent} of the room above the daily loss (day start balance) floor" in found[0]


def test_warnings_come_once_a_day_each_and_end_when_the_room_is_back(clock: time_machine.Traveller) -> None:
    account = make_account(program=make_program(drawdown=None))
    seen = []
    for equity in (49_500, 49_600, 49_450, 49_200, 49_600, 49_200, 49_050, 50_000, 49_050):
        clock.shift(10)
        report(account, equity, NOON + timedelta(seconds=10 * (len(seen) + 1)), balance=Decimal(50_000))
        watch()
        seen.append((len(open_alarms("room")), Alarm.objects.filter(kind="room").count()))
    assert seen == [(1, 1), (0, 1), (0, 1), (1, 2), (0, 2), (0, 2), (1, 3), (0, 3), (0, 3)]


def test_a_new_day_warns_anew(clock: time_machine.Traveller) -> None:
    account = make_account(program=make_program(drawdown=None))
    for day in range(2):
        clock.move_to(NOON + timedelta(days=day))
        now = NOON + timedelta(days=day)
        report(account, 49_450, now, balance=Decimal(50_000), day_start_balance=Decimal(50_000))
        watch()
    assert [len(open_alarms("room")), Alarm.objects.filter(kind="room").count()] == [1, 2]


def test_without_shares_nobody_is_warned() -> None:
    account = make_account(warn_at_shares="")
    report(account, 49_050)
    watch()
    assert open_alarms("room") == []


# --- before the close ---------------------------------------------------------------------------------


def flat_by_account(**fields: Any) -> Account:
    program = make_program(flat_by=time(15, 10), flat_by_zone="America/Chicago", **HOURS)
    return make_follower(program=program, **fields)[1]


@pytest.mark.parametrize(
    ("lead", "before", "closes"),
    [
        pytest.param(2, timedelta(minutes=2, seconds=1), False, id="a second early"),
        pytest.param(2, timedelta(minutes=2), True, id="from the lead on"),
        pytest.param(0, timedelta(seconds=1), False, id="without a lead not before the limit"),
        pytest.param(0, timedelta(0), True, id="at the limit"),
        pytest.param(30, timedelta(minutes=30), True, id="a long lead"),
        pytest.param(2, timedelta(minutes=-30), True, id="long past it"),
        pytest.param(None, timedelta(0), False, id="the owner sees to it himself"),
    ],
)
def test_what_may_not_be_held_is_closed_the_lead_ahead(
    clock: time_machine.Traveller, lead: int | None, before: timedelta, closes: bool
) -> None:
    account = flat_by_account(flatten_lead_minutes=lead)
    hold(account)
    clock.move_to(FLAT_BY - before)
    watch()
    watch()
    assert len(open_exits(account)) == closes


@pytest.mark.parametrize(
    ("before", "opens"),
    [(timedelta(minutes=2, seconds=1), True), (timedelta(minutes=2), False), (timedelta(0), False)],
    ids=["a second before the lead", "in the lead", "at flat-by"],
)
def test_what_the_monitor_would_close_at_once_is_not_opened(
    clock: time_machine.Traveller, before: timedelta, opens: bool
) -> None:
    account = flat_by_account()
    clock.move_to(FLAT_BY - before)
    [decision] = decide(entry_signal(account.routes.get().source))
    assert decision.allowed is opens


def test_where_positions_may_be_held_over_night_nothing_is_closed(clock: time_machine.Traveller) -> None:
    program = make_program(
        flat_by=time(15, 10), flat_by_zone="America/Chicago", **{**HOURS, "overnight": True}
    )
    account = make_account(program=program)
    hold(account)
    clock.move_to(FLAT_BY)
    watch()
    assert Exit.objects.count() == 0


@pytest.mark.parametrize(
    ("at", "warned"),
    [("2026-03-06T20:59:59", False), ("2026-03-06T21:00:00", True), ("2026-03-08T15:00:00", True)],
    ids=["Friday, over an hour before", "an hour before", "Sunday, still closed"],
)
def test_a_weekend_of_unknown_hours_is_a_word_to_a_person(
    clock: time_machine.Traveller, at: str, warned: bool
) -> None:
    account = make_account(program=make_program(weekend=False))
    hold(account)
    clock.move_to(datetime.fromisoformat(at).replace(tzinfo=NOON.tzinfo))
    watch()
    watch()
    assert (len(open_alarms("weekend")), Exit.objects.count()) == (warned, 0)


def test_a_switched_off_account_is_closed_as_well(clock: time_machine.Traveller) -> None:
    account = flat_by_account(is_active=False)
    hold(account)
    clock.move_to(FLAT_BY)
    watch()
    assert len(open_exits(account)) == 1


# --- what can't be watched ----------------------------------------------------------------------------


@pytest.mark.parametrize(("age", "alarmed"), [(900, False), (901, True)])
def test_a_position_whose_money_is_too_old_is_an_alarm(
    clock: time_machine.Traveller, age: int, alarmed: bool
) -> None:
    account = make_account()
    hold(account)
    clock.shift(age)
    watch()
    assert len(open_alarms("stale_state")) == alarmed
    report(account, 50_000, NOON + timedelta(seconds=age))
    watch()
    assert open_alarms("stale_state") == []


def test_a_flat_account_may_be_silent(clock: time_machine.Traveller) -> None:
    make_account()
    clock.shift(5000)
    watch()
    assert open_alarms("stale_state") == []


def test_an_account_that_cant_be_read_is_an_alarm_and_stops_no_other() -> None:
    broken, account = make_account("Apex-1"), make_account("Apex-2")
    hold(broken, "WHAT?", "WHAT?")
    hold(account)
    report(account, 47_500)
    watch()
    assert len(open_alarms("unwatched")) == 1
    assert len(open_exits(account)) == 1


def test_one_account_that_fails_stops_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    accounts = [make_account("Apex-1"), make_account("Apex-2")]
    for account in accounts:
        hold(account)
        report(account, 47_500)
    real = exits.open_exit

    def broken(account_id: int, *rest: Any, **more: Any) -> None:
        if account_id == accounts[0].pk:
            raise ZeroDivisionError("oops")
        real(account_id, *rest, **more)

    monkeypatch.setattr("execution.closing.exits.open_exit", broken)
    watch()
    assert [len(open_exits(account)) for account in accounts] == [0, 1]


# --- together -----------------------------------------------------------------------------------------


def test_the_number_of_queries_does_not_grow_with_the_accounts() -> None:
    source: SignalSource = make_source()
    first = make_follower(source=source)[1]
    hold(first)
    watch()
    with CaptureQueriesContext(
        connection,
    ) as one:
        watch()
    for number in range(2, 12):
        hold(make_follower(f"Apex-{number}", source=source)[1])
    watch()
    with CaptureQueriesContext(connection) as eleven:
        watch()
    assert len(eleven) == len(one) <= 24


def test_f63_a_leader_that_was_overtaken_while_it_slept_writes_nothing(clock: time_machine.Traveller) -> None:
    account = make_account()
    hold(account)
    old, new = LeaseLeader(), LeaseLeader()
    assert old.is_leader()
    clock.shift(16)
    assert new.is_leader()
    report(account, 47_500, NOON + timedelta(seconds=16))
    monitor.watch(old)
    assert Exit.objects.count() == 0
    monitor.watch(new)
    assert Exit.objects.count() == 1


def test_what_is_open_is_looked_at_with_each_turn_and_everybody_every_thirty_seconds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looked: list[bool] = []
    monkeypatch.setattr(monitor, "watch", lambda _leader, only_exposed: looked.append(only_exposed))
    moments = iter([100.0, 100.0, 102.0, 129.9, 130.0, 130.0, 132.0])
    monkeypatch.setattr(monitor.time, "monotonic", lambda: next(moments))
    watcher = monitor.Monitor()
    for _ in range(5):
        watcher.look(SOLE)
    assert looked == [False, True, True, False, True]


def test_a_pass_over_what_is_open_leaves_flat_accounts_and_their_alarms_alone(db: None) -> None:
    account = make_account()
    alarms.raise_alarm("stale_state", f"{account.pk} on 2026-03-04", "from before", now=NOON, account=account)
    monitor.watch(SOLE, only_exposed=True)
    assert Alarm.objects.filter(closed_at=None).exists()
    monitor.watch(SOLE)
    assert not Alarm.objects.filter(closed_at=None).exists()
