"""Alarms: what a person must know, open ones first, closed by whoever has seen to them."""

from typing import Any

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import F, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django_htmx.http import HttpResponseClientRedirect
from unfold.contrib.filters.admin import AutocompleteSelectFilter, DropdownFilter
from unfold.decorators import action
from unfold.forms import BaseDialogForm

from execution.models import Alarm
from firms import audit
from firms.admin.base import EvidenceAdmin, shown
from firms.admin.display import Tone, badge, link, list_of, moment


class OpenFilter(DropdownFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        return [("open", "open"), ("closed", "closed")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Alarm]) -> QuerySet[Alarm]:
        if self.value() in ("open", "closed"):
            return queryset.filter(closed_at__isnull=self.value() == "open")
        return queryset


@admin.register(Alarm)
class AlarmAdmin(EvidenceAdmin):
    """Its fields are evidence; only closing is a person's."""

    list_display = ("raised", "state", "kind", "account_link", "text")
    list_display_links = ("raised",)
    list_filter = (OpenFilter, "kind", ("account", AutocompleteSelectFilter))
    list_select_related = ("account", "closed_by")
    search_fields = ("kind", "subject", "message", "account__label")
    ordering = (F("closed_at").desc(nulls_first=True), "-raised_at")
    actions_row = ("close",)
    actions_detail = ("close",)
    fieldsets = (
        (None, {"fields": ("state", "kind", "subject", "account_link", "message")}),
        ("When", {"fields": ("raised", "closed", "closed_by")}),
    )

    def has_close_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("execution.change_alarm")

    @action(
        description="Close",
        icon="task_alt",
        permissions=["close"],
        dialog={
            "title": "Close this alarm",
            "description": "Somebody has seen to it. Should it happen again, it is raised anew.",
            "form_class": BaseDialogForm,
            "form_submit_text": "Close it",
        },
    )  # type: ignore[untyped-decorator,unused-ignore]
    def close(self, request: HttpRequest, form: BaseDialogForm, object_id: str) -> HttpResponse:
        alarm = self.get_object(request, object_id)
        if alarm is None:
            raise Http404
        now = timezone.now()
        with transaction.atomic():
            closed = Alarm.objects.filter(pk=alarm.pk, closed_at=None).update(
                closed_at=now, closed_by=request.user
            )
            if closed:
                audit.record("alarm.closed", alarm, now=now, actor=request.user)
        if closed:
            self.message_user(request, f"Closed: {alarm}", messages.SUCCESS)
        else:
            self.message_user(request, "It was closed already.", messages.INFO)
        return HttpResponseClientRedirect(list_of(Alarm))

    @shown("raised", "raised_at")
    def raised(self, alarm: Alarm) -> SafeString | str:
        return moment(alarm.raised_at)

    @shown("closed", "closed_at")
    def closed(self, alarm: Alarm) -> SafeString | str:
        return moment(alarm.closed_at)

    @shown("state", "closed_at")
    def state(self, alarm: Alarm) -> SafeString:
        if alarm.closed_at is None:
            return badge("open", Tone.BAD)
        return badge("closed", Tone.CALM, f"by {alarm.closed_by or 'the system'}")

    @shown("account", "account__label")
    def account_link(self, alarm: Alarm) -> SafeString | str:
        return link(alarm.account)

    @shown("message")
    def text(self, alarm: Alarm) -> SafeString:
        return format_html('<span class="pg-reason" title="{}">{}</span>', alarm.message, alarm.message)
