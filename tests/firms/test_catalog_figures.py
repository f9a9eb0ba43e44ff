"""The catalog's Apex, Topstep and FTMO rows against the figures published for them (rules read in 2026).

A row: firm, program, phase, size, starting balance, profit target, drawdown (measured from, amount), its lock,
daily limit (amount, or profit:amount by tiers) and consequence, optional daily limit, minis/micros, scaling
(profit:contracts), consistency (comparator and percent, scope), minimum days, and the day it was read.
"""

from decimal import Decimal

import pytest
from django.core.management import call_command

from enforcement.replay import decimal_text
from firms.models import LossLimit, Program, Tier

pytestmark = pytest.mark.django_db

FIGURES = """
APEX | EOD Evaluation (Tradovate) | evaluation | 25K | 25000 | 1500 | close 1000 | - | 500 soft | - | 4/40 | - | - | 0 | 2026-09-26
APEX | Intraday Trailing Evaluation (Tradovate) | evaluation | 25K | 25000 | 1500 | equity 1000 | - | - | - | 4/40 | - | - | 0 | 2026-09-30
APEX | EOD Evaluation (Tradovate) | evaluation | 50K | 50000 | 3000 | close 2000 | - | 1000 soft | - | 6/60 | - | - | 0 | 2026-09-26
APEX | Intraday Trailing Evaluation (Tradovate) | evaluation | 50K | 50000 | 3000 | equity 2000 | - | - | - | 6/60 | - | - | 0 | 2026-09-30
APEX | EOD Evaluation (Tradovate) | evaluation | 100K | 100000 | 6000 | close 3000 | - | 1500 soft | - | 8/80 | - | - | 0 | 2026-09-26
APEX | Intraday Trailing Evaluation (Tradovate) | evaluation | 100K | 100000 | 6000 | equity 3000 | - | - | - | 8/80 | - | - | 0 | 2026-09-30
APEX | EOD Evaluation (Tradovate) | evaluation | 150K | 150000 | 9000 | close 4000 | - | 2000 soft | - | 12/120 | - | - | 0 | 2026-09-26
APEX | Intraday Trailing Evaluation (Tradovate) | evaluation | 150K | 150000 | 9000 | equity 4000 | - | - | - | 12/120 | - | - | 0 | 2026-09-30
APEX | EOD Performance Account | sim_funded | 25K | 25000 | - | close 1000 | 25100 | 0:500 1000:500 2000:1250 soft | - | 2/20 | 0:1 1000:2 2000:2 | <50 payout | - | 2026-09-26
APEX | Intraday Performance Account | sim_funded | 25K | 25000 | - | equity 1000 | 25100 | 0:500 1000:500 2000:1250 soft | - | 2/20 | 0:1 1000:2 2000:2 | <50 payout | - | 2026-09-26
APEX | EOD Performance Account | sim_funded | 50K | 50000 | - | close 2000 | 50100 | 0:1000 1500:1000 3000:2000 6000:3000 soft | - | 4/40 | 0:2 1500:3 3000:4 6000:4 | <50 payout | - | 2026-09-26
APEX | Intraday Performance Account | sim_funded | 50K | 50000 | - | equity 2000 | 50100 | 0:1000 1500:1000 3000:2000 6000:3000 soft | - | 4/40 | 0:2 1500:3 3000:4 6000:4 | <50 payout | - | 2026-09-26
APEX | EOD Performance Account | sim_funded | 100K | 100000 | - | close 3000 | 100100 | 0:1750 2000:1750 3000:1750 5000:2500 10000:3500 soft | - | 6/60 | 0:3 2000:4 3000:5 5000:6 10000:6 | <50 payout | - | 2026-09-26
APEX | Intraday Performance Account | sim_funded | 100K | 100000 | - | equity 3000 | 100100 | 0:1750 2000:1750 3000:1750 5000:2500 10000:3500 soft | - | 6/60 | 0:3 2000:4 3000:5 5000:6 10000:6 | <50 payout | - | 2026-09-26
APEX | EOD Performance Account | sim_funded | 150K | 150000 | - | close 4000 | 150100 | 0:2500 2000:2500 3000:2500 5000:3000 10000:4000 soft | - | 10/100 | 0:4 2000:5 3000:7 5000:10 10000:10 | <50 payout | - | 2026-09-26
APEX | Intraday Performance Account | sim_funded | 150K | 150000 | - | equity 4000 | 150100 | 0:2500 2000:2500 3000:2500 5000:3000 10000:4000 soft | - | 10/100 | 0:4 2000:5 3000:7 5000:10 10000:10 | <50 payout | - | 2026-09-26
APEX | Legacy Full (bought before 2026-03-01) | sim_funded | 25K | 25000 | - | equity 1500 | 25100 | - | - | 4/40 | 0:2 1600:4 | <=30 payout | - | 2025-07-04
APEX | Legacy Full (bought before 2026-03-01) | sim_funded | 50K | 50000 | - | equity 2500 | 50100 | - | - | 10/100 | 0:5 2600:10 | <=30 payout | - | 2025-07-04
APEX | Legacy Full (bought before 2026-03-01) | sim_funded | 75K | 75000 | - | equity 2750 | 75100 | - | - | 12/120 | 0:6 2850:12 | <=30 payout | - | 2025-07-04
APEX | Legacy Full (bought before 2026-03-01) | sim_funded | 100K | 100000 | - | equity 3000 | 100100 | - | - | 14/140 | 0:7 3100:14 | <=30 payout | - | 2025-07-04
APEX | Legacy Full (bought before 2026-03-01) | sim_funded | 150K | 150000 | - | equity 5000 | 150100 | - | - | 17/170 | 0:8 5100:17 | <=30 payout | - | 2025-07-04
APEX | Legacy Full (bought before 2026-03-01) | sim_funded | 250K | 250000 | - | equity 6500 | 250100 | - | - | 27/270 | 0:13 6600:27 | <=30 payout | - | 2025-07-04
APEX | Legacy Full (bought before 2026-03-01) | sim_funded | 300K | 300000 | - | equity 7500 | 300100 | - | - | 35/350 | 0:17 7600:35 | <=30 payout | - | 2025-07-04
TOPSTEP | Trading Combine | evaluation | 50K | 50000 | 3000 | close 2000 | 50000 | - | 1000 soft | 5/50 | - | <=55 evaluation | 2 | 2026-09-24
TOPSTEP | Trading Combine | evaluation | 100K | 100000 | 6000 | close 3000 | 100000 | - | 2000 soft | 10/100 | - | <=55 evaluation | 2 | 2026-09-24
TOPSTEP | Trading Combine | evaluation | 150K | 150000 | 9000 | close 4500 | 150000 | - | 3000 soft | 15/150 | - | <=55 evaluation | 2 | 2026-09-24
TOPSTEP | Express Funded Account (Standard) | sim_funded | 50K | 0 | - | close 2000 | 0 | - | 1000 soft | 5/50 | 0:2 1500:3 2000:5 | - | - | 2026-09-24
TOPSTEP | Express Funded Account (Consistency) | sim_funded | 50K | 0 | - | close 2000 | 0 | - | 1000 soft | 5/50 | 0:2 1500:3 2000:5 | <=40 payout | - | 2026-09-24
TOPSTEP | Express Funded Account (Standard) | sim_funded | 100K | 0 | - | close 3000 | 0 | - | 2000 soft | 10/100 | 0:3 1500:4 2000:5 3000:10 | - | - | 2026-09-24
TOPSTEP | Express Funded Account (Consistency) | sim_funded | 100K | 0 | - | close 3000 | 0 | - | 2000 soft | 10/100 | 0:3 1500:4 2000:5 3000:10 | <=40 payout | - | 2026-09-24
TOPSTEP | Express Funded Account (Standard) | sim_funded | 150K | 0 | - | close 4500 | 0 | - | 3000 soft | 15/150 | 0:3 1500:4 2000:5 3000:10 4500:15 | - | - | 2026-09-24
TOPSTEP | Express Funded Account (Consistency) | sim_funded | 150K | 0 | - | close 4500 | 0 | - | 3000 soft | 15/150 | 0:3 1500:4 2000:5 3000:10 4500:15 | <=40 payout | - | 2026-09-24
TOPSTEP | Labs 25K Static Combine | evaluation | 25K | 25000 | 2000 | initial 1000 | - | 500 soft | - | 2/20 | - | <=55 evaluation | 2 | 2026-09-19
TOPSTEP | Labs 250K Freedom Combine | evaluation | 250K | 250000 | 15000 | close 10000 | 250000 | 5000 soft | - | 25/250 | - | <=55 evaluation | 2 | 2026-09-19
FTMO | FTMO Futures Growth | evaluation | 50K | 50000 | 3000 | close 2000 | 50000 | - | - | 5/50 | - | <=40 evaluation | - | 2026-09-08
FTMO | FTMO Futures Growth | sim_funded | 50K | 50000 | - | close 2000 | 50000 | 1000 soft | - | 5/50 | - | - | - | 2026-09-08
FTMO | FTMO Futures Pro | evaluation | 50K | 50000 | 3000 | close 3000 | 50000 | 1000 hard | - | 5/50 | - | <=50 evaluation | - | 2026-09-08
FTMO | FTMO Futures Pro | sim_funded | 50K | 50000 | - | close 3000 | 50000 | 1000 hard | - | 5/50 | - | - | - | 2026-09-08
FTMO | FTMO Futures Growth | evaluation | 100K | 100000 | 6000 | close 3500 | 100000 | - | - | 10/100 | - | <=40 evaluation | - | 2026-09-08
FTMO | FTMO Futures Growth | sim_funded | 100K | 100000 | - | close 3500 | 100000 | 2000 soft | - | 10/100 | - | - | - | 2026-09-08
FTMO | FTMO Futures Pro | evaluation | 100K | 100000 | 6000 | close 4500 | 100000 | 1500 hard | - | 10/100 | - | <=50 evaluation | - | 2026-09-08
FTMO | FTMO Futures Pro | sim_funded | 100K | 100000 | - | close 4500 | 100000 | 1500 hard | - | 10/100 | - | - | - | 2026-09-08
FTMO | FTMO Futures Growth | evaluation | 150K | 150000 | 9000 | close 5000 | 150000 | - | - | 15/150 | - | <=40 evaluation | - | 2026-09-08
FTMO | FTMO Futures Growth | sim_funded | 150K | 150000 | - | close 5000 | 150000 | 3000 soft | - | 15/150 | - | - | - | 2026-09-08
FTMO | FTMO Futures Pro | evaluation | 150K | 150000 | 9000 | close 6000 | 150000 | 2000 hard | - | 15/150 | - | <=50 evaluation | - | 2026-09-08
FTMO | FTMO Futures Pro | sim_funded | 150K | 150000 | - | close 6000 | 150000 | 2000 hard | - | 15/150 | - | - | - | 2026-09-08
"""
# FTMO's CFD programs, in 10K, 25K, 50K, 100K and 200K: target, maximum and daily loss in percent of the initial
# balance, what the maximum loss is measured from, minutes around news, minimum days, weekend.
FTMO = """
Challenge 2-Step (Standard and Swing) | challenge    | 10 | 10 initial | 5 | - | 4 | yes
Challenge 2-Step (Standard and Swing) | verification | 5  | 10 initial | 5 | - | 4 | yes
FTMO Account 2-Step Standard          | funded       | -  | 10 initial | 5 | 2 | - | no
FTMO Account 2-Step Swing             | funded       | -  | 10 initial | 5 | - | - | yes
Challenge 1-Step                      | challenge    | 10 | 10 close   | 3 | - | 0 | yes
FTMO Account 1-Step                   | funded       | -  | 10 close   | 3 | 2 | - | no
"""
SIZES = (10_000, 25_000, 50_000, 100_000, 200_000)
ANCHORS = {"initial": "initial", "highest_close": "close", "highest_equity": "equity"}


def rows(table: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.split("|")] for line in table.strip().splitlines()]


def text(value: Decimal | int | None) -> str:
    return "-" if value is None else decimal_text(Decimal(value))


def tiers(program: Program, of: str) -> str:
    found = Tier.objects.filter(program=program, of=of).order_by("from_profit")
    return " ".join(f"{text(tier.from_profit)}:{text(tier.value)}" for tier in found)


def daily(program: Program, *, optional: bool) -> str:
    limit = LossLimit.objects.filter(program=program, kind="daily_loss", is_optional=optional).first()
    if limit is None:
        return "-"
    amount = tiers(program, "daily_loss") if limit.amount is None else text(limit.amount)
    assert (limit.anchor, limit.boundary) == ("day_start_balance", "at")
    return f"{amount} {limit.consequence}"


def figures(program: Program) -> list[str]:
    drawdown = LossLimit.objects.get(program=program, kind="drawdown")
    assert (drawdown.boundary, drawdown.consequence) == ("at", "hard")
    consistency = "-"
    if program.consistency_share is not None:
        comparator = "<=" if program.consistency_passes == "at" else "<"
        consistency = f"{comparator}{text(100 * program.consistency_share)} {program.consistency_scope}"
    return [
        text(program.starting_balance), text(program.profit_target),
        f"{ANCHORS[drawdown.anchor]} {text(drawdown.amount)}", text(drawdown.lock_at),
        daily(program, optional=False), daily(program, optional=True),
        f"{program.max_contracts}/{program.max_micros}", tiers(program, "contracts") or "-", consistency,
        text(program.min_trading_days), str(program.last_verified_on),
    ]  # fmt: skip


@pytest.mark.parametrize("firm", ["APEX", "TOPSTEP", "FTMO"])
def test_a_firms_rows_have_the_published_figures(firm: str) -> None:
    call_command("sync_catalog", firm=firm, verbosity=0)
    published = [row for row in rows(FIGURES) if row[0] == firm]
    for _, name, phase, size, *expected in published:
        programs = Program.objects.filter(firm__code=firm, phase=phase)
        program = programs.get(name__in=[f"{name} {size}", f"{name} {size}, {phase.replace('_', ' ')}"])
        assert figures(program) == expected, program.name
    named = {"APEX": 31, "TOPSTEP": 11, "FTMO": 42}
    assert Program.objects.filter(firm__code=firm).count() == named[firm]
    # Eight of Apex's are the Rithmic ones (next test), thirty of FTMO's the CFD ones (the last).
    assert named[firm] - len(published) == {"APEX": 8, "TOPSTEP": 0, "FTMO": 30}[firm]


def test_apex_on_rithmic_differs_from_tradovate_by_the_lock_at_start_plus_target_alone() -> None:
    call_command("sync_catalog", firm="APEX", verbosity=0)
    locks = {25_000: 26_500, 50_000: 53_000, 100_000: 106_000, 150_000: 159_000}
    found = 0
    for program in Program.objects.filter(name__contains="Rithmic/WealthCharts"):
        twin = Program.objects.get(name=program.name.replace("Rithmic/WealthCharts", "Tradovate"))
        mine, its = figures(program), figures(twin)
        assert mine[3] == str(locks[int(program.size)])
        assert its[3] == "-"
        assert mine[:3] + mine[4:] == its[:3] + its[4:]
        found += 1
    assert found == 8


@pytest.mark.parametrize("row", rows(FTMO), ids=lambda row: f"{row[0]}, {row[1]}")
def test_ftmos_cfd_programs_have_the_published_percentages(row: list[str]) -> None:
    call_command("sync_catalog", firm="FTMO", verbosity=0)
    name, phase, target, maximum, day, news, days, weekend = row
    programs = Program.objects.filter(name__startswith=name + " ", phase=phase, market="cfd").order_by("size")
    assert tuple(program.size for program in programs) == SIZES
    for program in programs:
        drawdown = LossLimit.objects.get(program=program, kind="drawdown")
        limit = LossLimit.objects.get(program=program, kind="daily_loss")
        assert f"{text(100 * (drawdown.share or 0))} {ANCHORS[drawdown.anchor]}" == maximum
        assert (text(100 * (limit.share or 0)), limit.share_of, limit.anchor) == (
            day, "initial", "day_start_balance",
        )  # fmt: skip
        for one in (drawdown, limit):
            assert (one.boundary, one.consequence, one.lock_at) == ("below", "hard", None)
        assert (program.day_zone, str(program.day_reset)) == ("Europe/Prague", "00:00:00")
        assert text(program.profit_target) == (
            "-" if target == "-" else text(program.size * int(target) / 100)
        )
        assert [rule.before_seconds for rule in program.news_rules.all()] == (
            [] if news == "-" else [60 * int(news)]
        )
        assert text(program.min_trading_days) == days
        assert program.weekend is (weekend == "yes")
        assert str(program.last_verified_on) == "2026-10-04"
