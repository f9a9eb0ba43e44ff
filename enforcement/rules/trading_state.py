"""The account may trade at all: not failed, not locked for the day, not paused or killed."""

from enforcement.context import OpenFlag, OrderContext
from enforcement.decision import BreachType, Finding, Outcome

RULE = "trading_state"
MESSAGES = {
    "trading_state.active": "Trading is allowed: nothing is paused, locked or killed.",
    "trading_state.paused": "The {scope} is paused ({cause}).",
    "trading_state.killed": "The kill switch is on for the {scope} ({cause}).",
    "trading_state.day_locked": "The account is locked until its next trading day ({cause}).",
    "trading_state.failed": "The account has failed: {cause}.",
    "trading_state.flagged": "The {scope} has the open flag {key} ({cause}).",
}
_CODES = {
    "failed": "trading_state.failed",
    "day_lock": "trading_state.day_locked",
    "kill": "trading_state.killed",
    "paused": "trading_state.paused",
}
_WORST_FIRST = tuple(_CODES)
_ACTIVE = Finding(RULE, "trading_state.active", Outcome.PASS, BreachType.PAUSED)


def check(ctx: OrderContext) -> Finding:
    """Refuses while any flag is open on the account, its program, its firm or the platform.

    A failed account answers with the limit that ended it (the flag's cause), a day lock with
    `daily_loss`, every other flag with `paused`. A flag nobody knows the meaning of blocks as well.
    """
    if not ctx.flags:
        return _ACTIVE
    flag = min(ctx.flags, key=_severity)
    return Finding(
        RULE,
        _CODES.get(flag.key, "trading_state.flagged"),
        Outcome.DENY,
        _breach_type(flag),
        observed=flag.key,
        facts={"scope": flag.scope, "cause": flag.why or flag.cause, "key": flag.key},
    )


def _severity(flag: OpenFlag) -> int:
    return _WORST_FIRST.index(flag.key) if flag.key in _CODES else len(_CODES)


def _breach_type(flag: OpenFlag) -> str:
    if flag.key == "day_lock":
        return BreachType.DAILY_LOSS
    if flag.key == "failed":
        return BreachType.DAILY_LOSS if flag.cause == BreachType.DAILY_LOSS else BreachType.DRAWDOWN
    return BreachType.PAUSED
