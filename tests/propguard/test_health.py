"""/healthz says that the process lives, /readyz that an alert would be decided and watched."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from execution import heartbeats
from execution.models import Heartbeat

pytestmark = pytest.mark.django_db


def test_it_is_ready_while_every_part_shows_signs_of_life() -> None:
    answer = Client().get("/readyz")
    assert (answer.status_code, answer.json()["silent"]) == (503, list(heartbeats.LIMITS))
    for name in heartbeats.LIMITS:
        heartbeats.beat(name)
    assert Client().get("/readyz").status_code == 200


@pytest.mark.parametrize("name", heartbeats.LIMITS)
def test_one_silent_part_makes_it_unavailable_and_is_named_with_its_age(name: str) -> None:
    for other in heartbeats.LIMITS:
        heartbeats.beat(other)
    limit = heartbeats.LIMITS[name]
    Heartbeat.objects.filter(name=name).update(at=timezone.now() - limit + timedelta(seconds=1))
    assert Client().get("/readyz").status_code == 200
    Heartbeat.objects.filter(name=name).update(at=timezone.now() - limit - timedelta(seconds=1))
    answer = Client().get("/readyz")
    assert (answer.status_code, answer.json()["silent"]) == (503, [name])
    part = answer.json()["parts"][name]
    assert part["limit"] == limit.total_seconds()
    assert part["limit"] + 1 <= part["age"] < part["limit"] + 10


def test_health_looks_at_nothing_else() -> None:
    assert Client().get("/healthz").json() == {"status": "ok"}
