"""Exits: positions being brought down, and what the last attempt met."""

from typing import Any

from django.contrib import admin
from django.db.models import F, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import AutocompleteSelectFilter, DropdownFilter

from execution.admin.order import order_panel
from execution.models import Exit
from firms.admin.base import EvidenceAdmin, shown
from firms.admin.display import NOTHING, Tone, badge, link, moment, number


class DoneFilter(DropdownFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        return [("open", "open"), ("done", "done")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Exit]) -> QuerySet[Exit]:
        if self.value() in ("open", "done"):
            return queryset.filter(done_at__isnull=self.value() == "open")
        return queryset


@admin.register(Exit)
class ExitAdmin(EvidenceAdmin):
    list_display = ("opened", "account_link", "family", "goal", "state", "attempts", "last_note")
    list_display_links = ("opened",)
    list_filter = (DoneFilter, ("account", AutocompleteSelectFilter))
    search_fields = ("account__label", "family", "symbol")
    ordering = (F("done_at").desc(nulls_first=True), "-pk")
    fieldsets = ((None, {"fields": ()}),)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Exit]:
        return super().get_queryset(request).select_related("account__program__firm", "covers")

    def page(self, row: Exit) -> dict[str, Any]:
        return exit_page(row)

    @shown("opened", "opened_at")
    def opened(self, row: Exit) -> SafeString | str:
        return moment(row.opened_at)

    @shown("account", "account__label")
    def account_link(self, row: Exit) -> SafeString | str:
        return link(row.account)

    @shown("goal")
    def goal(self, row: Exit) -> str:
        return "flat" if row.target == 0 else f"down to {number(row.target)}"

    @shown("state", "done_at")
    def state(self, row: Exit) -> SafeString:
        return state_badge(row)

    @shown("what the last attempt met")
    def last_note(self, row: Exit) -> SafeString:
        return format_html('<span class="pg-reason" title="{}">{}</span>', row.note, row.note or NOTHING)


def state_badge(row: Exit) -> SafeString:
    return badge("being worked", Tone.WARN) if row.done_at is None else badge("done", Tone.GOOD)


def exit_page(row: Exit) -> dict[str, Any]:
    orders = row.orders.select_related("account").prefetch_related("events", "fills").order_by("pk")
    return {
        "exit": row,
        "state": state_badge(row),
        "facts": [
            ("Account", link(row.account)),
            ("Symbol", row.symbol),
            ("Family", row.family),
            ("Goal", "flat" if row.target == 0 else f"down to {number(row.target)}"),
            ("Answers", link(row.covers)),
            ("Opened", moment(row.opened_at)),
            ("Done", moment(row.done_at)),
            ("Attempts", row.attempts),
            ("Worked on until", moment(row.leased_until)),
        ],
        "panels": [order_panel(order, row.account.program.currency) for order in orders],
    }
