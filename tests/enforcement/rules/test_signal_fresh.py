"""How old a signal may be, by its arrival and by its own time."""

import pytest

from enforcement.decision import Outcome
from enforcement.rules import RULES
from tests.enforcement.make import NOON, Row, judged, make_context, make_guard, seconds, table

pytestmark = pytest.mark.core

RULE = next(rule for rule in RULES if rule.code == "signal_fresh")


def row(
    name: str,
    code: str,
    outcome: Outcome = Outcome.PASS,
    *,
    waited: float = 0,
    age: float | None = None,
    limit: int = 300,
) -> Row:
    ctx = make_context(
        signalled_at=NOON - seconds(waited),
        alert_time=None if age is None else NOON - seconds(age),
        guard=make_guard(max_signal_age_seconds=limit),
    )
    return Row(name, ctx, outcome, f"signal_fresh.{code}", "stale")


ROWS = [
    row("just arrived", "fresh"),
    row("14 seconds ago", "fresh", waited=14),
    row("14.9 seconds ago", "fresh", waited=14.9),
    row("15 seconds ago: its time is over", "expired", Outcome.DENY, waited=15),
    row("a minute ago", "expired", Outcome.DENY, waited=60),
    row("arrived two seconds from now", "fresh", waited=-2),
    row(
        "arrived three seconds from now: the clock was set back",
        "clock_wrong",
        Outcome.UNDETERMINED,
        waited=-3,
    ),
    row("dated now", "fresh", age=0),
    row("dated as long ago as allowed", "fresh", age=300),
    row("dated a tenth of a second longer ago", "late", Outcome.DENY, age=300.1),
    row("dated a second longer ago", "late", Outcome.DENY, age=301),
    row("the account's own limit", "late", Outcome.DENY, age=11, limit=10),
    row("dated a minute ahead: clocks differ", "fresh", age=-60),
    row("dated 61 seconds ahead", "from_the_future", Outcome.UNDETERMINED, age=-61),
    row("arrived late, and dated long ago", "expired", Outcome.DENY, waited=15, age=301),
]


@table(ROWS)
def test_a_late_entry_is_another_trade(row: Row) -> None:
    judged(RULE, row)


def test_the_finding_gives_the_age_that_counts_and_its_limit_in_seconds() -> None:
    expected = {
        "just arrived": (0, 15), "14 seconds ago": (14, 15), "15 seconds ago: its time is over": (15, 15),
        "dated as long ago as allowed": (300, 300), "dated a second longer ago": (301, 300),
        "dated a minute ahead: clocks differ": (0, 300), "dated 61 seconds ahead": (61, 60),
    }  # fmt: skip
    for row in ROWS:
        if row.id in expected:
            finding = RULE.check(row.ctx)
            assert (finding.observed, finding.limit) == expected[row.id]
