# ruff: noqa: E501 - a row of a table is one line
"""Makes firms/catalog/*.toml once from a catalog of readings; after that the files are the project's own.

    python tools/make_catalog.py ../shared/data/rules_catalog.json [FOLDER]
    python tools/make_catalog.py ../shared/data/rules_catalog.json --coverage

The readings are first corrected (CORRECTIONS), then mapped onto the columns of firms/models/, then written,
what all sizes of a program share only once. Every table here is literal: a word, a zone or a doubt that is not
in it stops the run. --coverage lists each leaf of the JSON with the column it went to.
"""

import argparse
import copy
import json
import re
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

Entry = dict[str, Any]
FIRST_NUMBER, BLOCK = 101, 10  # each program and phase begins a block of ten numbers

FIRMS = {
    "Apex Trader Funding": ("APEX", "https://apextraderfunding.com"),
    "Topstep": ("TOPSTEP", "https://www.topstep.com"),
    "My Funded Futures": ("MYFUNDEDFUTURES", "https://myfundedfutures.com"),
    "Take Profit Trader": ("TAKEPROFITTRADER", "https://takeprofittrader.com"),
    "Tradeify": ("TRADEIFY", "https://tradeify.co"),
    "Bulenox": ("BULENOX", "https://bulenox.com"),
    "Earn2Trade": ("EARN2TRADE", "https://www.earn2trade.com"),
    "Lucid Trading": ("LUCID", "https://lucidtrading.com"),
    "Alpha Futures": ("ALPHAFUTURES", "https://alpha-futures.com"),
    "TradeDay": ("TRADEDAY", "https://www.tradeday.com"),
    "FundedNext Futures": ("FUNDEDNEXTFUTURES", "https://fundednext.com"),
    "FTMO": ("FTMO", "https://ftmo.com"),
    "The5ers": ("THE5ERS", "https://the5ers.com"),
    "FundedNext": ("FUNDEDNEXT", "https://fundednext.com"),
    "FundingPips": ("FUNDINGPIPS", "https://fundingpips.com"),
    "E8 Markets": ("E8", "https://e8markets.com"),
    "Alpha Capital Group": ("ALPHACAPITAL", "https://alphacapitalgroup.uk"),
    "Blue Guardian": ("BLUEGUARDIAN", "https://blueguardian.com"),
    "Breakout": ("BREAKOUT", "https://www.breakoutprop.com"),
    "Maven Trading": ("MAVEN", "https://maventrading.com"),
    "FXIFY": ("FXIFY", "https://fxify.com"),
}
PHASES = {
    "evaluation": "evaluation", "challenge": "challenge", "phase 1": "phase_1", "phase 2": "phase_2",
    "step 1": "step_1", "step 2": "step_2", "each of steps 1-3": "each_step", "verification": "verification",
    "sim_funded": "sim_funded", "instant_funded": "instant_funded", "funded": "funded", "livesim": "livesim",
    "live": "live",
}  # fmt: skip
EVIDENCE = {
    "A": "confirmed", "B2": "transcribed", "B": "transcribed", "C": "secondary", "X": "disputed",
}  # fmt: skip


class Clock(NamedTuple):
    """A zone of the zone database for a firm's platform clock, and how far its local time is from theirs."""

    zone: str
    shift: timedelta = timedelta(0)
    other: str = ""
    note: str = ""


# Server midnight that follows the US clock changes is 17:00 in New York all year.
_NEW_YORK = Clock("America/New_York", timedelta(hours=-7))
CLOCKS = {
    "America/New_York": Clock("America/New_York"),
    "America/Chicago": Clock("America/Chicago"),
    "Europe/Prague": Clock("Europe/Prague"),
    "UTC": Clock("UTC"),
    "UTC+3 (platform time)": Clock(
        "Etc/GMT-3", other="UTC+2 in winter: a clock that follows daylight saving",
        note="Published as UTC+3 platform time; whether it shifts is not published.",
    ),
    "UTC+3 (broker time; an older copy says UTC+2)": Clock(
        "Etc/GMT-3", other="Etc/GMT-2 (UTC+2), in an older copy of the firm's page",
        note="Published as UTC+3 broker time.",
    ),
    "MT5 server (UTC+2 / UTC+3 DST)": _NEW_YORK._replace(
        other="00:00 Europe/Athens, if the server follows Europe's clock changes",
        note="Published as server midnight, UTC+2 or UTC+3; which region's daylight saving is not stated. "
        "Taken as New York's: server midnight is then 17:00 there.",
    ),
    "MT5 server (UTC+2 winter, UTC+3 summer)": _NEW_YORK._replace(
        other="00:00 Europe/Athens, if the server follows Europe's clock changes; or 00:00 UTC+3",
        note="Published as server midnight, UTC+2 in winter and UTC+3 in summer; which region's clock changes "
        "it follows is not stated. Taken as New York's: server midnight is then 17:00 there.",
    ),
    "E8 server time": _NEW_YORK._replace(
        other="00:00 Europe/Athens, if the server follows Europe's clock changes",
        note="Published as server time, in one reading UTC+2 or UTC+3. Taken to follow New York's clock "
        "changes: server midnight is then 17:00 there.",
    ),
    "EST (DST treatment not stated)": Clock(
        "America/New_York", other="17:00 at UTC-5 all year", note="Published as 17:00 EST."
    ),
}  # fmt: skip
ANCHORS = {
    ("static", "initial_balance"): "initial",
    ("trailing_intraday", "equity_peak_incl_unrealised"): "highest_equity",
    ("trailing_eod", "highest_eod_balance"): "highest_close",
    ("trailing_eod", "highest_midnight_balance"): "highest_close",
    ("trailing_closed_balance", "highest_closed_balance"): "highest_balance",
}
DAY_ANCHORS = {
    "day_start_balance": "day_start_balance",
    "midnight_balance": "day_start_balance",
    "balance_at_reset": "day_start_balance",
    "max(day_open_balance, day_open_equity)": "day_start_higher",
    "max(day_start_balance, day_start_equity)": "day_start_higher",
    "max(equity, balance) at reset": "day_start_higher",
    "max(balance, equity) at reset": "day_start_higher",
}
SHARES_OF = {"initial": "initial", "reference": "anchor", "highest_eod_profit": "highest_close_profit"}
BOUNDARIES = {"equity <= floor": "at", "equity < floor": "below", None: "at"}  # unknown: the safe one
TESTED_ON = {
    "equity_realtime_incl_unrealised": "equity", "equity_or_balance_realtime": "lower", None: "equity",
}  # fmt: skip
MEASURES = {
    "best_day / total_profit": "net_profit",
    "best_day / total_net_profit": "net_profit",
    "best_day / net_profit": "net_profit",
    "best_day / account_profit": "net_profit",
    "best_day / cycle_profit": "since_payout",
    "best_day / profit_since_last_payout": "since_payout",
    "best_day / net_profit_since_last_payout": "since_payout",
    "best_day / sum_of_positive_days": "positive_days",
    "best_day / profit_target": "profit_target",
    "best_day / profit_target (target becomes best_day / 0.55 when exceeded)": "profit_target",
}
CONSISTENCY_SCOPES = {"evaluation": "evaluation", "payout": "payout", "evaluation and reward": "both"}
PASSES = {"<": "below", "<=": "at"}
HEDGING: dict[str, Entry] = {
    "no opposite positions in the same or a correlated market, in one account or across accounts, any size": {
        "hedging_scope": "trader", "hedging_by": "correlated"},
    "no opposite positions in the same or a correlated instrument across accounts (ES/MES, NQ/MNQ); tracked per "
    "trader, automatic escalation, not appealable": {"hedging_scope": "trader", "hedging_by": "correlated"},
    "no opposite positions in the same or closely related products across accounts under the same control": {
        "hedging_scope": "trader", "hedging_by": "correlated"},
    "no buy and sell on the same underlying at the same time (mini and micro count as the same)": {
        "hedging_scope": "trader", "hedging_by": "underlying"},
    "no opposite positions within a product group (equity index, energy, metals, currencies, rates, grains, "
    "livestock, volatility), one account or several; about 10 seconds grace": {
        "hedging_scope": "trader", "hedging_by": "correlated", "hedging_grace_seconds": 10},
    "no opposing positions across accounts, correlated assets included; mini against micro of one contract allowed "
    "inside one account only": {
        "hedging_scope": "trader", "hedging_by": "correlated", "hedging_same_product_inside": True},
    "no inverse trading between accounts; same-account NQ against MNQ also prohibited": {
        "hedging_scope": "trader", "hedging_by": "underlying"},
    "no opposite positions in the same product across accounts": {
        "hedging_scope": "trader", "hedging_by": "underlying"},
    "hedging prohibited on all accounts": {"hedging_scope": "trader", "hedging_by": "underlying"},
    "no opposite positions on the same asset across accounts": {
        "hedging_scope": "trader", "hedging_by": "underlying"},
}  # fmt: skip
OWN_DEVICE = {"Topstep", "TradeDay", "Tradeify"}  # a rule about devices or remote servers (VPS)

# What the calendar of releases calls them: a word of a rule is an impact, or stands in a release's name.
_CPI, _NFP = "CPI", "Non-Farm, Nonfarm, NFP"
_FOMC = "FOMC Statement, Federal Funds Rate, Fed Interest Rate Decision"
_INDEX = "ES, NQ, YM, RTY, NKD, MES, MNQ, MYM, M2K"
CPI_MICROS = {25_000: 1, 50_000: 3, 100_000: 6, 150_000: 9, 250_000: 15}
_FLAT = {"must_be_flat": True}
_SHUT = {"exits_restricted": True}
NEWS: dict[str, list[Entry]] = {
    "all": [{"events": "", "before_seconds": 300, "after_seconds": 300, "straddles_only": True}],
    "equity-index minis (ES, NQ, YM, RTY, NKD): no new opening orders; micros capped at 1/3/6/9/15 by size": [
        {"events": _CPI, "products": _INDEX, "severity": "reject"}],
    "evaluation: T1 trading permitted, though the policy page also carries a two-minute rule": [
        {"events": "high", **_FLAT}],
    "sim funded: flat with no orders": [{"events": "high", **_FLAT}],
    "must be flat with no working orders": [{"events": f"{_FOMC}, {_NFP}, {_CPI}", **_FLAT}],
    "must be flat; breach is hard": [{"events": "high", **_FLAT, "severity": "hard"}],
    "no orders executed": [{"events": "high", **_SHUT}],
    "auto-liquidation 2 minutes before, reopened 2 minutes after": [
        {"events": f"FOMC, {_FOMC}, {_CPI}, {_NFP}", **_FLAT, "severity": "auto_flatten"},
        {"events": "Crude Oil Inventories", "products": "CL, QM, MCL, BZ, HO, RB", **_FLAT,
         "severity": "auto_flatten"},
        {"events": "Natural Gas", "products": "NG, QG, MNG", **_FLAT, "severity": "auto_flatten"},
        {"events": "Crop Production, WASDE", "products": "grains, livestock", **_FLAT,
         "severity": "auto_flatten"}],
    "targeted instruments; opening or closing, pending, stop-loss and take-profit executions included; holding "
    "allowed": [{"events": "high", **_SHUT}],
    "executing orders prohibited; holding allowed": [{"events": "high", **_SHUT}],
    "soft: only 40% of the profit of the trade counts": [{"events": "high", "severity": "profit_deducted"}],
    "profit of trades opened or closed in the window deducted; exempt if opened at least 5 hours before": [
        {"events": "high, speaks, speech", **_SHUT, "exempt_opened_minutes": 300,
         "severity": "profit_deducted"}],
    "no position opened, closed or held; hard breach": [
        {"events": "high", **_SHUT, **_FLAT, "severity": "hard"}],
    "no trade opened or closed": [{"events": "high", **_SHUT}],
}  # fmt: skip
RISK: dict[str, Entry] = {
    "open loss on a trade <= 30% of start-of-day profit (or 30% of the drawdown while profit is low); "
    "stop <= 5 x target": {"max_risk_share": Decimal("0.3"), "risk_of": "day_profit"},
    "risking the whole daily drawdown on one trade is prohibited": {
        "max_risk_share": Decimal(1), "risk_of": "day_loss"},
    "a trade without a stop loss or risking more than 2% counts as all-in trading": {},
    "loss at the stop of a position": {},
    "combined realised and unrealised loss of one trade idea (accounts above 25K; 3% below, unconfirmed); same "
    "instrument and direction open together, or re-entered within 10 minutes of a losing close": {
        "idea_window_minutes": 10},
}  # fmt: skip
RISKS_OF = {"balance": "balance", "account size": "initial"}


class Doubt(NamedTuple):
    """A value that is not settled: the column, what another source says, and why."""

    term: str
    other: str = ""
    note: str = ""


UNCONFIRMED: dict[str, Doubt] = {
    "breach at equality": Doubt("boundary", "below: only less than the floor is the breach"),
    "drawdown.breach_when": Doubt("drawdown.boundary", "below: only less than the floor is the breach"),
    "daily_loss.breach_when": Doubt("daily_loss.boundary", "below: only less than the floor is the breach"),
    "drawdown.update_time": Doubt("close_time", "", "The second that fixes the close is not published."),
    "drawdown.enforced_on": Doubt("drawdown.tested_on", "only the closing balance counts"),
    "drawdown.enforced_on: one reading says only the closing balance counts, another that a touch in the session "
    "is a breach": Doubt("drawdown.tested_on", "only the closing balance counts"),
    "drawdown.lock_at": Doubt("drawdown.lock_at"),
    "drawdown.type: static on the firm's blog, trailing in another reading": Doubt(
        "drawdown.anchor", "initial: static, on the firm's blog"),
    "lock trigger": Doubt("drawdown.lock_trigger"),
    "lock may apply in the funded stage only": Doubt(
        "drawdown.lock_at", "locks at the starting balance + 100 in the evaluation too"),
    "150K drawdown (4,000 in an older table)": Doubt("drawdown.amount"),
    "daily_loss": Doubt("daily_loss"),
    "daily_loss basis": Doubt("daily_loss.anchor", "the balance at the day's start alone"),
    "daily_loss in the funded stage": Doubt("daily_loss", "no daily limit in the funded stage"),
    "daily_loss: none documented": Doubt("daily_loss"),
    "daily_loss.severity": Doubt(
        "daily_loss.consequence", "no consequence in the official text; one secondary page: account lost"),
    "daily_loss.reset_time": Doubt("day_reset"),
    "an older official copy shows 4% and 5%": Doubt(
        "daily_loss.share", "4 % (the firm's published example) and 5 %, in an older official copy"),
    "tier amounts for sizes other than 50K": Doubt("tier.value"),
    "whether the scaling boundaries are inclusive": Doubt("tier.above", "the profit has to be passed"),
    "scaling milestones on sim funded (2 to 5, 4 to 10, 6 to 15)": Doubt(
        "tier.value", "funded accounts scale from 2 to 5, 4 to 10 and 6 to 15 contracts"),
    "max_contracts": Doubt("max_contracts", "5, 10 and 15 contracts"),
    "max_contracts: other pages list 5/10/15": Doubt("max_contracts", "5, 10 and 15 contracts"),
    "max_contracts.micro above 50K (secondary: 50 at every size)": Doubt("max_micros", "more above 50K"),
    "whether the platform clock follows daylight saving": Doubt("day_zone"),
    "E8 server time zone (one reading: UTC+2/UTC+3)": Doubt("day_zone"),
    "whether 5 pm EST means New York time all year": Doubt("day_zone", "17:00 at UTC-5 all year"),
    "weekend_holding: one reading says funded accounts must close": Doubt("weekend", "holding is allowed"),
    "whether the 5% is of starting size or of peak equity": Doubt("drawdown.share_of", "anchor: of the peak"),
    "flat_by consequence": Doubt("flat_by_note"),
    "automation": Doubt("automation", "EAs are not allowed on this model, on one page"),
    "hedging": Doubt("hedging_scope"),
    "account sizes": Doubt("size"),
    "other sizes": Doubt("size"),
    "profit_target": Doubt("profit_target"),
    "phase 2 target: 6% in two readings, 8% in one": Doubt("profit_target", "8 % in phase 2"),
    "an older reading has 10% target and 6% maximum loss": Doubt("profit_target", "10 %"),
    "minimum days: 4 on one page, 5 on another": Doubt("min_trading_days", "4"),
    "everything except daily_loss": Doubt("all", "", "Read were the daily limit and the sizes only."),
}  # fmt: skip


# --- corrections to the readings ----------------------------------------------------------------------


def corrected(reading: Entry) -> tuple[Entry, list[Doubt]]:
    """The reading as it should have been, and what stays in doubt by that."""
    entry, doubts = copy.deepcopy(reading), []
    for correction in CORRECTIONS:
        doubts += correction(entry) or []
    return entry, doubts


def _is(entry: Entry, firm: str, *programs: str, phase: str | None = None) -> bool:
    return (
        entry["firm"] == firm
        and (not programs or entry["program"] in programs)
        and (phase is None or entry["phase"] == phase)
    )


def _stricter_readings(entry: Entry) -> list[Doubt] | None:
    """Where the looser of two readings was stored: the stricter holds, the other stands beside it."""
    drawdown, size = entry["drawdown"], Decimal(entry["size"])
    if _is(entry, "My Funded Futures", "Pro", phase="sim_funded"):
        trails = "trails until the first payout, which fixes it at the starting balance + 100"
        drawdown |= {"lock_at": None, "lock_note": trails}
    if _is(entry, "My Funded Futures", "Rapid", phase="sim_funded"):
        note = "locks with the first payout (a FAQ; the article says by itself); after the lock 'drops below'"
        drawdown |= {"lock_trigger": "payout_paid", "lock_note": note}
        return [Doubt("drawdown.lock_trigger", "peak: locks by itself at the starting balance + 100")]
    if _is(entry, "My Funded Futures", "Rapid", phase="evaluation"):
        drawdown |= {
            "lock_at": None,
            "lock_note": "the lock may apply in the funded stage only: taken as none",
        }
    if _is(entry, "The5ers", "Hyper Growth"):
        drawdown |= {"type": "trailing_intraday", "basis": "equity_peak_incl_unrealised"}
    if _is(entry, "FundingPips", "1-Step Flex"):
        amount = size * 6 / 100
        drawdown |= {"pct": 6, "amount": amount, "initial_floor": size - amount}
        return [Doubt("drawdown.share", "0.12: 12 % in the newer reading")]
    if _is(entry, "TradeDay") and entry["size"] == 150_000:
        drawdown |= {"amount": 4000, "initial_floor": 146_000}
        return [Doubt("drawdown.amount", "4,500 in the newer table")]
    if _is(entry, "FundedNext", "FundedNext Account (Stellar 2-Step)"):
        entry["weekend_holding"] = False
    return None


def _locks_and_closes(entry: Entry) -> None:
    if _is(entry, "Lucid Trading", "LucidDaily"):
        entry["drawdown"]["lock_trigger"] = "close"
    if _is(entry, "E8 Markets", "E8 Signature"):
        entry["drawdown"]["lock_trigger"] = "closed_profit"
    if _is(entry, "E8 Markets", "E8 Signature", "E8 Zero"):
        entry["drawdown"] |= {"update_time": "00:00", "timezone": "E8 server time"}


def _unknown_consequences_and_bases(entry: Entry) -> None:
    daily = entry["daily_loss"]
    if daily is None:
        return
    if daily["severity"] is None:
        daily["severity"] = "hard"
    if _is(entry, "The5ers", "Hyper Growth"):
        daily |= {"basis": "max(day_start_balance, day_start_equity)", "pct_of": "reference"}
    if _is(entry, "E8 Markets", "E8 One (4% / 6% configuration)"):
        daily["enforced_on"] = "equity_or_balance_realtime"


def _contracts(entry: Entry) -> None:
    if _is(entry, "My Funded Futures", "Pro", phase="sim_funded"):  # as in the evaluation
        minis = {50_000: 3, 100_000: 6, 150_000: 9}[entry["size"]]
        entry["max_contracts"] = {"mini": minis, "micro": 10 * minis}
    if _is(entry, "Apex Trader Funding", "Legacy Full (bought before 2026-03-01)"):
        if entry["size"] == 75_000:
            entry["scaling"] = [{"from_profit": 0, "contracts": 6}, {"from_profit": 2850, "contracts": 12}]
        for tier in entry["scaling"][1:]:
            tier["above"] = True


def _news(entry: Entry) -> list[Doubt] | None:
    nothing_found = (
        entry["firm"] in ("Tradeify", "Bulenox", "Earn2Trade")
        or _is(entry, "FTMO", "FTMO Futures Growth", "FTMO Futures Pro")
    )  # fmt: skip
    if nothing_found:
        entry["news_blackout_minutes"] = None
    if _is(entry, "Topstep", "Labs 25K Static Combine", "Labs 250K Freedom Combine"):
        combine = "equity-index minis (ES, NQ, YM, RTY, NKD): no new opening orders; "
        scope = combine + "micros capped at 1/3/6/9/15 by size"
        entry["news"] = {"before": 5, "after": 5, "events": ["US CPI"], "scope": scope, "note": None}
    if _is(entry, "My Funded Futures", phase="evaluation") and entry["news"]:
        return [
            Doubt("news_rule", "news trading is allowed in the evaluation, by the evaluation's own table")
        ]
    if entry["news"] is None and entry["news_blackout_minutes"] is None:
        return [Doubt("news_rule", "", "No rule about news was found in what was read: unknown, not none.")]
    return None


def _small_gaps(entry: Entry) -> None:
    if _is(entry, "FundingPips", "Zero"):
        entry |= {"hedging": "hedging prohibited on all accounts", "inactivity_days": 30}
    if _is(entry, "TradeDay", "Quick Pay Funded Sim"):
        entry["hedging"] = "no opposite positions in the same product across accounts"


CORRECTIONS: list[Callable[[Entry], list[Doubt] | None]] = [
    _stricter_readings, _locks_and_closes, _unknown_consequences_and_bases, _contracts, _news, _small_gaps,
]  # fmt: skip


def contradictions(entry: Entry) -> Iterator[Doubt]:
    """Where published readings of a firm disagree and the reading itself doesn't say so: both are shown."""
    is_cfd = entry["market"] == "cfd"
    legacy = entry["program"].startswith("Legacy")
    if _is(entry, "FTMO") and is_cfd:
        yield Doubt(
            "daily_loss.anchor", "day_start_higher, in many explainers; the firm's own page: the balance"
        )
        if "2-Step" in entry["program"]:
            yield Doubt("drawdown.anchor", "highest_close: trailing, in one dataset of 2026-08-29")
    if _is(entry, "Apex Trader Funding") and not legacy:
        if entry["size"] == 50_000:
            yield Doubt("drawdown.amount", "2,500: the legacy figure, which one current page still prints")
        if entry["consistency"]:
            yield Doubt("consistency_share", "0.3: the legacy figure, still in a product feed")
    if _is(entry, "My Funded Futures", "Rapid", phase="evaluation"):
        yield Doubt(
            "drawdown.anchor", "highest_equity: intraday, by aggregators; the firm's table: end of day"
        )
    if _is(entry, "Tradeify", "Growth", "Select", phase="evaluation"):
        yield Doubt("drawdown.lock_at", "the starting balance + 100, in a product overview")
    if _is(entry, "Topstep"):
        if entry["drawdown"]["type"] == "trailing_eod":
            yield Doubt("drawdown.anchor", "highest_equity: intraday, in secondary data sets")
        if entry["consistency_pct"] == 55:
            yield Doubt("consistency_share", "0.5: the older figure")
    if _is(entry, "E8 Markets", "E8 Zero"):
        yield Doubt("drawdown.lock_at", "locks at the initial balance, by the product overview")
    if _is(entry, "Bulenox"):
        yield Doubt("inactivity", "a trading-access rule of 30 days, or none: not encoded")
    if _is(entry, "Apex Trader Funding", "Intraday Performance Account"):
        yield Doubt("daily_loss", "no daily limit on this account")
    if _is(entry, "FundingPips", "2-Step Standard Master") and entry["size"] <= 25_000:
        yield Doubt("max_risk_share", "0.03 for accounts up to 25K, unconfirmed")
    if _is(entry, "Topstep"):
        note = "By one transcription only."
        yield Doubt(
            "product_limit", "a micro counts as a full contract on platforms other than TopstepX", note
        )


# --- readings to columns ------------------------------------------------------------------------------


class Mapped(NamedTuple):
    """One program: its own columns, and its rows of other tables."""

    columns: Entry
    lists: dict[str, list[Entry]]


def mapped(reading: Entry) -> Mapped:
    entry, doubts = corrected(reading)
    columns: Entry = {
        "number": None, "name": entry["program"], "phase": PHASES[entry["phase"]],
        "market": "crypto" if _is(entry, "Breakout") else entry["market"],
        "size": entry["size"], "starting_balance": entry["starting_balance"], "currency": entry["currency"],
        **_cohorts(entry), "last_verified_on": date.fromisoformat(entry["as_of"]), "notes": _notes(entry),
    }  # fmt: skip
    for part in (_day, _times, _contract_caps, _conduct, _progress):
        part(entry, columns, doubts)
    limits = [limit for limit in (_drawdown(entry), *_daily_limits(entry)) if limit is not None]
    lists = {
        "loss_limit": limits,
        "tier": _tiers(entry),
        "product_limit": _product_limits(entry),
        "news_rule": _news_rules(entry),
        "source": _sources(entry, doubts),
    }
    return Mapped({**columns, "example": _example(entry)}, lists)


def _cohorts(entry: Entry) -> Entry:
    """Accounts keep the rules of the day they were bought on."""
    bought = {
        "Apex Trader Funding": date(2026, 3, 1), "My Funded Futures": date(2026, 8, 20),
        "Blue Guardian": date(2026, 8, 20),
    }.get(entry["firm"])  # fmt: skip
    if entry["program"].startswith("Legacy Full"):
        return {"purchased_until": date(2026, 2, 28)}
    if _is(entry, "Take Profit Trader", "Test"):
        bought = date(2026, 8, 17)
    if _is(entry, "Lucid Trading", "LucidPro", phase="sim_funded"):
        bought = date(2025, 11, 28)
    held = {"Tradeify": date(2026, 7, 14)}.get(entry["firm"])
    if _is(entry, "FTMO", "FTMO Futures Growth", "FTMO Futures Pro"):
        held = date(2026, 9, 17)
    return {"purchased_from": bought, "effective_from": held}


def _notes(entry: Entry) -> str:
    notes = [entry["notes"], (entry["sessions"] or {}).get("note")]
    if _is(entry, "FundedNext Futures"):
        notes.append("the drawdown, contracts, session and reset are not published: not to be traded live")
    if _is(entry, "Earn2Trade"):
        notes.append("no fixed minimum days since July 2026")
    if _is(entry, "E8 Markets", "E8 Zero"):
        notes.append("no contract cap was found")
    return "; ".join(note for note in notes if note)


def _clock(text: str, zone: str) -> tuple[time, Clock]:
    """A local time of a platform's clock in a zone of the zone database. An unknown clock stops the run."""
    clock = CLOCKS[zone]
    at = datetime.combine(date(2026, 1, 5), time.fromisoformat(text)) + clock.shift
    return at.time(), clock


def _day(entry: Entry, columns: Entry, doubts: list[Doubt]) -> None:
    """The reset: of the daily limit, else the session's opening, else the firm's server."""
    limit = entry["daily_loss"] or entry["optional_daily_loss"]
    server = {"The5ers": "MT5 server (UTC+2 winter, UTC+3 summer)", "E8 Markets": "E8 server time"}
    if limit and limit["reset_time"]:
        reset, clock = _clock(limit["reset_time"], limit["timezone"])
    elif entry["sessions"]:
        reset, clock = _clock(entry["sessions"]["open"], entry["sessions"]["timezone"])
    elif entry["firm"] in server:
        reset, clock = _clock("00:00", server[entry["firm"]])
    elif _is(entry, "FundedNext Futures"):
        reset, clock = _clock("17:00", "America/Chicago")
        doubts.append(Doubt("day_reset", "", "Not published: the exchange's own, as at every futures firm."))
    else:
        raise ValueError(f"{entry['id']}: no trading day")
    columns |= {"day_zone": clock.zone, "day_reset": reset}
    if clock.note:
        doubts.insert(0, Doubt("day_zone", clock.other, clock.note))
    drawdown = entry["drawdown"] or {}
    if drawdown.get("update_time"):
        columns["close_time"], clock = _clock(drawdown["update_time"], drawdown["timezone"])
        columns["close_zone"] = None if clock.zone == columns["day_zone"] else clock.zone


def _times(entry: Entry, columns: Entry, doubts: list[Doubt]) -> None:
    hours, flat = entry["sessions"], entry["flat_by"]
    if hours:
        columns["hours_open"], clock = _clock(hours["open"], hours["timezone"])
        columns["hours_close"], _ = _clock(hours["close"], hours["timezone"])
        columns["hours_zone"] = clock.zone
    if flat:
        columns["flat_by"], clock = _clock(flat["time"], flat["timezone"])
        if clock.zone != columns.get("hours_zone"):
            columns["flat_by_zone"] = clock.zone
        if clock.note:
            doubts.append(Doubt("flat_by", clock.other, clock.note))
        columns["flat_by_note"] = flat["on_violation"]
        if "12:59 ET on shortened" in (flat["on_violation"] or ""):
            columns["early_close_flat_by"] = time(12, 59)
    if _is(entry, "Topstep"):
        columns |= {"no_entry_minutes": 2, "early_close_lead_minutes": 15}
    if _is(entry, "TradeDay"):
        columns["early_close_lead_minutes"] = 10
    columns |= {"overnight": entry["overnight_holding"], "weekend": entry["weekend_holding"]}
    if _is(entry, "Alpha Capital Group"):
        columns["average_hold_seconds"] = 120
    if entry["inactivity_days"] is not None:
        columns["inactivity"] = entry["inactivity_days"]
        if _is(entry, "Alpha Futures"):
            columns["inactivity_unit"] = "trading_days"
        if _is(entry, "Take Profit Trader"):  # at least one trading day in each calendar week
            columns |= {"inactivity": 1, "inactivity_unit": "weeks"}


def _contract_caps(entry: Entry, columns: Entry, doubts: list[Doubt]) -> None:
    if entry["max_contracts"]:
        columns["max_contracts"] = entry["max_contracts"]["mini"]
        columns["max_micros"] = entry["max_contracts"]["micro"]


def _conduct(entry: Entry, columns: Entry, doubts: list[Doubt]) -> None:
    automation, risk = entry["automation"] or {}, entry["max_risk_per_trade"]
    conditional = "own_device" if entry["firm"] in OWN_DEVICE else "auto"
    columns["automation"] = {
        "allowed": "auto", "allowed_with_conditions": conditional, "prohibited": "prohibited",
        "unknown": "confirm_by_hand", None: "confirm_by_hand",
    }[automation.get("status")]  # fmt: skip
    columns["automation_note"] = automation.get("note")
    columns["stop_required"] = entry["stop_loss_required"]
    if risk:
        columns |= RISK[risk["rule"]]
        if risk.get("pct") is not None:
            columns |= {"max_risk_share": _share(risk["pct"]), "risk_of": RISKS_OF[risk["of"]]}
        unit = "measured as the maximum adverse excursion (MAE)" if risk.get("unit") == "MAE" else None
        columns["risk_note"] = "; ".join(filter(None, (risk["rule"], unit)))
    if entry["hedging"]:
        columns |= {**HEDGING[entry["hedging"]], "hedging_note": entry["hedging"]}
    if _is(entry, "Topstep") or _is(entry, "TradeDay"):
        columns["price_limit_distance_share"] = Decimal("0.02")
    if _is(entry, "TradeDay"):
        columns["max_trades_per_day"] = 200
    if _is(entry, "FTMO") and entry["market"] == "cfd":
        columns["max_requests_per_day"] = 2000


def _progress(entry: Entry, columns: Entry, doubts: list[Doubt]) -> None:
    size, rule = Decimal(entry["size"]), entry["consistency"]
    columns |= {"profit_target": entry["profit_target"], "min_trading_days": entry["min_trading_days"]}
    cent = Decimal("0.01")  # a day in profit
    if _is(entry, "The5ers", "High Stakes (New)"):
        columns |= {"min_day_profit": size * 5 / 1000, "qualifying_days": 3}
    if _is(entry, "FundingPips", "Zero"):
        columns |= {"min_day_profit": cent, "qualifying_days": 7}
    if _is(entry, "Blue Guardian"):
        columns |= {"min_day_profit": cent, "qualifying_days": 3}
    if _is(entry, "Apex Trader Funding") and entry["phase"] == "evaluation":
        columns["days_limit"] = 30
    if _is(entry, "Apex Trader Funding", "EOD Performance Account", "Intraday Performance Account"):
        columns |= {"min_day_profit": 50, "qualifying_days": 2, "qualifying_window_days": 30}
        columns["safety_net"] = size + entry["drawdown"]["amount"] + 100
    if rule is None:
        return
    comparator, percent = re.fullmatch(r"(<=?) (\d+)%", rule["pass_when"]).groups()  # type: ignore[union-attr]
    if int(percent) != entry["consistency_pct"]:
        raise ValueError(f"{entry['id']}: two shares of consistency")
    columns |= {
        "consistency_share": _share(percent), "consistency_measure": MEASURES[rule["measure"]],
        "consistency_passes": PASSES[comparator], "consistency_scope": CONSISTENCY_SCOPES[rule["scope"]],
        "consistency_note": rule["on_fail"],
    }  # fmt: skip
    if _is(entry, "Tradeify", "Lightning"):
        columns["consistency_by_payout"] = "0.2 0.25 0.3"


# --- loss limits --------------------------------------------------------------------------------------


def _drawdown(entry: Entry) -> Entry | None:
    drawdown = entry["drawdown"]
    if drawdown is None:
        return None
    return {
        "kind": "drawdown",
        "anchor": ANCHORS[drawdown["type"], drawdown["basis"]],
        **_distance(drawdown, entry),
        "lock_at": drawdown["lock_at"],
        "lock_trigger": drawdown.get("lock_trigger"),
        **_payout(entry),
        "boundary": BOUNDARIES[drawdown["breach_when"]],
        "boundary_after_lock": "at"
        if _is(entry, "My Funded Futures") and drawdown["lock_at"] is not None
        else None,
        "tested_on": TESTED_ON[drawdown["enforced_on"]],
        "consequence": "hard",
        "note": drawdown["lock_note"],
    }


def _distance(limit: Entry, entry: Entry) -> Entry:
    """A share where the firm publishes one and the amount is that share, else the amount."""
    if limit["pct"] is None:
        return {"amount": limit["amount"]}
    share, of = _share(limit["pct"]), SHARES_OF[limit.get("pct_of") or "initial"]
    if of == "highest_close_profit":
        reached = entry["drawdown"]["amount"] + 100
        return {"amount": limit["amount"], "share": share, "share_of": of, "share_from_profit": reached}
    if limit["amount"] is not None and limit["amount"] != share * entry["size"]:
        raise ValueError(f"{entry['id']}: {limit['amount']} is not {share} of {entry['size']}")
    return {"share": share, "share_of": of}


def _payout(entry: Entry) -> Entry:
    """What the first payout does to the drawdown floor (rules.md 2.3)."""
    start = entry["starting_balance"]
    lock: Entry = {"payout_effect": "lock", "floor_after_payout": start + 100}
    if entry["program"].startswith("Express Funded Account"):
        return {"payout_effect": "lock", "floor_after_payout": 0}
    if _is(entry, "My Funded Futures", "Pro", phase="sim_funded"):
        return lock
    if _is(entry, "Tradeify", "Select Flex") or _is(entry, "Lucid Trading", "LucidFlex", phase="sim_funded"):
        return {**lock, "payout_on_request": True}
    if _is(entry, "E8 Markets", "E8 Signature"):
        return {"payout_effect": "lock", "payout_on_request": True, "floor_after_payout": start}
    if _is(entry, "TradeDay", "Fast Pass"):
        return {"payout_effect": "set", "payout_on_request": True, "floor_after_payout": start}
    if _is(entry, "FTMO", "Challenge 1-Step", "FTMO Account 1-Step"):
        return {"payout_effect": "reset"}
    return {}


def _daily_limits(entry: Entry) -> Iterator[Entry]:
    for daily, is_optional in ((entry["daily_loss"], False), (entry["optional_daily_loss"], True)):
        if daily is None:
            continue
        distance = {} if daily["tiers_by_profit"] else _distance(daily, entry)
        ends = None
        if _is(entry, "Bulenox", "Option 2 EOD (Master)"):
            ends = entry["drawdown"]["amount"]  # then the floor has reached the starting balance
        yield {
            "kind": "daily_loss",
            "anchor": DAY_ANCHORS[daily["basis"]],
            **distance,
            "boundary": BOUNDARIES[daily["breach_when"]],
            "tested_on": TESTED_ON[daily.get("enforced_on")],
            "ends_from_profit": ends,
            "consequence": daily["severity"],
            "is_optional": is_optional,
            "counts": daily["includes"],
            "note": daily["note"],
        }


def _tiers(entry: Entry) -> list[Entry]:
    daily, scaling = entry["daily_loss"] or {}, entry["scaling"] or []
    tiers = [
        {"of": "contracts", "from_profit": t["from_profit"], "above": t.get("above"), "value": t["contracts"]}
        for t in scaling
    ]
    tiers += [
        {"of": "daily_loss", "from_profit": t["from_profit"], "value": t["amount"]}
        for t in daily.get("tiers_by_profit") or []
    ]
    if daily.get("tiers_by_profit") and daily["tiers_by_profit"][0]["amount"] != daily["amount"]:
        raise ValueError(f"{entry['id']}: the first tier is not the amount")
    return tiers


def _product_limits(entry: Entry) -> list[Entry]:
    if not _is(entry, "Topstep"):
        return []
    limits: list[Entry] = [
        {"product": "SI", "max_contracts": 0},
        {"product": "SIL", "weight": Decimal("0.2")},
        {"product": "MBT", "weight": 1},
        {"product": "MET", "weight": 1},
    ]
    cap = {50_000: 3, 100_000: 6, 150_000: 9}.get(entry["size"])
    if cap is not None:
        limits += [{"product": product, "max_contracts": cap} for product in ("CL", "GC", "HO", "RB")]
    return limits


def _news_rules(entry: Entry) -> list[Entry]:
    news = entry["news"]
    if news is None:
        return []
    rules = []
    for rule in NEWS[news["scope"]]:
        minutes = {"before_seconds": 60 * news["before"], "after_seconds": 60 * news["after"]}
        about = "; ".join(filter(None, (_published(news), news["note"])))
        rule = {"events": rule["events"], **minutes, **rule, "note": about}
        if "micros capped" in news["scope"]:
            rule["max_micros"] = CPI_MICROS[entry["size"]]
        rules.append(rule)
    return rules


def _published(news: Entry) -> str | None:
    """The firm's own words for the releases and what they forbid."""
    if news["events"] is None:
        return None
    return f"{', '.join(news['events'])}: {news['scope']}"


# --- sources ------------------------------------------------------------------------------------------


def _sources(entry: Entry, doubts: list[Doubt]) -> list[Entry]:
    """Every page; then each value in doubt, with what another source says of it."""
    evidence = EVIDENCE[entry["evidence"]]
    pages = list(dict.fromkeys([entry["source_url"], *entry["extra_source_urls"]]))
    rows: list[Entry] = [{"url": page, "evidence": evidence} for page in pages]
    named = [(UNCONFIRMED[text], text) for text in entry["unconfirmed"]]
    others = [(doubt, "") for doubt in [*doubts, *contradictions(entry)]]
    by_term: dict[str, tuple[list[str], list[str]]] = defaultdict(lambda: ([], []))
    for doubt, text in [*named, *others]:
        readings, notes = by_term[doubt.term]
        readings += [doubt.other] if doubt.other and doubt.other not in readings else []
        notes += [note for note in (f"unconfirmed: {text}" if text else "", doubt.note) if note]
    for term, (readings, notes) in by_term.items():
        rows.append(
            {
                "term": term, "url": entry["source_url"], "evidence": _evidence_of(term),
                "other_reading": "; or ".join(readings), "note": "; ".join(notes),
            }
        )  # fmt: skip
    return rows


def _evidence_of(term: str) -> str:
    return "transcribed" if term == "product_limit" else "disputed"


def _example(entry: Entry) -> Entry:
    """The floors of a fresh account, from the reading's own figures."""
    start, example = Decimal(entry["starting_balance"]), {}
    if entry["drawdown"]:
        example["drawdown_floor"] = entry["drawdown"]["initial_floor"]
    daily = entry["daily_loss"] or entry["optional_daily_loss"]
    if daily:
        amount = daily["amount"]
        example["daily_floor"] = start - (start * _share(daily["pct"]) if amount is None else amount)
    return example


def _share(percent: Any) -> Decimal:
    return Decimal(str(percent)) / 100


# --- grouping and writing -----------------------------------------------------------------------------

# Defaults of the columns: what is the same is not written.
DEFAULTS: Entry = {
    "currency": "USD", "inactivity_unit": "days", "lock_trigger": "peak", "payout_effect": "none", "share_of": "initial",
    "tested_on": "equity", "max_risk_share": None,
}  # fmt: skip
NAMED_BY = {"loss_limit": ("kind",), "product_limit": ("product",), "news_rule": ("events",)}
BY_SIZE = {
    "number", "size", "starting_balance", "profit_target", "max_contracts", "max_micros", "safety_net", "example",
    "amount", "lock_at", "floor_after_payout", "share_from_profit", "ends_from_profit",
}  # fmt: skip
LINE = 108


def firm_files(readings: Iterable[Entry]) -> dict[str, str]:
    """The text of each firm's file, by its name."""
    groups: dict[str, dict[tuple[str, str], list[Entry]]] = defaultdict(lambda: defaultdict(list))
    for reading in readings:
        groups[reading["firm"]][reading["program"], reading["phase"]].append(reading)
    files = {}
    for firm, programs in groups.items():
        code, website = FIRMS[firm]
        lines = _header(firm, code, website, [r for group in programs.values() for r in group])
        in_order = list(dict.fromkeys(program for program, _ in programs))
        stages = list(PHASES)
        number = FIRST_NUMBER
        for key in sorted(programs, key=lambda k: (in_order.index(k[0]), stages.index(k[1]))):
            group = sorted(programs[key], key=lambda reading: reading["size"])
            has_phases = sum(1 for program, _ in programs if program == key[0]) > 1
            lines += ["", "", *_program(group, number, has_phases=has_phases)]
            number += BLOCK * (1 + len(group) // (BLOCK + 1))
        files[f"{code.lower()}.toml"] = "\n".join(lines) + "\n"
    return files


def _header(firm: str, code: str, website: str, readings: list[Entry]) -> list[str]:
    dates = sorted(reading["as_of"] for reading in readings)
    return f"""\
# {firm}: the rules of its programs, as `manage.py sync_catalog` loads them. Read {dates[0]} to {dates[-1]}.
#
# Keys are the columns of the admin. A [[program]] holds what all its sizes share, a [[program.size]] what is its
# own. A list in a size row fills in the program's rows of the same name (kind, events, product), or adds to them.
# A source without `read_on` was read when the program was verified last; without `term` it is about all of it.
# `example`: the floors of a fresh account, checked against the rules whenever the file is read.
#
# Numbers are for good: never changed, never used again. They begin at {FIRST_NUMBER}; those below are for programs
# of your own. Made by tools/make_catalog.py; edited by hand since.

[firm]
code = "{code}"
name = "{firm}"
website = "{website}"
""".splitlines()


def _program(readings: list[Entry], first: int, *, has_phases: bool) -> list[str]:
    programs = [mapped(reading) for reading in readings]
    for number, (columns, _) in enumerate(programs, start=first):
        phase = f", {columns['phase'].replace('_', ' ')}" if has_phases else ""
        columns |= {"number": number, "name": columns["name"] + " {size}" + phase}
        if columns["starting_balance"] == columns["size"]:
            columns["starting_balance"] = None
    shared, own = _split([program.columns for program in programs])
    lines = ["[[program]]", *(f"{key} = {_toml(value)}" for key, value in shared.items())]
    shared_lists, own_lists = _split_lists([program.lists for program in programs])
    for table in ("product_limit", "source"):
        if shared_lists[table]:
            lines += _list(table, shared_lists[table])
    for table in ("loss_limit", "news_rule", "tier"):
        for row in shared_lists[table]:
            lines += ["", f"[[program.{table}]]", *(f"{key} = {_toml(value)}" for key, value in row.items())]
    for columns, lists in zip(own, own_lists, strict=True):
        example = columns.pop("example")
        lines += ["", "[[program.size]]", *(f"{key} = {_toml(value)}" for key, value in columns.items())]
        for table, rows in lists.items():
            lines += _list(table, rows) if rows else []
        lines.append(f"example = {_toml(example)}")
    return lines


def _split(rows: list[Entry]) -> tuple[Entry, list[Entry]]:
    """What all rows have alike, and what each has of its own; amounts of a single size are its own."""
    alone = len(rows) == 1
    written = [{k: v for k, v in row.items() if _is_said(k, v)} for row in rows]
    shared = {
        key: value
        for key, value in written[0].items()
        if all(row.get(key) == value for row in written)
        and not (alone and key in BY_SIZE) and key not in ("number", "size", "example")
    }  # fmt: skip
    return shared, [{k: v for k, v in row.items() if k not in shared} for row in written]


def _is_said(key: str, value: Any) -> bool:
    if value is None or value == "" or (value is False and key not in ("overnight", "weekend")):
        return False
    return key not in DEFAULTS or DEFAULTS[key] != value


def _split_lists(
    programs: list[dict[str, list[Entry]]],
) -> tuple[dict[str, list[Entry]], list[dict[str, list[Entry]]]]:
    shared: dict[str, list[Entry]] = {}
    own: list[dict[str, list[Entry]]] = [{} for _ in programs]
    for table in programs[0]:
        lists = [[_said(row) for row in program[table]] for program in programs]
        if table in NAMED_BY:
            shared[table], split = _split_named(NAMED_BY[table], lists)
        else:
            every = [row for row in lists[0] if all(row in rows for rows in lists)]
            keep_together = table == "tier" and (
                len(lists) == 1 or any(len(rows) != len(every) for rows in lists)
            )
            shared[table] = [] if keep_together else every
            split = [[row for row in rows if row not in shared[table]] for rows in lists]
        for rows, size in zip(split, own, strict=True):
            size[table] = rows
    return shared, own


def _said(row: Entry) -> Entry:
    return {
        key: value for key, value in row.items() if _is_said(key, value) or key in ("events", "from_profit")
    }


def _split_named(names: tuple[str, ...], lists: list[list[Entry]]) -> tuple[list[Entry], list[list[Entry]]]:
    """Rows of one name in all sizes are split column by column; the others stay whole with their size."""
    shared: list[Entry] = []
    own: list[list[Entry]] = [[] for _ in lists]
    of_all: list[Entry] = []
    for row in lists[0]:
        alike = [found for rows in lists if (found := _find(row, names, rows))]
        common, rest = _split(alike)
        if len(alike) < len(lists) or common.keys() <= set(names):
            continue
        of_all.append(row)
        shared.append({key: row[key] for key in row if key in common or key in names})
        for size, columns, whole in zip(own, rest, alike, strict=True):
            columns = {key: value for key, value in columns.items() if key not in names}
            size += [{**{name: whole[name] for name in names}, **columns}] if columns else []
    for size, rows in zip(own, lists, strict=True):
        size += [row for row in rows if not _find(row, names, of_all)]
    return shared, own


def _find(row: Entry, names: tuple[str, ...], rows: list[Entry]) -> Entry | None:
    return next((other for other in rows if all(other[name] == row[name] for name in names)), None)


def _list(key: str, rows: list[Entry]) -> list[str]:
    whole = f"{key} = {_toml(rows)}"
    if len(whole) <= LINE:
        return [whole]
    return [f"{key} = [", *(f"    {_toml(row)}," for row in rows), "]"]


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | Decimal):
        return f"{Decimal(value).normalize():f}"
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_toml(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


# --- coverage -----------------------------------------------------------------------------------------

# Each leaf of the JSON and where it went. "" is a list that only holds others.
LEAVES = {
    "id": "firm, name, phase and size",
    "firm": "Firm.name, Firm.code",
    "program": "Program.name",
    "phase": "Program.phase",
    "market": "Program.market",
    "size": "Program.size",
    "currency": "Program.currency",
    "starting_balance": "Program.starting_balance",
    "profit_target": "Program.profit_target",
    "drawdown": "no row of loss_limit",
    "drawdown.type": "LossLimit.anchor",
    "drawdown.amount": "LossLimit.amount (or share, where it is that share)",
    "drawdown.pct": "LossLimit.share",
    "drawdown.lock_at": "LossLimit.lock_at",
    "drawdown.basis": "LossLimit.anchor",
    "drawdown.initial_floor": "the worked example",
    "drawdown.enforced_on": "LossLimit.tested_on",
    "drawdown.breach_when": "LossLimit.boundary",
    "drawdown.update_time": "Program.close_time",
    "drawdown.timezone": "Program.close_zone (empty: day_zone)",
    "drawdown.lock_note": "LossLimit.note",
    "daily_loss": "no row of loss_limit",
    "daily_loss.amount": "LossLimit.amount (or share, or the first tier)",
    "daily_loss.pct": "LossLimit.share",
    "daily_loss.pct_of": "LossLimit.share_of",
    "daily_loss.basis": "LossLimit.anchor",
    "daily_loss.severity": "LossLimit.consequence",
    "daily_loss.reset_time": "Program.day_reset",
    "daily_loss.timezone": "Program.day_zone",
    "daily_loss.breach_when": "LossLimit.boundary",
    "daily_loss.tiers_by_profit": "no row of tier",
    "daily_loss.tiers_by_profit.from_profit": "Tier.from_profit",
    "daily_loss.tiers_by_profit.amount": "Tier.value",
    "daily_loss.includes": "LossLimit.counts",
    "daily_loss.note": "LossLimit.note",
    "optional_daily_loss": "no row of loss_limit",
    "optional_daily_loss.amount": "LossLimit.amount",
    "optional_daily_loss.pct": "LossLimit.share",
    "optional_daily_loss.pct_of": "LossLimit.share_of",
    "optional_daily_loss.basis": "LossLimit.anchor",
    "optional_daily_loss.severity": "LossLimit.consequence",
    "optional_daily_loss.reset_time": "Program.day_reset",
    "optional_daily_loss.timezone": "Program.day_zone",
    "optional_daily_loss.breach_when": "LossLimit.boundary",
    "optional_daily_loss.tiers_by_profit": "no row of tier",
    "optional_daily_loss.includes": "LossLimit.counts",
    "optional_daily_loss.note": "LossLimit.note",
    "max_contracts": "not set",
    "max_contracts.mini": "Program.max_contracts",
    "max_contracts.micro": "Program.max_micros",
    "scaling": "no row of tier",
    "scaling.from_profit": "Tier.from_profit",
    "scaling.contracts": "Tier.value",
    "sessions": "not set",
    "sessions.open": "Program.hours_open (and day_reset, without a daily limit)",
    "sessions.close": "Program.hours_close",
    "sessions.timezone": "Program.hours_zone",
    "sessions.note": "Program.notes",
    "flat_by": "not set",
    "flat_by.time": "Program.flat_by",
    "flat_by.timezone": "Program.flat_by_zone (empty: hours_zone)",
    "flat_by.on_violation": "Program.flat_by_note",
    "overnight_holding": "Program.overnight",
    "weekend_holding": "Program.weekend",
    "consistency_pct": "Program.consistency_share",
    "consistency": "not set",
    "consistency.scope": "Program.consistency_scope",
    "consistency.measure": "Program.consistency_measure",
    "consistency.pass_when": "Program.consistency_passes, consistency_share",
    "consistency.on_fail": "Program.consistency_note",
    "min_trading_days": "Program.min_trading_days",
    "news_blackout_minutes": "NewsRule.before_seconds (none: no row, or one of doubt in TermSource)",
    "news": "no row of news_rule",
    "news.before": "NewsRule.before_seconds",
    "news.after": "NewsRule.after_seconds",
    "news.events": "NewsRule.events, note",
    "news.scope": "NewsRule.exits_restricted, must_be_flat, max_micros, exempt_opened_minutes, severity, note",
    "news.note": "NewsRule.note",
    "automation": "Program.automation",
    "automation.status": "Program.automation",
    "automation.note": "Program.automation_note",
    "hedging": "Program.hedging_scope, hedging_by, hedging_grace_seconds, hedging_same_product_inside, hedging_note",
    "inactivity_days": "Program.inactivity, inactivity_unit",
    "stop_loss_required": "Program.stop_required",
    "max_risk_per_trade": "not set",
    "max_risk_per_trade.pct": "Program.max_risk_share",
    "max_risk_per_trade.of": "Program.risk_of",
    "max_risk_per_trade.rule": "Program.risk_note, max_risk_share, risk_of, idea_window_minutes",
    "max_risk_per_trade.unit": "Program.risk_note",
    "evidence": "TermSource.evidence",
    "unconfirmed": "TermSource.term, note, other_reading",
    "notes": "Program.notes",
    "source_url": "TermSource.url",
    "extra_source_urls": "TermSource.url",
    "as_of": "Program.last_verified_on, TermSource.read_on",
}


def leaves_of(content: Any, path: str = "") -> Iterator[str]:
    if isinstance(content, dict):
        for key, value in content.items():
            yield from leaves_of(value, f"{path}.{key}" if path else key)
    elif isinstance(content, list) and content:
        for value in content:
            yield from leaves_of(value, path)
    else:
        yield path


def coverage(readings: list[Entry]) -> int:
    found = sorted(set(leaves_of(readings)))
    for leaf in found:
        _say(f"{leaf:<40}  {LEAVES.get(leaf, 'NOT MAPPED')}")
    missing = [leaf for leaf in found if leaf not in LEAVES]
    _say(f"{len(found)} leaves; not mapped: {len(missing)}")
    return 1 if missing else 0


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("readings", type=Path)
    default = Path(__file__).parents[1] / "firms" / "catalog"
    parser.add_argument("folder", type=Path, nargs="?", default=default)
    parser.add_argument("--coverage", action="store_true")
    options = parser.parse_args()
    readings = json.loads(options.readings.read_text(encoding="utf-8"), parse_float=Decimal)
    if options.coverage:
        return coverage(readings)
    for name, text in firm_files(readings).items():
        (options.folder / name).write_text(text, encoding="utf-8")
        sizes = text.splitlines().count("[[program.size]]")
        _say(f"{name}: {sizes} programs")
    return 0


if __name__ == "__main__":
    sys.exit(main())
