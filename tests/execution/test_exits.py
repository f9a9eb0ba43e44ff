"""The position ends flat, whatever comes first, whoever fails, whatever is switched off meanwhile."""

from collections.abc import Callable
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from enforcement.orders import Side
from execution import dispatch, exit_lease, exit_loop, exits, reports, supervision, tasks
from execution.connectors import ApprovedOrder, Connector, InDoubt, Rejected, Unavailable, venue_of
from execution.models import Alarm, Decision, Exit, Order, Position, Route, Signal, SignalSource
from execution.order_state import RESERVING, OrderStatus
from firms.models import Account, LossLimit
from firms.services import raise_flag, update_flag
from tests.execution.make import (
    close_signal,
    decide,
    entry_signal,
    function_named,
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
from tests.make import make_program, make_source

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


@pytest.fixture
def source() -> SignalSource:
    return make_source()


@pytest.fixture
def account(source: SignalSource) -> Account:
    return make_follower(source=source, program=make_program(daily_loss=2400))[1]


def work(account: Account) -> str:
    """Work the account's one open exit once; the note it leaves."""
    [row] = open_exits(account)
    tasks.work_exit(row.pk)
    row.refresh_from_db()
    return row.note


def work_all_open(account: Account) -> None:
    for row in open_exits(account):
        exit_loop.work(row.pk)


def settle(clock: time_machine.Traveller) -> None:
    """What the supervisor and the workers do in the next minutes, or until there is nothing left to do."""
    for _ in range(60):
        clock.shift(2)
        supervision.sweep()
        if run_queue() == 0 and not Exit.objects.filter(done_at=None).exists():
            return


def at_venue(account: Account) -> dict[str, Decimal]:
    connector = venue_of(account)
    assert connector is not None
    return {position.symbol: position.quantity for position in connector.positions()}


def assert_flat(account: Account) -> None:
    """Flat at the venue and by the books, nothing that could fill, no exit left, nothing alarmed."""
    connector = venue_of(account)
    assert isinstance(connector, Connector)
    assert at_venue(account) == {}
    assert not connector.has_working_orders(["NQ", "MNQ"])
    assert not Position.objects.filter(account=account).exclude(quantity=0).exists()
    assert not Order.objects.filter(account=account, leg="entry", status__in=sorted(RESERVING)).exists()
    assert open_exits(account) == []


# --- every order of arrival ---------------------------------------------------------------------------

EVENTS = ("decide the entry", "send the entry", "the exit arrives", "work the exit", "sweep")


class Story:
    """One entry and one exit; each event is something that really happens, whenever it does."""

    def __init__(self, source: SignalSource, account: Account, clock: time_machine.Traveller) -> None:
        self.source, self.account, self.clock = source, account, clock
        self.entry = entry_signal(source)

    def happen(self, event: str) -> None:
        if event == "decide the entry":
            decide(self.entry)
        elif event == "send the entry":
            dispatch.send_approved(self.entry.pk)
        elif event == "the exit arrives":
            close_signal(self.source)
        elif event == "work the exit":
            for pk in Exit.objects.values_list("pk", flat=True):
                tasks.work_exit(pk)
        else:
            self.sweep()

    def sweep(self) -> None:
        self.clock.shift(2)
        supervision.sweep()
        run_queue()


# Working an exit that is not there yet is no event.
ARRIVALS = [p for p in permutations(EVENTS) if p.index("the exit arrives") < p.index("work the exit")]


@pytest.mark.parametrize("events", ARRIVALS, ids=" · ".join)
def test_the_position_ends_flat_in_every_order_of_arrival(
    source: SignalSource, account: Account, clock: time_machine.Traveller, events: tuple[str, ...]
) -> None:
    story = Story(source, account, clock)
    for event in events:
        story.happen(event)
    settle(clock)
    assert_flat(account)
    assert Alarm.objects.count() == 0
    assert Decision.objects.filter(signal=story.entry).count() == 1


@pytest.mark.parametrize("chosen", list(permutations(range(4))), ids=str)
def test_it_ends_flat_in_every_order_of_the_queues_own_tasks(
    source: SignalSource, account: Account, clock: time_machine.Traveller, chosen: tuple[int, ...]
) -> None:
    """Two entries, a close, and its repeat: four tasks, run in any order, each of them twice."""
    entry_signal(source, alert_id="1")
    entry_signal(source, alert_id="2")
    close_signal(source)
    close_signal(source)
    waiting = queued()
    assert len(waiting) == 4
    for number in chosen * 2:
        name, arguments = waiting[number]
        function_named(name)(*arguments)
    settle(clock)
    assert_flat(account)


def test_an_entry_after_the_exit_is_its_own_trade(
    source: SignalSource, account: Account, clock: time_machine.Traveller
) -> None:
    route(entry_signal(source, alert_id="1"))
    close_signal(source)
    entry_signal(source, alert_id="2")
    settle(clock)
    assert (held(account), at_venue(account), open_exits(account)) == (2, {"NQ": 2}, [])


# --- where the entry may be ---------------------------------------------------------------------------


def test_an_exit_before_the_entry_is_decided_refuses_it(source: SignalSource, account: Account) -> None:
    entry = entry_signal(source)
    route(close_signal(source))
    route(entry)
    assert entry.decisions.get().code == "admission.superseded"
    assert_flat(account)


def test_an_exit_cancels_an_entry_that_is_approved(source: SignalSource, account: Account) -> None:
    entry = entry_signal(source)
    decide(entry)
    route(close_signal(source))
    dispatch.send_approved(entry.pk)
    assert (the_entry(account).status, the_entry(account).note) == ("canceled", "covered by an exit")
    assert_flat(account)


def test_an_exit_waits_for_an_entry_in_flight_and_closes_it(
    source: SignalSource, account: Account, venue: Venue
) -> None:
    """The exit arrives, and is worked, while the entry's request is on the wire."""
    notes: list[str] = []

    def meanwhile(what: str) -> None:
        if what == "submit":
            venue.before = lambda _what: None
            close_signal(source)
            notes.append(work(account))

    venue.before = meanwhile
    # In the worker's own thread: SQLite's test connection and the pool's can't share one transaction.
    venue.connector.inline = True
    route(entry_signal(source))
    assert notes == ["an entry it covers is on its way"]
    assert ("execution.tasks.work_exit", (open_exits(account)[0].pk,)) in queued()
    run_queue()
    assert_flat(account)
    assert venue.asked("close") != []


def test_an_exit_waits_for_an_entry_in_doubt_and_closes_it_when_it_is_filled_late(
    source: SignalSource, account: Account, venue: Venue, clock: time_machine.Traveller
) -> None:
    venue.fails("submit", InDoubt("cut off while waiting"))
    entry = entry_signal(source)
    route(entry)
    assert the_entry(account).status == "unknown"
    close_signal(source)
    assert work(account) == "an entry it covers is in doubt"
    clock.shift(5)
    venue.fill(the_entry(account).client_order_id)
    settle(clock)
    assert the_entry(account).status == "filled"
    assert_flat(account)


def test_an_exit_of_an_entry_whose_process_died_waits_until_it_is_known(
    source: SignalSource, account: Account, venue: Venue, clock: time_machine.Traveller
) -> None:
    """Killed between the claim and the answer: the venue has the order, nobody knows."""
    venue.fails("submit", KeyboardInterrupt())
    entry = entry_signal(source)
    decide(entry)
    with pytest.raises(KeyboardInterrupt):
        dispatch.send_approved(entry.pk)
    assert the_entry(account).status == "submitting"
    close_signal(source)
    assert work(account) == "an entry it covers is on its way"
    clock.shift(16)
    supervision.sweep()
    assert the_entry(account).status == "unknown"
    assert work(account) == "an entry it covers is in doubt"
    venue.fill(the_entry(account).client_order_id)
    settle(clock)
    assert_flat(account)


def test_an_exit_closes_an_entry_that_is_filled(source: SignalSource, account: Account) -> None:
    route(entry_signal(source))
    assert held(account) == 2
    signal = close_signal(source)
    route(signal)
    assert_flat(account)
    closing = Order.objects.get(leg="exit")
    assert (closing.side, closing.quantity, closing.status, closing.signal) == ("sell", 2, "filled", signal)
    assert Decision.objects.get(signal=signal, leg="exit").allowed


def test_an_exit_closes_an_entry_that_the_venue_has_filled_but_not_reported(
    source: SignalSource, account: Account, venue: Venue
) -> None:
    route(entry_signal(source))
    assert (the_entry(account).status, held(account)) == ("accepted", 0)
    route(close_signal(source))
    assert the_entry(account).status == "filled"
    assert_flat(account)


def test_an_exit_cancels_an_entry_that_rests_at_the_venue_and_ends(
    source: SignalSource, account: Account, venue: Venue, clock: time_machine.Traveller
) -> None:
    venue.fills_at_once = False
    route(entry_signal(source))
    assert the_entry(account).status == "accepted"
    close_signal(source)
    settle(clock)
    assert venue.asked("cancel")[:1] == [the_entry(account).client_order_id]
    assert the_entry(account).status == "canceled"
    assert_flat(account)


def test_a_fill_that_crossed_the_cancel_reopens_the_exit(
    source: SignalSource, account: Account, venue: Venue, clock: time_machine.Traveller
) -> None:
    """The exit was done: flat, nothing working. Then a covered entry turns out to have been filled."""
    venue.fails("submit", Unavailable("so it said"))
    route(entry_signal(source))
    route(close_signal(source))
    assert (the_entry(account).status, open_exits(account)) == ("canceled", [])
    clock.shift(5)
    venue.fill(the_entry(account).client_order_id)
    connector = venue_of(account)
    assert connector is not None
    reports.collect(connector)
    assert (held(account), the_entry(account).status) == (2, "filled")
    [row] = open_exits(account)
    assert ("execution.tasks.work_exit", (row.pk,)) in queued()
    settle(clock)
    assert_flat(account)


# --- repeats ------------------------------------------------------------------------------------------


def test_a_close_repeated_as_another_alert_closes_once(source: SignalSource, account: Account) -> None:
    route(entry_signal(source))
    for number in range(3):
        route(close_signal(source, alert_id=str(number)))
    assert_flat(account)
    assert Order.objects.filter(leg="exit").count() == 1


def test_the_same_close_after_another_entry_is_a_close_of_its_own(
    source: SignalSource, account: Account
) -> None:
    """Close, buy, close: the third is word for word the first, within its window, and must end flat."""
    first = close_signal(source)
    run_queue()
    route(entry_signal(source))
    assert held(account) == 2
    second = close_signal(source)
    assert second != first
    run_queue()
    assert_flat(account)


def test_a_repeated_reversal_does_not_close_what_it_opened(source: SignalSource, account: Account) -> None:
    route(entry_signal(source))

    def reverse() -> Signal:
        return entry_signal(
            source, action="sell", contracts=3, stop_loss="20010.25", market_position="short",
            market_position_size=1, prev_market_position="long", prev_market_position_size=2,
        )  # fmt: skip

    first = reverse()
    while run_queue():
        pass
    assert held(account) == -1
    assert reverse() == first
    while run_queue():
        pass
    assert (held(account), open_exits(account)) == (-1, [])


def test_a_decision_that_fails_keeps_no_exit_back(
    source: SignalSource, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    route(entry_signal(source))
    signal = close_signal(source)

    def broken(_chunk_id: int) -> bool:
        raise ConnectionError("the decision can't be written")

    monkeypatch.setattr("execution.router.decide", broken)
    with pytest.raises(ConnectionError):
        route(signal)
    assert_flat(account)


def test_working_an_exit_that_is_done_changes_nothing(
    source: SignalSource, account: Account, venue: Venue
) -> None:
    route(entry_signal(source))
    route(close_signal(source))
    before = list(venue.calls)
    for pk in Exit.objects.values_list("pk", flat=True):
        tasks.work_exit(pk)
    assert venue.calls == before


def test_a_lease_keeps_a_second_worker_out(source: SignalSource, account: Account, venue: Venue) -> None:
    route(entry_signal(source))
    close_signal(source)
    [row] = open_exits(account)

    def second(what: str) -> None:
        if what == "close":
            venue.before = lambda _what: None
            exit_loop.work(row.pk)

    venue.before = second
    exit_loop.work(row.pk)
    assert len(venue.asked("close")) == 1
    assert_flat(account)


def test_a_lease_that_nobody_gave_back_runs_out(
    source: SignalSource, account: Account, clock: time_machine.Traveller
) -> None:
    route(entry_signal(source))
    close_signal(source)
    [row] = open_exits(account)
    assert exit_lease.take(row.pk)  # its process dies here
    exit_loop.work(row.pk)
    assert held(account) == 2
    clock.shift(15.001)
    exit_loop.work(row.pk)
    assert_flat(account)


# --- nothing stops an exit ----------------------------------------------------------------------------

OBSTACLES: dict[str, Callable[[Account], object]] = {
    "the account is paused": lambda a: raise_flag(a),
    "the program is paused": lambda a: update_flag("APEX", 1, "paused", True),
    "the firm is paused": lambda a: raise_flag(a.program.firm),
    "the platform is killed": lambda a: raise_flag(None, "kill"),
    "the account has failed": lambda a: raise_flag(a, "failed"),
    "nothing is known of its state": lambda a: a.state.delete(),
    "its state is old": lambda a: type(a.state).objects.update(as_of="2026-01-01T00:00:00Z"),
    "the route is switched off": lambda a: Route.objects.update(is_enabled=False),
    "the account is switched off": lambda a: Account.objects.update(is_active=False),
    "the source is switched off": lambda a: SignalSource.objects.update(is_enabled=False),
    "the firm is switched off": lambda a: type(a.program.firm).objects.update(is_active=False),
    "the program has no rules": lambda a: LossLimit.objects.all().delete(),
    "the program is advise-only": lambda a: type(a.program).objects.update(automation="advise_only"),
    "the account went back to dry-run": lambda a: Account.objects.update(mode="dry_run"),
    "something unknown is held as well": lambda a: Position.objects.create(
        account=a, symbol="GONE", family="GONE", quantity=1
    ),
}


@pytest.mark.parametrize("arrange", OBSTACLES.values(), ids=OBSTACLES)
def test_an_exit_goes_through_whatever_stands_against_entries(
    source: SignalSource, account: Account, arrange: Callable[[Account], object]
) -> None:
    route(entry_signal(source))
    assert held(account) == 2
    arrange(account)
    signal = close_signal(source)
    route(signal)
    assert (at_venue(account), held(account), open_exits(account)) == ({}, 0, [])
    decision = Decision.objects.get(signal=signal, leg="exit")
    assert (decision.allowed, decision.breach_type) == (True, "")
    assert not any(finding.outcome.blocks for finding in decision.findings)


def test_the_findings_of_an_exit_are_kept_with_the_rules_own_word(
    source: SignalSource, account: Account
) -> None:
    route(entry_signal(source))
    raise_flag(account)
    [decision] = decide(close_signal(source))
    finding = next(finding for finding in decision.findings if finding.rule == "trading_state")
    assert finding.verdict is not None
    assert (finding.outcome.name, finding.verdict.name) == ("WARN", "DENY")


def test_an_account_switched_to_dry_run_with_an_entry_in_doubt_is_still_closed_at_its_venue(
    source: SignalSource, account: Account, venue: Venue, clock: time_machine.Traveller
) -> None:
    """Nothing was booked when the mode was changed; the order had left nevertheless."""
    venue.fails("submit", InDoubt("cut off while waiting"))
    route(entry_signal(source))
    venue.fill(the_entry(account).client_order_id)
    Account.objects.update(mode=Account.Mode.DRY_RUN)
    close_signal(source)
    settle(clock)
    assert_flat(account)


def test_an_account_switched_to_dry_run_with_an_unreported_fill_is_still_closed_at_its_venue(
    source: SignalSource, account: Account, venue: Venue, clock: time_machine.Traveller
) -> None:
    route(entry_signal(source))
    assert (the_entry(account).status, held(account)) == ("accepted", 0)
    Account.objects.update(mode=Account.Mode.DRY_RUN)
    close_signal(source)
    settle(clock)
    assert_flat(account)


def test_an_exit_on_a_dry_run_account_ends_at_once(source: SignalSource) -> None:
    _, account = make_follower(source=source, paper=False)
    route(entry_signal(source))
    route(close_signal(source))
    assert open_exits(account) == []
    assert the_entry(account).status == "skipped"
    assert not Order.objects.filter(leg="exit").exists()


def test_an_exit_leaves_even_where_what_follows_can_not_be_booked(
    source: SignalSource, account: Account
) -> None:
    """Without a trading day the report can't be booked. The position is closed all the same."""
    route(entry_signal(source))
    type(account.program).objects.update(day_zone="Mars/Olympus")
    route(close_signal(source))
    assert at_venue(account) == {}


def test_one_accounts_broken_exit_leaves_the_others(
    source: SignalSource, account: Account, venue: Venue
) -> None:
    _, other = make_follower("Apex-2", source=source)
    route(entry_signal(source))
    venue.fails("positions", ZeroDivisionError("oops"))
    route(close_signal(source))
    assert sorted(len(at_venue(each)) for each in (account, other)) == [0, 1]
    assert [row.note for row in Exit.objects.filter(done_at=None)] == ["ZeroDivisionError: oops"]


# --- targets and families -----------------------------------------------------------------------------


def reduce_signal(source: SignalSource, before: int, after: int, **fields: Any) -> Signal:
    """A strategy's own position goes from `before` to `after`, both signed, on the same side."""
    word = "long" if after > 0 else "short"
    values = {
        "action": "sell" if after > 0 else "buy", "contracts": abs(before - after),
        "entry_price": None, "stop_loss": None, "market_position": word, "market_position_size": abs(after),
        "prev_market_position": word, "prev_market_position_size": abs(before), **fields,
    }  # fmt: skip
    return entry_signal(source, **values)


TARGETS: dict[str, tuple[dict[str, Any], int, int, int, int]] = {
    # the route, contracts at the entry, the sender's position after the exit; held before and after here
    "as sent, 4 to 1": ({}, 4, 1, 4, 1),
    "as sent, short 4 to 1": ({}, -4, -1, -4, -1),
    "half, 4 to 2": (sizing(multiplier=Decimal("0.5")), 4, 2, 2, 1),
    "half, 4 to 1: the half of one is nothing": (sizing(multiplier=Decimal("0.5")), 4, 1, 2, 0),
    "twice, 2 to 1": (sizing(multiplier=2), 2, 1, 4, 2),
    "fixed at 4, 2 to 1": (sizing(fixed_size=4), 2, 1, 4, 2),
    "fixed at 3, 2 to 1: rounded down": (sizing(fixed_size=3), 2, 1, 3, 1),
    "capped at 2, 4 to 1": ({"max_size": 2}, 4, 1, 2, 1),
    "capped at 2, 4 to 3: already there": ({"max_size": 2}, 4, 3, 2, 2),
}  # fmt: skip


@pytest.mark.parametrize("row", TARGETS.values(), ids=TARGETS)
def test_a_partial_exit_leaves_the_senders_target_in_the_accounts_own_size(
    source: SignalSource, row: tuple[dict[str, Any], int, int, int, int]
) -> None:
    columns, before, after, held_before, held_after = row
    _, account = make_follower(source=source, route=columns, program=make_program(daily_loss=2400))
    side = {} if before > 0 else {"action": "sell", "stop_loss": "20010.25"}
    route(entry_signal(source, contracts=abs(before), **side))
    assert held(account) == held_before
    route(reduce_signal(source, before, after))
    assert (held(account), open_exits(account)) == (held_after, [])
    assert at_venue(account) == ({"NQ": held_after} if held_after else {})


def test_a_partial_exit_in_lots_keeps_their_step(source: SignalSource) -> None:
    _, account = make_follower(source=source, route=sizing(multiplier=Decimal("0.5")))
    price = {"symbol": "EURUSD", "entry_price": "1.10000", "stop_loss": "1.09900"}
    route(entry_signal(source, contracts=2, **price))
    assert held(account, "EURUSD") == 1
    route(reduce_signal(source, 2, 1, symbol="EURUSD"))
    assert held(account, "EURUSD") == Decimal("0.5")


def test_a_close_that_joins_a_partial_exit_goes_all_the_way(source: SignalSource, account: Account) -> None:
    route(entry_signal(source, contracts=4))
    reduce_signal(source, 4, 1)
    close_signal(source)
    run_queue()
    assert_flat(account)


def test_an_older_exit_does_not_overrule_a_newer_ones_target(source: SignalSource, account: Account) -> None:
    route(entry_signal(source, contracts=4))
    first = close_signal(source)
    second = reduce_signal(source, 4, 1)
    exits.open_for_signal(first, [account.pk], first.received_at)
    [row] = open_exits(account)
    assert (row.covers, row.target) == (second, 1)


def test_a_target_in_minis_is_kept_in_micros(source: SignalSource) -> None:
    _, account = make_follower(source=source, program=make_program(daily_loss=2400))
    route(entry_signal(source, symbol="MNQ1!", contracts=30))
    route(reduce_signal(source, 3, 1, symbol="NQ1!"))
    assert (at_venue(account), open_exits(account)) == ({"MNQ": 10}, [])


def test_an_exit_on_the_other_side_of_its_target_goes_to_zero_not_through_it(
    source: SignalSource, account: Account
) -> None:
    """Held short here, the sender is long 1: an exit never opens anything."""
    route(entry_signal(source, action="sell", stop_loss="20010.25"))
    route(reduce_signal(source, 2, 1))
    assert (held(account), open_exits(account)) == (0, [])


@pytest.mark.parametrize(("opened", "closed"), [("MNQ1!", "NQ1!"), ("NQ1!", "MNQ1!"), ("MNQU6", "NQZ2026")])
def test_an_exit_closes_every_symbol_of_its_family(
    source: SignalSource, account: Account, opened: str, closed: str
) -> None:
    route(entry_signal(source, symbol=opened))
    assert at_venue(account) != {}
    route(close_signal(source, symbol=closed))
    assert_flat(account)


def test_an_exit_closes_mini_and_micro_together(source: SignalSource, account: Account) -> None:
    route(entry_signal(source, symbol="NQ1!", alert_id="1"))
    route(entry_signal(source, symbol="MNQ1!", alert_id="2"))
    assert at_venue(account) == {"NQ": 2, "MNQ": 2}
    route(close_signal(source))
    assert_flat(account)


def test_an_exit_leaves_other_families_alone(source: SignalSource, account: Account) -> None:
    route(entry_signal(source, symbol="ES1!", entry_price="5000", stop_loss="4998"))
    route(entry_signal(source))
    route(close_signal(source))
    assert at_venue(account) == {"ES": 2}


def test_what_a_cancelled_entry_has_filled_stays_reserved_until_it_is_booked(
    source: SignalSource, account: Account, venue: Venue
) -> None:
    """Cancelled between the venue's fill and its report: neither the order nor the position may be missed."""
    venue.fills_at_once = False
    route(entry_signal(source))
    entry = the_entry(account)
    venue.execute(account.pk, entry.client_order_id, "NQ", Side.BUY, Decimal(1), "entry")
    close_signal(source)
    venue.failures["report"] = [InDoubt("no fills today")] * 9
    work(account)
    assert (the_entry(account).status, held(account)) == ("accepted", 0)
    venue.failures.clear()
    note = work(account)
    assert (the_entry(account).status, the_entry(account).filled_quantity, note) == ("canceled", 1, "")


def test_an_entry_still_undecided_when_the_system_flattened_is_not_sent_once_that_is_done(
    source: SignalSource, account: Account, venue: Venue, clock: time_machine.Traveller
) -> None:
    """It was the newest alert: the system's own exit covers that one's entry too, decided or not."""
    signal = entry_signal(source)
    exits.open_flat({(account.pk, "NQ"): "NQ"}, timezone.now())
    work_all_open(account)
    assert open_exits(account) == []
    [decision] = decide(signal)
    assert (decision.allowed, decision.code) == (False, "admission.superseded")


def test_an_approved_entry_of_the_newest_alert_is_not_claimed_after_such_an_exit(
    source: SignalSource, account: Account, venue: Venue
) -> None:
    signal = entry_signal(source)
    decide(signal)
    row = Exit.objects.create(
        account=account, family="NQ", symbol="NQ", covers=signal, is_inclusive=True,
        opened_at=timezone.now(), done_at=timezone.now(),
    )  # fmt: skip
    dispatch.send_approved(signal.pk)
    assert (the_entry(account).status, the_entry(account).note) == ("canceled", "an exit has overtaken it")
    assert (venue.asked("submit"), row.is_inclusive) == ([], True)


# --- venues that fail ---------------------------------------------------------------------------------

FAILURES = {
    "unreachable": Unavailable("no route to host"),
    "refused": Rejected("try later"),
    "an error nobody thought of": ZeroDivisionError("oops"),
}


@pytest.mark.parametrize("error", FAILURES.values(), ids=FAILURES)
@pytest.mark.parametrize("what", ["positions", "close", "report"])
def test_a_failing_venue_keeps_the_exit_open_alarms_after_five_attempts_and_ends_once_it_works(
    source: SignalSource,
    account: Account,
    venue: Venue,
    clock: time_machine.Traveller,
    what: str,
    error: Exception,
) -> None:
    route(entry_signal(source))
    venue.failures[what] = [error] * 5
    close_signal(source)
    [row] = open_exits(account)
    for attempt in range(1, 6):
        clock.shift(61)  # beyond the settle time of a close in doubt
        if not open_exits(account):
            break  # a report that fails after a close that worked is only a report
        exit_loop.work(row.pk)
        row.refresh_from_db()
        if row.done_at is None:
            assert str(error) in row.note
            assert row.attempts == attempt
    if what != "report":
        alarm = Alarm.objects.get(kind="exit_open")
        assert (alarm.account, str(error) in alarm.message) == (account, True)
    settle(clock)
    assert at_venue(account) == {}
    assert_flat(account)


def test_a_symbol_that_can_not_be_closed_does_not_hold_back_the_others_of_its_family(
    source: SignalSource, account: Account, venue: Venue
) -> None:
    route(entry_signal(source, symbol="NQ1!", alert_id="1"))
    route(entry_signal(source, symbol="MNQ1!", alert_id="2"))
    venue.fails("close", ZeroDivisionError("oops"))
    close_signal(source)
    assert "oops" in work(account)
    assert len(venue.asked("close")) == 2
    assert len(at_venue(account)) == 1


def test_an_entry_that_can_not_be_cancelled_does_not_hold_back_the_close(
    source: SignalSource, account: Account, venue: Venue, clock: time_machine.Traveller
) -> None:
    route(entry_signal(source, alert_id="1"))
    venue.fills_at_once = False
    route(entry_signal(source, alert_id="2"))
    venue.fails("cancel", *[ConnectionError("no answer")] * 2)
    close_signal(source)
    work(account)
    assert at_venue(account) == {}
    settle(clock)
    assert_flat(account)


def test_a_close_whose_report_fails_is_booked_before_the_exit_ends(
    source: SignalSource, account: Account, clock: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Flat at the venue is not enough: what is booked as held would count in every later decision."""
    route(entry_signal(source))
    genuine, failures = reports.collect, [ConnectionError("cut off")]

    def collect(connector: Connector) -> Any:
        if failures:
            raise failures.pop()
        return genuine(connector)

    monkeypatch.setattr(reports, "collect", collect)
    route(close_signal(source))
    settle(clock)
    assert failures == []
    assert_flat(account)


def test_a_close_in_doubt_is_not_sent_again_before_it_has_settled(
    source: SignalSource, account: Account, venue: Venue, clock: time_machine.Traveller
) -> None:
    """A second closing order beside one that may still execute could cross zero."""
    route(entry_signal(source))
    venue.fails("close", InDoubt("no answer"))
    close_signal(source)
    assert "no answer" in work(account)
    for _ in range(5):
        clock.shift(11)
        assert "in doubt" in work(account)
    assert len(venue.asked("close")) == 1
    clock.shift(6)
    work(account)
    assert len(venue.asked("close")) == 2
    settle(clock)
    assert at_venue(account) == {}


def test_a_close_in_doubt_that_was_executed_after_all_ends_the_exit(
    source: SignalSource, account: Account, venue: Venue, clock: time_machine.Traveller
) -> None:
    route(entry_signal(source))
    venue.fails("close", InDoubt("no answer"))
    close_signal(source)
    work(account)
    venue.held.clear()  # it did go through
    venue.fills.clear()
    clock.shift(2)
    work(account)
    assert len(venue.asked("close")) == 1


def test_no_closing_order_exceeds_what_was_just_read(
    source: SignalSource, account: Account, venue: Venue
) -> None:
    """The stop took one contract between the alert and the exit."""
    route(entry_signal(source))
    venue.held[account.pk, "NQ"] = Decimal(1)
    route(close_signal(source))
    assert list(Order.objects.filter(leg="exit").values_list("quantity", flat=True)) == [1]
    assert at_venue(account) == {}


def test_a_live_account_without_a_venue_keeps_its_exit_open_and_alarms(
    source: SignalSource, account: Account, clock: time_machine.Traveller
) -> None:
    """Something is booked as held, and nobody can reach it: that is a person's matter."""
    route(entry_signal(source))
    account.venue_account.delete()
    close_signal(source)
    settle(clock)
    [row] = open_exits(account)
    assert "no venue" in row.note
    assert Alarm.objects.filter(kind="exit_open", account=account).count() == 1


def test_an_exit_takes_the_protective_orders_with_it(source: SignalSource, account: Account) -> None:
    route(entry_signal(source, target="20050"))
    connector = venue_of(account)
    assert connector is not None
    assert connector.has_working_orders(["NQ"])
    route(close_signal(source))
    assert_flat(account)


def test_the_systems_own_exit_waits_for_the_newest_signals_entry_that_is_on_its_way(
    source: SignalSource, account: Account, venue: Venue
) -> None:
    signal = entry_signal(source)
    make_order(account, signal, OrderStatus.SUBMITTING, claimed_at=timezone.now())
    exits.open_flat({(account.pk, "NQ"): "NQ"}, timezone.now())
    assert work(account) == "an entry it covers is on its way"


# --- more than one position, more than one worker -------------------------------------------------------


@pytest.mark.parametrize(
    ("mini", "micro", "left"),
    [
        (1, 10, {"NQ": Decimal(1)}),
        (1, 0, {"NQ": Decimal(1)}),
        (0, 15, {"MNQ": Decimal(10)}),
        (2, -5, {"NQ": Decimal(1)}),
    ],
    ids=["one of each size", "only minis", "only micros", "micros against minis"],
)
def test_a_family_keeps_its_target_once(
    source: SignalSource, account: Account, venue: Venue, mini: int, micro: int, left: dict[str, Decimal]
) -> None:
    venue.held = {(account.pk, "NQ"): Decimal(mini), (account.pk, "MNQ"): Decimal(micro)}
    exits.open_exit(account.pk, "NQ", "NQ", None, Decimal(1), timezone.now())
    exit_loop.work(open_exits(account)[0].pk)
    assert (at_venue(account), open_exits(account)) == (left, [])


def test_an_exit_that_only_ever_cancels_is_an_alarm(
    source: SignalSource, account: Account, venue: Venue, clock: time_machine.Traveller
) -> None:
    """The venue lists an order that its own cancel does not reach."""
    venue.fills_at_once = False
    route(entry_signal(source))
    venue.end = lambda *_: None  # type: ignore[method-assign]
    close_signal(source)
    for _ in range(5):
        clock.shift(11)
        note = work(account)
    assert note == "not there after 4 looks"
    assert Alarm.objects.filter(kind="exit_open", closed_at=None).exists()


def test_a_worker_whose_lease_ran_out_leaves_the_orders_of_what_came_after_alone(
    source: SignalSource, account: Account, venue: Venue, clock: time_machine.Traveller
) -> None:
    """It hangs in a call; meanwhile another one finishes the exit and a new entry works at the venue."""
    route(entry_signal(source))
    close_signal(source)
    [row] = open_exits(account)

    def hang(what: str) -> None:
        if what == "positions" and venue.asked("positions")[1:]:
            venue.before = lambda _what: None
            clock.shift(16)
            exit_loop.work(row.pk)
            venue.sent["new"] = venue.sent[the_entry(account).client_order_id]
            venue.working.add("new")

    venue.before = hang
    exit_loop.work(row.pk)
    assert (venue.working, venue.asked("cancel_all")) == ({"new"}, [])


def test_a_venue_that_cant_be_asked_about_an_entry_in_doubt_holds_no_close_back(
    source: SignalSource, account: Account, venue: Venue
) -> None:
    route(entry_signal(source))
    make_order(account, entry_signal(source, alert_id="2"), OrderStatus.HELD, claimed_at=timezone.now())
    close_signal(source)
    venue.fails("find", *[KeyError("status")] * 9)
    work(account)
    assert at_venue(account) == {}


@pytest.mark.parametrize("error", [Rejected("401"), KeyError("positions"), InDoubt("timed out")], ids=repr)
def test_a_position_that_cant_be_read_is_flattened_unseen_whatever_is_wrong(
    source: SignalSource,
    account: Account,
    venue: Venue,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
) -> None:
    told: list[Any] = []
    monkeypatch.setattr(venue.connector, "native_flatten", True)
    monkeypatch.setattr(venue.connector, "flatten", lambda _self, symbols: told.append(symbols))
    route(entry_signal(source))
    close_signal(source)
    venue.fails("positions", error)
    work(account)
    assert told == [["NQ", "NQ1!"]]


def test_a_closing_order_that_still_works_is_taken_back_before_the_exit_is_done(
    source: SignalSource, account: Account, venue: Venue
) -> None:
    """A stop has brought the position to its target meanwhile: the order would go on below it."""
    route(entry_signal(source, contracts=4))
    signal = reduce_signal(source, 4, 2)
    [row] = open_exits(account)
    make_order(
        account, signal, exit=row, leg="exit", side="sell", claimed_at=timezone.now(), client_order_id="c-1"
    )
    venue.held[account.pk, "NQ"] = Decimal(2)
    venue.sent["c-1"] = account.pk, ApprovedOrder("c-1", "NQ", Side.SELL, Decimal(2), None, None, None)
    venue.working.add("c-1")
    exit_loop.work(row.pk)
    assert venue.asked("cancel")[-1] == "c-1"
    assert row.orders.get().status == "canceled"
    assert open_exits(account) == []


def test_a_closing_order_that_is_executed_after_all_is_brought_back_from_the_other_side(
    source: SignalSource, account: Account, venue: Venue, clock: time_machine.Traveller
) -> None:
    route(entry_signal(source))
    close_signal(source)
    venue.fails("close", InDoubt("timed out"))
    [row] = open_exits(account)
    while open_exits(account):
        exit_loop.work(row.pk)
        clock.shift(11)
    first = row.orders.order_by("pk")[0]
    venue.execute(account.pk, first.client_order_id, "NQ", Side.SELL, Decimal(2), "close")
    connector = venue_of(account)
    assert connector is not None
    reports.collect(connector)
    assert held(account) == -2
    assert Alarm.objects.filter(kind="crossed_zero", closed_at=None).exists()
    run_queue()
    assert_flat(account)


def test_exits_of_one_signal_are_opened_in_the_order_in_which_everybody_locks_them(
    source: SignalSource, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two that open the same ones in different orders would wait for each other."""
    _, second = make_follower("Aaa-1", source=source)
    opened: list[int] = []
    monkeypatch.setattr(exits, "open_exit", lambda account_id, *_: opened.append(account_id))
    reduce_signal(source, 4, 1)
    assert opened == [account.pk, second.pk]
