"""One line a record, and no webhook token in any of them."""

import logging
import re

_TOKEN = re.compile(r"(/webhooks/[^/\s]+/)[^/\s\"]+")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]")


class RedactTokens(logging.Filter):
    """Replaces the token of `/webhooks/<source>/<token>/` wherever a record's message has it."""

    def filter(self, record: logging.LogRecord) -> bool:
        message = record.getMessage()
        redacted = _TOKEN.sub(r"\1***", message)
        if redacted != message:
            record.msg, record.args = redacted, None
        return True


class OneLine(logging.Formatter):
    """Escapes what would forge a second line or reverse the text: values come from outside."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's own name
        record.message = _CONTROL.sub(
            lambda match: match[0].encode("unicode_escape").decode(), record.message.replace("\n", "\\n")
        )
        return super().formatMessage(record)
