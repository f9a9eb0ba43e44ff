"""Firms: who sets the rules."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, Prefetch, Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from firms.admin.base import RulesAdmin, shown
from firms.admin.display import NOTHING, Tone, badge, list_of
from firms.admin.pausing import PausableAdmin, key_in_words
from firms.models import Account, Firm, Flag, Program

OPEN_FLAGS = Prefetch("flags", queryset=Flag.objects.filter(ended_at=None), to_attr="open_flags")


def flags_in_badges(flags: list[Flag]) -> SafeString | str:
    """One badge per open flag, with its reason when pointed at."""
    badges = [badge(key_in_words(flag), Tone.WARN, flag.reason or flag.cause) for flag in flags]
    return format_html("{} " * len(badges), *badges) if badges else NOTHING


@admin.register(Firm)
class FirmAdmin(PausableAdmin, RulesAdmin):
    list_display = ("name", "code", "is_active", "paused", "program_count", "account_count", "website")
    list_filter = ("is_active",)
    search_fields = ("name", "code")
    fieldsets = ((None, {"fields": ("name", "code", "website", "is_active")}),)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Firm]:
        return (
            super()
            .get_queryset(request)
            .prefetch_related(OPEN_FLAGS)
            .annotate(
                program_total=Count("programs", distinct=True),
                account_total=Count(
                    "programs__accounts", filter=Q(programs__accounts__is_active=True), distinct=True
                ),
            )
        )

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        # Environment variables, the API and decisions go by it.
        return ("code",) if obj is not None and obj.programs.exists() else ()

    @shown("open pauses")
    def paused(self, firm: Any) -> SafeString | str:
        return flags_in_badges(firm.open_flags)

    @shown("programs", "program_total")
    def program_count(self, firm: Any) -> SafeString:
        address = list_of(Program, f"firm__id__exact={firm.pk}")
        return format_html('<a class="pg-link" href="{}">{}</a>', address, firm.program_total)

    @shown("active accounts", "account_total")
    def account_count(self, firm: Any) -> SafeString:
        address = list_of(Account, f"program__firm__id__exact={firm.pk}")
        return format_html('<a class="pg-link" href="{}">{}</a>', address, firm.account_total)
