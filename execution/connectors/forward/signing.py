"""Signatures by the Standard Webhooks scheme, for one's own receiver: standardwebhooks.com.

The receiver computes the same from the raw body, refuses what is older than a few minutes, and takes each
`webhook-id` once.
"""

import hmac
from base64 import b64decode, b64encode
from datetime import datetime
from hashlib import sha256

PREFIX = "whsec_"
KEY_BYTES = range(24, 65)


class BadSecret(ValueError):
    """Not a signing secret."""


def key_of(secret: str) -> bytes:
    """The key of a secret such as `whsec_MfKQ…`: 24 to 64 bytes in base64. Raises BadSecret."""
    try:
        key = b64decode(secret.removeprefix(PREFIX), validate=True)
    except ValueError:
        key = b""
    if len(key) not in KEY_BYTES:
        raise BadSecret("a signing secret is whsec_ and 24 to 64 bytes in base64 (openssl rand -base64 32)")
    return key


def headers(secret: str, message_id: str, at: datetime, body: bytes) -> dict[str, str]:
    """The three headers of one message."""
    moment = str(int(at.timestamp()))
    signed = hmac.new(key_of(secret), f"{message_id}.{moment}.".encode() + body, sha256).digest()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": moment,
        "webhook-signature": f"v1,{b64encode(signed).decode()}",
    }
