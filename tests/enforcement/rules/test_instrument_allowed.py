"""Known symbols, in the account's own currency, among those that the program lets be traded."""

import pytest

from enforcement.decision import Outcome
from enforcement.explain import explain
from enforcement.rules import RULES
from tests.enforcement.make import CL, EURUSD, GER40, MNQ, Row, judged, make_context, make_terms, table

pytestmark = pytest.mark.core

RULE = next(rule for rule in RULES if rule.code == "instrument_allowed")
KNOWN, UNKNOWN, OTHER, NOT_ALLOWED, REDUCES = (
    f"instrument_allowed.{code}"
    for code in ("known", "unknown_symbol", "other_currency", "not_allowed", "reduces")
)
INDICES = make_terms(allowed_instruments=frozenset({"NQ", "MNQ", "GER40"}))
NOTHING = make_terms(allowed_instruments=frozenset())

PASS, DENY, UNDETERMINED = Outcome.PASS, Outcome.DENY, Outcome.UNDETERMINED
ROWS = [
    Row("NQ", make_context(), PASS, KNOWN, "instrument"),
    Row("a micro", make_context(instrument=MNQ), PASS, KNOWN, "instrument"),
    Row("a pair quoted in dollars", make_context(instrument=EURUSD), PASS, KNOWN, "instrument"),
    Row("nobody knows the symbol", make_context(instrument=None), UNDETERMINED, UNKNOWN, "instrument"),
    Row(
        "an exit in nothing known: the engine lets it pass", make_context(instrument=None, reduces=True),
        UNDETERMINED, UNKNOWN, "instrument",
    ),
    Row("euros on a dollar account", make_context(instrument=GER40), UNDETERMINED, OTHER, "instrument"),
    Row(
        "euros on a euro account", make_context(instrument=GER40, terms=make_terms(currency="EUR")),
        PASS, KNOWN, "instrument",
    ),
    Row(
        "dollars on a euro account", make_context(terms=make_terms(currency="EUR")),
        UNDETERMINED, OTHER, "instrument",
    ),
    Row("one of those allowed", make_context(terms=INDICES), PASS, KNOWN, "instrument"),
    Row("the micro has to be named itself", make_context(terms=INDICES, instrument=MNQ), PASS, KNOWN, "instrument"),
    Row("not among those allowed", make_context(terms=INDICES, instrument=CL), DENY, NOT_ALLOWED, "instrument"),
    Row("none is allowed", make_context(terms=NOTHING), DENY, NOT_ALLOWED, "instrument"),
    Row(
        "allowed, but in another currency", make_context(terms=INDICES, instrument=GER40), UNDETERMINED,
        OTHER, "instrument",
    ),
    Row(
        "an exit in what may not be opened any more", make_context(terms=INDICES, instrument=CL, reduces=True),
        PASS, REDUCES, "instrument",
    ),
]  # fmt: skip


@table(ROWS)
def test_an_instrument_without_known_money_blocks(row: Row) -> None:
    judged(RULE, row)


def test_the_message_names_the_symbol_as_the_alert_wrote_it() -> None:
    finding = RULE.check(make_context(symbol="FDAX1!", instrument=None))
    assert explain(finding).startswith("The symbol FDAX1! is not known")


def test_a_product_that_may_not_be_traded_is_named() -> None:
    assert explain(RULE.check(make_context(terms=INDICES, instrument=CL))) == "The program does not allow CL."
