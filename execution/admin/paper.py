"""What paper simulates behind a connection: its settings, and failures made on purpose."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django_htmx.http import HttpResponseClientRedirect
from unfold.decorators import action
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminSelectWidget

from execution.models import Connection, PaperSettings
from firms import audit
from firms.admin.base import SheetInline
from firms.admin.display import address_of
from firms.admin.pausing import ReasonDialog


class PaperSettingsInline(SheetInline):
    model = PaperSettings
    verbose_name = verbose_name_plural = "what paper simulates"
    fieldsets = (
        (
            None,
            {
                "description": "Every fill is drawn from the seed: the same orders and marks give the same "
                "fills. What is read by default stands in docs/paper.md.",
                "fields": (
                    ("has_costs", "fills_in_parts", "rejects_when_closed"),
                    ("latency_min_ms", "latency_max_ms"),
                    ("touch_fills_percent", "largest_at_once"),
                    ("exchange_fee_per_side", "seed"),
                ),
            },
        ),
    )


class FailureDialog(ReasonDialog):
    failure = forms.ChoiceField(
        choices=PaperSettings.Failure.choices,
        required=False,
        widget=UnfoldAdminSelectWidget(),
        label="What fails",
    )
    field_order = ("failure", "reason")


class SimulatesFailures(admin.ModelAdmin):
    """Gives a connection's page the switch that makes paper fail, to see what PropGuard does about it."""

    actions_detail: Sequence[Any] = ("simulate_failure",)

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        """Only paper can be made to fail."""
        shown_here = list(super().get_actions_detail(request, object_id))  # type: ignore[misc]
        if Connection.objects.filter(pk=object_id, venue=Connection.Venue.PAPER).exists():
            return shown_here
        return [one for one in shown_here if not one.action_name.endswith("_simulate_failure")]

    @action(
        description="Simulate a failure",
        icon="cloud_off",
        permissions=["change"],
        variant=ActionVariant.DEFAULT,
        dialog={
            "title": "Simulate a failure",
            "description": "The paper venue of this connection fails on purpose, for all its accounts, until "
            "you choose none again. Outage: entries are not sent, exits are tried again and again. In doubt: "
            "executed, but the answer is lost. Rejects: every order is refused, exits too.",
            "form_class": FailureDialog,
            "form_submit_text": "Switch",
        },
    )  # type: ignore[untyped-decorator,unused-ignore]
    def simulate_failure(self, request: HttpRequest, form: FailureDialog, object_id: str) -> HttpResponse:
        connection = self.get_object(request, object_id)
        if not isinstance(connection, Connection) or connection.venue != Connection.Venue.PAPER:
            raise Http404
        failure, reason = form.cleaned_data["failure"], form.cleaned_data["reason"]
        with transaction.atomic():
            settings, _ = PaperSettings.objects.select_for_update().get_or_create(connection=connection)
            before, settings.failure = settings.failure, failure
            settings.save(update_fields=["failure"])
            audit.record(
                "paper.failure", f"connection {connection}", now=timezone.now(), actor=request.user,
                reason=reason, before=before or "none", after=failure or "none",
            )  # fmt: skip
        tone = messages.WARNING if failure else messages.SUCCESS
        self.message_user(request, f"{connection}: {settings.get_failure_display()}.", tone)
        return HttpResponseClientRedirect(address_of(connection))
