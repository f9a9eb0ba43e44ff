"""From a signal to each account's intent: ticks, what stands in the way. Reads only."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import connection

from enforcement.calendar import Session, session_at
from enforcement.instruments import Instrument
from enforcement.orders import OrderIntent, Side, on_tick
from execution import clock_watch
from execution.enforcement_service import Facts
from execution.instruments import find_instrument
from execution.models import Exit, Route, Signal
from firms.models import TradingSession
from firms.statements import bind, read

# What keeps an entry from opening anything, yet not from closing what this system opened.
STILL_CLOSES = frozenset(
    {
        "admission.source_disabled",
        "admission.route_disabled",
        "admission.account_disabled",
        "admission.order_in_doubt",
        "admission.not_reconciled",
        "admission.clock",
    }
)
SIDES = {"long": Side.BUY, "short": Side.SELL}


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a chunk's accounts have in common, read once."""

    signal: Signal
    instrument: Instrument | None
    session: str | None
    routes: Mapping[int, Route]
    open_exits: frozenset[int]  # accounts with an exit of this family still being worked
    superseded: frozenset[int]  # accounts where a later exit has answered this signal's time
    clock_is_wrong: bool


def survey(signal: Signal, account_ids: Iterable[int], now: datetime) -> Surroundings:
    ids = list(account_ids)
    exits = _exits(ids, signal.family)
    overtaken = {account for account, covers, _ in exits if covers is not None and covers > signal.pk}
    if signal.alert_time is not None:
        # Two alerts of one chart may arrive in the wrong order; their own times then say which is later.
        later = Exit.objects.filter(account__in=ids, family=signal.family, covers__source=signal.source)
        later = later.filter(covers__alert_time__gt=signal.alert_time)
        overtaken |= set(later.values_list("account", flat=True))
    routes = read(Route, "source_id = %(source)s AND account_id {ids}", source=signal.source_id, ids=ids)
    return Surroundings(
        signal=signal,
        instrument=find_instrument(signal.symbol),
        session=signal.session or _session_by_clock(signal.received_at),
        routes={route.account_id: route for route in routes},
        open_exits=frozenset(account for account, _, still_open in exits if still_open),
        superseded=frozenset(overtaken),
        clock_is_wrong=clock_watch.is_wrong(now),
    )


_EXITS = f"""
    SELECT account_id, max(covers_id + CASE WHEN is_inclusive THEN 1 ELSE 0 END),
        sum(CASE WHEN done_at IS NULL THEN 1 ELSE 0 END)
    FROM {Exit._meta.db_table} WHERE account_id {{ids}} AND family = %(family)s GROUP BY account_id
"""  # noqa: S608 - a table's name


def _exits(account_ids: list[int], family: str) -> list[tuple[int, int | None, int]]:
    """Of each account with exits of a family: the signal before which they cover every entry (one more than
    the newest they answer, where they cover its own as well), and how many are still open."""
    sql, values = bind(_EXITS, {"ids": account_ids, "family": family})
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return list(cursor.fetchall())


def obstacle(around: Surroundings, facts: Facts) -> str | None:
    """What stands against the entry, as the code of an admission finding."""
    pk = facts.account.pk
    route = around.routes.get(pk)
    if not around.signal.source.is_enabled:
        return "admission.source_disabled"
    if route is None or not route.is_enabled:
        return "admission.route_disabled"
    if not facts.account.is_active:
        return "admission.account_disabled"
    if pk in around.superseded:
        return "admission.superseded"
    if pk in around.open_exits:
        return "admission.exit_pending"
    if around.clock_is_wrong:
        return "admission.clock"
    if facts.in_doubt:
        return "admission.order_in_doubt"
    if facts.live and not facts.is_reconciled:
        return "admission.not_reconciled"
    return None


def entry_intent(
    around: Surroundings, quantity: Decimal | None, instrument: Instrument | None
) -> OrderIntent:
    """The entry leg in the account's own size, prices on the instrument's ticks.

    `instrument` is the signal's own, or another of its family: the intent then carries that one's symbol.
    """
    signal = around.signal
    side = SIDES[signal.direction]
    entry, stop, target = signal.entry_price, signal.stop_loss, signal.target
    if instrument is not None:
        entry, stop = on_tick(instrument, side, entry, stop)
        if target is not None:
            # Nearer than wished at most by a part of a tick: a target beyond reach protects nothing.
            near = instrument.floor_to_tick if side is Side.BUY else instrument.ceil_to_tick
            target = near(target)
    return OrderIntent(
        symbol=signal.symbol if instrument is around.instrument or instrument is None else instrument.symbol,
        side=side,
        signalled_at=signal.received_at,
        instrument=instrument,
        quantity=quantity,
        entry_price=entry,
        stop_loss=stop,
        target=target,
        session=around.session,
        alert_time=signal.alert_time,
        has_own_id=bool(signal.trade_id),
    )


def exit_intent(around: Surroundings, facts: Facts) -> OrderIntent:
    """The exit leg: against what is held; without a position against the side the alert named."""
    held = held_in_family(around, facts)
    side = Side.SELL if held > 0 or (held == 0 and around.signal.action in ("sell", "short")) else Side.BUY
    return OrderIntent(
        symbol=around.signal.symbol,
        side=side,
        signalled_at=around.signal.received_at,
        instrument=around.instrument,
        quantity=abs(held) or None,
        session=around.session,
        alert_time=around.signal.alert_time,
        reduces=True,
        opened_at=_opened_at(around, facts),
        has_own_id=bool(around.signal.trade_id),
    )


def _opened_at(around: Surroundings, facts: Facts) -> datetime | None:
    """When the youngest position in the signal's family was opened; None where one of them doesn't say."""
    own = around.instrument
    opened = [p.opened_at for p in facts.positions if own is not None and p.instrument.family == own.family]
    known = [at for at in opened if at is not None]
    return max(known) if known and len(known) == len(opened) else None


def held_in_family(around: Surroundings, facts: Facts) -> Decimal:
    """The account's signed position in the signal's symbol family, in contracts of the signal's symbol:
    one NQ is ten MNQ."""
    own = around.instrument
    if own is None:
        return Decimal(0)
    same = (p for p in facts.positions if p.instrument.family == own.family)
    return sum((p.quantity * p.instrument.weight / own.weight for p in same), Decimal(0))


def _session_by_clock(at: datetime) -> str | None:
    rows = sorted(read(TradingSession, "zone <> ''"), key=lambda session: session.pk)
    sessions = (Session(s.name, s.opens, s.closes, s.zone) for s in rows)
    return session_at(at, sessions)
