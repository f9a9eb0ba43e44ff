"""Connections: logins at venues. Paper needs none; a forward one says where its orders go."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from execution.admin.forward import ForwardsOrders, ForwardTargetInline
from execution.admin.paper import PaperSettingsInline, SimulatesFailures
from execution.models import Connection
from firms.admin.base import HistoryAdmin, shown
from firms.admin.display import Tone, badge


@admin.register(Connection)
class ConnectionAdmin(SimulatesFailures, ForwardsOrders, HistoryAdmin):
    list_display = ("name", "venue_badge", "goes_to", "account_count")
    search_fields = ("name",)
    fieldsets = ((None, {"fields": ("name", "venue")}),)
    actions_detail = ("send_test", "simulate_failure")

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        """Paper has settings, what forwards a target, which a new connection may be given at once."""
        is_paper = isinstance(obj, Connection) and obj.venue == Connection.Venue.PAPER
        return (PaperSettingsInline,) if is_paper else (ForwardTargetInline,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Connection]:
        rows = super().get_queryset(request).select_related("forward_target")
        return rows.annotate(account_total=Count("venue_accounts"))

    @shown("venue", "venue")
    def venue_badge(self, connection: Connection) -> SafeString:
        return badge(connection.get_venue_display(), Tone.INFO)

    @shown("accounts", "account_total")
    def account_count(self, connection: Connection) -> int:
        total: int = connection.account_total  # type: ignore[attr-defined]
        return total
