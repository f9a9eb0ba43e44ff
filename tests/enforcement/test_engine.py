"""All rules are asked, all findings kept, the first that blocks names the type; an exit always passes."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from enforcement import evaluate_account, evaluate_order
from enforcement.context import AccountContext
from enforcement.decision import Outcome
from enforcement.explain import explain
from enforcement.program import Automation, HedgeScope, HedgingRule
from enforcement.rules import MESSAGES, RULES
from tests.enforcement.make import (
    BARE,
    LONDON,
    MNQ,
    NOON,
    NQ,
    daily_floor,
    make_activity,
    make_context,
    make_entry,
    make_flag,
    make_guard,
    make_intent,
    make_news,
    make_position,
    make_state,
    make_terms,
    make_working,
    seconds,
    static_floor,
    trailing_floor,
)

pytestmark = pytest.mark.core

ORDER_OF_THE_TABLE = [
    "trading_state", "admission", "program_terms", "automation_policy", "account_data_fresh", "signal_fresh",
    "instrument_allowed", "order_shape", "trading_hours", "news_window", "hedging", "max_contracts",
    "protective_stop", "risk_per_trade", "loss_floors", "order_rate", "duplicate_order", "trade_count",
    "holding_time", "payout_progress",
]  # fmt: skip
# They need a known instrument to object at all; the last two never stop an entry.
NEEDS_INSTRUMENT, NEVER_STOPS = {"hedging", "duplicate_order"}, {"holding_time", "payout_progress"}


def test_the_table_stands_in_the_order_of_the_design() -> None:
    assert [rule.code for rule in RULES] == ORDER_OF_THE_TABLE


def test_a_sound_order_is_allowed_with_one_finding_for_each_rule() -> None:
    decision = evaluate_order(make_context())
    assert decision.allowed
    assert [finding.rule for finding in decision.findings] == ORDER_OF_THE_TABLE
    assert (decision.refusal, decision.breach_type, decision.fits) == (None, None, None)
    assert decision.risk == 430


def everything_wrong(**mended: Any) -> Any:
    """An order that every rule objects to, but for what was mended."""
    terms: dict[str, Any] = {
        "unavailable": "an override can't be read", "automation": Automation.PROHIBITED,
        "allowed_sessions": (LONDON,), "max_contracts": 1, "max_risk_share": "0.0001", "stop_required": True,
        "news": (make_news(),), "hedging": HedgingRule(scope=HedgeScope.ACCOUNT), "max_trades_per_day": 3,
        **mended.pop("terms", {}),
    }  # fmt: skip
    intent: dict[str, Any] = {
        "signalled_at": NOON - seconds(60), "instrument": None, "stop_loss": None, **mended.pop("intent", {}),
    }  # fmt: skip
    fields: dict[str, Any] = {
        "flags": (make_flag("paused"),), "obstacle": "admission.route_disabled", "live": True,
        "state": make_state(47_500, as_of=NOON - seconds(3600), trades_today=3), "news": None,
        "positions": (make_position(-1, instrument=MNQ, stop=20_010),),
        "guard": make_guard(max_entries_per_minute=1), "activity": make_activity(make_entry()), **mended,
    }  # fmt: skip
    return make_context(terms=make_terms(**terms), intent=make_intent(**intent), **fields)


# Each step mends what the step before was refused for; the next rule of the table then names the type.
MENDED: list[tuple[str, str, str, dict[str, Any]]] = [
    ("paused", "trading_state.paused", "", {}),
    ("routing", "admission.route_disabled", "", {"flags": ()}),
    ("error", "program_terms.unavailable", "", {"obstacle": None}),
    ("automation", "automation_policy.forbidden", "terms", {"unavailable": None}),
    ("stale", "account_data_fresh.stale", "", {"live": False}),
    ("stale", "signal_fresh.expired", "", {"state": make_state(47_500, trades_today=3)}),
    ("instrument", "instrument_allowed.unknown_symbol", "intent", {"signalled_at": NOON}),
    ("contracts", "order_shape.size_not_positive", "intent", {"instrument": NQ, "quantity": 0}),
    ("session", "trading_hours.session_not_allowed", "intent", {"quantity": 2}),
    ("news", "news_window.unknown", "terms", {"allowed_sessions": None}),
    ("hedging", "hedging.opposite_here", "terms", {"news": ()}),
    ("contracts", "max_contracts.over", "terms", {"hedging": None}),
    ("risk", "protective_stop.required", "terms", {"max_contracts": 5}),
    ("risk", "risk_per_trade.over", "intent", {"stop_loss": Decimal(19_990)}),
    ("drawdown", "drawdown.at_floor", "terms", {"max_risk_share": None}),
    ("rate", "order_rate.minute", "", {"state": make_state(50_000, trades_today=3)}),
    ("rate", "duplicate_order.repeated", "", {"guard": make_guard()}),
    ("rate", "trade_count.trades", "", {"activity": make_activity()}),
]  # fmt: skip


@pytest.mark.parametrize("steps", range(1, len(MENDED) + 1), ids=[step[1] for step in MENDED])
def test_the_first_rule_of_the_table_that_blocks_names_the_type(steps: int) -> None:
    mended: dict[str, Any] = {}
    for _, _, part, change in MENDED[:steps]:
        mended = {**mended, part: {**mended.get(part, {}), **change}} if part else {**mended, **change}
    decision = evaluate_order(everything_wrong(**mended))
    breach_type, code, _, _ = MENDED[steps - 1]
    assert not decision.allowed
    assert decision.refusal is not None
    assert (decision.breach_type, decision.refusal.code) == (breach_type, code)
    assert [finding.rule for finding in decision.findings] == ORDER_OF_THE_TABLE


def test_every_rule_that_objects_is_kept_not_only_the_first() -> None:
    blocking = {f.rule for f in evaluate_order(everything_wrong()).findings if f.outcome.blocks}
    assert blocking == set(ORDER_OF_THE_TABLE) - NEEDS_INSTRUMENT - NEVER_STOPS
    known = everything_wrong(intent={"instrument": NQ, "stop_loss": Decimal(19_990)})
    assert {f.rule for f in evaluate_order(known).findings if f.outcome.blocks} >= NEEDS_INSTRUMENT


def test_a_warning_does_not_block() -> None:
    decision = evaluate_order(make_context(terms=make_terms(automation=Automation.PROHIBITED)))
    assert decision.allowed
    assert Outcome.WARN in {finding.outcome for finding in decision.findings}


# --- a rule that raises -------------------------------------------------------------------------------


def test_a_rule_that_raises_blocks_the_order_and_says_so() -> None:
    decision = evaluate_order(make_context(quantity="NaN"))
    failed = next(finding for finding in decision.findings if finding.rule == "order_shape")
    assert not decision.allowed
    assert (failed.code, failed.outcome, failed.breach_type) == (
        "engine.rule_failed", Outcome.UNDETERMINED, "instrument",
    )  # fmt: skip
    assert "InvalidOperation" in explain(failed)
    assert decision.fits == 0


@pytest.mark.parametrize(
    ("fields", "rule", "breach_type"),
    [
        ({"signalled_at": datetime(2026, 3, 4, 17)}, "signal_fresh", "stale"),
        ({"state": make_state(as_of=datetime(2026, 3, 4, 17))}, "account_data_fresh", "stale"),
        ({"state": make_state("NaN")}, "loss_floors", "drawdown"),
        ({"terms": make_terms(max_contracts="NaN")}, "max_contracts", "contracts"),
        ({"terms": make_terms(max_risk_share="NaN")}, "risk_per_trade", "risk"),
        ({"terms": make_terms(floors=(static_floor("NaN"),))}, "loss_floors", "drawdown"),
    ],
    ids=[
        "a signal's time without a zone", "a report's time without a zone", "equity is no number",
        "the cap is no number", "the share is no number", "the floor is no number",
    ],
)  # fmt: skip
def test_a_failure_inside_a_rule_blocks_with_that_rules_type(
    fields: dict[str, Any], rule: str, breach_type: str
) -> None:
    decision = evaluate_order(make_context(**fields))
    failed = next(finding for finding in decision.findings if finding.rule == rule)
    assert not decision.allowed
    assert (failed.code, failed.outcome, failed.breach_type) == (
        "engine.rule_failed", Outcome.UNDETERMINED, breach_type,
    )  # fmt: skip
    assert len(decision.findings) == len(RULES)
    assert len(decision.floors) == len(make_context(**fields).terms.floors)


# --- exits --------------------------------------------------------------------------------------------


def test_an_exit_passes_whatever_stands_against_it_and_keeps_the_rules_own_word() -> None:
    entry, leaving = everything_wrong(), everything_wrong(intent={"reduces": True})
    refused, allowed = evaluate_order(entry), evaluate_order(leaving)
    assert not refused.allowed
    assert allowed.allowed
    assert max(finding.outcome for finding in allowed.findings) is Outcome.WARN
    paused = allowed.findings[0]
    assert (paused.code, paused.outcome, paused.verdict) == (
        "trading_state.paused", Outcome.WARN, Outcome.DENY,
    )  # fmt: skip
    stale = next(finding for finding in allowed.findings if finding.rule == "account_data_fresh")
    assert (stale.outcome, stale.verdict) == (Outcome.WARN, Outcome.UNDETERMINED)


def test_an_exit_passes_over_a_rule_that_raises() -> None:
    decision = evaluate_order(make_context(reduces=True, signalled_at=datetime(2026, 3, 4, 17)))
    failed = next(finding for finding in decision.findings if finding.rule == "signal_fresh")
    assert decision.allowed
    assert (failed.code, failed.outcome, failed.verdict) == (
        "engine.rule_failed", Outcome.WARN, Outcome.UNDETERMINED,
    )  # fmt: skip


def test_an_exit_risks_nothing_and_leaves_equity_where_it_is() -> None:
    decision = evaluate_order(make_context(reduces=True, state=make_state(40_000)))
    assert decision.allowed
    assert decision.risk is None
    assert {floor.projected for floor in decision.floors} == {Decimal(40_000)}


def test_only_findings_that_would_block_are_capped() -> None:
    findings = evaluate_order(make_context(reduces=True)).findings
    assert {finding.verdict for finding in findings} == {None}


# --- floors in the decision, and the account's standing -----------------------------------------------


def test_floors_are_given_even_when_another_rule_blocks() -> None:
    decision = evaluate_order(make_context(flags=(make_flag("paused"),)))
    assert decision.breach_type == "paused"
    assert [(floor.level, floor.room, floor.projected) for floor in decision.floors] == [
        (Decimal(49_000), Decimal(1000), Decimal(49_570)),
        (Decimal(47_500), Decimal(2500), Decimal(49_570)),
    ]


def test_floors_are_listed_as_unknown_when_equity_is() -> None:
    floors = evaluate_order(make_context(state=None)).floors
    assert [(floor.level, floor.equity, floor.projected, floor.room) for floor in floors] == [(None,) * 4] * 2


def standing(**fields: Any) -> Any:
    ctx = make_context(**fields)
    return evaluate_account(AccountContext(ctx.now, ctx.terms, ctx.guard, ctx.state))


def test_the_standing_names_the_binding_floor_and_its_room() -> None:
    found = standing(state=make_state("49250.50"))
    assert found.binding.floor == daily_floor()
    assert found.room == Decimal("250.50")
    assert found.crossed == ()


def test_the_room_of_a_broken_account_is_below_zero() -> None:
    found = standing(state=make_state(47_400))
    assert found.room == -1600
    assert [floor.floor for floor in found.crossed] == [daily_floor(), trailing_floor()]


@pytest.mark.parametrize(("boundary", "crossed"), [("at", 1), ("below", 0)])
def test_the_standing_goes_by_the_firms_own_comparator(boundary: str, crossed: int) -> None:
    found = standing(state=make_state(47_500), terms=make_terms(floors=(static_floor(boundary=boundary),)))
    assert len(found.crossed) == crossed
    assert found.room == 0


def test_one_unknown_floor_leaves_the_room_unknown() -> None:
    found = standing(state=make_state(day_start_balance=None))
    assert found.room is None
    assert found.binding.floor == trailing_floor()


@pytest.mark.parametrize(
    "fields", [{"state": None}, {"terms": make_terms(floors=())}], ids=["equity", "floors"]
)
def test_without_equity_or_floors_nothing_binds(fields: dict[str, Any]) -> None:
    found = standing(**fields)
    assert (found.binding, found.crossed) == (None, ())


# --- two orders against one room ----------------------------------------------------------------------


def test_an_approved_order_counts_as_exposure_for_the_next() -> None:
    """Room for one: 500 above the floor, each loses 430 at worst."""
    state, terms = make_state("49500"), make_terms(floors=(daily_floor(),))
    first = evaluate_order(make_context(state=state, terms=terms))
    assert first.allowed
    assert first.risk is not None
    second = evaluate_order(make_context(state=state, terms=terms, working=(make_working(2, first.risk),)))
    assert second.breach_type == "daily_loss"


def test_an_open_position_counts_from_its_mark_to_its_stop() -> None:
    state, terms = make_state("49500"), make_terms(floors=(daily_floor(),))
    held = evaluate_order(make_context(guard=BARE, state=state, terms=terms, positions=(make_position(1),)))
    assert held.breach_type == "daily_loss"  # 200 open and 400 new against 500
    assert held.fits == 1


def test_every_code_of_every_rule_has_a_message() -> None:
    for rule in RULES:
        assert rule.messages
        for code in rule.messages:
            assert MESSAGES[code] == rule.messages[code]
    assert sum(len(rule.messages) for rule in RULES) == len(MESSAGES), "two rules use one code"


def test_a_guard_without_margin_judges_as_the_firm_does() -> None:
    terms = make_terms(floors=(static_floor(2500, boundary="below"),))
    at_the_floor = make_state("47900")
    assert evaluate_order(make_context(guard=BARE, terms=terms, state=at_the_floor)).allowed
    assert not evaluate_order(make_context(guard=make_guard(), terms=terms, state=at_the_floor)).allowed
