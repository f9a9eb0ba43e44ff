"""The catalog's files as they are read: filled in by size, and every mistake named at once with its line."""

from decimal import Decimal
from pathlib import Path

import pytest

from firms.catalog_files import CatalogErrors, FirmFile, places, read

pytestmark = pytest.mark.django_db  # constraints are asked of the database

SOUND = """\
[firm]
code = "ACME"
name = "Acme"

[[program]]
name = "Steady {size}"
phase = "evaluation"
last_verified_on = 2026-09-24
weekend = false
source = [
    { url = "https://acme.test/rules", evidence = "confirmed" },
    { term = "day_zone", url = "https://acme.test/rules", evidence = "disputed" },
]

[[program.loss_limit]]
kind = "drawdown"
anchor = "highest_close"

[[program.size]]
number = 101
size = 50000
loss_limit = [{ kind = "drawdown", amount = 2000, lock_at = 50000 }]
example = { drawdown_floor = 48000 }

[[program.size]]
number = 102
size = 2500
starting_balance = 0
loss_limit = [
    { kind = "drawdown", amount = 100.5 },
    { kind = "daily_loss", anchor = "day_start_balance", amount = 50, consequence = "soft" },
]
tier = [{ from_profit = 0, value = 1 }]
example = { drawdown_floor = -100.5, daily_floor = -50 }
"""


def acme(folder: Path, text: str = SOUND) -> FirmFile:
    (folder / "acme.toml").write_text(text)
    return read(folder)[0]


def problems(folder: Path, text: str) -> list[str]:
    with pytest.raises(CatalogErrors) as caught:
        acme(folder, text)
    return [str(problem) for problem in caught.value.problems]


def test_a_size_has_what_all_share_and_its_own(tmp_path: Path) -> None:
    large, small = acme(tmp_path).entries
    assert large.rows["program"]["name"] == "Steady 50K"
    assert large.rows["program"]["starting_balance"] == "50000"
    assert large.rows["program"]["weekend"] == "False"
    assert large.rows["loss_limit drawdown"]["amount"] == "2000"
    assert small.rows["program"]["name"] == "Steady 2.5K"
    assert small.rows["program"]["starting_balance"] == "0"
    assert small.rows["loss_limit drawdown"]["anchor"] == "highest_close"
    assert small.rows["loss_limit drawdown"]["lock_at"] is None
    assert small.rows["loss_limit daily_loss"]["consequence"] == "soft"
    assert small.rows["tier contracts 0"]["value"] == "1"
    assert small.example == {"drawdown_floor": Decimal("-100.5"), "daily_floor": Decimal(-50)}


def test_a_source_was_read_when_the_program_was_verified(tmp_path: Path) -> None:
    source = acme(tmp_path).entries[0].rows["source day_zone https://acme.test/rules"]
    assert (source["read_on"], source["evidence"]) == ("2026-09-24", "disputed")


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        pytest.param('phase = "evaluation"', 'phaze = "evaluation"',
            "acme.toml:7: program.phaze: unknown key, phase is meant?", id="unknown key"),
        pytest.param('phase = "evaluation"', 'phase = "tryout"',
            "acme.toml:7: program.phase: 'tryout' is none of: evaluation, challenge,", id="unknown word"),
        pytest.param("size = 50000", 'size = "50000"',
            "acme.toml:21: program.size.size: '50000' is not a number", id="text for a number"),
        pytest.param("weekend = false", "weekend = 0",
            "acme.toml:9: program.weekend: 0 is not true or false", id="number for a choice"),
        pytest.param("weekend = false", 'day_zone = "Chicago"',
            "acme.toml:9: program.day_zone: 'Chicago' is not a zone of the zone database", id="bad zone"),
        pytest.param("weekend = false", 'day_reset = "17:00"',
            "acme.toml:9: program.day_reset: '17:00' is not a time such as 17:00:00", id="text for a time"),
        pytest.param("weekend = false", "flat_by = 16:59:00",
            "acme.toml:19: program.size: Say in which zone flat-by is meant.", id="flat-by without a zone"),
        pytest.param("weekend = false", "hours_open = 18:00:00",
            "acme.toml:19: program.size: Trading hours need an opening, a close and a zone.", id="half the hours"),
        pytest.param("number = 101\n", "",
            "acme.toml:19: program.size.number: missing", id="no number"),
        pytest.param("number = 102", "number = 101",
            "acme.toml:26: program.size.number: 101 is used twice, first in line 20", id="number used twice"),
        pytest.param("number = 102", "number = 7",
            "acme.toml:26: program.size.number: 7 is not a whole number from 101 on", id="a trader's number"),
        pytest.param("amount = 2000", "amount = -2000",
            "acme.toml:22: program.size.loss_limit.amount: -2000 is negative", id="negative amount"),
        pytest.param("amount = 100.5", "amount = nan",
            "acme.toml:30: program.size.loss_limit.amount: NaN is not a number", id="not a number"),
        pytest.param("amount = 100.5", "amount = 100.50505",
            "acme.toml:30: program.size.loss_limit.amount: 100.50505: Ensure that there are no more than 4",
            id="more than the column holds"),
        pytest.param("amount = 50,", "amount = 50, share = 0.1,",
            "acme.toml:31: program.size.loss_limit: Give either an amount or a share.", id="amount and share"),
        pytest.param('anchor = "highest_close"\n', "",
            "acme.toml:21: program.size.loss_limit.anchor: missing", id="a column that must be given"),
        pytest.param("drawdown_floor = 48000", "drawdown_floor = 47000",
            "acme.toml:23: program.size.example: drawdown_floor: the example says 47000, the rules give 48000",
            id="example against the rules"),
        pytest.param("{ drawdown_floor = 48000 }", "{ drawdown = 48000 }",
            "acme.toml:23: program.size.example.drawdown: unknown key, drawdown_floor is meant?", id="example's key"),
        pytest.param("example = { drawdown_floor = 48000 }\n", "",
            "acme.toml:19: program.size.example: missing: the floors of a fresh account", id="no example"),
        pytest.param('code = "ACME"', 'code = "Acme"',
            "acme.toml:2: firm.code: 'Acme' is not the file's name in capitals and digits", id="firm's code"),
        pytest.param('{ url = "https://acme.test/rules", ev', '{ url = "acme", ev',
            "acme.toml:11: program.source.url: 'acme': Enter a valid URL.", id="address"),
        pytest.param("tier = [{ from_profit = 0, value = 1 }]", "tier = 4",
            "acme.toml:33: program.size.tier: a list of tables is wanted here", id="no list"),
        pytest.param('[firm]', '[[firm',
            "acme.toml:1: TOML: ", id="not TOML at all"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_line_and_key(old: str, new: str, problem: str, tmp_path: Path) -> None:
    assert old in SOUND
    assert problems(tmp_path, SOUND.replace(old, new, 1))[0].startswith(problem)


def test_all_mistakes_are_named_at_once_and_each_once(tmp_path: Path) -> None:
    text = SOUND
    for old, new in (
        ('phase = "evaluation"', 'phaze = "evaluation"'),
        ("weekend = false", "weekend = 0"),
        ("number = 101\n", ""),
        ("amount = 50,", "amount = -50,"),
        ("value = 1", "value = true"),
    ):
        text = text.replace(old, new, 1)
    assert [problem.split(": ")[:2] for problem in problems(tmp_path, text)] == [
        ["acme.toml:7", "program.phaze"],
        ["acme.toml:9", "program.weekend"],
        ["acme.toml:19", "program.size.number"],
        ["acme.toml:30", "program.size.loss_limit.amount"],
        ["acme.toml:32", "program.size.tier.value"],
    ]


def test_every_file_is_read_before_anything_is_said(tmp_path: Path) -> None:
    (tmp_path / "acme.toml").write_text(SOUND.replace("number = 102", "number = 101"))
    (tmp_path / "best.toml").write_text("[firm]\nname = 5\n")
    with pytest.raises(CatalogErrors) as caught:
        read(tmp_path)
    assert {problem.file for problem in caught.value.problems} == {"acme.toml", "best.toml"}


def test_a_text_over_several_lines_hides_no_table() -> None:
    text = '[[program]]\nnotes = """\n[[program]]\nsize = 1\n"""\n[[program]]\n[[program.size]]\nsize = 2\n'
    lines = places.lines_of(text)
    assert lines["program", 1] == 6
    assert lines["program", 1, "size", 0, "size"] == 8
    assert places.line_at(("program", 1, "size", 0, "tier", 3), lines) == 7
