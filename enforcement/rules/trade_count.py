"""Discipline: trades in a day, losses in a row, a pause after a loss, enough won for today."""

from datetime import timedelta

from enforcement.context import OrderContext
from enforcement.decision import FIRM, OWNER, BreachType, Fact, Finding, Outcome

RULE = "trade_count"
MESSAGES = {
    "trade_count.not_set": "Nothing limits the number of trades.",
    "trade_count.reduces": "An exit opens no trade.",
    "trade_count.within": "Trades, losses and profit of the day are within what is allowed.",
    "trade_count.unknown": "Nothing is known of the account's trades today.",
    "trade_count.trades": "{observed} trades were opened today, {limit} are allowed.",
    "trade_count.losses": "The last {observed} trades lost; after {limit} in a row you want to stop for the day.",
    "trade_count.cooling_off": "The last loss was {observed} minutes ago; you want to wait {limit} minutes.",
    "trade_count.profit_locked": "Today's profit is {observed:money}; from {limit:money} on you want to keep it.",
    "trade_count.day_unknown": "Today's profit is not known: the day's opening balance wasn't seen.",
}
ONE_MINUTE = timedelta(minutes=1)
_NOT_SET = Finding(RULE, "trade_count.not_set", Outcome.PASS, BreachType.RATE)


def check(ctx: OrderContext) -> Finding:
    """Refuses the entry that would be one too many; trades by the firm or the owner, the rest by the
    owner. At the end of a cool-off it passes; a profit exactly at the lock stops."""
    terms, state = ctx.terms, ctx.state
    limits = (terms.max_trades_per_day, terms.max_losses_in_a_row, terms.cool_off_minutes, terms.profit_lock)
    if limits == (None, None, None, None):
        return _NOT_SET
    if ctx.intent.reduces:
        return Finding(RULE, "trade_count.reduces", Outcome.PASS, BreachType.RATE)
    if state is None:
        return _finding("unknown", None, None, FIRM, Outcome.UNDETERMINED)
    trades, losses, cool_off, profit_lock = limits
    if trades is not None and state.trades_today + len(ctx.working) >= trades:
        return _finding("trades", state.trades_today + len(ctx.working), trades, FIRM)
    lost_today = state.last_loss_at is not None and terms.day.day_of(state.last_loss_at) == state.trading_day
    if losses is not None and lost_today and state.losses_in_a_row >= losses:
        return _finding("losses", state.losses_in_a_row, losses, OWNER)
    if cool_off is not None and state.last_loss_at is not None:
        since = ctx.now - state.last_loss_at
        if since < cool_off * ONE_MINUTE:
            return _finding("cooling_off", since // ONE_MINUTE, cool_off, OWNER)
    if profit_lock is not None:
        if state.day_start_balance is None:
            return _finding("day_unknown", None, None, OWNER, Outcome.UNDETERMINED)
        if state.equity - state.day_start_balance >= profit_lock:
            return _finding("profit_locked", state.equity - state.day_start_balance, profit_lock, OWNER)
    return Finding(RULE, "trade_count.within", Outcome.PASS, BreachType.RATE)


def _finding(code: str, observed: Fact, limit: Fact, by: str, outcome: Outcome = Outcome.DENY) -> Finding:
    return Finding(RULE, f"{RULE}.{code}", outcome, BreachType.RATE, observed=observed, limit=limit, by=by)
