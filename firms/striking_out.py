"""A second person lets go of rules that were replaced today and would count until the reset."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.db.models import Q

from firms import audit
from firms.models import (
    Account,
    Firm,
    Instrument,
    LossLimit,
    MarketClosure,
    NewsRule,
    PersonalLimits,
    ProductLimit,
    Program,
    TermsInForce,
    Tier,
    TradingSession,
)
from firms.services import lock_traders


class NotASecondPerson(PermissionError):
    """Who has changed the rules since may not strike out those of before."""


@transaction.atomic
def strike_out(account: Account, digest: str, *, actor: AbstractBaseUser, reason: str, now: datetime) -> int:
    """Strike out the account's rules with this digest, wherever they were replaced; how many rows that were.

    Raises NotASecondPerson where the actor is among those who have changed any of the account's rules since,
    and ValueError without a reason. Superusers are no exception.
    """
    if not reason.strip():
        raise ValueError("a reason is needed")
    lock_traders([account.trader_id])
    rows = TermsInForce.objects.filter(
        account=account, snapshot__digest=digest, until__isnull=False, struck_out_at=None
    )
    first = rows.order_by("since").values_list("since", flat=True).first()
    if first is None:
        return 0
    if actor.pk in changed_by(account, first):
        raise NotASecondPerson(
            "you have changed these rules yourself today: another person has to strike them out"
        )
    struck = rows.update(struck_out_at=now, struck_out_by=actor, struck_out_reason=reason)
    audit.record(
        "terms.struck_out", f"account {account}", now=now, actor=actor, reason=reason,
        before=digest[:12], after="does not count any more today",
    )  # fmt: skip
    return struck


def changed_by(account: Account, since: datetime) -> set[Any]:
    """The users that have changed a rule of the account since an instant, as far as the history knows."""
    return {
        user
        for model, condition in _rules_of(account)
        for user in model.history.filter(condition, history_date__gt=since, history_user__isnull=False)
        .values_list("history_user", flat=True)
    }  # fmt: skip


def _rules_of(account: Account) -> Iterator[tuple[Any, Q]]:
    """Every kind of row that makes the account's rules, and which of them."""
    yield Account, Q(id=account.pk)
    yield PersonalLimits, Q(account_id=account.pk)
    yield Program, Q(id=account.program_id)
    yield Firm, Q(id=account.program.firm_id)
    yield from ((model, Q(program_id=account.program_id)) for model in _OF_PROGRAMS)
    yield from ((model, Q()) for model in _OF_ALL)


_OF_PROGRAMS = (LossLimit, Tier, ProductLimit, NewsRule)
_OF_ALL = (TradingSession, MarketClosure, Instrument)
