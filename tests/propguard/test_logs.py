"""Lines are one line each, and carry no webhook token."""

import logging

import pytest

from propguard.logs import OneLine, RedactTokens

pytestmark = pytest.mark.core


def line(message: str, *args: object) -> str:
    record = logging.LogRecord("x", logging.INFO, "", 0, message, args, None)
    assert RedactTokens().filter(record)
    return OneLine("{message}", style="{").format(record)


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        pytest.param(
            "POST /api/v1/webhooks/tv/s3cr3t/ 202", "POST /api/v1/webhooks/tv/***/ 202", id="a token"
        ),
        pytest.param("POST /api/v1/webhooks/tv/ 202", "POST /api/v1/webhooks/tv/ 202", id="no token"),
        pytest.param("two\nlines\r\x1b[31m", "two\\nlines\\r\\x1b[31m", id="a forged second line"),
        pytest.param("NQ1!\u202e", "NQ1!\\u202e", id="reversed text"),
    ],
)
def test_what_is_shown(message: str, shown: str) -> None:
    assert line(message) == shown
    assert line("%s", message) == shown
