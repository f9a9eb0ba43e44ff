"""`manage.py up` and `make run`: one command that starts all, says how to try it, and stops all."""

import re
import shutil
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from tests.process.installation import ROOT, Installation, lives, wait_for

pytestmark = pytest.mark.process


def test_it_prints_an_alert_that_answers_and_is_decided(installation: Installation) -> None:
    installation.start("up", "--demo")
    printed = wait_for(
        "the curl line", lambda: re.search(r"^  (curl .*)$", installation.tail(), re.MULTILINE)
    )
    assert "Login     demo / " in installation.tail()
    answer = subprocess.run(printed[1], shell=True, capture_output=True, text=True, timeout=30)
    assert '"status":"accepted"' in answer.stdout
    found = wait_for(
        "decisions", lambda: installation.rows("SELECT allowed, breach_type FROM execution_decision")
    )
    assert {bool(allowed) for allowed, _ in found} == {True, False}
    assert {breach for _, breach in found} >= {"paused", "contracts", "session", "drawdown", "daily_loss"}


def test_ctrl_c_stops_all_of_it_and_a_second_start_finds_its_data(empty_installation: Installation) -> None:
    installation = empty_installation
    up = installation.start("up", "--demo")
    installation.wait_until_served()
    groups = [
        wait_for(name, lambda name=name: installation.group_of(name)) for name in ("web", "work", "queue")
    ]
    up.send_signal(signal.SIGINT)
    assert up.wait(30) == 0
    for group in groups:
        assert not lives(group)
    secret = (installation.folder / "var" / "demo_secret").read_text()
    installation.start("up", "--demo")
    installation.wait_until_served()
    assert (installation.folder / "var" / "demo_secret").read_text() == secret
    assert installation.rows("SELECT count(*) FROM firms_account") == [(7,)]
    catalog = installation.rows("SELECT count(*) FROM firms_program WHERE catalog_key IS NOT NULL")
    assert catalog == [(420,)], "loaded once, at the first start"


def test_a_port_in_use_gets_one_line_that_says_what_to_do(installation: Installation) -> None:
    with socket.create_server(("127.0.0.1", installation.port)):
        up = installation.start("up")
        assert up.wait(30) == 1
    lines = [line for line in installation.tail().splitlines() if line]
    other = f"PROPGUARD_BIND=127.0.0.1:{installation.port + 1} make run"
    assert lines == [f"CommandError: Port {installation.port} is in use. Take another: {other}"]


def test_a_second_up_in_the_same_folder_does_not_disturb_the_first(installation: Installation) -> None:
    installation.start("up")
    installation.wait_until_served()
    group = installation.group_of("web")
    second = installation.start("up")
    assert second.wait(30) == 1
    assert "PropGuard runs already from this folder" in installation.tail()
    assert installation.group_of("web") == group
    installation.wait_until_served()


def test_secrets_in_var_are_for_their_owner_only(installation: Installation) -> None:
    installation.environment.pop("SECRET_KEY")
    installation.seed()
    for name in ("secret_key", "demo_secret", "demo_password", "demo_api_key"):
        path = installation.folder / "var" / name
        assert path.stat().st_mode & 0o777 == 0o600, name


@pytest.mark.parametrize(
    ("python", "says"),
    [
        pytest.param("exit 1", "PropGuard needs Python 3.11 or newer", id="too old, or none"),
        pytest.param(
            'case "$*" in *ensurepip*) exit 1;; esac; exit 0',
            "This Python has no venv module",
            id="without venv",
        ),
    ],
)
def test_make_run_says_what_is_missing(tmp_path: Path, python: str, says: str) -> None:
    shutil.copy(ROOT / "Makefile", tmp_path)
    fake = tmp_path / "bin"
    fake.mkdir()
    for name in ("python3", "python3.11", "python3.12", "python3.13", "python3.14"):
        (fake / name).write_text(f"#!/bin/sh\n{python}\n")
        (fake / name).chmod(0o755)
    make = shutil.which("make")
    assert make is not None
    done = subprocess.run(
        [make, "run"], cwd=tmp_path, env={"PATH": f"{fake}:/usr/bin:/bin"}, capture_output=True, text=True,
        timeout=30,
    )  # fmt: skip
    assert done.returncode != 0
    assert says in done.stdout.splitlines()[0]
