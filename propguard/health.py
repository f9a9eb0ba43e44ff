"""Whether the process lives, and whether an alert that arrives now would be decided."""

from datetime import timedelta

from django.db import Error
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from execution.clock import database_now
from execution.models import Heartbeat

SILENT_AFTER = timedelta(seconds=30)
PARTS = ("queue", "supervisor")


@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """200 while the web process answers at all; looks at nothing else."""
    return JsonResponse({"status": "ok"})


@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """200 when the database answers and the queue and the supervisor have shown a sign of life lately."""
    try:
        beats = dict(Heartbeat.objects.values_list("name", "at"))
        now = database_now()
    except Error:
        return JsonResponse({"status": "unavailable", "silent": ["database"]}, status=503)
    silent = [part for part in PARTS if part not in beats or now - beats[part] > SILENT_AFTER]
    return JsonResponse(
        {"status": "unavailable" if silent else "ok", "silent": silent}, status=503 if silent else 200
    )
