"""Signs of life, and the alarm when they stay away."""

from collections.abc import Callable

import pytest
import time_machine

from execution import heartbeats
from execution.heartbeats import LIMITS, QUEUE, SWEEP, Listener
from execution.models import Alarm, Heartbeat
from tests.make import NOON

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]
Beats = Callable[[str, int], None]
QUEUE_LIMIT = LIMITS[QUEUE].total_seconds()


def open_alarms() -> list[tuple[str, str]]:
    return list(
        Alarm.objects.filter(closed_at=None).order_by("kind", "subject").values_list("kind", "subject")
    )


def test_a_sign_of_life_is_one_row_and_says_since_when(clock: time_machine.Traveller) -> None:
    heartbeats.beat(QUEUE)
    clock.shift(5)
    heartbeats.beat(QUEUE)
    rows = [(row.name, row.at, row.since) for row in Heartbeat.objects.all()]
    assert rows == [(QUEUE, NOON.replace(second=5), NOON)]


def test_three_missed_canaries_are_an_alarm_that_ends_with_the_next_one(
    clock: time_machine.Traveller,
) -> None:
    listener = Listener()
    heartbeats.beat(QUEUE)
    listener.look()
    clock.shift(QUEUE_LIMIT)
    listener.look()
    assert open_alarms() == []  # the limit itself
    clock.shift(0.001)
    listener.look()
    listener.look()
    assert open_alarms() == [("silent", QUEUE)]
    assert Alarm.objects.count() == 1
    heartbeats.beat(QUEUE)
    listener.look()
    assert open_alarms() == []


def test_who_has_just_begun_to_listen_blames_nobody_for_the_time_before(
    clock: time_machine.Traveller,
) -> None:
    heartbeats.beat(SWEEP)
    clock.shift(8 * 3600)  # switched off over night
    listener = Listener()
    listener.look()
    clock.shift(LIMITS[SWEEP].total_seconds())
    listener.look()
    assert open_alarms() == []
    clock.shift(0.001)
    listener.look()
    assert open_alarms() == [("silent", SWEEP)]


def test_a_part_that_never_ran_is_no_alarm(clock: time_machine.Traveller) -> None:
    listener = Listener()
    listener.look()
    clock.shift(3600)
    listener.look()
    assert open_alarms() == []


@pytest.fixture
def cluster_beats(monkeypatch: pytest.MonkeyPatch) -> Beats:
    def beats(host: str, group: int) -> None:
        monkeypatch.setattr("execution.heartbeats.socket.gethostname", lambda: host)
        monkeypatch.setattr("execution.heartbeats.os.getpgrp", lambda: group)
        heartbeats.beat_of_cluster()

    return beats


def test_f10_two_clusters_of_one_machine_that_beat_in_turns_are_an_alarm(
    cluster_beats: Beats, clock: time_machine.Traveller
) -> None:
    listener = Listener()
    cluster_beats("here", 100)
    clock.shift(5)
    cluster_beats("here", 200)
    listener.look()
    assert open_alarms() == []  # the first may have ended before the second began
    clock.shift(5)
    cluster_beats("here", 100)
    listener.look()
    assert open_alarms() == [("two_clusters", "here")]
    assert "100, 200" in Alarm.objects.get().message
    clock.shift(QUEUE_LIMIT)
    cluster_beats("here", 200)
    listener.look()
    assert open_alarms() == []


def test_a_cluster_that_was_restarted_is_one_cluster(
    cluster_beats: Beats, clock: time_machine.Traveller
) -> None:
    for group in (100, 100, 200, 200, 300):
        cluster_beats("here", group)
        Listener().look()
        clock.shift(5)
    assert open_alarms() == []


def test_clusters_of_two_machines_are_as_it_should_be(
    cluster_beats: Beats, clock: time_machine.Traveller
) -> None:
    for _ in range(3):
        for host in ("here", "there"):
            cluster_beats(host, 100)
            clock.shift(2)
    Listener().look()
    assert open_alarms() == []


def test_rows_of_clusters_long_gone_are_dropped(cluster_beats: Beats, clock: time_machine.Traveller) -> None:
    cluster_beats("here", 100)
    clock.shift(3601)
    cluster_beats("here", 200)
    assert list(Heartbeat.objects.values_list("name", flat=True).order_by("name")) == [
        "cluster here 200",
        QUEUE,
    ]
