"""What an engaged kill switch has come to, in words nobody can misread: "flat" is said of nothing less."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum

from django.db.models import Count, Max, Q

from enforcement.program import Automation
from execution import connectors, doubt, kill
from execution.models import Exit, Fill, FlatCheck, Leg, Order, Position, VenueAccount
from execution.order_state import IN_DOUBT, IN_FLIGHT, WORKING, OrderStatus
from firms.models import Account, Flag
from firms.services import Subject

CALL_LIMIT = doubt.STRANDED


class Look(Enum):
    """What is known of an account's positions at its venue."""

    NEEDLESS = "nothing can be held there"
    UNSEEN = "not looked at yet"
    OPEN = "not flat"
    ONCE = "flat once, looking again"
    VERIFIED = "flat"
    UNREADABLE = "can't be read"
    BLIND = "nothing can be read there"
    BY_HAND = "for a person to close: the program allows advice only"


@dataclass(frozen=True, slots=True)
class Standing:
    """One account under the switch. `watch_until`: when the venue can't execute what it left unanswered
    any more; None where that is over, or nothing is in doubt."""

    label: str
    look: Look
    positions: int = 0
    working: int = 0
    on_wire: int = 0
    in_doubt: int = 0
    watch_until: datetime | None = None
    note: str = ""
    account_id: int = 0

    @property
    def is_settled(self) -> bool:
        """Nothing of it is left to be worked, or watched."""
        flat = self.look in (Look.NEEDLESS, Look.VERIFIED)
        return flat and not (self.positions or self.working or self.on_wire or self.in_doubt)


@dataclass(frozen=True, slots=True)
class KillReport:
    """How far it is. `since` is when the (newest flattening) switch was engaged."""

    subject: str
    flags: Sequence[Flag]
    flatten: bool
    since: datetime
    standings: Sequence[Standing]
    at: datetime

    @property
    def is_killed(self) -> bool:
        return bool(self.flags)

    @property
    def words(self) -> str:
        return in_words(self.standings, flatten=self.flatten) if self.is_killed else "not killed"

    @property
    def is_flat(self) -> bool:
        """Verified: every account flat in two looks, nothing on the wire, nothing in doubt."""
        return self.is_killed and self.flatten and all(one.is_settled for one in self.standings)

    @property
    def is_done(self) -> bool:
        """What was asked for: flat, or only that nothing of ours can open a position any more."""
        if self.flatten:
            return self.is_flat
        return self.is_killed and not any(s.on_wire or s.in_doubt or s.working for s in self.standings)

    @property
    def open_account_ids(self) -> set[int]:
        """Those that want another turn. Doubt alone wants none: it is watched, and a fill opens it again."""
        if not self.flatten:
            return {s.account_id for s in self.standings if s.on_wire or s.working}
        settled = (Look.NEEDLESS, Look.VERIFIED)
        return {
            s.account_id
            for s in self.standings
            if s.look not in settled or s.positions or s.working or s.on_wire
        }


def in_words(standings: Iterable[Standing], *, flatten: bool) -> str:
    """The one sentence. What is open comes first; "flat" stands alone, or with what is in doubt."""
    rows = list(standings)
    parts = [*_on_wire(rows), *(_to_close(rows) if flatten else ())]
    if working := sum(row.working for row in rows):
        parts.append(f"cancelling: {_number(working, 'order')} still {_works(working)} at the venue")
    if flatten:
        parts += _not_verified(rows)
    if not parts:
        parts.append("flat" if flatten else "stopped: no entry leaves")
    if not flatten and (left := sum(row.positions for row in rows)):
        parts.append(f"{_number(left, 'position')} left open")
    doubt = _doubt(rows)
    if parts == ["flat"]:
        return ", ".join([*parts, *doubt])
    return "; ".join([*parts, *doubt])


def _on_wire(rows: Sequence[Standing]) -> list[str]:
    number = sum(row.on_wire for row in rows)
    return [f"{_number(number, 'order')} still on the wire"] if number else []


def _to_close(rows: Sequence[Standing]) -> list[str]:
    by_hand = sum(row.positions for row in rows if row.look is Look.BY_HAND)
    closing = sum(row.positions for row in rows) - by_hand
    parts = [f"closing: {_number(closing, 'position')} open"] if closing else []
    if by_hand:
        parts.append(f"{_number(by_hand, 'position')} to close by hand: the program allows advice only")
    return parts


def _not_verified(rows: Sequence[Standing]) -> list[str]:
    parts = []
    if blind := [row.label for row in rows if row.look is Look.BLIND]:
        parts.append(f"not verified: blind account{'s' * (len(blind) > 1)} {', '.join(blind)}")
    if unread := [f"{row.label} ({row.note})" for row in rows if row.look is Look.UNREADABLE]:
        parts.append(f"not verified: {', '.join(unread)} can't be read")
    seen = Counter(row.look for row in rows if not row.positions and not row.working)
    if once := seen[Look.ONCE]:
        parts.append(f"not verified yet: {_number(once, 'account')} flat once, looking again")
    if unseen := seen[Look.UNSEEN] + seen[Look.OPEN]:
        parts.append(f"not verified yet: {_number(unseen, 'account')} to be looked at")
    return parts


def _doubt(rows: Sequence[Standing]) -> list[str]:
    number = sum(row.in_doubt for row in rows)
    if not number:
        return []
    untils = [row.watch_until for row in rows if row.watch_until is not None]
    if not untils:
        return [f"{number} in doubt, a person must say what became of it"]
    return [f"{number} in doubt, watching until {max(untils).astimezone(UTC):%H:%M} UTC"]


def _number(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _works(number: int) -> str:
    return "works" if number == 1 else "work"


# --- from the rows ------------------------------------------------------------------------------------


def report(subject: Subject, now: datetime) -> KillReport:
    """How far the kill switch over a subject is. Reads only, in a fixed number of queries."""
    flags = kill.kills_over(subject)
    flattening = [flag.raised_at for flag in flags if kill.flattens(flag)]
    raised = [flag.raised_at for flag in flags]
    since = max(flattening or raised or [now])
    name = "platform" if subject is None else f"{type(subject).__name__.lower()} {subject}"
    standings = _standings(list(kill.accounts_of(subject)), since, now) if flags else []
    return KillReport(name, flags, bool(flattening), since, standings, now)


def counts(check: FlatCheck, since: datetime, last: datetime | None) -> bool:
    """Whether a flat look still counts: from after the switch, and nothing was booked since."""
    return check.flat_at is not None and check.flat_at >= since and (last is None or last <= check.flat_at)


def last_fill(account_id: int) -> datetime | None:
    return Fill.objects.filter(account=account_id).aggregate(last=Max("booked_at"))["last"]


def _standings(accounts: Sequence[Account], since: datetime, now: datetime) -> list[Standing]:
    ids = [account.pk for account in accounts]
    rows = Position.objects.filter(account__in=ids).exclude(quantity=0).values("account")
    held = dict(rows.annotate(n=Count("pk")).values_list("account", "n"))
    fills = Fill.objects.filter(account__in=ids).values("account").annotate(last=Max("booked_at"))
    fills_at = dict(fills.values_list("account", "last"))
    checks = FlatCheck.objects.in_bulk(ids)
    links = VenueAccount.objects.filter(account__in=ids).select_related("connection")
    venues = {link.account_id: connectors.CONNECTORS[link.connection.venue] for link in links}
    exiting = set(Exit.objects.filter(account__in=ids, done_at=None).values_list("account", flat=True))
    unended = Q(status__in=sorted(IN_FLIGHT | IN_DOUBT)) | Q(status__in=sorted(WORKING), leg=Leg.ENTRY)
    orders: dict[int, list[Order]] = defaultdict(list)
    for order in Order.objects.filter(unended, account__in=ids):
        orders[order.account_id].append(order)
    return [
        _standing(
            account, venues.get(account.pk), checks.get(account.pk), orders[account.pk],
            held.get(account.pk, 0), fills_at.get(account.pk), account.pk in exiting, since, now,
        )
        for account in accounts
    ]  # fmt: skip


def _standing(
    account: Account,
    venue: type[connectors.Connector] | None,
    check: FlatCheck | None,
    orders: Sequence[Order],
    held: int,
    last: datetime | None,
    is_exiting: bool,
    since: datetime,
    now: datetime,
) -> Standing:
    fresh = check if check is not None and check.looked_at >= since else None
    if fresh is not None and last is not None and last > fresh.looked_at:
        fresh = None
    positions = held if fresh is None or fresh.note else fresh.positions
    on_wire = [order for order in orders if _is_on_wire(order, now)]
    doubt = [order for order in orders if order not in on_wire and OrderStatus(order.status) not in WORKING]
    ours = sum(OrderStatus(order.status) in WORKING for order in orders)
    if venue is not None and venue.blind:  # taken counts as filled
        positions, ours = positions + ours, 0
    note = "no venue to close it at" if venue is None else "" if fresh is None else fresh.note
    look = Look.NEEDLESS
    if account.mode == Account.Mode.LIVE or held or orders:
        look = _look(venue, fresh, since, last, held)
    is_advice = account.program.automation == Automation.ADVISE_ONLY and (venue is None or venue.live)
    if positions and is_advice and not is_exiting:
        look = Look.BY_HAND
    return Standing(
        label=account.label,
        look=look,
        positions=positions,
        working=max(ours, 0 if fresh is None else fresh.working),
        on_wire=len(on_wire),
        in_doubt=len(doubt),
        watch_until=_watch_until(doubt, venue, now),
        note=note,
        account_id=account.pk,
    )


def _look(
    venue: type[connectors.Connector] | None,
    check: FlatCheck | None,
    since: datetime,
    last: datetime | None,
    held: int,
) -> Look:
    if venue is None:
        return Look.UNREADABLE if held else Look.NEEDLESS
    if venue.blind:
        return Look.BLIND
    if check is None:
        return Look.UNSEEN
    if check.note:
        return Look.UNREADABLE
    if not counts(check, since, last):
        return Look.OPEN
    return Look.VERIFIED if check.verified_at is not None else Look.ONCE


def _is_on_wire(order: Order, now: datetime) -> bool:
    """Claimed, and its one call may still be going on. After that it is in doubt."""
    sent = order.claimed_at or order.created_at
    return OrderStatus(order.status) in IN_FLIGHT and now - sent <= CALL_LIMIT


def _watch_until(
    doubt: Iterable[Order], venue: type[connectors.Connector] | None, now: datetime
) -> datetime | None:
    """Until when the last of them may still be executed; None once only a person can say."""
    settle = timedelta(seconds=60.0 if venue is None else venue.settle_seconds)
    untils = [(order.claimed_at or order.created_at) + settle for order in doubt]
    return max((until for until in untils if until > now), default=None)
