"""Encrypt every stored credential anew, under the first key of PROPGUARD_CREDENTIALS_KEY."""

from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand, CommandError
from django.db import models

from execution.models.encrypted import EncryptedTextField
from execution.vault import Sealed, Unreadable


class Command(BaseCommand):
    help = (
        "Encrypts every stored credential anew under the first key. To change the key: put the new one in "
        "front of the old (PROPGUARD_CREDENTIALS_KEY=new,old), restart, run this, then leave only the new."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        unreadable = []
        rotated = 0
        for model, field in _encrypted():
            for row in model._default_manager.exclude(**{field.name: Sealed()}):
                stored = field.value_from_object(row)
                try:
                    fresh = stored.rotated()
                except Unreadable:
                    unreadable.append(f"{row}: {field.verbose_name}")
                    continue
                # Only where nobody typed another one meanwhile.
                same = model._default_manager.filter(pk=row.pk, **{field.name: stored})
                rotated += same.update(**{field.name: fresh})
        self.stdout.write(f"{rotated} credentials are encrypted under the first key.")
        if unreadable:
            raise CommandError("Encrypted under a key that is not at hand: " + "; ".join(unreadable))


def _encrypted() -> list[tuple[type[models.Model], EncryptedTextField]]:
    return [
        (model, field)
        for model in apps.get_models()
        for field in model._meta.concrete_fields
        if isinstance(field, EncryptedTextField)
    ]
