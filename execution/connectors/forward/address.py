"""Where a request may go: what an address must look like, and which machines it may lead to.

A user types the address, so it could name this machine's own network (server-side request forgery). It is
checked twice: as text when it is stored, and by what its name resolves to at each request, when the
connection goes to exactly the addresses that were checked.
"""

import ipaddress
import re
import socket
from collections.abc import Callable, Collection, Iterable, Sequence
from threading import Thread
from typing import NamedTuple
from urllib.parse import urlsplit

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolver = Callable[[str, int], Sequence[str]]

HTTPS_PORT = 443
RESOLVE_SECONDS = 2.0
LONGEST = 2048
_PRINTABLE = re.compile(r"[!-~]+")
_NAME = re.compile(
    r"(?=.{1,253}\Z)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
)
_NUMERIC = re.compile(r"(0x[0-9a-f]*|\d+)")  # a last label that C libraries read as (part of) an address

# What the switch for the own network opens, besides the internet.
_OWN_NETWORK = [
    ipaddress.ip_network(text)
    for text in ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7")
]
# Never, switch or not: clouds answer there with the machine's own credentials.
_METADATA = [ipaddress.ip_network(text) for text in ("169.254.0.0/16", "100.100.100.200/32", "fd00:ec2::/32")]
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")


class Refused(Exception):
    """The address is one that nothing may be sent to; says why, without what is secret in it."""


class Destination(NamedTuple):
    """An address in parts. `path` holds the query too: it is often a secret."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def shown(self) -> str:
        """As much of it as is no secret."""
        port = "" if self.port == (HTTPS_PORT if self.scheme == "https" else 80) else f":{self.port}"
        return f"{self.scheme}://{f'[{self.host}]' if ':' in self.host else self.host}{port}/…"


class Policy(NamedTuple):
    """What is allowed. `local`: the connection's switch for hosts on the own network, where http and any port
    pass too. `own_hosts` and `own_port`: what this installation itself answers to, and serves here."""

    local: bool = False
    ports: Collection[int] = (HTTPS_PORT,)
    own_hosts: Sequence[str] = ()
    own_port: int = 0


def parse(url: str, policy: Policy) -> Destination:
    """The parts of an address that may be stored. Raises Refused.

    Whether a host is on the own network, or this very installation's machine, is known once it is resolved.
    """
    local = policy.local
    if len(url) > LONGEST or not _PRINTABLE.fullmatch(url) or "\\" in url:
        raise Refused("an address has no spaces or backslashes, ASCII only, and 2048 characters at most")
    try:
        parts = urlsplit(url)
        port, name = parts.port, (parts.hostname or "").rstrip(".")
    except ValueError as error:
        raise Refused("the address can't be read") from error
    if parts.scheme != "https" and not (local and parts.scheme == "http"):
        raise Refused("only https addresses: anyone between could read or change what is sent otherwise")
    if "@" in parts.netloc or parts.fragment:
        raise Refused("no user name, password or fragment in the address")
    if port == 0 or (not local and port not in (None, *policy.ports)):
        raise Refused("no port but 443")
    _check_host(name, local=local)
    path = parts.path or "/"
    destination = Destination(
        parts.scheme,
        name,
        port or (HTTPS_PORT if parts.scheme == "https" else 80),
        f"{path}?{parts.query}" if parts.query else path,
    )
    if _is_own_host(destination, policy):
        raise Refused("that is PropGuard itself: what it forwards would come back to it as an alert")
    return destination


def _check_host(name: str, *, local: bool) -> None:
    literal = _literal(name)
    if literal is not None:
        _check(literal, local=local)
        return
    if not _NAME.fullmatch(name):
        raise Refused("the address names no host")
    last = name.rpartition(".")[2]
    if _NUMERIC.fullmatch(last):
        raise Refused("an IP address is written as four plain decimal numbers")
    if not local and (last in ("localhost", "local", "internal", "home", "lan") or "." not in name):
        raise Refused("that host is on the own network")


def _literal(name: str) -> Address | None:
    try:
        return ipaddress.ip_address(name) if "%" not in name else None
    except ValueError:
        return None


def vet(destination: Destination, policy: Policy, resolve: Resolver | None = None) -> list[str]:
    """The addresses to connect to, in order: the only time the name is looked up. Raises Refused, and
    OSError where it can't be resolved.

    One address that is not allowed refuses the name: it might be the one that is connected to.
    """
    found = [ipaddress.ip_address(text) for text in (resolve or look_up)(destination.host, destination.port)]
    if not found:
        raise OSError("the name has no address")
    for address in found:
        _check(address, local=policy.local)
        if address.is_loopback and destination.port == policy.own_port:
            raise Refused("that is PropGuard itself: what it forwards would come back to it as an alert")
    if not all(_is_own_network(address) for address in found):
        if destination.scheme == "http":
            raise Refused("http only to a host on the own network")
        if destination.port not in policy.ports:
            raise Refused("no port but 443, outside the own network")
    return [str(address) for address in found]


def look_up(host: str, port: int) -> list[str]:
    """The system's own look-up, which knows no time limit of its own: given up after two seconds."""
    found: list[str] = []
    failed: list[OSError] = [OSError("the name was not resolved in time")]

    def ask() -> None:
        try:
            infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            found.extend(dict.fromkeys(str(info[4][0]) for info in infos))
            failed.clear()
        except (OSError, UnicodeError) as error:
            failed[:] = [OSError(f"the name can't be resolved ({type(error).__name__})")]

    thread = Thread(target=ask, name="resolver", daemon=True)
    thread.start()
    thread.join(RESOLVE_SECONDS)
    if failed:
        raise failed[0]
    return found


def _is_own_host(destination: Destination, policy: Policy) -> bool:
    """Whether it names this very installation. On the own network another port is another program."""
    if policy.local and destination.port not in (policy.own_port, 80, HTTPS_PORT):
        return False
    own = [host.strip("[]").rstrip(".").lower() for host in policy.own_hosts]
    return any(_matches(destination.host, host) for host in own)


def _matches(name: str, pattern: str) -> bool:
    if pattern.startswith("."):
        return name == pattern[1:] or name.endswith(pattern)
    return name == pattern


def _check(address: Address, *, local: bool) -> None:
    if _inside(address, _METADATA) or not (_is_public(address) or (local and _is_own_network(address))):
        raise Refused(
            "the name leads to an address that is not on the internet"
            + ("" if local else "; for a host of your own, switch on its local network")
        )


def _is_public(address: Address) -> bool:
    if isinstance(address, ipaddress.IPv6Address):
        if address in _NAT64:  # the internet of IPv4, as a network without it sees it
            return _is_public(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
        if address.sixtofour or address.teredo or address not in _GLOBAL_UNICAST:
            return False
    return address.is_global and not (address.is_multicast or address.is_reserved)


def _is_own_network(address: Address) -> bool:
    return _inside(address, _OWN_NETWORK) and not _inside(address, _METADATA)


def _inside(address: Address, networks: Iterable[ipaddress.IPv4Network | ipaddress.IPv6Network]) -> bool:
    return any(address in network for network in networks if network.version == address.version)
