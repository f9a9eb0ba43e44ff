"""The same order is not sent twice within a short while."""

from datetime import timedelta

from enforcement.context import OrderContext
from enforcement.decision import GUARD, BreachType, Finding, Outcome

RULE = "duplicate_order"
MESSAGES = {
    "duplicate_order.none": "No order like this one was approved a moment ago.",
    "duplicate_order.repeated": "The same order was approved {observed} s ago: within {limit} s it counts as a copy. An id in the alert says that it isn't.",
}
ONE_SECOND = timedelta(seconds=1)
_NONE = Finding(RULE, "duplicate_order.none", Outcome.PASS, BreachType.RATE, by=GUARD)


def check(ctx: OrderContext) -> Finding:
    """Refuses an entry like one approved within the guard's window: market, side, prices, stop and target,
    whatever the size (a copy may be sized by another route).

    A copy of one alert is recognised when it comes in; this catches the same order by another way (two
    charts, two sources). Two alerts that both carry ids of their own are two orders. At the window's end
    it passes.
    """
    window = timedelta(seconds=ctx.guard.duplicate_window_seconds)
    intent = ctx.intent
    if not intent.reduces and intent.instrument is not None:
        for entry in ctx.activity.entries:
            age = ctx.now - entry.at
            if age < window and not (entry.is_own and intent.has_own_id):
                wished = (
                    intent.instrument.family,
                    intent.side,
                    intent.entry_price,
                    intent.stop_loss,
                    intent.target,
                )
                if wished == (entry.family, entry.side, entry.entry_price, entry.stop_loss, entry.target):
                    return Finding(
                        RULE, "duplicate_order.repeated", Outcome.DENY, BreachType.RATE,
                        observed=max(age // ONE_SECOND, 0), limit=ctx.guard.duplicate_window_seconds, by=GUARD,
                    )  # fmt: skip
    return _NONE
