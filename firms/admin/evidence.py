"""Where rules were read, over all programs: the disputed ones first. Edited on the program's page."""

from django.contrib import admin
from django.db.models import Case, IntegerField, Value, When
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RelatedDropdownFilter

from firms.admin.base import EvidenceAdmin, shown
from firms.admin.display import NOTHING, Tone, badge, link, site
from firms.models import Evidence, TermSource

_TONES = {
    Evidence.CONFIRMED: Tone.GOOD,
    Evidence.TRANSCRIBED: Tone.INFO,
    Evidence.SECONDARY: Tone.CALM,
    Evidence.DISPUTED: Tone.WARN,
}


_DISPUTED_FIRST = Case(
    When(evidence=Evidence.DISPUTED, then=Value(0)), default=Value(1), output_field=IntegerField()
)


def evidence_badge(source: TermSource) -> SafeString:
    evidence = Evidence(source.evidence)
    return badge(evidence.value, _TONES[evidence], evidence.label)


@admin.register(TermSource)
class TermSourceAdmin(EvidenceAdmin):
    list_display = ("program_link", "term", "how_well", "other", "address")
    list_display_links = ("term",)
    list_filter = (("evidence", ChoicesDropdownFilter), ("program__firm", RelatedDropdownFilter))
    list_select_related = ("program__firm",)
    ordering = (_DISPUTED_FIRST, "program", "pk")
    search_fields = ("term", "url", "program__name", "program__firm__name", "other_reading")
    fieldsets = (
        (None, {"fields": ("program_link", "term", "how_well", "other_reading", "note")}),
        ("Where", {"fields": ("url", "read_on")}),
    )

    @shown("program", "program")
    def program_link(self, source: TermSource) -> SafeString | str:
        return link(source.program)

    @shown("evidence", "evidence")
    def how_well(self, source: TermSource) -> SafeString:
        return evidence_badge(source)

    @shown("other reading")
    def other(self, source: TermSource) -> SafeString | str:
        if not source.other_reading:
            return NOTHING
        return format_html('<span class="pg-reason" title="{0}">{0}</span>', source.other_reading)

    @shown("source", "read_on")
    def address(self, source: TermSource) -> SafeString:
        return format_html('{} <span class="pg-quiet">read {}</span>', site(source.url), source.read_on)
