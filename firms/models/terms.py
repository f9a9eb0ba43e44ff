"""The terms a decision was made under, word for word."""

from typing import ClassVar

from django.db import models


class TermsSnapshot(models.Model):
    """An account's effective terms as canonical text. Written once; its digest is its identity."""

    digest = models.CharField(max_length=64, unique=True)
    text = models.TextField()
    made_at = models.DateTimeField()

    append_only: ClassVar[bool] = True

    def __str__(self) -> str:
        return self.digest[:12]


class RulebookVersion(models.Model):
    """One row: a random text, written anew by triggers whenever a rule changes (see firms/rulebook.py)."""

    version = models.CharField(max_length=40)

    def __str__(self) -> str:
        return self.version
