"""Known symbols, in the account's own currency."""

import pytest

from enforcement.decision import Outcome
from enforcement.explain import explain
from enforcement.rules import RULES
from tests.enforcement.make import EURUSD, GER40, MNQ, Row, judged, make_context, make_terms, table

pytestmark = pytest.mark.core

RULE = next(rule for rule in RULES if rule.code == "instrument_allowed")
KNOWN, UNKNOWN, OTHER = (
    f"instrument_allowed.{code}" for code in ("known", "unknown_symbol", "other_currency")
)

UNDETERMINED = Outcome.UNDETERMINED
ROWS = [
    Row("NQ", make_context(), Outcome.PASS, KNOWN, "instrument"),
    Row("a micro", make_context(instrument=MNQ), Outcome.PASS, KNOWN, "instrument"),
    Row("a pair quoted in dollars", make_context(instrument=EURUSD), Outcome.PASS, KNOWN, "instrument"),
    Row("nobody knows the symbol", make_context(instrument=None), UNDETERMINED, UNKNOWN, "instrument"),
    Row("euros on a dollar account", make_context(instrument=GER40), UNDETERMINED, OTHER, "instrument"),
    Row(
        "euros on a euro account", make_context(instrument=GER40, terms=make_terms(currency="EUR")),
        Outcome.PASS, KNOWN, "instrument",
    ),
    Row(
        "dollars on a euro account", make_context(terms=make_terms(currency="EUR")),
        UNDETERMINED, OTHER, "instrument",
    ),
]  # fmt: skip


@table(ROWS)
def test_an_instrument_without_known_money_blocks(row: Row) -> None:
    judged(RULE, row)


def test_the_message_names_the_symbol_as_the_alert_wrote_it() -> None:
    finding = RULE.check(make_context(symbol="FDAX1!", instrument=None))
    assert explain(finding).startswith("The symbol FDAX1! is not known")
