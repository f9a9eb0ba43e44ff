"""A forward connection as it is used: the row's columns, read, decrypted and checked."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import NamedTuple

from django.conf import settings

from enforcement.instruments import find
from execution.connectors.forward import signing, template
from execution.connectors.forward.address import Destination, Policy, Refused, parse
from execution.connectors.forward.presets import JSON, PRESETS, TEXT, Preset
from execution.connectors.forward.template import Unfillable, Values
from execution.instruments import find_instrument
from execution.models import ForwardTarget
from execution.vault import Unreadable

HOP_HEADER = "PropGuard-Hop"
_HEADER = re.compile(r"([A-Za-z0-9!#$%&'*+.^_`~-]{1,64}): *([\x20-\x7e]{0,1024})")
_OURS = ("host", "content-", "connection", "transfer-", "accept-encoding", "webhook-", HOP_HEADER.lower())
_SYMBOL = re.compile(r"(\S+)\s*=\s*(\S.*)")


class Target(NamedTuple):
    """Everything it takes to send. Holds secrets: never logged, shown or kept."""

    preset: Preset
    destination: Destination
    policy: Policy
    media_type: str
    entry: str
    flat: str
    secret: str
    signing_secret: str
    headers: Mapping[str, str]
    symbols: Mapping[str, str]
    whole_contracts: bool

    @property
    def secrets(self) -> list[str]:
        """Texts that may stand in no log, note or page, the longest first."""
        parts = [part for part in re.split(r"[/?&=]", self.destination.path) if len(part) >= 8]
        found = [
            self.destination.path.lstrip("/"),
            self.secret,
            self.signing_secret,
            *self.headers.values(),
            *parts,
        ]
        return sorted({text for text in found if len(text) >= 4}, key=len, reverse=True)

    def ticker(self, symbol: str) -> str:
        """How the receiver writes a symbol: as the connection says, else as the service usually does."""
        if symbol in self.symbols:
            return self.symbols[symbol]
        instrument = find(symbol)  # the core's own table: this runs in the pool, away from the database
        is_future = instrument is not None and bool(instrument.exchange)
        return self.preset.ticker.format(symbol=symbol) if is_future else symbol

    def fill(self, text: str, values: Values) -> bytes:
        """A message. Raises Unfillable."""
        missing = [name for name in self.preset.needs if not values.get(name)]
        if missing:
            raise Unfillable(f"{self.preset.label} needs {' and '.join(sorted(missing))}")
        fill = template.fill_json if self.media_type == JSON else template.fill_text
        return fill(text, values)


def policy_of(row: ForwardTarget) -> Policy:
    hosts = [host for host in (*settings.PUBLIC_HOSTS, *settings.ALLOWED_HOSTS) if host != "*"]
    return Policy(row.local_network, settings.FORWARD_PORTS, hosts, settings.SERVED_PORT)


def target_of(row: ForwardTarget) -> Target:
    """A row ready for use. Raises Refused, Unfillable, BadSecret or Unreadable: nothing can be sent then."""
    preset = PRESETS[row.service]
    policy = policy_of(row)
    if signing_secret := row.signing_secret.reveal():
        signing.key_of(signing_secret)
    return Target(
        preset=preset,
        destination=parse(row.address.reveal(), policy),
        policy=policy,
        media_type=media_type_of(row),
        entry=row.entry_template or preset.entry,
        flat=row.flat_template or preset.flat,
        secret=row.secret.reveal(),
        signing_secret=signing_secret,
        headers=headers_of(row.headers.reveal()),
        symbols=symbols_of(row.symbols),
        whole_contracts=row.whole_contracts,
    )


def media_type_of(row: ForwardTarget) -> str:
    return {"json": JSON, "text": TEXT}.get(row.shape, PRESETS[row.service].media_type)


def headers_of(text: str) -> dict[str, str]:
    """`Name: value | Name: value`. Raises Unfillable."""
    found = {}
    for part in filter(None, (part.strip() for part in text.split("|"))):
        match = _HEADER.fullmatch(part)
        if match is None:
            raise Unfillable("a header is written Name: value, in plain characters")
        if match[1].lower().startswith(_OURS):
            raise Unfillable(f"the header {match[1]} is PropGuard's own to set")
        found[match[1]] = match[2].strip()
    return found


def symbols_of(text: str) -> dict[str, str]:
    """`NQ = NQZ2026`, one a line, by our own symbol. Raises Unfillable."""
    found = {}
    for line in filter(None, (line.strip() for line in text.splitlines())):
        match = _SYMBOL.fullmatch(line)
        instrument = find_instrument(match[1]) if match else None
        if match is None or instrument is None:
            raise Unfillable(f"{line[:60]}: a known symbol, =, and what the receiver calls it")
        found[instrument.symbol] = match[2].strip()
    return found


def problems_of(row: ForwardTarget) -> dict[str, list[str]]:
    """What keeps a row from being used, by column; empty where nothing does."""
    found: dict[str, list[str]] = {}

    def attempt(column: str, *errors: type[Exception], act: object) -> None:
        try:
            act()  # type: ignore[operator]
        except errors as error:
            found.setdefault(column, []).append(f"{str(error)[:1].upper()}{str(error)[1:]}.")

    preset = PRESETS.get(row.service)
    if preset is None:
        return found
    if not row.address:
        found["address"] = [f"An address is needed, such as {preset.example}."]
    else:
        attempt("address", Refused, Unreadable, act=lambda: parse(row.address.reveal(), policy_of(row)))
    if "secret" in preset.needs and not row.secret:
        found["secret"] = [f"{preset.label} needs its token or key."]
    if row.signing_secret:
        errors = (signing.BadSecret, Unreadable)
        attempt("signing_secret", *errors, act=lambda: signing.key_of(row.signing_secret.reveal()))
    attempt("headers", Unfillable, Unreadable, act=lambda: headers_of(row.headers.reveal()))
    attempt("symbols", Unfillable, act=lambda: symbols_of(row.symbols))
    attempt("entry_template", Unfillable, act=lambda: _check_entry(row))
    attempt("flat_template", Unfillable, act=lambda: _check_own(row, row.flat_template, ("ticker",)))
    return found


def _check_entry(row: ForwardTarget) -> None:
    _check_own(row, row.entry_template, template.ORDER_FIELDS)
    if row.shape and row.shape != _usual_shape(row) and not (row.entry_template and row.flat_template):
        raise Unfillable("another shape than the service's needs both templates")


def _check_own(row: ForwardTarget, text: str, needed: tuple[str, ...]) -> None:
    if not text:
        return
    template.check(text, is_json=media_type_of(row) == JSON)
    missing = set(needed) - template.fields_of(text)
    if missing:
        raise Unfillable(
            f"an order can't be sent without {', '.join(f'{{{{{name}}}}}' for name in sorted(missing))}"
        )


def _usual_shape(row: ForwardTarget) -> str:
    return "json" if PRESETS[row.service].media_type == JSON else "text"


def is_whole(quantity: Decimal) -> bool:
    return quantity == quantity.to_integral_value()
