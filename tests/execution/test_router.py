"""One decision for each account and leg, under one lock; what was approved counts from its commit on."""

import logging
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from enforcement.decision import Outcome
from enforcement.rules import RULES
from execution import enforcement_service, marks, router, routing, tasks
from execution.models import Decision, Epoch, Exit, Order, Position, Route, Signal, SignalChunk, SignalSource
from execution.order_state import OrderStatus
from execution.router import ExecutionRouter
from firms.models import Account, Instrument
from firms.services import raise_flag, update_flag
from tests.execution.make import (
    RISK,
    accept_alert,
    close_signal,
    decide,
    entry_signal,
    held,
    make_follower,
    make_order,
    open_exits,
    queued,
    route,
    run_queue,
    sizing,
    the_entry,
)
from tests.execution.venue import Venue
from tests.make import NOON, make_program, make_route, make_source

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


@pytest.fixture
def source() -> SignalSource:
    return make_source()


def verdict(signal: Signal, account: Account, leg: str = "entry") -> tuple[bool, str]:
    """(allowed, the refusing finding's code) of a signal's one decision."""
    decision = Decision.objects.get(signal=signal, account=account, leg=leg)
    return decision.allowed, decision.code


# --- once ---------------------------------------------------------------------------------------------


def test_every_account_gets_one_decision_and_the_approved_ones_an_order(source: SignalSource) -> None:
    _, healthy = make_follower("Apex-1", source=source)
    _, paused = make_follower("Apex-2", source=source)
    raise_flag(paused)
    signal = entry_signal(source)
    first, second = decide(signal)
    assert (first.account, first.allowed, first.breach_type, first.risk, first.equity) == (
        healthy, True, "", RISK, 50_000,
    )  # fmt: skip
    assert (second.account, second.allowed, second.breach_type, second.code) == (
        paused, False, "paused", "trading_state.paused",
    )  # fmt: skip
    assert [f.rule for f in first.findings] == [f.rule for f in second.findings] == [r.code for r in RULES]
    order = Order.objects.get()
    assert (order.account, order.decision, order.status, order.risk) == (healthy, first, "approved", RISK)
    assert (order.client_order_id, order.deadline) == (
        f"pg-{Epoch.objects.get()}-{signal.pk}-{healthy.pk}", NOON + timedelta(seconds=15),
    )  # fmt: skip
    assert signal.chunks.get().done_at == NOON


def test_deciding_again_changes_nothing(source: SignalSource) -> None:
    make_follower(source=source)
    signal = entry_signal(source)
    before = decide(signal)
    assert decide(signal) == before
    SignalChunk.objects.update(done_at=None)  # its process died between the two commits
    assert decide(signal) == before
    assert (Order.objects.count(), signal.chunks.get().done_at) == (1, NOON)


def test_a_chunk_that_is_done_is_not_attempted(source: SignalSource) -> None:
    make_follower(source=source)
    chunk = entry_signal(source).chunks.get()
    assert (router.decide_chunk(chunk.pk), router.decide_chunk(chunk.pk)) == (True, False)
    chunk.refresh_from_db()
    assert chunk.attempts == 1


def test_the_number_of_queries_does_not_grow_with_the_accounts(source: SignalSource) -> None:
    counts = []
    for number in (1, 2, 20):  # the first also writes the terms down, once
        for n in range(number):
            make_follower(f"{number}-{n}", source=source)
        signal = entry_signal(source, alert_id=str(number))
        with CaptureQueriesContext(connection) as queries:
            decide(signal)
        counts.append(len(queries))
    assert counts[1] == counts[2]


def test_the_router_answers_with_one_structured_result_per_account(source: SignalSource) -> None:
    make_follower("Apex-1", source=source, program=make_program(anchor="highest_close"))
    _, paused = make_follower("Apex-2", source=source)
    raise_flag(paused, reason="vacation")
    signal = entry_signal(source)
    allowed, refused = ExecutionRouter().run_comprehensive_enforcement(signal.task_payload())
    assert (allowed["firm"], allowed["program"], allowed["account"], allowed["leg"]) == (
        "APEX",
        1,
        "Apex-1",
        "entry",
    )
    assert (allowed["allowed"], allowed["reason"], allowed["breach_type"]) == (True, "", None)
    assert (refused["allowed"], refused["breach_type"]) == (False, "paused")
    assert "paused" in refused["reason"]
    assert "vacation" in refused["reason"]
    floors = next(check for check in allowed["checks"] if check["rule"] == "loss_floors")
    assert (floors["outcome"], Decimal(floors["observed"]), Decimal(floors["limit"])) == (
        "pass",
        49_560,
        49_000,
    )


def test_handling_a_task_decides_and_sends_it(source: SignalSource) -> None:
    _, account = make_follower(source=source)
    [result] = ExecutionRouter().handle(entry_signal(source).task_payload())
    assert result["allowed"]
    assert held(account) == 2


def test_handling_a_payload_without_a_signal_stores_one_first(source: SignalSource) -> None:
    make_follower(source=source)
    payload = {
        "kind": "ENTRY",
        "direction": "long",
        "entry_price": 20000.25,
        "stop_loss": 19990.0,
        "contracts": 1,
    }
    [result] = ExecutionRouter().handle(payload)
    assert (result["allowed"], Signal.objects.get().contracts) == (True, 1)


# --- reservations -------------------------------------------------------------------------------------


def test_a_second_signal_sees_what_the_first_one_reserved(source: SignalSource) -> None:
    """Daily floor 49,500: room for 500, each order stands to lose 440."""
    make_follower(source=source, program=make_program(daily_loss=500))
    [first] = decide(entry_signal(source, alert_id="1"))
    [second] = decide(entry_signal(source, alert_id="2"))
    assert (first.allowed, second.allowed, second.code) == (True, False, "daily_loss.would_breach")
    assert second.breach_type == "daily_loss"


RESERVES = {
    OrderStatus.APPROVED: True, OrderStatus.SUBMITTING: True, OrderStatus.ACCEPTED: True,
    OrderStatus.PARTIALLY_FILLED: True, OrderStatus.UNKNOWN: True, OrderStatus.HELD: True,
    OrderStatus.FILLED: False, OrderStatus.SKIPPED: False, OrderStatus.CANCELED: False,
    OrderStatus.REJECTED: False, OrderStatus.EXPIRED: False, OrderStatus.DENIED: False,
    OrderStatus.AWAITING_CONFIRMATION: False,
}  # fmt: skip


@pytest.mark.parametrize("status", OrderStatus, ids=str)
def test_an_order_reserves_while_it_may_still_fill(source: SignalSource, status: OrderStatus) -> None:
    _, account = make_follower(source=source, program=make_program(daily_loss=500))
    make_order(account, status=status, has_own_id=True)
    [decision] = decide(entry_signal(source, alert_id="1"))
    assert decision.allowed is not RESERVES[status]


def test_only_the_unfilled_part_is_reserved(source: SignalSource) -> None:
    """Room for 1,000: of 4 contracts (880) one is still to come (220), so 440 more fit; of 2 (440) they don't."""
    program = make_program(daily_loss=900)
    for label, filled, allowed in (("Apex-1", 3, True), ("Apex-2", 0, False)):
        _, account = make_follower(label, source=source, program=program)
        make_order(
            account, status=OrderStatus.PARTIALLY_FILLED, quantity=Decimal(4), risk=2 * RISK,
            filled_quantity=Decimal(filled), has_own_id=True,
        )  # fmt: skip
        signal = entry_signal(source, alert_id=label)
        decide(signal)
        assert verdict(signal, account)[0] is allowed


def test_an_order_of_another_account_reserves_nothing_here(source: SignalSource) -> None:
    program = make_program(daily_loss=500)
    _, other = make_follower("Apex-1", source=source, program=program)
    make_order(other)
    _, account = make_follower("Apex-2", source=source, program=program)
    signal = entry_signal(source)
    decide(signal)
    assert (verdict(signal, other)[0], verdict(signal, account)[0]) == (False, True)


# --- one account's error ------------------------------------------------------------------------------


def test_an_accounts_error_blocks_it_alone_and_is_logged(
    source: SignalSource, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    _, broken = make_follower("Apex-1", source=source)
    _, sound = make_follower("Apex-2", source=source)
    genuine = enforcement_service.enforce

    def enforce(facts: Any, *rest: Any, **more: Any) -> Any:
        if facts.account == broken:
            raise ZeroDivisionError("a tick of zero")
        return genuine(facts, *rest, **more)

    monkeypatch.setattr("execution.sizing.enforce", enforce)
    signal = entry_signal(source)
    with caplog.at_level(logging.ERROR, "execution"):
        decide(signal)
    assert (verdict(signal, broken), verdict(signal, sound)) == ((False, "engine.failed"), (True, ""))
    decision = Decision.objects.get(account=broken)
    assert (decision.breach_type, decision.findings[0].outcome) == ("error", Outcome.UNDETERMINED)
    assert caplog.messages == ["ORDER BLOCKED: Enforcement exception for APEX/1: a tick of zero"]
    assert signal.chunks.get().done_at


def test_an_account_whose_facts_can_not_be_read_is_blocked_alone(source: SignalSource) -> None:
    """Something is held in a symbol that nobody knows any more: its risk can't be known either."""
    _, broken = make_follower("Apex-1", source=source)
    _, sound = make_follower("Apex-2", source=source)
    Position.objects.create(account=broken, symbol="GONE", family="GONE", quantity=1)
    signal = entry_signal(source)
    decide(signal)
    assert (verdict(signal, broken), verdict(signal, sound)) == ((False, "engine.failed"), (True, ""))


def test_a_transaction_that_fails_is_tried_again_account_by_account(
    source: SignalSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A row that the database refuses takes its whole batch with it, once."""
    _, broken = make_follower("Apex-1", source=source)
    _, sound = make_follower("Apex-2", source=source)
    genuine = router.insert_batch

    def insert(batch: Any, facts: Any) -> None:
        if any(decision.account_id == broken.pk for decision in batch.decisions):
            raise ValueError("the row is too long")
        genuine(batch, facts)

    monkeypatch.setattr(router, "insert_batch", insert)
    signal = entry_signal(source)
    with pytest.raises(ValueError, match="too long"):
        decide(signal)
    assert not Decision.objects.exists()
    decide(signal)
    assert verdict(signal, sound) == (True, "")
    assert signal.chunks.get().done_at is None  # the broken one still has a try
    decide(signal)
    assert verdict(signal, broken) == (False, "engine.failed")
    assert signal.chunks.get().done_at


def test_a_blocked_order_is_logged_to_the_letter(
    source: SignalSource, caplog: pytest.LogCaptureFixture
) -> None:
    _, account = make_follower(source=source)
    raise_flag(account)
    with caplog.at_level(logging.WARNING, "execution"):
        [decision] = decide(entry_signal(source))
    assert decision.reason
    assert caplog.messages == [f"ORDER BLOCKED: {decision.reason} (firm=APEX, program=1, type=paused)"]


# --- sizes --------------------------------------------------------------------------------------------

SIZES: dict[str, tuple[dict[str, Any], Any, Decimal | None]] = {
    "as sent": ({}, 2, Decimal(2)),
    "as sent, capped": ({"max_size": 1}, 2, Decimal(1)),
    "as sent, none sent": ({}, None, None),
    "fixed": (sizing(fixed_size=3), 2, Decimal(3)),
    "fixed, none sent": (sizing(fixed_size=3), None, Decimal(3)),
    "fixed, capped": (sizing(fixed_size=3, max_size=2), 2, Decimal(2)),
    "times three": (sizing(multiplier=3), 2, Decimal(6)),
    "times a half": (sizing(multiplier=Decimal("0.5")), 2, Decimal(1)),
    "times a half, rounded down": (sizing(multiplier=Decimal("0.5")), 3, Decimal(1)),
    "times a half of one is nothing": (sizing(multiplier=Decimal("0.5")), 1, Decimal(0)),
    "times three, capped": (sizing(multiplier=3, max_size=5), 2, Decimal(5)),
    "times three, none sent": (sizing(multiplier=3), None, None),
    "unusable, as sent": ({}, "2.5", None),
    "unusable is never replaced by a fixed size": (sizing(fixed_size=3), "2.5", None),
    "unusable is never multiplied": (sizing(multiplier=3), "abc", None),
    "unusable is never capped into use": ({"max_size": 1}, -2, None),
}


@pytest.mark.parametrize("row", SIZES.values(), ids=SIZES)
def test_the_route_gives_the_account_its_size(
    source: SignalSource, row: tuple[dict[str, Any], Any, Decimal | None]
) -> None:
    columns, sent, size = row
    make_follower(source=source, route=columns, program=make_program(daily_loss=2400))
    [decision] = decide(entry_signal(source, contracts=sent))
    assert (decision.quantity, decision.allowed) == (size, bool(size))
    if not size:
        assert (decision.breach_type, Order.objects.count()) == ("contracts", 0)


def test_a_multiplier_of_lots_keeps_their_step(source: SignalSource) -> None:
    make_follower(source=source, route=sizing(multiplier=Decimal("0.125")))
    signal = entry_signal(source, symbol="EURUSD", entry_price="1.10000", stop_loss="1.09900", contracts=1)
    assert [decision.quantity for decision in decide(signal)] == [Decimal("0.12")]


def test_prices_are_put_on_ticks_without_understating_the_risk(source: SignalSource) -> None:
    make_follower(source=source)
    [decision] = decide(entry_signal(source, entry_price="20000.30", stop_loss="19990.20", target="20030.20"))
    assert (decision.entry_price, decision.stop_loss, decision.target) == (
        Decimal("20000.50"), Decimal("19990.00"), Decimal("20030.00"),
    )  # fmt: skip


# --- what has changed since the intake ----------------------------------------------------------------


def switch_source_off(account: Account) -> None:
    SignalSource.objects.update(is_enabled=False)


def switch_route_off(account: Account) -> None:
    Route.objects.filter(account=account).update(is_enabled=False)


def take_route_away(account: Account) -> None:
    Route.objects.filter(account=account).delete()


def switch_account_off(account: Account) -> None:
    Account.objects.filter(pk=account.pk).update(is_active=False)


def pause_program(account: Account) -> None:
    update_flag("APEX", 1, "paused", True)


def pause_firm(account: Account) -> None:
    raise_flag(account.program.firm)


def kill_platform(account: Account) -> None:
    raise_flag(None, "kill")


def forget_state(account: Account) -> None:
    account.state.delete()


def switch_firm_off(account: Account) -> None:
    type(account.program.firm).objects.update(is_active=False)


SINCE: dict[str, tuple[Callable[[Account], None], str, str]] = {
    "source switched off": (switch_source_off, "routing", "admission.source_disabled"),
    "route switched off": (switch_route_off, "routing", "admission.route_disabled"),
    "route taken away": (take_route_away, "routing", "admission.route_disabled"),
    "account switched off": (switch_account_off, "routing", "admission.account_disabled"),
    "program paused": (pause_program, "paused", "trading_state.paused"),
    "firm paused": (pause_firm, "paused", "trading_state.paused"),
    "platform killed": (kill_platform, "paused", "trading_state.killed"),
    "state forgotten": (forget_state, "stale", "account_data_fresh.unknown"),
    "firm switched off": (switch_firm_off, "error", "program_terms.unavailable"),
}


@pytest.mark.parametrize("row", SINCE.values(), ids=SINCE)
def test_what_changed_since_the_intake_refuses_with_its_code(
    source: SignalSource, row: tuple[Callable[[Account], None], str, str]
) -> None:
    change, breach_type, code = row
    _, account = make_follower(source=source)
    signal = entry_signal(source)
    change(account)
    [decision] = decide(signal)
    assert (decision.allowed, decision.breach_type, decision.code) == (False, breach_type, code)
    assert not Order.objects.exists()


def test_an_unknown_symbol_is_refused(source: SignalSource) -> None:
    make_follower(source=source)
    [decision] = decide(entry_signal(source, symbol="WHAT1!"))
    assert (decision.allowed, decision.code) == (False, "instrument_allowed.unknown_symbol")


def test_a_symbol_added_by_hand_is_known(source: SignalSource) -> None:
    make_follower(source=source)
    Instrument.objects.create(
        symbol="WHAT", name="What", tick_size="0.25", tick_value=5, family="WHAT", group="other", aliases="WHAT1!"
    )  # fmt: skip
    [decision] = decide(entry_signal(source, symbol="WHAT1!"))
    assert (decision.allowed, the_entry(Account.objects.get()).symbol) == (True, "WHAT")


def test_another_currency_than_the_accounts_is_refused(source: SignalSource) -> None:
    make_follower(source=source)
    signal = entry_signal(source, symbol="USDJPY", entry_price="150.000", stop_loss="149.900", contracts=1)
    [decision] = decide(signal)
    assert (decision.allowed, decision.code) == (False, "instrument_allowed.other_currency")


@pytest.mark.parametrize(("age", "allowed"), [(900, True), (901, False)], ids=["15 minutes", "a second more"])
def test_equity_older_than_its_limit_is_not_known(
    source: SignalSource, clock: time_machine.Traveller, age: int, allowed: bool
) -> None:
    make_follower(source=source, paper=False)
    clock.shift(age)
    [decision] = decide(entry_signal(source))
    assert (decision.allowed, decision.code) == (allowed, "" if allowed else "account_data_fresh.stale")


def test_a_flat_paper_account_is_never_stale(source: SignalSource, clock: time_machine.Traveller) -> None:
    make_follower(source=source)
    clock.shift(timedelta(days=9))
    assert [decision.allowed for decision in decide(entry_signal(source))] == [True]


@pytest.mark.parametrize(("waited", "allowed"), [(14, True), (15, False)])
def test_a_signal_that_waited_too_long_is_not_traded(
    source: SignalSource, clock: time_machine.Traveller, waited: int, allowed: bool
) -> None:
    make_follower(source=source)
    signal = entry_signal(source)
    clock.shift(waited)
    [decision] = decide(signal)
    assert (decision.allowed, decision.code) == (allowed, "" if allowed else "signal_fresh.expired")


@pytest.mark.parametrize(
    ("seconds", "code"),
    [(300, ""), (301, "signal_fresh.late"), (-60, ""), (-61, "signal_fresh.from_the_future")],
    ids=["five minutes old", "older", "a minute ahead", "further ahead"],
)
def test_an_alerts_own_time_counts_too(source: SignalSource, seconds: int, code: str) -> None:
    make_follower(source=source)
    moment = (NOON - timedelta(seconds=seconds)).isoformat()
    [decision] = decide(entry_signal(source, time=moment))
    assert (decision.allowed, decision.code) == (not code, code)


# --- exits in the way ---------------------------------------------------------------------------------


def test_an_entry_newer_than_an_open_exit_waits_for_it_and_is_then_decided(
    source: SignalSource, venue: Venue, clock: time_machine.Traveller
) -> None:
    _, account = make_follower(source=source)
    route(entry_signal(source, alert_id="1"))
    venue.fails("positions", *[ConnectionError("no answer")] * 2)
    close_signal(source)
    later = entry_signal(source, alert_id="2")
    decide(later)
    assert (later.decisions.count(), later.chunks.get().done_at) == (0, None)
    for _ in range(2):
        tasks.work_exit(open_exits(account)[0].pk)
        decide(later)
        assert later.decisions.count() == 0
    tasks.work_exit(open_exits(account)[0].pk)
    assert open_exits(account) == []
    assert ("execution.tasks.route_chunk", (later.chunks.get().pk,)) in queued()[-1:]
    run_queue()
    assert verdict(later, account) == (True, "")
    assert venue.held == {(account.pk, "NQ"): 2}


def test_an_entry_whose_exit_does_not_end_in_time_is_denied(
    source: SignalSource, venue: Venue, clock: time_machine.Traveller
) -> None:
    make_follower(source=source)
    route(entry_signal(source, alert_id="1"))
    close_signal(source)
    later = entry_signal(source, alert_id="2")
    decide(later)
    clock.shift(14)
    decide(later)
    assert later.decisions.count() == 0
    clock.shift(1)
    decide(later)
    decision = later.decisions.get()
    assert (decision.allowed, decision.breach_type, decision.code) == (
        False, "exit_pending", "admission.exit_pending",
    )  # fmt: skip
    assert later.chunks.get().done_at


def test_an_exit_in_another_family_is_not_in_the_way(source: SignalSource) -> None:
    _, account = make_follower(source=source)
    close_signal(source, symbol="ES1!")
    signal = entry_signal(source)
    decide(signal)
    assert verdict(signal, account) == (True, "")


def test_an_entry_is_superseded_by_a_later_exit(source: SignalSource) -> None:
    _, account = make_follower(source=source)
    signal = entry_signal(source)
    route(close_signal(source))
    assert open_exits(account) == []
    decide(signal)
    assert verdict(signal, account) == (False, "admission.superseded")


@pytest.mark.parametrize(
    ("entry_second", "allowed"), [(0, False), (2, True)], ids=["before the exit", "after"]
)
def test_two_alerts_that_arrive_in_the_wrong_order_are_told_apart_by_their_own_times(
    source: SignalSource, entry_second: int, allowed: bool
) -> None:
    _, account = make_follower(source=source)
    route(close_signal(source, time=(NOON - timedelta(seconds=9)).isoformat()))
    signal = entry_signal(source, time=(NOON - timedelta(seconds=10 - entry_second)).isoformat())
    decide(signal)
    assert verdict(signal, account) == (allowed, "" if allowed else "admission.superseded")


# --- reversals, and entries against the position ------------------------------------------------------


def reversal(source: SignalSource, **fields: Any) -> Signal:
    """From long 2 to short 1: sell 3, stop above."""
    return entry_signal(
        source, action="sell", contracts=3, stop_loss="20010.25", market_position="short",
        market_position_size=1, prev_market_position="long", prev_market_position_size=2, **fields,
    )  # fmt: skip


def test_a_reversal_brings_the_position_down_and_then_opens_the_other_side(source: SignalSource) -> None:
    _, account = make_follower(source=source)
    route(entry_signal(source))
    signal = reversal(source)
    [row] = open_exits(account)
    assert (row.covers, row.target) == (signal, 0)
    run_queue()
    while queued():
        run_queue()
    assert open_exits(account) == []
    assert (verdict(signal, account, "exit")[0], verdict(signal, account)) == (True, (True, ""))
    assert held(account) == -1
    legs = Order.objects.filter(signal=signal).order_by("leg").values_list("leg", "side", "quantity")
    assert list(legs) == [("entry", "sell", 1), ("exit", "sell", 2)]


def test_the_exit_leg_of_a_reversal_goes_where_its_entry_leg_is_refused(source: SignalSource) -> None:
    _, account = make_follower(source=source)
    route(entry_signal(source))
    raise_flag(account)
    signal = reversal(source)
    run_queue()
    while queued():
        run_queue()
    assert (verdict(signal, account, "exit")[0], verdict(signal, account)) == (
        True,
        (False, "trading_state.paused"),
    )
    assert held(account) == 0


@pytest.mark.parametrize(
    ("size", "left", "entry"),
    [(1, 1, None), (2, 0, None), (5, -3, 3)],
    ids=["smaller than the position", "as large", "larger: only the rest opens the other side"],
)
def test_an_entry_against_the_position_is_split_at_zero(
    source: SignalSource, size: int, left: int, entry: int | None
) -> None:
    _, account = make_follower(source=source, program=make_program(daily_loss=2400))
    route(entry_signal(source))
    signal = entry_signal(source, action="sell", contracts=size, stop_loss="20010.25")
    for _ in range(4):
        run_queue()
    assert held(account) == left
    assert open_exits(account) == []
    assert verdict(signal, account, "exit")[0]
    opened = Decision.objects.filter(signal=signal, leg="entry").values_list("quantity", "allowed")
    assert list(opened) == ([] if entry is None else [(entry, True)])
    assert signal.chunks.get().done_at


@pytest.mark.parametrize("when", ["before the alert", "after the alert"])
@pytest.mark.parametrize("switch", [switch_source_off, switch_route_off, switch_account_off])
@pytest.mark.parametrize(("size", "entries"), [(2, []), (5, [False])], ids=["as large", "larger"])
def test_what_is_switched_off_still_closes_by_an_entry_and_opens_nothing(
    source: SignalSource, when: str, switch: Callable[[Account], None], size: int, entries: list[bool]
) -> None:
    """A sender without position fields closes its long by a plain sell."""
    _, account = make_follower(source=source, program=make_program(daily_loss=2400))
    route(entry_signal(source))
    if when == "before the alert":
        switch(account)
    signal = entry_signal(source, action="sell", contracts=size, stop_loss="20010.25")
    if when == "after the alert":
        switch(account)
    for _ in range(4):
        run_queue()
    assert held(account) == 0
    assert open_exits(account) == []
    opened = Decision.objects.filter(signal=signal, leg="entry").values_list("allowed", flat=True)
    assert list(opened) == entries


def test_an_entry_against_the_position_of_a_paused_account_still_brings_it_down(source: SignalSource) -> None:
    _, account = make_follower(source=source)
    route(entry_signal(source))
    raise_flag(account)
    entry_signal(source, action="sell", contracts=5, stop_loss="20010.25")
    for _ in range(4):
        run_queue()
    assert held(account) == 0


@pytest.mark.parametrize(
    ("opened", "size", "against", "left"),
    [("MNQ1!", 10, ("NQ1!", 1), {}), ("MNQ1!", 10, ("NQ1!", 2), {"NQ": -1}), ("NQ1!", 1, ("MNQ1!", 15), {"MNQ": -5}),
     ("NQ1!", 1, ("MNQ1!", 4), {})],
    ids=["10 micros by a mini", "10 micros by two minis", "a mini by 15 micros", "a mini by 4 micros: it can't be cut, all of it goes"],
)  # fmt: skip
def test_a_mini_counts_as_ten_micros_at_the_split(
    source: SignalSource, opened: str, size: int, against: tuple[str, int], left: dict[str, int]
) -> None:
    _, account = make_follower(source=source, program=make_program(daily_loss=2400))
    route(entry_signal(source, symbol=opened, contracts=size))
    entry_signal(source, action="sell", symbol=against[0], contracts=against[1], stop_loss="20010.25")
    for _ in range(4):
        run_queue()
    positions = Position.objects.filter(account=account).exclude(quantity=0)
    assert dict(positions.values_list("symbol", "quantity")) == left
    assert open_exits(account) == []


def test_what_a_stop_closed_first_is_not_opened_on_the_other_side(source: SignalSource) -> None:
    """Long 2, sell 3 arrives, and the stop takes the 2 before the exit does: 1 is left to open, not 3."""
    _, account = make_follower(source=source, program=make_program(daily_loss=2400))
    route(entry_signal(source))
    signal = entry_signal(source, action="sell", contracts=3, stop_loss="20010.25")
    decide(signal)
    marks.post([marks.Price("NQ", Decimal(19_990), NOON)])
    assert held(account) == 0
    for _ in range(4):
        run_queue()
    assert held(account) == -1


def test_an_entry_with_the_position_adds_to_it(source: SignalSource) -> None:
    _, account = make_follower(source=source)
    route(entry_signal(source, alert_id="1"))
    route(entry_signal(source, alert_id="2"))
    assert (held(account), Exit.objects.count()) == (4, 0)


# --- the door -----------------------------------------------------------------------------------------


def test_a_standing_shows_the_numbers_that_the_decision_used(source: SignalSource) -> None:
    _, account = make_follower(source=source)
    [decision] = decide(entry_signal(source))
    standing = enforcement_service.standings([account.pk], NOON)[account.pk]
    assert standing is not None
    assert (
        [room.level for room in standing.floors]
        == [room.level for room in decision.floors]
        == [49_000, 47_500]
    )


def test_the_session_by_the_clock_stands_in_for_one_that_is_not_named(source: SignalSource) -> None:
    """12:00 in New York is half-open NY LUNCH."""
    make_follower(source=source)
    signal = entry_signal(source, session=None)
    around = routing.survey(signal, [], NOON)
    assert around.session == "NY LUNCH"


def test_an_order_is_sent_by_the_task_that_decided_it(source: SignalSource) -> None:
    _, account = make_follower(source=source)
    route(entry_signal(source))
    assert (the_entry(account).status, held(account)) == ("filled", 2)


def test_two_sources_may_move_one_account(source: SignalSource) -> None:
    other = make_source("tv-2")
    _, account = make_follower(source=source)
    make_route(other, account)
    route(accept_alert(source, alert_id="1").signal)
    route(accept_alert(other, alert_id="1").signal)
    assert held(account) == 4


def test_the_same_order_from_two_sources_is_a_copy_where_neither_has_an_id(source: SignalSource) -> None:
    other = make_source("tv-2")
    _, account = make_follower(source=source)
    make_route(other, account)
    route(accept_alert(source).signal)
    signal = accept_alert(other).signal
    route(signal)
    assert (verdict(signal, account), held(account)) == ((False, "duplicate_order.repeated"), 2)
