"""What is at stake: an order's worst case, open positions, reservations, contracts in minis."""

from decimal import Decimal
from typing import Any

import pytest

from enforcement.exposure import (
    contracts_held,
    mini_equivalents,
    open_risk,
    order_risk,
    position_risk,
    stop_loss_money,
    weight_in,
)
from enforcement.orders import Side
from enforcement.program import ProductLimit
from tests.enforcement.make import (
    BARE,
    ES,
    EURUSD,
    GER40,
    MNQ,
    NQ,
    SIL,
    Number,
    make_context,
    make_guard,
    make_intent,
    make_position,
    make_terms,
    make_working,
)

pytestmark = pytest.mark.core


def test_the_loss_at_the_stop_is_ticks_times_tick_value_times_contracts() -> None:
    assert stop_loss_money(NQ, Decimal(20_000), Decimal(19_990), Decimal(2)) == 400
    assert stop_loss_money(NQ, Decimal(19_990), Decimal(20_000), Decimal(2)) == 400


ORDERS: list[Any] = [
    pytest.param({}, {}, "430", id="2 NQ: 2 x (200 at the stop + 10 slippage + 5 commission)"),
    pytest.param({"side": "sell", "stop_loss": 20_010}, {}, "430", id="a short loses as much"),
    pytest.param({"quantity": 1}, {}, "215", id="one contract"),
    pytest.param({}, {"slippage_ticks": 0}, "410", id="no slippage allowance"),
    pytest.param({}, {"commission_per_side": 0}, "420", id="no commission"),
    pytest.param({"instrument": MNQ}, {}, "52", id="2 MNQ: 2 x (20 + 1 + 5)"),
    pytest.param(
        {"instrument": ES, "entry_price": 6000, "stop_loss": 5995}, {}, "560", id="2 ES: 2 x (250 + 25 + 5)"
    ),
    pytest.param(
        {"stop_loss": None}, {"no_stop_ticks": 100}, "1030", id="no stop: 100 ticks assumed, 2 x (500 + 15)"
    ),
    pytest.param({"stop_loss": None}, {}, None, id="no stop, nothing assumed: no bound"),
    pytest.param({"stop_loss": None, "entry_price": None}, {"no_stop_ticks": 100}, None, id="no price"),
    pytest.param({"entry_price": None}, {}, None, id="a stop but no price"),
    pytest.param({"commission": 7}, {}, "427", id="the order's own commission: 400 + 20 + 7"),
    pytest.param({"commission": 0}, {}, "420", id="a commission of nothing is known as well"),
    pytest.param({"quantity": None}, {}, None, id="no size"),
    pytest.param({"instrument": None}, {}, None, id="no known instrument"),
]


@pytest.mark.parametrize(("intent", "guard", "loss"), ORDERS)
def test_an_orders_worst_case(intent: dict[str, Any], guard: dict[str, Any], loss: str | None) -> None:
    assert order_risk(make_intent(**intent), make_guard(**guard)) == (None if loss is None else Decimal(loss))


POSITIONS: list[Any] = [
    pytest.param(1, {}, {}, "212.50", id="long 1: 200 to the stop + 10 slippage + 2.50 to close"),
    pytest.param(-1, {"stop": 20_010}, {}, "212.50", id="short 1"),
    pytest.param(3, {}, {}, "637.50", id="three of them"),
    pytest.param(1, {"price": 20_100}, {}, "2212.50", id="in profit: the open profit is at stake as well"),
    pytest.param(1, {"stop": 20_000}, {}, "12.50", id="stop at the mark"),
    pytest.param(1, {"price": 19_980}, {}, "12.50", id="beyond its stop: not a gain"),
    pytest.param(-1, {"price": 20_020, "stop": 20_010}, {}, "12.50", id="a short beyond its stop"),
    pytest.param(1, {"stop": None}, {"no_stop_ticks": 100}, "512.50", id="no stop: the assumed distance"),
    pytest.param(-2, {"stop": None}, {"no_stop_ticks": 100}, "1025.00", id="two shorts without a stop"),
    pytest.param(1, {"stop": None}, {}, None, id="no stop, nothing assumed: no bound"),
    pytest.param(1, {"price": None}, {"no_stop_ticks": 100}, None, id="a stop, but the mark is not known"),
]


@pytest.mark.parametrize(("quantity", "position", "guard", "loss"), POSITIONS)
def test_an_open_positions_worst_case(
    quantity: Number, position: dict[str, Any], guard: dict[str, Any], loss: str | None
) -> None:
    risk = position_risk(make_position(quantity, **position), make_guard(**guard))
    assert risk == (None if loss is None else Decimal(loss))


def test_open_risk_adds_positions_and_reservations() -> None:
    positions, working = [make_position(1)], [make_working(1, "215"), make_working(2, "430")]
    assert open_risk(positions, working, make_guard()) == Decimal("857.50")
    assert open_risk([], [], make_guard()) == 0


def test_one_position_without_a_bound_makes_the_whole_unbounded() -> None:
    assert open_risk([make_position(1), make_position(1, stop=None)], [make_working()], make_guard()) is None


def test_longs_and_shorts_do_not_net_their_stops() -> None:
    positions = [make_position(1), make_position(-1, instrument=ES, price=6000, stop=6005)]
    assert open_risk(positions, [], BARE) == 200 + 250


def test_contracts_count_in_minis_over_everything_held_and_working() -> None:
    positions = [make_position(2), make_position(-1, instrument=ES), make_position(5, instrument=MNQ)]
    working = [make_working(3, instrument=MNQ), make_working(1)]
    totals = contracts_held(positions, working)
    assert totals == [(NQ, 2), (ES, 1), (MNQ, 5), (MNQ, 3), (NQ, 1)]
    assert mini_equivalents(totals, make_terms()) == 3 + 1 + Decimal("0.8")
    assert mini_equivalents(contracts_held([], []), make_terms()) == 0


SELL: dict[str, Any] = {"side": "sell", "stop_loss": 20_010}
NETTED: list[Any] = [
    pytest.param(3, {"quantity": 2}, 5, id="more of the same"),
    pytest.param(3, {"quantity": 2, **SELL}, 1, id="less of it"),
    pytest.param(3, {"quantity": 3, **SELL}, 0, id="none of it"),
    pytest.param(3, {"quantity": 7, **SELL}, 4, id="stop and reverse: what is left on the other side"),
    pytest.param(-3, {"quantity": 7}, 4, id="from short to long"),
]


@pytest.mark.parametrize(("held", "intent", "left"), NETTED)
def test_positions_of_one_symbol_net_with_an_order(held: int, intent: dict[str, Any], left: int) -> None:
    assert contracts_held([make_position(held)], [], make_intent(**intent)) == [(NQ, left)]


def test_a_working_order_counts_in_full_whichever_side_it_is_on() -> None:
    working = [make_working(2, side=Side.SELL)]
    assert contracts_held([make_position(3)], working, make_intent(quantity=1)) == [(NQ, 4), (NQ, 2)]


def test_two_positions_of_one_symbol_are_one() -> None:
    assert contracts_held([make_position(3), make_position(-1)], []) == [(NQ, 2)]


def limit(product: str, weight: str | None) -> ProductLimit:
    return ProductLimit(product=product, weight=None if weight is None else Decimal(weight))


WEIGHTS: list[Any] = [
    pytest.param({}, "0.1", id="the instrument's own"),
    pytest.param({"micro_weight": "0.5"}, "0.5", id="the program's for micros"),
    pytest.param({"product_limits": (limit("metals", "1"),)}, "1", id="the program's for the group"),
    pytest.param(
        {"product_limits": (limit("metals", "1"), limit("SIL", "0.2"))},
        "0.2",
        id="for the symbol before that",
    ),
    pytest.param(
        {"product_limits": (limit("SIL", None),), "micro_weight": "0.5"}, "0.5", id="a cap is no weight"
    ),
    pytest.param(
        {"product_limits": (limit("SIL", "0.2"),), "micro_weight": "0.5"},
        "0.2",
        id="a product's before micros'",
    ),
]


@pytest.mark.parametrize(("terms", "weight"), WEIGHTS)
def test_what_a_contract_counts_as_by_the_program(terms: dict[str, Any], weight: str) -> None:
    assert weight_in(make_terms(**terms), SIL) == Decimal(weight)
    assert weight_in(make_terms(micro_weight="0.5"), NQ) == 1, "a mini is no micro"


def test_the_context_projects_equity_to_every_stop() -> None:
    ctx = make_context(positions=(make_position(1),), working=(make_working(1, 215),))
    assert ctx.open_risk == Decimal("427.50")
    assert ctx.order_risk == 430
    assert ctx.projected_equity == Decimal("49142.50")


@pytest.mark.parametrize(
    "fields",
    [
        {"state": None},
        {"stop_loss": None},
        {"positions": (make_position(1, stop=None),)},
        {"instrument": GER40},
        {"positions": (make_position(1, instrument=GER40),)},
    ],
    ids=["no equity", "no stop", "an open position without one", "an order in euros", "a position in euros"],
)
def test_what_has_no_bound_has_no_projection(fields: dict[str, Any]) -> None:
    assert make_context(**fields).projected_equity is None


def test_half_a_cent_is_real_money() -> None:
    intent = make_intent(instrument=EURUSD, quantity="0.01", entry_price="1.10000", stop_loss="1.09999")
    assert order_risk(intent, BARE) == Decimal("0.01")
