"""Dated facts that stop trading: a pause, a day lock, a failed account, the kill switch."""

from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from firms.models.account import Account
from firms.models.firm import Firm
from firms.models.program import Program


class Scope(models.TextChoices):
    PLATFORM = "platform"
    FIRM = "firm"
    PROGRAM = "program"
    ACCOUNT = "account"


class FlagKey(models.TextChoices):
    """The keys with a meaning of their own. Any other open flag blocks as well."""

    PAUSED = "paused"
    DAY_LOCK = "day_lock", "locked for the day"
    FAILED = "failed"
    KILL = "kill", "killed"


MANUAL = "manual"


def _open(**subject: bool) -> Q:
    return Q(ended_at__isnull=True, **subject)


class Flag(models.Model):
    """One fact, from when it was raised to when it was ended. While it is open, entries are refused.

    A program's flag holds for all its accounts, present and future; so with firms and the platform.
    Raising a flag twice with the same cause changes nothing; ending it ends that cause only.
    """

    scope = models.CharField(max_length=8, choices=Scope)
    firm = models.ForeignKey(Firm, null=True, blank=True, on_delete=models.PROTECT, related_name="flags")
    program = models.ForeignKey(
        Program, null=True, blank=True, on_delete=models.PROTECT, related_name="flags"
    )
    account = models.ForeignKey(
        Account, null=True, blank=True, on_delete=models.PROTECT, related_name="flags"
    )
    key = models.CharField(max_length=40)
    cause = models.CharField(max_length=60, default=MANUAL)
    reason = models.TextField(blank=True)
    raised_at = models.DateTimeField()
    raised_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    end_reason = models.TextField(blank=True)
    until = models.DateTimeField(
        null=True, blank=True, help_text="It ends by itself then: a day lock at the next reset."
    )

    class Meta:
        ordering = ["-raised_at"]
        permissions = [
            ("engage_kill", "Can engage the kill switch"),
            ("release_kill", "Can release the kill switch"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["key", "cause"], condition=_open() & Q(scope="platform"), name="one_open_platform_flag"
            ),
            models.UniqueConstraint(
                fields=["firm", "key", "cause"], condition=_open(firm__isnull=False), name="one_open_firm_flag"
            ),
            models.UniqueConstraint(
                fields=["program", "key", "cause"], condition=_open(program__isnull=False), name="one_open_program_flag"
            ),
            models.UniqueConstraint(
                fields=["account", "key", "cause"], condition=_open(account__isnull=False), name="one_open_account_flag"
            ),
            models.CheckConstraint(
                condition=Q(scope="platform", firm__isnull=True, program__isnull=True, account__isnull=True)
                | Q(scope="firm", firm__isnull=False, program__isnull=True, account__isnull=True)
                | Q(scope="program", firm__isnull=True, program__isnull=False, account__isnull=True)
                | Q(scope="account", firm__isnull=True, program__isnull=True, account__isnull=False),
                name="flag_has_the_subject_of_its_scope",
            ),
            models.CheckConstraint(
                condition=~Q(key="kill") | Q(until__isnull=True), name="kill_ends_by_a_person_only"
            ),
        ]  # fmt: skip
        indexes = [models.Index(fields=["ended_at"], name="flag_open", condition=Q(ended_at__isnull=True))]

    def __str__(self) -> str:
        return f"{self.subject}: {self.key} ({self.cause})"

    @property
    def subject(self) -> str:
        return str(self.account or self.program or self.firm or "platform")

    @property
    def is_open(self) -> bool:
        return self.is_open_at(timezone.now())

    def is_open_at(self, now: datetime) -> bool:
        return self.ended_at is None and (self.until is None or now < self.until)

    @classmethod
    def open_at(cls, now: datetime) -> Q:
        """What an open flag looks like to a query: not ended, and its own end not reached."""
        return Q(ended_at=None) & (Q(until=None) | Q(until__gt=now))
