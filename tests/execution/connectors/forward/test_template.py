"""Bodies: filled by type, escaped by the encoder, and nothing but the fixed fields."""

import json
from decimal import Decimal
from typing import Any

import pytest

from execution.connectors.forward.presets import PRESETS, TEXT
from execution.connectors.forward.template import Unfillable, Values, check, fill_json, fill_text

pytestmark = pytest.mark.core

VALUES: Values = {
    "ticker": "NQ1!", "action": "buy", "quantity": Decimal("2.0000"), "price": Decimal("20000.2500000000"),
    "stop": Decimal("19990"), "target": Decimal("20020.25"), "id": "pg-1-2", "time": "2026-03-04T17:00:00.000Z",
    "account": "APEX-1", "secret": "tok", "symbol": "NQ",
}  # fmt: skip
HOSTILE = '"},"action":"sell","x":{"y":"'


def filled(template: str, **values: Any) -> Any:
    return json.loads(fill_json(template, {**VALUES, **values}))


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        pytest.param('{"q": "{{quantity}}"}', {"q": 2}, id="a whole number is a number"),
        pytest.param('{"p": "{{price}}"}', {"p": 20000.25}, id="a price is a number"),
        pytest.param('{"t": "{{ticker}}"}', {"t": "NQ1!"}, id="a word is a word"),
        pytest.param('{"t": "pg {{ticker}} {{quantity}}"}', {"t": "pg NQ1! 2"}, id="inside a text it is text"),
        pytest.param('{"t": "{{ ticker }}"}', {"t": "NQ1!"}, id="spaces inside the braces"),
        pytest.param('{"a": 0, "b": false, "c": null, "d": []}', {"a": 0, "b": False, "c": None, "d": []}, id="the rest stays"),
        pytest.param('{"a": [{"q": "{{quantity}}"}]}', {"a": [{"q": 2}]}, id="in lists"),
        pytest.param('{"{{ticker}}": 1}', {"{{ticker}}": 1}, id="keys are never filled"),
    ],
)  # fmt: skip
def test_json_is_filled_by_type(template: str, expected: Any) -> None:
    assert filled(template) == expected


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        pytest.param('{"a": 1, "t": "{{target}}"}', {"a": 1}, id="at the top, its line goes"),
        pytest.param('{"a": 1, "t": {"type": "limit", "p": "{{target}}"}}', {"a": 1}, id="nested, its object goes"),
        pytest.param('{"a": 1, "l": [{"p": "{{target}}"}, 2]}', {"a": 1, "l": [2]}, id="in a list, its item goes"),
        pytest.param('{"a": 1, "l": [{"p": "{{target}}"}]}', {"a": 1}, id="and the list with the last one"),
        pytest.param('{"a": 1, "t": "at {{target}}"}', {"a": 1}, id="inside a text"),
    ],
)  # fmt: skip
def test_what_there_is_none_of_takes_its_surroundings_with_it(template: str, expected: Any) -> None:
    assert filled(template, target=None) == expected


@pytest.mark.parametrize("field", ["ticker", "action", "account", "secret", "id", "symbol"])
def test_no_value_becomes_structure(field: str) -> None:
    assert filled(f'{{"a": 1, "v": "{{{{{field}}}}}"}}', **{field: HOSTILE}) == {"a": 1, "v": HOSTILE}
    assert filled(f'{{"v": "x{{{{{field}}}}}"}}', **{field: HOSTILE}) == {"v": "x" + HOSTILE}


def test_a_value_that_looks_like_a_field_is_not_filled_again() -> None:
    assert filled('{"a": "{{account}} x"}', account="{{secret}}") == {"a": "{{secret}} x"}
    with pytest.raises(Unfillable):
        fill_text("a={{account}};", {**VALUES, "account": "{{secret}}"})


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "123456789012345678.123"], ids=str)
def test_a_number_that_json_does_not_keep_is_not_sent(number: str) -> None:
    with pytest.raises(Unfillable):
        filled('{"p": "{{price}}"}', price=Decimal(number))


@pytest.mark.parametrize("name", ["ticker", "action", "quantity", "id", "secret"])
def test_what_an_order_can_t_lack_stops_it(name: str) -> None:
    for value in (None, ""):
        with pytest.raises(Unfillable, match=name):
            filled(f'{{"v": "{{{{{name}}}}}"}}', **{name: value})


@pytest.mark.parametrize(
    ("template", "is_json"),
    [
        ("[]", True), ("{", True), ("", True), ('{"a": NaN', True), ('"{{ticker}}"', True), ('{"a": "{{price"}', True),
        ('{"a": "{{password}}"}', True), ('{"a": "{{ticker.__class__}}"}', True), ("{{settings}}", False),
        ("a={{ticker", False), ("{% debug %}{{x}}", False),
    ],
)  # fmt: skip
def test_a_template_that_could_never_be_filled_is_refused(template: str, is_json: bool) -> None:
    with pytest.raises(Unfillable):
        check(template, is_json=is_json)


CROSSTRADE = PRESETS["crosstrade"].entry


def test_text_is_filled_part_by_part() -> None:
    assert fill_text(CROSSTRADE, VALUES).decode() == (
        "key=tok;command=PLACE;account=APEX-1;instrument=NQ1!;action=buy;qty=2;order_type=MARKET;tif=DAY;"
        "stop_loss=19990;take_profit=20020.25;"
    )
    without = fill_text(CROSSTRADE, {**VALUES, "target": None}).decode()
    assert without.endswith("stop_loss=19990;")


@pytest.mark.parametrize(
    "character", [";", "\n", "\r", "\t", "\x00", "|", ",", "&", "{", '"', "<", "\u2028", "é"], ids=ascii
)
def test_a_value_that_could_end_its_field_is_refused(character: str) -> None:
    with pytest.raises(Unfillable, match="account"):
        fill_text(CROSSTRADE, {**VALUES, "account": f"Sim101{character}command=FLATTENEVERYTHING"})


@pytest.mark.parametrize("name", PRESETS)
def test_every_presets_messages_can_be_filled(name: str) -> None:
    preset = PRESETS[name]
    fill = fill_text if preset.media_type == TEXT else fill_json
    for text in (preset.entry, preset.flat, preset.test):
        check(text, is_json=preset.media_type != TEXT)
        for values in (VALUES, {**VALUES, "target": None, "price": None}):
            body = fill(text, values)
            assert b"{{" not in body
    assert b"19990" in fill(preset.entry, VALUES)  # the stop leaves with the entry, always
