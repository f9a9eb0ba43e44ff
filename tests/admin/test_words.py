"""How the admin writes limits, amounts and ages."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from enforcement.floors import Anchor, Boundary, Consequence, FloorKind, LossFloor, ShareOf
from firms.admin.display import ago, exact_money, signed_money, whole_money
from firms.admin.words import distance_of, in_brief, in_full

pytestmark = pytest.mark.core
NOW = datetime(2026, 3, 4, 17, tzinfo=UTC)


def floor(kind: str = "drawdown", anchor: str = "highest_equity", **fields: object) -> LossFloor:
    return LossFloor(
        kind=FloorKind(kind), anchor=Anchor(anchor), boundary=Boundary.AT, consequence=Consequence.HARD,
        **{"amount": Decimal(2500), **fields},  # type: ignore[arg-type]
    )  # fmt: skip


@pytest.mark.parametrize(
    ("limit", "words"),
    [
        (floor(), "Trailing drawdown $2,500"),
        (floor(anchor="initial", amount=Decimal("2500.50")), "Static drawdown $2,500.50"),
        (floor(anchor="highest_close"), "End-of-day drawdown $2,500"),
        (floor("daily_loss", "day_start_balance"), "Daily loss $2,500"),
        (floor(amount=None, share=Decimal("0.05"), anchor="initial"), "Static drawdown 5 %"),
    ],
)
def test_a_limit_in_brief(limit: LossFloor, words: str) -> None:
    assert in_brief(limit, "USD") == words


def test_a_limit_in_full() -> None:
    assert in_full(floor(lock_at=Decimal(50_100)), "USD") == (
        "$2,500 under the highest equity, stops rising at $50,100; touching it breaks it; the account is lost"
    )


def test_the_whole_distance_of_a_floor() -> None:
    size = Decimal(100_000)
    share = floor(amount=None, share=Decimal("0.05"))
    of_anchor = floor(amount=None, share=Decimal("0.05"), share_of=ShareOf.ANCHOR)
    assert distance_of(floor(), Decimal(47_500), size) == 2500
    assert distance_of(share, Decimal(95_000), size) == 5000
    assert distance_of(of_anchor, Decimal(104_500), size) == 5500  # 5 % of 110,000


def test_amounts() -> None:
    assert exact_money(Decimal("0.625")) == "$0.625"
    assert exact_money(Decimal("12.5")) == "$12.50"
    assert exact_money(Decimal(100), "JPY") == "JPY 100.00"
    assert whole_money(Decimal("49999.99")) == "$49,999.99"
    assert signed_money(Decimal(-20)) == "-$20.00"
    assert signed_money(Decimal(20)) == "+$20.00"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s ago"),
        (119, "119 s ago"),
        (120, "2 min ago"),
        (7199, "119 min ago"),
        (7200, "2 h ago"),
        (172_800, "2 d ago"),
    ],
)
def test_ages(seconds: int, words: str) -> None:
    assert ago(NOW - timedelta(seconds=seconds), NOW) == words
    assert ago(None, NOW) == "never"
