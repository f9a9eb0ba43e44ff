"""`POST /api/v1/webhooks/<source>/`: authenticate, parse, store, answer. Nothing else happens here.

The order of checks is fixed: method, address, size, media type, JSON, secret, fields, duplicate, store.
The sender waits three seconds at most and repeats after a 5xx only, so no body ever gets one; only a
database that can't be written to does.
"""

import json
import logging
from hashlib import sha256
from typing import Any

from django.http.request import RawPostDataException, UnreadablePostError
from django.urls import reverse
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_view
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from execution.connectors.forward.target import HOP_HEADER
from execution.decoding import Undecodable, decode
from execution.intake import Accepted, Conflict, accept, content_of
from execution.models import Kind, SignalSource
from signals_api import schemas
from signals_api.authentication import client_address, is_in, knows_secret
from signals_api.parsing import LARGEST_BODY, Malformed, load_object
from signals_api.problems import Problem, is_unavailable

log = logging.getLogger(__name__)

MEDIA_TYPES = frozenset({"", "application/json", "text/plain"})
BLANK = "***"


class WebhookView(APIView):
    """One alert in. 202: stored, with its work queued, in one commit. 200: a repeat of a stored one."""

    http_method_names = ["post"]
    authentication_classes = []
    permission_classes = [AllowAny]

    @extend_schema(
        operation_id="send_alert",
        summary="Send an alert",
        request={"application/json": schemas.ALERT},
        responses={
            202: schemas.ACCEPTED,
            200: schemas.ACCEPTED,
            **schemas.problems(400, 401, 403, 409, 413, 415, 503),
        },
        examples=[OpenApiExample("Buy two", value=schemas.ALERT_EXAMPLE, request_only=True)],
    )
    def post(self, request: Request, source: str, token: str | None = None) -> Response:
        try:
            return self._receive(request, source, token)
        except Problem as problem:
            _trace(request, source, problem)
            raise
        except Exception as error:
            if is_unavailable(error):
                raise
            # A body that breaks us would come back three times if it got a 5xx.
            log.exception("An alert for source %r could not be processed", source)
            raise Problem(
                400, "unprocessable", "The alert could not be processed; it was not traded."
            ) from error

    def _receive(self, request: Request, name: str, token: str | None) -> Response:
        if request.headers.get(HOP_HEADER) is not None:
            # Forwarded by a PropGuard, perhaps this one: an order would come back as an alert, for ever.
            raise Problem(400, "forwarded", "A PropGuard has forwarded this; it was not traded.")
        source = SignalSource.named(name)
        _check_address(request, source)
        raw = _read(request)
        _check_media_type(request)
        try:
            body = load_object(raw)
        except Malformed as error:
            raise Problem(400, "malformed", f"The body can't be read: {error}.") from error
        secret_field = "" if source is None else source.secret_field_name
        secret = body.get(secret_field) if token is None else token
        if source is None or not knows_secret(source, secret):
            raise Problem(401, "unauthenticated", "The source or its secret is not known.")
        return _answer(request, _store(source, body, raw, secret_field))


@extend_schema_view(post=extend_schema(operation_id="send_alert_with_token"))
class TokenWebhookView(WebhookView):
    """The same, for senders that can't put a secret into the body: it stands in the path."""


def _check_address(request: Request, source: SignalSource | None) -> None:
    allowed = [] if source is None else source.allowed_addresses.split()
    if allowed:
        address = client_address(request._request)
        if address is None or not is_in(address, allowed):
            raise Problem(403, "address_refused", "This address may not send here.")


def _read(request: Request) -> bytes:
    too_large = Problem(413, "too_large", f"The body is larger than {LARGEST_BODY} bytes.")
    try:
        if int(request.META.get("CONTENT_LENGTH") or 0) > LARGEST_BODY:
            raise too_large
        raw = request._request.body
    except ValueError as error:
        raise Problem(400, "malformed", "The Content-Length can't be read.") from error
    except (UnreadablePostError, RawPostDataException) as error:
        raise Problem(400, "malformed", "The body did not arrive whole.") from error
    if len(raw) > LARGEST_BODY:
        raise too_large
    return raw


def _check_media_type(request: Request) -> None:
    media_type, _, parameters = request.META.get("CONTENT_TYPE", "").lower().partition(";")
    charsets = [p.partition("=")[2].strip(" \"'") for p in parameters.split(";") if "charset" in p]
    if media_type.strip() not in MEDIA_TYPES or any(charset not in ("utf-8", "utf8") for charset in charsets):
        raise Problem(415, "unsupported_media_type", "Send application/json or text/plain, in UTF-8.")


def _store(source: SignalSource, body: dict[str, Any], raw: bytes, secret_field: str) -> Accepted:
    template = source.shape
    try:
        meaning = decode(body, template, source.default_symbol)
    except Undecodable as error:
        raise Problem(400, "invalid_fields", "Some fields can't be used.", error.errors) from error
    try:
        return accept(
            source,
            meaning,
            body=_blanked(raw, body, secret_field),
            content=content_of(body, secret_field),
        )
    except Conflict as error:
        raise Problem(
            409, "alert_id_conflict",
            f"The alert id {error.trade_id!r} was used before with other content; this one was not traded.",
        ) from error  # fmt: skip


def _blanked(raw: bytes, body: dict[str, Any], secret_field: str) -> bytes:
    """The message as it arrived, with its secret blanked, however it was written."""
    secret = body.get(secret_field)
    if secret is None:
        return raw
    if isinstance(secret, str) and secret:
        plain = raw.replace(secret.encode("utf-8", "surrogatepass"), BLANK.encode())
        if load_object(plain) == {**body, secret_field: BLANK}:
            return plain
    return json.dumps({**body, secret_field: BLANK}, default=str).encode("utf-8", "surrogatepass")


def _answer(request: Request, accepted: Accepted) -> Response:
    signal = accepted.signal
    stored = "recorded" if signal.kind == Kind.NOTE else "accepted"
    return Response(
        {
            "signal_id": signal.pk,
            "status": "duplicate" if accepted.is_duplicate else stored,
            "status_url": _absolute(request, reverse("signal-status", args=[signal.public_id])),
        },
        status=200 if accepted.is_duplicate else 202,
    )


def _absolute(request: Request, path: str) -> str:
    host = getattr(request._request, "public_host", None) or request.get_host()
    return f"{request.scheme}://{host}{path}"


def _trace(request: Request, source: str, problem: Problem) -> None:
    """A refused alert leaves a line: why, how large, from where; of its body only the hash."""
    raw: bytes = getattr(request._request, "_body", b"")
    log.warning(
        "Alert refused: %s (source=%s, size=%d, address=%s, sha256=%s)",
        problem.code, source[:60], len(raw), client_address(request._request), sha256(raw).hexdigest()[:16],
    )  # fmt: skip
