"""Who did what, when and why: append-only."""

from typing import ClassVar

from django.conf import settings
from django.db import models


class AuditEntry(models.Model):
    """One act of a person or of the system. Never changed: triggers in the database refuse it."""

    at = models.DateTimeField(db_index=True)
    action = models.CharField(max_length=60, help_text="Dotted, such as flag.raised.")
    subject = models.CharField(max_length=160)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="None: the system.",
    )
    reason = models.TextField(blank=True)
    before = models.TextField(blank=True)
    after = models.TextField(blank=True)

    append_only: ClassVar[bool] = True

    class Meta:
        ordering = ["-at", "-pk"]
        verbose_name_plural = "audit entries"

    def __str__(self) -> str:
        return f"{self.action} {self.subject}"
