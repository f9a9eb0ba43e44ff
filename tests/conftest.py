"""What every test may use. The environment is set before Django reads its settings."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("PROPGUARD_VAR", str(Path(tempfile.gettempdir()) / f"propguard-tests-{os.getpid()}"))
os.environ.setdefault("SECRET_KEY", "for-tests-only-" + "x" * 50)
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"  # Playwright's loop runs in the thread of the test

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The long ones, each with a shorter sample beside it, run where PROPGUARD_LONG is set: in CI."""
    if not os.environ.get("PROPGUARD_LONG"):
        for item in items:
            if item.get_closest_marker("long"):
                item.add_marker(pytest.mark.skip(reason="long: set PROPGUARD_LONG=1"))


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings: None) -> None:
    """A file, not a shared-cache memory database: there, threads meet "table is locked" whatever the wait."""
    from django.conf import settings

    database = settings.DATABASES["default"]
    if database["ENGINE"].endswith("sqlite3"):
        worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
        name = Path(tempfile.gettempdir()) / f"propguard-test-{os.getpid()}-{worker}.sqlite3"
        database["TEST"] = {**database.get("TEST", {}), "NAME": str(name)}


@pytest.fixture(scope="session", autouse=True)
def flush_lifts_the_triggers() -> Iterator[None]:
    """Evidence refuses to be deleted; the flush after a transactional test is the one exception.

    The triggers come back with the post_migrate signal that the flush itself sends.
    """
    from django.core.management.commands.flush import Command

    from firms.evidence import remove_triggers

    handle = Command.handle

    def lift_and_flush(self: Command, **options: Any) -> None:
        remove_triggers(options["database"])
        handle(self, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Command, "handle", lift_and_flush)
        yield
