"""May a position be held at this instant: flat-by, hours, weekend and releases, each at its edge."""

from datetime import UTC, date, datetime, time
from typing import Any

import pytest

from enforcement.calendar import Closure, TradingHours
from enforcement.decision import Outcome
from enforcement.holding import evaluate_holding
from enforcement.program import FlatBy
from tests.enforcement.make import NQ, make_context, make_news, make_release, make_terms

pytestmark = pytest.mark.core

THREE_TEN = FlatBy(at=time(15, 10), zone="America/Chicago")  # 21:10 UTC in winter
HOURS = TradingHours(time(17), time(15, 50), "America/Chicago")  # from 23:00 to 21:50 UTC
DAYTIME = TradingHours(time(9), time(17), "America/Chicago")  # from 15:00 to 23:00 UTC
SHUT = Closure(date(2026, 3, 4), "", None, "America/Chicago", "a holiday")
SATURDAY, SUNDAY, MONDAY = "2026-03-07T18:00:00", "2026-03-08T20:00:00", "2026-03-09T15:00:00"

HELD: list[Any] = [
    pytest.param({}, "2026-03-04T21:10:00", "allowed", None, id="no hours, no flat-by"),
    pytest.param({"flat_by": THREE_TEN}, "2026-03-04T21:09:59", "allowed", None, id="a second before flat-by"),
    pytest.param({"flat_by": THREE_TEN}, "2026-03-04T21:10:00", "after_hours", "2026-03-04 21:10 UTC", id="at flat-by it is too late"),
    pytest.param({"flat_by": THREE_TEN}, "2026-03-04T22:00:00", "after_hours", "2026-03-04 21:10 UTC", id="long after flat-by"),
    pytest.param({"flat_by": THREE_TEN, "overnight": True}, "2026-03-04T21:10:00", "allowed", None, id="flat-by, but overnight is allowed"),
    pytest.param({"flat_by": THREE_TEN, "overnight": False}, "2026-03-04T21:10:00", "after_hours", "2026-03-04 21:10 UTC", id="flat-by, and overnight is not"),
    pytest.param({"hours": HOURS}, "2026-03-04T21:49:59", "allowed", None, id="a second before the hours end"),
    pytest.param({"hours": HOURS}, "2026-03-04T21:50:00", "after_hours", "2026-03-04 21:50 UTC", id="at their end"),
    pytest.param({"hours": HOURS}, SATURDAY, "after_hours", "2026-03-06 21:50 UTC", id="on Saturday: Friday's close has passed"),
    pytest.param({"hours": HOURS}, SUNDAY, "after_hours", "2026-03-06 21:50 UTC", id="on Sunday before the opening too"),
    pytest.param({"hours": DAYTIME}, "2026-03-05T14:59:59", "after_hours", "2026-03-04 23:00 UTC", id="in the morning: last evening's"),
    pytest.param({"hours": DAYTIME}, "2026-03-04T23:30:00", "after_hours", "2026-03-04 23:00 UTC", id="in the evening: just now"),
    pytest.param({"hours": DAYTIME, "closures": (SHUT,)}, "2026-03-04T20:00:00", "after_hours", "2026-03-03 23:00 UTC", id="on a holiday: the day before's"),
    pytest.param({"weekend": False}, SATURDAY, "weekend", None, id="Saturday"),
    pytest.param({"weekend": False}, SUNDAY, "weekend", None, id="Sunday"),
    pytest.param({"weekend": False}, "2026-03-06T21:59:59", "allowed", None, id="Friday, a second before 17:00 in New York"),
    pytest.param({"weekend": False}, "2026-03-06T22:00:00", "weekend", None, id="Friday at 17:00 in New York"),
    pytest.param({"weekend": False}, "2026-03-06T23:30:00", "weekend", None, id="Friday evening"),
    pytest.param({"weekend": False}, "2026-03-05T22:30:00", "allowed", None, id="Thursday evening"),
    pytest.param({"weekend": False}, "2026-03-08T20:59:59", "weekend", None, id="Sunday, a second before 17:00 in New York"),
    pytest.param({"weekend": False}, "2026-03-08T21:00:00", "allowed", None, id="Sunday at 17:00 in New York"),
    pytest.param({"weekend": False}, MONDAY, "allowed", None, id="Monday"),
    pytest.param({"weekend": True}, SATURDAY, "allowed", None, id="a weekend that may be held over"),
    pytest.param({"weekend": None}, SATURDAY, "allowed", None, id="nothing said of weekends"),
]  # fmt: skip


@pytest.mark.parametrize(("terms", "now", "code", "limit"), HELD)
def test_a_position_may_be_held(terms: dict[str, Any], now: str, code: str, limit: str | None) -> None:
    at = datetime.fromisoformat(now).replace(tzinfo=UTC)
    finding = evaluate_holding(make_context(now=at, terms=make_terms(**terms)), NQ)
    assert (finding.code, finding.limit) == (f"holding.{code}", limit)
    assert finding.outcome is (Outcome.PASS if code == "allowed" else Outcome.DENY)
    assert finding.breach_type == "session"


FLAT = make_news(must_be_flat=True)


@pytest.mark.parametrize(
    ("rules", "news", "code"),
    [
        ((FLAT,), (make_release(minutes=2),), "holding.news"),
        ((FLAT,), (make_release(minutes=3),), "holding.allowed"),
        ((make_news(),), (make_release(minutes=2),), "holding.allowed"),
        ((make_news(), FLAT), (make_release(minutes=2),), "holding.news"),
        ((FLAT,), None, "holding.allowed"),
    ],
    ids=["the window's first second", "a minute before it", "only entries are shut", "one rule of two", "no calendar"],
)  # fmt: skip
def test_a_release_for_which_the_program_wants_to_be_flat(rules: Any, news: Any, code: str) -> None:
    finding = evaluate_holding(make_context(terms=make_terms(news=rules), news=news), NQ)
    assert finding.code == code
    assert finding.outcome is (Outcome.DENY if code == "holding.news" else Outcome.PASS)


def test_a_release_is_named_with_its_window() -> None:
    ctx = make_context(terms=make_terms(news=(FLAT,)), news=(make_release("CPI m/m", minutes=1),))
    finding = evaluate_holding(ctx, NQ)
    assert finding.breach_type == "news"
    assert finding.facts == {
        "event": "CPI m/m", "at": "2026-03-04 17:01 UTC", "before": 120, "after": 120, "severity": "violation",
    }  # fmt: skip
