"""The worked example of each program: where the floors of a fresh account are, computed by the core."""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import cast

from enforcement.account import AccountState, StateSource
from enforcement.floors import FloorKind, levels_of
from enforcement.replay import decimal_text
from firms.catalog_files.rows import PROGRAM, Rows, as_value, table_of, values
from firms.models import LossLimit, Tier


def floors_of_a_fresh_account(rows: Rows) -> dict[str, Decimal]:
    """The highest floor of each kind on the first day, optional limits included."""
    start, size = (
        Decimal(as_value(PROGRAM, name, rows[PROGRAM][name])) for name in ("starting_balance", "size")
    )
    tiers = [Tier(**values("tier", row)) for name, row in rows.items() if table_of(name) == "tier"]
    daily = tuple(
        tier.to_core()
        for tier in sorted(tiers, key=lambda tier: tier.from_profit)
        if tier.of == Tier.Of.DAILY_LOSS
    )
    limits = [
        LossLimit(**values("loss_limit", row)) for name, row in rows.items() if table_of(name) == "loss_limit"
    ]
    found: dict[str, Decimal] = {}
    for at in levels_of([limit.to_core(daily) for limit in limits], fresh(start), start, size):
        name = "drawdown_floor" if at.floor.kind is FloorKind.DRAWDOWN else "daily_floor"
        level = cast(Decimal, at.level)
        found[name] = max(found.get(name, level), level)
    return found


def fresh(start: Decimal) -> AccountState:
    """An account that has not traded yet."""
    day = date(2026, 1, 5)
    return AccountState(
        balance=start, equity=start, as_of=datetime(2026, 1, 5, tzinfo=UTC), source=StateSource.DECLARED,
        trading_day=day, closed_day=day, day_start_balance=start, day_start_equity=start, last_close=start,
        highest_equity=start, highest_close=start, highest_balance=start,
    )  # fmt: skip


def differences(rows: Rows, example: Mapping[str, Decimal]) -> Iterator[str]:
    """Where the worked example and the core don't agree."""
    found = floors_of_a_fresh_account(rows)
    for name in sorted({*found, *example}):
        if found.get(name) != example.get(name):
            says, gives = (_shown(floors.get(name)) for floors in (example, found))
            yield f"{name}: the example says {says}, the rules give {gives}"


def _shown(level: Decimal | None) -> str:
    return "none" if level is None else decimal_text(level)
