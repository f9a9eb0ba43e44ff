"""`POST /api/v1/marks/`: prices from outside, by which paper accounts are valued and their stops worked."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from execution import marks
from execution.decoding import FieldError
from execution.models import ApiKey
from signals_api import schemas
from signals_api.authentication import HasScope
from signals_api.fields import PastInstantField, price_field
from signals_api.problems import Problem

MOST_MARKS = 100


class MarkSerializer(serializers.Serializer[Any]):
    symbol = serializers.CharField(max_length=32)
    price = price_field()
    high = price_field(required=False, help_text="The highest since the mark before, where it is known.")
    low = price_field(required=False, help_text="The lowest.")
    at = PastInstantField(required=False, help_text="When the price was seen; now, where it is left out.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """The price lies within its bar."""
        if attrs.get("high", attrs["price"]) < attrs["price"]:
            raise serializers.ValidationError({"high": "It is below the price."})
        if attrs.get("low", attrs["price"]) > attrs["price"]:
            raise serializers.ValidationError({"low": "It is above the price."})
        return attrs


class MarksSerializer(serializers.Serializer[Any]):
    marks = serializers.ListField(child=MarkSerializer(), allow_empty=False, max_length=MOST_MARKS)


class MarksBookedSerializer(serializers.Serializer[Any]):
    booked = serializers.IntegerField(help_text="How many were newer than what was known.")


class MarksView(APIView):
    """Booked in the order given; a mark that is not newer than its symbol's last is passed over."""

    http_method_names = ["post"]
    permission_classes = [HasScope]
    required_scope = ApiKey.Scope.MARKS

    @extend_schema(
        operation_id="post_marks",
        summary="Post marks",
        request=MarksSerializer,
        responses={200: MarksBookedSerializer, **schemas.problems(400, 401, 403, 413, 415, 503)},
    )
    def post(self, request: Request) -> Response:
        form = MarksSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        now = timezone.now()
        prices = [
            marks.Price(mark["symbol"], mark["price"], mark.get("at", now), mark.get("high"), mark.get("low"))
            for mark in form.validated_data["marks"]
        ]
        try:
            return Response({"booked": marks.post(prices)})
        except marks.UnknownSymbol as error:
            unknown = FieldError("marks.symbol", "unknown_symbol", f"{error} is not a known instrument")
            raise Problem(400, "invalid_fields", "Some fields can't be used.", [unknown]) from error
