"""Tighten now, loosen later: an entry passes every set of rules of its account's day, an exit none."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from enforcement import evaluate_order
from enforcement.calendar import Session
from enforcement.context import EarlierTerms, OrderContext
from enforcement.decision import BreachType, Handling, Outcome
from enforcement.explain import explain, explain_refusal
from enforcement.program import Automation, GuardPolicy, ProgramTerms
from enforcement.replay import Unreadable, canonical_text, context_from, context_text, digest
from tests.enforcement.make import (
    ASIA,
    NOON,
    daily_floor,
    make_context,
    make_guard,
    make_position,
    make_state,
    make_terms,
    trailing_floor,
)

pytestmark = pytest.mark.core

UNTIL = NOON - timedelta(hours=2, minutes=58)  # 14:02


def earlier(terms: ProgramTerms | None = None, guard: GuardPolicy | None = None, **when: Any) -> EarlierTerms:
    terms, guard = terms or make_terms(), guard or make_guard()
    text = canonical_text({"program": terms, "guard": guard})
    defaults = {"since": NOON - timedelta(hours=12), "until": UNTIL}
    return EarlierTerms(digest=digest(text), terms=terms, guard=guard, **{**defaults, **when})


def context(*others: EarlierTerms, **fields: Any) -> OrderContext:
    return make_context(earlier=others, **fields)


def codes(ctx: OrderContext) -> list[str]:
    return [f.code for f in evaluate_order(ctx).findings if f.outcome > Outcome.PASS]


REFUSED: dict[str, tuple[EarlierTerms, str, str, Decimal | int]] = {
    "a cap of contracts": (earlier(make_terms(max_contracts=1)), "max_contracts", BreachType.CONTRACTS, 1),
    "a session": (earlier(make_terms(allowed_sessions=(ASIA,))), "trading_hours", BreachType.SESSION, 0),
    "a daily limit": (
        earlier(make_terms(floors=(daily_floor(300), trailing_floor()))), "loss_floors", BreachType.DAILY_LOSS, 1,
    ),
    "the owner's buffer": (earlier(guard=make_guard(floor_buffer=700)), "loss_floors", BreachType.DAILY_LOSS, 1),
    "a whole prohibition": (
        earlier(make_terms(automation=Automation.PROHIBITED)), "automation_policy", BreachType.AUTOMATION, 0,
    ),
}  # fmt: skip


@pytest.mark.parametrize("row", REFUSED.values(), ids=REFUSED)
def test_what_was_in_force_today_still_refuses(row: tuple[EarlierTerms, str, str, Decimal | int]) -> None:
    other, rule, breach, fits = row
    assert evaluate_order(context(live=True)).allowed, "the present rules alone let it through"
    decision = evaluate_order(context(other, live=True))
    assert decision.refusal is not None
    assert (decision.refusal.rule, decision.breach_type, decision.fits) == (rule, breach, fits)


def test_the_reason_says_which_rules_and_until_when() -> None:
    decision = evaluate_order(context(earlier(make_terms(max_contracts=1))))
    assert explain_refusal(decision).endswith(
        ", under the rules in force until Wed 14:02 UTC (loosened today; they count until the next reset). "
        "1 would pass."
    )
    note = decision.findings[-1]
    assert (note.code, note.outcome) == ("terms_in_force.loosened_today", Outcome.WARN)
    assert note.facts["terms"] == earlier(make_terms(max_contracts=1)).digest[:12]
    assert explain(note).startswith("Rules that were replaced (Wed 14:02 UTC) count until")


@pytest.mark.parametrize(("cap", "allowed"), [(1, False), (2, True), (3, True)])
def test_the_limit_of_before_holds_to_the_contract(cap: int, allowed: bool) -> None:
    assert evaluate_order(context(earlier(make_terms(max_contracts=cap)))).allowed is allowed


def test_what_the_present_rules_refuse_they_refuse_in_their_own_words() -> None:
    ctx = context(earlier(make_terms(max_contracts=1)), terms=make_terms(max_contracts=1), quantity=3)
    alone = evaluate_order(replace(ctx, earlier=()))
    assert evaluate_order(ctx) == alone


def test_the_size_that_would_pass_passes_all_of_them() -> None:
    loose, strict = make_terms(max_contracts=3), make_terms(max_contracts=1)
    ctx = context(earlier(strict), terms=loose, quantity=5)
    decision = evaluate_order(ctx)
    assert (decision.breach_type, decision.fits) == ("contracts", 1)
    assert evaluate_order(ctx.resized(Decimal(1))).allowed


def test_several_sets_of_rules_refuse_together() -> None:
    """One forbids the session, another the size: neither alone says all of it."""
    hours = Session("NONE", NOON.time(), NOON.time().replace(minute=1), "UTC")
    both = (
        earlier(make_terms(max_contracts=1)),
        earlier(make_terms(allowed_sessions=(replace(hours, zone="Asia/Tokyo"),))),
    )
    decision = evaluate_order(context(*both))
    assert {f.rule for f in decision.findings if f.outcome.blocks} == {"trading_hours", "max_contracts"}
    assert decision.fits == 0


def test_an_exit_asks_no_earlier_rules() -> None:
    fields: dict[str, Any] = {"positions": (make_position(2),), "side": "sell", "reduces": True}
    alone = evaluate_order(context(**fields))
    assert evaluate_order(context(earlier(make_terms(max_contracts=1)), **fields)) == alone
    assert alone.allowed


def test_rules_that_could_not_be_had_are_over_and_what_else_they_said_counts() -> None:
    unreadable = make_terms(unavailable="APEX_MAX_CONTRACTS='x' can't be read")
    assert evaluate_order(context(earlier(unreadable))).allowed
    assert not evaluate_order(context(earlier(replace(unreadable, max_contracts=Decimal(1))))).allowed


def test_a_person_is_still_asked_where_one_had_to_be_asked_this_morning() -> None:
    decision = evaluate_order(context(earlier(make_terms(automation=Automation.CONFIRM_BY_HAND)), live=True))
    assert (decision.allowed, decision.handling) == (True, Handling.CONFIRM)


def test_the_larger_risk_is_reserved() -> None:
    """Four ticks of slippage instead of two: 20 more for two contracts of NQ."""
    present = evaluate_order(context()).risk
    decision = evaluate_order(context(earlier(guard=make_guard(slippage_ticks=4))))
    assert present is not None
    assert (decision.allowed, decision.risk) == (True, present + 20)


def test_rules_that_let_it_through_leave_no_trace() -> None:
    looser = earlier(make_terms(max_contracts=50))
    assert evaluate_order(context(looser)) == evaluate_order(context())


# --- replay -------------------------------------------------------------------------------------------


def test_the_context_names_the_rules_of_before_and_comes_back_with_them() -> None:
    other = earlier(make_terms(max_contracts=1))
    ctx = context(other, state=make_state())
    text = context_text(ctx)
    assert other.digest in text
    assert "max_contracts" not in text
    again = context_from(text, ctx.terms, ctx.guard, {other.digest: (other.terms, other.guard)}.__getitem__)
    assert again == ctx
    assert context_text(again) == text
    assert evaluate_order(again) == evaluate_order(ctx)


def test_without_the_rules_of_before_nothing_is_computed() -> None:
    ctx = context(earlier())
    with pytest.raises(Unreadable, match="earlier"):
        context_from(context_text(ctx), ctx.terms, ctx.guard)
