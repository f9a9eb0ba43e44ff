"""The symbol is known, its money is the account's money, and the program lets it be traded."""

from enforcement.context import OrderContext
from enforcement.decision import BreachType, Finding, Outcome

RULE = "instrument_allowed"
MESSAGES = {
    "instrument_allowed.known": "{observed} is a known instrument that may be traded.",
    "instrument_allowed.reduces": "An exit of {observed} is never a question of what may be opened.",
    "instrument_allowed.unknown_symbol": "The symbol {observed} is not known, so its tick value isn't either. Add it under Instruments.",
    "instrument_allowed.other_currency": "{observed} is priced in {currency}, the account is in {limit}: no exchange rate is known.",
    "instrument_allowed.not_allowed": "The program does not allow {observed}.",
}


def check(ctx: OrderContext) -> Finding:
    """UNDETERMINED for an unknown symbol, and for an instrument in another currency than the account's;
    refused where the program names what may be traded and this isn't among it."""
    instrument, terms = ctx.intent.instrument, ctx.terms
    if instrument is None:
        return _finding("unknown_symbol", Outcome.UNDETERMINED, ctx.intent.symbol)
    symbol = instrument.symbol
    if instrument.currency != terms.currency:
        return Finding(
            RULE, "instrument_allowed.other_currency", Outcome.UNDETERMINED, BreachType.INSTRUMENT,
            observed=symbol, limit=terms.currency, facts={"currency": instrument.currency},
        )  # fmt: skip
    if ctx.intent.reduces:
        return _finding("reduces", Outcome.PASS, symbol)
    if terms.allowed_instruments is not None and symbol not in terms.allowed_instruments:
        return _finding("not_allowed", Outcome.DENY, symbol)
    return _finding("known", Outcome.PASS, symbol)


def _finding(code: str, outcome: Outcome, symbol: str) -> Finding:
    return Finding(RULE, f"{RULE}.{code}", outcome, BreachType.INSTRUMENT, observed=symbol)
