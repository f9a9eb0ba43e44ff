"""Prices and account state from outside, by API key."""

from datetime import timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from execution.models import ApiKey, Mark
from firms.models import Account, AccountState
from tests.make import make_account, make_program

pytestmark = pytest.mark.django_db
KEY = "pgk_abcdefgh_0123456789"


def make_key(scopes: str = "marks state", **fields: Any) -> ApiKey:
    return ApiKey.objects.create(
        name="feed", prefix="abcdefgh", key_sha256=sha256(KEY.encode()).hexdigest(), scopes=scopes, **fields
    )


def call(method: str, path: str, body: Any, key: str | None = KEY) -> Any:
    headers = {} if key is None else {"HTTP_AUTHORIZATION": f"Api-Key {key}"}
    return getattr(Client(), method)(path, body, content_type="application/json", **headers)


def post_marks(body: Any, key: str | None = KEY) -> Any:
    return call("post", "/api/v1/marks/", body, key)


def put_state(account: Account, body: Any) -> Any:
    return call("put", f"/api/v1/accounts/{account.pk}/state/", body)


# --- keys ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "key", "status"),
    [
        pytest.param({}, KEY, 200, id="a valid key"),
        pytest.param({}, None, 401, id="no key"),
        pytest.param({}, "pgk_abcdefgh_wrong", 401, id="a wrong key"),
        pytest.param({"is_revoked": True}, KEY, 401, id="a revoked key"),
        pytest.param({"expires_at": timezone.now() - timedelta(seconds=1)}, KEY, 401, id="an expired key"),
        pytest.param(
            {"expires_at": timezone.now() + timedelta(days=1)}, KEY, 200, id="a key that will expire"
        ),
        pytest.param({"scopes": "state"}, KEY, 403, id="a key without the scope"),
    ],
)
def test_marks_need_a_key_with_their_scope(fields: dict[str, Any], key: str | None, status: int) -> None:
    make_key(**fields)
    answer = post_marks({"marks": [{"symbol": "NQ1!", "price": "20000.25"}]}, key)
    assert answer.status_code == status
    assert Mark.objects.exists() == (status == 200)


# --- marks --------------------------------------------------------------------------------------------


def test_a_mark_is_kept_under_its_instrument() -> None:
    make_key()
    answer = post_marks(
        {"marks": [{"symbol": "CME_MINI:NQ1!", "price": 20000.25}, {"symbol": "6A1!", "price": "0.65"}]}
    )
    assert answer.json() == {"booked": 2}
    assert {m.symbol: m.price for m in Mark.objects.all()} == {
        "NQ": Decimal("20000.25"),
        "6A": Decimal("0.65"),
    }


def test_an_older_mark_changes_nothing() -> None:
    make_key()
    now = timezone.now()
    newer = {"symbol": "NQ", "price": "2", "at": now.isoformat()}
    older = {"symbol": "NQ", "price": "1", "at": (now - timedelta(seconds=1)).isoformat()}
    assert post_marks({"marks": [newer, older, newer]}).json() == {"booked": 1}
    assert Mark.objects.get().price == 2


@pytest.mark.parametrize(
    ("body", "field"),
    [
        pytest.param({}, "marks", id="no marks"),
        pytest.param({"marks": []}, "marks", id="none of them"),
        pytest.param({"marks": [{"price": 1}]}, "symbol", id="no symbol"),
        pytest.param({"marks": [{"symbol": "NQ", "price": True}]}, "price", id="a boolean price"),
        pytest.param({"marks": [{"symbol": "NQ", "price": "NaN"}]}, "price", id="not a number"),
        pytest.param({"marks": [{"symbol": "NQ", "price": 2, "high": 1}]}, "high", id="a high below the price"),
        pytest.param({"marks": [{"symbol": "NQ", "price": 2, "low": 3}]}, "low", id="a low above the price"),
        pytest.param({"marks": [{"symbol": "NQ", "price": "１"}]}, "price", id="digits of another script"),
        pytest.param({"marks": [{"symbol": "NQ", "price": "1e99"}]}, "price", id="beyond the column"),
        pytest.param({"marks": [{"symbol": "NQ", "price": 1, "at": "2026-03-04T17:00:00"}]}, "at", id="no zone"),
        pytest.param({"marks": [{"symbol": "NQ", "price": 1, "at": "2999-01-01T00:00:00Z"}]}, "at", id="the future"),
        pytest.param({"marks": [{"symbol": "NQ", "price": 1}, {"symbol": "WHAT", "price": 1}]}, "symbol", id="an unknown symbol"),
        pytest.param([1], "", id="no object"),
    ],
)  # fmt: skip
def test_marks_that_can_not_be_used_are_refused_whole(body: Any, field: str) -> None:
    make_key()
    answer = post_marks(body)
    assert answer.status_code == 400
    assert any(field in error["field"] for error in answer.json()["errors"])
    assert not Mark.objects.exists()


# --- state --------------------------------------------------------------------------------------------


def test_posted_state_is_the_account_s_state() -> None:
    make_key()
    account = make_account()
    as_of = timezone.now()
    answer = put_state(account, {"balance": "50120", "equity": 50340.5, "as_of": as_of.isoformat()})
    assert (answer.status_code, answer.json()["applied"]) == (200, True)
    state = AccountState.objects.get()
    assert (state.balance, state.equity, state.as_of) == (Decimal(50120), Decimal("50340.5"), as_of)
    assert state.source == "declared"
    assert state.highest_equity == Decimal("50340.5")


def test_an_older_report_changes_nothing_and_says_so() -> None:
    make_key()
    account = make_account()
    old = (timezone.now() - timedelta(minutes=5)).isoformat()
    answer = put_state(account, {"balance": 1, "equity": 1, "as_of": old})
    assert answer.json()["applied"] is False
    assert AccountState.objects.get().balance == 50_000


def test_the_day_s_opening_can_be_told_after_a_night_without_reports() -> None:
    make_key()
    account = make_account(now=timezone.now() - timedelta(days=4))
    put_state(account, {"balance": 50_000, "equity": 50_000})
    assert AccountState.objects.get().day_start_balance is None  # nobody saw the reset
    put_state(account, {"balance": 50_000, "equity": 50_000, "day_start_balance": 49_900})
    assert AccountState.objects.get().day_start_balance == 49_900


def test_a_paper_account_reports_itself() -> None:
    make_key()
    account = make_account(paper=True)
    answer = put_state(account, {"balance": 1, "equity": 1})
    assert (answer.status_code, answer.json()["code"]) == (409, "reports_itself")
    assert AccountState.objects.get().balance == 50_000


def test_state_of_nobody_is_a_404() -> None:
    make_key()
    assert call("put", "/api/v1/accounts/999/state/", {"balance": 1, "equity": 1}).status_code == 404


def test_state_names_every_field_that_is_missing() -> None:
    make_key()
    answer = put_state(make_account(), {"as_of": "yesterday"})
    assert {error["field"] for error in answer.json()["errors"]} == {"balance", "equity", "as_of"}


def test_the_floor_of_the_firms_dashboard_can_be_posted() -> None:
    make_key()
    account = make_account(program=make_program(daily_loss=None))
    answer = put_state(account, {"balance": 51_000, "equity": 51_000, "floor": 50_200})
    assert answer.status_code == 200
    assert AccountState.objects.get(account=account).reported_floor == 50_200
