"""The REST API, under /api/v1/."""

from django.urls import path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from signals_api.accounts import AccountStateView
from signals_api.confirmations import ConfirmView, DeclineView, SettleView
from signals_api.kill import KillView
from signals_api.marks import MarksView
from signals_api.news import NewsView
from signals_api.signals import SignalStatusView
from signals_api.webhooks import TokenWebhookView, WebhookView

urlpatterns = [
    path("webhooks/<slug:source>/", WebhookView.as_view(), name="webhook"),
    path("webhooks/<slug:source>/<str:token>/", TokenWebhookView.as_view(), name="webhook-with-token"),
    path("signals/<str:public_id>/", SignalStatusView.as_view(), name="signal-status"),
    path("orders/<int:order_id>/confirm/", ConfirmView.as_view(), name="confirm-order"),
    path("orders/<int:order_id>/decline/", DeclineView.as_view(), name="decline-order"),
    path("orders/<int:order_id>/settle/", SettleView.as_view(), name="settle-order"),
    path("marks/", MarksView.as_view(), name="marks"),
    path("kill/", KillView.as_view(), name="kill"),
    path("news/", NewsView.as_view(), name="news"),
    path("accounts/<int:account_id>/state/", AccountStateView.as_view(), name="account-state"),
    path("schema/", SpectacularAPIView.as_view(), name="schema"),
    path("docs/", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="docs"),
]
