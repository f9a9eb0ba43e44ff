"""Opposite positions: in the account, in the micro, in correlated products, in another account."""

from typing import Any

import pytest

from enforcement.decision import Outcome
from enforcement.explain import explain
from enforcement.instruments import BUILT_IN
from enforcement.orders import Side
from enforcement.program import HedgeBy, HedgeScope, HedgingRule
from enforcement.rules import RULES
from tests.enforcement.make import (
    CL,
    ES,
    EURUSD,
    MES,
    MNQ,
    NQ,
    Row,
    judged,
    make_context,
    make_other,
    make_position,
    make_terms,
    make_working,
    table,
)

pytestmark = pytest.mark.core

RULE = next(rule for rule in RULES if rule.code == "hedging")
PASS, DENY = Outcome.PASS, Outcome.DENY
HERE = HedgingRule(scope=HedgeScope.ACCOUNT)
BY_SYMBOL = HedgingRule(scope=HedgeScope.ACCOUNT, by=HedgeBy.SYMBOL)
CORRELATED = HedgingRule(scope=HedgeScope.ACCOUNT, by=HedgeBy.CORRELATED)
TRADER = HedgingRule(scope=HedgeScope.TRADER)
APEX = HedgingRule(scope=HedgeScope.TRADER, by=HedgeBy.CORRELATED)
LUCID = HedgingRule(scope=HedgeScope.TRADER, by=HedgeBy.CORRELATED, same_product_inside=True)
LISTED = HedgingRule(scope=HedgeScope.TRADER, by=HedgeBy.SYMBOL, groups=(("NQ", "MNQ", "ES"),))
SHORT_MICRO = (make_position(-3, instrument=MNQ, stop=20_010),)
SHORT_ES = (make_position(-1, instrument=ES, price=6000, stop=6005),)
LONG_ES = (make_position(1, instrument=ES, price=6000, stop=5995),)
SHORT_NQ = (make_position(-2, stop=20_010),)
LOTS: dict[str, Any] = {"instrument": EURUSD, "entry_price": "1.10000", "stop_loss": "1.09500"}
SHORT_LOTS = (make_position(-1, instrument=EURUSD, price="1.10000", stop="1.10500"),)


def row(name: str, code: str, outcome: Outcome, rule: HedgingRule | None = HERE, **fields: Any) -> Row:
    """A stock order (buy 2 NQ) against what is held."""
    ctx = make_context(terms=make_terms(hedging=rule), **fields)
    return Row(name, ctx, outcome, f"hedging.{code}", "hedging")


ROWS = [
    row("a program that says nothing", "not_set", PASS, None, positions=SHORT_MICRO),
    row("an exit opens nothing", "reduces", PASS, positions=SHORT_MICRO, reduces=True),
    row("an unknown symbol is another rule's matter", "none", PASS, instrument=None, positions=SHORT_MICRO),
    row("nothing is held", "none", PASS),
    # in the account
    row("long the micro, buy the mini", "none", PASS, positions=(make_position(3, instrument=MNQ),)),
    row("short the micro, buy the mini", "opposite_here", DENY, positions=SHORT_MICRO),
    row(
        "a short micro is working", "opposite_here", DENY, working=(make_working(1, 22, instrument=MNQ, side=Side.SELL),)
    ),
    row("a long micro is working", "none", PASS, working=(make_working(1, 22, instrument=MNQ),)),
    row("long the micro, sell the mini", "opposite_here", DENY, side="sell", stop_loss=20_010,
        positions=(make_position(3, instrument=MNQ),)),
    row("short in the symbol itself: futures net, nothing is hedged", "none", PASS, positions=SHORT_NQ),
    row("short in the symbol itself on a spot venue", "opposite_here", DENY, positions=SHORT_LOTS, **LOTS),
    row("short ES is another underlying", "none", PASS, positions=SHORT_ES),
    row("of several positions the one against it", "opposite_here", DENY, positions=(*LONG_ES, *SHORT_MICRO)),
    # by symbol, by correlation, by the firm's own lists
    row("by symbol the micro is another market", "none", PASS, BY_SYMBOL, positions=SHORT_MICRO),
    row("correlated: short ES stands against NQ", "opposite_here", DENY, CORRELATED, positions=SHORT_ES),
    row("correlated: long ES goes with NQ", "none", PASS, CORRELATED, positions=LONG_ES),
    row("correlated: the micro counts as well", "opposite_here", DENY, CORRELATED, positions=SHORT_MICRO),
    row(
        "correlated: crude doesn't move with the indices", "none", PASS, CORRELATED,
        positions=(make_position(-1, instrument=CL, price=70, stop=71),),
    ),
    row("listed together, whatever else the rule goes by", "opposite_here", DENY, LISTED, positions=SHORT_ES),
    row(
        "in no list", "none", PASS, LISTED, instrument=CL, entry_price=70, stop_loss=69, positions=SHORT_ES
    ),
    row("Lucid: mini against its own micro inside one account", "none", PASS, LUCID, positions=SHORT_MICRO),
    row("Lucid: but not against a correlated product", "opposite_here", DENY, LUCID, positions=SHORT_ES),
    # across the accounts of one trader
    row("short NQ in another account, scope account", "none", PASS, HERE, others=(make_other(),)),
    row("short NQ in another account", "opposite_elsewhere", DENY, TRADER, others=(make_other(),)),
    row("long NQ in another account", "none", PASS, TRADER, others=(make_other(1),)),
    row("short the micro in another account", "opposite_elsewhere", DENY, TRADER, others=(make_other(-1, MNQ),)),
    row("short ES in another account", "none", PASS, TRADER, others=(make_other(-1, ES),)),
    row("Apex: short ES in another account", "opposite_elsewhere", DENY, APEX, others=(make_other(-1, ES),)),
    row(
        "Lucid: the exception is for one account only", "opposite_elsewhere", DENY, LUCID,
        others=(make_other(-1, MNQ),),
    ),
    row("of several accounts the one against it", "opposite_elsewhere", DENY, TRADER,
        others=(make_other(1), make_other(-1, MES), make_other(-1, NQ))),
    row("here and elsewhere: here is named", "opposite_here", DENY, TRADER, positions=SHORT_MICRO,
        others=(make_other(),)),
]  # fmt: skip


@table(ROWS)
def test_nothing_in_the_same_market_stands_against_an_order(row: Row) -> None:
    judged(RULE, row)


def test_the_message_names_what_is_held_and_what_was_wished() -> None:
    finding = RULE.check(make_context(terms=make_terms(hedging=HERE), positions=SHORT_MICRO))
    assert explain(finding) == (
        "The account has short MNQ: a buy of NQ1! would stand against it, and the program prohibits that."
    )


def test_the_message_names_the_other_account() -> None:
    finding = RULE.check(make_context(terms=make_terms(hedging=TRADER), others=(make_other(),)))
    assert explain(finding) == (
        "Second 50K has short NQ: a buy of NQ1! would stand against it, and the program prohibits that "
        "across a trader's accounts."
    )


@pytest.mark.parametrize("group", sorted({one.group for one in BUILT_IN.values()}))
def test_products_of_one_group_are_correlated(group: str) -> None:
    """Any two underlyings of a group, long one and short the other; the alarm names the one held."""
    families = {one.family: one for one in BUILT_IN.values() if one.group == group}
    if len(families) > 1:
        own, other = list(families.values())[:2]
        ctx = make_context(terms=make_terms(hedging=APEX), instrument=own, others=(make_other(-1, other),))
        assert RULE.check(ctx).observed == other.symbol
