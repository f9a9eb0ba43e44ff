"""Pausing and resuming accounts, programs and firms: with a reason, by POST, kept in flag and audit."""

from collections.abc import Callable, Sequence
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db import transaction
from django.db.models import Model, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django_htmx.http import HttpResponseClientRedirect
from unfold.decorators import action
from unfold.enums import ActionVariant
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminTextareaWidget

from firms import services
from firms.admin.display import address_of
from firms.models import Account, Firm, Flag, FlagKey, Program, Scope

_REASON_WIDGET = {"rows": 3, "maxlength": 500, "placeholder": "In a few words, for whoever asks later"}


def _reason() -> forms.CharField:
    return forms.CharField(max_length=500, widget=UnfoldAdminTextareaWidget(_REASON_WIDGET))


class ReasonDialog(BaseDialogForm):
    """The dialog of one row's page."""

    reason = _reason()


class ReasonForm(forms.Form):
    """The page that asks before an action on a selection."""

    reason = _reason()


def holding(subject: Account | Program | Firm) -> list[Flag]:
    """Every open flag that concerns the subject, its own and those above it."""
    if isinstance(subject, Account):
        return services.open_flags_on(subject)
    above = Q(scope=Scope.PLATFORM)
    if isinstance(subject, Program):
        above |= Q(program=subject) | Q(firm=subject.firm_id)
    else:
        above |= Q(firm=subject)
    return list(
        Flag.objects.filter(above, Flag.open_at(timezone.now())).select_related(
            "firm", "program__firm", "account"
        )
    )


class PausableAdmin(admin.ModelAdmin):
    """Gives a model's list and page the actions pause and resume, and the way to its kill switch."""

    actions: Sequence[Callable[..., Any] | str] | None = ("pause_selected", "resume_selected")
    actions_detail: Sequence[Any] = ("pause", "resume", "kill")

    def has_kill_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("firms.engage_kill") or request.user.has_perm(services.RELEASE_KILL)

    @action(
        description="Kill switch",
        icon="emergency_home",
        permissions=["kill"],
        variant=ActionVariant.DANGER,
    )  # type: ignore[untyped-decorator,unused-ignore]
    def kill(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """To the page that asks before it acts; execution's, where the exits are."""
        subject = self._subject(request, object_id)
        return redirect("admin:execution_kill_switch", self.opts.model_name, subject.pk)

    @action(
        description="Pause",
        icon="pause_circle",
        permissions=["change"],
        dialog={
            "title": "Pause",
            "description": "Every entry it concerns is refused from now on. Exits stay open.",
            "form_class": ReasonDialog,
            "form_submit_text": "Pause",
        },
    )  # type: ignore[untyped-decorator,unused-ignore]
    def pause(self, request: HttpRequest, form: ReasonDialog, object_id: str) -> HttpResponse:
        subject = self._subject(request, object_id)
        self._raise(request, subject, form.cleaned_data["reason"])
        return HttpResponseClientRedirect(address_of(subject))

    @action(
        description="Resume",
        icon="play_circle",
        permissions=["change"],
        variant=ActionVariant.DEFAULT,
        dialog={
            "title": "Resume",
            "description": "Ends its own pause. What else holds it (a pause of its program or firm, a day "
            "lock, the kill switch) stays, and you are told.",
            "form_class": ReasonDialog,
            "form_submit_text": "Resume",
        },
    )  # type: ignore[untyped-decorator,unused-ignore]
    def resume(self, request: HttpRequest, form: ReasonDialog, object_id: str) -> HttpResponse:
        subject = self._subject(request, object_id)
        self._end(request, subject, form.cleaned_data["reason"])
        return HttpResponseClientRedirect(address_of(subject))

    @admin.action(description="Pause …", permissions=["change"])
    def pause_selected(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        return self._selected(request, queryset, "pause_selected", "Pause", self._raise)

    @admin.action(description="Resume …", permissions=["change"])
    def resume_selected(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        return self._selected(request, queryset, "resume_selected", "Resume", self._end)

    def _selected(
        self,
        request: HttpRequest,
        queryset: QuerySet[Any],
        name: str,
        verb: str,
        act: Callable[[HttpRequest, Any, str], None],
    ) -> HttpResponse | None:
        """Ask for the reason on a page of its own; act only on the POST that brings one."""
        form = ReasonForm(request.POST if "apply" in request.POST else None)
        if form.is_valid():
            with transaction.atomic():
                for subject in queryset:
                    act(request, subject, form.cleaned_data["reason"])
            return None
        context = {
            **self.admin_site.each_context(request),
            "title": f"{verb} {self.opts.verbose_name_plural}",
            "opts": self.opts,
            "form": form,
            "verb": verb,
            "action": name,
            "subjects": queryset,
            "checkbox": ACTION_CHECKBOX_NAME,
        }
        return TemplateResponse(request, "propguard/reason.html", context)

    def _subject(self, request: HttpRequest, object_id: str) -> Any:
        subject = self.get_object(request, object_id)
        if subject is None:
            raise Http404
        return subject

    def _raise(self, request: HttpRequest, subject: Model, reason: str) -> None:
        raised = services.raise_flag(_named(subject), actor=request.user, reason=reason)
        if raised:
            self.message_user(request, f"{subject} is paused: {reason}", messages.SUCCESS)
        else:
            self.message_user(
                request, f"{subject} was paused already; that pause stays as it is.", messages.INFO
            )

    def _end(self, request: HttpRequest, subject: Model, reason: str) -> None:
        ended = services.end_flag(_named(subject), actor=request.user, reason=reason)
        left = holding(_named(subject))
        word = "is resumed" if ended else "had no pause of its own"
        if left:
            held = "; ".join(in_words(flag) for flag in left)
            self.message_user(request, f"{subject} {word}, but it is still held: {held}.", messages.WARNING)
        else:
            self.message_user(request, f"{subject} {word}. Nothing holds it.", messages.SUCCESS)


def _named(subject: Model) -> Account | Program | Firm:
    if not isinstance(subject, (Account, Program, Firm)):
        raise TypeError(f"{subject!r} can't be paused")
    return subject


def in_words(flag: Flag) -> str:
    subject = "the platform" if flag.scope == Scope.PLATFORM else f"{flag.scope} {flag.subject}"
    why = flag.reason or flag.cause
    return f"{subject} is {key_in_words(flag)} ({why})"


def key_in_words(flag: Flag) -> str:
    """`locked for the day`, `paused`; a key nobody knows as it is."""
    return str(dict(FlagKey.choices).get(flag.key, flag.key)).lower()
