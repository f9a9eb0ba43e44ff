"""Programs: a firm's rules, in tabs, with the loss limits and their sources beside them."""

from datetime import datetime
from typing import Any, NamedTuple

from django import forms
from django.contrib import admin
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RelatedDropdownFilter
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminTextInputWidget

from enforcement.program import Automation
from firms.admin.base import HistoryAdmin, PlainInline, shown
from firms.admin.display import NOTHING, Tone, badge, list_of, money, number, percent, whole_money
from firms.admin.firm import OPEN_FLAGS, flags_in_badges
from firms.admin.pausing import PausableAdmin
from firms.admin.words import in_brief, in_full
from firms.models import Account, LossLimit, Phase, Program, TermSource

_PHASES = {Phase.FUNDED: Tone.GOOD, Phase.SIM_FUNDED: Tone.GOOD}
_AUTOMATION = {
    Automation.AUTO: Tone.GOOD,
    Automation.OWN_DEVICE: Tone.GOOD,
    Automation.CONFIRM_BY_HAND: Tone.WARN,
    Automation.ADVISE_ONLY: Tone.WARN,
    Automation.PROHIBITED: Tone.BAD,
}


class LossLimitInline(PlainInline):
    model = LossLimit
    verbose_name_plural = "loss limits: every one is a floor under equity"
    fields = ("kind", "anchor", "amount", "share", "share_of", "lock_at", "boundary", "consequence")


class TermSourceInline(PlainInline):
    model = TermSource
    verbose_name_plural = "sources: where the rules were read"
    fields = ("term", "url", "read_on", "evidence", "note")

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field is not None and db_field.name == "note":
            field.widget.attrs["rows"] = 1
        if field is not None and db_field.name == "url":
            field.widget = UnfoldAdminTextInputWidget()
        return field


class ProgramForm(forms.ModelForm):
    class Meta:
        model = Program
        fields = ("allowed_sessions",)
        widgets = {"allowed_sessions": UnfoldAdminCheckboxSelectMultipleWidget}


class _LimitChange(NamedTuple):
    at: datetime
    who: object
    what: str
    limit: str
    changes: list[str]


@admin.register(Program)
class ProgramAdmin(PausableAdmin, HistoryAdmin):
    form = ProgramForm
    list_display = (
        "program",
        "phase_badge",
        "size_in_money",
        "limits",
        "contracts",
        "automation_badge",
        "paused",
        "account_count",
    )
    list_filter = (
        ("firm", RelatedDropdownFilter),
        ("phase", ChoicesDropdownFilter),
        ("market", ChoicesDropdownFilter),
        ("automation", ChoicesDropdownFilter),
    )
    search_fields = ("name", "firm__name", "firm__code")
    inlines = (LossLimitInline, TermSourceInline)
    object_history_template = "propguard/program_history.html"
    fieldsets = (
        (
            "General",
            {
                "classes": ("tab",),
                "fields": (
                    ("firm", "number"),
                    "name",
                    ("phase", "market"),
                    ("size", "currency"),
                    "starting_balance",
                    "last_verified_on",
                ),
            },
        ),
        ("Trading day", {"classes": ("tab",), "fields": (("day_zone", "day_reset"), "allowed_sessions")}),
        ("Size", {"classes": ("tab",), "fields": ("max_contracts",)}),
        ("Risk", {"classes": ("tab",), "fields": ("max_risk_share", "stop_required")}),
        ("Automation", {"classes": ("tab",), "fields": ("automation", "automation_note")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Program]:
        return (
            super()
            .get_queryset(request)
            .select_related("firm")
            .prefetch_related("loss_limits", OPEN_FLAGS)
            .annotate(account_total=Count("accounts", filter=Q(accounts__is_active=True), distinct=True))
        )

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        # The contract and the environment's overrides name a program by both.
        return ("firm", "number") if obj is not None else ()

    @shown("program", "firm__name")
    def program(self, program: Program) -> SafeString:
        return format_html(
            '<span class="pg-two"><b>{}</b><small>{} · {}</small></span>',
            program.name, program.firm.name, program.code,
        )  # fmt: skip

    @shown("phase", "phase")
    def phase_badge(self, program: Program) -> SafeString:
        return badge(program.get_phase_display(), _PHASES.get(Phase(program.phase), Tone.INFO))

    @shown("size", "size")
    def size_in_money(self, program: Program) -> SafeString:
        return format_html('<span class="pg-figure">{}</span>', whole_money(program.size, program.currency))

    @shown("loss limits")
    def limits(self, program: Program) -> SafeString:
        floors = [limit.to_core() for limit in program.loss_limits.all()]
        if not floors:
            return badge("none: every entry is refused", Tone.BAD)
        lines = ((in_full(f, program.currency), in_brief(f, program.currency)) for f in floors)
        return format_html(
            '<span class="pg-lines">{}</span>', format_html_join("", '<span title="{}">{}</span>', lines)
        )

    @shown("contracts", "max_contracts")
    def contracts(self, program: Program) -> str:
        return number(program.max_contracts)

    @shown("automation", "automation")
    def automation_badge(self, program: Program) -> SafeString:
        return badge(program.automation, _AUTOMATION[Automation(program.automation)], program.automation_note)

    @shown("pauses")
    def paused(self, program: Any) -> SafeString | str:
        return flags_in_badges(program.open_flags)

    @shown("accounts", "account_total")
    def account_count(self, program: Any) -> SafeString:
        address = list_of(Account, f"program__id__exact={program.pk}")
        return format_html('<a class="pg-link" href="{}">{}</a>', address, program.account_total)

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        changes = _limit_changes(object_id)
        return super().history_view(request, object_id, {"limit_changes": changes, **(extra_context or {})})


_WHAT = {"+": "added", "~": "changed", "-": "removed"}


def _limit_changes(program_id: str, most: int = 100) -> list[_LimitChange]:
    """What happened to the program's loss limits, newest first: they have a history of their own."""
    if not program_id.isdecimal():
        return []
    records = (
        LossLimit.history.filter(program_id=program_id)
        .select_related("history_user")
        .order_by("-history_date", "-history_id")
    )
    rows = list(records[:most])
    older: dict[int, Any] = {}
    changes = []
    for record in reversed(rows):
        before = older.get(record.id)
        diff = [] if before is None or record.history_type != "~" else record.diff_against(before).changes
        older[record.id] = record
        changes.append(
            _LimitChange(
                at=record.history_date,
                who=record.history_user or NOTHING,
                what=_WHAT[record.history_type],
                limit=_limit(record),
                changes=[f"{change.field}: {_plain(change.old)} → {_plain(change.new)}" for change in diff],
            )
        )
    return changes[::-1]


def _limit(record: Any) -> str:
    distance = money(record.amount) if record.amount is not None else percent(record.share)
    return f"{record.get_kind_display()} {distance} from {record.get_anchor_display()}"


def _plain(value: Any) -> str:
    return (
        "not set"
        if value is None
        else f"{value.normalize():f}"
        if hasattr(value, "normalize")
        else str(value)
    )
