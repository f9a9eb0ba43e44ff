"""How the admin writes numbers, instants, badges and links. Everything that comes in is escaped."""

from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from urllib.parse import urlsplit

from django.db.models import Model
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from enforcement import explain

NOTHING = "\u2013"  # an en dash


class Tone(StrEnum):
    """What a badge says at a glance."""

    GOOD = "good"
    WARN = "warn"
    BAD = "bad"
    INFO = "info"
    CALM = "calm"


def money(amount: Decimal | None, currency: str = "USD") -> str:
    """To the cent, with thousands separators."""
    return NOTHING if amount is None else explain.money(amount, currency)


def signed_money(amount: Decimal | None, currency: str = "USD") -> str:
    text = money(amount, currency)
    return f"+{text}" if amount is not None and amount > 0 else text


def exact_money(amount: Decimal, currency: str = "USD") -> str:
    """What a tick is worth, to its last place: $6.25, $0.625."""
    if amount == round(amount, 2):
        return money(amount, currency)
    return f"${number(amount)}" if currency == "USD" else f"{currency} {number(amount)}"


def whole_money(amount: Decimal, currency: str = "USD") -> str:
    """A limit in a sentence: $2,500, and the cents only where there are any."""
    return money(amount, currency).removesuffix(".00")


def number(value: Decimal | int | None) -> str:
    """A quantity or a price: no trailing zeros."""
    return NOTHING if value is None else explain.plain(value)


def signed(value: Decimal) -> str:
    return f"+{number(value)}" if value > 0 else number(value)


def percent(share: Decimal | None) -> str:
    return NOTHING if share is None else f"{number(share * 100)} %"


def moment(at: datetime | None) -> SafeString | str:
    """An instant to the second, in UTC; the date and the zone are never left out."""
    if at is None:
        return NOTHING
    return format_html(
        '<time datetime="{}" class="pg-moment">{} <span>{} UTC</span></time>',
        at.isoformat(),
        f"{at:%Y-%m-%d}",
        f"{at:%H:%M:%S}",
    )


def ago(at: datetime | None, now: datetime) -> str:
    """How long ago, in the largest unit that says enough."""
    return "never" if at is None else f"{_span(now - at)} ago"


def until(at: datetime, now: datetime) -> str:
    """How far ahead, likewise."""
    return f"in {_span(at - now)}"


def _span(span: timedelta) -> str:
    seconds = int(span / timedelta(seconds=1))
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{max(seconds, 0)} s"


def badge(text: object, tone: Tone = Tone.CALM, title: object = "") -> SafeString:
    return format_html(
        '<span class="pg-badge pg-{}" title="{}">{}</span>', tone.value, title, str(text).replace("_", " ")
    )


def address_of(row: Model) -> str:
    """The row's own page."""
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])


def list_of(model: type[Model], query: str = "") -> str:
    """The model's list, with a query."""
    address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    return f"{address}?{query}" if query else address


def link(row: Model | None, text: object = "") -> SafeString | str:
    """A link to a row's page."""
    if row is None:
        return NOTHING
    return format_html('<a class="pg-link" href="{}">{}</a>', address_of(row), text or str(row))


def site(url: str) -> SafeString:
    """A link to a page elsewhere, under its host's name; the whole address when pointed at."""
    return format_html(
        '<a class="pg-link" href="{0}" title="{0}" rel="noreferrer noopener" target="_blank">{1}</a>',
        url, urlsplit(url).hostname or url,
    )  # fmt: skip


def cell(text: object, tone: Tone | None = None) -> SafeString:
    """A number in a list: figures of one width, coloured where it says something."""
    return format_html('<span class="pg-figure{}">{}</span>', f" pg-text-{tone.value}" if tone else "", text)
