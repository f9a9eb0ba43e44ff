"""The API describes itself, and its pages come from this machine alone."""

import re
from typing import Any

import pytest
from django.test import Client
from drf_spectacular.generators import SchemaGenerator

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    found: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)
    return found


def test_every_endpoint_is_described_with_its_problems(schema: dict[str, Any]) -> None:
    assert set(schema["paths"]) >= {
        "/api/v1/webhooks/{source}/", "/api/v1/webhooks/{source}/{token}/", "/api/v1/signals/{public_id}/",
        "/api/v1/marks/", "/api/v1/accounts/{account_id}/state/",
    }  # fmt: skip
    for word in ("confirm", "decline"):
        answers = schema["paths"][f"/api/v1/orders/{{order_id}}/{word}/"]["post"]["responses"]
        assert set(answers) == {"200", "400", "401", "403", "404", "409", "413", "415", "503"}
    assert set(schema["paths"]["/api/v1/kill/"]) == {"get", "post"}  # no method releases it
    answers = schema["paths"]["/api/v1/webhooks/{source}/"]["post"]["responses"]
    assert set(answers) == {"200", "202", "400", "401", "403", "409", "413", "415", "503"}
    assert "application/problem+json" in answers["400"]["content"]


def test_operation_ids_are_unique(schema: dict[str, Any]) -> None:
    ids = [operation["operationId"] for path in schema["paths"].values() for operation in path.values()]
    assert len(ids) == len(set(ids))


def test_the_pages_load_nothing_from_elsewhere() -> None:
    page = Client().get("/api/v1/docs/")
    assert page.status_code == 200
    assert re.findall(rb'(?:src|href)="(?:https?:)?//', page.content) == []
    assert Client().get("/api/v1/schema/").status_code == 200
