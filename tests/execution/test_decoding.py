"""What an alert means. The decoder table of design/orders.md, row by row, and every field's edges."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from execution.decoding import Meaning, Undecodable, decode
from execution.templates import TEMPLATES

pytestmark = pytest.mark.core

STRATEGY = TEMPLATES["strategy"]


def read(body: dict[str, Any], template: str = "canonical", symbol: str = "") -> Meaning:
    return decode(body, TEMPLATES[template], symbol)


def refused(body: dict[str, Any], template: str = "canonical", symbol: str = "") -> dict[str, str]:
    """Every field error at once: field → code."""
    with pytest.raises(Undecodable) as caught:
        read(body, template, symbol)
    assert all(error.message for error in caught.value.errors)
    return {error.field: error.code for error in caught.value.errors}


def said(
    action: str, contracts: int | None, before: tuple[str | None, int | None], after: tuple[str, int | None]
) -> dict[str, Any]:
    """A strategy's message: the order, the position before it, the position after it."""
    values = {
        "ticker": "NQ1!", "action": action, "contracts": contracts, "prev_market_position": before[0],
        "prev_market_position_size": before[1], "market_position": after[0], "market_position_size": after[1],
    }  # fmt: skip
    return {name: value for name, value in values.items() if value is not None}


# --- the decoder table --------------------------------------------------------------------------------

FLAT, UNSAID = ("flat", 0), (None, None)
LONG, SHORT = "long", "short"

# (action, contracts, before, after) → (kind, direction, size of the entry leg, target, position before)
TABLE = {
    "flat to long is an entry": (("buy", 2, FLAT, (LONG, 2)), ("entry", LONG, 2, None)),
    "flat to short is an entry": (("sell", 2, FLAT, (SHORT, 2)), ("entry", SHORT, 2, None)),
    "the position before unsaid: an entry": (("buy", 2, UNSAID, (LONG, 2)), ("entry", LONG, 2, None)),
    "a sell that ends a long is an exit": (("sell", 2, (LONG, 2), FLAT), ("exit", None, None, 0)),
    "a buy that ends a short is an exit": (("buy", 3, (SHORT, 3), FLAT), ("exit", None, None, 0)),
    "to flat from nobody knows where": (("sell", 2, UNSAID, FLAT), ("exit", None, None, 0)),
    "to flat without any size": (("sell", None, (LONG, None), ("flat", None)), ("exit", None, None, 0)),
    "long 2 to short 2: a reversal, 2 to open": (("sell", 4, (LONG, 2), (SHORT, 2)), ("reverse", SHORT, 2, 0)),
    "short 2 to long 1: a reversal, 1 to open": (("buy", 3, (SHORT, 2), (LONG, 1)), ("reverse", LONG, 1, 0)),
    "a reversal by the order and the old size": (("sell", 5, (LONG, 2), (SHORT, None)), ("reverse", SHORT, 3, 0)),
    "a reversal by the new size alone": (("sell", None, (LONG, None), (SHORT, 3)), ("reverse", SHORT, 3, 0)),
    "a reversal without any size": (("buy", None, (SHORT, None), (LONG, None)), ("reverse", LONG, None, 0)),
    "long 4 to long 1: an exit down to 1": (("sell", 3, (LONG, 4), (LONG, 1)), ("exit", None, None, 1)),
    "short 4 to short 1: an exit down to -1": (("buy", 3, (SHORT, 4), (SHORT, 1)), ("exit", None, None, -1)),
    "smaller, the rest reckoned": (("sell", 3, (LONG, 4), (LONG, None)), ("exit", None, None, 1)),
    "a sell that leaves a long": (("sell", 3, UNSAID, (LONG, 1)), ("exit", None, None, 1)),
    "long 1 to long 3: pyramiding, 2 more": (("buy", 2, (LONG, 1), (LONG, 3)), ("entry", LONG, 2, None)),
    "short 1 to short 3: pyramiding, 2 more": (("sell", 2, (SHORT, 1), (SHORT, 3)), ("entry", SHORT, 2, None)),
    "the position before follows from the sizes: 2 more": (("buy", 2, UNSAID, (LONG, 5)), ("entry", LONG, 2, None)),
    "the position before follows from the sizes: a reversal": (
        ("buy", 3, UNSAID, (LONG, 1)), ("reverse", LONG, 1, 0),
    ),
    "a close beats whatever stands beside it": (("close", 2, (LONG, 2), FLAT), ("exit", None, None, 0)),
}  # fmt: skip


@pytest.mark.parametrize("row", TABLE.values(), ids=TABLE)
def test_the_position_decides_what_an_order_means(row: tuple[Any, Any]) -> None:
    message, (kind, direction, entry_contracts, target) = row
    meaning = read(said(*message), "strategy")
    assert (meaning.kind, meaning.direction, meaning.entry_contracts, meaning.position_target) == (
        kind, direction, entry_contracts, target,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("message", "before"),
    [
        (("sell", 3, (LONG, 4), (LONG, 1)), 4),
        (("buy", 3, (SHORT, 4), (SHORT, 1)), -4),
        (("sell", 4, (LONG, 2), (SHORT, 2)), 2),
        (("sell", 2, (LONG, 2), FLAT), 2),
        (("buy", 2, (SHORT, 2), FLAT), -2),
        (("sell", 2, UNSAID, FLAT), None),
        (("sell", None, (LONG, None), ("flat", None)), None),
    ],
    ids=["long 4", "short 4", "of a reversal", "long 2 to flat", "short 2 to flat", "unsaid", "size unsaid"],
)
def test_the_position_before_is_kept_in_its_own_size(message: Any, before: int | None) -> None:
    assert read(said(*message), "strategy").position_before == before


@pytest.mark.parametrize(
    ("action", "kind", "direction"),
    [
        ("buy", "entry", "long"),
        ("long", "entry", "long"),
        ("sell", "entry", "short"),
        ("short", "entry", "short"),
        (" BUY ", "entry", "long"),
        ("close", "exit", None),
    ],
)
def test_without_a_position_the_action_decides(action: str, kind: str, direction: str | None) -> None:
    meaning = read({"action": action, "symbol": "NQ1!", "contracts": 2})
    assert (meaning.kind, meaning.direction) == (kind, direction)
    assert meaning.position_target == (0 if kind == "exit" else None)


CONTRADICTIONS = {
    "a buy can't flatten a long": ("buy", 2, (LONG, 2), FLAT),
    "a sell can't flatten a short": ("sell", 2, (SHORT, 2), FLAT),
    "a buy can't make a long a short": ("buy", 4, (LONG, 2), (SHORT, 2)),
    "a sell can't make a short a long": ("sell", 4, (SHORT, 2), (LONG, 2)),
    "a buy can't open a short": ("buy", 2, FLAT, (SHORT, 2)),
    "a sell can't open a long": ("sell", 2, FLAT, (LONG, 2)),
    "a buy can't make a long smaller": ("buy", 1, (LONG, 2), (LONG, 1)),
    "a sell can't leave a long as it is": ("sell", 1, (LONG, 2), (LONG, 2)),
    "a sell can't make a long larger": ("sell", 1, (LONG, 2), (LONG, 3)),
    "3 contracts don't lead from flat to long 2": ("buy", 3, FLAT, (LONG, 2)),
    "3 contracts don't lead from long 1 to long 3": ("buy", 3, (LONG, 1), (LONG, 3)),
    "3 contracts don't lead from long 2 to short 2": ("sell", 3, (LONG, 2), (SHORT, 2)),
    "1 contract can't turn long 2 into a short": ("sell", 1, (LONG, 2), (SHORT, None)),
    "2 contracts only flatten a long of 2": ("sell", 2, (LONG, 2), (SHORT, None)),
    "5 contracts can't leave a long of 2 long": ("sell", 5, (LONG, 2), (LONG, None)),
}


@pytest.mark.parametrize("message", CONTRADICTIONS.values(), ids=CONTRADICTIONS)
def test_a_contradiction_is_refused(message: Any) -> None:
    assert refused(said(*message), "strategy") == {"market_position": "contradiction"}


def test_a_smaller_position_of_unknown_size_is_refused_by_the_field_that_is_missing() -> None:
    message = said("sell", None, (LONG, None), (LONG, None))
    assert refused(message, "strategy") == {"market_position_size": "contradiction"}


def test_a_direction_that_says_the_opposite_of_the_action_is_refused() -> None:
    assert refused({"action": "buy", "direction": "short", "symbol": "NQ"}) == {"direction": "contradiction"}
    assert read({"action": "buy", "direction": "long", "symbol": "NQ"}).direction == "long"


def test_a_direction_alone_is_the_action() -> None:
    assert read({"direction": "short", "symbol": "NQ"}).direction == "short"


def test_every_error_is_told_at_once() -> None:
    body = {"action": "hold", "symbol": "N Q?", "entry_price": "NaN", "stop_loss": "-1", "session": "x" * 65}
    assert refused(body) == {
        "action": "unknown_action",
        "symbol": "invalid_symbol",
        "entry_price": "invalid_price",
        "stop_loss": "negative_price",
        "session": "too_long",
    }


# --- messages that ask for no order -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("template", "body"),
    [
        ("canonical", {"action": "ping"}),
        ("traderspost", {"ticker": "NQ1!", "action": "cancel"}),
        ("pickmytrade", {"symbol": "NQ1!", "data": "buy", "quantity": 1, "update_sl": True, "sl": 19990}),
        ("pickmytrade", {"symbol": "NQ1!", "data": "buy", "quantity": 1, "update_tp": True}),
    ],
    ids=["a ping needs no symbol", "TradersPost cancels", "a stop is moved", "a target is moved"],
)
def test_a_message_without_an_order_is_a_note(template: str, body: dict[str, Any]) -> None:
    meaning = read(body, template)
    assert (meaning.kind, meaning.direction, meaning.position_target) == ("note", None, None)


# --- sizes --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "contracts", "state"),
    [
        ({"contracts": 3}, 3, "given"),
        ({"contracts": "3"}, 3, "given"),
        ({"contracts": "3.0"}, 3, "given"),
        ({"contracts": Decimal("3.0")}, 3, "given"),
        ({"contracts": " 3 "}, 3, "given"),
        ({"quantity": 3}, 3, "given"),
        ({"contracts": "", "quantity": 3}, 3, "given"),
        ({"contracts": None, "quantity": 3}, 3, "given"),
        ({"contracts": 3, "quantity": "3"}, 3, "given"),
        ({"contracts": 1_000_000}, 1_000_000, "given"),
        ({}, None, "absent"),
        ({"contracts": ""}, None, "absent"),
        ({"contracts": None}, None, "absent"),
        ({"contracts": Decimal("2.5")}, None, "unusable"),
        ({"contracts": "2.5"}, None, "unusable"),
        ({"contracts": "abc"}, None, "unusable"),
        ({"contracts": "{{strategy.order.contracts}}"}, None, "unusable"),
        ({"contracts": True}, None, "unusable"),
        ({"contracts": -2}, None, "unusable"),
        ({"contracts": "-2"}, None, "unusable"),
        ({"contracts": 0}, None, "unusable"),
        ({"contracts": [3]}, None, "unusable"),
        ({"contracts": "٣"}, None, "unusable"),
        ({"contracts": 1_000_001}, None, "unusable"),
        ({"contracts": 99_999_999_999}, None, "unusable"),
        ({"contracts": 2, "quantity": 3}, None, "unusable"),
        ({"contracts": 2, "quantity": "abc"}, None, "unusable"),
    ],
    ids=str,
)
def test_a_size_is_given_absent_or_unusable(
    fields: dict[str, Any], contracts: int | None, state: str
) -> None:
    meaning = read({"action": "buy", "symbol": "NQ", **fields})
    assert (meaning.contracts, meaning.size, meaning.entry_contracts) == (contracts, state, contracts)


def test_an_exit_needs_no_usable_size() -> None:
    meaning = read({"action": "close", "symbol": "NQ", "contracts": "abc"})
    assert (meaning.kind, meaning.position_target) == ("exit", 0)


@pytest.mark.parametrize("size", ["2.5", "abc", True, {}], ids=str)
def test_a_position_size_that_is_no_whole_number_is_refused_where_it_is_needed(size: Any) -> None:
    message = {**said("sell", 3, (LONG, 4), (LONG, None)), "market_position_size": size}
    assert refused(message, "strategy")["market_position_size"] == "invalid_size"


def test_the_sign_of_a_position_size_does_not_matter_its_side_stands_beside_it() -> None:
    assert read(said("buy", 3, (SHORT, -4), (SHORT, -1)), "strategy").position_target == -1
    message = {**said("buy", 3, (SHORT, 4), (SHORT, 1)), "market_position_size": "-1"}
    assert read(message, "strategy").position_target == -1


# --- prices -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "price"),
    [
        ("20000.25", "20000.25"),
        (Decimal("20000.25"), "20000.25"),
        (20000, "20000"),
        (" 20000.25 ", "20000.25"),
        ("2.00e4", "20000"),
        ("0.65120000000000", "0.6512"),
        (0, "0"),
        ("", None),
        (None, None),
    ],
    ids=str,
)
def test_a_price_is_a_decimal_number_however_it_is_written(sent: Any, price: str | None) -> None:
    meaning = read({"action": "buy", "symbol": "NQ", "entry_price": sent, "stop_loss": sent})
    wanted = None if price is None else Decimal(price)
    assert (meaning.entry_price, meaning.stop_loss) == (wanted, wanted)


@pytest.mark.parametrize(
    "sent",
    [True, [], {}, "NaN", "sNaN", "Infinity", "-inf", "null", "1,5", "1/2", "$20000", "0x10", "1_000", ".", "e5", "1e-400", 10**14, "1e99", "٢٠"],
    ids=str,
)  # fmt: skip
def test_what_is_no_price_is_refused(sent: Any) -> None:
    assert refused({"action": "buy", "symbol": "NQ", "entry_price": sent}) == {"entry_price": "invalid_price"}


def test_a_negative_price_is_refused() -> None:
    body = {"action": "buy", "symbol": "CL", "entry_price": "-37.63", "stop_loss": -40, "target": "-1"}
    assert set(refused(body).values()) == {"negative_price"}


@pytest.mark.parametrize("name", ["take_profit", "target"])
def test_a_target_has_two_names(name: str) -> None:
    assert read({"action": "buy", "symbol": "NQ", name: 20050}).target == 20050


# --- symbols, ids, texts, times -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "symbol"),
    [("nq1!", "NQ1!"), (" CME_MINI:NQ1! ", "CME_MINI:NQ1!"), ("MNQ 12-26", "MNQ 12-26"), ("EUR/USD", "EUR/USD")],
)  # fmt: skip
def test_a_symbol_is_written_in_capitals(sent: str, symbol: str) -> None:
    assert read({"action": "buy", "symbol": sent}).symbol == symbol


@pytest.mark.parametrize(
    "sent", [["NQ"], 7, True, "N" * 33, "NQ1!\u202e", "+cmd|' /C calc'!A0", "{% debug %}", "NQ\n", "ＮＱ"], ids=repr
)  # fmt: skip
def test_what_is_no_symbol_is_refused(sent: Any) -> None:
    if sent == "NQ\n":
        assert read({"action": "buy", "symbol": sent}).symbol == "NQ"  # a stray line end is no contradiction
    else:
        assert refused({"action": "buy", "symbol": sent}) == {"symbol": "invalid_symbol"}


def test_a_missing_symbol_is_refused_unless_the_source_names_one() -> None:
    assert refused({"action": "buy"}) == {"symbol": "required"}
    assert read({"action": "buy"}, symbol="MNQ1!").symbol == "MNQ1!"


@pytest.mark.parametrize("name", ["alert_id", "trade_id", "signal_id", "id"])
def test_an_alert_id_has_several_names(name: str) -> None:
    assert read({"action": "buy", "symbol": "NQ", name: " A-1 "}).trade_id == "A-1"


def test_an_id_may_be_a_whole_number() -> None:
    assert read({"action": "buy", "symbol": "NQ", "id": 17}).trade_id == "17"


def test_the_strategys_order_id_is_no_alert_id() -> None:
    """`{{strategy.order.id}}` is the same text ("Long") at every entry."""
    assert read({"action": "buy", "symbol": "NQ", "order_id": "Long"}).trade_id == ""


@pytest.mark.parametrize("sent", [True, [], "x" * 121, "a\nb", "a\x00", " "], ids=repr)
def test_what_can_be_no_id_is_refused(sent: Any) -> None:
    assert refused({"action": "buy", "symbol": "NQ", "alert_id": sent}) == {"alert_id": "invalid_id"}


@pytest.mark.parametrize(("sent", "code"), [([], "invalid_text"), (7, "invalid_text"), ("a\x07", "invalid_text"), ("\udfff", "invalid_text"), ("x" * 65, "too_long")], ids=repr)  # fmt: skip
@pytest.mark.parametrize("name", ["session", "bias"])
def test_what_can_not_be_a_session_or_bias_is_refused(name: str, sent: Any, code: str) -> None:
    assert refused({"action": "buy", "symbol": "NQ", name: sent}) == {name: code}


HALF_PAST_TWO = datetime(2026, 1, 5, 14, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("sent", "moment"),
    [
        ("2026-01-05T14:30:00Z", HALF_PAST_TWO),
        ("2026-01-05T09:30:00-05:00", HALF_PAST_TWO),
        ("2026-01-05T14:30:00", HALF_PAST_TWO),
        (1767623400, HALF_PAST_TWO),
        ("1767623400", HALF_PAST_TWO),
        (1767623400000, HALF_PAST_TWO),
        ("2026-02-30T10:00:00Z", None),
        ("now", None),
        (-1, None),
        (True, None),
        ([], None),
        ("9" * 400, None),
    ],
    ids=lambda value: str(value)[:24],
)
def test_an_alerts_own_time_is_read_or_left_out_never_refused(sent: Any, moment: datetime | None) -> None:
    assert read({"action": "buy", "symbol": "NQ", "time": sent}).alert_time == moment


def test_the_moment_of_sending_counts_before_the_bars_opening() -> None:
    body = {
        "action": "buy",
        "symbol": "NQ",
        "time": "2026-01-05T14:00:00Z",
        "timenow": "2026-01-05T14:30:00Z",
    }
    assert read(body).alert_time == HALF_PAST_TWO


# --- the templates of reference/reliability.md §1.4 ---------------------------------------------------


def test_template_1_propguards_own_message() -> None:
    meaning = read(
        {
            "secret": "s", "action": "buy", "symbol": "NQ1!", "entry_price": "20000.25", "stop_loss": "19990",
            "session": "NY AM", "contracts": "2", "bias": "Bullish",
        }
    )  # fmt: skip
    assert meaning == Meaning(
        kind="entry", action="buy", symbol="NQ1!", direction="long", entry_price=Decimal("20000.25"),
        stop_loss=Decimal(19990), session="NY AM", bias="Bullish", contracts=2, size="given", entry_contracts=2,
    )  # fmt: skip


def strategy_message(**fields: Any) -> dict[str, Any]:
    """Template 2 with the placeholders filled in by TradingView: everything is text."""
    return {
        "secret": "s", "ticker": "MNQ1!", "action": "buy", "contracts": "2", "price": "20000.25",
        "market_position": "long", "prev_market_position": "flat", "market_position_size": "2",
        "prev_market_position_size": "0", "order_id": "Long", "time": "2026-01-05T14:30:00Z", **fields,
    }  # fmt: skip


def test_template_2_a_strategy_opens() -> None:
    meaning = read(strategy_message(), "strategy")
    assert (meaning.kind, meaning.symbol, meaning.direction, meaning.entry_contracts) == (
        "entry",
        "MNQ1!",
        "long",
        2,
    )
    assert (meaning.entry_price, meaning.alert_time, meaning.trade_id) == (
        Decimal("20000.25"),
        HALF_PAST_TWO,
        "",
    )


def test_template_2_a_strategys_sell_that_ends_a_long_is_an_exit() -> None:
    message = strategy_message(
        action="sell", market_position="flat", market_position_size="0",
        prev_market_position="long", prev_market_position_size="2", order_id="TP",
    )  # fmt: skip
    meaning = read(message, "strategy")
    assert (meaning.kind, meaning.position_target, meaning.direction) == ("exit", 0, None)


def test_template_2_a_strategy_reverses() -> None:
    message = strategy_message(
        action="buy", contracts="3", market_position="long", market_position_size="1",
        prev_market_position="short", prev_market_position_size="2",
    )  # fmt: skip
    meaning = read(message, "strategy")
    assert (meaning.kind, meaning.direction, meaning.entry_contracts, meaning.position_before) == (
        "reverse", "long", 1, -2,
    )  # fmt: skip


def traderspost(**fields: Any) -> dict[str, Any]:
    return {
        "ticker": "NQ1!",
        "action": "buy",
        "quantity": "2",
        "price": "20000.25",
        "interval": "5",
        **fields,
    }


def test_template_4_traderspost() -> None:
    meaning = read(traderspost(sentiment="bullish", time="2026-01-05T14:30:00Z"), "traderspost")
    assert (meaning.kind, meaning.direction, meaning.contracts, meaning.entry_price) == (
        "entry", "long", 2, Decimal("20000.25"),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "kind", "direction"),
    [
        ({"action": "exit"}, "exit", None),
        ({"action": "exit", "sentiment": "flat"}, "exit", None),
        ({"action": "sell", "sentiment": "flat"}, "exit", None),
        ({"action": "sell", "sentiment": "bearish"}, "entry", "short"),
        ({"action": "sell", "sentiment": "short"}, "entry", "short"),
        ({"action": "add", "sentiment": "bullish"}, "entry", "long"),
        ({"action": "add", "sentiment": "bearish"}, "entry", "short"),
        ({"signalPrice": "20001", "price": None}, "entry", "long"),
    ],
    ids=str,
)
def test_template_4_traderspost_actions(fields: dict[str, Any], kind: str, direction: str | None) -> None:
    meaning = read(traderspost(**fields), "traderspost")
    assert (meaning.kind, meaning.direction) == (kind, direction)


def test_template_4_an_add_needs_the_side_it_adds_to() -> None:
    assert refused(traderspost(action="add"), "traderspost") == {"market_position": "required"}


def test_template_4_bearish_after_a_buy_is_a_contradiction() -> None:
    assert "contradiction" in refused(traderspost(sentiment="bearish"), "traderspost").values()


def test_template_5_traderspost_with_exits() -> None:
    body = traderspost(
        orderType="market", quantityType="fixed_quantity", takeProfit={"limitPrice": "20050"},
        stopLoss={"type": "stop", "stopPrice": 19990}, timeInForce="day", extras={"id": "T-9"},
    )  # fmt: skip
    meaning = read(body, "traderspost")
    assert (meaning.stop_loss, meaning.target, meaning.trade_id) == (Decimal(19990), Decimal(20050), "T-9")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("orderType", "limit"),
        ("orderType", "stop"),
        ("quantityType", "percent_of_equity"),
        ("quantityType", "dollar_amount"),
        ("quantityType", "risk_dollar_amount"),
    ],
)
def test_template_5_what_would_be_another_order_than_ours_is_refused(field: str, value: str) -> None:
    assert refused(traderspost(**{field: value}), "traderspost") == {field: "unsupported"}


@pytest.mark.parametrize(
    "stop", [{"percent": 1}, {"amount": "50"}, {"type": "trailing_stop", "trailAmount": 5}], ids=str
)
def test_template_5_a_stop_in_a_form_that_can_not_be_used_refuses_the_entry_and_no_exit(stop: Any) -> None:
    """It would leave without the stop its sender relies on."""
    assert "unsupported" in refused(traderspost(stopLoss=stop), "traderspost").values()
    assert read(traderspost(action="exit", stopLoss=stop), "traderspost").kind == "exit"


def test_template_5_words_may_be_written_in_capitals() -> None:
    assert read(traderspost(orderType="Market"), "traderspost").kind == "entry"


def pickmytrade(**fields: Any) -> dict[str, Any]:
    return {
        "symbol": "NQ1!", "date": "2026-01-05T14:30:00Z", "data": "buy", "quantity": 2, "risk_percentage": 0,
        "price": "20000.25", "tp": 0, "percentage_tp": 0, "dollar_tp": 0, "sl": "19990", "dollar_sl": 0,
        "percentage_sl": 0, "trail": 0, "update_tp": False, "update_sl": False, "token": "t",
        "duplicate_position_allow": True, "reverse_order_close": True,
        "multiple_accounts": [{"token": "t", "account_id": "A", "quantity_multiplier": 1}], **fields,
    }  # fmt: skip


def test_template_6_pickmytrade() -> None:
    meaning = read(pickmytrade(), "pickmytrade")
    assert (meaning.kind, meaning.direction, meaning.contracts, meaning.alert_time) == (
        "entry", "long", 2, HALF_PAST_TWO,
    )  # fmt: skip
    assert (meaning.stop_loss, meaning.target) == (Decimal(19990), None)  # a zero means "none"


def test_template_6_pickmytrade_closes() -> None:
    meaning = read(pickmytrade(data="close", sl=0, price="0"), "pickmytrade")
    assert (meaning.kind, meaning.position_target, meaning.entry_price) == ("exit", 0, None)


@pytest.mark.parametrize("field", ["dollar_sl", "percentage_sl", "trail"])
def test_template_6_a_stop_that_is_no_price_refuses_the_entry(field: str) -> None:
    assert refused(pickmytrade(**{field: 50}), "pickmytrade") == {field: "unsupported"}


def test_template_6_a_close_that_also_moves_a_stop_is_a_close() -> None:
    assert read(pickmytrade(data="close", update_sl="true"), "pickmytrade").kind == "exit"
    assert read(pickmytrade(data="buy", update_sl="true"), "pickmytrade").kind == "note"


def nested(**strategy: Any) -> dict[str, Any]:
    """Template 16: the snapshot shape of many tutorials."""
    return {
        "passphrase": "s", "time": "2026-01-05T14:30:00Z", "ticker": "NQ1!",
        "bar": {"open": "19999", "close": "20000.25"},
        "strategy": {"order_action": "buy", "order_contracts": "2", "market_position": "long", **strategy},
    }  # fmt: skip


def test_template_16_a_nested_snapshot() -> None:
    meaning = read(nested(stop_loss="19990"), "nested")
    assert (meaning.kind, meaning.direction, meaning.contracts) == ("entry", "long", 2)
    assert (meaning.entry_price, meaning.stop_loss) == (Decimal("20000.25"), Decimal(19990))
    assert read(nested(order_price="20001"), "nested").entry_price == Decimal(20001)


def test_template_16_a_nested_sell_to_flat_is_an_exit() -> None:
    meaning = read(nested(order_action="sell", market_position="flat"), "nested")
    assert (meaning.kind, meaning.position_target) == ("exit", 0)


def test_a_path_through_something_that_is_no_object_finds_nothing() -> None:
    body = {**nested(), "strategy": "buy"}
    assert refused(body, "nested") == {"action": "required"}


def test_a_sources_own_mapping_takes_the_place_of_the_templates() -> None:
    mapped = STRATEGY._replace(paths={**STRATEGY.paths, "stop_loss": ("plot.stop",), "contracts": ("qty",)})
    body = {**strategy_message(market_position_size="1"), "qty": "1", "plot": {"stop": "19990"}}
    meaning = decode(body, mapped)
    assert (meaning.contracts, meaning.stop_loss) == (1, Decimal(19990))
