"""How large an account's entry is: as sent or by its route; smaller, or in micros, where that is allowed.

Every step is off by default and says in the decision what it did.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from enforcement.context import AccountContext
from enforcement.decision import OWNER, BreachType, Fact, Finding, Outcome
from enforcement.decision import Decision as Verdict
from enforcement.exposure import order_risk
from enforcement.instruments import BUILT_IN, Instrument
from enforcement.orders import OrderIntent
from enforcement.rules import RULES
from execution.enforcement_service import Facts, enforce
from execution.models import Route, Size
from execution.routing import Surroundings, entry_intent

RULE = "sizing"
ZERO, ONE = Decimal(0), Decimal(1)
_BY_RISK = (Route.Sizing.SHARE_OF_EQUITY, Route.Sizing.SHARE_OF_ROOM)
_SIZED_RULES = frozenset(rule.code for rule in RULES if rule.sized)
_NO_SIZE_LEFT = frozenset({"sizing.too_small", "order_shape.size_not_positive"})


class Sized(NamedTuple):
    """An entry's size before the rules see it; None: there is none, which blocks.

    `exact` is the size before it was rounded down to whole contracts; None where it follows from the
    risk, so that another instrument has to be computed anew.
    """

    quantity: Decimal | None
    notes: tuple[Finding, ...] = ()
    exact: Decimal | None = None


class Judged(NamedTuple):
    intent: OrderIntent
    verdict: Verdict


def size_for(around: Surroundings, facts: Facts) -> Sized:
    """The account's size of the entry leg, by its route. A size that is there but unusable is never
    replaced by a configured one."""
    route = around.routes.get(facts.account.pk)
    if route is None or around.signal.size == Size.UNUSABLE:
        return Sized(None)
    if route.sizing in _BY_RISK:
        return _capped(route, around.instrument, _by_risk(around, facts, route, around.instrument))
    return _capped(route, around.instrument, _by_number(around, route))


def judged(
    around: Surroundings, facts: Facts, sized: Sized, now: datetime, obstacle: str | None = None
) -> Judged:
    """The rules' word on the entry in this size; on a smaller one, or on micros, where the route lets what
    was refused for its size alone be made to fit."""
    first = _ask(around, facts, sized, around.instrument, now, obstacle)
    route = around.routes.get(facts.account.pk)
    if route is None or first.verdict.allowed or not (route.cut_to_fit or route.mini_to_micro):
        return first
    if not _only_by_size(first.verdict):
        return first
    if first.verdict.fits:
        return _cut(around, facts, sized, first, now, obstacle) if route.cut_to_fit else first
    micro = _micro_of(around.instrument) if route.mini_to_micro else None
    if micro is None:
        return first
    smaller = _in_micros(around, facts, route, sized, first, micro)
    second = _ask(around, facts, smaller, micro, now, obstacle)
    if second.verdict.allowed or not second.verdict.fits:
        return second if second.verdict.allowed else first
    return _cut(around, facts, smaller, second, now, obstacle) if route.cut_to_fit else second


def taken_off(around: Surroundings, facts: Facts, sized: Sized, held: Decimal) -> Decimal | None:
    """What an entry against the position `held` brings it down by: its size.

    Where that follows from a risk that can't be computed, or allows for nothing, all of it: an alert
    against a position at least closes it.
    """
    route = around.routes.get(facts.account.pk)
    is_by_risk = route is not None and route.sizing in _BY_RISK and around.signal.size != Size.UNUSABLE
    return abs(held) if is_by_risk and not sized.quantity else sized.quantity


# --- as sent, or by the route's number ----------------------------------------------------------------


def _by_number(around: Surroundings, route: Route) -> Sized:
    sent = None if around.signal.entry_contracts is None else Decimal(around.signal.entry_contracts)
    if route.sizing == Route.Sizing.FIXED:
        return Sized(route.fixed_size, (_note("fixed", route.fixed_size),), route.fixed_size)
    if route.sizing != Route.Sizing.MULTIPLIER or sent is None or route.multiplier is None:
        return Sized(sent, (), sent)
    exact = sent * route.multiplier
    size = around.instrument.floor_to_step(exact) if around.instrument else exact // 1
    return Sized(size, (_note("multiplied", size, sent=sent, multiplier=route.multiplier),), exact)


def _capped(route: Route, instrument: Instrument | None, sized: Sized) -> Sized:
    """Never more contracts than the route's largest size, minis or micros."""
    size, most = sized.quantity, route.max_size
    if size is None or most is None or size <= most:
        return sized
    most = instrument.floor_to_step(most) if instrument else most
    notes = (*sized.notes, _note("capped", most, Outcome.WARN, asked=size))
    return Sized(most, notes, None if sized.exact is None else most)


# --- by risk ------------------------------------------------------------------------------------------


def _by_risk(around: Surroundings, facts: Facts, route: Route, instrument: Instrument | None) -> Sized:
    """As many contracts as lose no more at their stop, costs included, than the share of equity or room."""
    state, share = facts.state, route.risk_share
    if state is None or share is None:
        return _unknown("equity")
    if instrument is None or instrument.currency != facts.terms.currency:
        return _unknown("the instrument's value in the account's currency")
    loss = order_risk(entry_intent(around, ONE, instrument), facts.guard)
    if loss is None:
        return _unknown("the entry price" if around.signal.entry_price is None else "the stop")
    if route.sizing == Route.Sizing.SHARE_OF_EQUITY:
        is_zero_based = not facts.terms.starting_balance
        base, what = (facts.terms.size, "the account's size") if is_zero_based else (state.equity, "equity")
    else:
        room, what = _room(facts, around), "the room"
        if room is None:
            return _unknown("the room above the floors")
        base = room
    budget = max(share * base, ZERO)
    size = instrument.floor_to_step(budget / loss) if loss > 0 else ZERO
    figures: dict[str, Fact] = {"share": share, "what": what, "base": base, "budget": budget, "loss": loss}
    if size <= 0:
        return Sized(ZERO, (_finding("too_small", ZERO, Outcome.DENY, figures),))
    code = "by_equity" if route.sizing == Route.Sizing.SHARE_OF_EQUITY else "by_room"
    return Sized(size, (_finding(code, size, Outcome.PASS, figures),))


def _room(facts: Facts, around: Surroundings) -> Decimal | None:
    """Money between equity and the highest floor, less what is at risk already and the account's own
    buffer, under the strictest rules of the day; None where a floor or a risk is not known, or where there
    is no floor."""
    rooms = [_room_under(ctx) for ctx in facts.contexts(around.signal.received_at)]
    known = [room for room in rooms if room is not None]
    return min(known) if len(known) == len(rooms) else None


def _room_under(ctx: AccountContext) -> Decimal | None:
    levels = [at.level for at in ctx.levels]
    if ctx.state is None or ctx.open_risk is None or not levels or None in levels:
        return None
    highest = max(level for level in levels if level is not None)
    return max(ctx.state.equity - highest - ctx.open_risk - ctx.guard.floor_buffer, ZERO)


def _unknown(missing: str) -> Sized:
    return Sized(None, (_note("unknown", None, Outcome.UNDETERMINED, missing=missing),))


# --- made to fit --------------------------------------------------------------------------------------


def _only_by_size(verdict: Verdict) -> bool:
    return all(
        finding.rule in _SIZED_RULES or finding.code in _NO_SIZE_LEFT
        for finding in verdict.findings
        if finding.outcome.blocks
    )


def _cut(
    around: Surroundings, facts: Facts, sized: Sized, refused: Judged, now: datetime, obstacle: str | None
) -> Judged:
    """The largest size that passes, judged again as an order of its own; the refusal, should it not pass."""
    fits, refusal = refused.verdict.fits, refused.verdict.refusal
    if refusal is None or fits is None:
        return refused
    note = _note("cut", fits, Outcome.WARN, asked=sized.quantity, refused_by=_words(refusal))
    cut = Sized(fits, (*sized.notes, note))
    again = _ask(around, facts, cut, refused.intent.instrument, now, obstacle)
    return again if again.verdict.allowed else refused


def _in_micros(
    around: Surroundings, facts: Facts, route: Route, sized: Sized, refused: Judged, micro: Instrument
) -> Sized:
    own = refused.intent.instrument
    if own is None or refused.verdict.refusal is None:
        return sized
    if sized.exact is None:
        found = _by_risk(around, facts, route, micro)
    else:
        found = Sized(micro.floor_to_step(sized.exact * _micros_in(own, micro)), sized.notes)
    note = _note(
        "to_micros", found.quantity, Outcome.WARN, symbol=own.symbol, micro=micro.symbol,
        asked=sized.quantity if sized.exact is None else sized.exact,
        refused_by=_words(refused.verdict.refusal),
    )  # fmt: skip
    return _capped(route, micro, found._replace(notes=(*found.notes, note)))


def _micro_of(instrument: Instrument | None) -> Instrument | None:
    """The micro of a mini, the first in the table (gold's is MGC, not the one-ounce contract)."""
    if instrument is None or instrument.weight != 1:
        return None
    family = (other for other in BUILT_IN.values() if other.family == instrument.family)
    return next((other for other in family if other.weight < instrument.weight), None)


def _micros_in(instrument: Instrument, micro: Instrument) -> Decimal:
    """How many micros stand for one mini: ten by their weight, and never more money than the mini (a micro
    of silver is a fifth of the full contract)."""
    return min(instrument.weight / micro.weight, instrument.point_value / micro.point_value)


def _ask(
    around: Surroundings, facts: Facts, sized: Sized, instrument: Instrument | None, now: datetime,
    obstacle: str | None,
) -> Judged:  # fmt: skip
    intent = entry_intent(around, sized.quantity, instrument)
    verdict = enforce(facts, intent, now, obstacle)
    return Judged(intent, _with(sized.notes, verdict) if sized.notes else verdict)


def _with(notes: tuple[Finding, ...], verdict: Verdict) -> Verdict:
    """The rules' findings with what was done about the size before them. A size that could not be made
    stands where sizes are judged: a pause comes before it."""
    findings = verdict.findings
    at = next((n for n, finding in enumerate(findings) if finding.rule == "order_shape"), 0)
    said = [note for note in notes if not note.outcome.blocks]
    missing = [note for note in notes if note.outcome.blocks]
    return replace(verdict, findings=(*said, *findings[:at], *missing, *findings[at:]))


def _words(refusal: Finding) -> str:
    return refusal.rule.replace("_", " ")


def _note(code: str, size: Decimal | None, outcome: Outcome = Outcome.PASS, **facts: Fact) -> Finding:
    return _finding(code, size, outcome, facts)


def _finding(code: str, size: Decimal | None, outcome: Outcome, facts: Mapping[str, Fact]) -> Finding:
    return Finding(RULE, f"{RULE}.{code}", outcome, BreachType.RISK, observed=size, facts=facts, by=OWNER)
