"""`GET /api/v1/signals/<public id>/`: what became of an alert. The id is unguessable: no secret needed."""

from typing import Any

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from enforcement.explain import explain
from execution.models import Decision, Order, Signal
from execution.order_state import OrderStatus
from execution.router import newest
from signals_api import schemas


class FindingSerializer(serializers.Serializer[Any]):
    rule = serializers.CharField()
    code = serializers.CharField(help_text="Stable; for programs.")
    outcome = serializers.ChoiceField(["pass", "warn", "undetermined", "deny"])
    observed = serializers.CharField(allow_null=True)
    limit = serializers.CharField(allow_null=True)
    room = serializers.CharField(allow_null=True)
    message = serializers.CharField()


class OrderSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField(help_text="By which it is confirmed or declined.")
    client_order_id = serializers.CharField()
    status = serializers.CharField()
    symbol = serializers.CharField()
    confirm_until = serializers.DateTimeField(
        allow_null=True, help_text="While it is awaiting_confirmation: until when a person may confirm it."
    )
    side = serializers.CharField()
    quantity = serializers.CharField()
    filled_quantity = serializers.CharField()
    average_price = serializers.CharField(allow_null=True)
    note = serializers.CharField()


class DecisionSerializer(serializers.Serializer[Any]):
    account = serializers.CharField()
    leg = serializers.ChoiceField(["entry", "exit"])
    revision = serializers.IntegerField(help_text="2: the decision at a person's confirmation.")
    allowed = serializers.BooleanField()
    breach_type = serializers.CharField(allow_null=True)
    reason = serializers.CharField()
    findings = FindingSerializer(many=True)
    order = OrderSerializer(allow_null=True)


class SignalStatusSerializer(serializers.Serializer[Any]):
    signal_id = serializers.IntegerField()
    status = serializers.ChoiceField(["pending", "decided"])
    decisions = DecisionSerializer(many=True)


class SignalStatusView(APIView):
    """`decided` once every subscribed account has its decision; an exit may still be worked then."""

    http_method_names = ["get"]
    authentication_classes = []
    permission_classes = [AllowAny]

    @extend_schema(
        operation_id="signal_status",
        summary="What became of an alert",
        responses={200: SignalStatusSerializer, **schemas.problems(404)},
    )
    def get(self, request: Request, public_id: str) -> Response:
        signal = Signal.objects.filter(public_id=public_id).first()
        if signal is None:
            raise Http404
        waiting = signal.chunks.filter(done_at=None).exists()
        decisions = newest(signal.decisions.select_related("account__program", "order"))
        return Response(
            {
                "signal_id": signal.pk,
                "status": "pending" if waiting else "decided",
                "decisions": [_decision(decision) for decision in decisions],
            }
        )


def _decision(decision: Decision) -> dict[str, Any]:
    currency = decision.account.program.currency
    order = getattr(decision, "order", None)
    return {
        "account": decision.account.label,
        "leg": decision.leg,
        "revision": decision.revision,
        "allowed": decision.allowed,
        "breach_type": decision.breach_type or None,
        "reason": decision.reason,
        "findings": [
            {
                "rule": finding.rule,
                "code": finding.code,
                "outcome": finding.outcome.name.lower(),
                "observed": _text(finding.observed),
                "limit": _text(finding.limit),
                "room": _text(finding.room),
                "message": explain(finding, currency),
            }
            for finding in decision.findings
        ],
        "order": None if order is None else order_as_json(order),
    }


def order_as_json(order: Order) -> dict[str, Any]:
    waits = order.status == OrderStatus.AWAITING_CONFIRMATION.value
    return {
        "id": order.pk,
        "client_order_id": order.client_order_id,
        "status": order.status,
        "symbol": order.symbol,
        "confirm_until": order.deadline if waits else None,
        "side": order.side,
        "quantity": f"{order.quantity.normalize():f}",
        "filled_quantity": f"{order.filled_quantity.normalize():f}",
        "average_price": None if order.average_price is None else f"{order.average_price.normalize():f}",
        "note": order.note,
    }


def _text(value: object) -> str | None:
    return None if value is None else str(value)
