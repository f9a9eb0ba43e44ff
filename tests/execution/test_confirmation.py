"""Orders a person has to confirm: nothing leaves before a second decision, and that one looks afresh."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User

from execution import confirmation, dispatch, exit_loop, router, supervision
from execution.confirmation import Person
from execution.models import Alarm, Decision, Exit, Order, OrderEvent, SignalSource
from firms.models import Account, AuditEntry, LossLimit, Program
from firms.services import raise_flag, record_report
from tests.execution.make import (
    RISK,
    close_signal,
    decide,
    entry_signal,
    make_follower,
    make_live_follower,
    open_exits,
    route,
    the_entry,
)
from tests.execution.venue import Venue
from tests.make import NOON, make_source

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]
ADA = Person("ada")


@pytest.fixture
def source() -> SignalSource:
    return make_source()


@pytest.fixture
def account(source: SignalSource, venue: Venue) -> Account:
    _, account = make_live_follower(source=source)
    return account


@pytest.fixture
def waiting(source: SignalSource, account: Account) -> Order:
    route(entry_signal(source))
    return the_entry(account)


def confirm(order: Order, reason: str = "looks good") -> Order:
    return confirmation.confirm(order.pk, person=ADA, reason=reason)


def decline(order: Order, reason: str = "not today") -> Order:
    return confirmation.decline(order.pk, person=ADA, reason=reason)


def audited() -> list[tuple[str, str]]:
    return list(AuditEntry.objects.filter(action__startswith="order.").values_list("action", "after"))


def no_open_alarm() -> bool:
    return not Alarm.objects.filter(kind="confirmation", closed_at=None).exists()


# --- asked --------------------------------------------------------------------------------------------


def test_an_approved_entry_waits_for_a_person(waiting: Order, venue: Venue, account: Account) -> None:
    assert (waiting.status, waiting.deadline) == ("awaiting_confirmation", NOON + timedelta(seconds=120))
    assert (waiting.decision.allowed, waiting.decision.revision) == (True, 1)
    assert venue.calls == []
    alarm = Alarm.objects.get()
    assert (alarm.kind, alarm.account) == ("confirmation", account)
    assert alarm.message == (
        "Buy 2 NQ at 20,000.25, stop 19,990 on Apex-2: confirm it by 17:02:00 UTC, or it is not sent."
    )
    assert list(OrderEvent.objects.values_list("before", "after")) == [("", "awaiting_confirmation")]


def test_it_reserves_nothing(source: SignalSource, venue: Venue) -> None:
    """Room for 500 each: the second of 440 is not kept out by the first, which nobody has confirmed."""
    make_live_follower(source=source, program={"daily_loss": 500})
    first, second = entry_signal(source, alert_id="1"), entry_signal(source, alert_id="2")
    assert [decision.allowed for signal in (first, second) for decision in decide(signal)] == [True, True]


@pytest.mark.parametrize("way", ["its task", "the sweeper", "whoever names it"])
def test_nobody_can_claim_it(waiting: Order, venue: Venue, way: str, clock: time_machine.Traveller) -> None:
    clock.shift(5)
    if way == "its task":
        dispatch.send_approved(waiting.signal_id)
    elif way == "the sweeper":
        supervision.sweep()
    else:
        dispatch.send([waiting])
    waiting.refresh_from_db()
    assert (waiting.status, venue.calls) == ("awaiting_confirmation", [])


def test_paper_and_dry_run_accounts_are_not_asked(source: SignalSource) -> None:
    from tests.make import make_program

    program = make_program(automation="confirm_by_hand")
    _, paper = make_follower("paper", source=source, program=program)
    _, dry = make_follower("dry", source=source, program=program, paper=False)
    route(entry_signal(source))
    assert (the_entry(paper).status, the_entry(dry).status) == ("filled", "skipped")


def test_asking_many_accounts_takes_no_more_queries(
    source: SignalSource, venue: Venue, django_assert_max_num_queries: Any
) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    counts = []
    for number in (1, 2, 10):
        for n in range(number):
            make_live_follower(f"{number}-{n}", source=source)
        signal = entry_signal(source, alert_id=str(number))
        with CaptureQueriesContext(connection) as queries:
            decide(signal)
        counts.append(len([query for query in queries if "program" not in query["sql"]]))
    assert counts[1] == counts[2]


# --- confirmed ----------------------------------------------------------------------------------------


def test_a_click_is_a_second_decision_and_sends_at_once(
    waiting: Order, venue: Venue, clock: time_machine.Traveller
) -> None:
    clock.shift(100)
    order = confirm(waiting)
    first, second = Decision.objects.order_by("revision")
    assert (first.revision, second.revision, second.allowed) == (1, 2, True)
    assert second.decided_at == NOON + timedelta(seconds=100)
    assert second.terms_id == first.terms_id
    assert second.context_text != first.context_text
    codes = {finding.code for finding in second.findings}
    assert {"automation_policy.by_hand", "signal_fresh.fresh"} <= codes
    assert (order.decision, order.status, order.risk) == (second, "accepted", RISK)
    assert order.deadline == NOON + timedelta(seconds=115)
    assert venue.asked("submit") == [order.client_order_id]
    assert [event.after for event in order.events.all()] == [
        "awaiting_confirmation", "approved", "submitting", "accepted",
    ]  # fmt: skip
    assert audited() == [("order.confirmed", "approved")]
    assert no_open_alarm()


def test_the_second_click_finds_what_the_first_one_did(waiting: Order, venue: Venue) -> None:
    assert [confirm(waiting).status for _ in range(3)] == ["accepted"] * 3
    assert (Decision.objects.count(), len(venue.asked("submit")), len(audited())) == (2, 1, 1)


def test_the_user_is_in_the_audit(waiting: Order) -> None:
    user = User.objects.create_user("ada")
    confirmation.confirm(waiting.pk, person=Person("ada", user), reason="looks good")
    entry = AuditEntry.objects.get(action="order.confirmed")
    assert (entry.actor, entry.reason) == (user, "confirmed by ada: looks good")


def test_the_router_answers_with_the_newest_word_only(waiting: Order, account: Account) -> None:
    raise_flag(account)
    confirm(waiting)
    [result] = router.ExecutionRouter().run_comprehensive_enforcement(waiting.signal.task_payload())
    assert (result["allowed"], result["breach_type"]) == (False, "paused")


MEANWHILE: dict[str, tuple[Callable[[Account], object], str]] = {
    "the account is paused": (lambda a: raise_flag(a), "trading_state.paused"),
    "the kill switch is on": (lambda a: raise_flag(None, "kill"), "trading_state.killed"),
    "its route is switched off": (lambda a: a.routes.update(is_enabled=False), "admission.route_disabled"),
    "its source is switched off": (
        lambda a: SignalSource.objects.update(is_enabled=False), "admission.source_disabled",
    ),
    "the account is switched off": (
        lambda a: Account.objects.update(is_active=False), "admission.account_disabled",
    ),
    "the room is gone": (lambda a: lose(a, 700), "daily_loss.would_breach"),
    "the program is tightened": (
        lambda a: LossLimit.objects.filter(kind="daily_loss").update(amount=400), "daily_loss.would_breach",
    ),
    "contracts are cut": (lambda a: Program.objects.update(max_contracts=1), "max_contracts.over_minis"),
    "an exit came and went": (lambda a: exit_done(a), "admission.superseded"),
}  # fmt: skip


def lose(account: Account, amount: int) -> None:
    from decimal import Decimal

    from enforcement.account import StateReport, StateSource

    equity = Decimal(50_000 - amount)
    report = StateReport(balance=equity, equity=equity, as_of=NOON, source=StateSource.DECLARED)
    record_report(account, report, settled=False)


def exit_done(account: Account) -> None:
    signal = close_signal(SignalSource.objects.get())
    Exit.objects.filter(account=account, covers=signal).update(done_at=NOON)


@pytest.mark.parametrize("row", MEANWHILE.values(), ids=MEANWHILE)
def test_what_came_up_meanwhile_denies_it(
    waiting: Order, venue: Venue, account: Account, row: tuple[Callable[[Account], object], str]
) -> None:
    change, code = row
    change(account)
    order = confirm(waiting)
    assert (order.status, order.decision.revision, order.decision.code) == ("denied", 2, code)
    assert order.note == order.decision.reason
    assert (venue.asked("submit"), audited()) == ([], [("order.confirmed", "denied")])
    assert no_open_alarm()
    assert confirm(waiting).status == "denied"
    assert Decision.objects.count() == 2


def test_a_refusal_names_the_size_that_would_have_passed(waiting: Order, account: Account) -> None:
    """Daily floor 49,000, equity 49,300: room for 300, one contract stands to lose 220."""
    lose(account, 700)
    assert confirm(waiting).note.endswith("1 would pass.")


def test_the_other_side_held_by_now_denies_it(waiting: Order, account: Account) -> None:
    from execution.models import Position

    Position.objects.create(
        account=account, symbol="MNQ", family="NQ", quantity=-5, price=20_000, stop=20_010
    )
    order = confirm(waiting)
    assert (order.status, order.decision.code) == ("denied", "admission.position_against")
    assert order.note.startswith("By now the account holds the other side")


def test_an_error_in_the_new_decision_refuses(
    waiting: Order, venue: Venue, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> Any:
        raise ZeroDivisionError("a tick of zero")

    monkeypatch.setattr(confirmation, "enforce", broken)
    order = confirm(waiting)
    assert (order.status, order.decision.code, venue.calls) == ("denied", "engine.failed", [])
    assert "a tick of zero" in order.note


def test_an_exit_between_the_click_and_the_claim_stops_it(
    waiting: Order, venue: Venue, source: SignalSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    genuine = dispatch.send

    def late(approved: Any, seen: Any = None) -> bool:
        close_signal(source)
        return genuine(approved, seen)

    monkeypatch.setattr(dispatch, "send", late)
    order = confirm(waiting)
    assert (order.status, order.note, venue.asked("submit")) == ("canceled", "an exit has overtaken it", [])


def test_one_whose_process_died_after_the_click_is_sent_by_the_sweeper(
    waiting: Order, venue: Venue, monkeypatch: pytest.MonkeyPatch, clock: time_machine.Traveller
) -> None:
    def dies(*_: Any) -> bool:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(dispatch, "send", dies)
        assert confirm(waiting).status == "approved"
    clock.shift(3)
    supervision.sweep()
    waiting.refresh_from_db()
    assert (waiting.status, len(venue.asked("submit"))) == ("accepted", 1)


def test_a_confirmed_order_begins_at_its_confirmation(
    waiting: Order, source: SignalSource, account: Account, clock: time_machine.Traveller
) -> None:
    """Two charts asked for the same; whoever confirms both within the window is told of the copy."""
    route(entry_signal(source, symbol="CME_MINI:NQ1!"))
    clock.shift(60)
    confirm(waiting)
    clock.shift(5)
    second = confirm(Order.objects.get(status="awaiting_confirmation"))
    assert (second.status, second.decision.code) == ("denied", "duplicate_order.repeated")


# --- not confirmed ------------------------------------------------------------------------------------


def test_one_second_before_its_time_is_over_it_can_still_be_confirmed(
    waiting: Order, clock: time_machine.Traveller
) -> None:
    clock.shift(119)
    assert confirm(waiting).status == "accepted"


def test_a_late_click_finds_it_expired(waiting: Order, venue: Venue, clock: time_machine.Traveller) -> None:
    clock.shift(120)
    assert confirm(waiting).status == "expired"
    assert (Decision.objects.count(), venue.calls, audited()) == (1, [], [("order.expired", "expired")])
    assert no_open_alarm()


def test_the_sweeper_ends_what_nobody_answered(
    waiting: Order, clock: time_machine.Traveller, venue: Venue
) -> None:
    for seconds, status in ((119, "awaiting_confirmation"), (1, "expired"), (1, "expired")):
        clock.shift(seconds)
        supervision.sweep()
        waiting.refresh_from_db()
        assert waiting.status == status
    assert (venue.calls, audited()) == ([], [("order.expired", "expired")])
    assert no_open_alarm()


def test_declining_ends_it(waiting: Order, venue: Venue) -> None:
    order = decline(waiting)
    assert (order.status, order.note) == ("canceled", "declined by ada: not today")
    assert decline(waiting).status == "canceled"
    assert confirm(waiting).status == "canceled"
    assert (Decision.objects.count(), venue.calls, audited()) == (1, [], [("order.declined", "canceled")])
    assert no_open_alarm()


def test_what_was_confirmed_can_not_be_declined(waiting: Order) -> None:
    confirm(waiting)
    assert decline(waiting).status == "accepted"


def test_an_exit_cancels_what_still_waits(waiting: Order, source: SignalSource, account: Account) -> None:
    route(close_signal(source))
    waiting.refresh_from_db()
    assert (waiting.status, waiting.note) == ("canceled", "covered by an exit")
    assert (open_exits(account), audited()) == ([], [("order.canceled", "canceled")])
    assert no_open_alarm()


def test_an_exit_leaves_a_newer_entry_waiting(
    waiting: Order, source: SignalSource, account: Account, clock: time_machine.Traveller
) -> None:
    close_signal(source)
    newer = entry_signal(source, alert_id="2")
    for row in open_exits(account):
        exit_loop.work(row.pk)
    decide(newer)
    assert list(Order.objects.order_by("pk").values_list("status", flat=True)) == [
        "canceled", "awaiting_confirmation",
    ]  # fmt: skip


# --- the claim's own look at the policy ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("automation", "deployment", "revision", "leaves"),
    [
        ("auto", None, 1, True),
        ("own_device", None, 1, False),
        ("own_device", "server", 1, False),
        ("own_device", "own_device", 1, True),
        ("confirm_by_hand", None, 1, False),
        ("confirm_by_hand", None, 2, True),
        ("advise_only", None, 1, False),
        ("advise_only", None, 2, False),
        ("prohibited", None, 1, False),
    ],
)
def test_an_order_leaves_live_only_as_the_program_says(
    source: SignalSource, venue: Venue, settings: Any, automation: str, deployment: str | None, revision: int,
    leaves: bool,
) -> None:  # fmt: skip
    """Approved while in dry-run, the account is switched live before the claim."""
    from enforcement.program import Deployment

    settings.DEPLOYMENT = None if deployment is None else Deployment(deployment)
    _, account = make_live_follower(source=source, automation=automation)
    Account.objects.update(mode="dry_run")
    decide(entry_signal(source))
    Account.objects.update(mode="live")
    order = the_entry(account)
    order.decision.revision = revision  # as the decision at a click has it
    dispatch.send([order])
    order.refresh_from_db()
    assert order.status == ("accepted" if leaves else "canceled")
    assert bool(venue.asked("submit")) is leaves
