"""F29–F36: what a venue may answer to an order, and what becomes of the order. In all: asked once."""

import time
from typing import Any

import pytest

from execution.models import Order, OrderEvent
from execution.order_state import OrderStatus as S
from tests.faults.trading import CALL_SECONDS, SETTLE_SECONDS, Trading

pytestmark = pytest.mark.process


def asked_once(trading: Trading) -> bool:
    return len(trading.venue.asked("place")) == 1


# --- F29, F30: no connection, silence -------------------------------------------------------------------


def test_f29_a_refused_connection_is_provably_not_sent_and_blocks_nothing(trading: Trading) -> None:
    trading.venue.do("refuse")
    order = trading.order()
    assert (order.status, order.note[:8]) == (S.CANCELED, "not sent")
    trading.venue.do("listen")
    trading.supervise()
    assert trading.venue.asked("place") == []  # an entry is not tried again, in time or late
    later = trading.order(entry_price="20000.50")
    assert trading.settle(later) is S.FILLED
    trading.check()


@pytest.mark.parametrize("answer", ["hang", "drip"])
def test_f30_a_venue_that_hangs_is_left_after_the_time_limit(trading: Trading, answer: str) -> None:
    trading.venue.rule(on="place", execute="no", answer=answer)
    started = time.monotonic()
    order = trading.order()
    assert time.monotonic() - started < 10
    assert order.status == S.UNKNOWN
    assert "order_in_doubt" in trading.alarms()
    assert trading.settle(order) is S.HELD
    assert asked_once(trading)
    trading.check()


def test_f30_another_account_does_not_wait_for_one_that_hangs(trading: Trading) -> None:
    other = trading.add_account("A-2")
    trading.venue.rule(on="place", account="A-1", answer="hang")
    order = trading.order()
    its_end = OrderEvent.objects.get(order=order, after=S.UNKNOWN).at
    others_yes = OrderEvent.objects.get(order__account=other, after=S.ACCEPTED).at
    assert others_yes < its_end
    assert trading.settle(order) is S.FILLED
    trading.check()


# --- F31: executed after the time-out -------------------------------------------------------------------


def test_f31_an_execution_after_the_time_out_is_found_within_the_settle_time(trading: Trading) -> None:
    trading.venue.rule(on="place", execute="late", seconds=CALL_SECONDS + 0.1, answer="hang")
    order = trading.order()
    assert order.status == S.UNKNOWN
    assert trading.settle(order) is S.FILLED
    assert (trading.held, asked_once(trading)) == (2, True)
    trading.check()


def test_f31_one_after_the_settle_time_was_held_for_and_is_still_booked(trading: Trading) -> None:
    trading.venue.rule(on="place", execute="late", seconds=CALL_SECONDS + SETTLE_SECONDS + 2, answer="hang")
    order = trading.order()
    assert trading.settle(order) is S.HELD
    assert "order_held" in trading.alarms()
    assert trading.is_blocked()
    trading.until(lambda: trading.held == 2)
    order.refresh_from_db()
    assert order.status == S.FILLED
    assert "order_held" not in trading.alarms()
    assert asked_once(trading)
    trading.check()


# --- F32–F34: what can't be read, and what is not true ---------------------------------------------------

# What the venue answers, having executed.
UNREADABLE: dict[str, dict[str, Any]] = {
    "F32: 500": {"answer": "status", "status": 500},
    "F32: 502 of its proxy": {"answer": "status", "status": 502},
    "F32: 503": {"answer": "status", "status": 503},
    "F32: 504": {"answer": "status", "status": 504},
    "F33: a maintenance page": {"answer": "html"},
    "F33: an empty body": {"answer": "empty"},
    "F33: half an answer": {"answer": "truncated"},
    "F33: 10 MB": {"answer": "huge"},
    "F33: a list": {"answer": "wrong_type"},
    "F34: yes without a number": {"answer": "no_id"},
    "F35: pending": {"answer": "no", "code": "pending"},
    "F35: an unknown error": {"answer": "no", "code": "unknown_error"},
    "F36: 429 after executing": {"answer": "status", "status": 429, "retry_after": 1},
    "F36: a penalty ticket after executing": {"answer": "penalty", "retry_after": 1},
}  # fmt: skip


@pytest.mark.parametrize("rule", UNREADABLE.values(), ids=UNREADABLE)
def test_f32_to_f36_an_unclear_answer_is_looked_up(trading: Trading, rule: dict[str, Any]) -> None:
    trading.venue.rule(on="place", **rule)
    order = trading.order()
    assert order.status == S.UNKNOWN
    assert trading.settle(order) is S.FILLED
    assert (trading.held, asked_once(trading)) == (2, True)
    assert "order_in_doubt" not in trading.alarms()
    trading.check()


@pytest.mark.parametrize("rule", UNREADABLE.values(), ids=UNREADABLE)
def test_f32_to_f36_where_nothing_was_executed_a_person_must_say(
    trading: Trading, rule: dict[str, Any]
) -> None:
    trading.venue.rule(on="place", **{**rule, "execute": "no"})
    order = trading.order()
    assert trading.settle(order) is S.HELD
    assert trading.is_blocked()
    assert asked_once(trading)
    trading.check()


def test_f33_an_answer_that_is_sent_twice_is_one_answer(trading: Trading) -> None:
    trading.venue.rule(on="place", answer="twice")
    order = trading.order()
    assert order.status == S.ACCEPTED
    assert trading.settle(order) is S.FILLED
    assert trading.held == 2
    trading.check()


def test_f34_a_yes_that_was_a_lie_is_held_with_an_alarm(trading: Trading) -> None:
    trading.venue.rule(on="place", execute="no", answer="yes")
    order = trading.order()
    assert order.status == S.ACCEPTED
    assert trading.settle(order) is S.HELD
    assert "order_held" in trading.alarms()
    assert trading.is_blocked()
    assert asked_once(trading)
    trading.check()


# --- F36: limits ----------------------------------------------------------------------------------------


def test_f36_an_exit_gets_through_a_venue_that_counts_calls(trading: Trading) -> None:
    order = trading.order()
    assert trading.settle(order) is S.FILLED
    trading.venue.set("calls_per_second", 6)
    trading.flatten(pause=0.5)
    trading.venue.set("calls_per_second", 0)
    trading.until(lambda: trading.held == 0)
    trading.check()


@pytest.mark.parametrize("answer", ["status", "penalty"])
def test_f36_a_penalty_on_the_close_is_neither_yes_nor_no(trading: Trading, answer: str) -> None:
    assert trading.settle(trading.order()) is S.FILLED
    trading.venue.rule(on="close", execute="no", answer=answer, status=429, retry_after=1)
    trading.flatten()
    first = Order.objects.filter(leg="exit").earliest("pk")
    assert first.status not in (S.FILLED, S.REJECTED)
    assert len(trading.venue.asked("close")) == 2
    trading.check()
