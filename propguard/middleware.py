"""Which host may see what."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotFound
from django.http.request import split_domain_port, validate_host

PUBLIC_PATHS = ("/api/v1/webhooks/", "/api/v1/signals/", "/healthz")


class PublicHostMiddleware:
    """Under a public host name (PROPGUARD_PUBLIC_HOSTS) only the webhook, its status and /healthz exist.

    A tunnel from a laptop then publishes what TradingView needs, never the admin. The host is replaced
    by a local one afterwards, so that it need not stand in ALLOWED_HOSTS, where the admin would answer.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if settings.PUBLIC_HOSTS:
            domain, _ = split_domain_port(request.META.get("HTTP_HOST", ""))
            if domain and validate_host(domain, settings.PUBLIC_HOSTS):
                if not request.path.startswith(PUBLIC_PATHS):
                    return HttpResponseNotFound("Not here.", content_type="text/plain")
                request.public_host = request.META["HTTP_HOST"]  # type: ignore[attr-defined]
                request.META["HTTP_HOST"] = settings.ALLOWED_HOSTS[0].lstrip("*.") or "localhost"
        return self.get_response(request)
