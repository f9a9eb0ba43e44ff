"""Credentials at rest: encrypted under a key of their own, apart from the database and from SECRET_KEY.

What is stored is `Sealed`: it can be kept, compared and shown as "stored", and says its text only to who
calls `reveal`. Several keys may be set: the first encrypts, all decrypt.
"""

from base64 import b64decode, urlsafe_b64encode

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

KEY_BYTES = 32


class Unreadable(Exception):
    """Encrypted under a key that is not at hand."""


class Sealed:
    """A text that is encrypted wherever it is kept. Empty is not sealed at all: nothing is stored."""

    __slots__ = ("token",)

    def __init__(self, token: str = "") -> None:
        self.token = token

    @classmethod
    def of(cls, text: str) -> "Sealed":
        return cls(_keys().encrypt(text.encode()).decode() if text else "")

    def reveal(self) -> str:
        """The text itself. Raises Unreadable where no key at hand fits."""
        if not self.token:
            return ""
        try:
            return _keys().decrypt(self.token.encode()).decode()
        except InvalidToken as error:
            raise Unreadable("a stored credential was encrypted under another key") from error

    def rotated(self) -> "Sealed":
        """The same text under the first key."""
        try:
            return Sealed(_keys().rotate(self.token.encode()).decode()) if self.token else self
        except InvalidToken as error:
            raise Unreadable("a stored credential was encrypted under another key") from error

    def __bool__(self) -> bool:
        return bool(self.token)

    def __eq__(self, other: object) -> bool:
        return self.token == (other.token if isinstance(other, Sealed) else other)

    def __hash__(self) -> int:
        return hash(self.token)

    def __str__(self) -> str:
        return "stored" if self.token else ""

    __repr__ = __str__


def _keys() -> MultiFernet:
    """Read anew each time, so that a test or a rotation may change them: it takes microseconds."""
    return MultiFernet([Fernet(_as_fernet(key)) for key in settings.CREDENTIALS_KEYS])


def _as_fernet(text: str) -> bytes:
    """A key as Fernet takes it, of 32 bytes in either alphabet of base64 (`openssl rand -base64 32`)."""
    try:
        raw = b64decode(text.strip().replace("-", "+").replace("_", "/"), validate=True)
    except ValueError:
        raw = b""
    if len(raw) != KEY_BYTES:
        raise ImproperlyConfigured(
            "PROPGUARD_CREDENTIALS_KEY holds a key that is not 32 bytes in base64: openssl rand -base64 32"
        )
    return urlsafe_b64encode(raw)
