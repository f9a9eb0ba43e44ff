"""The same order again: by which marks, and within how many seconds."""

from typing import Any

import pytest

from enforcement.decision import GUARD, Outcome
from enforcement.explain import explain
from enforcement.orders import Side
from enforcement.rules import RULES
from tests.enforcement.make import (
    MNQ,
    Row,
    judged,
    make_activity,
    make_context,
    make_entry,
    make_guard,
    table,
)

pytestmark = pytest.mark.core

RULE = next(rule for rule in RULES if rule.code == "duplicate_order")
PASS, DENY = Outcome.PASS, Outcome.DENY


def row(name: str, code: str, *entries: Any, **fields: Any) -> Row:
    """A stock order after entries that were approved a moment ago."""
    outcome = DENY if code == "repeated" else PASS
    ctx = make_context(activity=make_activity(*entries), **fields)
    return Row(name, ctx, outcome, f"duplicate_order.{code}", "rate")


SAME = make_entry()
ROWS = [
    row("the first order", "none"),
    row("the same, ten seconds later", "repeated", SAME),
    row("the same in the same moment", "repeated", make_entry(0)),
    row("the same, 19.9 seconds later", "repeated", make_entry(19.9)),
    row("the same, exactly at the window's end", "none", make_entry(20)),
    row("the same, a second beyond", "none", make_entry(21)),
    row("the account's own window", "none", SAME, guard=make_guard(duplicate_window_seconds=10)),
    row("a window of nothing: never", "none", make_entry(0), guard=make_guard(duplicate_window_seconds=0)),
    # what makes it the same
    row("the other side", "none", make_entry(side=Side.SELL)),
    row("another size: a copy by another route", "repeated", make_entry(quantity=3)),
    row("another target: the second half of a trade", "none", make_entry(target=20_020)),
    row("one tick away", "none", make_entry(entry_price="20000.25")),
    row("another stop", "none", make_entry(stop_loss="19989.75")),
    row("no stop then, one now", "none", make_entry(stop_loss=None)),
    row("the micro: a copy put into micros", "repeated", SAME, instrument=MNQ),
    row("another spelling of the same symbol", "repeated", SAME, symbol="CME_MINI:NQZ2026"),
    row("a market order's price is no mark of its own", "repeated", make_entry(entry_price="20000.00")),
    # ids of their own
    row("both alerts had ids of their own", "none", make_entry(is_own=True), has_own_id=True),
    row("only the first had one", "repeated", make_entry(is_own=True)),
    row("only the second had one", "repeated", SAME, has_own_id=True),
    row("one of several", "repeated", make_entry(side=Side.SELL), SAME),
    # not its business
    row("an exit is never a copy", "none", SAME, reduces=True),
    row("an unknown symbol is another rule's matter", "none", SAME, instrument=None),
]


@table(ROWS)
def test_the_same_order_is_not_sent_twice(row: Row) -> None:
    judged(RULE, row)


def test_it_is_the_guards_word_and_says_how_long_ago() -> None:
    finding = RULE.check(make_context(activity=make_activity(make_entry(12.7))))
    assert finding.by == GUARD
    assert explain(finding) == (
        "The same order was approved 12 s ago: within 20 s it counts as a copy. An id in the alert says "
        "that it isn't."
    )
