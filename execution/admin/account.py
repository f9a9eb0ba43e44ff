"""Accounts: how they stand, their switches, and the one form that opens them."""

from typing import Any, ClassVar, cast

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.functional import SimpleLazyObject
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django_htmx.http import HttpResponseClientRedirect
from unfold.contrib.filters.admin import (
    AutocompleteSelectFilter,
    ChoicesDropdownFilter,
    RelatedDropdownFilter,
)
from unfold.decorators import action
from unfold.enums import ActionVariant
from unfold.views import ChangeList

from enforcement import account as core
from execution.admin.account_blind import BlindAccountAdmin
from execution.admin.account_opening import OpenAccountForm, open_from, out_of_cohort
from execution.admin.account_records import (
    EndFlagDialog,
    PayoutDialog,
    StrikeOutDialog,
    strikeable_rows,
    undoable_flags,
)
from execution.admin.account_rows import (
    CashFlowInline,
    DayInline,
    PersonalLimitsInline,
    RouteInline,
    VenueAccountInline,
)
from execution.admin.account_standing import standing_of
from execution.admin.overview import (
    floor_cell,
    mode_badge,
    money_cell,
    overviews,
    position_cell,
    profit_cell,
    room_cell,
    state_badges,
)
from firms import audit, services, striking_out
from firms.admin.base import RulesAdmin, shown
from firms.admin.display import address_of, money
from firms.admin.editing import OneEditorAdmin
from firms.admin.pausing import PausableAdmin, holding, in_words, key_in_words
from firms.admin.tabs import TabbedAdmin
from firms.models import Account


class AccountChangeList(ChangeList):
    """A page's accounts with their overviews, put together once for all of them."""

    result_list: Any

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        rows: list[Any] = list(self.result_list)
        views = overviews(rows, timezone.now())
        for account in rows:
            account.overview = views[account.pk]
        self.result_list = rows


@admin.register(Account)
class AccountAdmin(BlindAccountAdmin, OneEditorAdmin, TabbedAdmin, PausableAdmin, RulesAdmin):
    list_display = (
        "account",
        "mode_now",
        "state_now",
        "equity_now",
        "day_now",
        "room_now",
        "floor_now",
        "held",
    )
    list_filter = (
        ("program__firm", RelatedDropdownFilter),
        ("program", AutocompleteSelectFilter),
        ("trader", RelatedDropdownFilter),
        ("mode", ChoicesDropdownFilter),
        "is_active",
    )
    list_select_related = ("program__firm", "trader")
    search_fields = ("label", "trader__name", "program__name", "program__firm__name")
    autocomplete_fields = ("trader", "program")
    actions_row = ("pause", "resume")
    actions_detail = (
        "pause",
        "resume",
        "kill",
        {
            "title": "Record",
            "icon": "edit_note",
            "items": ("record_payout", "end_flag", "strike_out", "nothing_open"),
        },
    )
    add_form_template = "admin/change_form.html"
    change_form_outer_before_template = "propguard/account_standing.html"
    inlines = (PersonalLimitsInline, RouteInline, VenueAccountInline, DayInline, CashFlowInline)
    inline_tabs: ClassVar[dict[str, str]] = {
        "personal_limits": "Your own limits",
        "routes": "Routes and venue",
        "venue_account": "Routes and venue",
        "days": "Days",
        "cash_flows": "Payouts",
    }
    fieldsets = (
        (
            "General",
            {
                "classes": ("tab",),
                "fields": (
                    "label",
                    ("trader", "program"),
                    ("mode", "is_active"),
                    ("opened_on", "purchased_on"),
                    "has_optional_limits",
                ),
            },
        ),
        (
            "Guard",
            {
                "classes": ("tab",),
                "description": "Your own margin of safety, on top of the firm's rules.",
                "fields": (
                    ("slippage_ticks", "commission_per_side"),
                    ("floor_buffer", "floor_buffer_share"),
                    ("no_stop_ticks", "holds_over_reset"),
                    ("block_at_floor", "count_run_up"),
                    ("duplicate_window_seconds", "max_entries_per_minute"),
                    ("max_state_age_seconds", "max_signal_age_seconds"),
                ),
            },
        ),
        (
            "Watching",
            {
                "classes": ("tab",),
                "description": "What the monitor does without you. Exits are open whatever is set here.",
                "fields": (("flatten_when_locked", "flatten_lead_minutes"), "warn_at_shares"),
            },
        ),
        ("Your own limits", {"classes": ("tab",), "fields": ()}),
        ("Routes and venue", {"classes": ("tab",), "fields": ()}),
        ("Days", {"classes": ("tab",), "fields": ()}),
        ("Payouts", {"classes": ("tab",), "fields": ()}),
    )
    add_fieldsets = (
        (
            "The account",
            {
                "fields": (
                    ("trader", "program"),
                    "label",
                    ("opened_on", "purchased_on"),
                    "has_optional_limits",
                )
            },
        ),
        (
            "Where its orders go",
            {
                "description": "Dry-run is the default: everything is decided and recorded, nothing is sent.",
                "fields": ("mode", ("connection", "venue_account_id")),
            },
        ),
        (
            "Where it stands",
            {
                "description": "Leave all of it empty for a fresh account. Of a used one, give what the "
                "firm's dashboard shows: a peak that is not known refuses entries until it is.",
                "fields": (
                    ("balance", "equity"),
                    ("day_start_balance", "last_close"),
                    "payouts_paid",
                    ("highest_equity", "highest_close"),
                    ("highest_balance", "floor"),
                ),
            },
        ),
    )

    # --- the form ---

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        if obj is None:
            kwargs["form"] = OpenAccountForm
        return super().get_form(request, obj, change, **kwargs)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.add_fieldsets if obj is None else self.fieldsets

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        return () if obj is None else self.inlines

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        # Another trader is another lock, another program another set of anchors: open a new account.
        return ("trader", "program") if obj is not None else ()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """What it did must stay provable: an account is switched off instead."""
        return False

    def save_model(self, request: HttpRequest, obj: Model, form: Any, change: bool) -> None:
        account = cast(Account, obj)
        account._history_user = request.user  # type: ignore[attr-defined]
        before = Account.objects.values_list("mode", flat=True).get(pk=account.pk) if change else ""
        with transaction.atomic():
            if change:
                super().save_model(request, account, form, change)
            else:
                open_from(account, form, request)
            if account.mode != before and (change or account.mode == Account.Mode.LIVE):
                audit.record(
                    "account.mode_changed", f"account {account}", now=timezone.now(), actor=request.user,
                    before=before, after=account.mode,
                )  # fmt: skip
        for warning in out_of_cohort(account):
            self.message_user(request, warning, messages.WARNING)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        context = {**(extra_context or {})}
        account = self.get_object(request, object_id)
        if account is not None:
            # Put together when the page is rendered: a save that succeeds never looks.
            context["standing"] = SimpleLazyObject(lambda: standing_of(cast(Account, account)))
        return super().change_view(request, object_id, form_url, context)

    # --- what a person records ---

    def has_record_payout_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("firms.add_cashflow")

    def has_end_flag_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("firms.change_flag")

    def has_strike_out_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("firms.strike_out_terms")

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        """A broken floor's mark can be ended only while there is one; so with rules that were replaced."""
        hidden = []
        if not undoable_flags(object_id).exists():
            hidden.append("_end_flag")
        if not strikeable_rows(object_id).exists():
            hidden.append("_strike_out")
        shown_here = super().get_actions_detail(request, object_id)
        return [one for one in shown_here if not one.action_name.endswith(tuple(hidden))]

    @action(
        description="Record payout",
        icon="payments",
        permissions=["record_payout"],
        dialog={
            "title": "Record a payout",
            "description": "Money that leaves is no loss: the day's opening balance moves with it, and the "
            "program's floors do what the program says. This can't be taken back.",
            "form_class": PayoutDialog,
            "form_submit_text": "Record it",
        },
    )  # type: ignore[untyped-decorator,unused-ignore]
    def record_payout(self, request: HttpRequest, form: PayoutDialog, object_id: str) -> HttpResponse:
        account, amount = self._account(request, object_id), form.cleaned_data["amount"]
        state = services.record_cash_flow(
            account, core.CashFlow(form.cleaned_data["kind"]), amount, now=timezone.now(),
            reason=form.cleaned_data["reason"], actor=request.user,
        )  # fmt: skip
        currency = account.program.currency
        self.message_user(
            request,
            f"The payout of {money(amount, currency)} is recorded; the balance is "
            f"{money(state.balance, currency)}.",
            messages.SUCCESS,
        )
        return HttpResponseClientRedirect(address_of(account))

    @action(
        description="End a flag",
        icon="flag_check",
        permissions=["end_flag"],
        variant=ActionVariant.DANGER,
        dialog={
            "title": "End a flag raised in error",
            "description": "Only where you know that no floor was broken: the firm's own dashboard says so. "
            "Should the next report be at the floor again, the flag comes back.",
            "form_class": EndFlagDialog,
            "form_submit_text": "End it",
        },
    )  # type: ignore[untyped-decorator,unused-ignore]
    def end_flag(self, request: HttpRequest, form: EndFlagDialog, object_id: str) -> HttpResponse:
        account, flag = self._account(request, object_id), form.cleaned_data["flag"]
        services.end_flag(
            account, flag.key, cause=flag.cause, reason=form.cleaned_data["reason"], actor=request.user
        )
        word = f"{account} is no longer {key_in_words(flag)}"
        if left := "; ".join(in_words(other) for other in holding(account)):
            self.message_user(request, f"{word}, but it is still held: {left}.", messages.WARNING)
        else:
            self.message_user(request, f"{word}. Nothing holds it.", messages.SUCCESS)
        return HttpResponseClientRedirect(address_of(account))

    @action(
        description="Strike out rules",
        icon="gavel",
        permissions=["strike_out"],
        variant=ActionVariant.DANGER,
        dialog={
            "title": "Strike out rules that were replaced today",
            "description": "Entries have to pass every set of rules of the account's day until its next "
            "reset. A person who did not change them may let go of one: the present rules and the others "
            "still count.",
            "form_class": StrikeOutDialog,
            "form_submit_text": "Strike them out",
        },
    )  # type: ignore[untyped-decorator,unused-ignore]
    def strike_out(self, request: HttpRequest, form: StrikeOutDialog, object_id: str) -> HttpResponse:
        account = self._account(request, object_id)
        try:
            striking_out.strike_out(
                account, form.cleaned_data["rules"], actor=cast(User, request.user),
                reason=form.cleaned_data["reason"], now=timezone.now(),
            )  # fmt: skip
        except striking_out.NotASecondPerson as error:
            self.message_user(request, f"Nothing was struck out: {error}.", messages.ERROR)
        else:
            self.message_user(request, f"Those rules of {account} count no longer.", messages.SUCCESS)
        return HttpResponseClientRedirect(address_of(account))

    def _account(self, request: HttpRequest, object_id: str) -> Account:
        account = self.get_object(request, object_id)
        if not isinstance(account, Account):
            raise Http404
        return account

    # --- the list ---

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[AccountChangeList]:
        return AccountChangeList

    def get_queryset(self, request: HttpRequest) -> QuerySet[Account]:
        return super().get_queryset(request).select_related("program__firm", "trader")

    @shown("account", "label")
    def account(self, account: Account) -> SafeString:
        return format_html(
            '<span class="pg-two"><b>{}</b><small>{}</small></span>',
            account.label, account.program,
        )  # fmt: skip

    @shown("mode", "mode")
    def mode_now(self, account: Any) -> SafeString:
        return mode_badge(account.overview)

    @shown("state")
    def state_now(self, account: Any) -> SafeString:
        return state_badges(account.overview)

    @shown("equity", "state__equity")
    def equity_now(self, account: Any) -> SafeString:
        return money_cell(account.overview.equity, account.overview.currency)

    @shown("day P&L")
    def day_now(self, account: Any) -> SafeString:
        return profit_cell(account.overview.day_profit, account.overview.currency)

    @shown("nearest floor")
    def floor_now(self, account: Any) -> SafeString:
        return floor_cell(account.overview)

    @shown("room")
    def room_now(self, account: Any) -> SafeString:
        return room_cell(account.overview)

    @shown("position")
    def held(self, account: Any) -> SafeString | str:
        return position_cell(account.overview)
