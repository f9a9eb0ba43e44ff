"""The kill switch: nothing leaves after it, everything in its scope is closed, and a person ends it."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import Permission, User
from django.db import DatabaseError, IntegrityError
from django.utils import timezone

from execution import dispatch, exits, flattening, kill, kill_report, reports, supervision, tasks
from execution.connectors import InDoubt, Rejected, Unavailable, connector_for
from execution.models import Alarm, Exit, FlatCheck, Order, Position, SignalSource
from execution.order_state import OrderStatus
from firms import services
from firms.models import Account, AuditEntry, Firm, Flag, Program
from firms.services import MayNotRelease, raise_flag, update_flag
from tests.execution.make import (
    accept_alert,
    close_signal,
    decide,
    entry_signal,
    held,
    make_follower,
    make_live_follower,
    make_order,
    open_exits,
    route,
    the_entry,
)
from tests.execution.venue import Venue
from tests.make import make_program, make_source

pytestmark = pytest.mark.django_db


@pytest.fixture
def source(clock: time_machine.Traveller) -> SignalSource:
    return make_source()


@pytest.fixture
def account(source: SignalSource, venue: Venue) -> Account:
    return make_follower(source=source)[1]


def engage(subject: services.Subject = None, *, flatten: bool = True) -> Flag:
    return kill.engage(subject, flatten=flatten, reason="runaway")


def at_venue(venue: Venue, account: Account) -> Decimal:
    return venue.held.get((account.pk, "NQ"), Decimal(0))


def words(subject: services.Subject = None) -> str:
    return kill_report.report(subject, timezone.now()).words


def turn(clock: time_machine.Traveller, subject: services.Subject = None) -> str:
    """One turn of whatever process is alive, two seconds later; what the report says then."""
    clock.shift(2)
    flattening.keep_on()
    return words(subject)


def releaser() -> User:
    user = User.objects.create_user("ada", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="release_kill"))
    return user


# --- nothing leaves -----------------------------------------------------------------------------------


def test_what_was_approved_before_it_is_cancelled_and_never_claimed(
    source: SignalSource, account: Account, venue: Venue
) -> None:
    signal = entry_signal(source)
    decide(signal)
    engage()
    assert (the_entry(account).status, the_entry(account).note) == ("canceled", "the kill switch")
    dispatch.send_approved(signal.pk)
    assert venue.calls == []


def test_what_comes_after_it_is_denied(source: SignalSource, account: Account, venue: Venue) -> None:
    engage()
    [decision] = decide(entry_signal(source))
    assert (decision.allowed, decision.code) == (False, "trading_state.killed")


def test_what_waits_for_a_person_is_cancelled(source: SignalSource, venue: Venue) -> None:
    _, account = make_live_follower(source=source)
    route(entry_signal(source))
    assert the_entry(account).status == "awaiting_confirmation"
    engage(account)
    assert the_entry(account).status == "canceled"
    assert not Alarm.objects.filter(kind="confirmation", closed_at=None).exists()


def test_the_flag_stands_even_where_nothing_else_could_be_done(
    source: SignalSource, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    decide(entry_signal(source))
    monkeypatch.setattr(kill, "open_exits", lambda _accounts: (_ for _ in ()).throw(RuntimeError("dead")))
    with pytest.raises(RuntimeError):
        engage()
    assert Flag.objects.filter(key="kill", ended_at=None).exists()


# --- flat ---------------------------------------------------------------------------------------------


def test_flat_is_said_after_two_looks_two_seconds_apart(
    source: SignalSource, account: Account, venue: Venue, clock: time_machine.Traveller
) -> None:
    route(entry_signal(source))
    reports.collect(connector_for(account))
    engage()
    assert words() == "closing: 1 position open"
    flattening.run(None, 0)
    assert held(account) == at_venue(venue, account) == 0
    assert words() == "not verified yet: 1 account flat once, looking again"
    clock.shift(1.999)
    flattening.run(None, 0)
    assert words() == "not verified yet: 1 account flat once, looking again"
    clock.shift(0.001)
    flattening.run(None, 0)
    assert words() == "flat"
    venue.calls.clear()
    flattening.keep_on()
    assert venue.calls == []  # verified: nobody is asked any more


def test_a_position_between_the_looks_starts_them_anew(
    account: Account, venue: Venue, clock: time_machine.Traveller
) -> None:
    engage()
    assert "flat once" in turn(clock)
    venue.held[account.pk, "ES"] = Decimal(1)
    assert "flat once" in turn(clock)  # it was closed in that turn, and seen flat after it
    assert venue.held[account.pk, "ES"] == 0
    assert turn(clock) == "flat"


def test_everything_the_venue_shows_is_closed_whoever_opened_it(
    source: SignalSource, account: Account, venue: Venue, clock: time_machine.Traveller
) -> None:
    route(entry_signal(source))
    venue.held[account.pk, "ES"] = Decimal(-3)
    venue.held[account.pk, "MNQ"] = Decimal(5)
    engage(account)
    turn(clock, account)
    assert {symbol: quantity for (_, symbol), quantity in venue.held.items()} == dict.fromkeys(
        ("NQ", "ES", "MNQ"), Decimal(0)
    )


def test_resting_orders_are_cancelled_those_that_are_not_ours_too(
    account: Account, venue: Venue, clock: time_machine.Traveller
) -> None:
    from enforcement.orders import Side
    from execution.connectors import ApprovedOrder

    foreign = ApprovedOrder("by-hand", "ES", Side.BUY, Decimal(1), Decimal(5000), None, None)
    venue.sent["by-hand"] = account.pk, foreign
    venue.working.add("by-hand")
    engage(account)
    assert turn(clock, account) == "cancelling: 1 order still works at the venue"
    assert venue.working == set()
    turn(clock, account)
    assert turn(clock, account) == "flat"


def test_a_working_entry_of_the_newest_signal_is_cancelled_at_the_venue(
    source: SignalSource, account: Account, venue: Venue, clock: time_machine.Traveller
) -> None:
    venue.fills_at_once = False
    route(entry_signal(source))
    assert the_entry(account).status == "accepted"
    engage(account)
    turn(clock, account)
    assert (the_entry(account).status, venue.working) == ("canceled", set())
    assert turn(clock, account) == "flat"


def test_a_fill_that_comes_after_flat_is_closed_as_well(
    source: SignalSource, account: Account, venue: Venue, clock: time_machine.Traveller
) -> None:
    """The order's answer was lost, so it is in doubt; the venue executes it after all."""
    venue.fills_at_once = False
    venue.fails("submit", InDoubt("timed out"))
    route(entry_signal(source))
    engage(account)
    turn(clock, account)
    assert turn(clock, account) == "flat, 1 in doubt, watching until 17:01 UTC"
    clock.shift(1)
    venue.fill(the_entry(account).client_order_id)
    reports.collect(connector_for(account))
    assert words(account) == "closing: 1 position open"
    supervision.work_exits()
    turn(clock, account)
    assert (at_venue(venue, account), turn(clock, account)) == (0, "flat")


def test_doubt_is_watched_until_the_venue_can_not_execute_it_any_more_then_a_person_must_say(
    account: Account, clock: time_machine.Traveller
) -> None:
    make_order(account, status=OrderStatus.UNKNOWN, claimed_at=timezone.now())
    engage(account)
    turn(clock, account)
    assert turn(clock, account) == "flat, 1 in doubt, watching until 17:01 UTC"
    assert not kill_report.report(account, timezone.now()).is_flat
    clock.shift(60)
    assert words(account) == "flat, 1 in doubt, a person must say what became of it"


def test_a_call_on_the_wire_is_said_to_be_and_is_in_doubt_after_its_limit(
    account: Account, clock: time_machine.Traveller
) -> None:
    make_order(account, status=OrderStatus.SUBMITTING, claimed_at=timezone.now())
    engage(account)
    assert words(account).startswith("1 order still on the wire")
    clock.shift(12)
    assert turn(clock, account).startswith("1 order still on the wire")  # 14 s after its claim
    turn(clock, account)
    assert turn(clock, account) == "flat, 1 in doubt, watching until 17:01 UTC"


@pytest.mark.parametrize(
    ("asked", "error"),
    [("positions", InDoubt("no list")), ("working_orders", Unavailable("down")), ("close", Rejected("market closed"))],
    ids=["positions", "working orders", "the close is refused"],
)  # fmt: skip
def test_a_venue_that_fails_is_named_and_asked_again(
    source: SignalSource, account: Account, venue: Venue, clock: time_machine.Traveller, asked: str, error: Exception
) -> None:  # fmt: skip
    route(entry_signal(source))
    engage(account)
    venue.fails(asked, *[error] * 3)
    for _ in range(3):
        assert turn(clock, account) != "flat"
    for _ in range(4):
        turn(clock, account)
    assert (words(account), venue.held[account.pk, "NQ"]) == ("flat", 0)


def test_an_account_that_fails_does_not_hold_the_others_back(
    source: SignalSource, account: Account, venue: Venue, clock: time_machine.Traveller
) -> None:
    _, other = make_follower("Apex-9", source=source)
    route(entry_signal(source))
    engage()

    def fail(what: str) -> None:
        if what == "positions" and venue.calls[-1][0] == "positions":
            raise InDoubt("no list")

    venue.before = fail
    turn(clock)
    assert "can't be read" in words()
    venue.before = lambda _what: None
    turn(clock)
    assert turn(clock) == "flat"
    assert (at_venue(venue, account), at_venue(venue, other)) == (0, 0)


def test_a_dry_run_account_needs_no_look(source: SignalSource, venue: Venue) -> None:
    from tests.make import make_account

    dry = make_account("Dry")
    engage(dry)
    assert words(dry) == "flat"
    flattening.keep_on()
    assert venue.calls == []


def test_a_blind_account_is_never_called_flat(
    account: Account, venue: Venue, clock: time_machine.Traveller
) -> None:
    venue.connector.blind = True
    engage()
    assert turn(clock) == "not verified: blind account Apex-1"
    assert venue.asked("positions") == []


def test_on_an_advise_only_account_a_person_is_told_once_and_nothing_leaves(
    source: SignalSource, venue: Venue, clock: time_machine.Traveller
) -> None:
    _, account = make_live_follower(source=source, automation="advise_only")
    venue.held[account.pk, "NQ"] = Decimal(2)
    engage(account)
    for _ in range(3):
        turn(clock, account)
    assert words(account) == "1 position to close by hand: the program allows advice only"
    assert Alarm.objects.filter(kind="advice").count() == 1
    assert venue.asked("close") == venue.asked("cancel_all") == []
    venue.held.clear()  # the person has closed it
    turn(clock, account)
    assert turn(clock, account) == "flat"


def test_without_flatten_entries_stop_and_positions_stay(
    source: SignalSource, account: Account, venue: Venue, clock: time_machine.Traveller
) -> None:
    route(entry_signal(source, alert_id="1"))
    reports.collect(connector_for(account))
    venue.fills_at_once = False
    route(entry_signal(source, alert_id="2"))
    engage(account, flatten=False)
    assert words(account).startswith("cancelling: 1 order still works")
    assert turn(clock, account) == "stopped: no entry leaves; 1 position left open"
    assert (at_venue(venue, account), venue.working, open_exits(account)) == (2, set(), [])
    assert kill_report.report(account, timezone.now()).is_done


def test_flatten_can_be_added_and_is_not_taken_back(
    source: SignalSource, account: Account, venue: Venue, clock: time_machine.Traveller
) -> None:
    route(entry_signal(source))
    first = engage(account, flatten=False)
    assert engage(account).pk == first.pk
    engage(account, flatten=False)
    turn(clock, account)
    assert (at_venue(venue, account), turn(clock, account)) == (0, "flat")
    assert Flag.objects.count() == 1
    assert AuditEntry.objects.filter(action="kill.repeated").count() == 2


def test_no_later_exit_leaves_a_part_open(source: SignalSource, account: Account, venue: Venue) -> None:
    """A partial exit of a newer signal joins the switch's own: the target stays 0."""
    route(entry_signal(source))
    engage(account)
    later = close_signal(source, alert_id="later")
    exits.open_exit(account.pk, "NQ", "NQ", later.pk, Decimal(1), timezone.now())
    [row] = open_exits(account)
    assert (row.target, row.covers_id, row.by_kill) == (0, later.pk, True)


def test_it_joins_an_exit_that_would_have_left_a_part_open(
    source: SignalSource, account: Account, venue: Venue
) -> None:
    route(entry_signal(source))
    later = close_signal(source, alert_id="later")
    Exit.objects.filter(account=account).update(target=1, covers=later)
    engage(account)
    [row] = open_exits(account)
    assert (row.target, row.by_kill) == (0, True)


# --- scopes -------------------------------------------------------------------------------------------


def world(source: SignalSource) -> dict[str, Account]:
    """Two firms; APEX has two programs, of which the first has two accounts."""
    first, second, other = make_program("APEX", 1), make_program("APEX", 2), make_program("FTMO", 1)
    programs = {"A1": first, "A2": first, "A3": second, "F1": other}
    return {
        label: make_follower(label, source=source, program=program, trader=label)[1]
        for label, program in programs.items()
    }


SCOPES: dict[str, tuple[Callable[[], services.Subject], set[str]]] = {
    "platform": (lambda: None, {"A1", "A2", "A3", "F1"}),
    "firm": (lambda: Firm.objects.get(code="APEX"), {"A1", "A2", "A3"}),
    "program": (lambda: Program.objects.get(firm__code="APEX", number=1), {"A1", "A2"}),
    "account": (lambda: Account.objects.get(label="A2"), {"A2"}),
}


@pytest.mark.parametrize(("subject", "killed"), SCOPES.values(), ids=SCOPES)
def test_each_scope_closes_its_own_accounts_and_no_other(
    source: SignalSource, venue: Venue, clock: time_machine.Traveller,
    subject: Callable[[], services.Subject], killed: set[str],
) -> None:  # fmt: skip
    accounts = world(source)
    route(entry_signal(source))
    assert all(at_venue(venue, account) == 2 for account in accounts.values())
    engage(subject())
    turn(clock)
    assert {label for label, account in accounts.items() if at_venue(venue, account) == 0} == killed
    for label, account in accounts.items():
        clock.shift(2)
        flattening.keep_on()
        assert words(account) == ("flat" if label in killed else "not killed")


@pytest.mark.parametrize(
    ("scope", "name", "found"),
    [
        ("platform", "", "None"), ("firm", "APEX", "Apex"), ("program", "APEX/1", "Apex 50K"),
        ("account", "A1", "A1"), ("account", "Bob/A1", "several"), ("firm", "apex", "no"), ("program", "APEX", "no"),
        ("program", "APEX/x", "no"), ("program", "APEX/²", "no"), ("account", "A9", "no"),
    ],
)  # fmt: skip
def test_subjects_are_found_by_their_names(scope: str, name: str, found: str) -> None:
    from tests.make import make_account

    program = make_program()
    make_account("A1", program, trader="Ada")
    if found == "several":
        make_account("A1", program, trader="Bob")
        with pytest.raises(LookupError, match="2 accounts"):
            kill.subject_named(scope, "A1")
        assert kill.subject_named(scope, name) == Account.objects.get(trader__name="Bob")
    elif found == "no":
        with pytest.raises(LookupError, match="There is no"):
            kill.subject_named(scope, name)
    else:
        subject = kill.subject_named(scope, name)
        assert str(subject) == found if not isinstance(subject, Program) else subject == program


def test_what_a_program_is_killed_for_holds_for_an_account_opened_later(
    source: SignalSource, venue: Venue
) -> None:
    program = make_program()
    engage(program)
    _, late = make_follower("Late", source=source, program=program)
    [decision] = decide(entry_signal(source))
    assert (decision.account, decision.code) == (late, "trading_state.killed")


# --- sticky -------------------------------------------------------------------------------------------


def test_a_person_with_the_permission_and_a_reason_releases_it(
    source: SignalSource, account: Account, venue: Venue
) -> None:
    engage()
    assert kill.release(None, reason="checked", actor=releaser())
    entry = AuditEntry.objects.get(action="kill.ended")
    assert (entry.actor.username if entry.actor else "", entry.reason) == ("ada", "checked")
    [decision] = decide(entry_signal(source))
    assert decision.allowed


ENDS: dict[str, Callable[[], Any]] = {
    "nobody": lambda: kill.release(None, reason="x", actor=None),
    "a person without the permission": lambda: kill.release(
        None, reason="x", actor=User.objects.create_user("bob", is_staff=True)
    ),
    "a person who was switched off": lambda: kill.release(
        None, reason="x", actor=User.objects.create_superuser("eve", is_active=False)
    ),
    "no reason": lambda: kill.release(None, reason=" ", actor=releaser()),
    "the service that ends flags": lambda: services.end_flag(None, "kill", reason="x"),
}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
def test_nobody_else_releases_it(end: Callable[[], Any]) -> None:
    engage()
    with pytest.raises(MayNotRelease):
        end()
    assert Flag.objects.get().is_open


def test_the_contracts_update_flag_can_engage_it_and_not_release_it(account: Account, venue: Venue) -> None:
    """It has no actor, so nobody could be asked for the permission."""
    program = account.program
    update_flag(program.firm.code, program.number, "kill", True)
    assert words(account) == "stopped: no entry leaves"
    with pytest.raises(MayNotRelease):
        update_flag(program.firm.code, program.number, "kill", False)
    assert Flag.objects.get().is_open


def test_ending_what_is_not_killed_is_not_an_error(account: Account) -> None:
    update_flag(account.program.firm.code, account.program.number, "kill", False)
    assert not kill.release(None, reason="x", actor=releaser())


def test_it_has_no_end_of_its_own() -> None:
    with pytest.raises(IntegrityError):
        raise_flag(None, "kill", until=timezone.now())


def test_time_and_the_turn_of_the_day_do_not_end_it(
    source: SignalSource, account: Account, venue: Venue, clock: time_machine.Traveller
) -> None:
    engage(account)
    clock.shift(7 * 86_400)
    services.roll(account, timezone.now(), settled=True)
    supervision.sweep()
    [decision] = decide(entry_signal(source))
    assert decision.code == "trading_state.killed"


def test_releasing_one_leaves_what_stands_above_it(account: Account) -> None:
    engage(account)
    engage()
    kill.release(account, reason="x", actor=releaser())
    assert words(account) == "not verified yet: 1 account to be looked at"


# --- with everything else dead ------------------------------------------------------------------------


def test_it_needs_no_queue(
    source: SignalSource, account: Account, venue: Venue, monkeypatch: pytest.MonkeyPatch
) -> None:
    route(entry_signal(source))

    def dead(*_arguments: object, **_options: object) -> None:
        raise DatabaseError("no such table: django_q_ormq")

    monkeypatch.setattr(exits, "async_task", dead)
    engage()
    flattening.run(None, 0)
    assert held(account) == at_venue(venue, account) == 0


def test_reading_the_report_changes_nothing(source: SignalSource, account: Account) -> None:
    route(entry_signal(source))
    engage()
    before = list(Exit.objects.values()), list(Order.objects.values()), list(Position.objects.values())
    words()
    assert before == (
        list(Exit.objects.values()),
        list(Order.objects.values()),
        list(Position.objects.values()),
    )
    assert not FlatCheck.objects.exists()


def test_a_task_that_comes_late_finds_nothing_to_do(
    source: SignalSource, account: Account, venue: Venue
) -> None:
    chunk = accept_alert(source).signal.chunks.get()
    engage()
    tasks.route_chunk(chunk.pk)
    assert venue.asked("submit") == []


def test_an_entry_that_cant_be_cancelled_does_not_keep_the_next_one_working(
    source: SignalSource, account: Account, venue: Venue, clock: time_machine.Traveller
) -> None:
    venue.fills_at_once = False
    for alert_id in ("1", "2"):
        route(
            entry_signal(
                source, alert_id=alert_id, contracts=1, symbol="NQ1!" if alert_id == "1" else "MNQ1!"
            )
        )
    engage(flatten=False)
    venue.fails("cancel", InDoubt("timed out"))
    turn(clock)
    assert len(venue.working) == 1
    assert sorted(order.status for order in Order.objects.all()) == ["accepted", "canceled"]
