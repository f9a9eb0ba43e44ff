"""The pure core's tests: no database, no clock, no Django."""

import pytest

pytest.register_assert_rewrite("tests.enforcement.make")
