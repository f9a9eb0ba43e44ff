"""django-q2's entry points: each takes an id, calls one function, and may run twice, late or never."""

from execution import dispatch, exit_loop, router
from execution.intake import ring_for
from execution.models import Exit, SignalChunk
from execution.pulse import pulse
from execution.supervision import beat


def route_chunk(chunk_id: int) -> None:
    """Decide a chunk; then, in the same task, work its exits and send its approved entries."""
    with pulse():
        chunk = SignalChunk.objects.select_related("signal").get(pk=chunk_id)
        try:
            router.decide_chunk(chunk_id)
        finally:  # whatever keeps the decisions back keeps no exit back
            open_exits = Exit.objects.filter(
                account__in=chunk.account_ids, family=chunk.signal.family, done_at=None
            ).values_list("pk", flat=True)
            for pk in open_exits:
                exit_loop.work(pk)
        if chunk.signal.has_entry and not dispatch.send_approved(chunk.signal_id, chunk.account_ids):
            ring_for([chunk_id])


def work_exit(exit_id: int) -> None:
    with pulse():
        exit_loop.work(exit_id)


def canary() -> None:
    """Proof that the queue moves: rung by the supervisor of the cluster, seen by its watchdog."""
    with pulse():
        beat("queue")
