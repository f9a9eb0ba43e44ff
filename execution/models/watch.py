"""Marks, alarms, heartbeats and keys: what the system watches itself and the market with."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from simple_history.models import HistoricalRecords

from enforcement import context as core
from enforcement.instruments import family_of
from firms.models import Account
from firms.models.columns import price_column


class Mark(models.Model):
    """The last price seen of a symbol. Paper accounts are valued and their stops worked by it."""

    symbol = models.CharField(max_length=64, primary_key=True)
    price = price_column()
    at = models.DateTimeField()
    pending_price = price_column(null=True, help_text="One too far off to be believed before a second.")
    pending_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["symbol"]

    def __str__(self) -> str:
        return f"{self.symbol} {self.price.normalize():f}"


class NewsEvent(models.Model):
    """A scheduled release that news rules may forbid trading around."""

    class Impact(models.TextChoices):
        HIGH = "high"
        MEDIUM = "medium"
        LOW = "low"

    name = models.CharField(max_length=160, help_text="Such as US CPI.")
    at = models.DateTimeField(db_index=True)
    impact = models.CharField(max_length=8, choices=Impact, default=Impact.HIGH)
    currency = models.CharField(max_length=3, default="USD")
    targets = models.CharField(
        max_length=250, blank=True,
        help_text="Symbols or groups it moves, separated by commas. Empty: everything in its currency.",
    )  # fmt: skip
    source = models.CharField(max_length=250, blank=True, help_text="Where it was read.")
    history = HistoricalRecords()

    class Meta:
        ordering = ["at"]
        constraints = [models.UniqueConstraint(fields=["name", "at"], name="one_event_per_name_and_time")]

    def __str__(self) -> str:
        return f"{self.name} {self.at:%Y-%m-%d %H:%M}Z"

    def to_core(self) -> core.NewsEvent:
        """A symbol among the targets stands for its whole family: mini, micro, every month."""
        words = [word.strip() for word in self.targets.split(",") if word.strip()]
        targets = {symbol for word in words for symbol in family_of(word)}
        return core.NewsEvent(
            name=self.name, at=self.at, impact=self.impact, currency=self.currency, targets=frozenset(targets)
        )


class Alarm(models.Model):
    """Something a person must know. The same one is not raised twice while it is open."""

    kind = models.CharField(max_length=40)
    subject = models.CharField(max_length=120)
    account = models.ForeignKey(
        Account, null=True, blank=True, on_delete=models.PROTECT, related_name="alarms"
    )
    message = models.TextField()
    raised_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        ordering = ["-raised_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "subject"], condition=Q(closed_at__isnull=True), name="one_open_alarm_per_subject"
            )
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.kind}: {self.subject}"


class Heartbeat(models.Model):
    """When a part of the system last said that it works, and since when it has been saying so."""

    name = models.CharField(max_length=120, primary_key=True)
    at = models.DateTimeField()
    since = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.name


class Lease(models.Model):
    """Who leads the supervisors (PostgreSQL). `fence` is one higher with each new holder."""

    name = models.CharField(max_length=40, primary_key=True)
    holder = models.CharField(max_length=200)
    fence = models.PositiveBigIntegerField()
    until = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name}: {self.holder}"


class Reconciliation(models.Model):
    """When an account's books were last compared with its venue's, and what differed."""

    account = models.OneToOneField(
        Account, on_delete=models.CASCADE, primary_key=True, related_name="reconciliation"
    )
    at = models.DateTimeField(
        null=True, help_text="The last comparison that came to an end. Entries leave only soon after one."
    )
    due_at = models.DateTimeField(db_index=True)
    differences = models.TextField(
        blank=True, help_text="One a line. Entries are blocked while there are any."
    )
    error = models.TextField(blank=True, help_text="Why the last look came to no end.")

    def __str__(self) -> str:
        return f"{self.account}: {'differs' if self.differences else 'agrees'}"


class ApiKey(models.Model):
    """A machine's key for the REST API: shown once, stored as SHA-256, limited to its scopes."""

    class Scope(models.TextChoices):
        MARKS = "marks", "post marks"
        STATE = "state", "post account state"
        NEWS = "news", "post news"
        CONFIRM = "confirm", "confirm or decline orders"
        KILL = "kill", "engage the kill switch and read its report"
        SETTLE = "settle", "say what became of orders in doubt"

    name = models.CharField(max_length=80)
    prefix = models.CharField(max_length=12, unique=True, editable=False)
    key_sha256 = models.CharField(max_length=64, editable=False)
    scopes = models.CharField(
        max_length=120, help_text="Separated by spaces: marks, state, news, confirm, settle, kill."
    )
    expires_at = models.DateTimeField(null=True, blank=True)
    is_revoked = models.BooleanField("revoked", default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]
        verbose_name = "API key"

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"
