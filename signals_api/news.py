"""`PUT /api/v1/news/`: the calendar of scheduled releases, posted by whoever keeps one."""

from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from execution import news
from execution.decoding import FieldError
from execution.models import NewsEvent
from signals_api import schemas
from signals_api.authentication import HasScope
from signals_api.problems import Problem

NEWS_SCOPE = "news"
EXAMPLE = {
    "events": [
        {
            "name": "US CPI",
            "at": "2026-03-11T08:30:00-04:00",
            "impact": "high",
            "currency": "USD",
            "targets": ["equity_index", "ZN"],
            "source": "https://www.bls.gov/schedule/",
        }
    ]
}


class NewsEventSerializer(serializers.Serializer[Any]):
    """For the description only: `execution.news` checks, as it does for files."""

    name = serializers.CharField(max_length=160)
    at = serializers.DateTimeField(help_text="ISO 8601 with its offset; without one it is refused.")
    impact = serializers.ChoiceField(NewsEvent.Impact.choices, required=False, default="high")
    currency = serializers.CharField(max_length=3, required=False, default="USD")
    targets = serializers.ListField(
        child=serializers.CharField(),
        required=False,
        help_text="Symbols or groups of products that it moves (a text with commas is taken too). Empty: "
        "everything in its currency. One that is not known is refused.",
    )
    source = serializers.CharField(max_length=250, required=False)  # type: ignore[assignment]


class NewsSerializer(serializers.Serializer[Any]):
    events = serializers.ListField(
        child=NewsEventSerializer(), allow_empty=False, max_length=news.MOST_EVENTS
    )


class NewsStoredSerializer(serializers.Serializer[Any]):
    added = serializers.IntegerField()
    changed = serializers.IntegerField()
    unchanged = serializers.IntegerField()


_DESCRIBED: dict[str, Any] = {
    "request": NewsSerializer,
    "responses": {200: NewsStoredSerializer, **schemas.problems(400, 401, 403, 413, 415, 503)},
    "examples": [OpenApiExample("One release", value=EXAMPLE, request_only=True)],
}


class NewsView(APIView):
    """Stored by name and time, all or none. What the list does not hold stays as it is. PUT and POST do
    the same."""

    http_method_names = ["put", "post"]
    permission_classes = [HasScope]
    required_scope = NEWS_SCOPE

    @extend_schema(operation_id="put_news", summary="Store scheduled releases", **_DESCRIBED)
    def put(self, request: Request) -> Response:
        return _store(request)

    @extend_schema(operation_id="post_news", summary="Store scheduled releases", **_DESCRIBED)
    def post(self, request: Request) -> Response:
        return _store(request)


def _store(request: Request) -> Response:
    body = request.data
    events = body.get("events") if isinstance(body, Mapping) else None
    if not isinstance(events, list):
        wrong = FieldError("events", "required", "a list of events is needed")
        raise Problem(400, "invalid_fields", "Some fields can't be used.", [wrong])
    try:
        releases = news.check(news.as_rows(events))
    except news.Unusable as error:
        errors = [FieldError(_path(one), one.code, one.message) for one in error.errors]
        raise Problem(400, "invalid_fields", "Some fields can't be used.", errors) from error
    stored = news.store(releases, source=f"API key {request.auth}")
    return Response(stored._asdict())


def _path(error: news.RowError) -> str:
    return "events" if error.row is None else f"events[{error.row}].{error.field}"
