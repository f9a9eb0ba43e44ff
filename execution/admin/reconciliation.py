"""Reconciliations: when each account was last compared with its venue, and what differed."""

from django.contrib import admin
from django.utils import timezone
from django.utils.safestring import SafeString

from execution.models import Reconciliation
from firms.admin.base import EvidenceAdmin, shown
from firms.admin.display import NOTHING, Tone, ago, badge, link


@admin.register(Reconciliation)
class ReconciliationAdmin(EvidenceAdmin):
    list_display = ("account_link", "state", "compared", "differs", "failed")
    list_display_links = ("state",)
    list_select_related = ("account",)
    search_fields = ("account__label",)
    ordering = ("account__label",)
    fieldsets = ((None, {"fields": ("account_link", "state", "compared", "differs", "failed")}),)

    @shown("account", "account__label")
    def account_link(self, row: Reconciliation) -> SafeString | str:
        return link(row.account)

    @shown("venue and books")
    def state(self, row: Reconciliation) -> SafeString:
        if row.differences:
            return badge("differ", Tone.BAD)
        if row.at is None:
            return badge("not compared", Tone.WARN)
        return badge("agree", Tone.GOOD)

    @shown("compared", "at")
    def compared(self, row: Reconciliation) -> str:
        return NOTHING if row.at is None else ago(row.at, timezone.now())

    @shown("differences")
    def differs(self, row: Reconciliation) -> str:
        return row.differences or NOTHING

    @shown("last failure")
    def failed(self, row: Reconciliation) -> str:
        return row.error or NOTHING
