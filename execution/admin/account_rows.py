"""What belongs to an account: its route and venue, own limits, days and payouts."""

from decimal import Decimal
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
)

from execution.admin.overview import (
    profit_cell,
)
from execution.models import Route, VenueAccount
from execution.order_state import RESERVING
from firms.admin.base import (
    EvidenceInline,
    PlainInline,
    SheetInline,
    shown,
)
from firms.admin.cash_flow import kind_badge
from firms.admin.display import NOTHING, moment, money
from firms.models import Account, AccountDay, CashFlow, PersonalLimits


class RouteInline(PlainInline):
    model = Route
    verbose_name_plural = "routes"


class VenueAccountInline(PlainInline):
    """Fixed while something is open there: its exit goes where the position is."""

    model = VenueAccount
    verbose_name = verbose_name_plural = "venue"

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return not has_something_open(obj) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return not has_something_open(obj) and super().has_delete_permission(request, obj)


def has_something_open(account: Any) -> bool:
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
