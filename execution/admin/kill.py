"""The kill switch: one page for each subject, which asks, acts, and shows how far it is."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminTextInputWidget, UnfoldBooleanSwitchWidget

from execution import flattening, kill, kill_report
from execution.clock import database_now
from execution.models import Kill
from firms.admin.base import EvidenceAdmin, shown
from firms.admin.display import NOTHING, Tone, badge, moment
from firms.admin.pausing import ReasonForm
from firms.models import Account, Firm, Flag, FlagKey, Program
from firms.services import RELEASE_KILL, MayNotRelease, Subject

ENGAGE_KILL = "firms.engage_kill"
_MODELS: dict[str, type[Firm] | type[Program] | type[Account]] = {
    "firm": Firm, "program": Program, "account": Account
}  # fmt: skip


class EngageForm(ReasonForm):
    """Why, whether to flatten, and a word typed by hand: nobody kills by a slip of the mouse."""

    flatten = forms.BooleanField(
        required=False, initial=True, label="Close every position",
        widget=UnfoldBooleanSwitchWidget(),
        help_text="Everything the venues show on these accounts, whoever opened it. Off: only entries stop.",
    )  # fmt: skip
    confirm = forms.CharField(
        label="Type KILL", widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"})
    )

    def clean_confirm(self) -> str:
        word: str = self.cleaned_data["confirm"].strip()
        if word.upper() != "KILL":
            raise forms.ValidationError("Type the word KILL.")
        return word


def open_kills(request: HttpRequest) -> dict[str, Any]:
    """For the banner on every page: what is killed now. Asked only where a page shows it."""

    def found() -> list[dict[str, object]]:
        user = getattr(request, "user", None)
        if user is None or not user.is_authenticated or not user.is_staff:
            return []
        flags = Flag.objects.filter(key=FlagKey.KILL, ended_at=None).order_by("pk")
        return [
            {"flag": flag, "name": _scope_name(flag), "address": _address(flag)}
            for flag in flags.select_related("firm", "program__firm", "account")
        ]

    return {"open_kills": found}


@admin.register(Kill)
class KillAdmin(EvidenceAdmin):
    list_display = ("engaged", "on", "flatten", "why", "engaged_by", "released")
    list_display_links = None
    list_select_related = (
        "flag__firm", "flag__program__firm", "flag__account", "flag__raised_by", "flag__ended_by"
    )  # fmt: skip
    ordering = ("-pk",)
    fieldsets = ((None, {"fields": ("engaged", "on", "flatten", "why", "engaged_by", "released")}),)

    @shown("engaged", "flag__raised_at")
    def engaged(self, row: Kill) -> SafeString | str:
        return moment(row.flag.raised_at)

    @shown("on")
    def on(self, row: Kill) -> SafeString:
        return format_html('<a class="pg-link" href="{}">{}</a>', _address(row.flag), _scope_name(row.flag))

    @shown("why")
    def why(self, row: Kill) -> str:
        return row.flag.reason or NOTHING

    @shown("by")
    def engaged_by(self, row: Kill) -> str:
        return str(row.flag.raised_by or NOTHING)

    @shown("released")
    def released(self, row: Kill) -> SafeString | str:
        if row.flag.ended_at is None:
            return badge("engaged", Tone.BAD)
        by, why = row.flag.ended_by or NOTHING, row.flag.end_reason
        return format_html("{} by {}: {}", moment(row.flag.ended_at), by, why)

    # --- the switch itself ---

    def get_urls(self) -> list[URLPattern]:
        def view(act: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
            found: Callable[..., HttpResponse] = self.admin_site.admin_view(act)
            return found

        return [
            path("switch/", view(self.switch), name="execution_kill_platform"),
            path("switch/report/", view(self.report), name="execution_kill_platform_report"),
            path("switch/<slug:scope>/<int:pk>/", view(self.switch), name="execution_kill_switch"),
            path("switch/<slug:scope>/<int:pk>/report/", view(self.report), name="execution_kill_report"),
            *super().get_urls(),
        ]

    def switch(self, request: HttpRequest, scope: str = "platform", pk: int | None = None) -> HttpResponse:
        """The page: a form to engage it, or the report and a form to release it. Acts on POST only."""
        self._demand_any(request)
        subject = _subject(scope, pk)
        engage, release = EngageForm(), ReasonForm()
        if request.method == "POST" and request.POST.get("act") == "engage":
            engage = EngageForm(request.POST)
            if self._engage(request, subject, engage):
                return HttpResponseRedirect(request.path)
        elif request.method == "POST":
            release = ReasonForm(request.POST)
            if self._release(request, subject, release):
                return HttpResponseRedirect(request.path)
        context = {
            **self.admin_site.each_context(request),
            **self._found(subject, scope, pk),
            "opts": self.opts,
            "engage": engage if request.user.has_perm(ENGAGE_KILL) else None,
            "release": release if request.user.has_perm(RELEASE_KILL) else None,
        }
        return TemplateResponse(request, "propguard/kill_switch.html", context)

    def report(self, request: HttpRequest, scope: str = "platform", pk: int | None = None) -> HttpResponse:
        """The live part of the page alone."""
        self._demand_any(request)
        found = self._found(_subject(scope, pk), scope, pk)
        return TemplateResponse(request, "propguard/kill_report.html", found)

    def _found(self, subject: Subject, scope: str, pk: int | None) -> dict[str, Any]:
        report = kill_report.report(subject, database_now())
        name, arguments = (
            ("platform_report", []) if subject is None else ("report", [scope, pk])
        )  # fmt: skip
        return {
            "title": f"Kill switch: {report.subject}",
            "report": report,
            "own": [flag for flag in report.flags if _is_own(flag, subject)],
            "above": [(flag, _scope_name(flag)) for flag in report.flags if not _is_own(flag, subject)],
            "rows": [row for row in report.standings if row.look is not kill_report.Look.NEEDLESS],
            "refresh": reverse(f"admin:execution_kill_{name}", args=arguments),
        }

    def _engage(self, request: HttpRequest, subject: Subject, form: EngageForm) -> bool:
        if not request.user.has_perm(ENGAGE_KILL):
            raise PermissionDenied
        if not form.is_valid():
            return False
        given = form.cleaned_data
        kill.engage(subject, flatten=given["flatten"], reason=given["reason"], actor=request.user)
        flattening.run_in_background(subject)
        return True

    def _release(self, request: HttpRequest, subject: Subject, form: ReasonForm) -> bool:
        if not request.user.has_perm(RELEASE_KILL):
            raise PermissionDenied
        if not form.is_valid():
            return False
        try:
            released = kill.release(subject, reason=form.cleaned_data["reason"], actor=request.user)
        except MayNotRelease as error:
            raise PermissionDenied from error
        left = kill.kills_over(subject)
        if left:
            held = ", ".join(_scope_name(flag) for flag in left)
            self.message_user(request, f"Still killed: {held}.", messages.WARNING)
        elif released:
            self.message_user(request, "Released. Entries may leave again.", messages.SUCCESS)
        else:
            self.message_user(request, "It was not engaged.", messages.INFO)
        return True

    def _demand_any(self, request: HttpRequest) -> None:
        if not (self.has_view_permission(request) or _may_use(request)):
            raise PermissionDenied

    def get_queryset(self, request: HttpRequest) -> QuerySet[Kill]:
        return super().get_queryset(request).select_related("flag")


def _may_use(request: HttpRequest) -> bool:
    return request.user.has_perm(ENGAGE_KILL) or request.user.has_perm(RELEASE_KILL)


def _subject(scope: str, pk: int | None) -> Subject:
    if pk is None:
        return None
    if scope not in _MODELS:
        raise Http404
    rows = _MODELS[scope]._default_manager.all()
    related = {"program": ("firm",), "account": ("program__firm", "trader")}.get(scope)
    found: Subject = (rows.select_related(*related) if related else rows).filter(pk=pk).first()
    if found is None:
        raise Http404
    return found


def _is_own(flag: Flag, subject: Subject) -> bool:
    return (flag.account or flag.program or flag.firm) == subject


def _scope_name(flag: Flag) -> str:
    return "the platform" if flag.scope == "platform" else f"{flag.scope} {flag.subject}"


def _address(flag: Flag) -> str:
    subject = flag.account or flag.program or flag.firm
    if subject is None:
        return reverse("admin:execution_kill_platform")
    return reverse("admin:execution_kill_switch", args=[flag.scope, subject.pk])
