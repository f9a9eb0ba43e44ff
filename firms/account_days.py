"""An account's days in the database: what was seen of each, and what its closes and resets are known from.

The caller holds the trader's lock.
"""

from datetime import date, datetime
from decimal import Decimal

from django.db.models import F

from enforcement import account as core
from enforcement.days import NOTHING, Days, figures_known
from firms.models import Account, AccountDay, DayFigures
from firms.models.day_figures import FIGURES


def load(account: Account, state: core.AccountState) -> Days:
    """What is known of the account's days; where nothing was kept yet, what its state knows by itself."""
    return stored(account) or figures_known(state)


def stored(account: Account) -> Days:
    return {row.day: row.to_core() for row in DayFigures.objects.filter(account=account)}


def save(account: Account, days: Days) -> None:
    """Store what differs from what is stored, and give the day's opening balance to the rows people read."""
    before = stored(account)
    for day, figures in days.items():
        known = before.get(day, NOTHING)
        if figures == known:
            continue
        columns: dict[str, object] = {}
        for name in FIGURES:
            figure = getattr(figures, name)
            columns |= {name: figure and figure.amount, f"{name}_at": figure and figure.as_of}
        DayFigures.objects.update_or_create(account=account, day=day, defaults=columns)
        if figures.opening_balance is not None and figures.opening_balance != known.opening_balance:
            opening = figures.opening_balance.amount + F("paid_out")
            AccountDay.objects.filter(account=account, day=day).update(opening_balance=opening)


def forget(account: Account) -> None:
    DayFigures.objects.filter(account=account).delete()


def see(
    account: Account,
    day: date,
    *,
    balance: Decimal,
    equity: Decimal,
    as_of: datetime,
    opening: Decimal | None,
) -> None:
    """Note what was seen on a trading day: the newest report closes it, every one widens its extremes.

    `opening` is net of what was paid out on the day; None leaves it as it is.
    """
    row, made = AccountDay.objects.get_or_create(
        account=account,
        day=day,
        defaults={
            "opening_balance": opening,
            "closing_balance": balance,
            "high_equity": equity,
            "low_equity": equity,
            "last_report_at": as_of,
        },
    )
    if made:
        return
    if opening is not None:
        row.opening_balance = opening + row.paid_out
    if row.last_report_at is None or as_of >= row.last_report_at:
        row.closing_balance, row.last_report_at = balance, as_of
    row.high_equity = max(row.high_equity, equity)
    row.low_equity = min(row.low_equity, equity)
    row.save(
        update_fields=["opening_balance", "closing_balance", "high_equity", "low_equity", "last_report_at"]
    )
