"""The key of the credentials: from the environment, or made once in `var/`."""

from pathlib import Path

import pytest

from propguard.environment import credentials_keys

pytestmark = pytest.mark.core


def test_it_is_made_once_for_its_owner_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROPGUARD_VAR", str(tmp_path))
    monkeypatch.delenv("PROPGUARD_CREDENTIALS_KEY", raising=False)
    first = credentials_keys()
    assert credentials_keys() == first
    assert (tmp_path / "credentials_key").stat().st_mode & 0o777 == 0o600
    assert len(first) == 1


def test_the_environment_names_several_the_newest_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROPGUARD_VAR", str(tmp_path))
    monkeypatch.setenv("PROPGUARD_CREDENTIALS_KEY", "new, old,")
    assert credentials_keys() == ["new", "old"]
    assert not list(tmp_path.iterdir())
