"""Positions: what each account holds by its booked fills."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import AutocompleteSelectFilter, DropdownFilter

from execution.models import Position
from firms.admin.base import EvidenceAdmin, shown
from firms.admin.display import Tone, cell, link, moment, number, signed


class HeldFilter(DropdownFilter):
    title = "held"
    parameter_name = "held"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        return [("yes", "held now"), ("no", "flat")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Position]) -> QuerySet[Position]:
        if self.value() == "yes":
            return queryset.exclude(quantity=0)
        return queryset.filter(quantity=0) if self.value() == "no" else queryset


@admin.register(Position)
class PositionAdmin(EvidenceAdmin):
    list_display = ("account_link", "symbol", "size", "entry", "marked", "stop_at", "last_fill")
    list_display_links = ("symbol",)
    list_filter = (HeldFilter, ("account", AutocompleteSelectFilter))
    list_select_related = ("account",)
    search_fields = ("account__label", "symbol", "family")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "account_link",
                    "symbol",
                    "family",
                    "size",
                    "entry",
                    "marked",
                    "stop_at",
                    "last_fill",
                )
            },
        ),
    )

    @shown("account", "account__label")
    def account_link(self, position: Position) -> SafeString | str:
        return link(position.account)

    @shown("quantity", "quantity")
    def size(self, position: Position) -> SafeString:
        if position.quantity == 0:
            return cell("flat")
        return cell(signed(position.quantity), Tone.GOOD if position.quantity > 0 else Tone.BAD)

    @shown("average price")
    def entry(self, position: Position) -> SafeString:
        return cell(number(position.average_price))

    @shown("marked at")
    def marked(self, position: Position) -> SafeString:
        return cell(number(position.price))

    @shown("farthest stop")
    def stop_at(self, position: Position) -> SafeString:
        return cell(number(position.stop))

    @shown("last fill", "last_fill_at")
    def last_fill(self, position: Position) -> SafeString | str:
        return moment(position.last_fill_at)
