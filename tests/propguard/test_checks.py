"""What makes an installation unsafe is said at start."""

from typing import Any

import pytest

from propguard import checks

pytestmark = pytest.mark.core


def test_an_override_that_can_not_be_read_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FTMO_1_MAX_CONTRACTS", "two")
    monkeypatch.setenv("FTMO_MAX_DRAWDOWN", "900")
    assert [warning.msg for warning in checks.environment_overrides()] == [
        "FTMO_1_MAX_CONTRACTS='two' can't be read: the programs it concerns refuse every entry."
    ]


@pytest.mark.parametrize(
    ("retry", "problems"),
    [pytest.param(121, 0, id="just long enough"), pytest.param(120, 1, id="one second short")],
)
def test_a_queue_lock_that_runs_out_too_early_is_an_error(settings: Any, retry: int, problems: int) -> None:
    settings.Q_CLUSTER = {**settings.Q_CLUSTER, "timeout": 60, "workers": 2, "queue_limit": 2, "retry": retry}
    assert len(checks.queue_settings()) == problems


def test_a_weak_secret_key_is_an_error(settings: Any) -> None:
    settings.SECRET_KEY = "short"
    assert [error.id for error in checks.secret_key_is_strong()] == ["propguard.E002"]


@pytest.mark.parametrize(
    ("environment", "problems"),
    [
        pytest.param({}, 0, id="a laptop"),
        pytest.param({"DATABASE_URL": "postgres://db/x"}, 1, id="a database elsewhere"),
        pytest.param({"DATABASE_URL": "postgres://db/x", "PROPGUARD_CREDENTIALS_KEY": "k"}, 0, id="and the key named"),
    ],
)  # fmt: skip
def test_a_key_on_a_disk_that_may_be_thrown_away_is_a_warning(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], problems: int
) -> None:
    for name in ("DATABASE_URL", "PROPGUARD_CREDENTIALS_KEY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert len(checks.credentials_key_is_kept()) == problems
