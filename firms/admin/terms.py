"""Terms snapshots: the words a decision was made under."""

import json

from django.contrib import admin
from django.utils.html import format_html
from django.utils.safestring import SafeString

from firms.admin.base import StreamAdmin, shown
from firms.admin.display import moment
from firms.models import TermsSnapshot


@admin.register(TermsSnapshot)
class TermsSnapshotAdmin(StreamAdmin):
    list_display = ("short", "made", "program")
    search_fields = ("digest",)
    ordering = ("-pk",)
    fieldsets = ((None, {"fields": ("digest", "made", "program", "terms")}),)

    @shown("digest")
    def short(self, snapshot: TermsSnapshot) -> SafeString:
        return format_html("<code>{}…</code>", snapshot.digest[:12])

    @shown("made", "made_at")
    def made(self, snapshot: TermsSnapshot) -> SafeString | str:
        return moment(snapshot.made_at)

    @shown("program")
    def program(self, snapshot: TermsSnapshot) -> str:
        try:
            program = json.loads(snapshot.text)["program"]
            return f"{program['firm']}/{program['number']}"
        except (ValueError, KeyError, TypeError):
            return "not readable"

    @shown("terms")
    def terms(self, snapshot: TermsSnapshot) -> SafeString:
        try:
            text = json.dumps(json.loads(snapshot.text), indent=2)
        except ValueError:
            text = snapshot.text
        return format_html('<pre class="pg-raw">{}</pre>', text)
