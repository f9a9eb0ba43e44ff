"""Secrets and keys: generated here, shown to the caller once, stored as SHA-256 only."""

import secrets
import string
from collections.abc import Iterable
from datetime import datetime
from hashlib import sha256

from execution.models import ApiKey, SignalSource

SECRET_BYTES = 24  # 192 bit
_PREFIX_LETTERS = string.ascii_letters + string.digits  # no "_": a key falls apart at its underscores


def hash_of(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()


def new_source_secret(source: SignalSource) -> str:
    """Give a source a new secret, and return it: nobody can read it again.

    The one it had stays valid beside it until the next change, so that no alert is lost while
    TradingView is being told.
    """
    secret = secrets.token_urlsafe(SECRET_BYTES)
    source.previous_secret_sha256 = source.secret_sha256
    source.secret_sha256 = hash_of(secret)
    source._change_reason = "new secret"  # type: ignore[attr-defined]
    source.save(update_fields=["secret_sha256", "previous_secret_sha256"])
    return secret


def new_api_key(name: str, scopes: Iterable[str], expires_at: datetime | None = None) -> tuple[ApiKey, str]:
    """Make a key for a machine: its row, and the key itself, which nobody can read again."""
    row = ApiKey(name=name, scopes=" ".join(scopes), expires_at=expires_at)
    key = fill_in(row)
    row.save()
    return row, key


def fill_in(row: ApiKey) -> str:
    """Generate the key of a row that is not saved yet."""
    row.prefix = "".join(secrets.choice(_PREFIX_LETTERS) for _ in range(8))
    key = f"pgk_{row.prefix}_{secrets.token_urlsafe(SECRET_BYTES)}"
    row.key_sha256 = hash_of(key)
    return key
