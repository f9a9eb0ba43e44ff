"""The kill switch by API key: engaged and read, never released."""

from hashlib import sha256
from typing import Any

import pytest
from django.test import Client

from execution.models import ApiKey, Kill
from firms.models import AuditEntry, Flag
from tests.make import make_account, make_program

pytestmark = pytest.mark.django_db
KEY = "pgk_abcdefgh_0123456789"


@pytest.fixture(autouse=True)
def key() -> None:
    ApiKey.objects.create(
        name="panic button",
        prefix="abcdefgh",
        key_sha256=sha256(KEY.encode()).hexdigest(),
        scopes="marks kill",
    )
    make_account("Apex-1", make_program("APEX", 1), paper=True)


def ask(method: str, body: Any = None, *, key: str | None = KEY) -> Any:
    headers = {} if key is None else {"HTTP_AUTHORIZATION": f"Api-Key {key}"}
    if method == "get":
        return Client().get("/api/v1/kill/", body or {}, **headers)
    return getattr(Client(), method)("/api/v1/kill/", body, content_type="application/json", **headers)


NAMED = {
    "platform": {},
    "firm": {"scope": "firm", "firm": "APEX"},
    "program": {"scope": "program", "program": "APEX/1"},
    "account": {"scope": "account", "account": "Apex-1"},
}


@pytest.mark.parametrize(("scope", "named"), NAMED.items(), ids=NAMED)
def test_a_post_engages_it_and_says_where_to_look(scope: str, named: dict[str, str]) -> None:
    answer = ask("post", {**named, "reason": "runaway"})
    assert answer.status_code == 202
    report = answer.json()
    assert (report["killed"], report["flat"], report["flatten"]) == (True, False, True)
    assert report["report"] == "not verified yet: 1 account to be looked at"
    assert [row["account"] for row in report["accounts"]] == ["Apex-1"]
    assert [(flag.scope, flag.key) for flag in Flag.objects.all()] == [(scope, "kill")]
    assert AuditEntry.objects.get(action="kill.raised").reason == "API key panic button (abcdefgh…): runaway"
    path = report["status_url"].removeprefix("http://testserver")
    again = Client().get(path, HTTP_AUTHORIZATION=f"Api-Key {KEY}").json()
    assert (again["report"], again["subject"]) == (report["report"], report["subject"])


def test_without_flatten_positions_are_left() -> None:
    report = ask("post", {"reason": "x", "flatten": False}).json()
    assert (report["report"], report["done"], report["flat"]) == ("stopped: no entry leaves", True, False)
    assert not Kill.objects.get().flatten


def test_a_get_of_what_is_not_killed_says_so_and_changes_nothing() -> None:
    report = ask("get").json()
    assert (report["killed"], report["report"], report["since"], report["accounts"]) == (
        False, "not killed", None, [],
    )  # fmt: skip
    assert not Flag.objects.exists()


REFUSED: dict[str, tuple[dict[str, Any], int]] = {
    "no reason": ({}, 400),
    "a blank reason": ({"reason": " "}, 400),
    "a scope nobody knows": ({"reason": "x", "scope": "world"}, 400),
    "a scope without its name": ({"reason": "x", "scope": "firm"}, 400),
    "a name without its scope": ({"reason": "x", "firm": "APEX"}, 400),
    "two names": ({"reason": "x", "scope": "firm", "firm": "APEX", "account": "Apex-1"}, 400),
    "a firm that is not there": ({"reason": "x", "scope": "firm", "firm": "NONE"}, 404),
    "flatten that is no boolean": ({"reason": "x", "flatten": "perhaps"}, 400),
}


@pytest.mark.parametrize(("body", "status"), REFUSED.values(), ids=REFUSED)
def test_what_can_be_read_in_two_ways_is_refused(body: dict[str, Any], status: int) -> None:
    answer = ask("post", body)
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/problem+json")
    assert not Flag.objects.exists()


@pytest.mark.parametrize(("key", "status"), [(None, 401), ("pgk_wrong", 401)], ids=["no key", "a wrong key"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_it_needs_a_key(method: str, key: str | None, status: int) -> None:
    assert ask(method, {"reason": "x"}, key=key).status_code == status
    assert not Flag.objects.exists()


@pytest.mark.parametrize("method", ["get", "post"])
def test_the_key_needs_the_scope(method: str) -> None:
    ApiKey.objects.update(scopes="marks state news confirm")
    assert ask(method, {"reason": "x"}).status_code == 403
    assert not Flag.objects.exists()


@pytest.mark.parametrize("method", ["delete", "put", "patch"])
def test_no_key_releases_it(method: str) -> None:
    ask("post", {"reason": "x"})
    assert ask(method, {"reason": "x"}).status_code == 405
    assert Flag.objects.get().is_open
