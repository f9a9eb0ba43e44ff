"""The one door between the database's state and the rules: everybody who asks, asks here.

A fixed number of queries however many accounts; nothing is written.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from django.conf import settings

from enforcement.account import AccountState, StateSource, roll_day
from enforcement.context import (
    NO_ACTIVITY,
    AccountContext,
    Activity,
    EarlierTerms,
    NewsEvent,
    OpenFlag,
    OrderContext,
    OtherExposure,
)
from enforcement.decision import Decision
from enforcement.engine import Standing, evaluate_account, evaluate_order
from enforcement.exposure import Position, WorkingOrder
from enforcement.instruments import Instrument, find
from enforcement.orders import OrderIntent, Side
from enforcement.program import GuardPolicy, ProgramTerms
from execution import blind, connectors, models, surroundings
from execution.instruments import extra_instruments
from execution.order_state import IN_DOUBT, RESERVING, OrderStatus
from firms import rulebook
from firms.models import Account, Flag, Scope
from firms.models import AccountState as StateRow
from firms.statements import keys, moment, read
from firms.terms import account_terms
from firms.terms_in_force import InForce, in_force

_MAY_FILL = "account_id {{ids}} AND leg = 'entry' AND status IN ({})".format(
    ", ".join(f"'{status.value}'" for status in sorted(RESERVING))
)
_SENT = frozenset(status.value for status in RESERVING - {OrderStatus.APPROVED})
_ON_PAPER = f"""
    account_id {{ids}}
    AND connection_id IN (SELECT id FROM {models.Connection._meta.db_table} WHERE venue = 'paper')
"""  # noqa: S608 - a table's name
_UNRECONCILED = f"""
    account_id {{ids}}
    AND connection_id IN (SELECT id FROM {models.Connection._meta.db_table} WHERE venue {{venues}})
    AND NOT EXISTS (
        SELECT 1 FROM {models.Reconciliation._meta.db_table} AS looked
        WHERE looked.account_id = {models.VenueAccount._meta.db_table}.account_id
        AND looked.at > %(after)s AND looked.differences = '')
"""  # noqa: S608 - table names
RECONCILIATION_VALID = timedelta(seconds=60)  # how old the last comparison with a venue may be
_CONCERNS = """
    ended_at IS NULL
    AND (until IS NULL OR until > %(now)s)
    AND (scope = 'platform' OR firm_id {firms} OR program_id {programs} OR account_id {ids})
"""
Row = TypeVar("Row", models.Position, models.Order)


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of one account at one instant, ready for the rules.

    `version` is the rulebook's; `earlier` are the day's other rules, which an entry has to pass as well.
    """

    account: Account
    version: str | None
    in_force: InForce
    terms: ProgramTerms
    guard: GuardPolicy
    state: AccountState | None
    positions: tuple[Position, ...]
    working: tuple[WorkingOrder, ...]
    flags: tuple[OpenFlag, ...]
    live: bool
    others: tuple[OtherExposure, ...] = ()
    news: tuple[NewsEvent, ...] | None = ()
    activity: Activity = NO_ACTIVITY
    in_doubt: bool = False  # nobody knows what became of one of its entries
    is_reconciled: bool = True  # where its venue can be asked: it was lately, and agreed
    earlier: tuple[EarlierTerms, ...] = ()

    def context(self, now: datetime) -> AccountContext:
        return AccountContext(*self._parts(now))

    def contexts(self, now: datetime) -> list[AccountContext]:
        """The account under each set of rules of its day, the present ones first."""
        present = self.context(now)
        return [present, *(replace(present, terms=e.terms, guard=e.guard) for e in self.earlier)]

    def order_context(self, intent: OrderIntent, now: datetime, obstacle: str | None = None) -> OrderContext:
        return OrderContext(*self._parts(now), intent=intent, obstacle=obstacle, earlier=self.earlier)

    def _parts(self, now: datetime) -> tuple[Any, ...]:
        return (
            now, self.terms, self.guard, self.state, self.positions, self.working, self.flags, self.live,
            self.others, self.news, self.activity, settings.DEPLOYMENT,
        )  # fmt: skip


def load(account_ids: Iterable[int], now: datetime) -> dict[int, Facts | Exception]:
    """The facts of several accounts, by id, on the trading day of `now`. A fixed number of queries: the
    rules are read only after a change, the owner's other accounts and the news only where a rule asks.

    An account whose facts can't be put together comes with its exception: it alone is blocked.
    """
    ids = list(account_ids)
    book = rulebook.current()  # before the accounts: of what changes from here on, its version tells
    accounts = {account.pk: account for account in read(Account, "id {ids}", ids=ids)}
    effective = account_terms(accounts.values(), book)
    for account in accounts.values():
        account.program, _ = effective[account.pk]
    orders = _by_account(read(models.Order, _MAY_FILL, ids=ids))
    rules = in_force({pk: (effective[pk][1], account.guard) for pk, account in accounts.items()}, now)
    earlier = {pk: _earlier(found, now) for pk, found in rules.items()}
    day = {
        pk: (found.rules, *((one.terms, one.guard) for one in _known(earlier[pk])))
        for pk, found in rules.items()
    }
    rows = _Rows(
        version=book.version,
        rules=rules,
        earlier=earlier,
        states={row.account_id: row for row in read(StateRow, "account_id {ids}", ids=ids)},
        positions=_by_account(read(models.Position, "account_id {ids}", ids=ids)),
        orders=orders,
        flags=_flags(accounts.values(), now),
        paper=keys(models.VenueAccount, "account_id", _ON_PAPER, ids=ids),
        blind=blind.among({pk for pk, found in orders.items() if any(o.status in _SENT for o in found)}),
        others=surroundings.others(accounts.values(), day),
        news=surroundings.news(day.values(), now),
        activity=surroundings.activity(accounts.values(), day, now),
        unreconciled=unreconciled(ids, now),
    )
    find_one = _Finder()
    facts: dict[int, Facts | Exception] = {}
    for pk, account in accounts.items():
        try:
            facts[pk] = _facts(account, rows, find_one, now)
        except Exception as error:  # noqa: BLE001 - the account is blocked by it, the others are not
            facts[pk] = error
    return facts


def unreconciled(account_ids: list[int], now: datetime) -> Set[int]:
    """Accounts at a venue that can be asked, and was not lately or did not agree. No query where no venue
    of that kind is installed."""
    asked = [name for name, connector in connectors.CONNECTORS.items() if connector.must_reconcile]
    if not asked:
        return frozenset()
    return keys(
        models.VenueAccount, "account_id", _UNRECONCILED,
        ids=account_ids, venues=asked, after=moment(now - RECONCILIATION_VALID),
    )  # fmt: skip


def enforce(facts: Facts, intent: OrderIntent, now: datetime, obstacle: str | None = None) -> Decision:
    """The decision on one account's intent, with whatever the router knows against it."""
    return evaluate_order(facts.order_context(intent, now, obstacle))


def standings(account_ids: Iterable[int], now: datetime) -> dict[int, Standing | None]:
    """How accounts stand against their floors: the same numbers an order is judged by. None: not known."""
    return {
        pk: None if isinstance(facts, Exception) else evaluate_account(facts.context(now))
        for pk, facts in load(account_ids, now).items()
    }


@dataclass(frozen=True, slots=True)
class _Rows:
    """What the queries brought, by account."""

    version: str | None
    rules: Mapping[int, InForce]
    earlier: Mapping[int, tuple[EarlierTerms, ...] | Exception]
    states: Mapping[int, StateRow]
    positions: Mapping[int, list[models.Position]]
    orders: Mapping[int, list[models.Order]]
    flags: Mapping[int, tuple[OpenFlag, ...]]
    paper: Set[int]
    blind: Set[int]  # of those with something sent: the ones nobody can be asked about
    others: Mapping[int, tuple[OtherExposure, ...]]
    news: tuple[NewsEvent, ...] | None
    activity: Mapping[int, Activity]
    unreconciled: Set[int]


def _earlier(found: InForce, now: datetime) -> tuple[EarlierTerms, ...] | Exception:
    try:
        return found.earlier(now)
    except Exception as error:  # noqa: BLE001 - rules nobody can read block this account alone
        return error


def _known(earlier: tuple[EarlierTerms, ...] | Exception) -> tuple[EarlierTerms, ...]:
    return () if isinstance(earlier, Exception) else earlier


def _by_account(rows: Iterable[Row]) -> dict[int, list[Row]]:
    grouped: dict[int, list[Row]] = defaultdict(list)
    for row in rows:
        grouped[row.account_id].append(row)
    return grouped


def _facts(account: Account, rows: _Rows, find_one: "_Finder", now: datetime) -> Facts:
    in_force, earlier = rows.rules[account.pk], rows.earlier[account.pk]
    (terms, guard), state = in_force.rules, rows.states.get(account.pk)
    if isinstance(earlier, Exception):
        raise earlier
    positions = tuple(
        Position(
            instrument=find_one(p.symbol),
            quantity=p.quantity,
            price=p.price,
            stop=p.stop,
            opened_at=p.opened_at,
        )
        for p in rows.positions.get(account.pk, ())
        if p.quantity != 0
    )
    fills = [p.last_fill_at for p in rows.positions.get(account.pk, ()) if p.last_fill_at is not None]
    if (
        state is not None
        and state.source is not StateSource.PAPER  # whose own book has every fill in it
        and any(filled_at > state.as_of for filled_at in fills)
    ):
        state = None  # money from before the last fill: what that fill won or lost is not in it
    known = None if state is None else state.to_core()
    if known is not None and account.pk in rows.blind:
        known = blind.cautious(known)
    working = tuple(
        WorkingOrder(
            instrument=find_one(o.symbol),
            side=Side(o.side),
            quantity=o.unfilled,
            risk=o.risk * o.unfilled / o.quantity,
        )
        for o in rows.orders.get(account.pk, ())
    )
    return Facts(
        account=account,
        version=rows.version,
        in_force=in_force,
        terms=terms,
        guard=guard,
        state=None if known is None else _rolled(known, terms, now, bool(positions or working)),
        positions=positions,
        working=working,
        flags=rows.flags[account.pk],
        live=account.mode == Account.Mode.LIVE and account.pk not in rows.paper,
        others=rows.others.get(account.pk, ()),
        news=rows.news,
        activity=rows.activity.get(account.pk, NO_ACTIVITY),
        in_doubt=any(order.status in IN_DOUBT for order in rows.orders.get(account.pk, ())),
        is_reconciled=account.pk not in rows.unreconciled,
        earlier=earlier,
    )


def _rolled(state: AccountState, terms: ProgramTerms, now: datetime, is_open: bool) -> AccountState:
    settled = state.source is StateSource.PAPER and not is_open
    return roll_day(state, terms.day, now, settled=settled)


def _flags(accounts: Iterable[Account], now: datetime) -> dict[int, tuple[OpenFlag, ...]]:
    accounts = list(accounts)
    rows = read(
        Flag,
        _CONCERNS,
        now=moment(now),
        firms=list({account.program.firm_id for account in accounts}),
        programs=list({account.program_id for account in accounts}),
        ids=[account.pk for account in accounts],
    )
    by_subject: dict[tuple[str, int | None], list[OpenFlag]] = defaultdict(list)
    for flag in rows:
        subject = flag.account_id or flag.program_id or flag.firm_id
        by_subject[flag.scope, subject].append(OpenFlag(flag.scope, flag.key, flag.cause, flag.reason))
    return {
        account.pk: (
            *by_subject[Scope.PLATFORM, None],
            *by_subject[Scope.FIRM, account.program.firm_id],
            *by_subject[Scope.PROGRAM, account.program_id],
            *by_subject[Scope.ACCOUNT, account.pk],
        )
        for account in accounts
    }


class _Finder:
    """Looks instruments up; asks the database once, and only for what the core does not know."""

    def __init__(self) -> None:
        self._extra: Mapping[str, Instrument] | None = None

    def __call__(self, symbol: str) -> Instrument:
        instrument = find(symbol)
        if instrument is None:
            if self._extra is None:
                self._extra = extra_instruments()
            instrument = find(symbol, self._extra)
        if instrument is None:
            raise LookupError(f"something is open in {symbol}, which is not known any more")
        return instrument
