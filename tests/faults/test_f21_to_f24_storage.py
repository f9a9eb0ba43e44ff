"""F21 to F24: a locked file, two writers, a full disk, a database that can only be read."""

import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.core.checks import run_checks
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection, transaction

from execution import prompt, supervision, tasks
from execution.models import Decision, Order, Signal
from firms.models import AuditEntry, Flag
from firms.services import raise_flag
from tests.execution.make import (
    close_signal,
    decide,
    entry_signal,
    held,
    make_follower,
    open_exits,
    run_queue,
)
from tests.execution.test_concurrency import at_once
from tests.execution.test_intake_busy import locked_file
from tests.faults.workers import Web, environment, later
from tests.make import make_source
from tests.process.installation import ROOT

only_sqlite = pytest.mark.skipif("connection.vendor != 'sqlite'", reason="SQLite's file")


# --- F21: locked for long ---------------------------------------------------------------------------------


@only_sqlite
@pytest.mark.django_db(transaction=True)
def test_f21_while_a_backup_holds_the_file_intake_says_so_and_exits_are_first_after(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(prompt, "_starved", False)
    source, account = make_follower(source=make_source())
    tasks.route_chunk(entry_signal(source).chunks.get().pk)
    close_signal(source)
    waiting = entry_signal(source, alert_id="after the close")
    with locked_file():
        started = time.monotonic()
        with pytest.raises(prompt.Busy):
            entry_signal(source, alert_id="meanwhile")
        assert time.monotonic() - started < 2
    with later(1.1):
        supervision.work_exits()
    assert (held(account), open_exits(account), waiting.decisions.count()) == (0, [], 0)
    run_queue()
    assert waiting.decisions.count() == 1  # and no crash loop: it was decided at its first try


# --- F22: read, then write, twice at once -----------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_f22_deciders_that_read_and_then_write_at_once_meet_no_lock_error() -> None:
    source, _ = make_follower(source=make_source())
    signals = [entry_signal(source, alert_id=str(n)) for n in range(8)]
    assert at_once(*[lambda signal=signal: decide(signal) for signal in signals]) == []
    assert Decision.objects.count() == 8


# --- F23: the disk is full --------------------------------------------------------------------------------


@contextmanager
def full_disk() -> Iterator[None]:
    """The database file can't grow by a page, as on a disk without room."""
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA page_count")
        [pages] = cursor.fetchone()
        cursor.execute(f"PRAGMA max_page_count = {pages}")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA max_page_count = 1073741823")


@only_sqlite
@pytest.mark.django_db(transaction=True)
def test_f23_a_full_disk_decides_nothing_by_half_and_all_goes_on_once_there_is_room() -> None:
    source, _ = make_follower(source=make_source())
    signals = [entry_signal(source, alert_id=str(n)) for n in range(30)]
    failed: list[Signal] = []
    with full_disk():
        for signal in signals:
            try:
                tasks.route_chunk(signal.chunks.get().pk)
            except OperationalError:  # "database or disk is full"
                failed.append(signal)
    assert failed, "the disk was not full"
    for order in Order.objects.all():  # none without its decision
        assert order.decision is not None
    assert not any(signal.chunks.get().done_at for signal in failed)
    run_queue()
    assert [signal.decisions.count() for signal in signals] == [1] * 30


@only_sqlite
@pytest.mark.process
@pytest.mark.django_db(transaction=True)
def test_f23_a_full_disk_is_a_503_at_intake_and_no_alert_is_taken_by_half(
    tmp_path: Path, settings: Any
) -> None:
    """A file system of two megabytes, filled to its last byte."""
    with small_disk(tmp_path / "disk") as disk:
        settings.VAR_DIR = tmp_path
        make_follower(source=make_source())
        database = copied_to(disk)
        server = Web(url=f"sqlite:///{database}")
        try:
            filler = disk / "filler"
            fill(filler)
            answers = [server.send(alert_id=str(number)) for number in range(20)]
            filler.unlink()
            after = server.send(alert_id="after")
        finally:
            server.end()
        assert after is not None
        assert after[0] == 202
        statuses = [answer[0] for answer in answers if answer is not None]
        assert len(statuses) == 20
        assert set(statuses) <= {202, 503}
        assert 503 in statuses
        with sqlite3.connect(database) as file:
            [[stored]] = file.execute("SELECT count(*) FROM execution_signal")
        assert stored == statuses.count(202) + 1


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "propguard-test", str(folder)]
    if os.getuid() != 0 or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("needs the right to mount a small file system")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def copied_to(folder: Path) -> Path:
    """The test's database as a file there."""
    target = folder / "propguard.sqlite3"
    with connection.cursor() as cursor:
        cursor.execute("VACUUM INTO %s", [str(target)])
    return target


def fill(path: Path) -> None:
    with path.open("wb", buffering=0) as file:
        for size in (65536, 4096, 512, 1):
            try:
                while True:
                    file.write(b"\0" * size)
            except OSError:
                continue


@pytest.mark.django_db
def test_f23_a_pause_and_its_audit_entry_are_written_together_or_not_at_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _, account = make_follower(source=make_source())
    before = AuditEntry.objects.count()
    monkeypatch.setattr("firms.audit.AuditEntry.objects.create", lambda **_: 1 / 0)
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        raise_flag(account)
    assert (Flag.objects.count(), AuditEntry.objects.count()) == (0, before)


# --- F24: it can only be read ------------------------------------------------------------------------------


@contextmanager
def read_only() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute(
            "PRAGMA query_only = 1"
            if connection.vendor == "sqlite"
            else "SET LOCAL transaction_read_only = on"
        )
    try:
        yield
    finally:
        if connection.vendor == "sqlite":
            with connection.cursor() as cursor:
                cursor.execute("PRAGMA query_only = 0")


@pytest.mark.django_db
@pytest.mark.parametrize("command", ["work", "supervise"])
def test_f24_nothing_that_routes_starts_on_a_database_that_can_only_be_read(command: str) -> None:
    with read_only(), pytest.raises(CommandError, match="The database can't be written to"):
        call_command(command)


@pytest.mark.django_db
def test_f24_the_check_says_so_and_how_to_mend_it() -> None:
    assert [e for e in run_checks(databases=["default"]) if e.id == "propguard.E003"] == []
    with read_only():
        [error] = [e for e in run_checks(databases=["default"]) if e.id == "propguard.E003"]
    assert "must belong to the user" in error.msg or "a standby" in error.msg


@only_sqlite
@pytest.mark.process
@pytest.mark.django_db(transaction=True)
def test_f24_up_refuses_on_a_read_only_file_system(tmp_path: Path, settings: Any) -> None:
    settings.VAR_DIR = tmp_path
    with small_disk(tmp_path / "disk") as disk:
        database = copied_to(disk)
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        done = subprocess.run(
            [sys.executable, "manage.py", "up"], cwd=ROOT, capture_output=True, text=True, timeout=60,
            env=environment(url=f"sqlite:///{database}"),
        )  # fmt: skip
    assert done.returncode == 1
    assert "can't be written to" in done.stderr
