"""Flags: what stops trading now, and what once did. Raised and ended where the subject is, never here."""

from django.contrib import admin
from django.db.models import F
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter, DropdownFilter

from firms.admin.base import EvidenceAdmin, shown
from firms.admin.display import NOTHING, Tone, badge, link, moment
from firms.admin.pausing import key_in_words
from firms.models import Flag


class OpenFilter(DropdownFilter):
    title = "open"
    parameter_name = "open"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        return [("yes", "open"), ("no", "ended")]

    def queryset(self, request: HttpRequest, queryset):  # type: ignore[no-untyped-def]
        if self.value() in ("yes", "no"):
            is_open = Flag.open_at(timezone.now())
            return queryset.filter(is_open if self.value() == "yes" else ~is_open)
        return queryset


@admin.register(Flag)
class FlagAdmin(EvidenceAdmin):
    list_display = ("what", "on", "scope", "cause", "reason", "raised", "raised_by", "ended")
    list_filter = (OpenFilter, ("scope", ChoicesDropdownFilter), "key")
    list_select_related = ("firm", "program__firm", "account", "raised_by", "ended_by")
    search_fields = ("reason", "cause", "account__label", "program__name", "firm__name")
    ordering = (F("ended_at").desc(nulls_first=True), "-raised_at")
    fieldsets = (
        (None, {"fields": ("what", "on", "scope", "cause")}),
        ("Raised", {"fields": ("raised", "raised_by", "reason")}),
        ("Ended", {"fields": ("ended", "ended_by", "end_reason")}),
    )

    @shown("flag", "key")
    def what(self, flag: Flag) -> SafeString:
        return badge(key_in_words(flag), Tone.WARN if flag.is_open_at(timezone.now()) else Tone.CALM)

    @shown("on")
    def on(self, flag: Flag) -> SafeString | str:
        return link(flag.account or flag.program or flag.firm) if flag.scope != "platform" else "the platform"

    @shown("raised", "raised_at")
    def raised(self, flag: Flag) -> SafeString | str:
        return moment(flag.raised_at)

    @shown("ended", "ended_at")
    def ended(self, flag: Flag) -> SafeString | str:
        if flag.is_open_at(timezone.now()):
            return badge("open", Tone.WARN)
        return moment(flag.ended_at or flag.until) or NOTHING
