"""What each misbehaviour of the venue comes to: Rejected, Unavailable or InDoubt, and what was executed."""

import time
from typing import Any

import pytest

from execution.connectors import InDoubt, Rejected, Unavailable
from firms.models import Account
from tests.execution.connectors.contract import buy, closing
from tests.fakevenue.connector import FINAL, LOG_INS_PER_HOUR, FakeVenueConnector
from tests.fakevenue.process import FakeVenue

pytestmark = pytest.mark.django_db


@pytest.fixture
def connector(venue_account: Account) -> FakeVenueConnector:
    made = FakeVenueConnector(venue_account)
    made.positions()  # logged in
    return made


# (rule of the venue, contracts that were executed); the answer is doubtful in all of them
DOUBTFUL: dict[str, tuple[dict[str, Any], int]] = {
    "hangs, nothing done": ({"execute": "no", "answer": "hang"}, 0),
    "hangs, done": ({"answer": "hang"}, 2),
    "answers too late": ({"linger": 1.5}, 2),
    "drips byte by byte": ({"answer": "drip"}, 2),
    "reset before": ({"execute": "no", "answer": "drop"}, 0),
    "reset after": ({"answer": "drop"}, 2),
    "500 before": ({"execute": "no", "answer": "status", "status": 500}, 0),
    "500 after": ({"answer": "status", "status": 500}, 2),
    "502 after": ({"answer": "status", "status": 502}, 2),
    "503 before": ({"execute": "no", "answer": "status", "status": 503}, 0),
    "504 after": ({"answer": "status", "status": 504}, 2),
    "429": ({"execute": "no", "answer": "status", "status": 429}, 0),
    "429 with Retry-After": ({"execute": "no", "answer": "status", "status": 429, "retry_after": 3}, 0),
    "400": ({"execute": "no", "answer": "status", "status": 400}, 0),
    "201": ({"answer": "status", "status": 201}, 2),
    "a penalty ticket": ({"execute": "no", "answer": "penalty", "retry_after": 5}, 0),
    "an HTML page": ({"answer": "html"}, 2),
    "nothing": ({"answer": "empty"}, 2),
    "half an answer": ({"answer": "truncated"}, 2),
    "10 MB": ({"answer": "huge"}, 2),
    "a list instead of an object": ({"answer": "wrong_type"}, 2),
    "yes without a number": ({"answer": "no_id"}, 2),
    "no, with an ambiguous code": ({"answer": "no", "code": "pending"}, 2),
    "no, with an unknown code": ({"execute": "no", "answer": "no", "code": "unknown_error"}, 0),
    "no, with no code": ({"execute": "no", "answer": "no", "code": ""}, 0),
    "a redirect": ({"execute": "no", "answer": "redirect"}, 0),
}  # fmt: skip


@pytest.mark.parametrize(("rule", "executed"), DOUBTFUL.values(), ids=DOUBTFUL)
def test_what_is_not_clear_is_in_doubt_and_asked_once(
    fake_venue: FakeVenue, connector: FakeVenueConnector, rule: dict[str, Any], executed: int
) -> None:
    fake_venue.rule(on="place", **rule)
    started = time.monotonic()
    with pytest.raises(InDoubt):
        connector.submit(buy())
    assert time.monotonic() - started < 5
    assert len(fake_venue.asked("place")) == 1
    assert fake_venue.executed("pg-1") == executed


def test_refused_connections_are_unavailable(fake_venue: FakeVenue, connector: FakeVenueConnector) -> None:
    fake_venue.do("refuse")
    with pytest.raises(Unavailable):
        connector.submit(buy())
    fake_venue.do("listen")
    assert fake_venue.asked("place") == []
    connector.submit(buy())
    assert fake_venue.held("A-1") == 2


def test_a_log_in_that_fails_is_unavailable_for_nothing_of_the_order_has_left(
    fake_venue: FakeVenue, connector: FakeVenueConnector
) -> None:
    fake_venue.do("kick")
    with pytest.raises(Rejected):
        connector.positions()
    fake_venue.rule(on="login", answer="status")
    with pytest.raises(Unavailable, match="could not log in"):
        connector.submit(buy())
    assert fake_venue.asked("place") == []


@pytest.mark.parametrize("code", sorted(FINAL))
def test_documented_refusals_are_final(
    fake_venue: FakeVenue, connector: FakeVenueConnector, code: str
) -> None:
    fake_venue.rule(on="place", execute="no", answer="no", code=code)
    with pytest.raises(Rejected, match=code):
        connector.submit(buy())


# (setting, its value, code)
REFUSALS: dict[str, tuple[str, Any, str]] = {
    "account disabled": ("disabled", ["A-1"], "account_disabled"),
    "contract over": ("expired", ["NQ"], "contract_not_active"),
    "brackets off": ("bracket", "off", "brackets_off"),
    "id too long": ("id_max", 3, "id_invalid"),
    "id with a wrong character": ("id_pattern", "[a-z]+", "id_invalid"),
}


@pytest.mark.parametrize(("name", "value", "code"), REFUSALS.values(), ids=REFUSALS)
def test_the_venues_own_rules_refuse(
    fake_venue: FakeVenue, connector: FakeVenueConnector, name: str, value: Any, code: str
) -> None:
    fake_venue.set(name, value)
    with pytest.raises(Rejected, match=code):
        connector.submit(buy())
    assert fake_venue.held("A-1") == 0


@pytest.mark.parametrize("rows", ["null", "missing", "wrong_type"])
@pytest.mark.parametrize(
    ("on", "ask"),
    [
        ("positions", lambda c: c.positions()),
        ("positions", lambda c: c.report(frozenset())),
        ("fills", lambda c: c.report(frozenset())),
        ("orders", lambda c: c.find("pg-1")),
        ("orders", lambda c: c.working_orders()),
        ("orders", lambda c: c.has_working_orders(["NQ"])),
    ],
    ids=["positions", "report: positions", "report: fills", "find", "working orders", "has working orders"],
)
def test_a_list_that_is_not_there_is_not_an_empty_one(
    fake_venue: FakeVenue, connector: FakeVenueConnector, rows: str, on: str, ask: Any
) -> None:
    connector.submit(buy())
    fake_venue.rule(on=on, rows=rows)
    with pytest.raises(InDoubt):
        ask(connector)


@pytest.mark.parametrize(
    ("name", "value"),
    [("balance", "NaN"), ("balance", "null"), ("currency", "EUR"), ("account_id", "A-9"), ("zoneless", True)],
)
def test_money_that_can_not_be_right_is_not_reported(
    fake_venue: FakeVenue, connector: FakeVenueConnector, name: str, value: Any
) -> None:
    fake_venue.set(name, value)
    with pytest.raises(InDoubt):
        connector.report(frozenset())


def test_a_duplicate_id_is_looked_up(fake_venue: FakeVenue, connector: FakeVenueConnector) -> None:
    fake_venue.rule(on="place", answer="drop")
    with pytest.raises(InDoubt):
        connector.submit(buy())
    found = connector.find("pg-1")
    assert found is not None
    assert connector.submit(buy()).venue_order_id == found.venue_order_id
    assert fake_venue.executed("pg-1") == 2


def test_a_duplicate_id_that_is_not_shown_is_in_doubt(
    fake_venue: FakeVenue, connector: FakeVenueConnector
) -> None:
    connector.submit(buy())
    fake_venue.rule(on="orders", rows="empty")
    with pytest.raises(InDoubt):
        connector.submit(buy())


def test_two_orders_under_one_id_are_no_answer(fake_venue: FakeVenue, connector: FakeVenueConnector) -> None:
    fake_venue.set("unique_ids", False)
    connector.submit(buy())
    connector.submit(buy())
    with pytest.raises(InDoubt, match="2 orders"):
        connector.find("pg-1")


def test_duplicated_and_reversed_fills_are_each_reported_once_and_in_order(
    fake_venue: FakeVenue, connector: FakeVenueConnector
) -> None:
    connector.submit(buy())
    connector.close(closing())
    expected = connector.report(frozenset()).fills
    for rows in ("duplicated", "reversed"):
        fake_venue.rule(on="fills", rows=rows)
        assert connector.report(frozenset()).fills == expected


def test_an_ended_session_is_not_processed_and_the_next_call_logs_in(
    fake_venue: FakeVenue, connector: FakeVenueConnector
) -> None:
    fake_venue.do("kick")
    with pytest.raises(Rejected, match="session"):
        connector.submit(buy())
    connector.submit(buy())
    assert fake_venue.executed("pg-1") == 2


def test_there_is_no_log_in_war(fake_venue: FakeVenue, connector: FakeVenueConnector) -> None:
    for _ in range(LOG_INS_PER_HOUR):
        connector.positions()
        fake_venue.do("kick")
        with pytest.raises(Rejected):
            connector.positions()
    with pytest.raises(Unavailable, match="somebody else"):
        connector.positions()
    assert len(fake_venue.asked("login")) == LOG_INS_PER_HOUR
