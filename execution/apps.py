from django.apps import AppConfig


class ExecutionConfig(AppConfig):
    name = "execution"
    verbose_name = "Signals and orders"

    def ready(self) -> None:
        from django_q.signals import post_spawn

        from execution import pulse

        post_spawn.connect(pulse.say_farewell_at_end, dispatch_uid="farewell")
