"""What gets installed is what was locked: hashes for everything, addresses nowhere."""

import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.core

ROOT = Path(__file__).resolve().parents[2]
LOCKS = ["requirements.txt", "requirements-dev.txt"]
_PINNED = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(\[[a-z,]+\])?==[^ ;]+( ; .+)?")
_HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")


def requirements(name: str) -> list[tuple[str, list[str]]]:
    """Each requirement of a lock file with its options."""
    text = (ROOT / name).read_text().replace("\\\n", "\x00")
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    return [
        (head.strip(), [option.strip() for option in rest])
        for head, *rest in (line.split("\x00") for line in lines)
    ]


@pytest.mark.parametrize("name", LOCKS)
def test_every_requirement_is_pinned_with_hashes_and_nothing_else(name: str) -> None:
    locked = requirements(name)
    assert len(locked) > 10
    for requirement, options in locked:
        assert _PINNED.fullmatch(requirement), requirement
        assert options, f"{requirement} has no hash"
        assert all(_HASH.fullmatch(option) for option in options), requirement


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_file_names_no_address_and_no_index(name: str) -> None:
    text = (ROOT / name).read_text()
    assert "://" not in text
    assert not re.search(r"(?im)^\s*(--|-)(?!-?hash)(extra-index-url|index-url|find-links|i|f|e)\b", text)
    assert "index-url" not in text
    assert "file:" not in text


def names(lines: list[str]) -> set[str]:
    found = set()
    for line in lines:
        match = re.match(r"[A-Za-z0-9][A-Za-z0-9._-]*", line)
        if match:
            found.add(re.sub(r"[-_.]+", "-", match[0]).lower())
    return found


@pytest.mark.parametrize("name", LOCKS)
def test_everything_asked_for_is_locked(name: str) -> None:
    asked = names((ROOT / name).with_suffix(".in").read_text().splitlines())
    assert asked
    assert asked <= names([requirement for requirement, _ in requirements(name)])


def test_tests_run_on_what_is_installed_for_running() -> None:
    runtime = {requirement.partition(" ;")[0] for requirement, _ in requirements("requirements.txt")}
    development = {requirement.partition(" ;")[0] for requirement, _ in requirements("requirements-dev.txt")}
    assert runtime <= development
