"""A decision's findings and floors as rows for people: figures in their units, the rule's sentence."""

import re
from decimal import Decimal, InvalidOperation

from django.utils.safestring import SafeString

from enforcement.decision import FIRM, GUARD, OWNER, Fact, Finding, FloorRoom, Outcome
from enforcement.explain import explain
from enforcement.rules import MESSAGES
from execution.admin.overview import room_bar
from firms.admin.display import NOTHING, Tone, badge, money, number, percent
from firms.admin.words import in_full, name_of

_IN_MONEY = frozenset({"loss_floors", "risk_per_trade"})  # rules whose figures are money without a word
_OUTCOMES = {
    Outcome.PASS: ("pass", Tone.GOOD),
    Outcome.WARN: ("warning", Tone.WARN),
    Outcome.UNDETERMINED: ("not known", Tone.BAD),
    Outcome.DENY: ("refused", Tone.BAD),
}

_WHOSE = {
    FIRM: ("the firm's rule", Tone.INFO, "The program says so."),
    GUARD: ("your guard", Tone.CALM, "Your own margin of safety, set on the account's Guard tab."),
    OWNER: ("your own limit", Tone.WARN, "What you hold yourself to, set among the account's own limits."),
}


def finding_rows(findings: list[Finding], currency: str) -> list[dict[str, object]]:
    """One row per rule, in the table's order; the first that blocks is marked."""
    first = next((finding for finding in findings if finding.outcome.blocks), None)
    return [
        {
            "rule": finding.rule.replace("_", " ").capitalize(),
            "code": finding.code,
            "outcome": outcome_badge(finding.outcome),
            "verdict": None if finding.verdict is None else outcome_badge(finding.verdict),
            "observed": _figure(finding, "observed", finding.observed, currency),
            "limit": _figure(finding, "limit", finding.limit, currency),
            "room": _figure(finding, "room", finding.room, currency),
            "message": explain(finding, currency),
            "decides": finding is first,
            "whose": whose_badge(finding) if finding.outcome is not Outcome.PASS else "",
        }
        for finding in findings
    ]


def outcome_badge(outcome: Outcome) -> SafeString:
    return badge(*_OUTCOMES[outcome])


def whose_badge(finding: Finding) -> SafeString:
    """Whose word it is: the firm's, the guard's, or the owner's own limit."""
    return badge(*_WHOSE.get(finding.by, (finding.by, Tone.CALM)))


def floor_rows(floors: list[FloorRoom], size: Decimal, currency: str) -> list[dict[str, object]]:
    """Each floor as it stood at the decision, and what equity would be with every stop hit."""
    return [
        {
            "name": name_of(at.floor),
            "rule": in_full(at.floor, currency),
            "level": money(at.level, currency),
            "equity": money(at.equity, currency),
            "projected": money(at.projected, currency),
            "is_under": at.level is not None and at.projected is not None and at.projected <= at.level,
            "room": room_bar(at, size, currency),
        }
        for at in floors
    ]


def _figure(finding: Finding, name: str, value: Fact, currency: str) -> str:
    """The figure in the unit that the finding's own sentence gives it."""
    if value is None:
        return NOTHING
    try:
        amount = Decimal(value)
    except InvalidOperation:
        return str(value).replace("_", " ")
    unit = _unit(finding, name)
    if unit == "money":
        return money(amount, currency)
    return percent(amount) if unit == "percent" else number(amount)


def _unit(finding: Finding, name: str) -> str:
    template = MESSAGES.get(finding.code, "")
    named = re.search(rf"{{{name}(?::(\w+))?}}", template)
    if named is not None:
        return named[1] or ""
    return "money" if finding.rule in _IN_MONEY else ""
