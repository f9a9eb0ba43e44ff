"""Every address PropGuard answers."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from propguard import health

urlpatterns = [
    path("", RedirectView.as_view(url="/admin/")),
    path("admin/", admin.site.urls),
    path("api/v1/", include("signals_api.urls")),
    path("healthz", health.healthz),
    path("readyz", health.readyz),
]
