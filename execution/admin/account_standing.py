"""How an account stands: its page's figures, floors, positions and flags."""

from decimal import Decimal
from typing import Any

from django.utils import timezone

from execution.admin.account_blind import told_of
from execution.admin.account_opening import out_of_cohort
from execution.admin.overview import (
    Overview,
    mode_badge,
    money_cell,
    overviews,
    profit_cell,
    room_bar,
    state_badges,
    trading_now,
)
from execution.admin.progress import progress_box
from execution.connectors.paper.book import Book
from execution.connectors.paper.words import remarks
from execution.models import Decision, Order
from firms.admin.display import NOTHING, ago, list_of, moment, money, number
from firms.admin.pausing import key_in_words
from firms.admin.terms_words import differences
from firms.admin.words import in_full, name_of
from firms.models import Account


def standing_of(account: Account) -> dict[str, Any]:
    """The panel on an account's page: figures, every floor with its room, what is open, what holds it."""
    now = timezone.now()
    view = overviews([account], now)[account.pk]
    return {
        "mode": mode_badge(view),
        "state": state_badges(view),
        "problem": view.problem,
        "warnings": [*out_of_cohort(account), *told_of(account)],
        "remarks": remarks(Book(account)) if view.is_paper else [],
        "figures": _figures(view, now),
        "progress": progress_box(view, now),
        "floors": _floor_rows(view),
        "terms": _terms_rows(view),
        "positions": _positions(view),
        "flags": [_flag_row(flag) for flag in view.flags],
        "links": (
            ("Decisions", list_of(Decision, f"account__id__exact={account.pk}")),
            ("Orders", list_of(Order, f"account__id__exact={account.pk}")),
        ),
    }


def _figures(view: Overview, now: Any) -> list[tuple[str, object, object]]:
    """Title, figure, what it is."""
    state, currency = view.state, view.currency
    if state is None or view.facts is None:
        return [("Equity", money_cell(None, currency), "nobody has reported it yet")]
    terms = view.facts.terms
    reset = terms.day.next_reset(now)
    return [
        ("Equity", money(state.equity, currency), f"{state.source.value}, {ago(state.as_of, now)}"),
        ("Balance", money(state.balance, currency), "closed results"),
        (
            "Day P&L",
            profit_cell(view.day_profit, currency),
            f"since {_or_unknown(state.day_start_balance, currency)}",
        ),
        ("Highest equity", money_cell(state.highest_equity, currency), "since the account began"),
        ("Highest close", money_cell(state.highest_close, currency), "at a day's end"),
        ("Trading day", f"{state.trading_day:%a %d %b}", f"resets {reset:%a %H:%M} UTC"),
        ("Entries now", *trading_now(view, now)),
        ("Trades today", _of_most(state.trades_today, terms.max_trades_per_day), "positions opened"),
        (
            "Losses in a row",
            _of_most(state.losses_in_a_row, terms.max_losses_in_a_row),
            f"last one {ago(state.last_loss_at, now)}" if state.losses_in_a_row else "none",
        ),
        ("Payouts", number(state.payouts_paid), f"paid, {number(state.payouts_requested)} asked for"),
    ]


def _of_most(count: int, most: int | None) -> str:
    return number(count) if most is None else f"{number(count)} of {number(most)}"


def _floor_rows(view: Overview) -> list[dict[str, object]]:
    if view.standing is None:
        return []
    currency, size = view.currency, view.account.program.size
    return [
        {
            "name": name_of(at.floor),
            "rule": in_full(at.floor, currency),
            "level": money_cell(at.level, currency),
            "room": room_bar(at, size, currency),
            "binds": at is view.binding,
        }
        for at in view.standing.floors
    ]


def _terms_rows(view: Overview) -> list[dict[str, object]]:
    """The sets of rules an entry has to pass today, where there is more than one: the present one last."""
    facts = view.facts
    if facts is None or not facts.earlier:
        return []
    present = (facts.terms, facts.guard)
    rows: list[dict[str, object]] = [
        {
            "since": moment(one.since),
            "until": moment(one.until),
            "changes": differences((one.terms, one.guard), present),
        }
        for one in reversed(facts.earlier)
    ]
    return [*rows, {"since": moment(facts.earlier[0].until), "until": "now", "changes": []}]


def _positions(view: Overview) -> list[dict[str, object]]:
    if view.facts is None:
        return []
    held: list[dict[str, object]] = [
        {
            "symbol": p.instrument.symbol,
            "quantity": number(p.quantity),
            "price": number(p.price),
            "stop": number(p.stop),
            "what": "position",
        }
        for p in view.facts.positions
    ]
    working: list[dict[str, object]] = [
        {
            "symbol": order.instrument.symbol,
            "quantity": f"{order.side.value} {number(order.quantity)}",
            "price": NOTHING,
            "stop": NOTHING,
            "what": "working order",
        }
        for order in view.facts.working
    ]
    return [*held, *working]


def _flag_row(flag: Any) -> dict[str, object]:
    return {
        "what": key_in_words(flag),
        "on": flag.scope,
        "by": flag.raised_by or f"the system ({flag.cause})",
        "at": moment(flag.raised_at),
        "until": moment(flag.until) if flag.until else "somebody ends it",
        "why": flag.reason or flag.cause,
    }


def _or_unknown(amount: Decimal | None, currency: str) -> str:
    return "an unknown balance" if amount is None else money(amount, currency)
