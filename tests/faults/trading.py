"""A live account at the fake venue, and the supervisor's steps with waits that a test can afford."""

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connections
from django.utils import timezone

from execution import doubt, reconcile, router, supervision, tasks
from execution.models import Alarm, Decision, Order, Position, Signal
from execution.order_state import ENDED, OrderStatus
from firms.models import Account
from tests.execution.make import entry_signal
from tests.fakevenue import checker
from tests.fakevenue.checker import Result
from tests.fakevenue.connector import FakeVenueConnector
from tests.fakevenue.fixtures import AT_VENUE, at_venue
from tests.fakevenue.process import FakeVenue
from tests.faults.deliveries import deliver
from tests.make import make_account, make_program, make_route, make_source

PATIENCE_SECONDS = 20.0
SETTLE_SECONDS = 1.2
CALL_SECONDS = 0.8
# Nobody has to wait for these here: whoever was at work has ended when the supervisor looks.
AT_ONCE = timedelta(0)


class Trading:
    """One account that trades at the venue, and whoever works for it."""

    def __init__(self, venue: FakeVenue) -> None:
        self.venue = venue
        self.source = make_source()
        program = make_program(daily_loss=None, drawdown=20_000)
        self.account: Account = at_venue(make_account(program=program, live=True))
        make_route(self.source, self.account)
        self.look()

    name = AT_VENUE

    def add_account(self, name: str) -> Account:
        """A further follower, another trader's."""
        self.venue.do("account", id=name)
        account = at_venue(make_account(name, self.account.program, live=True, trader=name), name)
        make_route(self.source, account)
        reconcile.reconcile(account)
        return account

    # --- what comes in, and who works on it ---

    def signal(self, **fields: object) -> Signal:
        return entry_signal(self.source, **fields)

    def deliver(
        self, signal: Signal, times: int = 3, fault: str = "", at_the_claim: bool = False
    ) -> list[int]:
        """The signal's task, delivered several times at once; `at_the_claim`: decided already, and all of
        them about to claim its order."""
        [chunk] = signal.chunks.values_list("pk", flat=True)
        if at_the_claim:
            router.decide(chunk)
        meet_at = "dispatch.before_claim" if at_the_claim else ""
        return deliver(lambda: tasks.route_chunk(chunk), times, fault, meet_at)

    def enter(self, **fields: object) -> Order | None:
        """One alert, one worker; the order where there was one."""
        signal = self.signal(**fields)
        for chunk in signal.chunks.all():
            tasks.route_chunk(chunk.pk)
        return Order.objects.filter(signal=signal, account=self.account, leg="entry").first()

    def order(self, **fields: object) -> Order:
        """The order of one alert that passed the rules."""
        order = self.enter(**fields)
        assert order is not None, self.refusals()
        return order

    def refusals(self) -> list[str]:
        return list(
            Decision.objects.filter(account=self.account, allowed=False).values_list("code", flat=True)
        )

    def alarms(self) -> set[str]:
        """The kinds of what a person is being told."""
        return set(Alarm.objects.filter(account=self.account, closed_at=None).values_list("kind", flat=True))

    def look(self) -> bool:
        """One comparison with the venue, of every account."""
        looks = [reconcile.reconcile(account) for account in Account.objects.order_by("pk")]
        return all(looks)

    def supervise(self) -> None:
        """One pass of what runs beside the queue."""
        supervision.sweep()
        self.look()
        connections.close_all()

    def settle(self, order: Order, seconds: float = PATIENCE_SECONDS) -> OrderStatus:
        """Supervise until the order stands somewhere for good, or until a person must say."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.supervise()
            order.refresh_from_db()
            if order.status in _SETTLED:
                return OrderStatus(order.status)
            time.sleep(0.05)
        raise AssertionError(f"still {order.status} ({order.note})")

    def flatten(self, pause: float = 0.05) -> None:
        """An alert to close, worked until the venue is flat."""
        signal = self.signal(
            action="close", entry_price=None, stop_loss=None, contracts=None, bias=None, session=None
        )
        for chunk in signal.chunks.all():
            tasks.route_chunk(chunk.pk)
        self.until(lambda: self.venue.held(self.name) == 0, pause=pause)

    def until(
        self, condition: Callable[[], bool], seconds: float = PATIENCE_SECONDS, pause: float = 0.05
    ) -> None:
        """Supervise until it holds."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, "it did not come to that"
            self.supervise()
            time.sleep(pause)

    def age_orders(self) -> None:
        """What was sent was sent long ago."""
        Order.objects.update(claimed_at=timezone.now() - timedelta(minutes=5))

    # --- what came of it ---

    def status(self, order: Order) -> OrderStatus:
        order.refresh_from_db()
        return OrderStatus(order.status)

    @property
    def held(self) -> Decimal:
        position = Position.objects.filter(account=self.account, symbol="NQ").first()
        return Decimal(0) if position is None else position.quantity

    def check(self) -> Result:
        """Everything compared; no violation."""
        result = checker.check(self.venue.journal_path, grace=timedelta(seconds=1), call_limit=AT_ONCE)
        assert not result.violations, "\n".join(result.violations)
        return result

    def is_blocked(self) -> bool:
        """Whether an entry that comes now is refused, or at least not sent."""
        asked = len(self.venue.asked("place"))
        self.enter(entry_price="20000.50")
        return len(self.venue.asked("place")) == asked


_SETTLED = {*ENDED, OrderStatus.HELD}


@pytest.fixture
def trading(
    fake_venue: FakeVenue, transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Trading]:
    monkeypatch.setattr(FakeVenueConnector, "settle_seconds", SETTLE_SECONDS)
    monkeypatch.setattr(FakeVenueConnector, "total_seconds", CALL_SECONDS)
    for module, name in (
        (supervision, "ORDER_OVERDUE"),
        (doubt, "STRANDED"),
        (supervision, "EXIT_PAUSE"),
        (reconcile, "SOON"),
    ):
        monkeypatch.setattr(module, name, AT_ONCE)
    yield Trading(fake_venue)
    connections.close_all()
