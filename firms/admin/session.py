"""Trading sessions: named spans of the day that programs may allow."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from firms.admin.base import RulesAdmin
from firms.models import PersonalLimits, Program, TradingSession


@admin.register(TradingSession)
class TradingSessionAdmin(RulesAdmin):
    list_display = ("name", "opens", "closes", "zone")
    search_fields = ("name",)
    fieldsets = ((None, {"fields": ("name", ("opens", "closes"), "zone")}),)

    # In the list a deletion would not ask about the programs behind it.
    actions = None

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """One that a program or an account goes by stays: without it every hour would be allowed."""
        if obj is not None:
            for model in (Program, PersonalLimits):
                if model.objects.filter(allowed_sessions=obj).exists():
                    return False
        return super().has_delete_permission(request, obj)
