"""The window's own two questions at both of its ends."""

from datetime import datetime, timedelta

import pytest

from enforcement.trading_window import Window
from tests.enforcement.make import NOON

pytestmark = pytest.mark.core

HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)
WINDOW = Window(NOON, NOON + HOUR, NOON + 2 * HOUR)


@pytest.mark.parametrize(
    ("at", "opens", "holds"),
    [
        (NOON - SECOND, False, False),
        (NOON, True, True),
        (NOON + HOUR - SECOND, True, True),
        (NOON + HOUR, False, True),
        (NOON + 2 * HOUR - SECOND, False, True),
        (NOON + 2 * HOUR, False, False),
    ],
    ids=["a second early", "its first instant", "just before the last entry", "at it", "just before flat", "at it, too"],
)  # fmt: skip
def test_a_window_is_half_open(at: datetime, opens: bool, holds: bool) -> None:
    assert (WINDOW.lets_open(at), WINDOW.lets_hold(at)) == (opens, holds)


def test_without_a_flat_by_a_position_may_be_held_at_any_time() -> None:
    assert Window(NOON, NOON + HOUR, None).lets_hold(NOON - HOUR)
