"""`PUT /api/v1/accounts/<id>/state/`: balance and equity, posted by who can read them off the platform."""

from typing import Any

from django.http import Http404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from enforcement.account import StateReport, StateSource
from execution import reports
from execution.models import ApiKey
from firms.models import Account
from signals_api import schemas
from signals_api.authentication import HasScope
from signals_api.fields import PastInstantField, money_field
from signals_api.problems import Problem


class StateSerializer(serializers.Serializer[Any]):
    """Money in the account's currency. What is left out stays as it is known."""

    balance = money_field(help_text="Closed results, commissions booked.")
    equity = money_field(help_text="Balance plus unrealised profit and loss.")
    as_of = PastInstantField(required=False, help_text="When both were true; now, where it is left out.")
    day_start_balance = money_field(required=False, help_text="Balance at the last reset.")
    day_start_equity = money_field(required=False, help_text="Equity at the last reset.")
    highest_equity = money_field(required=False, help_text="The peak of equity since the account began.")
    highest_close = money_field(required=False, help_text="The highest end-of-day balance.")
    highest_balance = money_field(required=False, help_text="The highest balance at any moment.")
    last_close = money_field(required=False, help_text="Balance at the last close of a trading day.")
    floor = money_field(required=False, help_text="The drawdown floor as the firm's own dashboard shows it.")
    flat = serializers.BooleanField(
        required=False,
        default=False,
        help_text="Nothing was open then: ends what is assumed of an account whose venue can't be asked.",
    )


class StateAnswerSerializer(serializers.Serializer[Any]):
    account = serializers.CharField()
    applied = serializers.BooleanField(help_text="False: a newer report was known already.")
    balance = serializers.CharField()
    equity = serializers.CharField()
    as_of = serializers.DateTimeField()
    trading_day = serializers.DateField()


class AccountStateView(APIView):
    """The state of an account that no venue reports. A paper account knows its own: 409."""

    http_method_names = ["put"]
    permission_classes = [HasScope]
    required_scope = ApiKey.Scope.STATE

    @extend_schema(
        operation_id="put_account_state",
        summary="Post an account's state",
        request=StateSerializer,
        responses={200: StateAnswerSerializer, **schemas.problems(400, 401, 403, 404, 409, 413, 415, 503)},
    )
    def put(self, request: Request, account_id: int) -> Response:
        form = StateSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        account = Account.objects.select_related("program__firm").filter(pk=account_id).first()
        if account is None:
            raise Http404
        given = dict(form.validated_data)
        flat = given.pop("flat")
        report = StateReport(**{"as_of": timezone.now(), **given}, source=StateSource.DECLARED)
        try:
            state = reports.post_state(account, report, flat=flat)
        except reports.ReportsItself as error:
            raise Problem(
                409, "reports_itself", "A paper account reports its own balance and equity."
            ) from error
        return Response(
            {
                "account": account.label,
                "applied": state.as_of == report.as_of,
                "balance": str(state.balance),
                "equity": str(state.equity),
                "as_of": state.as_of,
                "trading_day": state.trading_day,
            }
        )
