"""The size that would have passed."""

from collections.abc import Iterable
from decimal import Decimal

from enforcement.context import OrderContext
from enforcement.decision import Finding
from enforcement.rules import Rule

NOTHING = Decimal(0)


def largest_that_passes(ctx: OrderContext, findings: Iterable[Finding], rules: Iterable[Rule]) -> Decimal:
    """The largest quantity up to the wished one that every rule lets through; 0 where none does.

    Only rules that look at the size are asked again: where another one blocks, no size helps. Adding
    contracts never turns a refusal into an approval, so a binary search over the steps is exact.
    """
    intent = ctx.intent
    sized = [rule for rule in rules if rule.sized]
    codes = {rule.code for rule in sized}
    if any(finding.outcome.blocks and finding.rule not in codes for finding in findings):
        return NOTHING
    if intent.instrument is None or intent.quantity is None:
        return NOTHING
    step = intent.instrument.step

    def passes(steps: int) -> bool:
        smaller = ctx.resized(steps * step)
        return not any(rule.check(smaller).outcome.blocks for rule in sized)

    low, high = 0, int(intent.quantity / step)  # low passes (nothing is sent), high is refused
    try:
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if passes(middle) else (low, middle)
    except Exception:  # noqa: BLE001 - a rule that fails lets nothing through
        return NOTHING
    return low * step
