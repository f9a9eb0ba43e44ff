from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.process.installation import Installation


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """Migrated, with the catalog: what a first start leaves behind."""
    made = Installation(tmp_path_factory.mktemp("prepared"))
    made.manage("migrate", "--verbosity", "0")
    made.manage("sync_catalog")
    return made


@pytest.fixture
def installation(tmp_path: Path, prepared: Installation) -> Iterator[Installation]:
    made = Installation(tmp_path, like=prepared)
    yield made
    made.end()


@pytest.fixture
def empty_installation(tmp_path: Path) -> Iterator[Installation]:
    """Nothing but a database without tables: a first start."""
    made = Installation(tmp_path)
    yield made
    made.end()
