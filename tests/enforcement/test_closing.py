"""The owner's lead: so long before nothing may be held, what is open is closed, and nothing is opened."""

from datetime import UTC, datetime, time
from typing import Any

import pytest

from enforcement.calendar import TradingHours
from enforcement.explain import explain
from enforcement.holding import evaluate_closing
from enforcement.program import FlatBy
from enforcement.rules import RULES
from tests.enforcement.make import NQ, make_context, make_guard, make_news, make_release, make_terms

pytestmark = pytest.mark.core
RULE = next(rule for rule in RULES if rule.code == "trading_hours")
THREE_TEN = FlatBy(at=time(15, 10), zone="America/Chicago")  # 21:10 UTC in winter
HOURS = TradingHours(time(17), time(16), "America/Chicago")
FLAT = make_news(before=120, must_be_flat=True)

AHEAD: list[Any] = [
    pytest.param(2, {"flat_by": THREE_TEN}, "2026-03-04T21:07:59", "allowed", "in_hours", id="a second before the lead"),
    pytest.param(2, {"flat_by": THREE_TEN}, "2026-03-04T21:08:00", "after_hours", "closes_soon", id="in the lead"),
    pytest.param(2, {"flat_by": THREE_TEN}, "2026-03-04T21:10:00", "after_hours", "too_late", id="at flat-by"),
    pytest.param(0, {"flat_by": THREE_TEN}, "2026-03-04T21:09:59", "allowed", "in_hours", id="no lead: to the last second"),
    pytest.param(None, {"flat_by": THREE_TEN}, "2026-03-04T21:09:59", "allowed", "in_hours", id="not wanted: to the last second"),
    pytest.param(None, {"flat_by": THREE_TEN}, "2026-03-04T21:10:00", "allowed", "too_late", id="not wanted: nothing is closed"),
    pytest.param(2, {"flat_by": THREE_TEN, "overnight": True}, "2026-03-04T21:09:00", "allowed", "in_hours", id="may be held over night"),
    pytest.param(2, {"news": (FLAT,)}, "2026-03-04T16:55:59", "allowed", "not_set", id="a second before a release's lead"),
    pytest.param(2, {"news": (FLAT,)}, "2026-03-04T16:56:00", "news", "closes_soon", id="in a release's lead"),
    pytest.param(2, {"news": (FLAT,)}, "2026-03-04T16:58:00", "news", "not_set", id="in a release's window: the news rule refuses"),
    pytest.param(2, {"weekend": False}, "2026-03-06T21:59:00", "allowed", "not_set", id="a weekend of unknown hours is left to people"),
    pytest.param(2, {"weekend": False, "hours": HOURS, "overnight": True}, "2026-03-06T21:58:00", "weekend", "closes_soon", id="a weekend of known hours"),
]  # fmt: skip


@pytest.mark.parametrize(("lead", "terms", "at", "closing", "entry"), AHEAD)
def test_what_is_closed_and_what_is_not_opened(
    lead: int | None, terms: dict[str, Any], at: str, closing: str, entry: str
) -> None:
    ctx = make_context(
        now=datetime.fromisoformat(at).replace(tzinfo=UTC),
        guard=make_guard(flatten_lead_minutes=lead),
        terms=make_terms(allowed_sessions=None, **terms),
        news=(make_release(),),
    )
    assert evaluate_closing(ctx, NQ).code == f"holding.{closing}"
    assert RULE.check(ctx).code == f"trading_hours.{entry}"


def test_an_entry_is_told_why() -> None:
    ctx = make_context(
        now=datetime(2026, 3, 4, 21, 8, tzinfo=UTC),
        guard=make_guard(flatten_lead_minutes=2),
        terms=make_terms(allowed_sessions=None, flat_by=THREE_TEN),
    )
    assert explain(RULE.check(ctx)) == (
        "It is 21:08:00 UTC: what is opened now would be closed at once, 2 minutes before nothing may be held."
    )
