"""The rules of proprietary trading firms, as plain Python: no Django, no clock, no network, no logging.

The front door:

    evaluate_order(OrderContext) -> Decision          may this order be sent, and why not
    evaluate_account(AccountContext) -> Standing      how the account stands against its floors
    check_order_enforcement(...) -> dict              the written contract's six checks on plain dicts

What is where: `instruments` and `orders` say what is wished, `account` and `calendar` what is known,
`floors`, `exposure` and `rules/` do the arithmetic, `engine` asks, `decision` answers, `sizing` names
the size that fits, `explain` puts it into words.
"""

from enforcement.contract import check_order_enforcement
from enforcement.engine import evaluate_account, evaluate_order

__all__ = ["check_order_enforcement", "evaluate_account", "evaluate_order"]
