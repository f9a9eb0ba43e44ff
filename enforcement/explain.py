"""Findings in words a trader understands, rendered when they are read."""

import re
from decimal import Decimal
from string import Formatter
from typing import Any

from enforcement.decision import Decision, Fact, Finding
from enforcement.loosening import LOOSENING_MESSAGES
from enforcement.rules import MESSAGES, RULES
from enforcement.sizing_words import CONFIRMATION_MESSAGES, SIZING_MESSAGES

_SIZED = frozenset(rule.code for rule in RULES if rule.sized)
_NUMBER = re.compile(r"-?\d+(\.\d+)?", re.ASCII)  # a number that has been stored comes back as its text
_ENGINE_MESSAGES = {
    "engine.rule_failed": "This check failed ({error}), so the order is not sent.",
    "engine.failed": "The account could not be judged ({error}), so the order is not sent.",
    **SIZING_MESSAGES,
    **CONFIRMATION_MESSAGES,
    **LOOSENING_MESSAGES,
}


def explain(finding: Finding, currency: str = "USD") -> str:
    """One sentence with the finding's numbers. A code this version doesn't know is given as it is."""
    template = MESSAGES.get(finding.code) or _ENGINE_MESSAGES.get(finding.code)
    if template is None:
        return finding.code
    values = {
        **finding.facts,
        "observed": finding.observed,
        "limit": finding.limit,
        "room": finding.room,
    }
    sentence = _Sentence(currency).vformat(template, (), values)
    until = finding.facts.get("in_force_until")
    if until is None:
        return sentence
    return (
        f"{sentence.removesuffix('.')}, under the rules in force until {until} "
        "(loosened today; they count until the next reset)."
    )


def explain_refusal(decision: Decision, currency: str = "USD") -> str:
    """Why an order was refused, and the size that would have passed; "" when it was allowed."""
    refusal = decision.refusal
    if refusal is None:
        return ""
    return explain(refusal, currency) + explain_fit(decision.fits, refusal)


def explain_fit(fits: Decimal | None, refusal: Finding) -> str:
    """The size that would have passed; that there is none, where the size was the question."""
    if fits:
        return f" {plain(fits)} would pass."
    return " No size would pass." if fits is not None and refusal.rule in _SIZED else ""


def money(amount: Decimal, currency: str = "USD") -> str:
    """`$1,234.50`, `-$20.00`, `EUR 1,234.50`: to the cent, for people."""
    sign, size = ("-" if amount < 0 else ""), f"{abs(amount):,.2f}"
    return f"{sign}${size}" if currency == "USD" else f"{sign}{currency} {size}"


def plain(number: Decimal | int) -> str:
    """A number without trailing zeros or exponent."""
    text = f"{number:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


class _Sentence(Formatter):
    """`{x:money}`, `{x:percent}` and plain `{x}`; numbers may come as stored text."""

    def __init__(self, currency: str) -> None:
        self.currency = currency

    def get_value(self, key: int | str, args: Any, kwargs: Any) -> Any:
        return kwargs.get(key)

    def format_field(self, value: Fact, format_spec: str) -> str:
        if value is None:
            return "unknown"
        if format_spec == "money":
            return money(Decimal(value), self.currency)
        if format_spec == "percent":
            return f"{plain(Decimal(value) * 100)} %"
        if isinstance(value, str) and not _NUMBER.fullmatch(value):
            return value
        return plain(Decimal(value))
