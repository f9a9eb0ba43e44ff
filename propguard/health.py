"""Whether the process lives, and whether an alert that arrives now would be decided and watched."""

from datetime import timedelta

from django.db import Error
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from execution import heartbeats
from execution.clock import database_now


@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """200 while the web process answers at all; looks at nothing else."""
    return JsonResponse({"status": "ok"})


@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """200 when the database answers and each part has shown a sign of life lately. Ages are in seconds."""
    try:
        ages = heartbeats.ages(database_now())
    except Error:
        return JsonResponse({"status": "unavailable", "silent": ["database"], "parts": {}}, status=503)
    silent = [name for name, age in ages.items() if heartbeats.is_silent(name, age)]
    body = {
        "status": "unavailable" if silent else "ok",
        "silent": silent,
        "parts": {name: _part(name, age) for name, age in ages.items()},
    }
    return JsonResponse(body, status=503 if silent else 200)


def _part(name: str, age: timedelta | None) -> dict[str, float | None]:
    return {
        "age": None if age is None else round(max(age.total_seconds(), 0), 1),
        "limit": heartbeats.LIMITS[name].total_seconds(),
    }
