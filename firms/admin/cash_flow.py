"""Payouts asked for and paid: recorded on the account's page, never changed."""

from django.contrib import admin
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import AutocompleteSelectFilter, ChoicesDropdownFilter

from enforcement import account as core
from firms.admin.base import StreamAdmin, shown
from firms.admin.display import Tone, badge, cell, link, moment, money
from firms.models import CashFlow


@admin.register(CashFlow)
class CashFlowAdmin(StreamAdmin):
    list_display = ("when", "account_link", "kind_badge", "amount_in_money", "reason")
    list_display_links = ("when",)
    list_filter = (("account", AutocompleteSelectFilter), ("kind", ChoicesDropdownFilter))
    list_select_related = ("account__program",)
    search_fields = ("account__label", "reason")
    date_hierarchy = "at"
    fieldsets = ((None, {"fields": ("when", "account_link", "kind_badge", "amount_in_money", "reason")}),)

    @shown("when", "at")
    def when(self, flow: CashFlow) -> SafeString | str:
        return moment(flow.at)

    @shown("account", "account__label")
    def account_link(self, flow: CashFlow) -> SafeString | str:
        return link(flow.account)

    @shown("what", "kind")
    def kind_badge(self, flow: CashFlow) -> SafeString:
        return kind_badge(flow)

    @shown("amount", "amount")
    def amount_in_money(self, flow: CashFlow) -> SafeString:
        return cell(money(flow.amount, flow.account.program.currency))


def kind_badge(flow: CashFlow) -> SafeString:
    paid = flow.kind == core.CashFlow.PAYOUT_PAID
    return badge(flow.get_kind_display(), Tone.GOOD if paid else Tone.INFO)
