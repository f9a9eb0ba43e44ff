"""The catalog itself: 420 programs of 21 firms, each with its worked example, each opened as an account."""

from collections import Counter
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from enforcement.floors import FloorKind, levels_of
from firms import catalog_files, catalog_sync
from firms.catalog_files import coverage
from firms.models import Account, Evidence, LossLimit, NewsRule, Program, TermSource
from firms.services import OpeningState, open_account
from firms.terms import account_terms
from tests.make import NOON, make_program, make_trader

pytestmark = pytest.mark.django_db

FIRMS = {
    "ALPHACAPITAL": 48, "ALPHAFUTURES": 20, "APEX": 31, "BLUEGUARDIAN": 5, "BREAKOUT": 15, "BULENOX": 21, "E8": 8,
    "EARN2TRADE": 7, "FTMO": 42, "FUNDEDNEXT": 36, "FUNDEDNEXTFUTURES": 3, "FUNDINGPIPS": 58, "FXIFY": 7,
    "LUCID": 20, "MAVEN": 6, "MYFUNDEDFUTURES": 22, "TAKEPROFITTRADER": 10, "THE5ERS": 18, "TOPSTEP": 11,
    "TRADEDAY": 10, "TRADEIFY": 22,
}  # fmt: skip
WITHOUT_DRAWDOWN = {"FUNDEDNEXTFUTURES"}  # not published


def load(firm: str | None = None) -> str:
    out = StringIO()
    call_command("sync_catalog", firm=firm, stdout=out)
    return out.getvalue().splitlines()[-1]


def program(firm: str, name: str) -> Program:
    return Program.objects.get(firm__code=firm, name=name)


def drawdown(firm: str, name: str) -> LossLimit:
    return LossLimit.objects.get(program=program(firm, name), kind="drawdown")


def test_every_file_loads_and_the_second_time_nothing_changes() -> None:
    assert load() == "420 programs of 21 firms: 420 added"
    found = Counter(code for (code,) in Program.objects.values_list("firm__code"))
    assert found == FIRMS
    assert load() == "420 programs of 21 firms: 0 changes"


def test_no_leaf_of_the_files_is_without_a_column() -> None:
    assert [leaf for leaf, column in coverage.leaves().items() if column is None] == []


def test_every_program_opens_as_an_account_with_the_floors_of_its_example() -> None:
    load()
    trader = make_trader()
    examples = {
        f"{file.code}/{entry.number}": entry.example
        for file in catalog_files.read()
        for entry in file.entries
    }
    accounts = []
    for one in Program.objects.exclude(catalog_key=None).select_related("firm"):
        account = Account(trader=trader, program=one, label=one.code)
        accounts.append(open_account(account, OpeningState(), now=NOON))
    for account in accounts:
        one, terms = account_terms([account])[account.pk]
        assert terms.unavailable is None, one
        assert terms.floors, one
        state = account.state.to_core()
        floors: dict[str, object] = {}
        for at in levels_of(terms.floors, state, terms.starting_balance, terms.size):
            floors["drawdown_floor" if at.floor.kind is FloorKind.DRAWDOWN else "daily_floor"] = at.level
            assert not at.is_crossed(state.equity, state.balance, block_at_floor=True), one
        assert floors == examples[one.code], one
        assert ("drawdown_floor" in floors) is (one.firm.code not in WITHOUT_DRAWDOWN), one
    assert len(accounts) == 420


def test_what_is_the_same_costs_reads_alone() -> None:
    """No write transaction without a difference: SQLite's one writer is never kept waiting."""
    load("APEX")
    (file,) = catalog_files.read(code="APEX")
    with CaptureQueriesContext(connection) as queries:
        assert list(catalog_sync.sync(file)) == []
    assert len(queries) == 7  # the firm, its programs, five tables
    assert all(query["sql"].startswith("SELECT") for query in queries)


def test_every_program_names_its_sources_and_every_doubt_the_other_reading_or_why() -> None:
    load()
    assert not Program.objects.filter(sources=None).exists()
    for source in TermSource.objects.filter(evidence=Evidence.DISPUTED).exclude(term="all"):
        assert source.other_reading or source.note, source
    evidence = Counter(source.evidence for source in TermSource.objects.filter(term="all"))
    assert set(evidence) == set(Evidence.values)


def test_numbers_leave_the_first_hundred_to_a_traders_own() -> None:
    own = make_program("TOPSTEP", 1, name="Trading Combine 50K (demo copy)")
    assert load("TOPSTEP") == "11 programs of 1 firm: 11 added"
    assert list(Program.objects.filter(number__lte=100)) == [own]
    assert min(entry.number for file in catalog_files.read() for entry in file.entries) == 101


# --- what the readings needed correcting for ----------------------------------------------------------


def test_the_stricter_of_two_readings_holds_and_the_other_stands_beside_it() -> None:
    for firm in ("MYFUNDEDFUTURES", "THE5ERS", "FUNDINGPIPS", "TRADEDAY", "FUNDEDNEXT"):
        load(firm)
    pro = drawdown("MYFUNDEDFUTURES", "Pro 50K, sim funded")
    assert (pro.lock_at, pro.payout_effect, pro.floor_after_payout) == (None, "lock", 50_100)
    assert program("MYFUNDEDFUTURES", "Pro 50K, sim funded").max_contracts == 3
    rapid = drawdown("MYFUNDEDFUTURES", "Rapid 50K, sim funded")
    assert (rapid.lock_at, rapid.lock_trigger) == (100, "payout_paid")
    assert drawdown("MYFUNDEDFUTURES", "Rapid 50K, evaluation").lock_at is None
    assert drawdown("THE5ERS", "Hyper Growth 10K").anchor == "highest_equity"
    assert str(drawdown("FUNDINGPIPS", "1-Step Flex 100K").share) == "0.060000"
    assert drawdown("TRADEDAY", "Fast Pass 150K").amount == 4000
    funded = program("FUNDEDNEXT", "FundedNext Account (Stellar 2-Step) 100K")
    assert funded.weekend is False
    assert funded.sources.get(term="weekend").other_reading == "holding is allowed"


def test_platform_clocks_are_zones_of_the_zone_database_and_disputed() -> None:
    for firm in ("FUNDINGPIPS", "ALPHACAPITAL", "FUNDEDNEXT", "THE5ERS", "E8", "FXIFY"):
        load(firm)
    days = Counter(
        (one.firm.code, one.day_zone, f"{one.day_reset:%H:%M}")
        for one in Program.objects.select_related("firm")
    )
    new_york = ("America/New_York", "17:00")
    assert days == {
        ("FUNDINGPIPS", "Etc/GMT-3", "00:00"): 58, ("ALPHACAPITAL", "Etc/GMT-3", "00:00"): 48,
        ("FUNDEDNEXT", *new_york): 36, ("THE5ERS", *new_york): 18, ("E8", *new_york): 8, ("FXIFY", *new_york): 7,
    }  # fmt: skip
    for one in Program.objects.all():
        assert one.sources.get(term="day_zone").evidence == Evidence.DISPUTED
        assert one.sources.get(term="day_zone").other_reading
    signature = program("E8", "E8 Signature 100K")
    assert (f"{signature.close_time:%H:%M}", f"{signature.flat_by:%H:%M}") == ("17:00", "16:00")


def test_payouts_move_floors_as_published() -> None:
    for firm in ("TOPSTEP", "TRADEIFY", "LUCID", "TRADEDAY", "FTMO", "E8", "APEX"):
        load(firm)

    def effect(firm: str, name: str) -> tuple[object, ...]:
        limit = drawdown(firm, name)
        return limit.payout_effect, limit.payout_on_request, limit.floor_after_payout

    assert effect("TOPSTEP", "Express Funded Account (Standard) 50K") == ("lock", False, 0)
    assert effect("TRADEIFY", "Select Flex 50K") == ("lock", True, 50_100)
    assert effect("TRADEIFY", "Select Daily 50K") == ("none", False, None)
    assert effect("LUCID", "LucidFlex 50K, sim funded") == ("lock", True, 50_100)
    assert effect("TRADEDAY", "Fast Pass 50K") == ("set", True, 50_000)
    assert effect("FTMO", "FTMO Account 1-Step 50K") == ("reset", False, None)
    assert effect("E8", "E8 Signature 100K") == ("lock", True, 100_000)
    assert drawdown("E8", "E8 Signature 100K").lock_trigger == "closed_profit"
    assert drawdown("LUCID", "LucidDaily 50K").lock_trigger == "close"
    assert program("APEX", "EOD Performance Account 50K").safety_net == 52_100


def test_daily_limits_that_change_or_end_with_profit() -> None:
    for firm in ("LUCID", "BULENOX", "TRADEIFY"):
        load(firm)
    pro = program("LUCID", "LucidPro 50K, sim funded").loss_limits.get(kind="daily_loss")
    assert (pro.amount, str(pro.share), pro.share_from_profit, pro.is_optional) == (
        1200, "0.600000", 2100, True,
    )  # fmt: skip
    master = program("BULENOX", "Option 2 EOD (Master) 50K").loss_limits.get(kind="daily_loss")
    assert master.ends_from_profit == 2500
    growth = program("TRADEIFY", "Growth 50K, sim funded")
    assert [(t.from_profit, t.value) for t in growth.tiers.all()] == [(0, 1250), (3000, 2000)]


def test_news_rules_differ_in_kind() -> None:
    for firm in ("TOPSTEP", "APEX", "FTMO", "FUNDINGPIPS", "TRADEDAY", "TRADEIFY"):
        load(firm)

    def rule(firm: str, name: str) -> NewsRule:
        return program(firm, name).news_rules.get()

    micros = {
        one.size: one.news_rules.get().max_micros for one in Program.objects.filter(firm__code="TOPSTEP")
    }
    assert micros == {25_000: 1, 50_000: 3, 100_000: 6, 150_000: 9, 250_000: 15}
    apex = rule("APEX", "EOD Performance Account 50K")
    assert (apex.straddles_only, apex.before_seconds) == (True, 300)
    assert rule("FTMO", "FTMO Account 2-Step Standard 100K").exits_restricted
    assert rule("FUNDINGPIPS", "2-Step Standard Master 100K").exempt_opened_minutes == 300
    zero = rule("FUNDINGPIPS", "Zero 100K")
    assert (zero.must_be_flat, zero.severity) == (True, "hard")
    assert [r.products for r in program("TRADEDAY", "Fast Pass 50K").news_rules.all()] == [
        "", "CL, QM, MCL, BZ, HO, RB", "NG, QG, MNG", "grains, livestock",
    ]  # fmt: skip
    select = program("TRADEIFY", "Select 50K")
    assert not select.news_rules.exists()
    assert "unknown" in select.sources.get(term="news_rule").note


def test_topsteps_product_caps_and_weights() -> None:
    load("TOPSTEP")
    limits = program("TOPSTEP", "Trading Combine 100K").product_limits.all()
    assert {limit.product: limit.max_contracts for limit in limits if limit.max_contracts is not None} == {
        "CL": 6, "GC": 6, "HO": 6, "RB": 6, "SI": 0,
    }  # fmt: skip
    assert {limit.product: str(limit.weight) for limit in limits if limit.weight is not None} == {
        "SIL": "0.200", "MBT": "1.000", "MET": "1.000",
    }  # fmt: skip


def test_automation_is_what_the_firm_says_and_confirmed_by_hand_where_it_says_nothing() -> None:
    load()
    found: dict[str, Counter[str]] = {}
    for code, automation in Program.objects.values_list("firm__code", "automation"):
        found.setdefault(automation, Counter())[code] += 1
    assert set(found["own_device"]) == {"TOPSTEP", "TRADEDAY", "TRADEIFY"}
    assert set(found["prohibited"]) == {
        "APEX", "TAKEPROFITTRADER", "ALPHAFUTURES", "ALPHACAPITAL", "MAVEN", "E8",
    }  # fmt: skip
    assert found["prohibited"]["E8"] == 1
    assert set(found["confirm_by_hand"]) == {
        "EARN2TRADE", "FUNDEDNEXTFUTURES", "FUNDEDNEXT", "E8", "BREAKOUT", "FXIFY", "THE5ERS",
    }  # fmt: skip
    assert "advise_only" not in found
