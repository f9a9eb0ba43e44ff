"""Marks: the last price seen of each symbol, posted through the API."""

from django.contrib import admin
from django.utils import timezone
from django.utils.safestring import SafeString

from execution.models import Mark
from firms.admin.base import EvidenceAdmin, shown
from firms.admin.display import ago, cell, moment, number


@admin.register(Mark)
class MarkAdmin(EvidenceAdmin):
    list_display = ("symbol", "last_price", "age", "when")
    search_fields = ("symbol",)
    fieldsets = ((None, {"fields": ("symbol", "last_price", "when", "age")}),)

    @shown("price", "price")
    def last_price(self, mark: Mark) -> SafeString:
        return cell(number(mark.price))

    @shown("seen", "at")
    def when(self, mark: Mark) -> SafeString | str:
        return moment(mark.at)

    @shown("age", "at")
    def age(self, mark: Mark) -> str:
        return ago(mark.at, timezone.now())
