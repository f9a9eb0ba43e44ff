"""API keys: generated here, shown once, revoked when nobody needs them any more."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django_htmx.http import HttpResponseClientRedirect
from unfold.decorators import action
from unfold.enums import ActionVariant
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from execution.admin.once import on_page
from execution.credentials import fill_in
from execution.models import ApiKey
from firms import audit
from firms.admin.base import PlainAdmin, shown
from firms.admin.display import Tone, badge, list_of, moment


class ApiKeyForm(forms.ModelForm):
    """Scopes as boxes to tick; stored as words."""

    scopes = forms.MultipleChoiceField(
        choices=ApiKey.Scope.choices, widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text="What it may do; nothing else.",
    )  # fmt: skip

    class Meta:
        model = ApiKey
        fields = ("name", "scopes", "expires_at")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.scopes:
            self.initial["scopes"] = self.instance.scopes.split()

    def clean_scopes(self) -> str:
        return " ".join(self.cleaned_data["scopes"])


@admin.register(ApiKey)
class ApiKeyAdmin(PlainAdmin):
    form = ApiKeyForm
    list_display = ("name", "starts_with", "state", "scope_badges", "expires", "created")
    list_filter = ("is_revoked",)
    search_fields = ("name", "prefix")
    actions_detail = ("revoke",)
    actions_row = ("revoke",)
    readonly_fields = ("starts_with", "state", "created")
    fieldsets = ((None, {"fields": ("name", "scopes", "expires_at", ("starts_with", "state"), "created")}),)
    add_fieldsets = (
        (
            None,
            {
                "fields": ("name", "scopes", "expires_at"),
                "description": "The key is shown once, after saving.",
            },
        ),
    )

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return self.readonly_fields if obj is not None else ()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Revoked, not deleted: who had a key stays known."""
        return False

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        now = timezone.now()
        if change:
            super().save_model(request, obj, form, change)
            audit.record("api_key.changed", f"API key {obj}", now=now, actor=request.user, after=obj.scopes)
            return
        with transaction.atomic():
            request.shown_once = fill_in(obj)  # type: ignore[attr-defined]
            super().save_model(request, obj, form, change)
            audit.record("api_key.created", f"API key {obj}", now=now, actor=request.user, after=obj.scopes)

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: str | None = None
    ) -> HttpResponse:
        key = request.shown_once  # type: ignore[attr-defined]
        once = {
            "heading": f"The API key {obj.name}",
            "about": "Copy it now: only its SHA-256 is kept, and nobody can show it again.",
            "values": [("Key", key), ("Header", f"Authorization: Api-Key {key}")],
            "onward": reverse("admin:execution_apikey_changelist"),
        }
        return on_page(request, self, obj, once)

    @action(
        description="Revoke",
        icon="block",
        permissions=["change"],
        variant=ActionVariant.DANGER,
        dialog={
            "title": "Revoke this key",
            "description": "Whoever uses it is refused from now on. This can't be undone.",
            "form_class": BaseDialogForm,
            "form_submit_text": "Revoke",
        },
    )  # type: ignore[untyped-decorator,unused-ignore]
    def revoke(self, request: HttpRequest, form: BaseDialogForm, object_id: str) -> HttpResponse:
        key = self.get_object(request, object_id)
        if key is None:
            raise Http404
        with transaction.atomic():
            if ApiKey.objects.filter(pk=key.pk, is_revoked=False).update(is_revoked=True):
                audit.record("api_key.revoked", f"API key {key}", now=timezone.now(), actor=request.user)
        self.message_user(request, f"{key} is revoked.", messages.SUCCESS)
        return HttpResponseClientRedirect(list_of(ApiKey))

    @shown("key", "prefix")
    def starts_with(self, key: ApiKey) -> SafeString:
        return format_html("<code>pgk_{}_…</code>", key.prefix)

    @shown("state", "is_revoked")
    def state(self, key: ApiKey) -> SafeString:
        if key.is_revoked:
            return badge("revoked", Tone.CALM)
        if key.expires_at is not None and key.expires_at <= timezone.now():
            return badge("expired", Tone.WARN)
        return badge("valid", Tone.GOOD)

    @shown("scopes")
    def scope_badges(self, key: ApiKey) -> SafeString:
        badges = [badge(scope, Tone.INFO) for scope in key.scopes.split()]
        return format_html("{} " * len(badges), *badges)

    @shown("expires", "expires_at")
    def expires(self, key: ApiKey) -> SafeString | str:
        return moment(key.expires_at) if key.expires_at else "never"

    @shown("created", "created_at")
    def created(self, key: ApiKey) -> SafeString | str:
        return moment(key.created_at)
