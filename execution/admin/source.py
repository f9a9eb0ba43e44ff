"""Sources: who may send alerts, in which shape, and their secrets, shown once."""

from ipaddress import ip_network
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.db import transaction
from django.db.models import Count, Q, QuerySet, Value
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import action
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminTextareaWidget

from execution.admin.once import in_dialog, on_page
from execution.credentials import new_source_secret
from execution.models import FieldMapping, Route, Signal, SignalSource
from firms import audit
from firms.admin.base import HistoryAdmin, PlainInline, shown
from firms.admin.display import Tone, badge, list_of


class FieldMappingInline(PlainInline):
    model = FieldMapping
    verbose_name_plural = "field mappings: where this source's messages differ from the template"


class SourceRouteInline(PlainInline):
    model = Route
    verbose_name_plural = "routes: the accounts that follow it"
    autocomplete_fields = ("account",)


class SourceForm(forms.ModelForm):
    """An address nobody can read would let nobody in, or everybody in: it is refused here."""

    class Meta:
        model = SignalSource
        fields = ("allowed_addresses",)
        widgets = {"allowed_addresses": UnfoldAdminTextareaWidget({"rows": 3})}

    def clean_allowed_addresses(self) -> str:
        lines = [line.strip() for line in self.cleaned_data["allowed_addresses"].splitlines() if line.strip()]
        for line in lines:
            try:
                ip_network(line, strict=False)
            except ValueError as error:
                raise forms.ValidationError(f"{line} is not an address or a network.") from error
        return "\n".join(lines)


def webhook_root(request: HttpRequest) -> str:
    """Under which address alerts arrive: the public host, where there is one, else the admin's own."""
    if settings.PUBLIC_HOSTS:
        return f"https://{settings.PUBLIC_HOSTS[0].lstrip('.')}/api/v1/webhooks/"
    return request.build_absolute_uri("/api/v1/webhooks/")


@admin.register(SignalSource)
class SignalSourceAdmin(HistoryAdmin):
    form = SourceForm
    list_display = ("name", "is_enabled", "template", "secret_state", "route_count", "address")
    list_filter = ("is_enabled", "template")
    search_fields = ("name",)
    inlines = (FieldMappingInline, SourceRouteInline)
    actions_detail = ("new_secret",)
    readonly_fields = ("address", "secret_state")
    fieldsets = (
        (None, {"fields": (("name", "is_enabled"), "address", "secret_state")}),
        ("The message", {"fields": ("template", ("secret_field", "default_symbol"))}),
        ("Who may send", {"fields": ("allowed_addresses",)}),
    )
    add_fieldsets = (
        (
            None,
            {"fields": (("name", "is_enabled"),), "description": "Its secret is generated, and shown once."},
        ),
        ("The message", {"fields": ("template", ("secret_field", "default_symbol"))}),
        ("Who may send", {"fields": ("allowed_addresses",)}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[SignalSource]:
        rows = super().get_queryset(request)
        return rows.annotate(
            route_total=Count("routes", filter=Q(routes__is_enabled=True)), root=Value(webhook_root(request))
        )

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return self.readonly_fields if obj is not None else ()

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if not change:
            request.shown_once = self._give_secret(request, obj)  # type: ignore[attr-defined]

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: str | None = None
    ) -> HttpResponse:
        return on_page(request, self, obj, _once(request, obj, request.shown_once))  # type: ignore[attr-defined]

    @action(
        description="New secret",
        icon="key",
        permissions=["change"],
        dialog={
            "title": "New secret",
            "description": "A new secret is generated and shown once. The one in use stays valid beside it "
            "until the next change, so that no alert is lost while you tell TradingView.",
            "form_class": BaseDialogForm,
            "form_submit_text": "Generate",
        },
    )  # type: ignore[untyped-decorator,unused-ignore]
    def new_secret(self, request: HttpRequest, form: BaseDialogForm, object_id: str) -> HttpResponse:
        source = self.get_object(request, object_id)
        if source is None:
            raise Http404
        return in_dialog(request, _once(request, source, self._give_secret(request, source)))

    def _give_secret(self, request: HttpRequest, source: SignalSource) -> str:
        with transaction.atomic():
            secret = new_source_secret(source)
            audit.record("source.secret_changed", f"source {source}", now=timezone.now(), actor=request.user)
        return secret

    @shown("webhook address")
    def address(self, source: SignalSource) -> SafeString:
        root = getattr(source, "root", "/api/v1/webhooks/")  # a version out of the history has none
        return format_html('<code class="pg-code">{}{}/</code>', root, source.name)

    @shown("secret")
    def secret_state(self, source: SignalSource) -> SafeString:
        if not source.secret_sha256:
            return badge("none: every alert is refused", Tone.BAD)
        two = "two valid: the new one and the one before" if source.previous_secret_sha256 else "set"
        return badge(two, Tone.GOOD)

    @shown("enabled routes", "route_total")
    def route_count(self, source: Any) -> SafeString:
        address = list_of(Route, f"source__id__exact={source.pk}")
        return format_html('<a class="pg-link" href="{}">{}</a>', address, source.route_total)


def _once(request: HttpRequest, source: SignalSource, secret: str) -> dict[str, Any]:
    address = f"{webhook_root(request)}{source.name}/"
    return {
        "heading": f"The secret of {source}",
        "about": "Copy it now: only its SHA-256 is kept, and nobody can show it again.",
        "values": [
            ("Secret", secret),
            ("Webhook address, secret in the message's field", address),
            (
                "Webhook address with the secret in it, for messages without a field for it",
                f"{address}{secret}/",
            ),
        ],
        "onward": reverse("admin:execution_signalsource_change", args=[source.pk]),
        "next": list_of(Signal, f"source__id__exact={source.pk}"),
    }
