"""Opening an account: one form, from a program or from what a firm's dashboard shows."""

from dataclasses import fields
from datetime import date
from typing import Any

from django import forms
from django.http import HttpRequest
from django.utils import timezone
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from enforcement.account import StateSource
from execution.models import Connection, VenueAccount
from firms.admin.base import (
    PlainDecimalWidget,
)
from firms.models import Account
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


def open_from(account: Account, form: OpenAccountForm, request: HttpRequest) -> None:
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
