"""The exchanges' holidays and early closes, each with where it was read."""

from django.contrib import admin
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from firms.admin.base import RulesAdmin, shown
from firms.admin.display import Tone, badge, cell, site
from firms.models import MarketClosure


@admin.register(MarketClosure)
class MarketClosureAdmin(RulesAdmin):
    list_display = ("date", "name", "products", "until", "source")
    list_display_links = ("date", "name")
    list_filter = (("group", ChoicesDropdownFilter),)
    search_fields = ("name", "source_url")
    date_hierarchy = "day"
    fieldsets = (
        (None, {"fields": (("day", "name"), "group", ("closes", "zone"))}),
        ("Source", {"fields": ("source_url", "read_on")}),
    )

    @shown("day", "day")
    def date(self, closure: MarketClosure) -> SafeString:
        return cell(f"{closure.day:%a %Y-%m-%d}")

    @shown("source")
    def source(self, closure: MarketClosure) -> SafeString:
        return format_html(
            '{} <span class="pg-quiet">read {}</span>', site(closure.source_url), closure.read_on
        )

    @shown("products", "group")
    def products(self, closure: MarketClosure) -> str:
        return closure.get_group_display() if closure.group else "all"

    @shown("closes", "closes")
    def until(self, closure: MarketClosure) -> SafeString | str:
        if closure.closes is None:
            return badge("closed all day", Tone.WARN)
        return f"{closure.closes:%H:%M} {closure.zone}"
