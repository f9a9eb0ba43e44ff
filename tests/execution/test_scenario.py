"""`manage.py scenario`: reads CSV and JSON, says all that is wrong at once, prints a table, draws a picture."""

import json
import sys
from collections.abc import Callable
from decimal import Decimal
from io import StringIO
from pathlib import Path
from types import ModuleType
from typing import Any
from xml.etree import ElementTree

import pytest
from django.core.management import CommandError, call_command

from enforcement.account import CashFlow
from enforcement.floors import LossFloor
from enforcement.instruments import find
from enforcement.orders import Side
from enforcement.program import GuardPolicy
from enforcement.scenario import Fill, Look, Mark, MoveStop, Order, Payout
from execution.scenario_file import EVENTS, UnreadableFile, read_csv, read_json
from execution.scenario_table import floor_names
from tests.enforcement.make import NQ, daily_floor, make_floor, static_floor, trailing_floor
from tests.make import make_program

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = sorted((ROOT / "examples").iterdir())
SVG = "{http://www.w3.org/2000/svg}"
RULE = {
    "starting_balance": 50000, "currency": "USD", "max_contracts": {"mini": 10},
    "drawdown": {"type": "trailing_intraday", "amount": 2500, "breach_when": "<="},
    "daily_loss": {
        "amount": 1000, "basis": "balance", "severity": "soft", "breach_when": "<=", "reset_time": "18:00",
        "timezone": "America/New_York",
    },
}  # fmt: skip
TEN = "2026-03-04T10:00:00-05:00"
HEADER = (
    "at,event,balance,equity,symbol,side,quantity,price,entry,stop,target,amount,commission,session,note\n"
)


def row(event: str, at: str = TEN, **fields: Any) -> dict[str, Any]:
    return {"at": at, "event": event, **fields}


ORDER = row("order", symbol="NQ1!", side="buy", quantity=2, entry=20_000, stop=19_990)


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., str]:
    """A JSON file with the stock rules, a program of 50,000 with floors at 49,000 and 47,500."""

    def write(*rows: dict[str, Any], name: str = "scenario.json", **parts: Any) -> str:
        path = tmp_path / name
        path.write_text(json.dumps({"rule": RULE, **parts, "timeline": rows}, indent=1))
        return str(path)

    return write


def scenario(*arguments: str) -> str:
    out = StringIO()
    call_command("scenario", *arguments, stdout=out)
    return out.getvalue()


def problems_of(read: Callable[..., object], text: str) -> list[str]:
    with pytest.raises(UnreadableFile) as caught:
        read(text, find)
    return [str(problem) for problem in caught.value.problems]


# --- reading ------------------------------------------------------------------------------------------


@pytest.mark.core
def test_every_kind_of_row_is_read_from_csv() -> None:
    text = HEADER + "\n".join([
        f"{TEN},mark,50000,49990.5,,,,,,,,,,,the day begins",
        f"{TEN},Mark,,,NQ,,,20000.25,,,,,,,",
        f"{TEN},fill,,,MNQZ6,SELL,3,20000,,20010,,,1.5,,",
        f"{TEN},stop,,,NQ,,,,,19990,,,,,",
        f"{TEN},stop,,,NQ,,,,,,,,,,taken away",
        "",
        f"{TEN},order,,,NQ1!,buy,2,,20000,19990,20040,,,NY AM,",
        f"{TEN},exit,,,NQ1!,sell,2,,,,,,,,",
        f"{TEN},payout_requested,,,,,,,,,,500,,,",
        f"{TEN},payout,,,,,,,,,,500,,,",
        f"{TEN},look,,,,,,,,,,,,,",
    ])  # fmt: skip
    rows = read_csv(text, find).rows
    assert [(row.line, row.note) for row in rows if row.note] == [(2, "the day begins"), (6, "taken away")]
    mark, price, fill, stop, no_stop, order, leave, asked, paid, look = (row.event for row in rows)
    at = mark.at
    assert at.isoformat() == "2026-03-04T15:00:00+00:00"
    assert mark == Mark(at=at, balance=Decimal(50_000), equity=Decimal("49990.5"))
    assert price == Mark(at=at, prices={NQ: Decimal("20000.25")})
    assert isinstance(fill, Fill)
    assert (fill.instrument.symbol, fill.quantity, fill.stop, fill.commission) == (
        "MNQ",
        -3,
        20_010,
        Decimal("1.5"),
    )
    assert stop == MoveStop(at=at, instrument=NQ, stop=Decimal(19_990))
    assert no_stop == MoveStop(at=at, instrument=NQ, stop=None)
    assert isinstance(order, Order)
    assert (order.intent.instrument, order.intent.side, order.intent.target) == (NQ, Side.BUY, 20_040)
    assert (order.intent.session, order.intent.reduces) == ("NY AM", False)
    assert isinstance(leave, Order)
    assert (leave.intent.reduces, leave.intent.entry_price) == (True, None)
    assert asked == Payout(at=at, flow=CashFlow.PAYOUT_REQUESTED, amount=Decimal(500))
    assert paid == Payout(at=at, flow=CashFlow.PAYOUT_PAID, amount=Decimal(500))
    assert look == Look(at=at)


@pytest.mark.core
def test_json_says_the_same_and_what_it_runs_against() -> None:
    news = [{"name": "CPI", "at": "2026-03-04T13:30:00+00:00"}]
    data = {
        "rule": RULE, "guard": {"slippage_ticks": 0, "floor_buffer": 12.5}, "news": news, "live": True,
        "timeline": [row("mark", equity=49990.5), row("mark", equity="49990.50")],
    }  # fmt: skip
    found = read_json(json.dumps(data), find)
    assert found.guard == GuardPolicy(slippage_ticks=Decimal(0), floor_buffer=Decimal("12.5"))
    assert found.terms is not None
    assert [floor.kind.value for floor in found.terms.floors] == ["drawdown", "daily_loss"]
    assert (found.around.news or ())[0].name == "CPI"
    assert found.around.live is True
    assert {row.event.equity for row in found.rows if isinstance(row.event, Mark)} == {Decimal("49990.5")}


@pytest.mark.core
def test_a_list_of_rows_is_a_timeline_without_rules() -> None:
    found = read_json(json.dumps([row("look")]), find)
    assert (found.terms, len(found.rows)) == (None, 1)


@pytest.mark.core
def test_all_that_is_wrong_with_a_table_is_said_at_once() -> None:
    text = HEADER + "\n".join([
        f"{TEN},mark,50000,fifty,,,,,,,,,,,",
        "2026-03-04T10:00:00,order,,,NQ1!,long,two,,20000,19990,,,,,",
        ",fill,,,XX,buy,0,20000,,,,,-1,,",
        "2026-03-04T09:59:59-05:00,trade,,,,,,,,,,,,,",
        f"{TEN},mark,,,NQ,,,,,,,,,,,one,too,many",
        f"{TEN},look,1,,,,,,,,,,,,",
        f"{TEN},mark,,,,,,,,,,,,,",
        f"{TEN},fill,,,,,,,,,,,,,",
        "yesterday,look,,,,,,,,,,,,,",
        "1999-03-04T10:00:00Z,payout,,,,,,,,,,1E+20,,,",
    ])  # fmt: skip
    assert problems_of(read_csv, text) == [
        "line 2: equity: 'fifty' is not a number",
        "line 3: at: '2026-03-04T10:00:00' has no offset: 2026-09-14T09:30:00-04:00, or Z for UTC",
        "line 3: quantity: 'two' is not a number",
        "line 3: side: 'long' is not buy or sell",
        "line 4: at: it is missing",
        "line 4: commission: -1 is below 0",
        "line 4: quantity: 0 is not above 0",
        "line 4: symbol: 'XX' is not known",
        "line 5: at: it is earlier than the row before",
        "line 5: event: 'trade' is not one of mark, fill, stop, order, exit, payout_requested, payout, look",
        "line 6: 18 cells under 15 columns",
        "line 6: price: symbol and price belong together",
        "line 7: balance: a look has none",
        "line 8: balance: a mark says balance, equity, or symbol and price",
        "line 9: price: a fill needs it",
        "line 9: quantity: a fill needs it",
        "line 9: side: a fill needs it",
        "line 9: symbol: a fill needs it",
        "line 10: at: 'yesterday' is not a time such as 2026-09-14T09:30:00-04:00",
        "line 11: amount: '1E+20' is not a number",
        "line 11: at: '1999-03-04T10:00:00Z' is out of range",
    ]


@pytest.mark.core
@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("", ["line 1: at: the column is missing", "line 1: event: the column is missing"]),
        ("at,event,equty,at\n", ["line 1: at: the column is there twice", "line 1: equty: there is no such column"]),
        ("at,event\n\n", ["line 1: timeline: there are no rows"]),
    ],
)  # fmt: skip
def test_a_table_needs_its_header(text: str, problems: list[str]) -> None:
    assert problems_of(read_csv, text) == problems


@pytest.mark.core
def test_all_that_is_wrong_with_json_is_said_with_its_line() -> None:
    text = """{
 "guard": {"slippage_ticks": true, "leverage": 1},
 "terms": {"firm": "X", "number": 1, "currency": "USD", "starting_balance": 1, "size": 1,
   "day": {"zone": "Mars/Base", "reset": "17:00"},
   "floors": [
     {"kind": "drawdown", "anchor": "initial", "consequence": "hard",
      "amount": "abc"}]},
 "news": [{"name": "CPI", "at": "2026-03-04T13:30:00"}],
 "live": "yes",
 "colour": 1,
 "timeline": [
   {"at": "2026-03-04T09:35:00-05:00", "event": "mark", "blance": 1},
   5,
   {"at": "2026-03-04T09:35:00-05:00", "event": "fill", "symbol": "NQ", "side": "buy",
    "quantity": true, "price": NaN}
 ]
}"""
    assert problems_of(read_json, text) == [
        "line 1: colour: there is no such part",
        "line 1: live: true or false is expected",
        "line 1: timeline.1: 5 is not an object",
        "line 2: guard.leverage: GuardPolicy has no such field",
        "line 2: guard.slippage_ticks: True can't be read",
        "line 6: terms.floors.0.amount: 'abc' can't be read",
        "line 6: terms.floors.0.boundary: it is missing",
        "line 8: news.0.at: it has no offset",
        "line 12: balance: a mark says balance, equity, or symbol and price",
        "line 12: blance: there is no such field",
        "line 14: price: 'NaN' is not a number",
        "line 14: quantity: True is not a number",
    ]


@pytest.mark.core
@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('[\n{"at":\n', "line 3: not JSON: Expecting value"),
        ("3", "line 1: timeline: a list of rows is expected"),
        ('{"timeline": {}}', "line 1: timeline: a list of rows is expected"),
        ('{"news": {}, "timeline": []}', "line 1: news: a list of releases is expected"),
        ('{"rule": {}, "terms": {}, "timeline": []}', "line 1: rule: either rule or terms, not both"),
        ('{"rule": {"drawdown": {"type": "fast"}}, "timeline": []}', "line 1: rule: "),
    ],
)
def test_other_json_is_no_scenario(text: str, problem: str) -> None:
    assert any(said.startswith(problem) for said in problems_of(read_json, text))


# --- the table ----------------------------------------------------------------------------------------


@pytest.mark.core
def test_floors_room_and_decisions_are_printed_as_they_move(write: Callable[..., str]) -> None:
    file = write(
        row("mark", balance=50_000, equity=50_000, note="Wednesday"), ORDER,
        row("fill", at="2026-03-04T10:00:05-05:00", symbol="NQ", side="buy", quantity=2, price=20_000),
        row("mark", at="2026-03-04T10:30:00-05:00", symbol="NQ", price=20_025),
        row("mark", at="2026-03-04T11:00:00-05:00", equity=48_900),
        {**ORDER, "at": "2026-03-04T11:30:00-05:00"},
        row("fill", at="2026-03-04T12:00:00-05:00", symbol="NQ", side="sell", quantity=2, price=19_975),
        {**ORDER, "at": "2026-03-05T10:00:00-05:00", "quantity": 3},
    )  # fmt: skip
    assert (
        scenario(file)
        == """\
The file's own rules, from $50,000.00. Times are of America/New_York; the day begins at 18:00.

when                 what                                        balance     equity   drawdown  daily loss      room
--------------------------------------------------------------------------------------------------------------------
Wed 04 Mar 10:00     mark                                      50,000.00  50,000.00  47,500.00   49,000.00  1,000.00
                       Wednesday
Wed 04 Mar 10:00     order: buy 2 NQ1! at 20,000, stop 19,990  50,000.00  50,000.00  47,500.00   49,000.00  1,000.00
                       approved, it risks $430.00
                       warning: A favourable run raises the trailing floor of $47,500.00 before the stop is hit: give back no more than the drawdown from the peak.
Wed 04 Mar 10:00:05  fill: buy 2 NQ at 20,000                  50,000.00  50,000.00  47,500.00   49,000.00  1,000.00
Wed 04 Mar 10:30     mark, NQ at 20,025                        50,000.00  51,000.00  48,500.00   49,000.00  2,000.00
Wed 04 Mar 11:00     mark                                      50,000.00  48,900.00  48,500.00   49,000.00   -100.00
                       daily loss floor of 49,000.00 broken by equity of 48,900.00: locked until Wed 04 Mar 18:00
Wed 04 Mar 11:30     order: buy 2 NQ1! at 20,000, stop 19,990  50,000.00  48,900.00  48,500.00   49,000.00   -100.00
                       refused (daily_loss): The account is locked until its next trading day (equity 48,900.00 at 2026-03-04 16:00:00Z, floor 49,000.00).
Wed 04 Mar 12:00     fill: sell 2 NQ at 19,975                 49,000.00  49,000.00  48,500.00   49,000.00      0.00
Wed 04 Mar 18:00     close and reset                           49,000.00  49,000.00  48,500.00   48,000.00    500.00
Thu 05 Mar 10:00     order: buy 3 NQ1! at 20,000, stop 19,990  49,000.00  49,000.00  48,500.00   48,000.00    500.00
                       refused (drawdown): At its stop this order would leave $48,355.00, the drawdown floor is $48,500.00: it risks $645.00 and $500.00 are left. 2 would pass.

3 orders: 1 approved, 2 refused. The account stands, $500.00 above its drawdown floor.
"""
    )


@pytest.mark.core
def test_the_last_line_says_how_it_ended(write: Callable[..., str]) -> None:
    def last(*rows: dict[str, Any]) -> str:
        return scenario(write(*rows)).splitlines()[-1]

    assert last(row("mark", equity=47_000)) == (
        "0 orders: 0 approved, 0 refused. The account failed on Wed 04 Mar 10:00 (drawdown)."
    )
    assert last(row("mark", equity=48_900), ORDER) == (
        "1 order: 0 approved, 1 refused. The account is locked (daily loss)."
    )


@pytest.mark.core
def test_resets_that_move_nothing_are_left_out(write: Callable[..., str]) -> None:
    text = scenario(write(row("look"), row("look", at="2026-04-15T10:00:00-04:00")))
    assert "reset" not in text.split("\n", 1)[1]


@pytest.mark.core
def test_as_json_every_step_is_there_with_its_line(write: Callable[..., str]) -> None:
    file = write(
        row("mark", equity=48_900),
        {**ORDER, "at": "2026-03-04T10:00:01-05:00"},
        row("look", at="2026-03-05T10:00:00-05:00"),
    )
    data = json.loads(scenario(file, "--json"))
    mark, order, reset, look = data["steps"]
    assert [step["event"] for step in (mark, reset, look)] == ["mark", "close and reset", "look"]
    assert (mark["equity"], mark["room"], mark["flags"]) == ("48900", "-100", [])
    assert mark["breaches"] == [
        {"cause": "daily_loss", "hard": False, "level": "49000", "until": "2026-03-04T23:00:00+00:00"}
    ]
    assert mark["floors"][1] == {
        "name": "daily loss", "kind": "daily_loss", "level": "49000", "room": "-100", "binding": True,
    }  # fmt: skip
    decision = order["decision"]
    assert (decision["allowed"], decision["code"], decision["fits"]) == (
        False,
        "trading_state.day_locked",
        "0",
    )
    assert order["flags"] == [{"key": "day_lock", "cause": "daily_loss"}]
    assert (reset["line"], look["decision"]) == (None, None)
    assert json.loads(Path(file).read_text())["timeline"][2]["at"].startswith("2026-03-05")
    assert Path(file).read_text().splitlines()[look["line"] - 1].strip() == "{"


@pytest.mark.core
@pytest.mark.parametrize(
    ("floors", "names"),
    [
        ([daily_floor(), static_floor()], ["daily loss", "drawdown"]),
        ([daily_floor(), daily_floor(500, personal=True)], ["daily loss", "own daily loss"]),
        ([static_floor(), trailing_floor()], ["drawdown, static", "drawdown, trailing"]),
        ([trailing_floor(1), trailing_floor(2), make_floor("drawdown", "highest_close", 3)],
         ["drawdown, trailing (1)", "drawdown, trailing (2)", "drawdown, end of day"]),
    ],
)  # fmt: skip
def test_every_floor_has_a_name_of_its_own(floors: list[LossFloor], names: list[str]) -> None:
    assert list(floor_names(floors).values()) == names


# --- the command --------------------------------------------------------------------------------------


@pytest.mark.core
def test_what_cannot_have_happened_is_said_with_its_line(write: Callable[..., str]) -> None:
    file = write(row("look"), row("stop", symbol="NQ", stop=1))
    with pytest.raises(CommandError, match="line 27: symbol: nothing is held in NQ"):
        scenario(file)


@pytest.mark.core
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["/nowhere.csv"], "can't be read: No such file"),
        ([str(ROOT / "examples/trailing-day.csv")], "names no rules: give --program"),
        ([str(ROOT / "examples/over-midnight.json"), "--plot", "x.gif"], "writes .svg or .png"),
        ([str(ROOT / "examples/over-midnight.json"), "--plot", "/nowhere/x.svg"], "can't be written"),
    ],
)
def test_what_the_command_cannot_do_it_says(arguments: list[str], message: str) -> None:
    with pytest.raises(CommandError, match=message):
        scenario(*arguments)


@pytest.mark.django_db
def test_a_program_of_the_database_takes_the_place_of_the_files_rules(write: Callable[..., str]) -> None:
    make_program("APEX", 7, daily_loss=600)
    text = scenario(write(row("look")), "--program", "apex/7")
    assert text.startswith("APEX/7, from $50,000.00. Times are of America/Chicago")
    assert "49,400.00" in text
    for unknown in ("APEX/8", "APEX", "APEX/x", "7"):
        with pytest.raises(CommandError, match=f"There is no program {unknown}"):
            scenario(write(row("look")), "--program", unknown)


@pytest.mark.django_db
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_the_examples_run(path: Path, tmp_path: Path) -> None:
    make_program("APEX", 1)
    program = ["--program", "APEX/1"] if path.suffix == ".csv" else []
    text = scenario(str(path), *program, "--plot", str(tmp_path / "out.svg"))
    assert "refused (" in text
    assert "approved, it risks" in text


# --- the picture --------------------------------------------------------------------------------------


@pytest.fixture
def picture(write: Callable[..., str], tmp_path: Path) -> ElementTree.Element:
    rows = [
        row("mark", equity=50_000), ORDER, row("mark", at="2026-03-04T10:30:00-05:00", equity=51_000),
        {**ORDER, "at": "2026-03-04T11:00:00-05:00", "quantity": 11},
        row("mark", at="2026-03-05T10:30:00-05:00", equity=48_500),
    ]  # fmt: skip
    out = tmp_path / "out.svg"
    scenario(write(*rows), "--plot", str(out))
    return ElementTree.fromstring(out.read_bytes())


def texts(picture: ElementTree.Element, tag: str = "text") -> list[str]:
    return [element.text or "" for element in picture.iter(f"{SVG}{tag}")]


@pytest.mark.core
def test_the_picture_names_its_lines_and_their_last_values(picture: ElementTree.Element) -> None:
    assert {"equity 48,500.00", "daily loss 49,000.00", "drawdown 48,500.00"} <= set(texts(picture))
    assert {"50,000", "10:00", "Wed 04 Mar", "18:00", "Thu 05 Mar"} <= set(texts(picture))


@pytest.mark.core
def test_every_order_is_marked_with_its_reason_on_hover_and_below(picture: ElementTree.Element) -> None:
    hovers = texts(picture, "title")
    approved, refused = (
        next(text for text in hovers if text.startswith(f"Wed 04 Mar {clock}, order"))
        for clock in ("10:00", "11:00")
    )
    assert approved.endswith("buy 2 NQ1! at 20,000, stop 19,990: approved, it risks $430.00")
    assert "buy 11 NQ1! at 20,000, stop 19,990: refused (contracts):" in refused
    assert any("refused (contracts)" in text for text in texts(picture))
    assert {"1", "2"} <= set(texts(picture))


@pytest.mark.core
def test_a_breach_is_shaded_and_said(picture: ElementTree.Element) -> None:
    assert "failed" in texts(picture)
    assert any("the account has failed" in text for text in texts(picture, "title"))


@pytest.mark.core
def test_the_picture_needs_nothing_from_elsewhere(picture: ElementTree.Element) -> None:
    tags = {element.tag.removeprefix(SVG) for element in picture.iter()}
    assert tags <= {"svg", "title", "rect", "text", "line", "path", "circle", "g"}
    assert not any("href" in name for element in picture.iter() for name in element.attrib)


@pytest.mark.core
def test_everything_stands_inside_the_picture(picture: ElementTree.Element) -> None:
    width, height = (float(picture.attrib[name]) for name in ("width", "height"))
    for element in picture.iter():
        for name, most in (
            ("x", width),
            ("x1", width),
            ("cx", width),
            ("y", height),
            ("cy", height),
            ("y2", height),
        ):
            if name in element.attrib:
                assert 0 <= float(element.attrib[name]) <= most, (element.tag, element.attrib)


@pytest.mark.django_db
def test_a_symbol_nobody_knows_is_asked_and_drawn_as_it_is_written(
    write: Callable[..., str], tmp_path: Path
) -> None:
    out = tmp_path / "out.svg"
    text = scenario(write({**ORDER, "symbol": "<A&B>"}), "--plot", str(out))
    assert "refused (instrument)" in text
    assert any("buy 2 <A&B> at 20,000" in said for said in texts(ElementTree.fromstring(out.read_bytes())))


@pytest.mark.core
def test_a_single_moment_can_be_drawn(write: Callable[..., str], tmp_path: Path) -> None:
    out = tmp_path / "one.svg"
    scenario(write(row("look")), "--plot", str(out))
    assert "equity 50,000.00" in texts(ElementTree.fromstring(out.read_bytes()))


@pytest.mark.core
def test_a_png_needs_a_package_and_says_so_before_anything_else(
    write: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "cairosvg", None)
    with pytest.raises(CommandError, match="pip install cairosvg"):
        scenario(write(row("look")), "--plot", str(tmp_path / "out.png"))


@pytest.mark.core
def test_a_png_is_made_of_the_same_picture(
    write: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = ModuleType("cairosvg")
    package.svg2png = lambda *, bytestring, scale: b"\x89PNG" + bytestring[:4]  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "cairosvg", package)
    scenario(write(row("look")), "--plot", str(tmp_path / "out.png"))
    assert (tmp_path / "out.png").read_bytes() == b"\x89PNG<svg"


@pytest.mark.core
def test_the_format_is_documented_row_by_row() -> None:
    text = (ROOT / "docs/scenario.md").read_text()
    for kind, columns in EVENTS.items():
        line = next(line for line in text.splitlines() if line.startswith(f"| `{kind}` |"))
        assert all(f"`{name}`" in line for name in columns.required + columns.optional), kind
