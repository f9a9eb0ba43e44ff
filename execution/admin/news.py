"""Scheduled releases: a calendar to edit, and to fill from a file that is looked through first."""

import json
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter, DropdownFilter
from unfold.widgets import UnfoldAdminFileFieldWidget

from execution import news
from execution.models import NewsEvent
from firms.admin.base import HistoryAdmin, shown
from firms.admin.display import NOTHING, Tone, badge, list_of, moment

_IMPACTS: dict[str, Tone] = {"high": Tone.BAD, "medium": Tone.WARN, "low": Tone.CALM}
_WHAT = {"added": Tone.GOOD, "changed": Tone.WARN, "unchanged": Tone.CALM}
MOST_SHOWN = 500


class WhenFilter(DropdownFilter):
    title = "when"
    parameter_name = "when"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        return [("ahead", "ahead"), ("past", "past")]

    def queryset(self, request: HttpRequest, queryset):  # type: ignore[no-untyped-def]
        if self.value() == "ahead":
            return queryset.filter(at__gte=timezone.now())
        return queryset.filter(at__lt=timezone.now()) if self.value() == "past" else queryset


class UploadForm(forms.Form):
    file = forms.FileField(
        label="CSV or JSON file", widget=UnfoldAdminFileFieldWidget(),
        help_text=f"At most {news.MOST_EVENTS:,} events.",
    )  # fmt: skip


@admin.register(NewsEvent)
class NewsEventAdmin(HistoryAdmin):
    list_display = ("when", "name", "impact_badge", "currency", "moves", "source")
    list_display_links = ("name",)
    list_filter = (WhenFilter, ("impact", ChoicesDropdownFilter), "currency")
    search_fields = ("name", "targets", "source")
    date_hierarchy = "at"
    ordering = ("-at", "name")
    list_before_template = "propguard/news_import_link.html"
    fieldsets = (
        (None, {"fields": ("name", "at", ("impact", "currency"), "targets")}),
        ("Source", {"fields": ("source",)}),
    )

    @shown("at", "at")
    def when(self, event: NewsEvent) -> SafeString | str:
        return moment(event.at)

    @shown("impact", "impact")
    def impact_badge(self, event: NewsEvent) -> SafeString:
        return badge(event.impact, _IMPACTS[event.impact])

    @shown("moves", "targets")
    def moves(self, event: NewsEvent) -> str:
        return event.targets or f"everything in {event.currency}"

    # --- the import ---

    def get_urls(self) -> list[Any]:
        page = path(
            "import/", self.admin_site.admin_view(self.import_view), name="execution_newsevent_import"
        )
        return [page, *super().get_urls()]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        address = reverse("admin:execution_newsevent_import") if self._may_import(request) else ""
        return super().changelist_view(request, {"import_address": address, **(extra_context or {})})

    def import_view(self, request: HttpRequest) -> HttpResponse:
        """Upload, look through, confirm. Only the confirmation stores, after checking it all again."""
        if not self._may_import(request):
            raise PermissionDenied
        if request.method == "POST" and "confirmed" in request.POST:
            return self._confirmed(request)
        form = UploadForm(request.POST or None, request.FILES or None)
        context: dict[str, Any] = {"form": form}
        if form.is_valid():
            context |= _preview(form.cleaned_data["file"])
        return self._page(request, context)

    def _confirmed(self, request: HttpRequest) -> HttpResponse:
        name = request.POST.get("name", "")[:120]
        try:
            releases = news.check(news.read_file(request.POST["confirmed"].encode("utf-8", "surrogatepass")))
        except news.Unusable as error:
            return self._page(request, {"form": UploadForm(), "name": name, "errors": error.errors})
        stored = news.store(releases, source=f"file {name}", actor=request.user)
        self.message_user(request, f"{name or 'The list'} is imported: {stored}.", messages.SUCCESS)
        return HttpResponseRedirect(list_of(NewsEvent))

    def _page(self, request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
        page = {
            **self.admin_site.each_context(request),
            "title": "Import releases",
            "opts": self.opts,
            "list": list_of(NewsEvent),
            "columns": _COLUMNS,
            **context,
        }
        return TemplateResponse(request, "propguard/news_import.html", page)

    def _may_import(self, request: HttpRequest) -> bool:
        return self.has_add_permission(request) and self.has_change_permission(request)


_COLUMNS = (
    ("name", "needed", "US CPI"),
    ("at", "needed, with its offset from UTC", "2026-03-11T08:30:00-04:00"),
    ("impact", "high, medium or low; empty: high", "high"),
    ("currency", "empty: USD", "USD"),
    ("targets", "symbols or groups it moves; empty: everything in its currency", "equity_index, ZN"),
    ("source", "where it was read", "bls.gov/schedule"),
)


def _preview(file: Any) -> dict[str, Any]:
    """What a file would do, or every reason why it can't be imported."""
    name = str(file.name)[:120]
    try:
        # One byte more than is taken: enough to see that it is too large.
        releases = news.check(news.read_file(file.read(news.LARGEST_FILE + 1)))
    except news.Unusable as error:
        return {"name": name, "errors": error.errors[:MOST_SHOWN], "error_total": len(error.errors)}
    compared = news.compare(releases)
    counts = {what: sum(1 for _, one in compared if one == what) for what in _WHAT}
    return {
        "name": name,
        "counts": [(badge(what, tone), counts[what]) for what, tone in _WHAT.items()],
        "does_nothing": counts["added"] == counts["changed"] == 0,
        "rows": [
            {
                "what": badge(what, _WHAT[what]),
                "at": moment(release.at),
                "name": release.name,
                "impact": badge(release.impact, _IMPACTS[release.impact]),
                "moves": release.targets or f"everything in {release.currency}",
                "source": release.source or NOTHING,
            }
            for release, what in compared[:MOST_SHOWN]
        ],
        "left_out": max(len(compared) - MOST_SHOWN, 0),
        "confirmed": json.dumps([release.as_text() for release in releases]),
    }
