"""The terms a decision was made under, word for word."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from firms.models.account import Account


class TermsSnapshot(models.Model):
    """An account's effective terms as canonical text. Written once; its digest is its identity."""

    digest = models.CharField(max_length=64, unique=True)
    text = models.TextField()
    made_at = models.DateTimeField()

    append_only: ClassVar[bool] = True

    def __str__(self) -> str:
        return self.digest[:12]


class TermsInForce(models.Model):
    """From when to when a snapshot was an account's effective terms. `until` empty: it is now.

    Written by `firms.terms_in_force` under the trader's lock. An entry passes all of its account's day,
    except those that a second person has struck out.
    """

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="terms_in_force")
    snapshot = models.ForeignKey(
        TermsSnapshot, to_field="digest", on_delete=models.PROTECT, related_name="+", db_index=False
    )
    since = models.DateTimeField(help_text="When it was first seen in force.")
    until = models.DateTimeField(null=True, help_text="When another was seen in its place.")
    struck_out_at = models.DateTimeField(null=True)
    struck_out_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    struck_out_reason = models.TextField(blank=True)

    class Meta:
        verbose_name_plural = "terms in force"
        default_permissions = ()
        permissions = (("strike_out_terms", "Can strike out rules that were replaced today"),)
        constraints = [
            models.UniqueConstraint(
                fields=["account"], condition=Q(until__isnull=True), name="one_set_of_terms_in_force"
            )
        ]
        indexes = [models.Index(fields=["account", "until"], name="terms_in_force_of_day")]

    def __str__(self) -> str:
        return f"{self.account}: {self.snapshot_id[:12]}"


class RulebookVersion(models.Model):
    """One row: a random text, written anew by triggers whenever a rule changes (see firms/rulebook.py)."""

    version = models.CharField(max_length=40)

    def __str__(self) -> str:
        return self.version
