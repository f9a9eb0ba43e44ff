"""Instruments: the built-in ones to look at, a trader's own to edit."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from firms.admin.base import RulesAdmin, shown
from firms.admin.display import Tone, badge, cell, exact_money, number
from firms.models import Instrument


@admin.register(Instrument)
class InstrumentAdmin(RulesAdmin):
    list_display = (
        "symbol",
        "name",
        "exchange",
        "origin",
        "tick",
        "value",
        "point",
        "mini_weight",
        "family",
        "group",
    )
    list_filter = ("is_built_in", ("group", ChoicesDropdownFilter))
    search_fields = ("symbol", "name", "aliases", "family")
    actions = None  # deleting a selection would ask about built-in rows
    fieldsets = (
        (None, {"fields": (("symbol", "name"), ("exchange", "group"), ("family", "aliases"))}),
        ("Money", {"fields": (("tick_size", "tick_value"), "currency", ("weight", "step"))}),
    )

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return not _is_built_in(obj) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return not _is_built_in(obj) and super().has_delete_permission(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Instrument]) -> None:
        super().delete_queryset(request, queryset.filter(is_built_in=False))

    @shown("origin", "is_built_in")
    def origin(self, instrument: Instrument) -> SafeString:
        return badge("built in") if instrument.is_built_in else badge("your own", Tone.INFO)

    @shown("tick size", "tick_size")
    def tick(self, instrument: Instrument) -> SafeString:
        return cell(number(instrument.tick_size))

    @shown("a tick is worth", "tick_value")
    def value(self, instrument: Instrument) -> SafeString:
        return cell(exact_money(instrument.tick_value, instrument.currency))

    @shown("a point is worth")
    def point(self, instrument: Instrument) -> SafeString:
        return cell(exact_money(instrument.point_value, instrument.currency))

    @shown("minis", "weight")
    def mini_weight(self, instrument: Instrument) -> SafeString:
        return cell(number(instrument.weight))


def _is_built_in(row: Any) -> bool:
    return isinstance(row, Instrument) and row.is_built_in
