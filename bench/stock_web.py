"""The naive side's webhook: a DRF view with a serializer, each look-up and each row through the ORM."""

from hashlib import sha256

from django.urls import path
from rest_framework import serializers
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.parsers import JSONParser
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bench import stock
from execution.models import SignalSource
from propguard.health import healthz


class AlertSerializer(serializers.Serializer):
    secret = serializers.CharField()
    action = serializers.ChoiceField(choices=["buy", "sell"])
    symbol = serializers.CharField(max_length=64)
    entry_price = serializers.DecimalField(max_digits=24, decimal_places=10)
    stop_loss = serializers.DecimalField(max_digits=24, decimal_places=10)
    session = serializers.CharField(max_length=64)
    bias = serializers.CharField(max_length=64)
    contracts = serializers.IntegerField(min_value=1)
    alert_id = serializers.CharField(max_length=120)


class StockWebhook(APIView):
    authentication_classes = []
    parser_classes = [JSONParser]
    permission_classes = [AllowAny]

    def post(self, request: Request, source: str) -> Response:
        body = request._request.body  # before DRF reads the stream
        alert = AlertSerializer(data=request.data)
        alert.is_valid(raise_exception=True)
        sender = SignalSource.objects.get(name=source)
        if sha256(alert.validated_data["secret"].encode()).hexdigest() != sender.secret_sha256:
            raise AuthenticationFailed
        signal = stock.accept(sender, alert.validated_data, body)
        return Response({"signal_id": signal.pk}, status=202)


urlpatterns = [
    path("api/v1/webhooks/<slug:source>/", StockWebhook.as_view()),
    path("healthz", healthz),
]
