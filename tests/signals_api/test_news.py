"""The calendar of releases from outside, by API key."""

from hashlib import sha256
from typing import Any

import pytest
from django.test import Client

from execution.models import ApiKey, NewsEvent
from firms.models import AuditEntry

pytestmark = pytest.mark.django_db
KEY = "pgk_abcdefgh_0123456789"
CPI = {"name": "US CPI", "at": "2026-03-11T08:30:00-04:00", "targets": ["NQ"], "impact": "high"}


def make_key(scopes: str = "news") -> None:
    ApiKey.objects.create(
        name="feed", prefix="abcdefgh", key_sha256=sha256(KEY.encode()).hexdigest(), scopes=scopes
    )


def send(body: Any, *, method: str = "put", key: str | None = KEY) -> Any:
    headers = {} if key is None else {"HTTP_AUTHORIZATION": f"Api-Key {key}"}
    return getattr(Client(), method)("/api/v1/news/", body, content_type="application/json", **headers)


@pytest.mark.parametrize("method", ["put", "post"])
def test_events_are_stored_by_name_and_time(method: str) -> None:
    make_key()
    assert send({"events": [CPI]}, method=method).json() == {"added": 1, "changed": 0, "unchanged": 0}
    moved = {**CPI, "impact": "medium"}
    assert send({"events": [moved]}, method=method).json() == {"added": 0, "changed": 1, "unchanged": 0}
    event = NewsEvent.objects.get()
    assert (event.impact, event.targets, event.at.isoformat()) == (
        "medium",
        "NQ",
        "2026-03-11T12:30:00+00:00",
    )
    assert AuditEntry.objects.filter(action="news.imported", subject__contains="feed").count() == 2


@pytest.mark.parametrize(
    ("scopes", "key", "status"),
    [("news", None, 401), ("news", "pgk_wrong", 401), ("marks state", KEY, 403), ("marks news", KEY, 200)],
    ids=["no key", "a wrong key", "a key without the scope", "a key with more scopes"],
)
def test_it_needs_a_key_with_its_scope(scopes: str, key: str | None, status: int) -> None:
    make_key(scopes)
    assert send({"events": [CPI]}, key=key).status_code == status
    assert NewsEvent.objects.exists() == (status == 200)


def test_all_errors_come_at_once_with_row_and_field_and_nothing_is_stored() -> None:
    make_key()
    answer = send(
        {"events": [CPI, {"name": "=1", "at": "2026-03-11T08:30:00"}, {"at": 1, "targets": ["WHAT"]}, "x"]}
    )
    assert answer.status_code == 400
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert problem["code"] == "invalid_fields"
    assert {(error["field"], error["code"]) for error in problem["errors"]} >= {
        ("events[1].name", "formula"), ("events[1].at", "naive"), ("events[2].name", "required"),
        ("events[2].at", "not_text"), ("events[2].targets", "unknown_target"), ("events[3].row", "unknown_field"),
    }  # fmt: skip
    assert not NewsEvent.objects.exists()


@pytest.mark.parametrize("body", [{}, [], [CPI], {"events": CPI}, {"events": []}], ids=str)
def test_a_body_without_a_list_of_events_is_refused(body: Any) -> None:
    make_key()
    answer = send(body)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "events")


def test_other_methods_are_not_taken() -> None:
    make_key()
    assert send({}, method="delete").status_code == 405


def test_it_is_described_with_its_problems() -> None:
    from drf_spectacular.generators import SchemaGenerator

    path = SchemaGenerator().get_schema(request=None, public=True)["paths"]["/api/v1/news/"]
    assert set(path) == {"put", "post"}
    assert set(path["put"]["responses"]) == {"200", "400", "401", "403", "413", "415", "503"}
