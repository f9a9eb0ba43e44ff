"""The recorded answer for one account and one leg of a signal."""

import json
from decimal import Decimal
from typing import ClassVar

from django.db import models

from enforcement.decision import Finding, FloorRoom, Outcome
from enforcement.explain import explain, explain_fit
from enforcement.floors import LossFloor
from enforcement.replay import read_object
from execution.models.signal import Signal
from firms.models import Account, TermsSnapshot
from firms.models.columns import money_column, price_column, quantity_column


class Leg(models.TextChoices):
    ENTRY = "entry"
    EXIT = "exit"


class Decision(models.Model):
    """What the rules said, with every number. Append-only."""

    signal = models.ForeignKey(Signal, on_delete=models.PROTECT, related_name="decisions", db_index=False)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="decisions")
    leg = models.CharField(max_length=5, choices=Leg, default=Leg.ENTRY)
    revision = models.PositiveSmallIntegerField(
        default=1, help_text="A person's confirmation is a decision of its own, the second."
    )
    decided_at = models.DateTimeField(db_index=True)
    allowed = models.BooleanField()
    breach_type = models.CharField(max_length=16, blank=True)
    code = models.CharField(max_length=64, blank=True, help_text="The refusing finding's code.")
    symbol = models.CharField(max_length=64)
    side = models.CharField(max_length=4, blank=True)
    quantity = quantity_column(null=True, help_text="After the route's sizing.")
    entry_price = price_column(null=True)
    stop_loss = price_column(null=True)
    target = price_column(null=True)
    equity = money_column(null=True)
    risk = money_column(null=True, help_text="The order's worst case: stop, slippage allowance, commissions.")
    fits = quantity_column(null=True, help_text="The largest size that would have passed.")
    findings_text = models.TextField()
    floors_text = models.TextField()
    context_text = models.TextField(
        blank=True, help_text="What the rules saw besides the terms, as canonical text: it can be replayed."
    )
    terms = models.ForeignKey(
        TermsSnapshot,
        null=True,
        to_field="digest",
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
    )

    append_only: ClassVar[bool] = True

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["signal", "account", "leg", "revision"],
                name="one_decision_per_signal_account_leg_and_revision",
            )
        ]

    def __str__(self) -> str:
        return f"{'approved' if self.allowed else 'refused'}: {self.symbol} for {self.account}"

    @property
    def findings(self) -> list[Finding]:
        return findings_from_text(self.findings_text)

    @property
    def refusal(self) -> Finding | None:
        return next((finding for finding in self.findings if finding.outcome.blocks), None)

    @property
    def reason(self) -> str:
        """Why it was refused, in words, with the size that would have passed; "" when allowed."""
        refusal = self.refusal
        if refusal is None:
            return ""
        return explain(refusal, self.account.program.currency) + explain_fit(self.fits, refusal)

    @property
    def floors(self) -> list[FloorRoom]:
        return floors_from_text(self.floors_text)


def findings_to_text(findings: tuple[Finding, ...]) -> str:
    """JSON, one array per finding in the field order of `Finding`; numbers as decimal text."""
    return json.dumps(
        [
            (
                f.rule,
                f.code,
                f.outcome,
                f.breach_type,
                f.observed,
                f.limit,
                f.room,
                f.facts or None,
                f.verdict,
                f.by,
            )
            for f in findings
        ],
        default=str,
        separators=(",", ":"),
    )


def findings_from_text(text: str) -> list[Finding]:
    return [
        Finding(
            rule, code, Outcome(outcome), breach_type, observed, limit,
            None if room is None else Decimal(room), facts or {},
            None if verdict is None else Outcome(verdict), *by,
        )
        for rule, code, outcome, breach_type, observed, limit, room, facts, verdict, *by in json.loads(text)
    ]  # fmt: skip


# In the order in which they are written; new ones are appended, so that older texts can be read.
_FLOOR_FIELDS = (
    "kind", "anchor", "boundary", "consequence", "amount", "share", "share_of", "lock_at", "lock_trigger",
    "share_from_profit", "tiers", "boundary_after_lock", "payout_effect", "payout_on_request",
    "floor_after_payout", "tested_on", "ends_from_profit", "personal",
)  # fmt: skip


def floors_to_text(floors: tuple[FloorRoom, ...]) -> str:
    """JSON: level, equity and projected equity of each floor, then how it is made."""
    return json.dumps(
        [
            (room.level, room.equity, room.projected, *(getattr(room.floor, name) for name in _FLOOR_FIELDS))
            for room in floors
        ],
        default=str,
        separators=(",", ":"),
    )


def floors_from_text(text: str) -> list[FloorRoom]:
    return [
        FloorRoom(
            read_object(LossFloor, dict(zip(_FLOOR_FIELDS, made, strict=False))), *map(_number, figures)
        )
        for figures, made in ((row[:3], row[3:]) for row in json.loads(text))
    ]


def _number(value: str | None) -> Decimal | None:
    return None if value is None else Decimal(value)
