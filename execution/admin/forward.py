"""What a connection's page adds where it forwards: its target, never shown again, and a test."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django_htmx.http import reselect, reswap, retarget
from unfold.decorators import action

from execution.connectors.forward import trial
from execution.models import Connection, ForwardTarget
from firms import audit
from firms.admin.base import SheetInline, shown
from firms.admin.display import NOTHING, address_of
from firms.admin.pausing import ReasonDialog


class ForwardFormSet(forms.BaseInlineFormSet):
    """A connection that forwards has a target, every other one has none."""

    def clean(self) -> None:
        super().clean()
        given = [form for form in self.forms if form.has_changed() or form.instance.pk]
        if any(self.errors):
            return
        if self.instance.venue == Connection.Venue.FORWARD and not given:
            raise forms.ValidationError("A connection that forwards needs its service and its address.")
        if self.instance.venue != Connection.Venue.FORWARD and given:
            raise forms.ValidationError(f"A connection to {self.instance.venue} forwards nothing.")


class ForwardTargetInline(SheetInline):
    model = ForwardTarget
    formset = ForwardFormSet
    verbose_name = verbose_name_plural = "where it forwards to: only for the venue forward"
    extra = 1
    max_num = 1
    can_delete = False
    collapsible = False
    hide_title = True
    fieldsets = (
        (
            None,
            {
                "description": "Blind: the receiver can't be asked what became of an order or what is held. "
                "State is declared or posted, positions are assumed. Credentials are encrypted and never "
                "shown again; what is left empty stays as it is.",
                "fields": (
                    "service",
                    "address",
                    ("secret", "signing_secret"),
                    ("whole_contracts", "local_network"),
                    "symbols",
                    ("entry_template", "flat_template"),
                    ("shape", "headers"),
                ),
            },
        ),
    )

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest | None, **options: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **options)
        if isinstance(getattr(field, "widget", None), forms.Textarea):
            field.widget.attrs["rows"] = 4
        return field


class ForwardsOrders(admin.ModelAdmin):
    """Gives a connection's page the action *Send test*, and its list where each one goes."""

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        """There is something to test only where something is forwarded."""
        found = list(super().get_actions_detail(request, object_id))  # type: ignore[misc]
        if ForwardTarget.objects.filter(connection__pk=int(object_id)).exists():
            return found
        return [one for one in found if not one.action_name.endswith("_send_test")]

    @action(
        description="Send test",
        icon="send",
        permissions=["change"],
        dialog={
            "title": "Send a test",
            "description": "One message that can't be an order, to the address that is stored, now. You see "
            "what was sent and what came back; nothing is traded.",
            "form_class": ReasonDialog,
            "form_submit_text": "Send it",
        },
    )  # type: ignore[untyped-decorator,unused-ignore]
    def send_test(self, request: HttpRequest, form: ReasonDialog, object_id: str) -> HttpResponse:
        row = ForwardTarget.objects.select_related("connection").filter(connection__pk=int(object_id)).first()
        if row is None:
            raise Http404
        found = trial.send_test(row)
        audit.record(
            "connection.tested", f"connection {row.connection}", now=timezone.now(), actor=request.user,
            reason=form.cleaned_data["reason"], after=found.outcome,
        )  # fmt: skip
        shown_here = {"trial": found, "onward": address_of(row.connection)}
        response = render(request, "propguard/forward_test.html", shown_here)
        return reselect(reswap(retarget(response, "#modal-content"), "innerHTML"), "#dialog")

    @shown("forwards to")
    def goes_to(self, connection: Connection) -> str:
        target: ForwardTarget | None = getattr(connection, "forward_target", None)
        return NOTHING if target is None else f"{target.get_service_display()}, {trial.shown_address(target)}"
