"""The share of equity that one order may risk: 2 NQ and ten points are 400."""

from decimal import Decimal

import pytest

from enforcement.decision import Outcome
from enforcement.explain import explain
from enforcement.rules import RULES
from tests.enforcement.make import (
    GER40,
    MNQ,
    Row,
    judged,
    make_context,
    make_guard,
    make_state,
    make_terms,
    table,
)

pytestmark = pytest.mark.core

RULE = next(rule for rule in RULES if rule.code == "risk_per_trade")
DENY, PASS, UNDETERMINED = Outcome.DENY, Outcome.PASS, Outcome.UNDETERMINED
ASSUMED = make_guard(no_stop_ticks=40)  # as far as the stock order's stop


def row(name: str, code: str, outcome: Outcome = PASS, share: str | None = "0.01", **fields: object) -> Row:
    if "equity" in fields:
        fields["state"] = make_state(fields.pop("equity"))  # type: ignore[arg-type]
    ctx = make_context(terms=make_terms(max_risk_share=share), **fields)
    return Row(name, ctx, outcome, f"risk_per_trade.{code}", "risk")


def zero_based(name: str, code: str, outcome: Outcome = PASS, *, size: int) -> Row:
    terms = make_terms(max_risk_share="0.01", starting_balance=0, size=size)
    return Row(
        name, make_context(terms=terms, state=make_state(0)), outcome, f"risk_per_trade.{code}", "risk"
    )


ROWS = [
    row("no limit", "not_set", share=None, quantity=1000),
    row("400 of 500", "within"),
    row("400 of exactly 400", "within", equity=40_000),
    row("400 of 399.99: one cent too much", "over", DENY, equity=39_999),
    row("400 of 400.01: one cent of headroom", "within", equity=40_001),
    row("one tick more than the share", "over", DENY, equity=40_000, stop_loss="19989.75"),
    row("one contract more than the share", "over", DENY, equity=40_000, quantity=3),
    row("a short is measured the same way", "over", DENY, equity=39_999, side="sell", stop_loss=20_010),
    row(
        "slippage and commission are the guard's, not the firm's",
        "within",
        equity=40_000,
        guard=make_guard(slippage_ticks=50),
    ),
    row("ten times the micros", "within", equity=40_000, instrument=MNQ, quantity=20),
    row("equity below zero bears no risk", "over", DENY, equity=-100),
    row("no stop: the assumed distance", "within", equity=40_000, stop_loss=None, guard=ASSUMED),
    row(
        "no stop: the assumed distance is a cent too much",
        "over",
        DENY,
        equity=39_999,
        stop_loss=None,
        guard=ASSUMED,
    ),
    row("no stop, nothing assumed", "unknown", UNDETERMINED, stop_loss=None),
    row("a stop without a price", "unknown", UNDETERMINED, entry_price=None),
    row("no usable size", "unknown", UNDETERMINED, quantity=None),
    row("no known instrument", "unknown", UNDETERMINED, instrument=None),
    row("euros on a dollar account", "unknown", UNDETERMINED, instrument=GER40),
    row("equity not known", "unknown", UNDETERMINED, state=None),
    row("an exit risks nothing", "reduces", reduces=True, quantity=1000),
    zero_based("an account that starts at 0: 400 of 1 % of its nominal 40,000", "within", size=40_000),
    zero_based("one cent too much of its nominal size", "over", DENY, size=39_999),
]


@table(ROWS)
def test_above_the_share_is_refused_at_it_is_not(row: Row) -> None:
    judged(RULE, row)


def test_the_message_gives_the_risk_the_limit_and_the_share() -> None:
    finding = RULE.check(make_context(terms=make_terms(max_risk_share="0.005")))
    assert (finding.observed, finding.limit, finding.room) == (Decimal(400), Decimal(250), Decimal(250))
    assert explain(finding) == "The order risks $400.00 to its stop, allowed are $250.00 (0.5 % of equity)."
