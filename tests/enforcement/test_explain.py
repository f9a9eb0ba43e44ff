"""Findings in words a trader understands."""

import importlib
from decimal import Decimal

import pytest

from enforcement import evaluate_order
from enforcement.decision import Finding, Outcome
from enforcement.explain import explain, explain_fit, explain_refusal, money, plain
from enforcement.rules import MESSAGES, RULES
from tests.enforcement.make import Row, make_context, make_flag

pytestmark = pytest.mark.core

NEVER_BLOCKS = "payout_progress"


def rows_of(rule: str) -> list[Row]:
    return importlib.import_module(f"tests.enforcement.rules.test_{rule}").ROWS


@pytest.mark.parametrize("rule", [rule.code for rule in RULES])
def test_each_message_of_a_rule_belongs_to_a_case_of_its_table(rule: str) -> None:
    """The tables check code and message of every finding; so together: no code without a message, no
    message that nothing can produce."""
    messages = next(r.messages for r in RULES if r.code == rule)
    assert {row.code for row in rows_of(rule)} == set(messages)


@pytest.mark.parametrize("rule", [rule.code for rule in RULES])
def test_every_rules_table_has_a_case_that_passes_and_an_exit_or_a_refusal(rule: str) -> None:
    outcomes = {row.outcome for row in rows_of(rule)}
    assert Outcome.PASS in outcomes
    if rule == NEVER_BLOCKS:
        assert outcomes == {Outcome.PASS, Outcome.WARN}
    else:
        assert outcomes & {Outcome.DENY, Outcome.UNDETERMINED}


def test_a_message_has_no_placeholder_that_no_finding_fills() -> None:
    """Every row's sentence was rendered without "unknown" by its own table; here: none is left over."""
    assert all(text.endswith(".") for text in MESSAGES.values())


def test_a_code_of_another_version_is_given_as_it_is() -> None:
    assert explain(Finding("news", "news.blackout", Outcome.DENY, "news")) == "news.blackout"


def test_a_number_that_is_missing_reads_unknown() -> None:
    finding = Finding("loss_floors", "daily_loss.at_floor", Outcome.DENY, "daily_loss", limit=Decimal(49_000))
    assert explain(finding) == "Equity unknown is at the daily floor of $49,000.00."


def test_stored_text_reads_like_the_number() -> None:
    """Findings come back from the database with their numbers as text."""
    facts = {"share": "0.005", "what": "equity"}
    finding = Finding(
        "risk_per_trade", "risk_per_trade.over", Outcome.DENY, "risk", "400.00", "250.000", None, facts
    )
    assert explain(finding) == "The order risks $400.00 to its stop, allowed are $250.00 (0.5 % of equity)."


def test_braces_in_a_persons_words_are_only_words() -> None:
    finding = evaluate_order(make_context(flags=(make_flag(why="{equity} {0} {"),))).refusal
    assert finding is not None
    assert explain(finding) == "The account is paused ({equity} {0} {)."


def test_money_is_given_in_the_accounts_currency() -> None:
    finding = Finding(
        "loss_floors", "daily_loss.at_floor", Outcome.DENY, "daily_loss",
        limit=Decimal(-49_000), facts={"equity": Decimal("-49000.005")},
    )  # fmt: skip
    assert explain(finding, "EUR") == "Equity -EUR 49,000.00 is at the daily floor of -EUR 49,000.00."


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        ("1234.5", "USD", "$1,234.50"),
        ("-20", "USD", "-$20.00"),
        ("0", "USD", "$0.00"),
        ("1234.5", "EUR", "EUR 1,234.50"),
        ("-0.5", "GBP", "-GBP 0.50"),
        ("12345678.125", "USD", "$12,345,678.12"),
    ],
)
def test_money_to_the_cent(amount: str, currency: str, text: str) -> None:
    assert money(Decimal(amount), currency) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [("5.000", "5"), ("0.10", "0.1"), ("1E+3", "1,000"), ("1000000", "1,000,000"), ("0.0", "0")],
)
def test_plain_numbers_have_no_trailing_zeros(number: str, text: str) -> None:
    assert plain(Decimal(number)) == text


def test_a_refusal_is_explained_with_the_size_that_would_pass() -> None:
    assert explain_refusal(evaluate_order(make_context(quantity=5))) == (
        "At its stop this order would leave $48,925.00, the daily floor is $49,000.00: "
        "it risks $1,075.00 and $1,000.00 are left. 4 would pass."
    )


def test_no_size_is_offered_where_none_would_pass() -> None:
    assert (
        explain_refusal(evaluate_order(make_context(flags=(make_flag(),))))
        == "The account is paused (manual)."
    )
    paused = Finding("trading_state", "trading_state.paused", Outcome.DENY, "paused")
    too_many = Finding("max_contracts", "max_contracts.over", Outcome.DENY, "contracts")
    assert explain_fit(Decimal("0.50"), too_many) == " 0.5 would pass."
    assert explain_fit(Decimal(0), too_many) == " No size would pass."
    assert explain_fit(Decimal(0), paused) == explain_fit(None, too_many) == ""


def test_an_approval_needs_no_reason() -> None:
    assert explain_refusal(evaluate_order(make_context())) == ""
