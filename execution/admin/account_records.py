"""What a person records on an account: a payout, the end of a wrong flag."""

from decimal import Decimal
from typing import Any, cast

from django import forms
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone
from unfold.widgets import (
    UnfoldAdminSelectWidget,
)

from enforcement import account as core
from firms.admin.base import (
    PlainDecimalWidget,
)
from firms.admin.display import money
from firms.admin.pausing import ReasonDialog, key_in_words
from firms.admin.terms_words import differences
from firms.models import Account, AccountState, Flag, FlagKey, Scope, TermsInForce
from firms.models.columns import MONEY
from firms.terms_in_force import LONGEST_DAY, in_force_now


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


class StrikeOutDialog(_AccountDialog):
    rules = forms.ChoiceField(widget=UnfoldAdminSelectWidget(), label="Which rules")
    field_order = ("rules", "reason")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        now = timezone.now()
        found = in_force_now(self.account, now)
        cast(forms.ChoiceField, self.fields["rules"]).choices = [
            (
                one.digest,
                f"until {one.until:%a %H:%M} UTC: "
                + "; ".join(differences((one.terms, one.guard), found.rules)),
            )
            for one in found.earlier(now)
        ]


def strikeable_rows(account_id: Any) -> QuerySet[TermsInForce]:
    """Rules that were replaced of late: they may still count today."""
    return TermsInForce.objects.filter(
        account=account_id, until__gt=timezone.now() - LONGEST_DAY, struck_out_at=None
    )
