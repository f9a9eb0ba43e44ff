"""`POST /api/v1/kill/`: engage the kill switch. `GET`: how far it is. No key releases it: a person does."""

from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from execution import flattening, kill, kill_report
from execution.clock import database_now
from execution.decoding import FieldError
from execution.models import ApiKey
from firms.models import Scope
from firms.services import Subject
from signals_api import schemas
from signals_api.authentication import HasScope
from signals_api.problems import Problem

_NAMED = (Scope.FIRM, Scope.PROGRAM, Scope.ACCOUNT)


class SubjectSerializer(serializers.Serializer[Any]):
    """What the switch is for. `scope` says which of the three names counts; the platform has none."""

    scope = serializers.ChoiceField(Scope.choices, required=False, default="platform")
    firm = serializers.CharField(max_length=32, required=False, help_text="Its code.")
    program = serializers.CharField(max_length=60, required=False, help_text="CODE/NUMBER.")
    account = serializers.CharField(
        max_length=250, required=False, help_text="Its label; TRADER/LABEL where two share it."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """One name, that of the scope: an order to kill that can be read in two ways is refused."""
        given = [name for name in _NAMED if name in attrs]
        wanted = [] if attrs["scope"] == Scope.PLATFORM else [attrs["scope"]]
        if given != wanted:
            raise serializers.ValidationError(
                {"scope": "Give the name of this scope, and no other: firm, program or account."}
            )
        return attrs


class KillSerializer(SubjectSerializer):
    flatten = serializers.BooleanField(
        required=False,
        default=True,
        help_text="Close all the venues show. False: only entries stop.",
    )
    reason = serializers.CharField(max_length=500, help_text="In a few words, for whoever asks later.")


class StandingSerializer(serializers.Serializer[Any]):
    account = serializers.CharField()
    look = serializers.CharField(help_text="flat is said only after two looks, two seconds apart.")
    positions = serializers.IntegerField()
    working = serializers.IntegerField()
    on_wire = serializers.IntegerField()
    in_doubt = serializers.IntegerField()
    watch_until = serializers.DateTimeField(allow_null=True)
    note = serializers.CharField()


class KillReportSerializer(serializers.Serializer[Any]):
    subject = serializers.CharField()
    killed = serializers.BooleanField()
    flat = serializers.BooleanField(help_text="Verified, with nothing on the wire and nothing in doubt.")
    done = serializers.BooleanField(help_text="What was asked for: flat, or that no entry is left anywhere.")
    report = serializers.CharField(help_text="In words.")
    flatten = serializers.BooleanField()
    since = serializers.DateTimeField(allow_null=True)
    accounts = StandingSerializer(many=True)
    status_url = serializers.CharField()


class KillView(APIView):
    """The answer comes as soon as the switch is on; the web process goes on closing. Engaging it again
    changes nothing, but that it may be told to flatten as well."""

    http_method_names = ["get", "post"]
    permission_classes = [HasScope]
    required_scope = ApiKey.Scope.KILL

    @extend_schema(
        operation_id="kill_report",
        summary="How far the kill switch is",
        parameters=[
            OpenApiParameter("scope", enum=[*Scope.values], description="platform, where it is left out."),
            *(OpenApiParameter(name.value) for name in _NAMED),
        ],
        responses={200: KillReportSerializer, **schemas.problems(400, 401, 403, 404, 503)},
    )
    def get(self, request: Request) -> Response:
        form = SubjectSerializer(data=request.query_params.dict())
        form.is_valid(raise_exception=True)
        return Response(_report(request, _subject(form.validated_data), form.validated_data))

    @extend_schema(
        operation_id="engage_kill",
        summary="Engage the kill switch",
        request=KillSerializer,
        responses={202: KillReportSerializer, **schemas.problems(400, 401, 403, 404, 413, 415, 503)},
        examples=[
            OpenApiExample(
                "One account",
                value={
                    "scope": "account",
                    "account": "Apex-1",
                    "flatten": True,
                    "reason": "runaway",
                },
                request_only=True,
            )
        ],
    )
    def post(self, request: Request) -> Response:
        form = KillSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        given, subject = form.validated_data, _subject(form.validated_data)
        reason = f"API key {request.auth}: {given['reason']}"
        kill.engage(subject, flatten=given["flatten"], reason=reason)
        flattening.run_in_background(subject)
        return Response(_report(request, subject, given), status=202)


def _subject(given: dict[str, Any]) -> Subject:
    scope = given["scope"]
    try:
        return kill.subject_named(scope, given.get(scope, ""))
    except LookupError as error:
        unknown = FieldError(scope, "not_found", str(error))
        raise Problem(404, "not_found", str(error), [unknown]) from error


def _report(request: Request, subject: Subject, given: dict[str, Any]) -> dict[str, Any]:
    report = kill_report.report(subject, database_now())
    named = {name: given[name] for name in ("scope", *_NAMED) if name in given}
    return {
        "subject": report.subject,
        "killed": report.is_killed,
        "flat": report.is_flat,
        "done": report.is_done,
        "report": report.words,
        "flatten": report.flatten,
        "since": report.since if report.is_killed else None,
        "accounts": [
            {
                "account": one.label,
                "look": one.look.value,
                "positions": one.positions,
                "working": one.working,
                "on_wire": one.on_wire,
                "in_doubt": one.in_doubt,
                "watch_until": one.watch_until,
                "note": one.note,
            }
            for one in report.standings
        ],
        "status_url": request.build_absolute_uri(f"{reverse('kill')}?{urlencode(named)}"),
    }
