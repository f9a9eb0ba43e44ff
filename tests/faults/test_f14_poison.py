"""F14: a task that ends its process each time it is tried. It is given up, and takes nobody along for ever."""

import pytest
import time_machine

from execution import supervision, tasks
from execution.models import Decision, Order, SignalChunk, SignalSource
from tests.execution.make import close_signal, entry_signal, make_follower, queued, run_queue
from tests.execution.venue import Venue
from tests.faults.workers import DIED, later, run
from tests.make import make_source


@pytest.mark.process
@pytest.mark.django_db(transaction=True)
def test_f14_a_chunk_that_kills_its_worker_three_times_is_refused_with_a_reason() -> None:
    source = make_source()
    make_follower("Apex-1", source=source)
    make_follower("Apex-2", source=source)
    chunk = entry_signal(source).chunks.get()
    for attempt in (1, 2, 3):
        assert run("route_chunk", chunk.pk, fault="router.before_commit=kill") == DIED
        chunk.refresh_from_db()
        assert (chunk.attempts, chunk.done_at) == (attempt, None)
    assert Decision.objects.count() == 0
    with later(21):
        tasks.route_chunk(chunk.pk)
    chunk.refresh_from_db()
    assert chunk.done_at is not None
    assert [(one.allowed, one.breach_type) for one in Decision.objects.all()] == [(False, "error")] * 2
    assert "ended its process" in Decision.objects.all()[0].reason
    assert Order.objects.count() == 0
    supervision.ring_chunks()
    assert [name for name, _ in queued() if name.endswith("route_chunk")] == [
        "execution.tasks.route_chunk"
    ]  # the intake's own; nobody rings again


@pytest.mark.django_db
def test_f14_a_chunk_that_only_waits_for_an_exit_is_never_given_up(
    clock: time_machine.Traveller, venue: Venue
) -> None:
    source: SignalSource = make_source()
    make_follower(source=source)
    first = entry_signal(source, alert_id="1")
    tasks.route_chunk(first.chunks.get().pk)
    venue.fails("positions", *[ZeroDivisionError("away")] * 50)
    close_signal(source)
    waiting = entry_signal(source, alert_id="2").chunks.get()
    for _ in range(6):
        tasks.route_chunk(waiting.pk)
        waiting.refresh_from_db()
        assert (waiting.attempts, waiting.done_at) == (1, None)
        clock.shift(1)
    assert SignalChunk.objects.get(pk=waiting.pk).signal.decisions.count() == 0
    run_queue()
