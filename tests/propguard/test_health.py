"""/healthz says that the process lives, /readyz that an alert would be decided."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from execution.models import Heartbeat
from execution.supervision import beat

pytestmark = pytest.mark.django_db


def test_it_is_ready_while_queue_and_supervisor_show_signs_of_life() -> None:
    assert Client().get("/readyz").json() == {"status": "unavailable", "silent": ["queue", "supervisor"]}
    beat("queue")
    beat("supervisor")
    assert Client().get("/readyz").status_code == 200
    Heartbeat.objects.filter(name="queue").update(at=timezone.now() - timedelta(seconds=31))
    answer = Client().get("/readyz")
    assert (answer.status_code, answer.json()["silent"]) == (503, ["queue"])


def test_health_looks_at_nothing_else() -> None:
    assert Client().get("/healthz").json() == {"status": "ok"}
