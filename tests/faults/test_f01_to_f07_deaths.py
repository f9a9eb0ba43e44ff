"""F01 to F07: web and workers are killed at each step of an alert's way. Stored once, sent at most once,
and nothing unseen."""

from collections.abc import Callable, Iterator

import pytest
from django_q.models import OrmQ

from execution import reconcile, supervision, tasks
from execution.models import Alarm, Decision, Exit, Order, OrderEvent, Signal, SignalChunk, SignalSource
from firms.models import Account
from tests.execution.make import close_signal, decide, entry_signal, held, run_queue, the_entry
from tests.fakevenue.process import FakeVenue
from tests.faults.workers import DIED, Web, later, run
from tests.make import make_account, make_route, make_source
from tests.process.installation import wait_for

pytestmark = [pytest.mark.process, pytest.mark.django_db(transaction=True)]
AT_VENUE = "A-1"


# --- the web process ----------------------------------------------------------------------------------


@pytest.fixture
def web(transactional_db: None, own_folder: object) -> Iterator[Callable[[str], Web]]:
    """Starts a web server that a fault may hit, once."""
    started: list[Web] = []

    def start(fault: str) -> Web:
        make_route(make_source(), make_account())
        started.append(Web(fault))
        return started[0]

    yield start
    for server in started:
        server.end()


def test_f01_the_web_process_dies_before_the_commit(web: Callable[[str], Web]) -> None:
    """Nothing is stored and nobody was told it was; what the sender posts again is stored once."""
    server = web("intake.before_commit=kill")
    assert server.send() is None
    assert (Signal.objects.count(), SignalChunk.objects.count(), OrmQ.objects.count()) == (0, 0, 0)
    answer = server.send()
    assert answer is not None
    assert answer[0] == 202
    assert (Signal.objects.count(), OrmQ.objects.count()) == (1, 1)


def test_f02_the_web_process_dies_after_the_commit(web: Callable[[str], Web]) -> None:
    """It is stored with its work queued, whether or not the sender posts again."""
    server = web("intake.after_commit=kill")
    assert server.send() is None
    assert (Signal.objects.count(), SignalChunk.objects.count(), OrmQ.objects.count()) == (1, 1, 1)
    answer = server.send()
    assert answer is not None
    assert (answer[0], answer[1]["status"]) == (200, "duplicate")
    run_queue()
    assert (Signal.objects.count(), Decision.objects.count()) == (1, 1)


# --- a worker -----------------------------------------------------------------------------------------


@pytest.fixture
def signal(follower: Account) -> Signal:
    return entry_signal(SignalSource.objects.get())


def chunk_of(signal: Signal) -> int:
    found: int = signal.chunks.get().pk
    return found


def dies_at(point: str, signal: Signal, venue: FakeVenue) -> None:
    assert run("route_chunk", chunk_of(signal), fault=f"{point}=kill", venue=venue) == DIED


@pytest.mark.parametrize(
    ("point", "status"),
    [
        pytest.param("router.before_commit", None, id="the decision not yet committed"),
        pytest.param("router.after_commit", "approved", id="decided, its order not yet looked at"),
        pytest.param("dispatch.before_claim", "approved", id="right before the claim"),
    ],
)
def test_f03_a_worker_that_dies_before_the_claim(
    follower: Account, signal: Signal, fake_venue: FakeVenue, point: str, status: str | None
) -> None:
    """The sweep rings again, or sends itself: one order."""
    dies_at(point, signal, fake_venue)
    assert [order.status for order in Order.objects.all()] == ([] if status is None else [status])
    with later(2.001):
        supervision.sweep()
        run_queue()
    order = the_entry(follower)
    assert order.status in ("accepted", "filled")
    assert [body["client_order_id"] for body in fake_venue.asked("place")] == [order.client_order_id]
    assert (Decision.objects.count(), fake_venue.held(AT_VENUE)) == (1, 2)


def its_task_comes_again(signal: Signal) -> None:
    """What the queue and the sweep do after a death: the task once more, and fifteen seconds later the doubt."""
    tasks.route_chunk(chunk_of(signal))
    with later(15.001):
        supervision.sweep()
        run_queue()


@pytest.mark.parametrize("point", ["dispatch.after_claim", "dispatch.before_send"])
def test_f04_a_worker_that_dies_between_the_claim_and_the_send(
    follower: Account, signal: Signal, fake_venue: FakeVenue, point: str
) -> None:
    """Perhaps sent: the venue is asked, does not have it, and a person must say. No entry leaves meanwhile."""
    dies_at(point, signal, fake_venue)
    assert the_entry(follower).status == "submitting"
    its_task_comes_again(signal)
    assert the_entry(follower).status == "unknown"
    with later(16):
        reconcile.reconcile(follower)
    assert the_entry(follower).status == "held"
    assert [alarm.kind for alarm in Alarm.objects.filter(closed_at=None)] == ["order_held"]
    assert fake_venue.asked("place") == []
    [denied] = decide(entry_signal(SignalSource.objects.get(), contracts=1))
    assert not denied.allowed


@pytest.mark.parametrize(
    "point",
    [
        pytest.param("dispatch.after_send", id="F05 the answer not read"),
        pytest.param("dispatch.before_save", id="F06 the answer not saved"),
    ],
)
def test_f05_f06_a_worker_that_dies_after_the_venue_executed(
    follower: Account, signal: Signal, fake_venue: FakeVenue, point: str
) -> None:
    """The venue is asked by our own id and has it: confirmed, and one order."""
    dies_at(point, signal, fake_venue)
    its_task_comes_again(signal)
    assert the_entry(follower).status == "unknown"
    with later(16):
        assert reconcile.reconcile(follower)
    assert (the_entry(follower).status, held(follower)) == ("filled", 2)
    assert (len(fake_venue.asked("place")), fake_venue.held(AT_VENUE)) == (1, 2)
    assert not Alarm.objects.filter(closed_at=None).exists()


def test_f07_a_worker_that_dies_after_the_save_is_not_repeated(
    follower: Account, signal: Signal, fake_venue: FakeVenue
) -> None:
    dies_at("dispatch.after_save", signal, fake_venue)
    its_task_comes_again(signal)
    order = the_entry(follower)
    assert OrderEvent.objects.filter(order=order, after="submitting").count() == 1
    assert (len(fake_venue.asked("place")), SignalChunk.objects.filter(done_at=None).count()) == (1, 0)
    assert not Alarm.objects.exists()


@pytest.mark.parametrize(
    "point", ["exit.after_claim", "exit.after_send"], ids=["nothing sent yet", "closed, the answer not read"]
)
def test_an_exit_whose_worker_dies_goes_on_until_flat_and_never_crosses_zero(
    follower: Account, signal: Signal, fake_venue: FakeVenue, point: str
) -> None:
    tasks.route_chunk(chunk_of(signal))
    close_signal(SignalSource.objects.get())
    row = Exit.objects.get()
    assert run("work_exit", row.pk, fault=f"{point}=kill", venue=fake_venue) == DIED
    with later(61):  # its lease is over, and the settle time of what was perhaps sent
        wait_for("the exit is done", lambda: worked(row))
    assert fake_venue.held(AT_VENUE) == 0
    assert len(fake_venue.asked("close")) == 1


def worked(row: Exit) -> bool:
    supervision.work_exits()
    row.refresh_from_db()
    return row.done_at is not None
