"""The outcomes' order and numbers, by which findings are compared and stored."""

import pytest

from enforcement.decision import Finding, Outcome

pytestmark = pytest.mark.core


def test_outcomes_are_stored_by_these_numbers() -> None:
    assert {outcome.name: outcome.value for outcome in Outcome} == {
        "PASS": 0, "WARN": 1, "UNDETERMINED": 2, "DENY": 3,
    }  # fmt: skip


def test_what_is_not_known_blocks_as_what_is_forbidden_does() -> None:
    assert [outcome for outcome in Outcome if outcome.blocks] == [Outcome.UNDETERMINED, Outcome.DENY]


def test_a_finding_is_the_firms_word_unless_it_says_otherwise() -> None:
    finding = Finding("hedging", "hedging.none", Outcome.PASS, "hedging")
    assert (finding.by, finding.verdict, finding.facts) == ("firm", None, {})
