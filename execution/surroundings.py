"""What the rules see beside the account itself: its owner's other accounts, the news, what it did lately.

Each is asked of the database only where some account's rules look at it: any rules of its day.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from enforcement.context import Activity, ClosedLoss, NewsEvent, OtherExposure, RecentEntry
from enforcement.instruments import find
from enforcement.orders import Side
from enforcement.program import GuardPolicy, HedgeScope, ProgramTerms
from execution import models
from execution.instruments import extra_instruments
from execution.order_state import RESERVING
from firms.models import Account
from firms.statements import columns, moment, read

Rules = Mapping[int, Sequence[tuple[ProgramTerms, GuardPolicy]]]  # of accounts by id, the present ones first
NEWS_REACH = timedelta(hours=24)  # beyond any firm's window, exemptions by opening time included
_OF_TRADERS = f"account_id IN (SELECT id FROM {Account._meta.db_table} WHERE trader_id {{traders}})"  # noqa: S608
_MAY_FILL = "{} AND leg = 'entry' AND status IN ({})".format(
    _OF_TRADERS, ", ".join(f"'{status.value}'" for status in sorted(RESERVING))
)
_RECENT = """
    account_id {ids} AND leg = 'entry' AND created_at > %(since)s
    AND status NOT IN ('canceled', 'expired', 'denied', 'rejected', 'awaiting_confirmation')
"""


_ENTRY_COLUMNS = (
    "account_id", "created_at", "family", "side", "quantity", "entry_price", "stop_loss", "has_own_id",
    "target",
)  # fmt: skip
_SIDES = {side.value: side for side in Side}


def others(accounts: Iterable[Account], rules: Rules) -> dict[int, tuple[OtherExposure, ...]]:
    """What the other accounts of each account's trader hold or may still open, where a rule looks across
    accounts. Three queries at most."""
    asking = [a for a in accounts if any(_looks_across(terms) for terms, _ in rules[a.pk])]
    if not asking:
        return {}
    traders = list({account.trader_id for account in asking})
    owned = {row.pk: row for row in read(Account, "trader_id {traders}", traders=traders)}
    held: dict[int, list[OtherExposure]] = defaultdict(list)
    for position in read(models.Position, _OF_TRADERS + " AND quantity <> 0", traders=traders):
        account = owned[position.account_id]
        sign = 1 if position.quantity > 0 else -1
        held[account.trader_id].append(_exposure(account, position.symbol, sign))
    for order in read(models.Order, _MAY_FILL, traders=traders):
        account = owned[order.account_id]
        held[account.trader_id].append(_exposure(account, order.symbol, Side(order.side).sign))
    return {
        account.pk: tuple(o for o in held[account.trader_id] if o.account != account.label)
        for account in asking
    }


def _looks_across(terms: ProgramTerms) -> bool:
    return terms.hedging is not None and terms.hedging.scope is HedgeScope.TRADER


def _exposure(account: Account, symbol: str, sign: int) -> OtherExposure:
    instrument = find(symbol) or find(symbol, extra_instruments())
    if instrument is None:  # nobody knows what it moves with: its own word is all there is
        return OtherExposure(account.label, symbol, symbol, symbol, sign)
    return OtherExposure(account.label, instrument.symbol, instrument.family, instrument.group, sign)


def news(rules: Iterable[Sequence[tuple[ProgramTerms, GuardPolicy]]], now: datetime) -> tuple[NewsEvent, ...]:
    """The releases near `now`, where any program has a rule about news. One query at most."""
    if not any(terms.news for account in rules for terms, _ in account):
        return ()
    rows = read(
        models.NewsEvent, "at BETWEEN %(since)s AND %(until)s",
        since=moment(now - NEWS_REACH), until=moment(now + NEWS_REACH),
    )  # fmt: skip
    return tuple(event.to_core() for event in sorted(rows, key=lambda row: (row.at, row.pk)))


def activity(accounts: Iterable[Account], rules: Rules, now: datetime) -> dict[int, Activity]:
    """What accounts did within their duplicate window, or the last minute where entries a minute count. One
    query, and one more each where a program counts requests a day or trade ideas."""
    ids = [account.pk for account in accounts]
    guards = [guard for pk in ids for _, guard in rules[pk]]
    counted = any(guard.max_entries_per_minute is not None for guard in guards)
    window = max([60 if counted else 0, *(guard.duplicate_window_seconds for guard in guards)])
    since = now - timedelta(seconds=window)
    entries: dict[int, list[RecentEntry]] = defaultdict(list)
    for account_id, at, family, side, *rest in columns(
        models.Order, _ENTRY_COLUMNS, _RECENT, ids=ids, since=moment(since)
    ):
        entries[account_id].append(RecentEntry(at, family, _SIDES[side], *rest))
    sent, losses = _sent_today(ids, rules, now), _losses(ids, rules, now)
    return {
        pk: Activity(
            tuple(sorted(entries[pk], key=lambda entry: entry.at)), sent.get(pk), tuple(losses.get(pk, ()))
        )
        for pk in {*entries, *sent, *losses}
    }


def _losses(ids: Iterable[int], rules: Rules, now: datetime) -> dict[int, list[ClosedLoss]]:
    """Positions closed at a loss, where a program counts trade ideas."""
    counted = {pk: list(_idea_windows(pk, rules)) for pk in ids}
    counted = {pk: minutes for pk, minutes in counted.items() if minutes}
    found: dict[int, list[ClosedLoss]] = defaultdict(list)
    if counted:
        since = now - timedelta(minutes=max(max(minutes) for minutes in counted.values()))
        for trade in read(
            models.ClosedTrade, "account_id {ids} AND closed_at > %(since)s AND result < 0",
            ids=list(counted), since=moment(since),
        ):  # fmt: skip
            loss = ClosedLoss(trade.closed_at, trade.family, Side(trade.side).sign, -trade.result)
            found[trade.account_id].append(loss)
    return found


def _idea_windows(pk: int, rules: Rules) -> Iterator[int]:
    for terms, _ in rules[pk]:
        if terms.idea_window_minutes is not None:
            yield terms.idea_window_minutes


def _sent_today(ids: Iterable[int], rules: Rules, now: datetime) -> dict[int, int]:
    counted = [pk for pk in ids if any(terms.max_requests_per_day is not None for terms, _ in rules[pk])]
    sent = dict.fromkeys(counted, 0)
    if counted:
        days = {pk: rules[pk][0][0].day for pk in counted}
        opened = {pk: day.opens_at(day.day_of(now)) for pk, day in days.items()}
        for order in read(
            models.Order, "account_id {ids} AND claimed_at >= %(since)s",
            ids=list(opened), since=moment(min(opened.values())),
        ):  # fmt: skip
            if order.claimed_at is not None and order.claimed_at >= opened[order.account_id]:
                sent[order.account_id] += 1
    return sent
