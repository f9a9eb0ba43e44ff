"""What an entry means for the payout: the target, and the best day's share. Never blocks."""

from decimal import Decimal

from enforcement.context import OrderContext
from enforcement.decision import BreachType, Finding, Outcome
from enforcement.floors import Boundary

RULE = "payout_progress"
ZERO = Decimal(0)
MESSAGES = {
    "payout_progress.not_set": "The program has no target and no consistency rule.",
    "payout_progress.on_the_way": "Neither the target nor the best day's share stands against another trade.",
    "payout_progress.target_reached": "The profit of {observed:money} has reached the target of {limit:money}: another trade can only lose it.",
    "payout_progress.best_day": "Today's profit of {observed:money} is more than {share:percent} of the {limit:money} needed: it raises what has to be earned.",
}
_NOT_SET = Finding(RULE, "payout_progress.not_set", Outcome.PASS, BreachType.CONSISTENCY)


def check(ctx: OrderContext) -> Finding:
    """Warns when the balance has reached the target, and when today's profit is beyond the consistency
    share of the target (or of the profit, once that is larger)."""
    terms, state = ctx.terms.progress, ctx.state
    target, rule = terms.profit_target, terms.consistency
    if (target is None and rule is None) or state is None or ctx.intent.reduces:
        return _NOT_SET
    profit = state.balance - ctx.terms.starting_balance
    if target is not None and profit >= target:
        return Finding(
            RULE, "payout_progress.target_reached", Outcome.WARN, BreachType.CONSISTENCY,
            observed=profit, limit=target,
        )  # fmt: skip
    if rule is not None and state.day_start_balance is not None:
        today, whole = state.balance - state.day_start_balance, max(target or ZERO, profit)
        most = rule.share * whole
        beyond = today > most if rule.passes is Boundary.AT else today >= most
        if today > 0 and beyond:
            return Finding(
                RULE, "payout_progress.best_day", Outcome.WARN, BreachType.CONSISTENCY,
                observed=today, limit=whole, facts={"share": rule.share},
            )  # fmt: skip
    return Finding(RULE, "payout_progress.on_the_way", Outcome.PASS, BreachType.CONSISTENCY)
