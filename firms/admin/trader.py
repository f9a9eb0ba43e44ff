"""Traders: who owns accounts."""

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from firms.admin.base import HistoryAdmin, shown
from firms.admin.display import list_of
from firms.models import Account, Trader


@admin.register(Trader)
class TraderAdmin(HistoryAdmin):
    list_display = ("name", "user", "account_count")
    list_select_related = ("user",)
    search_fields = ("name",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Trader]:
        return super().get_queryset(request).annotate(account_total=Count("accounts"))

    @shown("accounts", "account_total")
    def account_count(self, trader: Trader) -> SafeString:
        address = list_of(Account, f"trader__id__exact={trader.pk}")
        return format_html('<a class="pg-link" href="{}">{}</a>', address, trader.account_total)  # type: ignore[attr-defined]
