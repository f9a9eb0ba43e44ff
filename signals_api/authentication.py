"""Who is asking: a source by its secret, a machine by its API key, an address by what is in front of us."""

import hmac
import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from django.conf import settings
from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from execution.models import ApiKey, SignalSource

_NO_SOURCE = "0" * 64


def knows_secret(source: SignalSource | None, given: object) -> bool:
    """Whether `given` is one of the source's secrets. Constant time; an unset secret matches nothing."""
    text = given if isinstance(given, str) else ""
    digest = sha256(text.encode("utf-8", "surrogatepass")).hexdigest().encode()
    hashes = [] if source is None else source.secret_hashes
    matches = [hmac.compare_digest(digest, known.encode()) for known in (hashes or [_NO_SOURCE])]
    return bool(text) and bool(hashes) and any(matches)


# --- addresses ----------------------------------------------------------------------------------------

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def client_address(request: HttpRequest) -> Address | None:
    """The sender's address: the peer's, unless that is a trusted proxy; then the header from the right."""
    here = _address(request.META.get("REMOTE_ADDR", ""))
    hops = [_address(hop) for hop in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")]
    while here is not None and is_in(here, settings.TRUSTED_PROXIES) and hops:
        here = hops.pop()
    return here


def is_in(address: Address, networks: Iterable[str]) -> bool:
    """Whether an address is one of `networks` (addresses or CIDR). An entry nobody can read holds nothing."""
    for text in networks:
        try:
            network = ipaddress.ip_network(text.strip(), strict=False)
        except ValueError:
            continue
        if address.version == network.version and address in network:
            return True
    return False


def _address(text: str) -> Address | None:
    try:
        address = ipaddress.ip_address(text.strip())
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


# --- API keys -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class KeyHolder:
    """A machine that showed a valid key; what DRF calls the user."""

    key: ApiKey
    is_authenticated: bool = True


class ApiKeyAuthentication(BaseAuthentication):
    """`Authorization: Api-Key <key>`. Keys are stored as SHA-256, may expire, and can be revoked."""

    def authenticate(self, request: Request) -> tuple[KeyHolder, ApiKey] | None:
        scheme, _, given = get_authorization_header(request).partition(b" ")
        if scheme.lower() != b"api-key":
            return None
        alive = Q(is_revoked=False) & (Q(expires_at=None) | Q(expires_at__gt=timezone.now()))
        key = ApiKey.objects.filter(alive, key_sha256=sha256(given.strip()).hexdigest()).first()
        if key is None:
            raise AuthenticationFailed("The API key is unknown, revoked or has expired.")
        return KeyHolder(key), key

    def authenticate_header(self, request: Request) -> str:
        return "Api-Key"


class HasScope(BasePermission):
    """The key must have the view's `required_scope`."""

    message = "The API key does not have the scope for this."

    def has_permission(self, request: Request, view: Any) -> bool:
        key = request.auth
        return isinstance(key, ApiKey) and getattr(view, "required_scope", None) in key.scopes.split()
