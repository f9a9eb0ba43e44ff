"""Signals: the alert as it arrived, and what it became for each account."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RelatedDropdownFilter

from execution.admin.decision import order_of, verdict_badge, wish_in_words
from execution.admin.exit import state_badge
from execution.admin.order import side_cell, status_badge
from execution.models import Decision, Kind, Signal, Size
from firms.admin.base import StreamAdmin, shown
from firms.admin.display import NOTHING, Tone, badge, cell, link, list_of, moment, number

MOST_SHOWN = 200
_KINDS = {Kind.ENTRY: Tone.INFO, Kind.EXIT: Tone.WARN, Kind.REVERSE: Tone.WARN}


def _decisions(*, allowed: bool) -> Subquery:
    """How many of a signal's decisions: counted for the rows of the page only."""
    own = Decision.objects.filter(signal=OuterRef("pk"), allowed=allowed).order_by().values("signal")
    # A confirmation is a second decision on the same account.
    return Subquery(own.annotate(total=Count("account", distinct=True)).values("total"))


@admin.register(Signal)
class SignalAdmin(StreamAdmin):
    list_display = ("when", "source", "kind_badge", "what", "prices", "session", "outcome", "trade_id")
    list_display_links = ("when",)
    list_filter = (("source", RelatedDropdownFilter), ("kind", ChoicesDropdownFilter))
    list_select_related = ("source",)
    search_fields = ("symbol", "trade_id", "public_id")
    date_hierarchy = "received_at"
    ordering = ("-pk",)
    fieldsets = ((None, {"fields": ()}),)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Signal]:
        return (
            super()
            .get_queryset(request)
            .select_related("source")
            .annotate(approved=_decisions(allowed=True), refused=_decisions(allowed=False))
        )

    def page(self, row: Signal) -> dict[str, Any]:
        return signal_page(row)

    @shown("received", "received_at")
    def when(self, signal: Signal) -> SafeString | str:
        return moment(signal.received_at)

    @shown("asks for", "kind")
    def kind_badge(self, signal: Signal) -> SafeString:
        return _kind_badge(signal)

    @shown("alert")
    def what(self, signal: Signal) -> SafeString:
        return cell(_what(signal))

    @shown("entry / stop")
    def prices(self, signal: Signal) -> SafeString:
        return cell(f"{number(signal.entry_price)} / {number(signal.stop_loss)}")

    @shown("decisions")
    def outcome(self, signal: Any) -> SafeString | str:
        parts = [badge(f"{signal.approved} approved", Tone.GOOD)] if signal.approved else []
        parts += [badge(f"{signal.refused} refused", Tone.BAD)] if signal.refused else []
        return format_html("{} " * len(parts), *parts) if parts else NOTHING


def _kind_badge(signal: Signal) -> SafeString:
    return badge(signal.get_kind_display(), _KINDS.get(Kind(signal.kind), Tone.CALM))


def _what(signal: Signal) -> str:
    return " ".join(part for part in (signal.action, _size(signal), signal.symbol) if part)


def _size(signal: Signal) -> str:
    if signal.size == Size.UNUSABLE:
        return "(unusable size)"
    return "" if signal.contracts is None else str(signal.contracts)


def signal_page(signal: Signal) -> dict[str, Any]:
    rows = (
        signal.decisions.select_related("account__program__firm", "signal", "order")
        .prefetch_related("order__fills")
        .order_by("account__label", "leg", "revision")
    )
    decisions = list(rows[: MOST_SHOWN + 1])
    chunks = list(signal.chunks.values_list("account_ids_text", "done_at"))
    return {
        "signal": signal,
        "kind": _kind_badge(signal),
        "what": _what(signal),
        "facts": [
            ("Received", moment(signal.received_at)),
            ("Source", link(signal.source)),
            ("Direction", signal.direction or NOTHING),
            ("Entry", number(signal.entry_price)),
            ("Stop", number(signal.stop_loss)),
            ("Target", number(signal.target)),
            ("Contracts", f"{number(signal.contracts)} ({signal.get_size_display()})"),
            ("Session", signal.session or "not named"),
            ("Bias", signal.bias or NOTHING),
            ("Alert's own time", moment(signal.alert_time)),
            ("Alert's own id", signal.trade_id or NOTHING),
            ("Position before → after", _positions(signal)),
            ("Public id", format_html("<code>{}</code>", signal.public_id)),
        ],
        "progress": _progress(chunks),
        "decisions": [_decision_row(decision) for decision in decisions[:MOST_SHOWN]],
        "all_decisions": list_of(Decision, f"signal__id__exact={signal.pk}")
        if len(decisions) > MOST_SHOWN
        else "",
        "exits": [
            {"link": link(row), "state": state_badge(row), "attempts": row.attempts, "note": row.note}
            for row in signal.exits.select_related("account")[:MOST_SHOWN]
        ],
        "body": bytes(signal.body).decode("utf-8", "replace"),
    }


def _positions(signal: Signal) -> str:
    if signal.position_before is None and signal.position_target is None:
        return NOTHING
    return f"{number(signal.position_before)} → {number(signal.position_target)}"


def _progress(chunks: list[tuple[str, Any]]) -> str:
    if not chunks:
        return "No account follows this source, or the alert asked for nothing."
    waiting = sum(1 for _, done_at in chunks if done_at is None)
    return f"{waiting} of {len(chunks)} parts are still being decided." if waiting else ""


def _decision_row(decision: Decision) -> dict[str, object]:
    order = order_of(decision)
    return {
        "link": link(decision, "open"),
        "account": link(decision.account),
        "program": decision.account.program,
        "verdict": verdict_badge(decision),
        "wish": wish_in_words(decision),
        "reason": decision.reason,
        "order": None if order is None else link(order),
        "status": None if order is None else status_badge(order),
        "fills": []
        if order is None
        else [
            format_html("{} at {}", side_cell(f.side, number(f.quantity), f.symbol), number(f.price))
            for f in order.fills.all()
        ],
    }
