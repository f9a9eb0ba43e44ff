"""No opposite positions in one market, in the account or across its owner's accounts."""

from collections.abc import Iterator

from enforcement.context import OrderContext
from enforcement.decision import BreachType, Finding, Outcome
from enforcement.instruments import Instrument
from enforcement.program import HedgeBy, HedgeScope, HedgingRule

RULE = "hedging"
MESSAGES = {
    "hedging.not_set": "The program says nothing about opposite positions.",
    "hedging.reduces": "An exit opens nothing.",
    "hedging.none": "Nothing in the same market stands against this order.",
    "hedging.opposite_here": "The account has {other} {observed}: a {side} of {symbol} would stand against it, and the program prohibits that.",
    "hedging.opposite_elsewhere": "{account} has {other} {observed}: a {side} of {symbol} would stand against it, and the program prohibits that across a trader's accounts.",
}
_NOT_SET = Finding(RULE, "hedging.not_set", Outcome.PASS, BreachType.HEDGING)


def check(ctx: OrderContext) -> Finding:
    """Refuses an order against a position or a working order in the same market.

    In one account positions of one symbol net (futures), so an opposite order in the symbol itself is no
    hedge there; on spot venues it is one. An unknown symbol stands for its own market.
    """
    rule, intent = ctx.terms.hedging, ctx.intent
    if rule is None:
        return _NOT_SET
    if intent.reduces:
        return Finding(RULE, "hedging.reduces", Outcome.PASS, BreachType.HEDGING)
    own = intent.instrument
    if own is None:
        return Finding(RULE, "hedging.none", Outcome.PASS, BreachType.HEDGING)
    for symbol, sign in _opposite_here(ctx, rule, own):
        return _found(ctx, "opposite_here", symbol, sign)
    if rule.scope is HedgeScope.TRADER:
        for other in ctx.others:
            if other.sign == -intent.side.sign and _is_same(
                rule, own, other.symbol, other.family, other.group
            ):
                return _found(ctx, "opposite_elsewhere", other.symbol, other.sign, other.account)
    return Finding(RULE, "hedging.none", Outcome.PASS, BreachType.HEDGING)


def _opposite_here(ctx: OrderContext, rule: HedgingRule, own: Instrument) -> Iterator[tuple[str, int]]:
    against = -ctx.intent.side.sign
    held = [(p.instrument, 1 if p.quantity > 0 else -1) for p in ctx.positions]
    held += [(order.instrument, order.side.sign) for order in ctx.working]
    for other, sign in held:
        if sign != against or not _is_same(rule, own, other.symbol, other.family, other.group):
            continue
        nets = other.symbol == own.symbol and own.exchange != ""
        same_product = other.family == own.family and rule.same_product_inside
        if not nets and not same_product:
            yield other.symbol, sign


def _is_same(rule: HedgingRule, own: Instrument, symbol: str, family: str, group: str) -> bool:
    """Whether both are one market: listed together, or alike by what the rule goes by."""
    if any(own.symbol in listed and symbol in listed for listed in rule.groups):
        return True
    if rule.by is HedgeBy.CORRELATED:
        return own.group == group and own.group != "other" if family != own.family else True
    return own.symbol == symbol if rule.by is HedgeBy.SYMBOL else own.family == family


def _found(ctx: OrderContext, code: str, symbol: str, sign: int, account: str | None = None) -> Finding:
    return Finding(
        RULE, f"{RULE}.{code}", Outcome.DENY, BreachType.HEDGING, observed=symbol,
        facts={
            "account": account, "other": "long" if sign > 0 else "short", "side": ctx.intent.side.value,
            "symbol": ctx.intent.symbol,
        },
    )  # fmt: skip
