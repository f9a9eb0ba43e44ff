"""Where a forward connection sends its orders, and in which shape."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from simple_history.models import HistoricalRecords

from execution.models.encrypted import EncryptedTextField
from execution.models.source import Connection


class ForwardTarget(models.Model):
    """The other half of a connection that forwards. Its credentials are encrypted, and never shown again."""

    class Service(models.TextChoices):
        TRADERSPOST = "traderspost", "TradersPost"
        PICKMYTRADE = "pickmytrade", "PickMyTrade"
        CROSSTRADE = "crosstrade", "CrossTrade (NinjaTrader)"
        STANDARD = "standard", "your own receiver (Standard Webhooks)"

    class Shape(models.TextChoices):
        JSON = "json", "JSON"
        TEXT = "text", "text"

    connection = models.OneToOneField(
        Connection, on_delete=models.CASCADE, primary_key=True, related_name="forward_target"
    )
    service = models.CharField(max_length=16, choices=Service, default=Service.TRADERSPOST)
    address = EncryptedTextField(
        "webhook address", help_text="The whole address that the service gives you. It counts as a secret."
    )
    secret = EncryptedTextField(
        "token or key",
        blank=True,
        help_text="PickMyTrade's token, CrossTrade's key. Stands in the message as {{secret}}.",
    )
    signing_secret = EncryptedTextField(
        blank=True,
        help_text="For your own receiver: whsec_… ; every message is signed with it (Standard Webhooks).",
    )
    headers = EncryptedTextField(
        "further headers",
        blank=True,
        help_text='Only where the receiver wants them: "Name: value", several separated by "|".',
    )
    shape = models.CharField(
        max_length=4, choices=Shape, blank=True, help_text="Of your own templates. Empty: the service's."
    )
    entry_template = models.TextField(
        blank=True,
        help_text="Your own message of an entry. Empty: the service's. Fields: {{ticker}} {{action}} {{quantity}} "
        "{{price}} {{stop}} {{target}} {{id}} {{time}} {{account}} {{symbol}} {{secret}}.",
    )
    flat_template = models.TextField(
        blank=True, help_text="Your own message that flattens a symbol. Empty: the service's."
    )
    symbols = models.TextField(
        blank=True,
        help_text="Symbols that the receiver writes otherwise, one a line: NQ = NQZ2026. The others go as NQ1!.",
    )
    whole_contracts = models.BooleanField(
        default=True, help_text="Refuse to send a broken size (0.5): futures have none."
    )
    local_network = models.BooleanField(
        default=False,
        help_text="The receiver stands on your own network: its address may be private, and http.",
    )
    history = HistoricalRecords(excluded_fields=["address", "secret", "signing_secret", "headers"])

    def __str__(self) -> str:
        return f"{self.get_service_display()} of {self.connection}"

    def clean(self) -> None:
        """Refuse what could never be sent. The connector's own checks say what is wrong."""
        from execution.connectors.forward.target import problems_of

        found: dict[str, Any] = problems_of(self)
        if found:
            raise ValidationError(found)
