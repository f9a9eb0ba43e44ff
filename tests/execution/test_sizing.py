"""How large an account's order is. One NQ of the default alert stands to lose 220 (41 ticks x $5 = 205, two
ticks of slippage = 10, commissions both ways = 5), one MNQ 26.50 (20.50 + 1 + 5)."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from enforcement.decision import Outcome
from enforcement.explain import explain
from enforcement.instruments import BUILT_IN
from execution import sizing
from execution.models import Decision, NewsEvent, Order, SignalSource
from execution.order_state import OrderStatus
from firms.models import Account, NewsRule
from firms.services import raise_flag
from tests.execution.make import (
    accept_alert,
    close_signal,
    decide,
    entry_signal,
    held,
    make_follower,
    make_order,
    open_exits,
    route,
)
from tests.make import NOON, make_program, make_source

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


@pytest.fixture
def source() -> SignalSource:
    return make_source()


def by_equity(share: str, **more: Any) -> dict[str, Any]:
    return {"sizing": "share_of_equity", "risk_share": Decimal(share), **more}


def by_room(share: str, **more: Any) -> dict[str, Any]:
    return {"sizing": "share_of_room", "risk_share": Decimal(share), **more}


def decided(source: SignalSource, columns: dict[str, Any], daily_loss: int = 1000, **alert: Any) -> Decision:
    program = make_program(daily_loss=daily_loss, anchor="highest_close")
    make_follower(source=source, route=columns, program=program)
    [decision] = decide(entry_signal(source, **alert))
    return decision


def notes(decision: Decision) -> list[str]:
    return [finding.code for finding in decision.findings if finding.rule == "sizing"]


def words(decision: Decision) -> list[str]:
    return [explain(finding) for finding in decision.findings if finding.rule == "sizing"]


# --- the wish -----------------------------------------------------------------------------------------

WISHES: dict[str, tuple[dict[str, Any], Any, str, list[str]]] = {
    "as sent says nothing": ({}, 2, "2", []),
    "fixed": ({"sizing": "fixed", "fixed_size": 3}, 2, "3", ["The route sends 3 contracts, whatever the alert says."]),
    "multiplied": ({"sizing": "multiplier", "multiplier": Decimal("1.5")}, 2, "3", ["2 in the alert times 1.5 makes 3."]),
    "multiplied and rounded down": (
        {"sizing": "multiplier", "multiplier": Decimal("0.75")}, 2, "1", ["2 in the alert times 0.75 makes 1."],
    ),
    "capped": ({"max_size": 1}, 2, "1", ["Cut from 2 to 1: the route sends no more in one order."]),
    "capped to whole contracts": (
        {"max_size": Decimal("1.5")}, 2, "1", ["Cut from 2 to 1: the route sends no more in one order."],
    ),
    "at the cap": ({"max_size": 2}, 2, "2", []),
    "a share of equity": (
        by_equity("0.01"), 9, "2",
        ["1 % of equity is $500.00, one contract stands to lose $220.00: that makes 2."],
    ),
    "a share of equity of exactly three contracts": (
        by_equity("0.0132"), 1, "3",
        ["1.32 % of equity is $660.00, one contract stands to lose $220.00: that makes 3."],
    ),
    "a share of equity, a cent short of three": (
        by_equity("0.013199"), 1, "2",
        ["1.3199 % of equity is $659.95, one contract stands to lose $220.00: that makes 2."],
    ),
    "a share of equity where the alert names no size": (
        by_equity("0.01"), None, "2",
        ["1 % of equity is $500.00, one contract stands to lose $220.00: that makes 2."],
    ),
    "a share of equity, capped": (
        by_equity("0.0132", max_size=1), 9, "1",
        [
            "1.32 % of equity is $660.00, one contract stands to lose $220.00: that makes 3.",
            "Cut from 3 to 1: the route sends no more in one order.",
        ],
    ),
    "a share of the room": (
        by_room("0.5"), 9, "2",
        ["50 % of the room of $1,000.00 is $500.00, one contract stands to lose $220.00: that makes 2."],
    ),
}  # fmt: skip


@pytest.mark.parametrize("row", WISHES.values(), ids=WISHES)
def test_a_size_is_made_and_explained(
    source: SignalSource, row: tuple[dict[str, Any], Any, str, list[str]]
) -> None:
    columns, sent, size, said = row
    decision = decided(source, columns, contracts=sent)
    assert (decision.allowed, decision.quantity, words(decision)) == (True, Decimal(size), said)
    assert (Order.objects.get().quantity, Order.objects.get().risk) == (Decimal(size), Decimal(size) * 220)


def test_the_room_is_net_of_what_may_still_fill(source: SignalSource) -> None:
    """1,000 above the daily floor, 440 reserved: half of 560 is 280, one contract."""
    _, account = make_follower(
        source=source, route=by_room("0.5"), program=make_program(anchor="highest_close")
    )
    make_order(account, status=OrderStatus.ACCEPTED)
    [decision] = decide(entry_signal(source, alert_id="1"))
    assert decision.quantity == 1


def test_the_room_leaves_the_accounts_buffer_alone(source: SignalSource) -> None:
    program = make_program(anchor="highest_close")
    make_follower(source=source, route=by_room("0.5"), program=program, floor_buffer=Decimal(200))
    [decision] = decide(entry_signal(source))
    assert decision.quantity == 1  # half of 800 is 400


def test_a_zero_based_account_risks_a_share_of_its_size(source: SignalSource) -> None:
    program = make_program(starting_balance=Decimal(0), anchor="initial", drawdown=2000)
    make_follower(source=source, route=by_equity("0.01"), program=program)
    [decision] = decide(entry_signal(source))
    assert (decision.quantity, words(decision)) == (
        2, ["1 % of the account's size is $500.00, one contract stands to lose $220.00: that makes 2."],
    )  # fmt: skip


MISSING: dict[str, tuple[dict[str, Any], dict[str, Any], str, str]] = {
    "no stop": (by_equity("0.01"), {"stop_loss": None}, "sizing.unknown", "and the stop is not known."),
    "no price": (by_equity("0.01"), {"entry_price": None}, "sizing.unknown", "and the entry price is not known."),
    "an unknown symbol": (
        by_room("0.5"), {"symbol": "WHAT"}, "instrument_allowed.unknown_symbol", "",
    ),
    "a size that can't be used is never replaced": (
        by_equity("0.01"), {"contracts": "2.5"}, "order_shape.size_missing", "no usable number",
    ),
    "a share too small for one": (
        by_equity("0.004"), {}, "sizing.too_small", "0.4 % of equity is $200.00, and a single contract",
    ),
}  # fmt: skip


@pytest.mark.parametrize("row", MISSING.values(), ids=MISSING)
def test_what_is_missing_for_a_size_blocks_and_is_named(
    source: SignalSource, row: tuple[dict[str, Any], dict[str, Any], str, str]
) -> None:
    columns, alert, code, reason = row
    decision = decided(source, columns, **alert)
    assert (decision.allowed, decision.code, Order.objects.count()) == (False, code, 0)
    assert reason in decision.reason


def test_without_a_state_no_share_of_it_can_be_sent(source: SignalSource) -> None:
    from firms.models import AccountState

    _, account = make_follower(source=source, route=by_equity("0.01"))
    AccountState.objects.filter(account=account).delete()
    [decision] = decide(entry_signal(source))
    assert (decision.allowed, decision.breach_type, notes(decision)) == (False, "stale", ["sizing.unknown"])


def test_without_a_floor_there_is_no_room_to_share(source: SignalSource) -> None:
    program = make_program(daily_loss=None, drawdown=None)
    make_follower(source=source, route=by_room("0.5"), program=program)
    [decision] = decide(entry_signal(source))
    assert (decision.allowed, notes(decision)) == (False, ["sizing.unknown"])


def test_a_pause_comes_before_a_size_that_can_not_be_made(source: SignalSource) -> None:
    _, account = make_follower(source=source, route=by_equity("0.01"))
    raise_flag(account)
    [decision] = decide(entry_signal(source, stop_loss=None))
    assert (decision.breach_type, notes(decision)) == ("paused", ["sizing.unknown"])


# --- cut to fit ---------------------------------------------------------------------------------------


def test_what_does_not_fit_is_refused_and_the_size_that_would_is_named(source: SignalSource) -> None:
    """Room for 500: two contracts (440), not four (880)."""
    decision = decided(source, {}, 500, contracts=4)
    assert (decision.allowed, decision.fits, notes(decision)) == (False, 2, [])
    assert decision.reason.endswith("2 would pass.")


def test_it_is_cut_to_the_largest_size_that_passes(source: SignalSource) -> None:
    decision = decided(source, {"cut_to_fit": True}, 500, contracts=4)
    assert (decision.allowed, decision.quantity, decision.risk, decision.fits) == (True, 2, 440, None)
    assert words(decision) == [
        "Cut from 4 to 2, the largest size that passes every rule: 4 was refused by loss floors."
    ]
    assert decision.findings[0].outcome is Outcome.WARN
    order = Order.objects.get()
    assert (order.quantity, order.risk, order.status) == (2, 440, "approved")


def test_where_nothing_fits_nothing_is_cut(source: SignalSource) -> None:
    decision = decided(source, {"cut_to_fit": True}, 220, contracts=4)
    assert (decision.allowed, decision.quantity, decision.fits, notes(decision)) == (False, 4, 0, [])


def test_a_smaller_size_is_no_answer_to_a_pause(source: SignalSource) -> None:
    columns = {"cut_to_fit": True, "mini_to_micro": True}
    _, account = make_follower(source=source, route=columns, program=make_program(daily_loss=500))
    raise_flag(account)
    [decision] = decide(entry_signal(source, contracts=4))
    assert (decision.allowed, decision.breach_type, decision.symbol, decision.quantity) == (
        False, "paused", "NQ1!", 4,
    )  # fmt: skip


# --- mini to micro ------------------------------------------------------------------------------------


def test_where_not_one_mini_passes_the_same_in_micros_does(source: SignalSource) -> None:
    """Half of one NQ is five MNQ: 5 x 26.50 = 132.50."""
    columns = {"sizing": "multiplier", "multiplier": Decimal("0.5"), "mini_to_micro": True}
    decision = decided(source, columns, contracts=1)
    order = Order.objects.get()
    assert (decision.allowed, decision.symbol, decision.quantity, decision.risk) == (
        True,
        "MNQ",
        5,
        Decimal("132.50"),
    )
    assert (order.symbol, order.family, order.quantity, order.risk) == ("MNQ", "NQ", 5, Decimal("132.50"))
    assert words(decision) == [
        "1 in the alert times 0.5 makes 0.",
        "Not one NQ passes (refused by order shape): 5 MNQ instead of 0.5 NQ.",
    ]


def test_micros_are_cut_only_where_cutting_is_on(source: SignalSource) -> None:
    """Room for 200: no NQ (220), not ten MNQ (265), but seven (185.50)."""
    decision = decided(source, {"mini_to_micro": True}, 200, contracts=1)
    assert (decision.allowed, decision.symbol, decision.quantity, decision.fits) == (False, "MNQ", 10, 7)
    assert decision.reason.endswith("7 would pass.")


def test_micros_are_cut_to_fit_too(source: SignalSource) -> None:
    decision = decided(source, {"mini_to_micro": True, "cut_to_fit": True}, 200, contracts=1)
    assert (decision.allowed, decision.symbol, decision.quantity, decision.risk) == (
        True,
        "MNQ",
        7,
        Decimal("185.50"),
    )
    assert notes(decision) == ["sizing.to_micros", "sizing.cut"]
    assert Order.objects.get().quantity == 7


def test_as_long_as_one_mini_passes_nothing_becomes_micros(source: SignalSource) -> None:
    decision = decided(source, {"mini_to_micro": True}, 500, contracts=4)
    assert (decision.allowed, decision.symbol, decision.fits) == (False, "NQ1!", 2)


def test_where_not_even_a_micro_passes_the_minis_refusal_stands(source: SignalSource) -> None:
    decision = decided(source, {"mini_to_micro": True, "cut_to_fit": True}, 20, contracts=1)
    assert (decision.allowed, decision.symbol, decision.fits, notes(decision)) == (False, "NQ1!", 0, [])


def test_a_share_too_small_for_a_mini_is_computed_anew_in_micros(source: SignalSource) -> None:
    """0.4 % of 50,000 is 200: no NQ, seven MNQ at 26.50 each."""
    decision = decided(source, by_equity("0.004", mini_to_micro=True))
    assert (decision.allowed, decision.symbol, decision.quantity) == (True, "MNQ", 7)
    assert words(decision) == [
        "0.4 % of equity is $200.00, one contract stands to lose $26.50: that makes 7.",
        "Not one NQ passes (refused by sizing): 7 MNQ instead of 0 NQ.",
    ]


def test_the_routes_largest_size_holds_for_micros_as_it_is(source: SignalSource) -> None:
    columns = {"sizing": "multiplier", "multiplier": Decimal("0.5"), "mini_to_micro": True, "max_size": 2}
    decision = decided(source, columns, contracts=1)
    assert (decision.symbol, decision.quantity) == ("MNQ", 2)
    assert notes(decision) == ["sizing.multiplied", "sizing.to_micros", "sizing.capped"]


def test_around_a_release_that_shuts_minis_out_micros_go(source: SignalSource) -> None:
    program = make_program(anchor="highest_close")
    NewsRule.objects.create(
        program=program, events="CPI", before_seconds=300, after_seconds=300, max_micros=20
    )
    NewsEvent.objects.create(name="US CPI", at=NOON + timedelta(minutes=2))
    make_follower(source=source, route={"mini_to_micro": True}, program=program)
    [decision] = decide(entry_signal(source, contracts=2))
    assert (decision.allowed, decision.symbol, decision.quantity) == (True, "MNQ", 20)


def test_a_micro_on_a_coarser_tick_is_rounded_away_from_the_risk(source: SignalSource) -> None:
    """6E ticks by 0.00005, M6E by 0.0001: 1.10005 becomes 1.1001, the stop 1.09805 becomes 1.0980."""
    columns = {"sizing": "multiplier", "multiplier": Decimal("0.5"), "mini_to_micro": True}
    decision = decided(
        source, columns, symbol="6E1!", entry_price="1.10005", stop_loss="1.09805", contracts=1
    )
    assert (decision.symbol, decision.entry_price, decision.stop_loss) == (
        "M6E",
        Decimal("1.1001"),
        Decimal("1.0980"),
    )


def test_an_exit_closes_what_was_opened_in_micros(source: SignalSource) -> None:
    columns = {"sizing": "multiplier", "multiplier": Decimal("0.5"), "mini_to_micro": True}
    _, account = make_follower(source=source, route=columns, program=make_program(anchor="highest_close"))
    route(entry_signal(source, contracts=1))
    assert held(account, "MNQ") == 5
    route(close_signal(source))
    assert (held(account, "MNQ"), open_exits(account)) == (0, [])


MICROS: list[tuple[str, str | None, int]] = [
    ("NQ", "MNQ", 10), ("ES", "MES", 10), ("CL", "MCL", 10), ("GC", "MGC", 10), ("RTY", "M2K", 10), ("6E", "M6E", 10),
    ("SI", "SIL", 5),  # 5,000 oz and 1,000 oz
    ("QM", "MCL", 5),  # 500 barrels and 100
    ("BTC", "MBT", 10),  # 5 and 0.1: by weight, a fifth of the money
    ("MNQ", None, 0), ("ZB", None, 0), ("EURUSD", None, 0),
]  # fmt: skip


@pytest.mark.core
@pytest.mark.parametrize(("mini", "micro", "number"), MICROS)
def test_so_many_micros_stand_for_a_mini(mini: str, micro: str | None, number: int) -> None:
    own, found = BUILT_IN[mini], sizing._micro_of(BUILT_IN[mini])
    assert (found and found.symbol) == micro
    assert found is None or sizing._micros_in(own, found) == number


# --- against a position -------------------------------------------------------------------------------


def long_by_risk(source: SignalSource) -> Account:
    _, account = make_follower(
        source=source, route=by_equity("0.01"), program=make_program(anchor="highest_close")
    )
    route(accept_alert(source, alert_id="in").signal)
    assert held(account) == 2
    return account


@pytest.mark.parametrize(
    "alert", [{"stop_loss": None}, {"stop_loss": "20400"}], ids=["no stop", "a wide stop"]
)
def test_an_alert_against_the_position_closes_it_even_where_no_size_can_be_made(
    source: SignalSource, alert: dict[str, Any]
) -> None:
    account = long_by_risk(source)
    route(entry_signal(source, action="sell", alert_id="out", **alert))
    assert (held(account), open_exits(account)) == (0, [])


def test_half_of_the_senders_position_is_half_of_the_accounts(source: SignalSource) -> None:
    """The sender goes from 8 to 4, the account holds 2 by its own risk: 1 is left."""
    account = long_by_risk(source)
    route(
        accept_alert(
            source, action="sell", contracts=4, market_position="long", market_position_size=4,
            prev_market_position="long", prev_market_position_size=8, alert_id="half",
        ).signal
    )  # fmt: skip
    assert (held(account), open_exits(account)) == (1, [])
