"""Routes: which account follows which source, and in what size."""

from django.contrib import admin
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import AutocompleteSelectFilter, RelatedDropdownFilter

from execution.models import Route
from firms.admin.base import HistoryAdmin, shown
from firms.admin.display import cell, link, number, percent


@admin.register(Route)
class RouteAdmin(HistoryAdmin):
    list_display = ("source", "account_link", "is_enabled", "size", "largest")
    list_filter = (("source", RelatedDropdownFilter), ("account", AutocompleteSelectFilter), "is_enabled")
    list_select_related = ("source", "account")
    search_fields = ("source__name", "account__label")
    autocomplete_fields = ("source", "account")
    fieldsets = (
        (None, {"fields": (("source", "account"), "is_enabled")}),
        ("Size", {"fields": ("sizing", ("fixed_size", "multiplier", "risk_share"), "max_size")}),
        ("Made to fit", {"fields": (("cut_to_fit", "mini_to_micro"),)}),
    )

    @shown("account", "account__label")
    def account_link(self, route: Route) -> SafeString | str:
        return link(route.account)

    @shown("size")
    def size(self, route: Route) -> str:
        words = {
            Route.Sizing.FIXED: f"always {number(route.fixed_size)}",
            Route.Sizing.MULTIPLIER: f"{number(route.multiplier)} times the alert's",
            Route.Sizing.SHARE_OF_EQUITY: f"{percent(route.risk_share)} of equity at risk",
            Route.Sizing.SHARE_OF_ROOM: f"{percent(route.risk_share)} of the room at risk",
        }
        steps = [words.get(Route.Sizing(route.sizing), "as sent")]
        steps += ["cut to fit"] if route.cut_to_fit else []
        steps += ["mini to micro"] if route.mini_to_micro else []
        return ", ".join(steps)

    @shown("at most", "max_size")
    def largest(self, route: Route) -> SafeString:
        return cell(number(route.max_size))
