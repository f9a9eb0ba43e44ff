"""The firm allows orders that no person has confirmed."""

from enforcement.context import OrderContext
from enforcement.decision import BreachType, Finding, Outcome
from enforcement.program import Automation

RULE = "automation_policy"
MESSAGES = {
    "automation_policy.allowed": "The program allows automated orders.",
    "automation_policy.by_hand": "The order was typed by a person: automation does not concern it.",
    "automation_policy.not_live": "Live, this order would be refused: {reason}. On paper and in dry-run it is only a warning.",
    "automation_policy.forbidden": "Refused: {reason}.",
}
_REASONS = {
    Automation.CONFIRM_BY_HAND: "the program wants every order confirmed by a person",
    Automation.ADVISE_ONLY: "the program allows signals as advice only",
    Automation.PROHIBITED: "the program prohibits automated orders",
}


def check(ctx: OrderContext) -> Finding:
    """Refuses a live automated order where the program's policy is stricter than automation.

    Paper and dry-run accounts are warned, so that rules can be tried.
    """
    policy = ctx.terms.automation
    if not ctx.intent.automated:
        return Finding(RULE, "automation_policy.by_hand", Outcome.PASS, BreachType.AUTOMATION)
    if policy not in _REASONS:
        return Finding(
            RULE, "automation_policy.allowed", Outcome.PASS, BreachType.AUTOMATION, observed=policy.value
        )
    return Finding(
        RULE,
        "automation_policy.forbidden" if ctx.live else "automation_policy.not_live",
        Outcome.DENY if ctx.live else Outcome.WARN,
        BreachType.AUTOMATION,
        observed=policy.value,
        facts={"reason": _REASONS[policy]},
    )
