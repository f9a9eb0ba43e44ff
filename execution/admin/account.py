"""Accounts: how they stand, their switches, and the one form that opens them."""

from dataclasses import fields
from datetime import date
from decimal import Decimal
from typing import Any, ClassVar, cast

from django import forms
from django.contrib import admin, messages
from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
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
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from enforcement import account as core
from enforcement.account import StateSource
from execution.admin.overview import (
    Overview,
    floor_cell,
    mode_badge,
    money_cell,
    overviews,
    position_cell,
    profit_cell,
    room_bar,
    room_cell,
    state_badges,
    trading_now,
)
from execution.admin.progress import progress_box
from execution.models import Connection, Decision, Order, Route, VenueAccount
from execution.order_state import RESERVING
from firms import audit, services
from firms.admin.base import (
    EvidenceInline,
    HistoryAdmin,
    PlainDecimalWidget,
    PlainInline,
    SheetInline,
    shown,
)
from firms.admin.cash_flow import kind_badge
from firms.admin.display import NOTHING, address_of, ago, list_of, moment, money, number
from firms.admin.pausing import PausableAdmin, ReasonDialog, holding, in_words, key_in_words
from firms.admin.tabs import TabbedAdmin
from firms.admin.words import in_full, name_of
from firms.models import Account, AccountDay, AccountState, CashFlow, Flag, FlagKey, PersonalLimits, Scope
from firms.models.columns import MONEY
from firms.services import OpeningState, open_account


def _declared(help_text: str) -> forms.DecimalField:
    return forms.DecimalField(required=False, help_text=help_text, widget=PlainDecimalWidget(), **MONEY)


class OpenAccountForm(forms.ModelForm):
    """Everything it takes to open an account. What is left empty means a fresh one."""

    connection = forms.ModelChoiceField(
        Connection.objects.all(), required=False, empty_label="None: nothing can be sent",
        widget=UnfoldAdminSelectWidget(),
        help_text="Where its orders go. Paper is PropGuard's own simulation.",
    )  # fmt: skip
    venue_account_id = forms.CharField(
        max_length=80, required=False, label="Account number there", widget=UnfoldAdminTextInputWidget(),
    )  # fmt: skip
    balance = _declared("Closed results. Empty: the program's starting balance.")
    equity = _declared("Balance plus what is open. Empty: the balance.")
    day_start_balance = _declared("The balance when today's trading day began.")
    last_close = _declared("The balance at the last close. Empty: as when the day began.")
    highest_equity = _declared("The peak of equity ever; what an intraday trailing floor hangs on.")
    highest_close = _declared("The highest balance at a day's close; what an end-of-day floor hangs on.")
    highest_balance = _declared("The highest balance at any moment; what a closed-balance floor hangs on.")
    floor = _declared("The drawdown floor that the firm's dashboard shows; it stands for peaks left empty.")

    payouts_paid = forms.IntegerField(
        min_value=0, max_value=999, initial=0, required=False, label="Payouts so far",
        widget=UnfoldAdminTextInputWidget(),
        help_text="How many were paid before today: at some firms the first one fixes the floor.",
    )  # fmt: skip

    class Meta:
        model = Account
        fields = ("trader", "program", "label", "mode", "opened_on", "purchased_on", "has_optional_limits")

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if given.get("mode") == Account.Mode.LIVE and given.get("connection") is None:
            self.add_error("connection", "A live account needs a connection, or it could send nothing.")
        peak, equity = given.get("highest_equity"), given.get("equity", given.get("balance"))
        if peak is not None and equity is not None and peak < equity:
            self.add_error("highest_equity", "The peak can't be below the equity.")
        highest, balance = given.get("highest_balance"), given.get("balance")
        if highest is not None and balance is not None and highest < balance:
            self.add_error("highest_balance", "The highest balance can't be below the balance.")
        return given

    def clean_payouts_paid(self) -> int:
        return self.cleaned_data["payouts_paid"] or 0

    def opening(self) -> OpeningState:
        return OpeningState(**{field.name: self.cleaned_data[field.name] for field in fields(OpeningState)})


def out_of_cohort(account: Account) -> list[str]:
    """Why the program's rules may not be this account's: it was bought, or opened, outside their time."""
    program, bought = account.program, account.purchased_on
    told = []
    if bought is not None and program.purchased_from is not None and bought < program.purchased_from:
        told.append(_cohort(bought, "from", program.purchased_from))
    if bought is not None and program.purchased_until is not None and bought > program.purchased_until:
        told.append(_cohort(bought, "until", program.purchased_until))
    if program.effective_until is not None and account.opened_on > program.effective_until:
        told.append(
            f"It was opened on {account.opened_on}; the program's rules were in force until "
            f"{program.effective_until}."
        )
    return told


def _cohort(bought: date, word: str, limit: date) -> str:
    return f"It was bought on {bought}; the program's rules are those of accounts bought {word} {limit}."


# --- what a person records ------------------------------------------------------------------------------


class _AccountDialog(ReasonDialog):
    """A dialog that knows its account. Of one that is not there, nothing is shown."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.account = get_object_or_404(Account.objects.select_related("program"), pk=self.object_id)


class PayoutDialog(_AccountDialog):
    kind = forms.ChoiceField(
        choices=[
            (core.CashFlow.PAYOUT_REQUESTED.value, "asked for"),
            (core.CashFlow.PAYOUT_PAID.value, "paid: it has left the account"),
        ],
        widget=UnfoldAdminSelectWidget(),
        label="What happened",
    )
    amount = forms.DecimalField(min_value=Decimal("0.01"), widget=PlainDecimalWidget(), **MONEY)
    field_order = ("kind", "amount", "reason")

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        state = AccountState.objects.filter(account=self.account).first()
        if state is None:
            self.add_error(None, "Nothing is known of this account's balance.")
            self.add_error("amount", "Nothing is known of this account's balance.")
        elif given.get("amount") is not None and given["amount"] > state.balance:
            balance = money(state.balance, self.account.program.currency)
            self.add_error("amount", f"It is more than the balance, {balance}.")
        return given


class EndFlagDialog(_AccountDialog):
    flag = forms.ChoiceField(widget=UnfoldAdminSelectWidget(), label="Which one")
    field_order = ("flag", "reason")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.flags = {str(flag.pk): flag for flag in undoable_flags(self.account.pk)}
        field = cast(forms.ChoiceField, self.fields["flag"])
        field.choices = [(pk, f"{key_in_words(flag)}: {flag.reason}") for pk, flag in self.flags.items()]

    def clean_flag(self) -> Flag:
        return self.flags[self.cleaned_data["flag"]]


def undoable_flags(account_id: Any) -> QuerySet[Flag]:
    """The marks of a broken floor that are open: a person who knows better may end them."""
    return Flag.objects.filter(
        Flag.open_at(timezone.now()), account=account_id, scope=Scope.ACCOUNT,
        key__in=(FlagKey.FAILED, FlagKey.DAY_LOCK),
    )  # fmt: skip


# --- what belongs to an account -----------------------------------------------------------------------


class RouteInline(PlainInline):
    model = Route
    verbose_name_plural = "routes"


class VenueAccountInline(PlainInline):
    """Fixed while something is open there: its exit goes where the position is."""

    model = VenueAccount
    verbose_name = verbose_name_plural = "venue"

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return not _has_something_open(obj) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return not _has_something_open(obj) and super().has_delete_permission(request, obj)


def _has_something_open(account: Any) -> bool:
    if not isinstance(account, Account):
        return False
    return (
        account.positions.exclude(quantity=0).exists()
        or account.orders.filter(status__in=sorted(RESERVING)).exists()
        or account.exits.filter(done_at=None).exists()
    )


class PersonalLimitsForm(forms.ModelForm):
    class Meta:
        model = PersonalLimits
        fields = ("allowed_sessions",)
        widgets = {"allowed_sessions": UnfoldAdminCheckboxSelectMultipleWidget}


class PersonalLimitsInline(SheetInline):
    """One sheet, open: an account has one set of limits of its own, or none."""

    model = PersonalLimits
    form = PersonalLimitsForm
    verbose_name = verbose_name_plural = "your own limits: they can only tighten the program's"
    extra = 1
    collapsible = False
    hide_title = True
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("daily_loss", "max_drawdown", "profit_lock"),
                    ("max_contracts", "max_risk_share"),
                    ("max_trades_per_day", "max_losses_in_a_row", "cool_off_minutes"),
                    "flat_by_lead_minutes",
                    "allowed_sessions",
                )
            },
        ),
    )


class _MoneyInline(EvidenceInline):
    """Rows of money, in the currency of the account's program."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("account__program")


class CashFlowInline(_MoneyInline):
    model = CashFlow
    per_page = 20
    verbose_name_plural = "payouts: recorded by the button above"
    fields = readonly_fields = ("when", "what", "how_much", "why")

    @shown("when")
    def when(self, flow: CashFlow) -> SafeString | str:
        return moment(flow.at)

    @shown("what")
    def what(self, flow: CashFlow) -> SafeString:
        return kind_badge(flow)

    @shown("amount")
    def how_much(self, flow: CashFlow) -> str:
        return money(flow.amount, flow.account.program.currency)

    @shown("reason")
    def why(self, flow: CashFlow) -> str:
        return flow.reason or NOTHING


class DayInline(_MoneyInline):
    model = AccountDay
    per_page = 20
    verbose_name_plural = "days"
    fields = readonly_fields = ("day", "opening", "closing", "profit", "high", "low", "trades", "taken_out")

    @shown("opening balance")
    def opening(self, day: AccountDay) -> str:
        return "unknown" if day.opening_balance is None else _money_of(day, day.opening_balance)

    @shown("closing balance")
    def closing(self, day: AccountDay) -> str:
        return _money_of(day, day.closing_balance)

    @shown("profit")
    def profit(self, day: AccountDay) -> SafeString:
        return profit_cell(day.profit, day.account.program.currency)

    @shown("highest equity")
    def high(self, day: AccountDay) -> str:
        return _money_of(day, day.high_equity)

    @shown("lowest equity")
    def low(self, day: AccountDay) -> str:
        return _money_of(day, day.low_equity)

    @shown("paid out")
    def taken_out(self, day: AccountDay) -> str:
        return _money_of(day, day.paid_out) if day.paid_out else NOTHING


def _money_of(day: AccountDay, amount: Decimal) -> str:
    return money(amount, day.account.program.currency)


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
class AccountAdmin(TabbedAdmin, PausableAdmin, HistoryAdmin):
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
        {"title": "Record", "icon": "edit_note", "items": ("record_payout", "end_flag")},
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
                _open(account, form, request)
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

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        """A broken floor's mark can be ended only while there is one."""
        shown_here = super().get_actions_detail(request, object_id)
        if undoable_flags(object_id).exists():
            return list(shown_here)
        return [one for one in shown_here if not one.action_name.endswith("_end_flag")]

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


def _open(account: Account, form: OpenAccountForm, request: HttpRequest) -> None:
    connection = form.cleaned_data["connection"]
    paper = connection is not None and connection.venue == Connection.Venue.PAPER
    open_account(
        account,
        form.opening(),
        now=timezone.now(),
        source=StateSource.PAPER if paper else StateSource.DECLARED,
        actor=request.user,
    )
    if connection is not None:
        number_there = form.cleaned_data["venue_account_id"]
        VenueAccount.objects.create(account=account, connection=connection, venue_account_id=number_there)


def standing_of(account: Account) -> dict[str, Any]:
    """The panel on an account's page: figures, every floor with its room, what is open, what holds it."""
    now = timezone.now()
    view = overviews([account], now)[account.pk]
    return {
        "mode": mode_badge(view),
        "state": state_badges(view),
        "problem": view.problem,
        "warnings": out_of_cohort(account),
        "figures": _figures(view, now),
        "progress": progress_box(view, now),
        "floors": _floor_rows(view),
        "positions": _positions(view),
        "flags": [_flag_row(flag) for flag in view.flags],
        "links": (
            ("Decisions", list_of(Decision, f"account__id__exact={account.pk}")),
            ("Orders", list_of(Order, f"account__id__exact={account.pk}")),
        ),
    }


def _figures(view: Overview, now: Any) -> list[tuple[str, object, object]]:
    """Title, figure, what it is."""
    state, currency = view.state, view.currency
    if state is None or view.facts is None:
        return [("Equity", money_cell(None, currency), "nobody has reported it yet")]
    terms = view.facts.terms
    reset = terms.day.next_reset(now)
    return [
        ("Equity", money(state.equity, currency), f"{state.source.value}, {ago(state.as_of, now)}"),
        ("Balance", money(state.balance, currency), "closed results"),
        (
            "Day P&L",
            profit_cell(view.day_profit, currency),
            f"since {_or_unknown(state.day_start_balance, currency)}",
        ),
        ("Highest equity", money_cell(state.highest_equity, currency), "since the account began"),
        ("Highest close", money_cell(state.highest_close, currency), "at a day's end"),
        ("Trading day", f"{state.trading_day:%a %d %b}", f"resets {reset:%a %H:%M} UTC"),
        ("Entries now", *trading_now(view, now)),
        ("Trades today", _of_most(state.trades_today, terms.max_trades_per_day), "positions opened"),
        (
            "Losses in a row",
            _of_most(state.losses_in_a_row, terms.max_losses_in_a_row),
            f"last one {ago(state.last_loss_at, now)}" if state.losses_in_a_row else "none",
        ),
        ("Payouts", number(state.payouts_paid), f"paid, {number(state.payouts_requested)} asked for"),
    ]


def _of_most(count: int, most: int | None) -> str:
    return number(count) if most is None else f"{number(count)} of {number(most)}"


def _floor_rows(view: Overview) -> list[dict[str, object]]:
    if view.standing is None:
        return []
    currency, size = view.currency, view.account.program.size
    return [
        {
            "name": name_of(at.floor),
            "rule": in_full(at.floor, currency),
            "level": money_cell(at.level, currency),
            "room": room_bar(at, size, currency),
            "binds": at is view.binding,
        }
        for at in view.standing.floors
    ]


def _positions(view: Overview) -> list[dict[str, object]]:
    if view.facts is None:
        return []
    held: list[dict[str, object]] = [
        {
            "symbol": p.instrument.symbol,
            "quantity": number(p.quantity),
            "price": number(p.price),
            "stop": number(p.stop),
            "what": "position",
        }
        for p in view.facts.positions
    ]
    working: list[dict[str, object]] = [
        {
            "symbol": order.instrument.symbol,
            "quantity": f"{order.side.value} {number(order.quantity)}",
            "price": NOTHING,
            "stop": NOTHING,
            "what": "working order",
        }
        for order in view.facts.working
    ]
    return [*held, *working]


def _flag_row(flag: Any) -> dict[str, object]:
    return {
        "what": key_in_words(flag),
        "on": flag.scope,
        "by": flag.raised_by or f"the system ({flag.cause})",
        "at": moment(flag.raised_at),
        "until": moment(flag.until) if flag.until else "somebody ends it",
        "why": flag.reason or flag.cause,
    }


def _or_unknown(amount: Decimal | None, currency: str) -> str:
    return "an unknown balance" if amount is None else money(amount, currency)
