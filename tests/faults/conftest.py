"""What these tests borrow: the one clock, the venue in memory, and installations in processes of their own."""

from tests.execution.conftest import clock, venue
from tests.process.conftest import installation, prepared

__all__ = ["clock", "installation", "prepared", "venue"]
