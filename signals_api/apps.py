from django.apps import AppConfig


class SignalsApiConfig(AppConfig):
    name = "signals_api"
    verbose_name = "API"
