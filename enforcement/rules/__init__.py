"""The rules, in the order in which the first refusal names the decision.

A rule is a pure function of an OrderContext in a module of its own. To add one: its module, one line
here, its field in ProgramTerms and Program, one table of test rows.
"""

from collections.abc import Callable, Mapping
from types import ModuleType
from typing import NamedTuple

from enforcement.context import OrderContext
from enforcement.decision import Finding
from enforcement.rules import (
    account_data_fresh,
    admission,
    automation_policy,
    duplicate_order,
    hedging,
    holding_time,
    instrument_allowed,
    loss_floors,
    max_contracts,
    news_window,
    order_rate,
    order_shape,
    payout_progress,
    program_terms,
    protective_stop,
    risk_per_trade,
    signal_fresh,
    trade_count,
    trading_hours,
    trading_state,
)


class Rule(NamedTuple):
    """One row of the table: `breach_type` is what a failure of the rule itself blocks with, `sized` says
    that a smaller order may pass where a larger one does not."""

    code: str
    breach_type: str
    check: Callable[[OrderContext], Finding]
    sized: bool
    messages: Mapping[str, str]
    doc: str


def _rule(module: ModuleType, breach_type: str, *, sized: bool = False) -> Rule:
    return Rule(
        code=module.RULE,
        breach_type=breach_type,
        check=module.check,
        sized=sized,
        messages=module.MESSAGES,
        doc=f"{module.__doc__}\n\n{module.check.__doc__}",
    )


RULES: tuple[Rule, ...] = (
    _rule(trading_state, "paused"),
    _rule(admission, "routing"),
    _rule(program_terms, "error"),
    _rule(automation_policy, "automation"),
    _rule(account_data_fresh, "stale"),
    _rule(signal_fresh, "stale"),
    _rule(instrument_allowed, "instrument"),
    _rule(order_shape, "instrument"),
    _rule(trading_hours, "session"),
    _rule(news_window, "news", sized=True),
    _rule(hedging, "hedging"),
    _rule(max_contracts, "contracts", sized=True),
    _rule(protective_stop, "risk"),
    _rule(risk_per_trade, "risk", sized=True),
    _rule(loss_floors, "drawdown", sized=True),
    _rule(order_rate, "rate"),
    _rule(duplicate_order, "rate"),
    _rule(trade_count, "rate"),
    _rule(holding_time, "session"),
    _rule(payout_progress, "consistency"),
)

MESSAGES: Mapping[str, str] = {code: text for rule in RULES for code, text in rule.messages.items()}
