from django.apps import AppConfig


class PropGuardConfig(AppConfig):
    name = "propguard"
    verbose_name = "PropGuard"

    def ready(self) -> None:
        from propguard import checks  # noqa: F401 - registers the system checks
