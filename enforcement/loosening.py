"""Tighten now, loosen later: one decision out of those under every set of rules of the account's day."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from enforcement.context import EarlierTerms
from enforcement.decision import Decision, Fact, Finding, Handling, Outcome

RULE = "terms_in_force"
LOOSENED = f"{RULE}.loosened_today"
LOOSENING_MESSAGES = {
    LOOSENED: "Rules that were replaced ({until}) count until the account's next reset: tightening takes "
    "effect at once, loosening then. A second person may strike them out on the account's page.",
}
_STRICTNESS = (Handling.SEND, Handling.CONFIRM, Handling.ADVISE)


def strictest(present: Decision, earlier: Sequence[tuple[EarlierTerms, Decision]]) -> Decision:
    """The decision that satisfies all of them.

    What the present rules refuse, they refuse in their own words. Otherwise each rule's most severe finding
    counts, and one that comes from earlier rules says from which. The size that would pass, the risk to
    reserve and the handling are the strictest.
    """
    others = [decision for _, decision in earlier]
    fits = min((d.fits for d in (present, *others) if d.fits is not None), default=None)
    if not present.allowed:
        return replace(present, fits=fits)
    findings, loosened = list(present.findings), None
    for terms, decision in earlier:
        for number, finding in enumerate(decision.findings):
            if finding.outcome > findings[number].outcome:
                findings[number] = _marked(finding, terms)
                loosened = loosened or _loosened(terms)
    return replace(
        present,
        findings=tuple(findings) if loosened is None else (*findings, loosened),
        risk=_largest([present.risk, *(decision.risk for decision in others)]),
        fits=fits,
        handling=max((d.handling for d in (present, *others)), key=_STRICTNESS.index),
    )


def _marked(finding: Finding, terms: EarlierTerms) -> Finding:
    return finding._replace(
        facts={**finding.facts, "terms": terms.digest[:12], "in_force_until": _in_words(terms)}
    )


def _loosened(terms: EarlierTerms) -> Finding:
    facts: dict[str, Fact] = {
        "terms": terms.digest[:12], "since": terms.since.isoformat(), "until": _in_words(terms)
    }  # fmt: skip
    return Finding(RULE, LOOSENED, Outcome.WARN, "", facts=facts)


def _in_words(terms: EarlierTerms) -> str:
    return f"{terms.until:%a %H:%M} UTC"


def _largest(risks: Sequence[Decimal | None]) -> Decimal | None:
    """None where one of them has no bound."""
    known = [risk for risk in risks if risk is not None]
    return max(known) if len(known) == len(risks) else None
