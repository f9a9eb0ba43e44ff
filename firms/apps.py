from django.apps import AppConfig
from django.db.models.signals import post_migrate


class FirmsConfig(AppConfig):
    name = "firms"
    verbose_name = "Firms and accounts"

    def ready(self) -> None:
        from firms.evidence import install_triggers
        from firms.reference_data import load

        post_migrate.connect(install_triggers, sender=self)
        post_migrate.connect(load, sender=self)
