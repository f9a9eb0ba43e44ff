"""Close what may not be held: when a broken floor has locked the account, and before it is forbidden.

What has to be closed is a pure question; closing it opens an Exit for each symbol family, which the exit loop
works like any other.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from django.db.models import Max

from enforcement.decision import Finding
from enforcement.holding import evaluate_closing, evaluate_holding
from enforcement.instruments import Instrument
from execution import exits
from execution.clock import database_now
from execution.enforcement_service import Facts
from execution.leadership import Leader
from execution.models import Exit, Leg, Order, Position, Signal
from execution.order_state import RESERVING
from execution.prompt import prompt_transaction
from firms import audit
from firms.models import Account
from firms.services import lock_traders

ZERO = Decimal(0)


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
    """What accounts hold or may still open. Four queries."""
    ids = list(account_ids)
    found: dict[int, Exposure] = defaultdict(Exposure)
    filled_at: dict[tuple[int, str], datetime | None] = {}
    for position in Position.objects.filter(account__in=ids).exclude(quantity=0):
        one = found[position.account_id]
        one.symbols[position.family] = position.symbol
        one.held.add(position.family)
        filled_at[position.account_id, position.family] = position.last_fill_at or position.opened_at
    entries = Order.objects.filter(account__in=ids, leg=Leg.ENTRY, status__in=sorted(RESERVING))
    for pk, family, symbol, signal in entries.values_list("account", "family", "symbol", "signal"):
        one = found[pk]
        one.symbols.setdefault(family, symbol)
        one.signals[family] = max(one.signals.get(family, 0), signal or 0)
    to_zero = Exit.objects.filter(account__in=ids, target=0)
    for pk, family, covers in to_zero.filter(done_at=None).values_list("account", "family", "covers"):
        if covers is None or covers >= found[pk].signals.get(family, 0):
            found[pk].closing.add(family)
    last_filled = [at for at in filled_at.values() if at is not None]
    if last_filled:
        ended = to_zero.filter(done_at__gte=min(last_filled))
        for pk, family, done_at in ended.values_list("account", "family").annotate(Max("done_at")):
            last = filled_at.get((pk, family))
            if last is not None and done_at >= last:
                found[pk].kept.add(family)
    return found


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
        newest = Signal.objects.aggregate(newest=Max("pk"))["newest"]
        for family, symbol in sorted(symbols.items()):
            exits.open_exit(account.pk, family, symbol, newest, ZERO, now)
        audit.record(
            "account.flattened", f"account {account}", now=now, reason=why, after=", ".join(sorted(symbols))
        )
        exits.ring_for_open([account.pk])
