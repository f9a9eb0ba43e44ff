"""What the programs say, read from the database once for each change of it.

The rules stand in a dozen tables and are asked for with every order, yet change a few times a year. The
database itself notes each change: triggers on those tables write a fresh random version. Whoever finds the
version unchanged uses what this process read before; so a change by any path (admin, API, shell, SQL) is
seen by every process with its next order.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import connection, connections
from django.db.models import Model

from firms.models import (
    Account,
    Firm,
    Instrument,
    LossLimit,
    MarketClosure,
    NewsRule,
    PersonalLimits,
    ProductLimit,
    Program,
    RulebookVersion,
    Tier,
    TradingSession,
)
from firms.statements import read

# What of an account is no part of its terms; the rest is its program and its guard.
_NO_TERMS = {"id", "trader", "label", "mode", "is_active", "opened_on", "purchased_on"}
# A pause stamps `last_update`: no rule, and it must never wait for somebody who edits rules.
_NO_RULE = {"last_update", "catalog_text", "catalog_key"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramRows:
    """A program with everything that belongs to it, as instances."""

    program: Program
    limits: tuple[LossLimit, ...]
    tiers: tuple[Tier, ...]
    product_limits: tuple[ProductLimit, ...]
    news: tuple[NewsRule, ...]
    sessions: tuple[TradingSession, ...]
    symbols: frozenset[str]


@dataclass(slots=True)
class Rulebook:
    """All that was read at one version. `terms` keeps what was made of it, by whoever made it."""

    version: str | None
    sessions: Mapping[int, TradingSession]
    closures: tuple[MarketClosure, ...]
    programs: dict[int, ProgramRows] = field(default_factory=dict)
    personal: dict[int, PersonalLimits | None] = field(default_factory=dict)
    personal_sessions: dict[int, tuple[TradingSession, ...]] = field(default_factory=dict)
    terms: dict[Any, Any] = field(default_factory=dict)

    def add_programs(self, program_ids: Iterable[int]) -> None:
        """Read the programs that are not known yet, in a fixed number of queries."""
        ids = [pk for pk in set(program_ids) if pk not in self.programs]
        if not ids:
            return
        programs = read(Program, "id {ids}", ids=ids)
        firms = {firm.pk: firm for firm in read(Firm, "id {ids}", ids=list({p.firm_id for p in programs}))}
        limits, tiers = _children(LossLimit, ids), _children(Tier, ids)
        products, news = _children(ProductLimit, ids), _children(NewsRule, ids)
        sessions, symbols = _links(Program.allowed_sessions, ids), _links(Program.allowed_instruments, ids)
        instruments = read(Instrument, "id {ids}", ids=[pk for keys in symbols.values() for pk in keys])
        names = {instrument.pk: instrument.symbol for instrument in instruments}
        for program in programs:
            pk, program.firm = program.pk, firms[program.firm_id]
            self.programs[pk] = ProgramRows(
                program=program,
                limits=tuple(limits[pk]),
                tiers=tuple(tiers[pk]),
                product_limits=tuple(products[pk]),
                news=tuple(news[pk]),
                sessions=self._sessions_of(sessions[pk]),
                symbols=frozenset(names[key] for key in symbols[pk]),
            )

    def add_personal(self, account_ids: Iterable[int]) -> None:
        """Read the personal limits of accounts that are not known yet."""
        ids = [pk for pk in account_ids if pk not in self.personal]
        if not ids:
            return
        rows = {row.account_id: row for row in read(PersonalLimits, "account_id {ids}", ids=ids)}
        sessions = _links(PersonalLimits.allowed_sessions, [row.pk for row in rows.values()])
        for pk in ids:  # threads share the book: what another may find has to be whole
            row = rows.get(pk)
            if row is not None:
                self.personal_sessions[pk] = self._sessions_of(sessions[row.pk])
            self.personal[pk] = row

    def _sessions_of(self, keys: Iterable[int]) -> tuple[TradingSession, ...]:
        """Sessions by key; one that came with its link after this book was begun is read now."""
        keys = list(keys)
        if any(key not in self.sessions for key in keys):
            self.sessions = {row.pk: row for row in TradingSession.objects.all()}
        return tuple(self.sessions[key] for key in keys)


_known: dict[str, Rulebook] = {}


def current() -> Rulebook:
    """The rulebook as the database has it now."""
    alias, at = connection.alias, version()
    book = _known.get(alias)
    if book is None or at is None or book.version != at:
        book = _known[alias] = Rulebook(
            at,
            {row.pk: row for row in TradingSession.objects.all()},
            tuple(MarketClosure.objects.order_by("pk")),
        )
    return book


def version() -> str | None:
    """What the database writes anew with each change of a rule. None: it can't be told."""
    return next((row.version for row in read(RulebookVersion, "id = 1")), None)


def rows_of(program: Program) -> ProgramRows:
    """A single program's rows as its managers have them, edits that were not committed included."""
    return ProgramRows(
        program=program,
        limits=tuple(program.loss_limits.all()),
        tiers=tuple(program.tiers.all()),
        product_limits=tuple(program.product_limits.all()),
        news=tuple(program.news_rules.all()),
        sessions=tuple(program.allowed_sessions.all()),
        symbols=frozenset(row.symbol for row in program.allowed_instruments.all()),
    )


def _children(model: type[Any], program_ids: list[int]) -> dict[int, list[Any]]:
    children: dict[int, list[Any]] = defaultdict(list)
    for row in sorted(read(model, "program_id {ids}", ids=program_ids), key=lambda row: row.pk):
        children[row.program_id].append(row)
    for rows in children.values():
        if model is Tier:
            rows.sort(key=lambda tier: tier.from_profit)
    return children


def _links(relation: Any, owner_ids: list[int]) -> dict[int, list[int]]:
    """The keys that rows of a many-to-many relation point at, by owner, in order."""
    links: dict[int, list[int]] = defaultdict(list)
    owner, target = relation.field.m2m_column_name(), relation.field.m2m_reverse_name()
    for row in read(relation.through, f"{owner} {{ids}}", ids=owner_ids):
        links[getattr(row, owner)].append(getattr(row, target))
    for keys in links.values():
        keys.sort()
    return links


# --- the triggers ---------------------------------------------------------------------------------------


def _tables() -> dict[str, list[str]]:
    """Every table of rules, and its columns whose change matters."""
    accounts = [c for c in Account._meta.concrete_fields if c.name not in _NO_TERMS]
    models: list[type[Model]] = [
        Firm, Program, LossLimit, Tier, ProductLimit, NewsRule, TradingSession, MarketClosure, PersonalLimits,
        Instrument, Program.allowed_sessions.through, Program.allowed_instruments.through,
        PersonalLimits.allowed_sessions.through,
    ]  # fmt: skip
    rules = {
        model._meta.db_table: [
            str(column.column) for column in model._meta.concrete_fields if column.name not in _NO_RULE
        ]
        for model in models
    }
    return {**rules, Account._meta.db_table: [str(column.column) for column in accounts]}


_FUNCTION = """
CREATE OR REPLACE FUNCTION propguard_rules_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO {table} (id, version) VALUES (1, gen_random_uuid()::text)
  ON CONFLICT (id) DO UPDATE SET version = excluded.version;
  RETURN NULL;
END $$
"""
_TRIGGER = {
    "postgresql": "CREATE OR REPLACE TRIGGER {table}_{name} AFTER {event} ON {table} "
    "FOR EACH STATEMENT EXECUTE FUNCTION propguard_rules_changed()",
    # Delete and insert: an INSERT OR IGNORE from outside would turn a REPLACE in here into an IGNORE.
    "sqlite": "CREATE TRIGGER {table}_{name} AFTER {event} ON {table} BEGIN DELETE FROM {version}; "
    "INSERT INTO {version} (id, version) VALUES (1, hex(randomblob(16))); END",
}
_BEGIN = {
    "postgresql": "INSERT INTO {version} (id, version) VALUES (1, gen_random_uuid()::text)",
    "sqlite": "INSERT INTO {version} (id, version) VALUES (1, hex(randomblob(16)))",
}


def install_triggers(using: str = "default", **_: Any) -> None:
    """Install the triggers on every table of rules that exists. Idempotent; run after every migrate."""
    database = connections[using]
    present = set(database.introspection.table_names())
    version = RulebookVersion._meta.db_table
    if version not in present:
        return
    with database.cursor() as cursor:
        if database.vendor == "postgresql":
            cursor.execute(_FUNCTION.format(table=version))
        for table, columns in _tables().items():
            if table not in present:
                continue
            for name, event in (
                ("rule_added", "INSERT"),
                ("rule_gone", "DELETE"),
                ("rule_changed", "UPDATE OF " + ", ".join(f'"{column}"' for column in columns)),
            ):
                if database.vendor == "sqlite":
                    cursor.execute(f"DROP TRIGGER IF EXISTS {table}_{name}")
                cursor.execute(
                    _TRIGGER[database.vendor].format(table=table, name=name, event=event, version=version)
                )
        cursor.execute(f"DELETE FROM {version}")  # noqa: S608 - a table's name
        cursor.execute(_BEGIN[database.vendor].format(version=version))
