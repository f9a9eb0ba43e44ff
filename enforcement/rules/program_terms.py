"""The program's rules can be had, and limit losses: a program without rules blocks."""

from enforcement.context import OrderContext
from enforcement.decision import BreachType, Finding, Outcome

RULE = "program_terms"
MESSAGES = {
    "program_terms.known": "The program's rules are known and limit losses.",
    "program_terms.unavailable": "The program's rules can't be used: {why}.",
    "program_terms.no_loss_limit": "The program {program} has no loss limit: nothing bounds a loss, so nothing is sent.",
}


def check(ctx: OrderContext) -> Finding:
    """UNDETERMINED when the terms are unavailable or name no floor at all."""
    terms = ctx.terms
    if terms.unavailable is not None:
        return Finding(
            RULE,
            "program_terms.unavailable",
            Outcome.UNDETERMINED,
            BreachType.ERROR,
            facts={"why": terms.unavailable},
        )
    if not terms.floors:
        return Finding(
            RULE,
            "program_terms.no_loss_limit",
            Outcome.UNDETERMINED,
            BreachType.ERROR,
            facts={"program": f"{terms.firm}/{terms.number}"},
        )
    return Finding(RULE, "program_terms.known", Outcome.PASS, BreachType.ERROR, observed=len(terms.floors))
