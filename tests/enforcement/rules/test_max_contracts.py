"""Contracts over the whole account, in minis: the cap, one above, one tenth above."""

from decimal import Decimal

import pytest

from enforcement.decision import Outcome
from enforcement.explain import explain
from enforcement.rules import RULES
from tests.enforcement.make import (
    ES,
    MNQ,
    Row,
    judged,
    make_context,
    make_position,
    make_terms,
    make_working,
    table,
)

pytestmark = pytest.mark.core

RULE = next(rule for rule in RULES if rule.code == "max_contracts")


def row(name: str, code: str, outcome: Outcome = Outcome.PASS, cap: int | None = 5, **fields: object) -> Row:
    ctx = make_context(terms=make_terms(max_contracts=cap), **fields)
    return Row(name, ctx, outcome, f"max_contracts.{code}", "contracts")


FOUR = (make_position(3), make_position(-1, instrument=ES))
ROWS = [
    row("no cap", "not_set", cap=None, quantity=1000),
    row("one contract of headroom", "within", quantity=4),
    row("reaches the cap exactly", "within", quantity=5),
    row("one contract too many", "over", Outcome.DENY, quantity=6),
    row("fifty micros are five minis", "within", instrument=MNQ, quantity=50),
    row("one micro too many", "over", Outcome.DENY, instrument=MNQ, quantity=51),
    row("four held, long and short, and one more", "within", positions=FOUR, quantity=1),
    row("four held and two more", "over", Outcome.DENY, positions=FOUR, quantity=2),
    row("four held and eleven micros", "over", Outcome.DENY, positions=FOUR, instrument=MNQ, quantity=11),
    row("approved but not yet filled counts", "over", Outcome.DENY, working=(make_working(4),), quantity=2),
    row(
        "held and working together",
        "over",
        Outcome.DENY,
        positions=FOUR,
        working=(make_working(1),),
        quantity=1,
    ),
    row("a cap of zero", "over", Outcome.DENY, cap=0, quantity=1),
    row("no usable size", "size_unknown", Outcome.UNDETERMINED, quantity=None),
    row("no known instrument", "size_unknown", Outcome.UNDETERMINED, instrument=None),
    row("an exit far over the cap", "reduces", reduces=True, quantity=100, positions=(make_position(100),)),
]


@table(ROWS)
def test_beyond_the_cap_is_refused_at_it_is_not(row: Row) -> None:
    judged(RULE, row)


def test_the_finding_gives_what_would_be_held_and_what_is_left() -> None:
    finding = RULE.check(make_context(terms=make_terms(max_contracts=5), positions=FOUR, quantity=2))
    assert (finding.observed, finding.limit, finding.room) == (Decimal(6), Decimal(5), Decimal(1))
    assert explain(finding) == (
        "This order would make 6 contracts (in minis), the limit is 5: 4 are held or working, so 1 are left."
    )


def test_room_is_never_below_zero() -> None:
    finding = RULE.check(make_context(terms=make_terms(max_contracts=3), positions=FOUR, quantity=1))
    assert finding.room == 0
