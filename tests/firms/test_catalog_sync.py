"""Syncing the catalog: nothing the second time, a trader's edit kept, conflicts named, never a program taken."""

import json
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from firms import catalog_files
from firms.catalog_files.merge import Change
from firms.models import Firm, LossLimit, Program, TermSource, Tier
from tests.firms.test_catalog_files import SOUND
from tests.make import make_program

pytestmark = pytest.mark.django_db


@pytest.fixture
def catalog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder the command reads, with one firm of two programs."""
    monkeypatch.setattr(catalog_files, "FOLDER", tmp_path)
    path = tmp_path / "acme.toml"
    path.write_text(SOUND)
    return path


def changed(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def sync(**options: Any) -> list[str]:
    out = StringIO()
    call_command("sync_catalog", stdout=out, **options)
    return out.getvalue().splitlines()


def steady() -> Program:
    return Program.objects.get(catalog_key="ACME/101")


def test_programs_come_with_their_firm_and_the_second_time_nothing_changes(catalog: Path) -> None:
    assert sync() == [
        "+ ACME/101  Steady 50K", "+ ACME/102  Steady 2.5K", "2 programs of 1 firm: 2 added",
    ]  # fmt: skip
    assert Firm.objects.get().name == "Acme"
    assert steady().loss_limits.get().lock_at == 50_000
    assert [source.term for source in steady().sources.all()] == ["all", "day_zone"]
    history = Program.history.count(), LossLimit.history.count()
    assert sync() == ["2 programs of 1 firm: 0 changes"]
    assert (Program.history.count(), LossLimit.history.count()) == history


def test_the_history_says_that_it_was_the_catalog(catalog: Path) -> None:
    sync()
    assert Program.history.first().history_change_reason == "catalog"


def test_a_dry_run_says_the_same_and_writes_nothing(catalog: Path) -> None:
    assert sync(dry_run=True)[-1] == "2 programs of 1 firm: 2 added (dry run: nothing was written)"
    assert not Firm.objects.exists()
    sync()
    changed(catalog, "amount = 2000", "amount = 2500")
    changed(catalog, "drawdown_floor = 48000", "drawdown_floor = 47500")
    assert sync(dry_run=True)[0] == "~ ACME/101  loss_limit drawdown.amount: 2000 → 2500"
    assert steady().loss_limits.get().amount == 2000


def test_what_the_catalog_corrects_is_taken_and_named(catalog: Path) -> None:
    sync()
    changed(catalog, "weekend = false", "weekend = true")
    changed(catalog, "amount = 2000, lock_at = 50000", "amount = 2500")
    changed(catalog, "drawdown_floor = 48000", "drawdown_floor = 47500")
    assert sync() == [
        "~ ACME/101  program.weekend: False → True",
        "~ ACME/101  loss_limit drawdown.amount: 2000 → 2500",
        "~ ACME/101  loss_limit drawdown.lock_at: 50000 → not set",
        "~ ACME/102  program.weekend: False → True",
        "2 programs of 1 firm: 2 changed",
    ]
    limit = steady().loss_limits.get()
    assert (steady().weekend, limit.amount, limit.lock_at) == (True, 2500, None)
    assert limit.history.count() == 2


def test_rows_that_the_catalog_adds_or_drops_come_and_go(catalog: Path) -> None:
    sync()
    changed(catalog, "tier = [{ from_profit = 0, value = 1 }]", "tier = [{ from_profit = 500, value = 2 }]")
    changed(
        catalog, '    { term = "day_zone", url = "https://acme.test/rules", evidence = "disputed" },\n', ""
    )
    lines = sync()
    assert "~ ACME/102  tier contracts 500: not set → of contracts, from_profit 500, value 2" in lines
    assert "~ ACME/102  tier contracts 0: of contracts, from_profit 0, value 1 → not set" in lines
    assert Tier.objects.get().value == 2
    assert TermSource.objects.filter(term="day_zone").count() == 0
    assert sync() == ["2 programs of 1 firm: 0 changes"]


def test_a_traders_edit_is_kept_and_listed(catalog: Path) -> None:
    sync()
    Program.objects.filter(catalog_key="ACME/101").update(profit_target=Decimal(4000))
    LossLimit.objects.filter(program=steady()).update(amount=Decimal(1500))
    kept = [
        "= ACME/101  program.profit_target: kept as you have it: 4000 (catalog: not set)",
        "= ACME/101  loss_limit drawdown.amount: kept as you have it: 1500 (catalog: 2000)",
        "2 programs of 1 firm: 0 changes, 1 kept",
    ]
    assert sync() == kept
    assert sync() == kept
    assert steady().loss_limits.get().amount == 1500


def test_an_edit_does_not_stand_in_the_way_of_other_corrections(catalog: Path) -> None:
    sync()
    LossLimit.objects.filter(program=steady()).update(amount=Decimal(1500))
    changed(catalog, "lock_at = 50000", "lock_at = 50100")
    lines = sync()
    assert "~ ACME/101  loss_limit drawdown.lock_at: 50000 → 50100" in lines
    limit = steady().loss_limits.get()
    assert (limit.amount, limit.lock_at) == (1500, 50_100)


def test_where_both_changed_it_is_a_conflict_and_the_traders_stays(catalog: Path) -> None:
    sync()
    LossLimit.objects.filter(program=steady()).update(amount=Decimal(1500))
    changed(catalog, "amount = 2000", "amount = 2500")
    changed(catalog, "drawdown_floor = 48000", "drawdown_floor = 47500")
    assert sync() == [
        "! ACME/101  loss_limit drawdown.amount: conflict, kept as you have it: 1500 (catalog: 2500)",
        "2 programs of 1 firm: 0 changes, 1 conflict",
    ]
    assert sync()[0].startswith("= ACME/101  loss_limit drawdown.amount: kept as you have it: 1500")
    assert steady().loss_limits.get().amount == 1500


def test_rows_a_trader_added_or_removed_stay_so(catalog: Path) -> None:
    sync()
    Tier.objects.create(program=steady(), from_profit=Decimal(0), value=Decimal(1))
    steady().sources.filter(term="day_zone").delete()
    lines = sync()
    assert (
        "= ACME/101  tier contracts 0: kept as you have it: of contracts, from_profit 0, value 1 (catalog: not set)"
        in lines
    )
    assert any(line.startswith("= ACME/101  source day_zone") for line in lines)
    assert lines[-1] == "2 programs of 1 firm: 0 changes, 1 kept"
    assert steady().tiers.count() == 1


def test_overwriting_takes_the_catalogs(catalog: Path) -> None:
    sync()
    LossLimit.objects.filter(program=steady()).update(amount=Decimal(1500))
    Tier.objects.create(program=steady(), from_profit=Decimal(0), value=Decimal(1))
    assert sync(overwrite=True) == [
        "~ ACME/101  loss_limit drawdown.amount: 1500 → 2000",
        "~ ACME/101  tier contracts 0: of contracts, from_profit 0, value 1 → not set",
        "2 programs of 1 firm: 1 changed",
    ]
    assert sync() == ["2 programs of 1 firm: 0 changes"]


def test_a_browsers_line_ends_are_no_edit(catalog: Path) -> None:
    changed(catalog, "weekend = false", 'notes = "one\\ntwo"')
    sync()
    Program.objects.filter(catalog_key="ACME/101").update(notes="one\r\ntwo")
    assert sync() == ["2 programs of 1 firm: 0 changes"]


def test_a_program_of_ones_own_is_never_taken_over(catalog: Path) -> None:
    own = make_program("ACME", 101, name="My own")
    lines = sync()
    assert lines[0] == "! ACME/101  left out: the number is taken by your own program 'My own'"
    own.refresh_from_db()
    assert (own.name, own.catalog_key, own.loss_limits.count()) == ("My own", None, 2)
    assert lines[-1] == "2 programs of 1 firm: 1 added, 1 conflict"


def test_what_the_catalog_drops_stays(catalog: Path) -> None:
    sync()
    changed(catalog, "number = 102", "number = 103")
    assert "= ACME/102  Steady 2.5K: kept, the catalog has it no longer" in sync()
    assert Program.objects.filter(catalog_key="ACME/102").exists()


def test_an_edit_that_does_not_go_with_a_correction_is_a_conflict(catalog: Path) -> None:
    """The trader has made an amount of a share-less limit a share; the catalog's new amount can't stand beside it."""
    sync()
    LossLimit.objects.filter(program=steady()).update(amount=None, share=Decimal("0.04"))
    program = Program.objects.get(catalog_key="ACME/101")
    program.catalog_text = program.catalog_text.replace('"amount":"2000"', '"amount":null')
    program.save()
    lines = sync()
    assert lines[0].startswith("! ACME/101  program: ")
    assert steady().loss_limits.get().share == Decimal("0.04")


def test_only_the_firm_that_is_asked_for(catalog: Path) -> None:
    (catalog.parent / "best.toml").write_text(SOUND.replace("ACME", "BEST"))
    assert sync(firm="BEST")[-1] == "2 programs of 1 firm: 2 added"
    assert [firm.code for firm in Firm.objects.all()] == ["BEST"]
    with pytest.raises(CommandError, match="the catalog has no such file"):
        sync(firm="NOBODY")


def test_with_an_error_anywhere_nothing_is_loaded(catalog: Path) -> None:
    (catalog.parent / "best.toml").write_text(SOUND.replace("ACME", "BEST").replace("= 102", "= 101"))
    with pytest.raises(CommandError) as caught:
        sync()
    assert str(caught.value).splitlines() == [
        "best.toml:26: program.size.number: 101 is used twice, first in line 20",
        "1 error: nothing was loaded",
    ]
    assert not Firm.objects.exists()


def test_the_difference_as_json(catalog: Path) -> None:
    found = json.loads("\n".join(sync(as_json=True)))
    assert (found["programs"], found["added"], found["changed"], found["conflict"]) == (2, 2, 0, 0)
    assert found["changes"][0] == Change("added", "ACME/101", "", None, "Steady 50K")._asdict()


def test_coverage_names_the_column_of_every_leaf(catalog: Path) -> None:
    lines = sync(coverage=True)
    assert ["program.size.loss_limit.lock_at", "LossLimit.lock_at"] in [line.split() for line in lines]
    assert lines[-1].endswith("leaves without a column: 0")
    changed(catalog, "weekend = false", "weekends = false")
    with pytest.raises(CommandError, match=r"program\.weekends"):
        sync(coverage=True)
