"""The audit: who did what, when and why."""

from django.contrib import admin
from django.utils.html import format_html
from django.utils.safestring import SafeString

from firms.admin.base import StreamAdmin, shown
from firms.admin.display import moment
from firms.models import AuditEntry


@admin.register(AuditEntry)
class AuditEntryAdmin(StreamAdmin):
    list_display = ("when", "act", "subject", "who", "reason", "before", "after")
    list_filter = ("action",)
    list_select_related = ("actor",)
    search_fields = ("action", "subject", "reason")
    date_hierarchy = "at"
    fieldsets = ((None, {"fields": ("when", "act", "subject", "who", "reason", "before", "after")}),)

    @shown("when", "at")
    def when(self, entry: AuditEntry) -> SafeString | str:
        return moment(entry.at)

    @shown("act", "action")
    def act(self, entry: AuditEntry) -> SafeString:
        return format_html("<code>{}</code>", entry.action)

    @shown("who", "actor")
    def who(self, entry: AuditEntry) -> str:
        return str(entry.actor or "the system")
