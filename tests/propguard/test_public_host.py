"""Under a tunnel's public name only the webhook, its status and /healthz exist."""

from typing import Any

import pytest
from django.test import Client

from tests.make import alert, make_source

pytestmark = pytest.mark.django_db
HOST = "demo.trycloudflare.com"


@pytest.mark.parametrize("path", ["/", "/admin/", "/admin/login/", "/api/v1/docs/", "/api/v1/marks/", "/readyz", "/static/x"])  # fmt: skip
def test_everything_else_is_not_there(settings: Any, path: str) -> None:
    settings.PUBLIC_HOSTS = [HOST]
    assert Client().get(path, HTTP_HOST=HOST).status_code == 404


def test_the_webhook_answers_with_an_address_of_the_public_host(settings: Any) -> None:
    settings.PUBLIC_HOSTS = [HOST]
    make_source()
    answer = Client().post("/api/v1/webhooks/tv/", alert(), content_type="application/json", HTTP_HOST=HOST)
    assert answer.status_code == 202
    url = answer.json()["status_url"]
    assert url.startswith(f"http://{HOST}/api/v1/signals/")
    assert Client().get(url.removeprefix(f"http://{HOST}"), HTTP_HOST=HOST).status_code == 200
    assert Client().get("/healthz", HTTP_HOST=HOST).json() == {"status": "ok"}


def test_an_unknown_host_is_refused() -> None:
    assert Client().get("/admin/", HTTP_HOST="evil.example").status_code == 400
