"""The symbol is known, and its money is the account's money."""

from enforcement.context import OrderContext
from enforcement.decision import BreachType, Finding, Outcome

RULE = "instrument_allowed"
MESSAGES = {
    "instrument_allowed.known": "{observed} is a known instrument.",
    "instrument_allowed.unknown_symbol": "The symbol {observed} is not known, so its tick value isn't either. Add it under Instruments.",
    "instrument_allowed.other_currency": "{observed} is priced in {currency}, the account is in {limit}: no exchange rate is known.",
}


def check(ctx: OrderContext) -> Finding:
    """UNDETERMINED for an unknown symbol, and for an instrument in another currency than the account's."""
    instrument = ctx.intent.instrument
    if instrument is None:
        return _finding("unknown_symbol", Outcome.UNDETERMINED, ctx.intent.symbol)
    if instrument.currency != ctx.terms.currency:
        return Finding(
            RULE,
            "instrument_allowed.other_currency",
            Outcome.UNDETERMINED,
            BreachType.INSTRUMENT,
            observed=instrument.symbol,
            limit=ctx.terms.currency,
            facts={"currency": instrument.currency},
        )
    return _finding("known", Outcome.PASS, instrument.symbol)


def _finding(code: str, outcome: Outcome, symbol: str) -> Finding:
    return Finding(RULE, f"{RULE}.{code}", outcome, BreachType.INSTRUMENT, observed=symbol)
