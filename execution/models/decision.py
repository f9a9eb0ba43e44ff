"""The recorded answer for one account and one leg of a signal."""

import json
from decimal import Decimal
from typing import ClassVar

from django.db import models

from enforcement.decision import Finding, FloorRoom, Outcome
from enforcement.explain import explain, explain_fit
from enforcement.floors import Anchor, Boundary, Consequence, FloorKind, LossFloor, ShareOf
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
                fields=["signal", "account", "leg"], name="one_decision_per_signal_account_and_leg"
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
        return explain(refusal, self.account.program.currency) + explain_fit(self.fits)

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
            None if verdict is None else Outcome(verdict),
        )
        for rule, code, outcome, breach_type, observed, limit, room, facts, verdict in json.loads(text)
    ]  # fmt: skip


_FLOOR_COLUMNS = ("kind", "anchor", "boundary", "consequence", "amount", "share", "share_of", "lock_at")


def floors_to_text(floors: tuple[FloorRoom, ...]) -> str:
    return json.dumps(
        [
            (*(getattr(room.floor, name) for name in _FLOOR_COLUMNS), room.level, room.equity, room.projected)
            for room in floors
        ],
        default=str,
        separators=(",", ":"),
    )


def floors_from_text(text: str) -> list[FloorRoom]:
    def number(value: str | None) -> Decimal | None:
        return None if value is None else Decimal(value)

    return [
        FloorRoom(
            LossFloor(
                kind=FloorKind(kind),
                anchor=Anchor(anchor),
                boundary=Boundary(boundary),
                consequence=Consequence(consequence),
                amount=number(amount),
                share=number(share),
                share_of=ShareOf(share_of),
                lock_at=number(lock_at),
            ),
            number(level),
            number(equity),
            number(projected),
        )
        for kind, anchor, boundary, consequence, amount, share, share_of, lock_at, level, equity, projected in (
            json.loads(text)
        )
    ]
