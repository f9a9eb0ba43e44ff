"""Sending: a last look right before each call, at most one call, and no answer that is not understood."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine

from execution import alarms, dispatch
from execution.connectors import InDoubt, Rejected, Unavailable
from execution.models import Alarm, Order, OrderEvent, Signal, SignalSource
from firms.models import Account, LossLimit, Program
from firms.services import end_flag, raise_flag, update_flag
from tests.execution.make import close_signal, decide, entry_signal, held, make_follower, the_entry
from tests.execution.venue import Venue
from tests.make import NOON, make_program, make_source

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


@dataclass
class Approved:
    """An approved entry of one account, not sent yet."""

    source: SignalSource
    account: Account
    signal: Signal
    clock: time_machine.Traveller

    @property
    def order(self) -> Order:
        return the_entry(self.account)

    def send(self) -> None:
        dispatch.send_approved(self.signal.pk)


@pytest.fixture
def approved(venue: Venue, clock: time_machine.Traveller) -> Approved:
    source, account = make_follower(source=make_source())
    signal = entry_signal(source, alert_id="1")
    decide(signal)
    return Approved(source, account, signal, clock)


def steps(order: Order) -> list[tuple[str, str]]:
    return list(OrderEvent.objects.filter(order=order).values_list("before", "after"))


# --- the last look ------------------------------------------------------------------------------------


def tighten(program: Program) -> None:
    LossLimit.objects.filter(program=program, kind="daily_loss").update(amount=900)


CHANGES: dict[str, tuple[Callable[[Approved], object], str, str]] = {
    "the account is paused": (lambda a: raise_flag(a.account), "canceled", "paused"),
    "the program is paused": (lambda a: update_flag("APEX", 1, "paused", True), "canceled", "paused"),
    "the firm is paused": (lambda a: raise_flag(a.account.program.firm), "canceled", "paused"),
    "the platform is paused": (lambda a: raise_flag(None), "canceled", "paused"),
    "the kill switch is on": (lambda a: raise_flag(None, "kill"), "canceled", "killed"),
    "the account is killed": (lambda a: raise_flag(a.account, "kill"), "canceled", "killed"),
    "the account is locked for the day": (lambda a: raise_flag(a.account, "day_lock"), "canceled", "locked"),
    "an exit is opened": (lambda a: close_signal(a.source), "canceled", "exit"),
    "its time is over": (lambda a: a.clock.shift(15), "expired", "time was over"),
    "the program is tightened": (lambda a: tighten(a.account.program), "canceled", "terms"),
    "the account's guard is changed": (
        lambda a: Account.objects.update(slippage_ticks=Decimal(9)), "canceled", "terms",
    ),
    "the firm is switched off": (
        lambda a: type(a.account.program.firm).objects.update(is_active=False), "canceled", "terms",
    ),
    "the account is switched off": (lambda a: Account.objects.update(is_active=False), "canceled", "switched off"),
    "the source is switched off": (
        lambda a: SignalSource.objects.update(is_enabled=False), "canceled", "switched off",
    ),
}  # fmt: skip


@pytest.mark.parametrize("row", CHANGES.values(), ids=CHANGES)
def test_what_comes_up_between_decision_and_call_stops_the_order(
    approved: Approved, venue: Venue, row: tuple[Callable[[Approved], object], str, str]
) -> None:
    change, status, note = row
    change(approved)
    approved.send()
    order = approved.order
    assert (order.status, venue.calls) == (status, [])
    assert note in order.note
    assert steps(order) == [("approved", status)]


def test_a_route_switched_off_stops_the_order(approved: Approved, venue: Venue) -> None:
    approved.source.routes.update(is_enabled=False)
    approved.send()
    assert (approved.order.status, venue.calls) == ("canceled", [])


def test_an_exit_that_came_and_went_stops_the_entry_before_it(approved: Approved, venue: Venue) -> None:
    """Its Exit row is done: nothing is open any more, yet the entry is older than what was asked since."""
    close_signal(approved.source)
    approved.account.exits.update(done_at=NOON)
    approved.send()
    assert (approved.order.status, venue.calls) == ("canceled", [])


def test_an_exit_of_another_family_stops_nothing(approved: Approved) -> None:
    close_signal(approved.source, symbol="ES1!")
    approved.send()
    assert approved.order.status == "accepted"


def test_a_pause_of_somebody_else_stops_nothing(approved: Approved) -> None:
    raise_flag(make_program("FTMO", 7))
    raise_flag(approved.account)
    end_flag(approved.account)
    approved.send()
    assert approved.order.status == "accepted"


def test_one_second_before_the_deadline_is_in_time(approved: Approved) -> None:
    approved.clock.shift(14)
    approved.send()
    assert approved.order.status == "accepted"


def test_what_stops_one_account_does_not_stop_the_other(approved: Approved, venue: Venue) -> None:
    _, other = make_follower("Apex-2", source=approved.source)
    signal = entry_signal(approved.source, alert_id="2")
    decide(signal)
    raise_flag(approved.account)
    dispatch.send_approved(signal.pk)
    statuses = Order.objects.filter(signal=signal).values_list("account__label", "status")
    assert dict(statuses) == {"Apex-1": "canceled", "Apex-2": "accepted"}
    assert venue.asked("submit") == [the_entry(other).client_order_id]


def test_an_account_whose_connector_can_not_be_made_does_not_stop_the_other(
    approved: Approved, venue: Venue, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, other = make_follower("Apex-2", source=approved.source)
    signal = entry_signal(approved.source, alert_id="2")
    decide(signal)
    genuine = dispatch.connector_for

    def connector_for(account: Account) -> Any:
        if account == approved.account:
            raise KeyError("a venue nobody knows")
        return genuine(account)

    monkeypatch.setattr(dispatch, "connector_for", connector_for)
    dispatch.send_approved(signal.pk)
    assert venue.asked("submit") == [the_entry(other).client_order_id]
    stuck = Order.objects.get(signal=signal, account=approved.account)
    assert stuck.status in ("approved", "canceled")  # provably nothing was sent


# --- the answer ---------------------------------------------------------------------------------------

ANSWERS: dict[str, tuple[BaseException | None, str, str]] = {
    "a yes": (None, "accepted", ""),
    "a no": (Rejected("margin"), "rejected", "margin"),
    "provably not sent": (Unavailable("no route to host"), "canceled", "no route to host"),
    "in doubt": (InDoubt("cut off while waiting"), "unknown", "cut off while waiting"),
    "an error nobody thought of": (ZeroDivisionError("oops"), "unknown", "oops"),
    "a time-out of the library": (TimeoutError("read"), "unknown", "read"),
}


@pytest.mark.parametrize("row", ANSWERS.values(), ids=ANSWERS)
def test_the_answer_gives_the_status(
    approved: Approved, venue: Venue, row: tuple[BaseException | None, str, str]
) -> None:
    error, status, note = row
    venue.fills_at_once = False
    if error is not None:
        venue.fails("submit", error)
    approved.send()
    order = approved.order
    assert order.status == status
    assert note in order.note
    assert order.venue_order_id == (f"v-{order.client_order_id}" if error is None else "")
    assert steps(order) == [("approved", "submitting"), ("submitting", status)]
    assert venue.asked("submit") == [order.client_order_id]


@pytest.mark.parametrize("row", ANSWERS.values(), ids=ANSWERS)
def test_whatever_the_answer_it_is_never_sent_again(
    approved: Approved, venue: Venue, row: tuple[BaseException | None, str, str]
) -> None:
    if row[0] is not None:
        venue.fails("submit", row[0])
    for _ in range(3):
        approved.send()
        approved.clock.shift(1)
    assert len(venue.asked("submit")) == 1


def test_an_order_in_doubt_raises_one_alarm(approved: Approved, venue: Venue) -> None:
    venue.fails("submit", InDoubt("no answer"))
    approved.send()
    alarm = Alarm.objects.get()
    assert (alarm.kind, alarm.account) == ("order_in_doubt", approved.account)
    assert "no answer" in alarm.message
    alarms.raise_alarm(alarm.kind, alarm.subject, "again", now=NOON)
    assert Alarm.objects.count() == 1


def test_the_call_is_made_outside_of_the_claims_transaction(approved: Approved, venue: Venue) -> None:
    seen: list[str] = []
    venue.before = lambda what: seen.append(what)
    approved.send()
    assert seen == ["submit"]
    assert approved.order.claimed_at == NOON


# --- a claim that is too old --------------------------------------------------------------------------


def test_a_claim_older_than_two_seconds_is_not_sent(
    approved: Approved, venue: Venue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The machine slept between the claim and the request."""
    genuine = dispatch.connector_for

    def slow(account: Account) -> Any:
        approved.clock.shift(2)
        return genuine(account)

    monkeypatch.setattr(dispatch, "connector_for", slow)
    approved.send()
    order = approved.order
    assert (order.status, venue.calls) == ("canceled", [])
    assert "not sent" in order.note


@pytest.fixture
def running_clocks(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, float]]:
    """The wall clock and the monotonic one, each to be set by the test."""
    clocks = {"time": 1000.0, "monotonic": 50.0}
    monkeypatch.setattr("execution.dispatch.time.time", lambda: clocks["time"])
    monkeypatch.setattr("execution.dispatch.time.monotonic", lambda: clocks["monotonic"])
    return clocks  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("wall", "monotonic", "valid"),
    [
        (0.0, 0.0, True),
        (1.99, 1.99, True),
        (2.0, 0.1, False),
        (0.1, 2.0, False),
        (-1.0, 0.1, False),
    ],
    ids=[
        "at once",
        "just in time",
        "the machine slept",
        "the clock was set back 2 s",
        "the clock ran backwards",
    ],
)
def test_a_claim_is_valid_for_two_seconds_by_both_clocks(
    approved: Approved, running_clocks: dict[str, float], wall: float, monotonic: float, valid: bool
) -> None:
    claim = dispatch.Claim(approved.order, None, wall=1000.0, monotonic=50.0)  # type: ignore[arg-type]
    running_clocks["time"] += wall
    running_clocks["monotonic"] += monotonic
    assert claim.is_valid is valid


# --- where orders go ----------------------------------------------------------------------------------


def test_a_dry_run_sends_nothing_and_says_so() -> None:
    source, account = make_follower(source=make_source(), paper=False)
    signal = entry_signal(source)
    decide(signal)
    dispatch.send_approved(signal.pk)
    order = the_entry(account)
    assert (order.status, order.note, held(account)) == ("skipped", "dry-run: nothing was sent", 0)


def test_what_was_skipped_reserves_nothing() -> None:
    """Room for one order of 440: in dry-run the next one is allowed as well."""
    source, _ = make_follower(source=make_source(), paper=False, program=make_program(daily_loss=500))
    for number in range(3):
        signal = entry_signal(source, alert_id=str(number))
        [decision] = decide(signal)
        assert decision.allowed
        dispatch.send_approved(signal.pk)


def test_a_dry_run_account_with_a_venue_still_sends_nothing(venue: Venue) -> None:
    source, account = make_follower(source=make_source())
    Account.objects.update(mode=Account.Mode.DRY_RUN)
    signal = entry_signal(source)
    decide(signal)
    dispatch.send_approved(signal.pk)
    assert (the_entry(account).status, venue.calls) == ("skipped", [])


@pytest.mark.parametrize(("automation", "status"), [("auto", "accepted"), ("confirm_by_hand", "canceled"), ("advise_only", "canceled"), ("prohibited", "canceled")])  # fmt: skip
def test_what_was_approved_for_a_dry_run_leaves_only_where_the_program_allows_automation(
    venue: Venue, automation: str, status: str
) -> None:
    """In dry-run the policy is a warning. Then somebody switches the account live."""
    source, account = make_follower(source=make_source(), program=make_program(automation=automation))
    Account.objects.update(mode=Account.Mode.DRY_RUN)
    signal = entry_signal(source)
    decide(signal)
    Account.objects.update(mode=Account.Mode.LIVE)
    dispatch.send_approved(signal.pk)
    assert the_entry(account).status == status
    assert len(venue.asked("submit")) == (status == "accepted")


def test_a_live_account_without_a_venue_pretends_nothing() -> None:
    source, account = make_follower(source=make_source(), paper=False, live=True)
    signal = entry_signal(source)
    decide(signal)
    dispatch.send_approved(signal.pk)
    order = the_entry(account)
    assert (order.status, held(account)) == ("canceled", 0)
    assert "no venue" in order.note


def test_a_new_account_is_in_dry_run() -> None:
    assert Account().mode == Account.Mode.DRY_RUN


# --- many orders --------------------------------------------------------------------------------------


def test_more_accounts_than_slots_are_all_sent_to_once(venue: Venue) -> None:
    source = make_source()
    for number in range(dispatch.SLOTS * 2 + 1):
        make_follower(f"Apex-{number}", source=source)
    signal = entry_signal(source)
    decide(signal)
    assert dispatch.send_approved(signal.pk)
    names = Order.objects.values_list("client_order_id", flat=True)
    assert sorted(venue.asked("submit")) == sorted(names)
    assert set(Order.objects.values_list("status", flat=True)) == {"accepted"}


def test_only_the_accounts_of_the_own_chunk_are_sent(approved: Approved, venue: Venue) -> None:
    _, other = make_follower("Apex-2", source=approved.source)
    signal = entry_signal(approved.source, alert_id="2")
    decide(signal)
    dispatch.send_approved(signal.pk, [other.pk])
    assert venue.asked("submit") == [the_entry(other).client_order_id]


def test_a_task_stops_claiming_after_fifteen_seconds_and_leaves_the_rest(
    approved: Approved, venue: Venue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One call at a time, nine seconds each: the third is not begun."""
    monkeypatch.setattr(dispatch, "SLOTS", 1)
    monkeypatch.setattr(dispatch.time, "monotonic", dispatch.time.time)
    for label in ("Apex-2", "Apex-3"):
        make_follower(label, source=approved.source)
    signal = entry_signal(approved.source, alert_id="2")
    decide(signal)
    Order.objects.update(deadline=NOON + timedelta(minutes=1))
    venue.before = lambda _what: approved.clock.shift(9)
    assert not dispatch.send_approved(signal.pk)
    statuses = Order.objects.filter(signal=signal).order_by("pk").values_list("status", flat=True)
    assert list(statuses) == ["accepted", "accepted", "approved"]
