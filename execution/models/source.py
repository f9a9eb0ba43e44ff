"""Where signals come from, and which accounts follow them."""

from decimal import Decimal

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from simple_history.models import HistoricalRecords

from execution.templates import TEMPLATES, Template
from firms.models import Account
from firms.models.columns import quantity_column
from firms.statements import read


class SignalSource(models.Model):
    """One sender of alerts: its address is /api/v1/webhooks/<name>/.

    Secrets are stored as SHA-256 of a generated value, never in the clear. Two may be valid at a time,
    so that a secret can be changed without losing an alert.
    """

    name = models.SlugField(max_length=60, unique=True, help_text="Part of the webhook's address.")
    is_enabled = models.BooleanField("enabled", default=True, help_text="Off: its entries are refused.")
    template = models.CharField(
        max_length=16,
        choices=[(name, template.label) for name, template in TEMPLATES.items()],
        default="canonical",
        help_text="The shape of the alert message.",
    )
    secret_field = models.CharField(
        max_length=60,
        blank=True,
        help_text="The message's field that holds the secret. Empty: the template's own.",
    )
    default_symbol = models.CharField(
        max_length=32, blank=True, help_text="The symbol of messages that name none. Empty: they are refused."
    )
    allowed_addresses = models.TextField(
        blank=True,
        help_text="Addresses or networks, one a line, that may send. Empty: any that knows the secret.",
    )
    secret_sha256 = models.CharField(max_length=64, blank=True, editable=False)
    previous_secret_sha256 = models.CharField(max_length=64, blank=True, editable=False)
    history = HistoricalRecords(excluded_fields=["secret_sha256", "previous_secret_sha256"])

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    @classmethod
    def named(cls, name: str) -> "SignalSource | None":
        """The source of a webhook's address, its field mappings with it."""
        found = read(cls, "name = %(name)s", name=name)
        if not found:
            return None
        [source] = found
        mappings = read(FieldMapping, "source_id = %(source)s", source=source.pk)
        source._prefetched_objects_cache = {"mappings": mappings}  # type: ignore[attr-defined]
        return source

    @property
    def secret_hashes(self) -> list[str]:
        return [h for h in (self.secret_sha256, self.previous_secret_sha256) if h]

    @property
    def shape(self) -> Template:
        """The template with this source's own field mappings."""
        template = TEMPLATES[self.template]
        own = {mapping.field: (mapping.path,) for mapping in self.mappings.all()}
        return template._replace(paths={**template.paths, **own})

    @property
    def secret_field_name(self) -> str:
        return self.secret_field or TEMPLATES[self.template].secret_field


class FieldMapping(models.Model):
    """Where this source's messages hold a field, when it is not where the template has it."""

    source = models.ForeignKey(SignalSource, on_delete=models.CASCADE, related_name="mappings")
    field = models.CharField(
        max_length=32, choices=[(name, name) for name in sorted(TEMPLATES["canonical"].paths)]
    )
    path = models.CharField(max_length=120, help_text="Dotted, such as strategy.order_action.")

    class Meta:
        ordering = ["field"]
        constraints = [
            models.UniqueConstraint(fields=["source", "field"], name="one_mapping_per_source_and_field")
        ]

    def __str__(self) -> str:
        return f"{self.field} ← {self.path}"


class Route(models.Model):
    """An account that follows a source, and in what size."""

    class Sizing(models.TextChoices):
        AS_SENT = "as_sent", "as sent"
        FIXED = "fixed"
        MULTIPLIER = "multiplier"
        SHARE_OF_EQUITY = "share_of_equity", "share of equity at risk"
        SHARE_OF_ROOM = "share_of_room", "share of the room at risk"

    source = models.ForeignKey(SignalSource, on_delete=models.PROTECT, related_name="routes")
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="routes")
    is_enabled = models.BooleanField("enabled", default=True)
    sizing = models.CharField(max_length=16, choices=Sizing, default=Sizing.AS_SENT)
    fixed_size = quantity_column(null=True, blank=True, help_text="Contracts, whatever the alert says.")
    multiplier = quantity_column(
        null=True, blank=True, help_text="Times the alert's contracts, rounded down."
    )
    risk_share = models.DecimalField(
        max_digits=7, decimal_places=6, null=True, blank=True,
        validators=[MinValueValidator(Decimal("0.000001")), MaxValueValidator(Decimal(1))],
        help_text="Of equity, or of the room above the highest floor, to lose at the stop: 0.01 is 1 %.",
    )  # fmt: skip
    cut_to_fit = models.BooleanField(
        default=False, help_text="Where the size is refused, send the largest that passes every rule."
    )
    mini_to_micro = models.BooleanField(
        default=False, help_text="Where not one mini passes, send the same in micros (1 NQ is 10 MNQ)."
    )
    max_size = quantity_column(
        null=True, blank=True, help_text="Never more contracts than this in one order."
    )
    history = HistoricalRecords()

    class Meta:
        ordering = ["source", "account"]
        constraints = [
            models.UniqueConstraint(fields=["source", "account"], name="one_route_per_source_and_account"),
            models.CheckConstraint(
                condition=~Q(sizing="fixed") | Q(fixed_size__gt=0), name="fixed_sizing_has_a_size",
                violation_error_message="Fixed sizing needs a size above zero.",
            ),
            models.CheckConstraint(
                condition=~Q(sizing="multiplier") | Q(multiplier__gt=0), name="multiplier_sizing_has_a_multiplier",
                violation_error_message="Multiplier sizing needs a multiplier above zero.",
            ),
            models.CheckConstraint(
                condition=~Q(sizing__in=["share_of_equity", "share_of_room"]) | Q(risk_share__gt=0, risk_share__lte=1),
                name="risk_sizing_has_a_share",
                violation_error_message="Sizing by risk needs a share above zero.",
            ),
            models.CheckConstraint(
                condition=Q(max_size__isnull=True) | Q(max_size__gt=0), name="max_size_is_positive",
                violation_error_message="The largest size must be above zero.",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.source} → {self.account}"


class Connection(models.Model):
    """A login at a venue. Paper needs none: it is PropGuard's own simulation, and says so."""

    class Venue(models.TextChoices):
        PAPER = "paper", "paper (simulated here)"
        FORWARD = "forward", "forward (a webhook to a service or to your own receiver)"

    name = models.CharField(max_length=80, unique=True)
    venue = models.CharField(max_length=16, choices=Venue, default=Venue.PAPER)
    history = HistoricalRecords()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class VenueAccount(models.Model):
    """Which account it is at its venue."""

    account = models.OneToOneField(
        Account, on_delete=models.PROTECT, primary_key=True, related_name="venue_account"
    )
    connection = models.ForeignKey(Connection, on_delete=models.PROTECT, related_name="venue_accounts")
    venue_account_id = models.CharField(
        max_length=80, blank=True, help_text="The account's number at the venue."
    )

    def __str__(self) -> str:
        return f"{self.account} at {self.connection}"
