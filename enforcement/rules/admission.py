"""Nothing stands against the order before the rules look at it: switches, exits, orders in doubt, clocks."""

from enforcement.context import OrderContext
from enforcement.decision import GUARD, BreachType, Finding, Outcome

RULE = "admission"
MESSAGES = {
    "admission.open": "Source, route and account are switched on, and no exit is in the way.",
    "admission.source_disabled": "The signal's source is switched off.",
    "admission.route_disabled": "The route from the source to this account is switched off.",
    "admission.account_disabled": "The account is switched off.",
    "admission.superseded": "A later exit of this position has overtaken the entry: it is not sent any more.",
    "admission.exit_pending": "An exit of this position was still being worked when the entry's time was over.",
    "admission.order_in_doubt": "Nobody knows yet what became of an earlier entry of this account: no new one "
    "before that.",
    "admission.not_reconciled": "The account's books and its venue have not been compared within the last minute, "
    "or differ.",
    "admission.clock": "The clock can't be right: it was set back, or this machine's and the database's differ.",
}
_OPEN = Finding(RULE, "admission.open", Outcome.PASS, BreachType.ROUTING, by=GUARD)


def check(ctx: OrderContext) -> Finding:
    """Refuses what the router found in the way; the codes say what."""
    if ctx.obstacle is None:
        return _OPEN
    is_exit = ctx.obstacle in ("admission.superseded", "admission.exit_pending")
    return Finding(
        RULE,
        ctx.obstacle,
        Outcome.DENY,
        BreachType.EXIT_PENDING if is_exit else BreachType.ROUTING,
        by=GUARD,
    )
