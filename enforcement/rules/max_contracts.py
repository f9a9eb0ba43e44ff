"""Contracts held, working and wished for stay within the program's caps, over the whole account."""

from collections.abc import Sequence
from decimal import Decimal

from enforcement.context import AccountContext, OrderContext
from enforcement.decision import BreachType, Finding, Outcome
from enforcement.exposure import Held, contracts_held, mini_equivalents
from enforcement.floors import tier_value
from enforcement.instruments import Instrument
from enforcement.orders import OrderIntent
from enforcement.program import ScalingBasis
from enforcement.replay import decimal_text

RULE = "max_contracts"
ZERO = Decimal(0)
MESSAGES = {
    "max_contracts.not_set": "The program has no contract limit.",
    "max_contracts.reduces": "An exit only reduces contracts.",
    "max_contracts.size_unknown": "Without a size and a known instrument the contract limit can't be checked.",
    "max_contracts.tier_unknown": "The contract limit follows the profit of the last close, which is not known.",
    "max_contracts.within": "{observed}{of} contracts after this order (in minis).",
    "max_contracts.over": "This order would make {observed} contracts (in minis), the limit is {limit}: {held} are held or working, so {room} are left.",
    "max_contracts.over_tier": "This order would make {observed} contracts (in minis), at a profit of {profit:money} the limit is {limit}: {held} are held or working, so {room} are left.",
    "max_contracts.over_minis": "This order would make {observed} contracts of full size, the limit is {limit}: {room} are left.",
    "max_contracts.over_micros": "This order would make {observed} micros, the limit is {limit}: {room} are left.",
    "max_contracts.over_product": "This order would make {observed} contracts of {product}, the program allows {limit}: {room} are left.",
}


def check(ctx: OrderContext) -> Finding:
    """Refuses beyond a cap; exactly at it passes.

    Minis and micros each have their own cap, a product may have one; then the mini equivalents count, a
    micro by its weight, against the cap or the tier that the account's profit has reached. What only
    brings a position nearer to zero is never over a cap.
    """
    terms, intent = ctx.terms, ctx.intent
    caps = (terms.max_contracts, terms.max_minis, terms.max_micros)
    if caps == (None, None, None) and not terms.tiers and not terms.product_limits:
        return Finding(RULE, "max_contracts.not_set", Outcome.PASS, BreachType.CONTRACTS)
    if intent.reduces:
        return Finding(RULE, "max_contracts.reduces", Outcome.PASS, BreachType.CONTRACTS)
    if intent.instrument is None or intent.quantity is None:
        return Finding(RULE, "max_contracts.size_unknown", Outcome.UNDETERMINED, BreachType.CONTRACTS)
    after = contracts_held(ctx.positions, ctx.working, intent)
    own_cap = _over_own_cap(ctx, after)
    if own_cap is not None and not _only_reduces(ctx, intent.instrument):
        return own_cap
    cap, profit = cap_now(ctx)
    if cap is None and terms.tiers:
        return Finding(RULE, "max_contracts.tier_unknown", Outcome.UNDETERMINED, BreachType.CONTRACTS)
    total, held = mini_equivalents(after, terms), ZERO
    if ctx.positions or ctx.working:
        held = mini_equivalents(contracts_held(ctx.positions, ctx.working), terms)
    over = cap is not None and total > cap and not _only_reduces(ctx, intent.instrument)
    code = "within"
    if over:
        code = "over" if profit is None else "over_tier"
    return Finding(
        RULE,
        f"max_contracts.{code}",
        Outcome.DENY if over else Outcome.PASS,
        BreachType.CONTRACTS,
        observed=total,
        limit=cap,
        room=None if cap is None else max(cap - held, ZERO),
        facts={"held": held, "profit": profit, "of": "" if cap is None else f" of {decimal_text(cap)}"},
    )


def cap_now(ctx: AccountContext) -> tuple[Decimal | None, Decimal | None]:
    """The cap in mini equivalents in force, and the profit whose tier makes it (None: no tier does).

    None for both where there is no cap, or where the tier can't be known.
    """
    terms = ctx.terms
    if not terms.tiers:
        return terms.max_contracts, None
    profit = _profit(ctx)
    if profit is None:
        return None, None
    tier = tier_value(terms.tiers, profit)
    if terms.max_contracts is not None and terms.max_contracts < tier:
        return terms.max_contracts, None
    return tier, profit


def contracts_after(ctx: AccountContext, intent: OrderIntent) -> Decimal:
    """Mini equivalents over the whole account after an order."""
    return mini_equivalents(contracts_held(ctx.positions, ctx.working, intent), ctx.terms)


def _profit(ctx: AccountContext) -> Decimal | None:
    state, start = ctx.state, ctx.terms.starting_balance
    if state is None:
        return None
    if ctx.terms.scaling_basis is ScalingBasis.INTRADAY:
        return state.balance - start
    if state.last_close is None:
        return None
    if ctx.terms.scaling_may_fall:
        return state.last_close - start
    return None if state.highest_close is None else max(state.highest_close, state.last_close) - start


def _only_reduces(ctx: OrderContext, instrument: Instrument) -> bool:
    """Whether the order can only bring the position nearer to zero, working ones like it filled first."""
    intent, symbol = ctx.intent, instrument.symbol
    held = sum((p.quantity for p in ctx.positions if p.instrument.symbol == symbol), ZERO)
    if held * intent.side.sign >= 0:
        return False
    alike = (o for o in ctx.working if o.instrument.symbol == symbol and o.side is intent.side)
    return (intent.quantity or ZERO) + sum((o.quantity for o in alike), ZERO) <= abs(held)


def _over_own_cap(ctx: OrderContext, after: Sequence[Held]) -> Finding | None:
    """The cap of minis, of micros or of a product that this order's own kind breaks."""
    terms, own = ctx.terms, ctx.intent.instrument
    if own is None:
        return None
    is_micro = own.weight < 1
    cap = terms.max_micros if is_micro else terms.max_minis
    if cap is not None:
        total = sum((q for one, q in after if (one.weight < 1) is is_micro), ZERO)
        if total > cap:
            return _over(ctx, "over_micros" if is_micro else "over_minis", total, cap)
    for limit in terms.product_limits:
        if limit.max_contracts is not None and limit.product in (own.symbol, own.group):
            total = sum((q for one, q in after if limit.product in (one.symbol, one.group)), ZERO)
            if total > limit.max_contracts:
                return _over(ctx, "over_product", total, limit.max_contracts, limit.product)
    return None


def _over(ctx: OrderContext, code: str, total: Decimal, cap: Decimal, product: str | None = None) -> Finding:
    held = total - (ctx.intent.quantity or ZERO)
    return Finding(
        RULE, f"max_contracts.{code}", Outcome.DENY, BreachType.CONTRACTS, observed=total, limit=cap,
        room=max(cap - held, ZERO), facts={"product": product},
    )  # fmt: skip
