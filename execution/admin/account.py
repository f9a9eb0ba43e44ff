"""Accounts: how they stand, their switches, and the one form that opens them."""

from dataclasses import fields
from decimal import Decimal
from typing import Any, cast

from django import forms
from django.contrib import admin
from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.functional import SimpleLazyObject
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import (
    AutocompleteSelectFilter,
    ChoicesDropdownFilter,
    RelatedDropdownFilter,
)
from unfold.views import ChangeList
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

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
)
from execution.models import Connection, Decision, Order, Route, VenueAccount
from execution.order_state import RESERVING
from firms import audit
from firms.admin.base import EvidenceInline, HistoryAdmin, PlainDecimalWidget, PlainInline, shown
from firms.admin.display import NOTHING, ago, list_of, moment, money, number
from firms.admin.pausing import PausableAdmin, key_in_words
from firms.admin.words import in_full, name_of
from firms.models import Account, AccountDay
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
    highest_equity = _declared("The peak of equity ever; what an intraday trailing floor hangs on.")
    highest_close = _declared("The highest balance at a day's close; what an end-of-day floor hangs on.")

    class Meta:
        model = Account
        fields = ("trader", "program", "label", "mode", "opened_on")

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if given.get("mode") == Account.Mode.LIVE and given.get("connection") is None:
            self.add_error("connection", "A live account needs a connection, or it could send nothing.")
        peak, equity = given.get("highest_equity"), given.get("equity", given.get("balance"))
        if peak is not None and equity is not None and peak < equity:
            self.add_error("highest_equity", "The peak can't be below the equity.")
        return given

    def opening(self) -> OpeningState:
        return OpeningState(**{field.name: self.cleaned_data[field.name] for field in fields(OpeningState)})


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


class DayInline(EvidenceInline):
    model = AccountDay
    per_page = 20
    verbose_name_plural = "days"
    fields = readonly_fields = ("day", "opening", "closing", "profit", "high", "low")

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
class AccountAdmin(PausableAdmin, HistoryAdmin):
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
    change_form_outer_before_template = "propguard/account_standing.html"
    inlines = (RouteInline, VenueAccountInline, DayInline)
    fieldsets = (
        (
            "General",
            {
                "classes": ("tab",),
                "fields": ("label", ("trader", "program"), "mode", "is_active", "opened_on"),
            },
        ),
        (
            "Guard",
            {
                "classes": ("tab",),
                "description": "Your own margin of safety, on top of the firm's rules.",
                "fields": (
                    ("slippage_ticks", "commission_per_side"),
                    "floor_buffer",
                    "no_stop_ticks",
                    "block_at_floor",
                    ("max_state_age_seconds", "max_signal_age_seconds"),
                ),
            },
        ),
    )
    add_fieldsets = (
        ("The account", {"fields": (("trader", "program"), "label", "opened_on")}),
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
                "fields": (("balance", "equity"), "day_start_balance", ("highest_equity", "highest_close")),
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
        "figures": _figures(view, now),
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
    ]


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
        "why": flag.reason or flag.cause,
    }


def _or_unknown(amount: Decimal | None, currency: str) -> str:
    return "an unknown balance" if amount is None else money(amount, currency)
