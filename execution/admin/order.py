"""Orders: their life step by step, and their fills."""

from datetime import datetime
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django_htmx.http import HttpResponseClientRedirect
from unfold.contrib.filters.admin import AutocompleteSelectFilter, ChoicesDropdownFilter
from unfold.decorators import action

from execution import confirmation
from execution.clock import database_now
from execution.confirmation import Person
from execution.models import Fill, Leg, Order, OrderEvent
from execution.order_state import IN_DOUBT, OrderStatus
from execution.orders import settle
from firms.admin.base import StreamAdmin, shown
from firms.admin.display import NOTHING, Tone, address_of, badge, cell, link, moment, money, number
from firms.admin.pausing import ReasonDialog

_TONES = {
    OrderStatus.AWAITING_CONFIRMATION: Tone.WARN,
    OrderStatus.DENIED: Tone.BAD,
    OrderStatus.APPROVED: Tone.INFO,
    OrderStatus.SUBMITTING: Tone.INFO,
    OrderStatus.ACCEPTED: Tone.INFO,
    OrderStatus.PARTIALLY_FILLED: Tone.GOOD,
    OrderStatus.FILLED: Tone.GOOD,
    OrderStatus.SKIPPED: Tone.CALM,
    OrderStatus.CANCELED: Tone.CALM,
    OrderStatus.EXPIRED: Tone.WARN,
    OrderStatus.REJECTED: Tone.BAD,
    OrderStatus.UNKNOWN: Tone.BAD,
    OrderStatus.HELD: Tone.BAD,
}
_MEANS = {
    OrderStatus.AWAITING_CONFIRMATION: "A person must confirm it, or it is not sent. It reserves nothing.",
    OrderStatus.DENIED: "Refused when a person confirmed it.",
    OrderStatus.APPROVED: "Decided, about to be sent.",
    OrderStatus.SUBMITTING: "Claimed: its one request is on the way.",
    OrderStatus.ACCEPTED: "Working at the venue.",
    OrderStatus.PARTIALLY_FILLED: "Partly filled at the venue.",
    OrderStatus.FILLED: "Filled at the venue.",
    OrderStatus.SKIPPED: "Dry-run: everything but the sending.",
    OrderStatus.CANCELED: "Not working any more.",
    OrderStatus.EXPIRED: "Its time was over.",
    OrderStatus.REJECTED: "The venue refused it.",
    OrderStatus.UNKNOWN: "Perhaps sent: nobody has said what became of it. It is never sent again.",
    OrderStatus.HELD: "Still not known after asking: a person must say.",
}


def status_badge(order: Order) -> SafeString:
    status = OrderStatus(order.status)
    return badge(status.value, _TONES[status], _MEANS[status])


def side_cell(side: str, quantity: object, symbol: str) -> SafeString:
    tone = "good" if side == "buy" else "bad"
    return format_html(
        '<span class="pg-figure"><b class="pg-text-{}">{}</b> {} <b>{}</b></span>',
        tone,
        side,
        quantity,
        symbol,
    )


def order_panel(order: Order, currency: str) -> dict[str, Any]:
    """An order in brief with its events: on its own page and on its decision's."""
    events = list(order.events.all())
    return {
        "order": order,
        "address": address_of(order),
        "status": status_badge(order),
        "means": _MEANS[OrderStatus(order.status)],
        "note": "" if any(event.detail == order.note for event in events) else order.note,
        "what": side_cell(order.side, number(order.quantity), order.symbol),
        "steps": [
            *([] if events and not events[0].before else [_first_step(order)]),
            *(_step(event.at, event.after, event.detail) for event in events),
        ],
        "fills": [_fill_row(fill, currency) for fill in order.fills.all()],
    }


def _first_step(order: Order) -> dict[str, object]:
    if order.leg == Leg.ENTRY:
        return _step(order.created_at, OrderStatus.APPROVED.value, "")
    return {"at": moment(order.created_at), "after": badge("exit"), "detail": "Made to close the position."}


def _step(at: datetime, after: str, detail: str) -> dict[str, object]:
    status = OrderStatus(after) if after in set(OrderStatus) else None
    return {
        "at": moment(at),
        "after": badge(after, _TONES[status] if status else Tone.CALM),
        "detail": detail or (_MEANS[status] if status else ""),
    }


def _fill_row(fill: Fill, currency: str) -> dict[str, object]:
    return {
        "at": moment(fill.filled_at),
        "what": side_cell(fill.side, number(fill.quantity), fill.symbol),
        "price": number(fill.price),
        "commission": money(fill.commission, currency),
        "why": fill.why or NOTHING,
        "id": fill.venue_fill_id,
    }


@admin.register(Order)
class OrderAdmin(StreamAdmin):
    list_display = (
        "when",
        "account_link",
        "what",
        "status_now",
        "leg",
        "filled",
        "price",
        "risk_in_money",
        "note",
    )
    list_display_links = ("when",)
    list_filter = (
        ("account", AutocompleteSelectFilter),
        ("status", ChoicesDropdownFilter),
        ("leg", ChoicesDropdownFilter),
    )
    search_fields = ("account__label", "symbol", "client_order_id", "venue_order_id")
    date_hierarchy = "created_at"
    ordering = ("-pk",)
    fieldsets = ((None, {"fields": ()}),)
    actions_detail = ("confirm", "decline", "happened", "did_not_happen")

    def has_settle_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("execution.change_order")

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        """Each is shown only while it can be done: to an order that waits, or that is in doubt."""
        order = self.get_object(request, str(object_id))
        possible = () if order is None else _possible_actions(OrderStatus(order.status))
        actions = super().get_actions_detail(request, object_id)
        return [one for one in actions if one.path in possible]

    def get_list_display(self, request: HttpRequest) -> tuple[str, ...]:
        """Whoever may answer finds the answers in the list as well, as links: the keyboard gets there."""
        columns = tuple(super().get_list_display(request))
        return (*columns, "answers") if self.has_settle_permission(request) else columns

    @action(
        description="Confirm",
        icon="check_circle",
        permissions=["settle"],
        dialog={
            "title": "Confirm this order",
            "description": "Every rule is asked again now. If none stands against it, it is sent at once.",
            "form_class": ReasonDialog,
            "form_submit_text": "Confirm and send",
        },
    )  # type: ignore[untyped-decorator,unused-ignore]
    def confirm(self, request: HttpRequest, form: ReasonDialog, object_id: str) -> HttpResponse:
        order = self._asked(request, object_id)
        order = confirmation.confirm(order.pk, person=_person(request), reason=form.cleaned_data["reason"])
        status = OrderStatus(order.status)
        if status is OrderStatus.DENIED:
            self.message_user(request, f"Refused: {order.note}", messages.ERROR)
        elif order.decision is None or order.decision.revision < 2:
            self.message_user(request, f"{order} is {_in_words(order)}: it was not sent.", messages.WARNING)
        else:
            self.message_user(request, f"Confirmed: {order} is {_in_words(order)}.", messages.SUCCESS)
        return HttpResponseClientRedirect(address_of(order))

    @action(
        description="Decline",
        icon="cancel",
        permissions=["settle"],
        dialog={
            "title": "Decline this order",
            "description": "It is not sent, and nobody can confirm it any more.",
            "form_class": ReasonDialog,
            "form_submit_text": "Decline it",
        },
    )  # type: ignore[untyped-decorator,unused-ignore]
    def decline(self, request: HttpRequest, form: ReasonDialog, object_id: str) -> HttpResponse:
        order = self._asked(request, object_id)
        order = confirmation.decline(order.pk, person=_person(request), reason=form.cleaned_data["reason"])
        self.message_user(request, f"{order} is {_in_words(order)}.", messages.INFO)
        return HttpResponseClientRedirect(address_of(order))

    def _asked(self, request: HttpRequest, object_id: str) -> Order:
        order: Order | None = self.get_object(request, object_id)
        if order is None:
            raise Http404
        return order

    @action(
        description="It happened",
        icon="person_check",
        permissions=["settle"],
        dialog={
            "title": "The venue has this order",
            "description": "You have looked at the venue: it is there, working or filled. Its reports "
            "go on from here; on a blind account it counts as filled until its position is closed.",
            "form_class": ReasonDialog,
            "form_submit_text": "It happened",
        },
    )  # type: ignore[untyped-decorator,unused-ignore]
    def happened(self, request: HttpRequest, form: ReasonDialog, object_id: str) -> HttpResponse:
        return self._settle(request, form, object_id, happened=True)

    @action(
        description="It did not happen",
        icon="person_cancel",
        permissions=["settle"],
        dialog={
            "title": "This order was never executed",
            "description": "You have looked at the venue: it is not filled, and nothing of it works there. "
            "What it had reserved is freed. Should a fill be reported after all, it is booked.",
            "form_class": ReasonDialog,
            "form_submit_text": "It did not happen",
        },
    )  # type: ignore[untyped-decorator,unused-ignore]
    def did_not_happen(self, request: HttpRequest, form: ReasonDialog, object_id: str) -> HttpResponse:
        return self._settle(request, form, object_id, happened=False)

    def _settle(
        self, request: HttpRequest, form: ReasonDialog, object_id: str, *, happened: bool
    ) -> HttpResponse:
        order, reason = self._asked(request, object_id), form.cleaned_data["reason"]
        if settle(order, happened=happened, reason=reason, now=database_now(), actor=request.user):
            said = "happened" if happened else "did not happen"
            self.message_user(request, f"Settled: {order} {said}.", messages.SUCCESS)
        else:
            self.message_user(request, f"{order} is {_in_words(order)}: not in doubt.", messages.INFO)
        return HttpResponseClientRedirect(address_of(order))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Order]:
        rows = super().get_queryset(request)
        return rows.select_related("account__program__firm", "signal", "decision__account", "exit__account")

    def page(self, row: Order) -> dict[str, Any]:
        panel = order_panel(row, row.account.program.currency)
        return {"order_panel": panel, "facts": _facts(row)}

    @shown("created", "created_at")
    def when(self, order: Order) -> SafeString | str:
        return moment(order.created_at)

    @shown("account", "account__label")
    def account_link(self, order: Order) -> SafeString | str:
        return link(order.account)

    @shown("order")
    def what(self, order: Order) -> SafeString:
        return side_cell(order.side, number(order.quantity), order.symbol)

    @shown("status", "status")
    def status_now(self, order: Order) -> SafeString:
        return status_badge(order)

    @shown("filled")
    def filled(self, order: Order) -> SafeString:
        return cell(f"{number(order.filled_quantity)} of {number(order.quantity)}")

    @shown("average price")
    def price(self, order: Order) -> SafeString:
        return cell(number(order.average_price))

    @shown("risk", "risk")
    def risk_in_money(self, order: Order) -> SafeString:
        return cell(money(order.risk, order.account.program.currency))

    @shown("your answer")
    def answers(self, order: Order) -> SafeString | str:
        if order.status != OrderStatus.AWAITING_CONFIRMATION.value:
            return NOTHING
        return format_html_join(
            " ",
            _ANSWER,
            ((reverse(f"admin:execution_order_{name}", args=[order.pk]), text) for name, text in _ANSWERS),
        )


# As unfold opens the dialog of a row's action; its own menu of them is out of the keyboard's reach.
_ANSWER = (
    '<a class="pg-link" href="{0}" hx-get="{0}" hx-target="#modal-content" hx-select="#dialog" '
    'x-on:htmx:after-on-load="openModal = true">{1}</a>'
)
_ANSWERS = (("confirm", "Confirm"), ("decline", "Decline"))


def _possible_actions(status: OrderStatus) -> tuple[str, ...]:
    if status is OrderStatus.AWAITING_CONFIRMATION:
        return ("confirm", "decline")
    return ("happened", "did_not_happen") if status in IN_DOUBT else ()


def _person(request: HttpRequest) -> Person:
    return Person(request.user.get_username(), request.user)


def _in_words(order: Order) -> str:
    return str(order.status).replace("_", " ")


def _facts(order: Order) -> list[tuple[str, object]]:
    return [
        ("Account", link(order.account)),
        ("Decision", link(order.decision)),
        ("Signal", link(order.signal)),
        ("Exit", link(order.exit)),
        ("Leg", order.leg),
        ("Entry", number(order.entry_price)),
        ("Stop", number(order.stop_loss)),
        ("Target", number(order.target)),
        ("Filled", f"{number(order.filled_quantity)} of {number(order.quantity)}"),
        ("Average price", number(order.average_price)),
        ("Reserved risk", money(order.risk, order.account.program.currency)),
        ("Deadline", moment(order.deadline)),
        ("Alert's own id", "yes" if order.has_own_id else "no"),
        ("Our id", format_html("<code>{}</code>", order.client_order_id)),
        (
            "Venue's id",
            format_html("<code>{}</code>", order.venue_order_id) if order.venue_order_id else NOTHING,
        ),
    ]


@admin.register(OrderEvent)
class OrderEventAdmin(StreamAdmin):
    list_display = ("when", "order_link", "step", "detail")
    list_display_links = ("when",)
    list_select_related = ("order",)
    search_fields = ("order__client_order_id", "detail")
    ordering = ("-pk",)
    fieldsets = ((None, {"fields": ("when", "order_link", "step", "detail")}),)

    @shown("when", "at")
    def when(self, event: OrderEvent) -> SafeString | str:
        return moment(event.at)

    @shown("order")
    def order_link(self, event: OrderEvent) -> SafeString | str:
        return link(event.order)

    @shown("step")
    def step(self, event: OrderEvent) -> SafeString:
        after = OrderStatus(event.after) if event.after in set(OrderStatus) else None
        return badge(f"{event.before or 'new'} → {event.after}", _TONES[after] if after else Tone.CALM)


@admin.register(Fill)
class FillAdmin(StreamAdmin):
    list_display = ("when", "account_link", "what", "price_at", "cost", "why", "order_link")
    list_display_links = ("when",)
    list_filter = (("account", AutocompleteSelectFilter), "why")
    list_select_related = ("account__program", "order")
    search_fields = ("account__label", "symbol", "venue_fill_id")
    ordering = ("-pk",)
    fieldsets = (
        (None, {"fields": ("when", "account_link", "what", "price_at", "cost", "why", "order_link")}),
        ("At the venue", {"fields": ("venue_fill_id", "booked")}),
    )

    @shown("filled", "filled_at")
    def when(self, fill: Fill) -> SafeString | str:
        return moment(fill.filled_at)

    @shown("booked", "booked_at")
    def booked(self, fill: Fill) -> SafeString | str:
        return moment(fill.booked_at)

    @shown("account", "account__label")
    def account_link(self, fill: Fill) -> SafeString | str:
        return link(fill.account)

    @shown("fill")
    def what(self, fill: Fill) -> SafeString:
        return side_cell(fill.side, number(fill.quantity), fill.symbol)

    @shown("price", "price")
    def price_at(self, fill: Fill) -> SafeString:
        return cell(number(fill.price))

    @shown("commission", "commission")
    def cost(self, fill: Fill) -> SafeString:
        return cell(money(fill.commission, fill.account.program.currency))

    @shown("order")
    def order_link(self, fill: Fill) -> SafeString | str:
        return link(fill.order)
