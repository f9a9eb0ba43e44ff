"""Close what may not be held: when a broken floor has locked the account, and before it is forbidden.

What has to be closed is a pure question; closing it opens an Exit for each symbol family, which the exit loop
works like any other.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Max, QuerySet

from enforcement.decision import Finding
from enforcement.holding import evaluate_closing, evaluate_holding
from enforcement.instruments import Instrument
from execution import exits
from execution.clock import database_now
from execution.enforcement_service import Facts
from execution.leadership import Leader
from execution.models import Exit, Leg, Order, Position
from execution.order_state import IN_DOUBT, RESERVING
from execution.prompt import prompt_transaction
from firms import audit
from firms.models import Account
from firms.services import lock_traders


@dataclass(slots=True)
class Exposure:
    """What one account holds or may still open, by symbol family.

    symbols   a symbol of each family; signals   the newest entry's signal that may still fill there
    closing   families with an exit to zero that covers all of it
    kept      families whose last exit to zero ended without bringing them there: a person was told
    """

    symbols: dict[str, str] = field(default_factory=dict)
    signals: dict[str, int] = field(default_factory=dict)
    held: set[str] = field(default_factory=set)
    closing: set[str] = field(default_factory=set)
    kept: set[str] = field(default_factory=set)

    @property
    def open_families(self) -> set[str]:
        """Those that nothing brings down yet, although it could."""
        return self.symbols.keys() - self.closing - self.kept


def exposures(account_ids: Iterable[int]) -> Mapping[int, Exposure]:
    """What accounts hold or may still open. Five queries at most."""
    ids = list(account_ids)
    found: dict[int, Exposure] = defaultdict(Exposure)
    filled_at: dict[tuple[int, str], datetime | None] = {}
    for position in Position.objects.filter(account__in=ids).exclude(quantity=0):
        one = found[position.account_id]
        one.symbols[position.family] = position.symbol
        one.held.add(position.family)
        filled_at[position.account_id, position.family] = position.last_fill_at or position.opened_at
    entries = list(Order.objects.filter(account__in=ids, leg=Leg.ENTRY, status__in=sorted(RESERVING)))
    to_zero = Exit.objects.filter(account__in=ids, target=0)
    told = _told(to_zero, [entry for entry in entries if entry.status in IN_DOUBT])
    for entry in entries:
        if entry.pk in told:
            continue
        one, signal = found[entry.account_id], entry.signal_id or 0
        one.symbols.setdefault(entry.family, entry.symbol)
        one.signals[entry.family] = max(one.signals.get(entry.family, 0), signal)
    for row in to_zero.filter(done_at=None):
        one = found[row.account_id]
        if exits.covers(row, one.signals.get(row.family, 0)):
            one.closing.add(row.family)
    last_filled = [at for at in filled_at.values() if at is not None]
    if last_filled:
        ended = to_zero.filter(done_at__gte=min(last_filled))
        for pk, family, done_at in ended.values_list("account", "family").annotate(Max("done_at")):
            last = filled_at.get((pk, family))
            if last is not None and done_at >= last:
                found[pk].kept.add(family)
    return found


def _told(to_zero: QuerySet[Exit], doubtful: Sequence[Order]) -> set[int]:
    """Entries in doubt whose exit is over all the same: a blind venue was told to be flat, and only a person
    can say more."""
    if not doubtful:
        return set()
    ended = list(to_zero.filter(done_at__isnull=False, family__in={entry.family for entry in doubtful}))
    return {
        entry.pk
        for entry in doubtful
        for row in ended
        if (row.account_id, row.family) == (entry.account_id, entry.family)
        and exits.covers(row, entry.signal_id or 0)
    }


def to_close(facts: Facts, now: datetime) -> dict[str, Finding]:
    """The families that have to be closed by now, each with the rule's word. None where the owner set no
    lead: he sees to it himself."""
    if facts.guard.flatten_lead_minutes is None:
        return {}
    context = facts.context(now)
    found: dict[str, Finding] = {}
    for instrument in _instruments(facts):
        ahead = evaluate_closing(context, instrument)
        if ahead.outcome.blocks:
            found[instrument.family] = ahead
            continue
        at_once = evaluate_holding(context, instrument)
        if at_once.outcome.blocks and at_once.code != "holding.weekend":
            found[instrument.family] = at_once
    return found


def _instruments(facts: Facts) -> set[Instrument]:
    return {held.instrument for held in facts.positions} | {order.instrument for order in facts.working}


def flatten(account: Account, symbols: Mapping[str, str], why: str, leader: Leader) -> None:
    """Open an exit to zero for each family, covering every signal there is; `symbols` by family."""
    with prompt_transaction(gives_up=False):
        lock_traders([account.trader_id])
        leader.confirm()
        now = database_now()
        exits.open_flat({(account.pk, family): symbol for family, symbol in symbols.items()}, now)
        audit.record(
            "account.flattened", f"account {account}", now=now, reason=why, after=", ".join(sorted(symbols))
        )
        exits.ring_for_open([account.pk])
