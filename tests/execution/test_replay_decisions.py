"""`manage.py replay_decisions`: what was decided comes out again, and what doesn't is listed with both."""

import json
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from enforcement import evaluate_order
from enforcement.context import OrderContext
from enforcement.decision import Decision as Verdict
from enforcement.decision import Finding, Outcome
from enforcement.replay import context_text
from execution import replaying
from execution.models import Decision, Leg, SignalSource
from execution.models.decision import findings_to_text, floors_to_text
from execution.replaying import differences
from firms.models import Account, LossLimit
from firms.services import raise_flag
from firms.terms import snapshot
from tests.enforcement.make import BARE, make_context, make_guard, make_state, make_terms
from tests.execution.make import accept_alert, close_signal, decide, make_follower, route, sizing
from tests.make import make_account, make_source

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


@pytest.fixture(autouse=True)
def _no_terms_are_kept() -> Iterator[None]:
    """Terms are kept by digest, which never means anything else; a test's database is another."""
    replaying._terms.cache_clear()
    yield
    replaying._terms.cache_clear()


@pytest.fixture
def source() -> SignalSource:
    return make_source()


def replay(*arguments: str) -> tuple[int, str]:
    """(exit status, what it printed)."""
    out = StringIO()
    try:
        call_command("replay_decisions", *arguments, stdout=out)
    except SystemExit as end:
        return int(end.code or 0), out.getvalue()
    return 0, out.getvalue()


def stored(account: Account, ctx: OrderContext, verdict: Verdict | None = None, **columns: Any) -> Decision:
    """A decision as it would stand, had the engine then said `verdict` to `ctx`."""
    verdict = verdict or evaluate_order(ctx)
    signal = accept_alert(SignalSource.objects.get(), id=f"alert-{Decision.objects.count()}").signal
    return Decision.objects.create(
        signal=signal, account=account, leg=Leg.ENTRY, decided_at=columns.pop("decided_at", ctx.now),
        allowed=verdict.allowed, symbol=ctx.intent.symbol, side=ctx.intent.side, quantity=ctx.intent.quantity,
        risk=verdict.risk, fits=verdict.fits, findings_text=findings_to_text(verdict.findings),
        floors_text=floors_to_text(verdict.floors),
        **{"context_text": context_text(ctx), "terms_id": snapshot([(ctx.terms, ctx.guard)])[0], **columns},
    )  # fmt: skip


def changed(verdict: Verdict, rule: str, /, **fields: Any) -> Verdict:
    """The verdict as an engine would have given it that judged one rule differently."""
    findings = (f._replace(**fields) if f.rule == rule else f for f in verdict.findings)
    return replace(verdict, findings=tuple(findings))


def what(row: Decision) -> dict[str, tuple[object, object]]:
    row = Decision.objects.get(pk=row.pk)  # as the database gives it back
    return {one.what: (one.stored, one.computed) for one in differences(row)}


# --- the router's own decisions -----------------------------------------------------------------------


def test_every_decision_of_the_router_comes_out_again(
    source: SignalSource, clock: time_machine.Traveller
) -> None:
    """Approved, refused, sized, cut to fit, paused, exits: the context each keeps is all the rules saw."""
    make_follower("Apex-1", source=source)
    make_follower("Apex-2", source=source, route=sizing(multiplier=Decimal("0.5")))
    make_follower("Apex-3", source=source, route={"cut_to_fit": True}, no_stop_ticks=Decimal(40))
    make_follower("Apex-4", source=source, floor_buffer=Decimal("100.5"), paper=False)
    make_follower("Apex-5", source=source, state={"balance": Decimal(49_100), "equity": Decimal("49050.25")})
    _, paused = make_follower("Apex-6", source=source)
    raise_flag(paused)
    for fields in (
        {},
        {"contracts": 9},
        {"symbol": "XX1!"},
        {"stop_loss": None},
        {"symbol": "ES1!"},
        {"action": "sell"},
    ):
        clock.shift(30)
        route(accept_alert(source, **fields).signal)
    clock.shift(30)
    route(close_signal(source))
    total = Decision.objects.count()
    assert total > 36
    assert Decision.objects.filter(allowed=True).exists()
    assert Decision.objects.filter(allowed=False).exists()
    assert replay() == (0, f"{total} replayed: {total} the same, 0 different\n")


def test_changed_rules_change_no_old_decision(source: SignalSource) -> None:
    make_follower(source=source)
    decide(accept_alert(source).signal)
    LossLimit.objects.update(amount=1)
    assert replay() == (0, "1 replayed: 1 the same, 0 different\n")


# --- what differs -------------------------------------------------------------------------------------


@pytest.fixture
def account(source: SignalSource) -> Account:
    return make_account()


def test_what_the_engine_says_differently_is_listed_with_both(account: Account) -> None:
    """The order leaves 49,570 at its stop; an engine that forgot the slippage said 49,590."""
    ctx = make_context(state=make_state(balance=Decimal("50000.0000")))
    wrong = changed(evaluate_order(ctx), "loss_floors", observed=Decimal(49_590))
    row = stored(account, ctx, replace(wrong, risk=Decimal(410)))
    assert what(row) == {
        "loss_floors.observed": ("49590", "49570.0"),
        "risk": (Decimal("410.0000"), Decimal("430.00")),
    }
    status, text = replay()
    assert status == 1
    assert text.splitlines() == [
        f"decision {row.pk}  2026-03-04 17:00:00Z  Apex-1  entry buy 2 NQ1!",
        "    loss_floors.observed: 49,590 then, 49,570 now",
        "    risk: 410 then, 430 now",
        "1 replayed: 0 the same, 1 different",
    ]


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        pytest.param({"outcome": Outcome.DENY}, {"max_contracts.outcome", "refused by"}, id="outcome"),
        pytest.param({"code": "max_contracts.old"}, {"max_contracts.code"}, id="code"),
        pytest.param({"limit": Decimal(9)}, {"max_contracts.limit"}, id="limit"),
        pytest.param({"room": Decimal(9)}, {"max_contracts.room"}, id="room"),
        pytest.param({"facts": {"held": Decimal(3)}}, {"max_contracts.facts.held"}, id="a fact"),
        pytest.param({"verdict": Outcome.DENY}, {"max_contracts.verdict"}, id="the rule's own verdict"),
    ],
)
def test_each_part_of_a_finding_is_compared(
    account: Account, fields: dict[str, Any], named: set[str]
) -> None:
    ctx = make_context()
    found = what(stored(account, ctx, changed(evaluate_order(ctx), "max_contracts", **fields)))
    assert named <= found.keys()
    assert all(name.startswith(("max_contracts", "refused by")) for name in found)


def test_floors_are_compared_one_by_one(account: Account) -> None:
    ctx = make_context()
    verdict = evaluate_order(ctx)
    first, second = verdict.floors
    moved = first._replace(level=Decimal(48_000), projected=None)
    assert what(stored(account, ctx, replace(verdict, floors=(moved, second)))) == {
        "floor 1.level": (Decimal(48_000), Decimal(49_000)), "floor 1.projected": (None, Decimal(49_570)),
    }  # fmt: skip
    assert what(stored(account, ctx, replace(verdict, floors=(first,)))).keys() == {"floor 2"}
    other = second._replace(floor=replace(second.floor, amount=Decimal(2000)))
    assert what(stored(account, ctx, replace(verdict, floors=(first, other)))).keys() == {"floor 2.terms"}


def test_the_size_that_would_have_passed_is_compared(account: Account) -> None:
    ctx = make_context(quantity=9)
    verdict = evaluate_order(ctx)
    assert (verdict.fits, what(stored(account, ctx))) == (4, {})
    assert what(stored(account, ctx, replace(verdict, fits=Decimal(3)))) == {"fits": (3, 4)}


def test_a_number_is_the_same_however_it_is_written(account: Account) -> None:
    ctx = make_context(quantity=Decimal("2.0000"))
    exact = evaluate_order(make_context(quantity=Decimal(2)))
    assert what(stored(account, ctx, exact)) == {}


def test_a_column_keeps_four_places_and_that_is_no_difference(account: Account) -> None:
    ctx = make_context(guard=make_guard(commission_per_side=Decimal("0.123456")))
    assert what(stored(account, ctx)) == {}


def test_the_order_of_the_findings_counts_for_what_refused(account: Account) -> None:
    ctx = make_context(quantity=40, guard=BARE)
    verdict = evaluate_order(ctx)
    turned = replace(verdict, findings=verdict.findings[::-1])
    assert what(stored(account, ctx, turned)) == {
        "refused by": ("drawdown.would_breach", "max_contracts.over")
    }


def test_a_rule_that_was_not_asked_then_counts_only_where_it_blocks(account: Account) -> None:
    passes, refused = make_context(), make_context(quantity=11, guard=make_guard(slippage_ticks=0))
    without = [
        replace(verdict, findings=tuple(f for f in verdict.findings if f.rule != "max_contracts"))
        for verdict in (evaluate_order(passes), evaluate_order(refused))
    ]
    assert what(stored(account, passes, without[0])) == {}
    assert what(stored(account, refused, without[1]))["max_contracts"] == (None, "max_contracts.over")


def test_findings_that_are_not_the_engines_are_left_out(account: Account) -> None:
    ctx = make_context()
    verdict = evaluate_order(ctx)
    sized = Finding("sizing", "sizing.cut", Outcome.WARN, "risk", observed=Decimal(2))
    assert what(stored(account, ctx, replace(verdict, findings=(sized, *verdict.findings)))) == {}


def test_a_context_that_cannot_be_read_is_a_difference(account: Account) -> None:
    row = stored(account, make_context(), context_text='{"now":"2026"}')
    assert what(row)["context"][0] == "readable"
    assert replay()[0] == 1


# --- which decisions ----------------------------------------------------------------------------------


def test_decisions_without_a_context_are_counted_and_no_difference(account: Account) -> None:
    stored(account, make_context(), context_text="")
    stored(account, make_context())
    stored(account, make_context(), terms_id=None)
    assert replay() == (0, "1 replayed: 1 the same, 0 different; 2 have no context\n")


def test_since_account_and_limit_choose(account: Account) -> None:
    ctx = make_context()
    for number, label in enumerate(("Apex-1", "Apex-2", "Apex-2")):
        chosen = (
            account
            if label == "Apex-1"
            else Account.objects.filter(label=label).first() or make_account(label)
        )
        stored(chosen, ctx, decided_at=ctx.now.replace(day=4 + number))

    def count(*arguments: str) -> str:
        return replay(*arguments)[1].split()[0]

    assert count() == "3"
    assert count("--since", "2026-03-05") == "2"
    assert count("--since", "2026-03-06T17:00:01+00:00") == "0"
    assert count("--account", "Apex-2") == "2"
    assert count("--account", "Apex-2", "--since", "2026-03-06") == "1"
    assert (count("--limit", "1"), count("--limit", "0")) == ("1", "0")


def test_an_account_nobody_knows_and_a_date_that_is_none_are_said() -> None:
    with pytest.raises(CommandError, match="There is no account 'Apex-9'"):
        replay("--account", "Apex-9")
    with pytest.raises(CommandError, match="'yesterday' is not a date such as"):
        replay("--since", "yesterday")


def test_as_json_each_difference_is_a_line_and_the_totals_the_last(account: Account) -> None:
    ctx = make_context()
    row = stored(account, ctx, changed(evaluate_order(ctx), "max_contracts", limit=Decimal(9)))
    stored(account, ctx)
    status, text = replay("--json")
    lines = [json.loads(line) for line in text.splitlines()]
    assert status == 1
    assert lines == [
        {
            "decision": row.pk, "decided_at": "2026-03-04T17:00:00+00:00", "account": "Apex-1", "leg": "entry",
            "differences": [{"what": "max_contracts.limit", "stored": "9", "computed": "10"}],
        },
        {"same": 1, "different": 1, "without_context": 0},
    ]  # fmt: skip


def test_many_decisions_under_the_same_terms_read_them_once(account: Account) -> None:
    ctx = make_context(terms=make_terms(max_contracts=7))
    for _ in range(5):
        stored(account, ctx)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        replay()
    assert len(queries) == 2  # the decisions with their accounts, the terms
