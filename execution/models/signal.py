"""A signal as it arrived, its key, and the chunks of accounts it is to be decided for."""

import json
import secrets
from decimal import Decimal
from typing import Any, ClassVar

from django.db import models
from django.db.models import Q

from execution.models.source import SignalSource
from firms.models.columns import price_column


def unguessable() -> str:
    return secrets.token_urlsafe(18)


class Kind(models.TextChoices):
    """What a signal asks for. A reversal has an exit leg and an entry leg; a note has none."""

    ENTRY = "entry"
    EXIT = "exit"
    REVERSE = "reverse", "reversal"
    NOTE = "note"


class Size(models.TextChoices):
    """Absent may fall back to the route's size; unusable (2.5, "abc", contradictory) never does."""

    GIVEN = "given"
    ABSENT = "absent"
    UNUSABLE = "unusable"


class Signal(models.Model):
    """What a sender posted, once. Append-only; also the durable task that the router handles."""

    public_id = models.CharField(max_length=32, unique=True, default=unguessable)
    source = models.ForeignKey(SignalSource, on_delete=models.PROTECT, related_name="signals")
    received_at = models.DateTimeField(db_index=True)
    body = models.BinaryField(help_text="The message as it arrived, byte for byte, its secret blanked.")
    body_sha256 = models.CharField(max_length=64)

    kind = models.CharField(max_length=8, choices=Kind)
    action = models.CharField(max_length=16)
    symbol = models.CharField(max_length=64, blank=True)
    family = models.CharField(
        max_length=64, blank=True, help_text="Of the symbol; itself where it is not known."
    )
    direction = models.CharField(max_length=5, blank=True, choices=[("long", "long"), ("short", "short")])
    entry_price = price_column(null=True)
    stop_loss = price_column(null=True)
    target = price_column(null=True)
    session = models.CharField(max_length=64, blank=True)
    bias = models.CharField(max_length=64, blank=True)
    contracts = models.PositiveIntegerField(null=True)
    size = models.CharField(max_length=8, choices=Size, default=Size.ABSENT)
    entry_contracts = models.PositiveIntegerField(
        null=True, help_text="Of the entry leg; of a reversal only its new side."
    )
    position_target = models.IntegerField(null=True, help_text="What an exit leaves, signed; 0 is flat.")
    position_before = models.IntegerField(null=True, help_text="The sender's own position before, signed.")
    alert_time = models.DateTimeField(null=True)
    trade_id = models.CharField(max_length=120, blank=True, help_text="The alert's own id.")

    append_only: ClassVar[bool] = True

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.action} {self.symbol}".strip()

    @property
    def has_entry(self) -> bool:
        return self.kind in (Kind.ENTRY, Kind.REVERSE)

    @property
    def has_exit(self) -> bool:
        return self.kind in (Kind.EXIT, Kind.REVERSE)

    def task_payload(self) -> dict[str, Any]:
        """The contract's payload, plus the signal's id. Prices are floats here, as the contract has them."""

        def number(value: Decimal | None) -> float | None:
            return None if value is None else float(value)

        return {
            "kind": "ENTRY" if self.has_entry else self.kind.upper(),
            "direction": self.direction or None,
            "entry_price": number(self.entry_price),
            "stop_loss": number(self.stop_loss),
            "session": self.session or None,
            "bias": self.bias or self.direction or None,
            "contracts": self.contracts,
            "signal_id": self.pk,
        }


class SignalKey(models.Model):
    """What makes a delivery the same as an earlier one: an alert's own id, or the hash of its content."""

    source = models.ForeignKey(SignalSource, on_delete=models.PROTECT, related_name="+")
    key = models.CharField(max_length=160)
    seen_at = models.DateTimeField()
    content_sha256 = models.CharField(max_length=64)
    signal = models.ForeignKey(Signal, on_delete=models.PROTECT, related_name="keys")
    repeats = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["source", "key"], name="one_signal_per_source_and_key")
        ]

    def __str__(self) -> str:
        return self.key


class SignalChunk(models.Model):
    """Accounts that one transaction decides together. Work, not evidence: done once `done_at` is set."""

    signal = models.ForeignKey(Signal, on_delete=models.PROTECT, related_name="chunks")
    number = models.PositiveIntegerField()
    account_ids_text = models.TextField()
    attempts = models.PositiveIntegerField(default=0)
    done_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["signal", "number"], name="one_chunk_per_number")]
        indexes = [
            # The sweeper's question, and each route task's first.
            models.Index(fields=["signal"], name="chunk_not_done", condition=Q(done_at__isnull=True))
        ]

    def __str__(self) -> str:
        return f"signal {self.signal_id} chunk {self.number}"

    @property
    def account_ids(self) -> list[int]:
        return json.loads(self.account_ids_text)
