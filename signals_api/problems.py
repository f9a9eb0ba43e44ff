"""Errors as RFC 9457 problems: a code for programs, a sentence for people, all field errors at once."""

import logging
from collections.abc import Iterable, Mapping
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import DataError, Error, IntegrityError
from django.http import Http404
from rest_framework import exceptions, status
from rest_framework.response import Response

from execution.decoding import FieldError
from execution.prompt import Busy

log = logging.getLogger(__name__)

RETRY_AFTER_SECONDS = 5


class Problem(exceptions.APIException):
    """An answer other than success. `code` is stable; `errors` name each field that can't be used."""

    def __init__(self, status_code: int, code: str, detail: str, errors: Iterable[FieldError] = ()) -> None:
        super().__init__(detail, code)
        self.status_code = status_code
        self.code = code
        self.errors = list(errors)


def is_unavailable(error: Exception) -> bool:
    """Whether the database failed us, and not what somebody sent."""
    return isinstance(error, Busy | Error) and not isinstance(error, DataError | IntegrityError)


def exception_handler(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """DRF's hook. A database that can't be reached is a 503, so that the sender tries again."""
    if isinstance(error, Problem):
        return _response(error.status_code, error.code, str(error.detail), error.errors)
    if is_unavailable(error):
        log.error("Database unavailable: %s", error)
        answer = _response(503, "unavailable", "The database can't be written to right now; send it again.")
        answer["Retry-After"] = str(RETRY_AFTER_SECONDS)
        return answer
    if isinstance(error, exceptions.ValidationError):
        return _response(400, "invalid_fields", "Some fields can't be used.", _flatten(error.detail))
    if isinstance(error, Http404):
        error = exceptions.NotFound()
    elif isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied()
    if not isinstance(error, exceptions.APIException):
        return None
    answer = _response(error.status_code, _code(error), str(error.detail))
    if header := getattr(error, "auth_header", None):
        answer["WWW-Authenticate"] = header
    return answer


def _response(code: int, name: str, detail: str, errors: Iterable[FieldError] = ()) -> Response:
    body: dict[str, Any] = {
        "type": f"urn:propguard:problem:{name}",
        "title": name.replace("_", " ").capitalize(),
        "status": code,
        "code": name,
        "detail": detail,
    }
    if listed := [error._asdict() for error in errors]:
        body["errors"] = listed
    return Response(body, status=code, content_type="application/problem+json")


def _code(error: exceptions.APIException) -> str:
    if error.status_code == status.HTTP_405_METHOD_NOT_ALLOWED:
        return "method_not_allowed"
    return str(getattr(error, "default_code", "error"))


def _flatten(detail: Any, path: str = "") -> list[FieldError]:
    """A serializer's nested errors, one entry each, with dotted field names."""
    if isinstance(detail, Mapping):
        return [e for key, value in detail.items() for e in _flatten(value, f"{path}.{key}".lstrip("."))]
    if isinstance(detail, list):
        if any(isinstance(item, Mapping) for item in detail):
            return [e for n, item in enumerate(detail) for e in _flatten(item, f"{path}[{n}]")]
        return [FieldError(path or "body", str(item.code), str(item)) for item in detail]
    return [FieldError(path or "body", str(detail.code), str(detail))]
