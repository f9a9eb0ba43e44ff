"""Contracts over the whole account: minis, micros, products, tiers; the cap, one above, one tenth above."""

from decimal import Decimal
from typing import Any

import pytest

from enforcement.decision import Outcome
from enforcement.explain import explain
from enforcement.floors import Tier
from enforcement.orders import Side
from enforcement.program import ProductLimit, ScalingBasis
from enforcement.rules import RULES
from tests.enforcement.make import (
    CL,
    ES,
    GC,
    MES,
    MNQ,
    SI,
    SIL,
    Number,
    Row,
    judged,
    make_context,
    make_position,
    make_state,
    make_terms,
    make_tiers,
    make_working,
    table,
)

pytestmark = pytest.mark.core

RULE = next(rule for rule in RULES if rule.code == "max_contracts")
PASS, DENY, UNDETERMINED = Outcome.PASS, Outcome.DENY, Outcome.UNDETERMINED


def row(name: str, code: str, outcome: Outcome = PASS, cap: int | None = 5, **fields: Any) -> Row:
    ctx = make_context(terms=make_terms(max_contracts=cap), **fields)
    return Row(name, ctx, outcome, f"max_contracts.{code}", "contracts")


def own(name: str, code: str, quantity: int, *, minis: int = 10, micros: int = 50, **fields: Any) -> Row:
    """Minis and micros each with a cap of their own, and none over both."""
    terms = make_terms(max_contracts=None, max_minis=minis, max_micros=micros)
    ctx = make_context(terms=terms, quantity=quantity, **fields)
    outcome = PASS if code == "within" else DENY
    return Row(name, ctx, outcome, f"max_contracts.{code}", "contracts")


TOPSTEP = make_tiers((0, 2), (1500, 3), (2000, 5))  # contracts from a profit on
BULENOX = make_tiers((0, 2), (1500, 3), (2000, 5), above=True)  # 1,500 is still the first rung


def scaled(
    name: str, code: str, quantity: int, last_close: Number | None, *, tiers: tuple[Tier, ...] = TOPSTEP,
    state: dict[str, Any] | None = None, terms: dict[str, Any] | None = None,
) -> Row:  # fmt: skip
    """Tiers by the profit of the last close (a balance; the account began with 50,000)."""
    made = make_terms(**{"max_contracts": None, "tiers": tiers, **(terms or {})})
    anchors = {"last_close": last_close, "highest_close": last_close, **(state or {})}
    ctx = make_context(terms=made, quantity=quantity, state=make_state(50_000, **anchors))
    outcome = {"within": PASS, "tier_unknown": UNDETERMINED}.get(code, DENY)
    return Row(name, ctx, outcome, f"max_contracts.{code}", "contracts")


INTRADAY = {"scaling_basis": ScalingBasis.INTRADAY}
NEVER_FALLS = {"scaling_may_fall": False}


def limited(name: str, code: str, *limits: ProductLimit, cap: int | None = None, **fields: Any) -> Row:
    terms = make_terms(max_contracts=cap, product_limits=limits)
    ctx = make_context(terms=terms, **fields)
    outcome = PASS if code in ("within", "reduces") else DENY
    return Row(name, ctx, outcome, f"max_contracts.{code}", "contracts")


def cap_of(product: str, contracts: int) -> ProductLimit:
    return ProductLimit(product=product, max_contracts=Decimal(contracts))


def weighs(product: str, weight: str) -> ProductLimit:
    return ProductLimit(product=product, weight=Decimal(weight))


FOUR = (make_position(3), make_position(-1, instrument=ES))
LONG_5, SHORT_5 = (make_position(5),), (make_position(-5),)
SELL: dict[str, Any] = {"side": "sell", "stop_loss": 20_010}
ROWS = [
    row("no cap", "not_set", cap=None, quantity=1000),
    row("one contract of headroom", "within", quantity=4),
    row("reaches the cap exactly", "within", quantity=5),
    row("one contract too many", "over", DENY, quantity=6),
    row("fifty micros are five minis", "within", instrument=MNQ, quantity=50),
    row("one micro too many", "over", DENY, instrument=MNQ, quantity=51),
    row("four held, long and short, and one more", "within", positions=FOUR, quantity=1),
    row("four held and two more", "over", DENY, positions=FOUR, quantity=2),
    row("four held and eleven micros", "over", DENY, positions=FOUR, instrument=MNQ, quantity=11),
    row("approved but not yet filled counts", "over", DENY, working=(make_working(4),), quantity=2),
    row("held and working together", "over", DENY, positions=FOUR, working=(make_working(1),), quantity=1),
    row("a cap of zero", "over", DENY, cap=0, quantity=1),
    row("no usable size", "size_unknown", UNDETERMINED, quantity=None),
    row("no known instrument", "size_unknown", UNDETERMINED, instrument=None),
    row("an exit far over the cap", "reduces", reduces=True, quantity=100, positions=(make_position(100),)),
    # positions of one symbol net: a stop-and-reverse is judged by what is left after it
    row("long 5, sell 10: short 5 after it", "within", positions=LONG_5, quantity=10, **SELL),
    row("long 5, sell 11: short 6 after it", "over", DENY, positions=LONG_5, quantity=11, **SELL),
    row("short 5, buy 10: long 5 after it", "within", positions=SHORT_5, quantity=10),
    row("the micro doesn't net the mini", "over", DENY, positions=LONG_5, instrument=MNQ, quantity=1, **SELL),
    row(
        "a working order may not net a position: it might fill first", "over", DENY, positions=LONG_5,
        working=(make_working(1, side=Side.SELL),), quantity=1,
    ),
    # what only brings a position nearer to zero is never over a cap
    row("long 9 of 5 after a smaller cap, sell 1", "within", positions=(make_position(9),), quantity=1, **SELL),
    row("long 9 of 5, sell all 9", "within", positions=(make_position(9),), quantity=9, **SELL),
    row("long 9 of 5, sell 15: short 6", "over", DENY, positions=(make_position(9),), quantity=15, **SELL),
    row("long 9 of 5, buy 1", "over", DENY, positions=(make_position(9),), quantity=1),
    row(
        "sells of 10 already working against a long of 5 leave nothing to reduce", "over", DENY,
        positions=LONG_5, working=(make_working(10, side=Side.SELL),), quantity=5, **SELL,
    ),
    # minis and micros, each with its own cap (10/50 and 15/50 exist)
    own("10 of 10 minis", "within", 10),
    own("11 of 10 minis", "over_minis", 11),
    own("50 of 50 micros", "within", 50, instrument=MNQ),
    own("51 of 50 micros", "over_micros", 51, instrument=MNQ),
    own("15 of 15 minis", "within", 15, minis=15),
    own("16 of 15 minis", "over_minis", 16, minis=15),
    own("both caps full at once", "within", 50, instrument=MNQ, positions=(make_position(10),)),
    own("micros of two products together", "over_micros", 1, instrument=MNQ,
        positions=(make_position(30, instrument=MES), make_position(20, instrument=MNQ))),
    own("a sell nets the micros held", "within", 20, instrument=MNQ, positions=(make_position(-20, instrument=MNQ),)),
    own("no micros at all", "over_micros", 1, micros=0, instrument=MNQ),
    own("minis only reduced", "within", 1, minis=5, positions=(make_position(9),), **SELL),
    Row(
        "minis within their cap, but over the cap of both together",
        make_context(terms=make_terms(max_contracts=10, max_minis=10, max_micros=50), quantity=6,
                     positions=(make_position(41, instrument=MNQ),)),
        DENY, "max_contracts.over", "contracts",
    ),
    # tiers by the profit of the last close
    scaled("Topstep: 2 on day one", "within", 2, 50_000),
    scaled("Topstep: 3 on day one", "over_tier", 3, 50_000),
    scaled("the first tier covers losses", "within", 2, 48_500),
    scaled("and allows no more", "over_tier", 3, 48_500),
    scaled("a cent under 1,500", "over_tier", 3, "51499.99"),
    scaled("from 1,500: reached", "within", 3, 51_500),
    scaled("from 1,500: not yet the third", "over_tier", 4, 51_500),
    scaled("2,000: the third", "within", 5, 52_000),
    scaled("the third is the last", "over_tier", 6, 60_000),
    scaled("Bulenox: 1,500 is still the first rung", "over_tier", 3, 51_500, tiers=BULENOX),
    scaled("Bulenox: 1,501 is the second", "within", 3, 51_501, tiers=BULENOX),
    scaled("the last close was not seen", "tier_unknown", 1, None),
    scaled("nor does intraday profit raise it", "over_tier", 3, 50_000, state={"balance": 52_000}),
    scaled("intraday basis: it does", "within", 5, 50_000, state={"balance": 52_000}, terms=INTRADAY),
    scaled("intraday basis: a loss lowers it at once", "over_tier", 3, 52_000, state={"balance": 50_500}, terms=INTRADAY),
    scaled("intraday basis: the last close doesn't matter", "within", 5, None, state={"balance": 52_000}, terms=INTRADAY),
    scaled("it falls again after a losing close", "over_tier", 3, 50_500, state={"highest_close": 52_000}),
    scaled("where it may not fall it stays", "within", 5, 50_500, state={"highest_close": 52_000}, terms=NEVER_FALLS),
    scaled(
        "where it may not fall, and the highest close is not known", "tier_unknown", 1, 50_500,
        state={"highest_close": None}, terms=NEVER_FALLS,
    ),
    scaled("a cap under the tier holds", "over", 4, 52_000, terms={"max_contracts": 3}),
    scaled("a cap over the tier doesn't", "over_tier", 3, 50_000, terms={"max_contracts": 10}),
    scaled(
        "an account that starts at 0", "within", 3, 1500, state={"balance": 1500}, terms={"starting_balance": 0}
    ),
    Row(
        "nothing is known of the account",
        make_context(state=None, terms=make_terms(max_contracts=None, tiers=TOPSTEP)),
        UNDETERMINED, "max_contracts.tier_unknown", "contracts",
    ),
    # products (Topstep: crude 3, silver none at all)
    limited("3 of 3 crude", "within", cap_of("CL", 3), instrument=CL, quantity=3),
    limited("4 of 3 crude", "over_product", cap_of("CL", 3), instrument=CL, quantity=4),
    limited("no silver", "over_product", cap_of("SI", 0), instrument=SI, quantity=1),
    limited("other products have no cap", "within", cap_of("SI", 0), instrument=GC, quantity=9),
    limited("silver is left with an exit", "reduces", cap_of("SI", 0), instrument=SI, quantity=1, reduces=True),
    limited(
        "silver held is only reduced", "within", cap_of("SI", 0), instrument=SI, quantity=1,
        positions=(make_position(2, instrument=SI, price=30, stop=29),), **SELL,
    ),
    limited(
        "a group's products together", "over_product", cap_of("metals", 3), instrument=GC, quantity=2,
        positions=(make_position(2, instrument=SI, price=30, stop=29),),
    ),
    limited(
        "a group's cap is not another group's", "within", cap_of("metals", 3), quantity=9,
        positions=(make_position(2, instrument=SI, price=30, stop=29),),
    ),
    # weights of the firm's own (Topstep counts SIL 5:1, older pages a micro as a full contract)
    limited("50 SIL at 0.1 are 5 minis", "within", cap=5, instrument=SIL, quantity=50),
    limited("25 SIL at 0.2 are 5 minis", "within", weighs("SIL", "0.2"), cap=5, instrument=SIL, quantity=25),
    limited("26 SIL at 0.2 are more", "over", weighs("SIL", "0.2"), cap=5, instrument=SIL, quantity=26),
    limited("a group's weight", "over", weighs("metals", "0.2"), cap=5, instrument=SIL, quantity=26),
    limited(
        "the symbol's weight comes before its group's", "within", weighs("metals", "1"), weighs("SIL", "0.1"),
        cap=5, instrument=SIL, quantity=50,
    ),
    Row(
        "a micro counts as a full contract", make_context(
            terms=make_terms(max_contracts=5, micro_weight=1), instrument=MNQ, quantity=6
        ), DENY, "max_contracts.over", "contracts",
    ),
    Row(
        "minis weigh what they weigh", make_context(terms=make_terms(max_contracts=5, micro_weight=1), quantity=5),
        PASS, "max_contracts.within", "contracts",
    ),
]  # fmt: skip


@table(ROWS)
def test_beyond_the_cap_is_refused_at_it_is_not(row: Row) -> None:
    judged(RULE, row)


def said_of(name: str) -> str:
    return explain(RULE.check(next(row.ctx for row in ROWS if row.id == name)))


def test_the_finding_gives_what_would_be_held_and_what_is_left() -> None:
    finding = RULE.check(make_context(terms=make_terms(max_contracts=5), positions=FOUR, quantity=2))
    assert (finding.observed, finding.limit, finding.room) == (Decimal(6), Decimal(5), Decimal(1))
    assert explain(finding) == (
        "This order would make 6 contracts (in minis), the limit is 5: 4 are held or working, so 1 are left."
    )


def test_room_is_never_below_zero() -> None:
    finding = RULE.check(make_context(terms=make_terms(max_contracts=3), positions=FOUR, quantity=1))
    assert finding.room == 0


def test_the_message_of_a_tier_names_the_profit_that_makes_it() -> None:
    assert said_of("from 1,500: not yet the third") == (
        "This order would make 4 contracts (in minis), at a profit of $1,500.00 the limit is 3: "
        "0 are held or working, so 3 are left."
    )


def test_the_messages_of_own_caps_name_the_kind() -> None:
    assert (
        said_of("11 of 10 minis")
        == "This order would make 11 contracts of full size, the limit is 10: 10 are left."
    )
    assert said_of("51 of 50 micros") == "This order would make 51 micros, the limit is 50: 50 are left."
    assert (
        said_of("4 of 3 crude")
        == "This order would make 4 contracts of CL, the program allows 3: 3 are left."
    )
