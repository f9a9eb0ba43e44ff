"""The words of the kill switch: "flat" is said of what was verified, and of nothing else."""

from datetime import UTC, datetime
from typing import Any

import pytest

from execution.kill_report import KillReport, Look, Standing, in_words

NOON = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
UNTIL = datetime(2026, 3, 4, 14, 5, 59, tzinfo=UTC)


def of(look: Look = Look.VERIFIED, label: str = "A", **figures: Any) -> Standing:
    return Standing(label, look, **figures)


WORDS: dict[str, tuple[list[Standing], str, bool]] = {
    "nothing at all": ([], "flat", True),
    "dry-run": ([of(Look.NEEDLESS)], "flat", True),
    "verified": ([of(), of(label="B")], "flat", True),
    "one in doubt": (
        [of(in_doubt=1, watch_until=UNTIL)], "flat, 1 in doubt, watching until 14:05 UTC", False,
    ),
    "doubt nobody can settle but a person": (
        [of(in_doubt=2)], "flat, 2 in doubt, a person must say what became of it", False,
    ),
    "a position": ([of(Look.OPEN, positions=1)], "closing: 1 position open", False),
    "two positions in two accounts": (
        [of(Look.OPEN, positions=1), of(Look.OPEN, "B", positions=1)], "closing: 2 positions open", False,
    ),
    "a position, and doubt elsewhere": (
        [of(Look.OPEN, positions=1), of(label="B", in_doubt=1, watch_until=UNTIL)],
        "closing: 1 position open; 1 in doubt, watching until 14:05 UTC", False,
    ),
    "one call still open": ([of(on_wire=1)], "1 order still on the wire", False),
    "two calls still open": ([of(on_wire=2)], "2 orders still on the wire", False),
    "a call, and a position": (
        [of(Look.OPEN, positions=1, on_wire=1)], "1 order still on the wire; closing: 1 position open", False,
    ),
    "an order that rests": (
        [of(Look.OPEN, working=1)], "cancelling: 1 order still works at the venue", False,
    ),
    "a blind account": ([of(), of(Look.BLIND, "B")], "not verified: blind account B", False),
    "two blind accounts": (
        [of(Look.BLIND, "A"), of(Look.BLIND, "B")], "not verified: blind accounts A, B", False,
    ),
    "a venue that does not answer": (
        [of(Look.UNREADABLE, note="Unavailable: down")], "not verified: A (Unavailable: down) can't be read", False,
    ),
    "flat once": ([of(Look.ONCE)], "not verified yet: 1 account flat once, looking again", False),
    "not looked at": ([of(Look.UNSEEN), of(Look.UNSEEN)], "not verified yet: 2 accounts to be looked at", False),
    "advice only": (
        [of(Look.BY_HAND, positions=1)], "1 position to close by hand: the program allows advice only", False,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("standings", "words", "is_flat"), WORDS.values(), ids=WORDS)
def test_flatten_says_how_far_it_is(standings: list[Standing], words: str, is_flat: bool) -> None:
    assert in_words(standings, flatten=True) == words
    assert all(one.is_settled for one in standings) == is_flat


STOPPED: dict[str, tuple[list[Standing], str, bool]] = {
    "nothing": ([of(Look.UNSEEN)], "stopped: no entry leaves", True),
    "a position": ([of(Look.OPEN, positions=1)], "stopped: no entry leaves; 1 position left open", True),
    "a call": ([of(on_wire=1, positions=1)], "1 order still on the wire; 1 position left open", False),
    "an entry that rests": (
        [of(Look.OPEN, working=1)], "cancelling: 1 order still works at the venue", False,
    ),
    "doubt": (
        [of(in_doubt=1, watch_until=UNTIL)], "stopped: no entry leaves; 1 in doubt, watching until 14:05 UTC", False,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("standings", "words", "is_done"), STOPPED.values(), ids=STOPPED)
def test_without_flatten_positions_are_left_and_said_to_be(
    standings: list[Standing], words: str, is_done: bool
) -> None:
    report = KillReport("platform", [object()], False, NOON, standings, NOON)  # type: ignore[list-item]
    assert (report.words, report.is_done, report.is_flat) == (words, is_done, False)


def test_what_is_not_killed_is_never_called_flat() -> None:
    report = KillReport("platform", [], False, NOON, [], NOON)
    assert (report.words, report.is_flat, report.is_done) == ("not killed", False, False)
