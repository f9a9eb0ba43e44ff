"""`POST /api/v1/orders/<id>/confirm/`, `…/decline/`, `…/settle/`: a person's word on an order."""

from typing import Any

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from execution import confirmation
from execution.clock import database_now
from execution.confirmation import Person
from execution.models import ApiKey, Order
from execution.order_state import OrderStatus
from execution.orders import settle
from signals_api import schemas
from signals_api.authentication import HasScope
from signals_api.problems import Problem
from signals_api.signals import OrderSerializer, order_as_json

_NEVER_SENT = {
    OrderStatus.DENIED: ("order_denied", "The order was refused when it was confirmed: {note}"),
    OrderStatus.EXPIRED: ("order_expired", "The order's time is over: {note}."),
    OrderStatus.CANCELED: ("order_canceled", "The order is not sent any more: {note}."),
}


class AnswerSerializer(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=500, help_text="In a few words, for whoever asks later.")


class _AnswerView(APIView):
    """Answers by the order's own number, as the status page of its alert gives it. Repeating an answer
    changes nothing and is answered in the same way."""

    http_method_names = ["post"]
    permission_classes = [HasScope]
    required_scope = "confirm"

    def person_and_reason(self, request: Request) -> dict[str, Any]:
        form = AnswerSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        key = request.auth
        if not isinstance(key, ApiKey):
            raise TypeError("HasScope lets nobody in without a key")
        return {"person": Person(f"API key {key}"), "reason": form.validated_data["reason"]}


class ConfirmView(_AnswerView):
    """The rules are asked again at that moment, as if the order had been typed by hand then."""

    @extend_schema(
        operation_id="confirm_order",
        summary="Confirm an order",
        request=AnswerSerializer,
        responses={200: OrderSerializer, **schemas.problems(400, 401, 403, 404, 409, 413, 415, 503)},
    )
    def post(self, request: Request, order_id: int) -> Response:
        said = self.person_and_reason(request)
        try:
            order = confirmation.confirm(order_id, **said)
        except Order.DoesNotExist as error:
            raise Http404 from error
        status = OrderStatus(order.status)
        if _was_confirmed(order) and status is not OrderStatus.DENIED:
            return Response(order_as_json(order))
        code, detail = _NEVER_SENT.get(status, ("not_asked", "Nobody was asked to confirm this order."))
        raise Problem(409, code, detail.format(note=order.note))


class DeclineView(_AnswerView):
    """An order that is not sent anyway, refused or too late, needs no declining: that is a success too."""

    @extend_schema(
        operation_id="decline_order",
        summary="Decline an order",
        request=AnswerSerializer,
        responses={200: OrderSerializer, **schemas.problems(400, 401, 403, 404, 409, 413, 415, 503)},
    )
    def post(self, request: Request, order_id: int) -> Response:
        said = self.person_and_reason(request)
        try:
            order = confirmation.decline(order_id, **said)
        except Order.DoesNotExist as error:
            raise Http404 from error
        if OrderStatus(order.status) in _NEVER_SENT and order.claimed_at is None:
            return Response(order_as_json(order))
        if _was_confirmed(order):
            raise Problem(409, "already_confirmed", f"The order was confirmed before; it is {order.status}.")
        raise Problem(409, "not_asked", "Nobody was asked to confirm this order.")


class VerdictSerializer(AnswerSerializer):
    happened = serializers.BooleanField(
        allow_null=True, default=None,
        help_text="True: the venue has the order. False: it was never executed, and nothing of it works.",
    )  # fmt: skip
    venue_order_id = serializers.CharField(max_length=80, required=False, default="")

    def validate_happened(self, value: bool | None) -> bool:
        if not isinstance(self.initial_data.get("happened"), bool):  # "no" or 0 settles nothing
            raise serializers.ValidationError("must be true or false")
        return bool(value)


class SettleView(APIView):
    """What became of an order that nobody answered for: the caller has looked at the venue."""

    http_method_names = ["post"]
    permission_classes = [HasScope]
    required_scope = "settle"

    @extend_schema(
        operation_id="settle_order",
        summary="Say what became of an order in doubt",
        request=VerdictSerializer,
        responses={200: OrderSerializer, **schemas.problems(400, 401, 403, 404, 409, 413, 415, 503)},
    )
    def post(self, request: Request, order_id: int) -> Response:
        form = VerdictSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        said = form.validated_data
        order = Order.objects.select_related("account").filter(pk=order_id).first()
        if order is None:
            raise Http404
        reason = f"API key {request.auth}: {said['reason']}"
        if settle(
            order, happened=said["happened"], reason=reason, now=database_now(),
            venue_order_id=said["venue_order_id"],
        ):  # fmt: skip
            return Response(order_as_json(order))
        raise Problem(409, "not_in_doubt", f"The order is {order.status}: there is nothing to settle.")


def _was_confirmed(order: Order) -> bool:
    return order.decision is not None and order.decision.revision >= 2
