"""The firm allows orders that no person has confirmed, from where PropGuard runs."""

from enforcement.context import OrderContext
from enforcement.decision import BreachType, Finding, Outcome
from enforcement.program import Automation, Deployment

RULE = "automation_policy"
MESSAGES = {
    "automation_policy.allowed": "The program allows automated orders.",
    "automation_policy.by_hand": "The order was typed by a person: automation does not concern it.",
    "automation_policy.own_device": "The program allows automated orders from your own device, which this is.",
    "automation_policy.confirm": "The program wants a person to confirm the order before it is sent.",
    "automation_policy.advise": "The program allows signals as advice only: nothing is sent.",
    "automation_policy.not_live": "Live, this order would not be sent: {reason}. On paper and in dry-run it is only a warning.",
    "automation_policy.forbidden": "Refused: {reason}.",
}
_PROHIBITED = "the program prohibits automated orders"
_SERVER = "the program allows automated orders from your own device only, and this is a server"
_UNKNOWN = (
    "the program allows automated orders from your own device only; say PROPGUARD_DEPLOYMENT=own_device if "
    "this is one"
)


def check(ctx: OrderContext) -> Finding:
    """Refuses a live automated order where the program prohibits it, or prohibits it from a server.

    A deployment nobody has named counts as a server. *Confirm by hand* and *advise only* pass the rules
    with a warning; what is done with such an order is the decision's `handling`. Paper and dry-run
    accounts are warned, so that rules can be tried.
    """
    policy = ctx.terms.automation
    if not ctx.intent.automated:
        return _finding("by_hand", Outcome.PASS, policy)
    if policy is Automation.AUTO:
        return _finding("allowed", Outcome.PASS, policy)
    if policy is Automation.OWN_DEVICE and ctx.deployment is Deployment.OWN_DEVICE:
        return _finding("own_device", Outcome.PASS, policy)
    if ctx.live and policy is Automation.CONFIRM_BY_HAND:
        return _finding("confirm", Outcome.WARN, policy)
    if ctx.live and policy is Automation.ADVISE_ONLY:
        return _finding("advise", Outcome.WARN, policy)
    reason = _reason(policy, ctx.deployment)
    if ctx.live:
        return _finding("forbidden", Outcome.DENY, policy, reason)
    return _finding("not_live", Outcome.WARN, policy, reason)


def _reason(policy: Automation, deployment: Deployment | None) -> str:
    if policy is Automation.PROHIBITED:
        return _PROHIBITED
    if policy is Automation.CONFIRM_BY_HAND:
        return "the program wants every order confirmed by a person"
    if policy is Automation.ADVISE_ONLY:
        return "the program allows signals as advice only"
    return _UNKNOWN if deployment is None else _SERVER


def _finding(code: str, outcome: Outcome, policy: Automation, reason: str | None = None) -> Finding:
    facts = {} if reason is None else {"reason": reason}
    return Finding(RULE, f"{RULE}.{code}", outcome, BreachType.AUTOMATION, observed=policy.value, facts=facts)
