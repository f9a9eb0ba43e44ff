"""Contracts held, working and wished for stay within the program's cap, over the whole account."""

from enforcement.context import OrderContext
from enforcement.decision import BreachType, Finding, Outcome
from enforcement.exposure import mini_equivalents

RULE = "max_contracts"
MESSAGES = {
    "max_contracts.not_set": "The program has no contract limit.",
    "max_contracts.reduces": "An exit only reduces contracts.",
    "max_contracts.size_unknown": "Without a size the contract limit of {limit} can't be checked.",
    "max_contracts.within": "{observed} of {limit} contracts after this order (in minis).",
    "max_contracts.over": "This order would make {observed} contracts (in minis), the limit is {limit}: {held} are held or working, so {room} are left.",
}


def check(ctx: OrderContext) -> Finding:
    """Refuses beyond the cap; exactly at it passes. In mini equivalents: a micro counts its weight."""
    cap = ctx.terms.max_contracts
    if cap is None:
        return Finding(RULE, "max_contracts.not_set", Outcome.PASS, BreachType.CONTRACTS)
    intent = ctx.intent
    if intent.reduces:
        return Finding(RULE, "max_contracts.reduces", Outcome.PASS, BreachType.CONTRACTS, limit=cap)
    if intent.instrument is None or intent.quantity is None:
        return Finding(
            RULE, "max_contracts.size_unknown", Outcome.UNDETERMINED, BreachType.CONTRACTS, limit=cap
        )
    held = mini_equivalents(ctx.positions, ctx.working)
    after = held + intent.quantity * intent.instrument.weight
    over = after > cap
    return Finding(
        RULE,
        "max_contracts.over" if over else "max_contracts.within",
        Outcome.DENY if over else Outcome.PASS,
        BreachType.CONTRACTS,
        observed=after,
        limit=cap,
        room=max(cap - held, cap * 0),
        facts={"held": held},
    )
