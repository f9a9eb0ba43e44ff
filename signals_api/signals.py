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
    client_order_id = serializers.CharField()
    status = serializers.CharField()
    side = serializers.CharField()
    quantity = serializers.CharField()
    filled_quantity = serializers.CharField()
    average_price = serializers.CharField(allow_null=True)
    note = serializers.CharField()


class DecisionSerializer(serializers.Serializer[Any]):
    account = serializers.CharField()
    leg = serializers.ChoiceField(["entry", "exit"])
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
        decisions = signal.decisions.select_related("account__program", "order").order_by("account_id", "leg")
        return Response(
            {
                "signal_id": signal.pk,
                "status": "pending" if waiting else "decided",
                "decisions": [_decision(decision) for decision in decisions],
            }
        )


def _decision(decision: Decision) -> dict[str, Any]:
    currency = decision.account.program.currency
    return {
        "account": decision.account.label,
        "leg": decision.leg,
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
        "order": _order(getattr(decision, "order", None)),
    }


def _order(order: Order | None) -> dict[str, Any] | None:
    if order is None:
        return None
    return {
        "client_order_id": order.client_order_id,
        "status": order.status,
        "side": order.side,
        "quantity": f"{order.quantity.normalize():f}",
        "filled_quantity": f"{order.filled_quantity.normalize():f}",
        "average_price": None if order.average_price is None else f"{order.average_price.normalize():f}",
        "note": order.note,
    }


def _text(value: object) -> str | None:
    return None if value is None else str(value)
