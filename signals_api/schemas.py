"""What the OpenAPI page says of bodies that no serializer describes: alerts, their answers, problems."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.utils import OpenApiResponse

_TEXT = {"type": "string"}
_PRICE = {
    "oneOf": [{"type": "number", "minimum": 0}, {"type": "string", "pattern": r"^\d{1,12}(\.\d{1,10})?$"}],
    "nullable": True,
}

ALERT: dict[str, Any] = {
    "type": "object",
    "description": (
        "PropGuard's own message. A source with another template, or with field mappings, takes that shape. "
        "Fields not named here are ignored. No 5xx answers a body, whatever is in it."
    ),
    "required": ["action"],
    "properties": {
        "secret": {**_TEXT, "description": "The source's secret; not needed when the token is in the path."},
        "action": {**_TEXT, "enum": ["buy", "sell", "long", "short", "close", "ping"]},
        "symbol": {**_TEXT, "maxLength": 32, "example": "NQ1!"},
        "entry_price": _PRICE,
        "stop_loss": _PRICE,
        "take_profit": _PRICE,
        "contracts": {
            "oneOf": [{"type": "number"}, _TEXT],
            "description": "A whole number. Anything else counts as missing and is never replaced.",
        },
        "session": {**_TEXT, "maxLength": 64, "example": "NY AM"},
        "bias": {**_TEXT, "maxLength": 64},
        "market_position": {**_TEXT, "enum": ["long", "short", "flat"]},
        "alert_id": {**_TEXT, "maxLength": 120, "description": "Makes repeats recognisable for ever."},
        "time": {**_TEXT, "description": "The alert's own time, ISO 8601: {{timenow}}."},
    },
}
ALERT_EXAMPLE = {
    "secret": "the source's secret",
    "action": "buy",
    "symbol": "NQ1!",
    "entry_price": 20000.25,
    "stop_loss": 19990,
    "contracts": 2,
    "session": "NY AM",
}
ACCEPTED: dict[str, Any] = {
    "type": "object",
    "required": ["signal_id", "status", "status_url"],
    "properties": {
        "signal_id": {"type": "integer"},
        "status": {**_TEXT, "enum": ["accepted", "recorded", "duplicate"]},
        "status_url": {**_TEXT, "format": "uri", "description": "Unguessable; needs no secret."},
    },
}
_PROBLEM: dict[str, Any] = {
    "type": "object",
    "required": ["type", "title", "status", "code", "detail"],
    "properties": {
        "type": _TEXT,
        "title": _TEXT,
        "status": {"type": "integer"},
        "code": {**_TEXT, "description": "Stable; for programs."},
        "detail": _TEXT,
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "code", "message"],
                "properties": {"field": _TEXT, "code": _TEXT, "message": _TEXT},
            },
        },
    },
}
_MEANINGS = {
    400: "The body, or some of its fields, can't be used. Every field error is named.",
    401: "The source, its secret or the API key is not known.",
    403: "The address may not send here, or the key lacks the scope.",
    404: "There is no such thing.",
    409: "It contradicts what is stored.",
    413: "The body is too large.",
    415: "The media type is not one we take.",
    503: "The database can't be written to right now; send it again.",
}


class ApiKeyScheme(OpenApiAuthenticationExtension):
    """How an API key is sent; drf-spectacular finds this class by itself."""

    target_class = "signals_api.authentication.ApiKeyAuthentication"
    name = "ApiKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "`Api-Key <key>`; keys are made in the admin.",
        }


def problems(*codes: int) -> dict[tuple[int, str], OpenApiResponse]:
    """The RFC 9457 answers an endpoint may give."""
    return {
        (code, "application/problem+json"): OpenApiResponse(_PROBLEM, description=_MEANINGS[code])
        for code in codes
    }
