"""What a blind account's page adds: what is assumed of it, and the person's word that nothing is open."""

from typing import Any

from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django_htmx.http import HttpResponseClientRedirect
from unfold.decorators import action

from execution import blind
from execution.models import Leg, Order
from execution.order_state import WORKING
from firms.admin.display import address_of
from firms.admin.pausing import ReasonDialog
from firms.models import Account

BLIND = (
    "Blind: the venue can't be asked; state is declared or posted, positions are assumed. What was taken "
    "counts as open until an exit is sent or somebody says that nothing is open."
)


def told_of(account: Account) -> list[str]:
    """The banner of a blind account; nothing of another one."""
    return [BLIND] if blind.among([account.pk]) else []


class BlindAccountAdmin(admin.ModelAdmin):
    """Gives an account's page the action *Nothing is open*, while something is assumed to be."""

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        found = list(super().get_actions_detail(request, object_id))  # type: ignore[misc]
        taken = Order.objects.filter(account=object_id, leg=Leg.ENTRY, status__in=sorted(WORKING))
        if taken.exists() and blind.among([int(object_id)]):
            return found
        return [one for one in found if not one.action_name.endswith("_nothing_open")]

    @action(
        description="Nothing is open",
        icon="check_circle",
        permissions=["change"],
        dialog={
            "title": "Nothing is open at the broker",
            "description": "You have looked: the account holds nothing there, and nothing works. What is "
            "assumed open ends. What it came to is unknown until state is posted; entries wait for that.",
            "form_class": ReasonDialog,
            "form_submit_text": "Nothing is open",
        },
    )  # type: ignore[untyped-decorator,unused-ignore]
    def nothing_open(self, request: HttpRequest, form: ReasonDialog, object_id: str) -> HttpResponse:
        account = self.get_object(request, object_id)
        if not isinstance(account, Account) or not blind.among([account.pk]):
            raise Http404
        ended = blind.declare_flat(
            account, reason=form.cleaned_data["reason"], now=timezone.now(), actor=request.user
        )
        self.message_user(request, f"{len(ended)} assumed positions of {account} ended.", messages.SUCCESS)
        return HttpResponseClientRedirect(address_of(account))
