"""The clock and the venue in memory of the execution tests."""

from tests.execution.conftest import clock, venue

__all__ = ["clock", "venue"]
