"""The status page of an alert: what became of it for each account."""

from typing import Any

import pytest
from django.test import Client

from execution.models import Signal
from execution.tasks import route_chunk
from firms.services import raise_flag
from tests.make import alert, make_account, make_route, make_source

pytestmark = pytest.mark.django_db(transaction=True)


def send() -> tuple[Signal, str]:
    answer = (
        Client().post("/api/v1/webhooks/tv/", alert(session=None), content_type="application/json").json()
    )
    return Signal.objects.get(pk=answer["signal_id"]), answer["status_url"].removeprefix("http://testserver")


def status(url: str) -> dict[str, Any]:
    found: dict[str, Any] = Client().get(url).json()
    return found


def test_it_is_pending_until_every_account_is_decided() -> None:
    source = make_source()
    make_route(source, make_account())
    signal, url = send()
    assert status(url) == {"signal_id": signal.pk, "status": "pending", "decisions": []}
    for chunk in signal.chunks.all():
        route_chunk(chunk.pk)
    assert status(url)["status"] == "decided"


def test_it_tells_each_account_s_decision_with_every_finding() -> None:
    source = make_source()
    make_route(source, make_account("Apex-1", paper=True))
    paused = make_account("Apex-2", paper=True)
    make_route(source, paused)
    raise_flag(paused, reason="holiday")
    signal, url = send()
    for chunk in signal.chunks.all():
        route_chunk(chunk.pk)
    first, second = status(url)["decisions"]
    assert (first["account"], first["allowed"], first["breach_type"]) == ("Apex-1", True, None)
    assert first["order"]["status"] == "filled"
    assert first["order"]["average_price"] == "20000.25"
    assert (second["account"], second["allowed"], second["breach_type"]) == ("Apex-2", False, "paused")
    assert second["reason"] == "The account is paused (holiday)."
    assert second["order"] is None
    rules = [finding["rule"] for finding in second["findings"]]
    assert rules[0] == "trading_state"
    assert "loss_floors" in rules
    assert all(finding["message"] for finding in second["findings"])


def test_a_guess_finds_nothing() -> None:
    answer = Client().get("/api/v1/signals/1/")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
