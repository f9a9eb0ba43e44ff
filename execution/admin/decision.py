"""Decisions: what was asked, what every rule found, and what became of it."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import AutocompleteSelectFilter, ChoicesDropdownFilter, DropdownFilter

from enforcement.decision import BreachType
from execution.admin.findings import finding_rows, floor_rows
from execution.admin.order import order_panel, status_badge
from execution.models import Decision, Leg, Order
from firms.admin.base import StreamAdmin, shown
from firms.admin.display import NOTHING, Tone, address_of, badge, cell, link, moment, money, number

_BREACHES = sorted(value for name, value in vars(BreachType).items() if name.isupper())


class BreachFilter(DropdownFilter):
    title = "refused for"
    parameter_name = "breach_type"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        return [(breach, breach.replace("_", " ")) for breach in _BREACHES]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Decision]) -> QuerySet[Decision]:
        return queryset.filter(breach_type=self.value()) if self.value() else queryset


@admin.register(Decision)
class DecisionAdmin(StreamAdmin):
    list_display = (
        "when",
        "verdict",
        "account_link",
        "wish",
        "why",
        "risk_in_money",
        "order_status",
    )
    list_display_links = ("when",)
    list_filter = (
        ("account", AutocompleteSelectFilter), "allowed", BreachFilter, ("leg", ChoicesDropdownFilter)
    )  # fmt: skip
    list_select_related = ("account__program__firm", "signal", "order")
    search_fields = ("account__label", "symbol", "code")
    date_hierarchy = "decided_at"
    ordering = ("-pk",)
    fieldsets = ((None, {"fields": ()}),)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Decision]:
        return (
            super().get_queryset(request).select_related("account__program__firm", "signal__source", "order")
        )

    def page(self, row: Decision) -> dict[str, Any]:
        return decision_page(row)

    @shown("decided", "decided_at")
    def when(self, decision: Decision) -> SafeString | str:
        return moment(decision.decided_at)

    @shown("decision", "allowed")
    def verdict(self, decision: Decision) -> SafeString:
        breach = decision.breach_type.replace("_", " ")
        return format_html(
            '<span class="pg-verdict-cell">{}<small title="{}">{}</small></span>',
            verdict_badge(decision), decision.code, breach,
        )  # fmt: skip

    @shown("account", "account__label")
    def account_link(self, decision: Decision) -> SafeString | str:
        return link(decision.account)

    @shown("order asked for")
    def wish(self, decision: Decision) -> SafeString:
        return cell(wish_in_words(decision))

    @shown("reason")
    def why(self, decision: Decision) -> SafeString:
        reason = decision.reason
        return format_html('<span class="pg-reason" title="{}">{}</span>', reason, reason or NOTHING)

    @shown("risk", "risk")
    def risk_in_money(self, decision: Decision) -> SafeString:
        return cell(money(decision.risk, decision.account.program.currency))

    @shown("order")
    def order_status(self, decision: Decision) -> SafeString | str:
        order = order_of(decision)
        return NOTHING if order is None else status_badge(order)


def order_of(decision: Decision) -> Order | None:
    try:
        return decision.order
    except Order.DoesNotExist:
        return None


def verdict_badge(decision: Decision) -> SafeString:
    if not decision.allowed:
        return badge("refused", Tone.BAD)
    return badge("exit", Tone.INFO) if decision.leg == Leg.EXIT else badge("approved", Tone.GOOD)


def wish_in_words(decision: Decision) -> str:
    """`buy 2 NQ1!`, `exit NQ1!`."""
    if decision.leg == Leg.EXIT:
        return f"exit {decision.symbol}"
    size = "? " if decision.quantity is None else f"{number(decision.quantity)} "
    return f"{decision.side} {size}{decision.symbol}".strip()


def decision_page(decision: Decision) -> dict[str, Any]:
    """What the page shows, in the order it is read."""
    account, program = decision.account, decision.account.program
    currency = program.currency
    order = order_of(decision)
    findings = finding_rows(decision.findings, currency)
    return {
        "decision": decision,
        "verdict_tone": "bad" if not decision.allowed else "info" if decision.leg == Leg.EXIT else "good",
        "verdict_icon": "block"
        if not decision.allowed
        else "logout"
        if decision.leg == Leg.EXIT
        else "verified_user",
        "sentence": _sentence(decision),
        "breach": badge(decision.breach_type, Tone.BAD),
        "wish": wish_in_words(decision),
        "facts": [
            ("Account", link(account)),
            ("Program", link(program)),
            ("Signal", link(decision.signal, f"{decision.signal} from {decision.signal.source}")),
            ("Decided", moment(decision.decided_at)),
            *_other_revisions(decision),
            ("Entry", number(decision.entry_price)),
            ("Stop", number(decision.stop_loss)),
            ("Target", number(decision.target)),
            ("Equity", money(decision.equity, currency)),
            ("Worst case of the order", money(decision.risk, currency)),
            ("Would have passed", _fit(decision)),
            ("Terms", _terms(decision)),
        ],
        "findings": findings,
        "has_verdicts": any(row["verdict"] for row in findings),
        "floors": floor_rows(decision.floors, program.size, currency),
        "order_panel": None if order is None else order_panel(order, currency),
    }


def _sentence(decision: Decision) -> str:
    if not decision.allowed:
        return decision.reason
    if decision.leg == Leg.EXIT:
        return "An exit is always let through: what the rules say about it is recorded, and stops nothing."
    return "Every rule was asked, and none stood against it." + _handled(decision)


def _handled(decision: Decision) -> str:
    codes = {finding.code for finding in decision.findings}
    if "automation_policy.advise" in codes:
        return " The program allows advice only: a person was told, and nothing was sent."
    if "automation_policy.confirm" in codes:
        return " The program wants a person to confirm it first; that is a decision of its own."
    return ""


def _other_revisions(decision: Decision) -> list[tuple[str, SafeString | str]]:
    """What was decided first, and what a person's confirmation made of it."""
    same = Decision.objects.filter(signal=decision.signal_id, account=decision.account_id, leg=decision.leg)
    others = same.exclude(pk=decision.pk).select_related("account").order_by("revision")
    names = {1: "Asked by", 2: "Confirmation"}
    return [(names.get(one.revision, f"Revision {one.revision}"), link(one)) for one in others]


def _fit(decision: Decision) -> str:
    if decision.fits is None:
        return "as asked" if decision.allowed else "not known"
    return number(decision.fits) if decision.fits else "no size"


def _terms(decision: Decision) -> SafeString | str:
    if decision.terms is None:
        return "not known"
    return format_html(
        '<a class="pg-link" href="{}"><code>{}…</code></a>',
        address_of(decision.terms),
        decision.terms.digest[:12],
    )
