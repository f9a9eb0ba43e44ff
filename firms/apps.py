from django.apps import AppConfig
from django.db.models.signals import post_migrate


class FirmsConfig(AppConfig):
    name = "firms"
    verbose_name = "Firms and accounts"

    def ready(self) -> None:
        from firms import evidence, reference_data, rulebook

        post_migrate.connect(evidence.install_triggers, sender=self)
        post_migrate.connect(rulebook.install_triggers, sender=self)
        post_migrate.connect(reference_data.load, sender=self)
