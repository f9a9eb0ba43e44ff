"""The catalog's programs brought into the database, each in a short transaction of its own.

A trader's edit is never overwritten silently (see `catalog_files.merge`), programs are never deleted, and a
program of a trader's own is never taken over: the catalog's of that number is left out and reported.
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from django.db import IntegrityError, transaction
from django.db.models import Model
from simple_history.utils import bulk_create_with_history

from enforcement.replay import canonical_text
from firms.catalog_files import FirmFile
from firms.catalog_files.entries import Entry
from firms.catalog_files.merge import Change, Merge, merged
from firms.catalog_files.rows import (
    PROGRAM,
    TABLES,
    Rows,
    columns,
    default_row,
    row_of,
    stored,
    table_of,
    values,
)
from firms.models import Firm, Program
from firms.terms_in_force import note_terms

HISTORY_REASON = "catalog"
AT_ONCE = 20  # programs in one transaction: well under 200 ms


def sync(file: FirmFile, *, overwrite: bool = False, dry_run: bool = False) -> Iterator[Change]:
    """Bring one firm in. What is the same already costs one comparison and no transaction."""
    firm = Firm.objects.filter(code=file.code).first()
    if firm is None and not dry_run:
        header = {"name": file.name, "website": file.website}
        firm, _ = Firm.objects.get_or_create(code=file.code, defaults=header)
    known = {p.number: p for p in Program.objects.filter(firm__code=file.code).select_related("firm")}
    instances = stored(program for program in known.values() if program.catalog_key)
    new: list[Entry] = []
    touched = False
    for entry in file.entries:
        key, name = f"{file.code}/{entry.number}", entry.rows[PROGRAM]["name"]
        program = known.get(entry.number)
        if program is None:
            yield Change("added", key, "", None, name)
            new.append(entry)
        elif program.catalog_key != key:
            yield Change("conflict", key, "number", program.name, name)
        else:
            merge = _merged(key, program, instances[program.pk], entry, overwrite=overwrite)
            if not dry_run and (merge.changes or program.catalog_text != canonical_text(entry.rows)):
                merge = _update(key, entry, overwrite=overwrite)
                touched = True
            yield from merge.changes
    if firm is not None and not dry_run:
        for start in range(0, len(new), AT_ONCE):
            _create(firm, new[start : start + AT_ONCE])
    if touched:
        note_terms()
    numbers = {entry.number for entry in file.entries}
    for number, program in known.items():
        if program.catalog_key and number not in numbers:
            yield Change("kept", program.catalog_key, PROGRAM, program.name, None)


def _merged(
    key: str, program: Program, instances: Mapping[str, Model], entry: Entry, *, overwrite: bool
) -> Merge:
    return merged(key, _written(program), _rows(instances), entry.rows, overwrite=overwrite)


def _rows(instances: Mapping[str, Model]) -> Rows:
    return {name: row_of(table_of(name), instance) for name, instance in instances.items()}


def _written(program: Program) -> Rows:
    """What the catalog wrote last. Columns that came later were at their defaults then."""
    written: Rows = json.loads(program.catalog_text or "{}")
    return {
        name: {
            column: row.get(column, otherwise) for column, otherwise in default_row(table_of(name)).items()
        }
        for name, row in written.items()
        if table_of(name) in TABLES
    }


@transaction.atomic
def _create(firm: Firm, entries: Sequence[Entry]) -> None:
    """New programs with all that belongs to them, a few at once: no transaction may be long on SQLite."""
    programs = [
        Program(
            firm=firm, number=entry.number, catalog_key=f"{firm.code}/{entry.number}",
            catalog_text=canonical_text(entry.rows), **values(PROGRAM, entry.rows[PROGRAM]),
        )
        for entry in entries
    ]  # fmt: skip
    made = _insert(Program, programs)
    children: dict[str, list[Model]] = defaultdict(list)
    for program, entry in zip(made, entries, strict=True):
        for name, row in entry.rows.items():
            if name != PROGRAM:
                table = table_of(name)
                children[table].append(TABLES[table].model(program=program, **values(table, row)))
    for table, rows in children.items():
        _insert(TABLES[table].model, rows)


def _insert(model: type[Model], rows: Sequence[Model]) -> list[Model]:
    if hasattr(model, "history"):
        return list(bulk_create_with_history(rows, model, default_change_reason=HISTORY_REASON))
    return list(model._default_manager.bulk_create(rows))


def _update(key: str, entry: Entry, *, overwrite: bool) -> Merge:
    """Compare again under the program's lock, and write what differs."""
    try:
        with transaction.atomic():
            program = Program.objects.select_for_update(no_key=True).get(catalog_key=key)
            instances = stored([program])[program.pk]
            merge = _merged(key, program, instances, entry, overwrite=overwrite)
            _write(program, instances, merge.rows)
            Program.objects.filter(pk=program.pk).update(catalog_text=canonical_text(entry.rows))
            return merge
    except IntegrityError as error:  # a trader's edit and the catalog's change don't go together
        return Merge({}, [Change("conflict", key, PROGRAM, None, str(error))])


def _write(program: Program, instances: Mapping[str, Model], rows: Rows) -> None:
    for name, instance in instances.items():
        if name not in rows:
            instance._change_reason = HISTORY_REASON  # type: ignore[attr-defined]
            instance.delete()
    for name, row in rows.items():
        table = table_of(name)
        if name not in instances:
            _save(TABLES[table].model(program=program, **values(table, row)))
            continue
        instance = instances[name]
        has = row_of(table, instance)
        changed = [column for column in columns(table) if has[column] != row[column]]
        for column, value in values(table, {column: row[column] for column in changed}).items():
            setattr(instance, column, value)
        if changed:
            _save(instance, changed)


def _save(instance: Model, changed: list[str] | None = None) -> None:
    instance._change_reason = HISTORY_REASON  # type: ignore[attr-defined]
    instance.save(update_fields=changed)
