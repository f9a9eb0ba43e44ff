"""What another trade means for target and payout: warnings, never a refusal."""

from typing import Any

import pytest

from enforcement import evaluate_order
from enforcement.account import AccountState
from enforcement.decision import Outcome
from enforcement.explain import explain
from enforcement.floors import Boundary
from enforcement.program import ConsistencyRule, ProgressTerms
from enforcement.rules import RULES
from tests.enforcement.make import Number, Row, exact, judged, make_context, make_state, make_terms, table

pytestmark = pytest.mark.core

RULE = next(rule for rule in RULES if rule.code == "payout_progress")
PASS, WARN = Outcome.PASS, Outcome.WARN
TARGET = ProgressTerms(profit_target=exact(3000))


def at_most(share: str, target: Number | None = 3000, boundary: Boundary = Boundary.AT) -> ProgressTerms:
    rule = ConsistencyRule(measure="profit_target", share=exact(share) or exact(0), passes=boundary)  # type: ignore[arg-type]
    return ProgressTerms(profit_target=exact(target), consistency=rule)


def row(
    name: str, code: str, progress: ProgressTerms = TARGET, state: AccountState | None = None, **fields: Any
) -> Row:
    outcome = WARN if code in ("target_reached", "best_day") else PASS
    fields.setdefault("state", state)
    ctx = make_context(terms=make_terms(progress=progress), **fields)
    return Row(name, ctx, outcome, f"payout_progress.{code}", "consistency")


def day(balance: Number, start: Number | None = 50_000) -> AccountState:
    """A balance now, and the one the day opened with."""
    return make_state(exact(balance) or 0, day_start_balance=start)


ROWS = [
    row("no target and no rule", "not_set", ProgressTerms(), day(60_000)),
    row("an exit", "not_set", TARGET, day(60_000), reduces=True),
    row("nothing is known of the account", "not_set", TARGET, state=None),
    row("a cent before the target", "on_the_way", TARGET, day("52999.99")),
    row("at the target", "target_reached", TARGET, day(53_000)),
    row("beyond the target", "target_reached", TARGET, day(53_100)),
    row("open profit is not closed profit", "on_the_way", TARGET, make_state(54_000, balance=52_000)),
    # Topstep: 55 % of a target of 3,000 is 1,650
    row("today's 1,650 is exactly 55 % of the target", "on_the_way", at_most("0.55"), day(51_650)),
    row("a cent more", "best_day", at_most("0.55"), day("51650.01")),
    row("1,800 raises the target", "best_day", at_most("0.55"), day(51_800)),
    row(
        "less than half: exactly half is too much",
        "best_day",
        at_most("0.5", 3000, Boundary.BELOW),
        day(51_500),
    ),
    row("less than half: a cent less", "on_the_way", at_most("0.5", 3000, Boundary.BELOW), day("51499.99")),
    # without a target the share is of the profit so far: 2,000, of which today 800 or 801
    row("today's 800 of 2,000 is 40 %", "on_the_way", at_most("0.4", None), day(52_000, 51_200)),
    row("today's 801 of 2,000 is more", "best_day", at_most("0.4", None), day(52_000, 51_199)),
    row("a losing day is nobody's best", "on_the_way", at_most("0.4", None), day(51_000, 51_200)),
    row("the day's opening balance was not seen", "on_the_way", at_most("0.4", None), day(52_000, None)),
]


@table(ROWS)
def test_what_another_trade_means_for_the_payout(row: Row) -> None:
    judged(RULE, row)


@pytest.mark.parametrize("row", [pytest.param(row, id=row.id) for row in ROWS])
def test_it_never_blocks(row: Row) -> None:
    assert not RULE.check(row.ctx).outcome.blocks


def test_an_order_beyond_the_target_is_sent() -> None:
    terms = make_terms(progress=TARGET)
    state = make_state(53_000, highest_equity=53_000)
    assert evaluate_order(make_context(terms=terms, state=state)).allowed


def test_the_messages_give_the_figures() -> None:
    said = {row.id: explain(RULE.check(row.ctx)) for row in ROWS}
    assert said["at the target"] == (
        "The profit of $3,000.00 has reached the target of $3,000.00: another trade can only lose it."
    )
    assert said["1,800 raises the target"] == (
        "Today's profit of $1,800.00 is more than 55 % of the $3,000.00 needed: it raises what has to be earned."
    )
