"""Who sets the rules, and who owns the accounts."""

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from simple_history.models import HistoricalRecords


class Firm(models.Model):
    """A proprietary trading firm."""

    code = models.CharField(
        max_length=32,
        unique=True,
        validators=[RegexValidator(r"\A[A-Z0-9]+\Z", "Capital letters and digits only, such as FTMO.")],
        help_text="Capital letters and digits. Environment variables and the API use it: FTMO_1_MAX_CONTRACTS.",
    )
    name = models.CharField(max_length=120)
    website = models.URLField(blank=True)
    is_active = models.BooleanField(
        "active", default=True, help_text="Off: every entry for this firm's accounts is refused."
    )
    history = HistoricalRecords()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Trader(models.Model):
    """The owner of accounts. Its row is the one lock under which its accounts are judged and changed."""

    name = models.CharField(max_length=120, unique=True)
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="trader"
    )
    history = HistoricalRecords()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
