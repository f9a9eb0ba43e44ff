"""The books against the venue: orders in doubt, orders and positions that differ, money that moved by itself."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest
import time_machine

from enforcement.account import CashFlow
from enforcement.orders import Side
from execution import dispatch, doubt, orders, reconcile
from execution.connectors import ApprovedOrder, InDoubt, Rejected, Unavailable, VenueOrder
from execution.models import Alarm, Order, OrderEvent, Position, Reconciliation, SignalSource
from execution.order_state import OrderStatus as S
from firms import services
from firms.models import Account
from firms.services import open_flags_on
from tests.execution.make import decide, entry_signal, held, make_live_follower, make_order, route, the_entry
from tests.execution.venue import Venue
from tests.make import NOON, make_source

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]

Clock = time_machine.Traveller


@pytest.fixture
def source() -> SignalSource:
    return make_source()


@pytest.fixture
def account(source: SignalSource, venue: Venue) -> Account:
    return make_live_follower(source=source, automation="auto")[1]


@pytest.fixture
def strict(venue: Venue) -> Venue:
    """The same venue where entries wait for a comparison."""
    venue.connector.must_reconcile = True
    return venue


def causes(account: Account) -> list[str]:
    return sorted(flag.cause for flag in open_flags_on(account))


def differences(account: Account) -> str:
    return Reconciliation.objects.get(account=account).differences


def alarmed() -> set[str]:
    return set(Alarm.objects.filter(closed_at=None).values_list("kind", flat=True))


# --- orders in doubt ------------------------------------------------------------------------------------


@pytest.fixture
def unanswered(source: SignalSource, account: Account, venue: Venue) -> Order:
    """Sent without an answer; the venue has it or not, as the test says."""
    venue.fails("submit", InDoubt("the connection broke"))
    route(entry_signal(source))
    order = the_entry(account)
    assert order.status == "unknown"
    return order


def test_one_that_the_venue_executed_is_adopted_and_its_fills_are_booked(
    unanswered: Order, account: Account, venue: Venue
) -> None:
    venue.fill(unanswered.client_order_id)
    assert reconcile.reconcile(account)
    assert (the_entry(account).status, held(account), alarmed()) == ("filled", 2, set())
    assert the_entry(account).venue_order_id == f"v-{unanswered.client_order_id}"
    assert len(venue.asked("submit")) == 1


def test_one_that_works_there_is_adopted_as_working(
    unanswered: Order, account: Account, venue: Venue
) -> None:
    venue.working.add(unanswered.client_order_id)
    reconcile.reconcile(account)
    assert (the_entry(account).status, alarmed()) == ("accepted", set())


@pytest.mark.parametrize("end", [S.CANCELED, S.REJECTED, S.EXPIRED])
def test_one_that_has_ended_there_frees_what_it_reserved(
    unanswered: Order, account: Account, venue: Venue, end: S
) -> None:
    venue.end({unanswered.client_order_id}, end)
    reconcile.reconcile(account)
    assert the_entry(account).status == end


@pytest.mark.parametrize(
    ("seconds", "status"), [(59, "unknown"), (60, "held")], ids=["within the settle time", "after it"]
)
def test_one_that_the_venue_does_not_have_is_held_after_its_settle_time(
    unanswered: Order, account: Account, clock: Clock, seconds: int, status: str
) -> None:
    clock.shift(seconds)
    reconcile.reconcile(account)
    assert the_entry(account).status == status
    assert alarmed() == ({"order_held"} if status == "held" else {"order_in_doubt"})


@pytest.mark.parametrize(
    "error", [InDoubt("null instead of a list"), Unavailable("refused")], ids=["doubt", "away"]
)
def test_one_that_cannot_be_asked_for_is_held_as_well_and_adopted_once_it_can(
    unanswered: Order, account: Account, venue: Venue, clock: Clock, error: Exception
) -> None:
    venue.fails("find", error)
    clock.shift(60)
    reconcile.reconcile(account)
    assert the_entry(account).status == "held"
    assert str(error) in the_entry(account).note
    venue.fill(unanswered.client_order_id)
    reconcile.reconcile(account)
    assert (the_entry(account).status, held(account), alarmed()) == ("filled", 2, set())


def test_while_one_is_in_doubt_the_account_takes_no_entry_and_another_one_does(
    unanswered: Order, account: Account, source: SignalSource
) -> None:
    _, other = make_live_follower("Apex-9", source=source, automation="auto")
    verdicts = {d.account_id: (d.allowed, d.code) for d in decide(entry_signal(source, entry_price="20010"))}
    assert verdicts == {account.pk: (False, "admission.order_in_doubt"), other.pk: (True, "")}


def test_an_entry_approved_before_the_doubt_is_not_claimed(
    source: SignalSource, account: Account, venue: Venue
) -> None:
    signal = entry_signal(source)
    decide(signal)
    make_order(account, status=S.UNKNOWN, symbol="ES", family="ES")
    dispatch.send_approved(signal.pk)
    order = Order.objects.get(signal=signal)
    assert (order.status, order.note) == ("canceled", "another entry of the account is in doubt")
    assert venue.asked("submit") == []


def test_an_end_counts_only_once_every_fill_of_it_is_booked(
    unanswered: Order, account: Account, venue: Venue
) -> None:
    found = (
        venue.connector(account)
        ._as_venue_order(unanswered.client_order_id, venue.sent[unanswered.client_order_id][1])
        ._replace(status=S.CANCELED, filled_quantity=Decimal(1))
    )
    doubt.adopt(unanswered, found)
    assert the_entry(account).status == "accepted"


@pytest.mark.parametrize(
    ("booked", "status"), [(0, "accepted"), (1, "canceled")], ids=["its fill not booked yet", "booked"]
)
def test_an_order_that_the_venue_took_and_filled_in_a_smaller_size_is_over_once_that_is_booked(
    account: Account, booked: int, status: str
) -> None:
    """A close of two where one is left: the venue makes it one, fills it, and is done."""
    order = make_order(account, filled_quantity=Decimal(booked), claimed_at=NOON)
    doubt.adopt(
        order, VenueOrder(order.client_order_id, "v-1", "NQ", Side.BUY, Decimal(1), Decimal(1), S.FILLED)
    )
    assert the_entry(account).status == status


# --- a person's word ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("happened", "status"), [(True, "accepted"), (False, "canceled")], ids=["it happened", "it did not"]
)
def test_a_person_settles_an_order_that_is_held(
    unanswered: Order, account: Account, clock: Clock, happened: bool, status: str
) -> None:
    clock.shift(60)
    reconcile.reconcile(account)
    assert orders.settle(the_entry(account), happened=happened, reason="seen on the phone", now=NOON)
    assert (the_entry(account).status, alarmed()) == (status, set())
    assert not orders.settle(the_entry(account), happened=happened, reason="again", now=NOON)


def test_a_fill_after_it_did_not_happen_is_booked_blocks_and_alarms(
    unanswered: Order, account: Account, venue: Venue
) -> None:
    orders.settle(unanswered, happened=False, reason="not in the list", now=NOON)
    venue.fill(unanswered.client_order_id)
    reconcile.reconcile(account)
    assert (the_entry(account).status, held(account)) == ("filled", 2)
    assert causes(account) == ["late_evidence"]
    assert alarmed() == {"late_evidence"}


def test_a_late_yes_after_it_did_not_happen_blocks_and_alarms(unanswered: Order, account: Account) -> None:
    orders.settle(unanswered, happened=False, reason="not in the list", now=NOON)
    assert not orders.move(the_entry(account), S.ACCEPTED, now=NOON)
    assert (causes(account), alarmed()) == (["late_evidence"], {"late_evidence"})


def test_a_rejected_order_that_was_executed_is_found_booked_and_blocks_within_one_look(
    source: SignalSource, account: Account, venue: Venue
) -> None:
    venue.fails("submit", Rejected("margin"))
    route(entry_signal(source))
    assert the_entry(account).status == "rejected"
    venue.fill(the_entry(account).client_order_id)
    reconcile.reconcile(account)
    assert (the_entry(account).status, held(account), causes(account)) == ("filled", 2, ["late_evidence"])


def test_an_order_the_venue_accepted_and_then_does_not_know_is_held(
    source: SignalSource, account: Account, venue: Venue, clock: Clock
) -> None:
    venue.fills_at_once = False
    route(entry_signal(source))
    venue.hidden.add(the_entry(account).client_order_id)
    clock.shift(30)
    reconcile.reconcile(account)
    assert the_entry(account).status == "accepted"
    clock.shift(30)
    reconcile.reconcile(account)
    assert (the_entry(account).status, alarmed()) == ("held", {"order_held"})


# --- differences ----------------------------------------------------------------------------------------


def a_persons_trade(account: Account, venue: Venue) -> None:
    venue.execute(account.pk, "by hand", "NQ", Side.BUY, Decimal(1), "entry")


def a_position_out_of_nowhere(account: Account, venue: Venue) -> None:
    venue.held[account.pk, "ES"] = Decimal(3)


def an_order_of_somebody_else(account: Account, venue: Venue) -> None:
    venue.sent["theirs"] = account.pk, ApprovedOrder("theirs", "NQ", Side.SELL, Decimal(1), None, None, None)
    venue.working.add("theirs")


DIFFERENCES: dict[str, tuple[Callable[[Account, Venue], None], str]] = {
    "a trade on the phone": (a_persons_trade, "NQ: traded at the venue by somebody else, and still open"),
    "a position": (a_position_out_of_nowhere, "ES: the venue holds 3, the books say 0"),
    "an order": (an_order_of_somebody_else, "sell 1 NQ works at the venue and is not ours (theirs)"),
}


@pytest.mark.parametrize(("make", "words"), DIFFERENCES.values(), ids=DIFFERENCES)
def test_a_difference_blocks_entries_and_alarms_until_both_agree_again(
    source: SignalSource,
    account: Account,
    venue: Venue,
    clock: Clock,
    make: Callable[[Account, Venue], None],
    words: str,
) -> None:
    reconcile.reconcile(account)
    assert (differences(account), causes(account)) == ("", [])
    make(account, venue)
    reconcile.reconcile(account)
    assert words in differences(account)
    assert (causes(account), alarmed()) == (["reconcile"], {"reconcile"})
    [decision] = decide(entry_signal(source))
    assert (decision.allowed, decision.breach_type, words in decision.reason) == (False, "paused", True)
    if venue.held.get((account.pk, "NQ")):
        venue.execute(account.pk, "by hand, back", "NQ", Side.SELL, Decimal(1), "close")
    venue.held.pop((account.pk, "ES"), None)
    venue.working.discard("theirs")
    clock.shift(20)
    reconcile.reconcile(account)
    assert (differences(account), causes(account), alarmed()) == ("", [], set())


def test_an_order_on_its_way_explains_a_position_that_differs(
    source: SignalSource, account: Account, venue: Venue
) -> None:
    venue.fills_at_once = False
    route(entry_signal(source))
    venue.held[account.pk, "NQ"] = Decimal(2)  # filled; the fill itself is listed a moment later
    reconcile.reconcile(account)
    assert differences(account) == ""


def test_an_order_that_works_there_though_it_is_over_here_is_a_difference(
    source: SignalSource, account: Account, venue: Venue, clock: Clock
) -> None:
    venue.fills_at_once = False
    route(entry_signal(source))
    order = the_entry(account)
    orders.move(order, S.CANCELED, now=NOON)
    clock.shift(1)
    reconcile.reconcile(account)
    assert "though it is canceled here" in differences(account)


@pytest.mark.parametrize(("moved", "blocks"), [("5.00", False), ("5.01", True), ("-5.01", True)])
def test_a_balance_that_moves_by_itself_blocks_until_a_person_has_looked(
    account: Account, venue: Venue, clock: Clock, moved: str, blocks: bool
) -> None:
    reconcile.reconcile(account)
    clock.shift(20)
    venue.balance += Decimal(moved)
    reconcile.reconcile(account)
    assert causes(account) == ["unexplained_balance"] * blocks
    clock.shift(20)
    reconcile.reconcile(account)
    assert causes(account) == ["unexplained_balance"] * blocks


def test_a_payout_that_was_recorded_explains_it(account: Account, venue: Venue, clock: Clock) -> None:
    reconcile.reconcile(account)
    clock.shift(20)
    services.record_cash_flow(account, CashFlow.PAYOUT_PAID, Decimal(1000), now=NOON + timedelta(seconds=20))
    venue.balance -= 1000
    reconcile.reconcile(account)
    assert causes(account) == []


# --- when -----------------------------------------------------------------------------------------------


def test_no_entry_leaves_before_the_first_look(strict: Venue, source: SignalSource, account: Account) -> None:
    [decision] = decide(entry_signal(source))
    assert (decision.allowed, decision.code) == (False, "admission.not_reconciled")
    reconcile.reconcile_due()
    route(entry_signal(source, entry_price="20010"))
    assert len(strict.asked("submit")) == 1


@pytest.mark.parametrize(("seconds", "sent"), [(59, 1), (60, 0)], ids=["a look 59 s ago", "60 s ago"])
def test_an_entry_is_claimed_only_soon_after_a_look(
    strict: Venue, source: SignalSource, account: Account, clock: Clock, seconds: int, sent: int
) -> None:
    reconcile.reconcile(account)
    clock.shift(seconds - 1)
    signal = entry_signal(source)
    decide(signal)
    clock.shift(1)
    dispatch.send_approved(signal.pk)
    assert len(strict.asked("submit")) == sent


def test_a_supervisor_that_starts_believes_nothing_that_was_compared_before(
    strict: Venue, account: Account
) -> None:
    reconcile.reconcile(account)
    strict.failures["working_orders"] = [InDoubt("null")]
    reconcile.Reconciler().look()
    assert Reconciliation.objects.get(account=account).at is None


def test_a_look_that_fails_counts_for_nothing_and_alarms_after_a_minute(
    strict: Venue, account: Account, clock: Clock
) -> None:
    reconcile.reconcile(account)
    before = Reconciliation.objects.get(account=account).at
    strict.failures["working_orders"] = [InDoubt("null")] * 3
    clock.shift(20)
    assert not reconcile.reconcile(account)
    row = Reconciliation.objects.get(account=account)
    assert (row.at, row.error, alarmed()) == (before, "InDoubt: null", set())
    clock.shift(41)
    reconcile.reconcile(account)
    assert alarmed() == {"venue_silent"}
    strict.failures.clear()
    reconcile.reconcile(account)
    assert alarmed() == set()


def test_an_account_is_looked_at_every_twenty_seconds_and_soon_while_something_moves(
    source: SignalSource, account: Account, strict: Venue, clock: Clock
) -> None:
    venue = strict

    def looks() -> int:
        venue.calls.clear()
        for _ in range(40):
            clock.shift(1)
            reconcile.reconcile_due()
        return len(venue.asked("report"))

    assert looks() == 2
    venue.fills_at_once = False
    route(entry_signal(source))
    assert looks() >= 13


def test_where_entries_need_no_comparison_only_what_is_open_or_differed_is_looked_at(
    source: SignalSource, account: Account, venue: Venue, clock: Clock
) -> None:
    reconcile.reconcile_due()
    assert venue.asked("report") == []
    route(entry_signal(source))
    clock.shift(2)
    a_position_out_of_nowhere(account, venue)
    reconcile.reconcile_due()
    assert causes(account) == ["reconcile"]
    venue.held.clear()
    venue.fills.clear()
    Position.objects.all().delete()
    clock.shift(20)
    reconcile.reconcile_due()
    assert causes(account) == []


def test_looking_twice_changes_nothing(source: SignalSource, account: Account, venue: Venue) -> None:
    route(entry_signal(source))
    reconcile.reconcile(account)
    seen = list(OrderEvent.objects.values_list("after", flat=True)), held(account)
    reconcile.reconcile(account)
    assert (list(OrderEvent.objects.values_list("after", flat=True)), held(account)) == seen
