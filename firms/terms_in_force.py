"""Tighten now, loosen later: which rules were in force when, and which of them an entry has to pass.

Every change of an account's effective terms is written down as it is seen: with each decision, by whoever
saves rules in the admin or syncs the catalog, and by the supervisor once a second for all other ways.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache

from django.db import transaction
from django.utils import timezone

from enforcement.context import EarlierTerms
from enforcement.program import GuardPolicy, ProgramTerms
from enforcement.replay import terms_from
from firms import rulebook
from firms.models import Account, TermsInForce, TermsSnapshot
from firms.services import lock_owners
from firms.statements import columns, execute, insert, moment
from firms.terms import account_terms, snapshot, written_out

LONGEST_DAY = timedelta(days=5)  # a Friday's lasts until Sunday evening
AT_ONCE = 100  # accounts in one transaction

Rules = tuple[ProgramTerms, GuardPolicy]


@dataclass(frozen=True, slots=True)
class InForce:
    """One account's rules: the present ones, their digest, and the digest that was written down last."""

    rules: Rules
    digest: str
    noted: str | None
    others: tuple["Row", ...] = ()

    def earlier(self, now: datetime) -> tuple[EarlierTerms, ...]:
        """The other rules of the account's day that count, newest first. Raises ValueError where their
        text can't be read any more."""
        newest = {row.digest: row for row in sorted(self.others, key=lambda row: row.since)}
        found = [_earlier(row, now) for row in newest.values()]
        counting = (one for one in found if _counts(one, self.rules, now))
        return tuple(sorted(counting, key=lambda one: one.until, reverse=True))


@dataclass(frozen=True, slots=True)
class Row:
    """A line of TermsInForce, not struck out."""

    digest: str
    since: datetime
    until: datetime | None


def in_force(present: Mapping[int, Rules], now: datetime) -> dict[int, InForce]:
    """What is in force for accounts, by id, given their present rules. One query."""
    rows: dict[int, list[tuple[Row, bool]]] = defaultdict(list)
    since = moment(now - LONGEST_DAY)
    for pk, digest, start, until, struck_out_at in columns(
        TermsInForce, _COLUMNS, _OF_DAY, ids=list(present), since=since
    ):
        rows[pk].append((Row(digest, start, until), struck_out_at is not None))
    return {pk: _in_force(rules, rows[pk]) for pk, rules in present.items()}


def note(accounts: Mapping[int, InForce], now: datetime) -> None:
    """Write down the present rules of accounts where others stand written; the caller holds the traders'
    lock."""
    changed = {pk: found for pk, found in accounts.items() if found.digest != found.noted}
    if not changed:
        return
    snapshot({found.digest: found.rules for found in changed.values()}.values())
    execute(_REPLACED, now=moment(now), ids=list(changed))
    insert(
        [TermsInForce(account_id=pk, snapshot_id=found.digest, since=now) for pk, found in changed.items()]
    )


_REPLACED = f"""
    UPDATE {TermsInForce._meta.db_table} SET until = %(now)s WHERE until IS NULL AND account_id {{ids}}
"""  # noqa: S608 - a table's name


def note_terms(clock: Callable[[], datetime] = timezone.now) -> int:
    """Write down every account's rules where they have changed; how many accounts that were.

    In transactions of its own, each under its traders' lock: not for the inside of another one.
    """
    behind = [pk for pk, found in _present(clock()).items() if found.digest != found.noted]
    for start in range(0, len(behind), AT_ONCE):
        ids = behind[start : start + AT_ONCE]
        with transaction.atomic():
            lock_owners(ids)
            now = clock()
            note(_present(now, ids), now)
    return len(behind)


def note_after_commit() -> None:
    """`note_terms`, once what the caller is saving is there for everybody. Its failure undoes nothing."""
    transaction.on_commit(note_terms, robust=True)


def in_force_now(account: Account, now: datetime) -> InForce:
    """What is in force for one account."""
    return _present(now, [account.pk])[account.pk]


def _present(now: datetime, ids: Iterable[int] | None = None) -> dict[int, InForce]:
    book = rulebook.current()
    accounts = list(Account.objects.all() if ids is None else Account.objects.filter(pk__in=ids))
    terms = account_terms(accounts, book)
    return in_force({account.pk: (terms[account.pk][1], account.guard) for account in accounts}, now)


_COLUMNS = ("account_id", "snapshot_id", "since", "until", "struck_out_at")
_OF_DAY = "account_id {ids} AND (until IS NULL OR until > %(since)s)"


def _in_force(rules: Rules, rows: list[tuple[Row, bool]]) -> InForce:
    digest, _ = written_out(*rules)
    noted = next((row.digest for row, _ in rows if row.until is None), None)
    others = (row for row, struck_out in rows if row.digest != digest and not struck_out)
    return InForce(rules, digest, noted, tuple(others))


def _earlier(row: Row, now: datetime) -> EarlierTerms:
    terms, guard = rules_of(row.digest)
    return EarlierTerms(digest=row.digest, since=row.since, until=row.until or now, terms=terms, guard=guard)


@lru_cache(maxsize=256)
def rules_of(digest: str) -> Rules:
    """The rules of a snapshot. Raises ValueError where this version can't read them."""
    return terms_from(TermsSnapshot.objects.values_list("text", flat=True).get(digest=digest))


def _counts(earlier: EarlierTerms, present: Rules, now: datetime) -> bool:
    """Until the day has rolled by its own reset and by the present one: moving that is no way around.

    Rules that could not be had (a variable that can't be parsed, a firm switched off) were none: what else
    they said counts.
    """
    terms = replace(earlier.terms, unavailable=None)
    if earlier.terms.unavailable is not None and not terms.floors:
        return False
    if (terms, earlier.guard) == present:
        return False
    return earlier.until > min(_day_began(terms, now), _day_began(present[0], now))


def _day_began(terms: ProgramTerms, now: datetime) -> datetime:
    return terms.day.opens_at(terms.day.day_of(now))
