"""Routes: which account follows which source, and in what size."""

from django.contrib import admin
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import AutocompleteSelectFilter, RelatedDropdownFilter

from execution.models import Route
from firms.admin.base import HistoryAdmin, shown
from firms.admin.display import cell, link, number


@admin.register(Route)
class RouteAdmin(HistoryAdmin):
    list_display = ("source", "account_link", "is_enabled", "size", "largest")
    list_filter = (("source", RelatedDropdownFilter), ("account", AutocompleteSelectFilter), "is_enabled")
    list_select_related = ("source", "account")
    search_fields = ("source__name", "account__label")
    autocomplete_fields = ("source", "account")
    fieldsets = (
        (None, {"fields": (("source", "account"), "is_enabled")}),
        ("Size", {"fields": ("sizing", ("fixed_size", "multiplier"), "max_size")}),
    )

    @shown("account", "account__label")
    def account_link(self, route: Route) -> SafeString | str:
        return link(route.account)

    @shown("size")
    def size(self, route: Route) -> str:
        if route.sizing == Route.Sizing.FIXED:
            return f"always {number(route.fixed_size)}"
        if route.sizing == Route.Sizing.MULTIPLIER:
            return f"{number(route.multiplier)} times the alert's"
        return "as sent"

    @shown("at most", "max_size")
    def largest(self, route: Route) -> SafeString:
        return cell(number(route.max_size))
