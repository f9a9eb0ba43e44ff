"""django-q2's entry points: each takes an id, calls one function, and may run twice, late or never."""

from execution import dispatch, exit_loop, heartbeats, router
from execution.intake import ring_for
from execution.models import Exit, SignalChunk
from execution.pulse import pulse

EXIT_PATIENCE_SECONDS = 5.0  # a venue that hangs keeps the entries of the other accounts no longer


def route_chunk(chunk_id: int) -> None:
    """Decide a chunk; then, in the same task, work its exits and send its approved entries."""
    with pulse():
        decided = None
        try:
            decided = router.decide(chunk_id)
        finally:  # whatever keeps the decisions back keeps no exit back
            if decided is None or decided.has_exits:
                _work_exits(chunk_id)
        if not _send(chunk_id, decided):
            ring_for([chunk_id])


def _send(chunk_id: int, decided: router.Decided | None) -> bool:
    """Send what this task has just approved; after an earlier attempt whatever waits of the chunk."""
    if decided is not None and decided.is_first:
        return dispatch.send(decided.orders, decided.seen)
    chunk = SignalChunk.objects.get(pk=chunk_id)
    return dispatch.send_approved(chunk.signal_id, chunk.account_ids)


def _work_exits(chunk_id: int) -> None:
    chunk = SignalChunk.objects.select_related("signal").get(pk=chunk_id)
    open_exits = Exit.objects.filter(
        account__in=chunk.account_ids, family=chunk.signal.family, done_at=None
    ).values_list("pk", flat=True)
    exit_loop.work_all(list(open_exits), EXIT_PATIENCE_SECONDS)


def work_exit(exit_id: int) -> None:
    with pulse():
        exit_loop.work(exit_id)


def canary() -> None:
    """Proof that the queue moves: sent by `manage.py work`, seen by its watchdog."""
    with pulse():
        heartbeats.beat_of_cluster()
