"""Trading sessions: named spans of the day that programs may allow."""

from django.contrib import admin

from firms.admin.base import HistoryAdmin
from firms.models import TradingSession


@admin.register(TradingSession)
class TradingSessionAdmin(HistoryAdmin):
    list_display = ("name", "opens", "closes", "zone")
    search_fields = ("name",)
    fieldsets = ((None, {"fields": ("name", ("opens", "closes"), "zone")}),)
