"""Programs: a firm's rules, in tabs, with what repeats and where it was read beside them."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, ClassVar, NamedTuple

from django import forms
from django.contrib import admin
from django.db.models import Count, Exists, Model, OuterRef, Prefetch, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.functional import cached_property
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter, DropdownFilter, RelatedDropdownFilter
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from enforcement.floors import FloorKind, LossFloor
from enforcement.program import Automation
from firms.admin.base import PlainInline, RulesAdmin, SheetInline, shown
from firms.admin.display import NOTHING, Tone, badge, list_of, number, site, whole_money
from firms.admin.editing import OneEditorAdmin
from firms.admin.evidence import evidence_badge
from firms.admin.firm import OPEN_FLAGS, flags_in_badges
from firms.admin.pausing import PausableAdmin
from firms.admin.tabs import TabbedAdmin
from firms.admin.words import in_brief, in_full
from firms.models import (
    Account,
    Evidence,
    LossLimit,
    NewsRule,
    Phase,
    ProductLimit,
    Program,
    TermSource,
    Tier,
)

_PHASES = {Phase.FUNDED: Tone.GOOD, Phase.SIM_FUNDED: Tone.GOOD}
_AUTOMATION = {
    Automation.AUTO: Tone.GOOD,
    Automation.OWN_DEVICE: Tone.GOOD,
    Automation.CONFIRM_BY_HAND: Tone.WARN,
    Automation.ADVISE_ONLY: Tone.WARN,
    Automation.PROHIBITED: Tone.BAD,
}
_SHORT_NOTES = {"note", "counts", "other_reading"}


class _ShortNotes:
    """Notes and addresses in rows take one line; a long one is scrolled."""

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)  # type: ignore[misc]
        if field is not None and db_field.name in _SHORT_NOTES:
            field.widget.attrs["rows"] = 2
        if field is not None and db_field.name == "url":
            field.widget = UnfoldAdminTextInputWidget()
        return field


class TitledRows(forms.BaseInlineFormSet):
    """Loss limits under their names; unfold asks each row for its title."""

    def add_fields(self, form: Any, index: int | None) -> None:
        super().add_fields(form, index)
        if form.instance.pk is not None:
            form.instance.get_inline_title = self._titles.get(form.instance.pk)

    @cached_property
    def _titles(self) -> dict[int, str]:
        program = self.instance
        return {limit.pk: _in_words(limit, floor, program.currency)[0] for limit, floor in _floors(program)}


class LossLimitInline(_ShortNotes, SheetInline):
    model = LossLimit
    formset = TitledRows
    verbose_name_plural = "loss limits: every one is a floor under equity"
    fieldsets = (
        (
            None,
            {"fields": (("kind", "anchor"), ("amount", "share", "share_of"), ("boundary", "consequence"))},
        ),
        (
            "Where it stops rising, and what a payout does",
            {
                "fields": (
                    ("lock_at", "lock_trigger", "boundary_after_lock"),
                    ("payout_effect", "floor_after_payout", "payout_on_request"),
                )
            },
        ),
        (
            "Further conditions",
            {
                "fields": (
                    ("tested_on", "is_optional"),
                    ("share_from_profit", "ends_from_profit"),
                    ("counts", "note"),
                )
            },
        ),
    )


class TierInline(PlainInline):
    model = Tier
    verbose_name_plural = "tiers: contracts, or daily loss, by profit"
    fields = ("of", "from_profit", "above", "value")


class ProductLimitInline(PlainInline):
    model = ProductLimit
    verbose_name_plural = "products: a cap or a weight of their own"
    fields = ("product", "max_contracts", "weight")


class NewsRuleInline(_ShortNotes, SheetInline):
    model = NewsRule
    verbose_name_plural = "windows around scheduled releases"
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("events", "products"),
                    ("before_seconds", "after_seconds", "severity"),
                    ("exits_restricted", "must_be_flat", "straddles_only"),
                    ("max_micros", "exempt_opened_minutes"),
                    "note",
                )
            },
        ),
    )


class TermSourceInline(_ShortNotes, SheetInline):
    model = TermSource
    verbose_name_plural = "sources: where the rules were read"
    fieldsets = ((None, {"fields": (("term", "evidence", "read_on"), "url", ("other_reading", "note"))}),)


class ProgramForm(forms.ModelForm):
    class Meta:
        model = Program
        fields = ("allowed_sessions",)
        widgets = {
            "allowed_sessions": UnfoldAdminCheckboxSelectMultipleWidget,
            **dict.fromkeys(
                ("notes", "flat_by_note", "risk_note", "hedging_note", "consistency_note", "automation_note"),
                UnfoldAdminTextareaWidget({"rows": 3}),
            ),
        }


class EvidenceFilter(DropdownFilter):
    title = "evidence"
    parameter_name = "evidence"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        return [(str(value), str(value)) for value in Evidence.values]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Program]) -> QuerySet[Program]:
        if self.value() in Evidence.values:
            return queryset.filter(_has_source(evidence=self.value()))
        return queryset


def _has_source(**conditions: Any) -> Exists:
    return Exists(TermSource.objects.filter(program=OuterRef("pk"), **conditions))


class _Change(NamedTuple):
    at: datetime
    who: object
    what: str
    row: str
    changes: list[str]


@admin.register(Program)
class ProgramAdmin(OneEditorAdmin, TabbedAdmin, PausableAdmin, RulesAdmin):
    form = ProgramForm
    list_display = (
        "program",
        "phase_badge",
        "size_in_money",
        "limits",
        "contracts",
        "automation_badge",
        "evidence",
        "account_count",
    )
    list_filter = (
        ("firm", RelatedDropdownFilter),
        ("phase", ChoicesDropdownFilter),
        ("market", ChoicesDropdownFilter),
        ("automation", ChoicesDropdownFilter),
        EvidenceFilter,
    )
    search_fields = ("name", "firm__name", "firm__code")
    ordering = ("firm__name", "number")
    autocomplete_fields = ("allowed_instruments",)
    inlines = (LossLimitInline, TierInline, ProductLimitInline, NewsRuleInline, TermSourceInline)
    inline_tabs: ClassVar[dict[str, str]] = {
        "loss_limits": "Loss limits",
        "tiers": "Size",
        "product_limits": "Size",
        "news_rules": "News",
        "sources": "Sources & validity",
    }
    change_form_outer_before_template = "propguard/program_summary.html"
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
                    "notes",
                ),
            },
        ),
        ("Loss limits", {"classes": ("tab",), "fields": ()}),
        (
            "Trading day",
            {
                "classes": ("tab",),
                "fields": (
                    ("day_zone", "day_reset"),
                    ("close_time", "close_zone"),
                    ("hours_open", "hours_close", "hours_zone"),
                    ("flat_by", "flat_by_zone", "flat_by_lead_minutes"),
                    ("no_entry_minutes", "early_close_lead_minutes"),
                    "flat_by_note",
                    ("overnight", "weekend"),
                    "allowed_sessions",
                    ("min_hold_seconds", "average_hold_seconds", "max_hold_seconds"),
                    ("inactivity", "inactivity_unit"),
                ),
            },
        ),
        (
            "Size",
            {
                "classes": ("tab",),
                "fields": (
                    ("max_contracts", "max_micros", "micro_weight"),
                    ("scaling_basis", "scaling_may_fall"),
                    "allowed_instruments",
                ),
            },
        ),
        (
            "Risk",
            {
                "classes": ("tab",),
                "fields": (
                    "stop_required",
                    ("max_risk_share", "risk_of", "idea_window_minutes"),
                    "risk_note",
                    ("hedging_scope", "hedging_by"),
                    ("hedging_grace_seconds", "hedging_same_product_inside"),
                    "hedging_note",
                    ("max_trades_per_day", "max_requests_per_day"),
                    "price_limit_distance_share",
                ),
            },
        ),
        (
            "News",
            {
                "classes": ("tab",),
                "fields": (),
            },
        ),
        ("Automation", {"classes": ("tab",), "fields": ("automation", "automation_note")}),
        (
            "Progress",
            {
                "classes": ("tab",),
                "fields": (
                    ("profit_target", "days_limit"),
                    ("min_trading_days", "min_day_profit"),
                    ("qualifying_days", "qualifying_window_days"),
                    ("consistency_share", "consistency_measure", "consistency_passes"),
                    ("consistency_scope", "consistency_by_payout"),
                    "consistency_note",
                    "safety_net",
                ),
            },
        ),
        (
            "Sources & validity",
            {
                "classes": ("tab",),
                "fields": (
                    ("effective_from", "effective_until"),
                    ("purchased_from", "purchased_until"),
                    ("last_verified_on", "catalog_key"),
                ),
            },
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Program]:
        return (
            super()
            .get_queryset(request)
            .select_related("firm")
            .prefetch_related("loss_limits", _DAILY_TIERS, OPEN_FLAGS)
            .annotate(
                account_total=Count("accounts", filter=Q(accounts__is_active=True), distinct=True),
                is_disputed=_has_source(evidence=Evidence.DISPUTED),
                is_confirmed=_has_source(evidence=Evidence.CONFIRMED),
                is_sourced=_has_source(),
            )
        )

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        # The contract and the environment's overrides name a program by both.
        return ("firm", "number", "catalog_key") if obj is not None else ("catalog_key",)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        program = self.get_object(request, object_id)
        summary = None if program is None else summary_of(program)
        return super().change_view(
            request, object_id, form_url, {"summary": summary, **(extra_context or {})}
        )

    @shown("program", "firm__name")
    def program(self, program: Program) -> SafeString:
        return format_html(
            '<span class="pg-two"><b>{}</b><small>{} · {}</small></span>',
            program.name, program.firm.name, program.code,
        )  # fmt: skip

    @shown("phase", "phase")
    def phase_badge(self, program: Program) -> SafeString:
        return _phase_badge(program)

    @shown("size", "size")
    def size_in_money(self, program: Program) -> SafeString:
        return format_html('<span class="pg-figure">{}</span>', whole_money(program.size, program.currency))

    @shown("loss limits")
    def limits(self, program: Program) -> SafeString:
        lines = [
            (full, brief)
            for limit, floor in _floors(program)
            for brief, full in [_in_words(limit, floor, program.currency)]
        ]
        if not lines:
            return _NO_LIMIT
        return format_html(
            '<span class="pg-lines">{}</span>', format_html_join("", '<span title="{}">{}</span>', lines)
        )

    @shown("contracts", "max_contracts")
    def contracts(self, program: Program) -> str:
        """`3 / 30`: minis, and where they have a cap of their own, micros."""
        if program.max_micros is None:
            return number(program.max_contracts)
        return f"{number(program.max_contracts)} / {number(program.max_micros)}"

    @shown("automation", "automation")
    def automation_badge(self, program: Program) -> SafeString:
        return _automation_badge(program)

    @shown("evidence", "is_disputed")
    def evidence(self, program: Any) -> SafeString | str:
        if program.is_disputed:
            return badge(
                "disputed", Tone.WARN, "Sources contradict each other; its page shows both readings."
            )
        if program.is_confirmed:
            return badge("confirmed", Tone.GOOD)
        return badge("read") if program.is_sourced else NOTHING

    @shown("accounts", "account_total")
    def account_count(self, program: Any) -> SafeString:
        address = list_of(Account, f"program__id__exact={program.pk}")
        held = flags_in_badges(program.open_flags) if program.open_flags else ""
        return format_html('<a class="pg-link" href="{}">{}</a> {}', address, program.account_total, held)

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        changes = _row_changes(object_id)
        return super().history_view(request, object_id, {"row_changes": changes, **(extra_context or {})})


_DAILY_TIERS = Prefetch("tiers", Tier.objects.filter(of=Tier.Of.DAILY_LOSS), to_attr="daily_tiers")
_NO_LIMIT = badge("none: every entry is refused", Tone.BAD)


def _phase_badge(program: Program) -> SafeString:
    return badge(program.get_phase_display().lower(), _PHASES.get(Phase(program.phase), Tone.INFO))


def _automation_badge(program: Program) -> SafeString:
    return badge(program.automation, _AUTOMATION[Automation(program.automation)], program.automation_note)


# --- the summary ----------------------------------------------------------------------------------------


def summary_of(program: Any) -> dict[str, Any]:
    """What stands above the tabs: the limits in words, for whom and when they hold, what is disputed."""
    return {
        "badges": [_phase_badge(program), _automation_badge(program)],
        "limits": [_in_words(limit, floor, program.currency) for limit, floor in _floors(program)],
        "none": _NO_LIMIT,
        "validity": _validity(program),
        "disputes": [
            {
                "term": source.term.replace("_", " ").replace(".", ": "),
                "evidence": evidence_badge(source),
                "held": _held(program, source.term),
                "other": source.other_reading,
                "note": source.note,
                "page": site(source.url),
                "read_on": source.read_on,
            }
            for source in program.sources.all()
            if source.evidence == Evidence.DISPUTED or source.other_reading
        ],
    }


def _floors(program: Any) -> Iterable[tuple[LossLimit, LossFloor]]:
    """Each loss limit with its floor. `daily_tiers` are prefetched on a list."""
    tiers = getattr(program, "daily_tiers", None)
    if tiers is None:
        tiers = program.tiers.filter(of=Tier.Of.DAILY_LOSS)
    steps = tuple(tier.to_core() for tier in tiers)
    return [(limit, limit.to_core(steps)) for limit in program.loss_limits.all()]


def _in_words(limit: LossLimit, floor: LossFloor, currency: str) -> tuple[str, str]:
    """In brief, and in full."""
    return (
        in_brief(floor, currency, optional=limit.is_optional),
        in_full(floor, currency, optional=limit.is_optional),
    )


def _validity(program: Program) -> list[str]:
    """`In force from 2026-01-01`, `For accounts bought until 2025-06-30`."""
    parts = []
    for title, since, until in (
        ("In force", program.effective_from, program.effective_until),
        ("For accounts bought", program.purchased_from, program.purchased_until),
    ):
        span = [f"{word} {day:%Y-%m-%d}" for word, day in (("from", since), ("until", until)) if day]
        if span:
            parts.append(f"{title} {' '.join(span)}")
    return parts


def _held(program: Program, term: str) -> str:
    """The value that is held for a disputed term: a column of the program (`day_zone`), of its loss limits
    (`boundary`, `drawdown.boundary`), of its tiers (`tier.value`), or whole rows (`news_rule`)."""
    first, _, column = term.partition(".")
    if not column and _has_column(Program, first):
        return _shown(program, first)
    rows, column = _rows_about(program, first, column)
    held = [_shown(row, column) if column and _has_column(type(row), column) else str(row) for row in rows]
    return ", ".join(dict.fromkeys(held))


def _rows_about(program: Program, first: str, column: str) -> tuple[list[Any], str]:
    if first in set(FloorKind):
        return list(program.loss_limits.filter(kind=first)), column
    if first in _ROWS:
        return list(getattr(program, _ROWS[first]).all()), column
    if not column and _has_column(LossLimit, first):
        return list(program.loss_limits.all()), first
    return [], ""


_ROWS = {"tier": "tiers", "news_rule": "news_rules", "product_limit": "product_limits"}


def _has_column(model: type[Model], name: str) -> bool:
    return any(field.name == name and not field.is_relation for field in model._meta.concrete_fields)


def _shown(row: Any, column: str) -> str:
    display = getattr(row, f"get_{column}_display", None)
    return _plain(getattr(row, column) if display is None else display())


# --- the history of what repeats --------------------------------------------------------------------------

_WHAT = {"+": "added", "~": "changed", "-": "removed"}
_MOST_CHANGES = 100


def _row_changes(program_id: str) -> list[_Change]:
    """What happened to the program's rows, newest first: they have histories of their own."""
    if not program_id.isdecimal():
        return []
    changes = [
        change
        for model in (LossLimit, Tier, ProductLimit, NewsRule)
        for change in _changes_of(model, int(program_id))
    ]
    return sorted(changes, key=lambda change: change.at, reverse=True)[:_MOST_CHANGES]


def _changes_of(model: Any, program_id: int) -> list[_Change]:
    records = (
        model.history.filter(program_id=program_id)
        .select_related("history_user")
        .order_by("-history_date", "-history_id")
    )
    older: dict[int, Any] = {}
    changes = []
    for record in reversed(records[:_MOST_CHANGES]):
        before = older.get(record.id)
        diff = [] if before is None or record.history_type != "~" else record.diff_against(before).changes
        older[record.id] = record
        changes.append(
            _Change(
                at=record.history_date,
                who=record.history_user or NOTHING,
                what=_WHAT[record.history_type],
                row=f"{model._meta.verbose_name}: {record.instance}",
                changes=[f"{change.field}: {_plain(change.old)} → {_plain(change.new)}" for change in diff],
            )
        )
    return changes


def _plain(value: Any) -> str:
    if value is None or value == "":
        return "not set"
    return f"{value.normalize():f}" if hasattr(value, "normalize") else str(value)
