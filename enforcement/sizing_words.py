"""What a decision says about the size it judged, and about a person's confirmation.

These findings are no rule's: whoever made the size (or asked the person) adds them to what the rules
found.
"""

SIZING_MESSAGES = {
    "sizing.fixed": "The route sends {observed} contracts, whatever the alert says.",
    "sizing.multiplied": "{sent} in the alert times {multiplier} makes {observed}.",
    "sizing.by_equity": "{share:percent} of {what} is {budget:money}, one contract stands to lose "
    "{loss:money}: that makes {observed}.",
    "sizing.by_room": "{share:percent} of the room of {base:money} is {budget:money}, one contract stands to "
    "lose {loss:money}: that makes {observed}.",
    "sizing.capped": "Cut from {asked} to {observed}: the route sends no more in one order.",
    "sizing.cut": "Cut from {asked} to {observed}, the largest size that passes every rule: {asked} was "
    "refused by {refused_by}.",
    "sizing.to_micros": "Not one {symbol} passes (refused by {refused_by}): {observed} {micro} instead of "
    "{asked} {symbol}.",
    "sizing.too_small": "{share:percent} of {what} is {budget:money}, and a single contract stands to lose "
    "{loss:money}.",
    "sizing.unknown": "The size follows from the risk, and {missing} is not known.",
}
CONFIRMATION_MESSAGES = {
    "admission.position_against": "By now the account holds the other side of this market: the order would "
    "close that instead of opening.",
}
