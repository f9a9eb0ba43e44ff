"""`enqueue_execution_task_for_entry`: the durable task is a Signal, stored once, for the default source."""

import math
from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django_q.models import OrmQ

from execution.decoding import Undecodable
from execution.intake import Conflict, enqueue_execution_task_for_entry
from execution.models import Signal, SignalChunk
from execution.router import ExecutionRouter
from tests.make import make_account, make_program, make_route, make_source

pytestmark = pytest.mark.django_db

ENTRY: dict[str, Any] = {
    "trade_id": "T-1", "direction": "long", "entry_price": 20_000.25, "stop_loss": 19_990.0,
    "session": "NY AM", "bias": "Bullish", "contracts": 2,
}  # fmt: skip


def enqueue(**changes: Any) -> Signal:
    return enqueue_execution_task_for_entry(**{**ENTRY, **changes})


@pytest.fixture
def source() -> Any:
    return make_source()


def test_the_payload_keeps_the_contracts_dict_and_the_signals_id(source: Any) -> None:
    signal = enqueue()
    assert signal.task_payload() == {
        "kind": "ENTRY", "direction": "long", "entry_price": 20_000.25, "stop_loss": 19_990.0,
        "session": "NY AM", "bias": "Bullish", "contracts": 2, "signal_id": signal.pk,
    }  # fmt: skip


def test_the_task_is_a_stored_signal_in_nq_for_the_source(source: Any) -> None:
    signal = Signal.objects.get(pk=enqueue().pk)
    assert (signal.source, signal.symbol, signal.family, signal.trade_id) == (source, "NQ", "NQ", "T-1")
    assert (signal.entry_price, signal.stop_loss) == (Decimal("20000.25"), Decimal(19_990))
    assert signal.has_entry
    assert not signal.has_exit


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("long", "long"),
        ("short", "short"),
        ("buy", "long"),
        ("sell", "short"),
        ("LONG", "long"),
        ("Sell", "short"),
    ],
)
def test_the_direction_is_long_or_short(source: Any, given: str, kept: str) -> None:
    assert enqueue(direction=given).task_payload()["direction"] == kept


@pytest.mark.parametrize("bias", [None, ""])
def test_bias_falls_back_to_the_direction(source: Any, bias: str | None) -> None:
    assert enqueue(direction="short", bias=bias).task_payload()["bias"] == "short"


@pytest.mark.parametrize("field", ["entry_price", "stop_loss", "session"])
def test_what_is_not_given_is_none(source: Any, field: str) -> None:
    assert enqueue(**{field: None}).task_payload()[field] is None


@pytest.mark.parametrize(
    ("contracts", "kept", "size"),
    [
        (2, 2, "given"), ("3", 3, "given"), (3.0, 3, "given"), (Decimal(4), 4, "given"),
        (None, None, "absent"), ("", None, "absent"), (2.5, None, "unusable"),
        ("2.5", None, "unusable"), (0, None, "unusable"),
        (-1, None, "unusable"), (True, None, "unusable"), ("many", None, "unusable"),
        (math.nan, None, "unusable"), (math.inf, None, "unusable"), (10**9, None, "unusable"),
    ],
)  # fmt: skip
def test_contracts_that_are_no_whole_number_are_missing_never_cut(
    source: Any, contracts: Any, kept: int | None, size: str
) -> None:
    """Missing and unusable differ: only an absent size may fall back to the route's."""
    signal = enqueue(contracts=contracts)
    assert signal.task_payload()["contracts"] == kept
    assert signal.size == size


def test_contracts_may_be_left_out(source: Any) -> None:
    without = {key: value for key, value in ENTRY.items() if key != "contracts"}
    assert enqueue_execution_task_for_entry(**without).task_payload()["contracts"] is None


def test_the_arguments_may_be_given_in_their_order(source: Any) -> None:
    signal = enqueue_execution_task_for_entry("T-2", "short", 20_000, 20_010, "LONDON", "Bearish", 1)
    assert (signal.trade_id, signal.direction, signal.bias, signal.contracts) == (
        "T-2",
        "short",
        "Bearish",
        1,
    )


# --- once ---------------------------------------------------------------------------------------------


def test_the_trade_id_is_the_idempotency_key(source: Any) -> None:
    make_route(source, make_account(program=make_program()))
    first, again = enqueue(), enqueue()
    assert first == again
    assert (Signal.objects.count(), SignalChunk.objects.count(), OrmQ.objects.count()) == (1, 1, 1)


def test_another_trade_id_is_another_trade_whatever_it_says(source: Any) -> None:
    assert enqueue(trade_id="T-1") != enqueue(trade_id="T-2")
    assert Signal.objects.count() == 2


def test_the_same_trade_id_with_other_content_is_a_conflict(source: Any) -> None:
    first = enqueue()
    with pytest.raises(Conflict) as conflict:
        enqueue(stop_loss=19_980.0)
    assert (conflict.value.trade_id, conflict.value.signal) == ("T-1", first)
    assert Signal.objects.count() == 1


# --- for whom -----------------------------------------------------------------------------------------


def test_without_a_name_the_only_enabled_source_is_meant() -> None:
    make_source("old", is_enabled=False)
    only = make_source("tv")
    assert enqueue().source == only


def test_a_name_chooses_between_several(settings: Any) -> None:
    make_source("first")
    second = make_source("second")
    settings.DEFAULT_SOURCE = "second"
    assert enqueue().source == second


@pytest.mark.parametrize(
    ("sources", "named"),
    [
        ({}, ""), ({"a": False}, ""), ({"a": True, "b": True}, ""), ({"a": True}, "b"), ({"a": False}, "a"),
        ({}, "a"),
    ],
    ids=[
        "there is none", "the only one is switched off", "two and no name", "the name of none",
        "the named one is switched off", "a name and no source",
    ],
)  # fmt: skip
def test_without_a_clear_source_the_error_says_what_to_set(
    settings: Any, sources: dict[str, bool], named: str
) -> None:
    for name, is_enabled in sources.items():
        make_source(name, is_enabled=is_enabled)
    settings.DEFAULT_SOURCE = named
    with pytest.raises(ImproperlyConfigured, match="PROPGUARD_DEFAULT_SOURCE"):
        enqueue()
    assert not Signal.objects.exists()


def test_fields_that_can_not_be_used_are_all_named_at_once(source: Any) -> None:
    with pytest.raises(Undecodable) as refused:
        enqueue(direction="sideways", entry_price=math.nan, stop_loss=-1)
    assert {error.field for error in refused.value.errors} == {"action", "entry_price", "stop_loss"}
    assert not Signal.objects.exists()


def test_every_account_that_follows_the_source_is_decided_for_by_the_router(source: Any) -> None:
    program = make_program()
    for label in ("Apex-1", "Apex-2"):
        make_route(source, make_account(label, program))
    results = ExecutionRouter().run_comprehensive_enforcement(enqueue().task_payload())
    assert [(result["account"], result["allowed"]) for result in results] == [
        ("Apex-1", True),
        ("Apex-2", True),
    ]
