"""How the admin writes limits, amounts and ages."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from enforcement.floors import (
    Anchor,
    Boundary,
    Consequence,
    FloorKind,
    LockTrigger,
    LossFloor,
    PayoutEffect,
    ShareOf,
    TestedOn,
    Tier,
)
from firms.admin.display import ago, exact_money, signed_money, until, whole_money
from firms.admin.words import distance_of, in_brief, in_full, name_of

pytestmark = pytest.mark.core
NOW = datetime(2026, 3, 4, 17, tzinfo=UTC)
HALF = {"amount": None, "share": Decimal("0.5"), "share_of": ShareOf.HIGHEST_CLOSE_PROFIT}
TIERS = (Tier(Decimal(0), Decimal(1000)), Tier(Decimal(3000), Decimal(2000)))


def floor(kind: str = "drawdown", anchor: str = "highest_equity", **fields: object) -> LossFloor:
    return LossFloor(
        kind=FloorKind(kind), anchor=Anchor(anchor),
        **{"boundary": Boundary.AT, "consequence": Consequence.HARD, "amount": Decimal(2500), **fields},  # type: ignore[arg-type]
    )  # fmt: skip


@pytest.mark.parametrize(
    ("limit", "words"),
    [
        (floor(), "Trailing drawdown $2,500"),
        (floor(anchor="initial", amount=Decimal("2500.50")), "Static drawdown $2,500.50"),
        (floor(anchor="highest_close"), "End-of-day drawdown $2,500"),
        (floor(anchor="highest_balance"), "Closed-balance drawdown $2,500"),
        (floor(anchor="balance"), "Open loss $2,500"),
        (floor("daily_loss", "balance"), "Open loss of the day $2,500"),
        (floor("daily_loss", "day_start_balance"), "Daily loss $2,500"),
        (floor(amount=None, share=Decimal("0.05"), anchor="initial"), "Static drawdown 5 %"),
        (
            floor("daily_loss", "day_start_balance", amount=None, tiers=TIERS),
            "Daily loss $1,000 / $2,000 from $3,000 of profit",
        ),
        (
            floor("daily_loss", "day_start_balance", **HALF),
            "Daily loss 50 % of the highest close's profit",
        ),
        (
            floor("daily_loss", "day_start_balance", **{**HALF, "amount": Decimal(500)}, share_from_profit=Decimal(1000)),
            "Daily loss $500, above $1,000 of profit 50 % of the highest close's profit",
        ),
        (floor("daily_loss", "day_start_balance", personal=True), "Own daily loss $2,500"),
    ],
    ids=[
        "trailing", "static", "end of day", "closed balance", "open loss", "open loss of the day", "daily",
        "a share", "tiers", "a share of profit", "an amount, then a share of profit", "the owner's own",
    ],
)  # fmt: skip
def test_a_limit_in_brief(limit: LossFloor, words: str) -> None:
    assert in_brief(limit, "USD") == words


def test_an_optional_limit_says_so() -> None:
    assert in_brief(floor(), "USD", optional=True) == "Trailing drawdown $2,500, optional"
    assert in_full(floor(), "USD", optional=True).endswith("; holds only for accounts that took it")


def test_a_tier_that_has_to_be_passed_says_above() -> None:
    tiers = (TIERS[0], Tier(Decimal(2850), Decimal(1500), above=True))
    limit = floor("daily_loss", "day_start_balance", amount=None, tiers=tiers)
    assert in_brief(limit, "USD") == "Daily loss $1,000 / $1,500 above $2,850 of profit"


def test_a_limit_in_full() -> None:
    assert in_full(floor(lock_at=Decimal(50_100)), "USD") == (
        "$2,500 under the highest equity, stops rising at $50,100; touching it breaks it; the account is lost"
    )


@pytest.mark.parametrize(
    ("limit", "words"),
    [
        (floor(lock_at=Decimal(50_100), lock_trigger=LockTrigger.CLOSE), "stops rising at $50,100 with a day's close;"),
        (floor(lock_at=Decimal(50_100), lock_trigger=LockTrigger.CLOSED_PROFIT), "at $50,100 with closed profit;"),
        (floor(lock_at=Decimal(50_100), lock_trigger=LockTrigger.PAYOUT_REQUESTED), "at $50,100 with the first payout request;"),
        (floor(lock_at=Decimal(50_100), lock_trigger=LockTrigger.PAYOUT_PAID), "at $50,100 with the first payout;"),
        (
            floor(payout_effect=PayoutEffect.LOCK, floor_after_payout=Decimal(50_000)),
            "; the first payout puts it at $50,000 for good;",
        ),
        (
            floor(payout_effect=PayoutEffect.SET, floor_after_payout=Decimal(0), payout_on_request=True),
            "; the first payout request lifts it to $0 at least, and it goes on trailing;",
        ),
        (floor(payout_effect=PayoutEffect.RESET), "; a payout starts it anew from the starting balance;"),
        (floor(ends_from_profit=Decimal(3000)), "; ends from $3,000 of profit at a close;"),
        (floor(boundary=Boundary.BELOW), "; only less than it breaks it;"),
        (
            floor(boundary_after_lock=Boundary.BELOW),
            "; touching it breaks it, once locked only less than it breaks it;",
        ),
        (floor(tested_on=TestedOn.LOWER), "; the lower of equity and balance counts;"),
        (floor(consequence=Consequence.SOFT), "; shut until the next trading day"),
        (floor(personal=True), "; your own limit, not the firm's"),
        (
            floor("daily_loss", "day_start_higher", amount=None, share=Decimal("0.05")),
            "5 % of the account's size under the higher of day's opening balance and equity;",
        ),
        (
            floor(amount=None, share=Decimal("0.05"), share_of=ShareOf.ANCHOR),
            "5 % of the highest equity under it;",
        ),
    ],
    ids=[
        "locked by a close", "locked by closed profit", "locked by a request", "locked by a payout",
        "a payout locks it", "a request sets it", "a payout resets it", "ends", "only below", "another boundary",
        "tested on the lower", "soft", "personal", "a share of the size", "a share of the peak",
    ],
)  # fmt: skip
def test_every_condition_has_its_words(limit: LossFloor, words: str) -> None:
    assert words in in_full(limit, "USD")


def test_every_kind_and_anchor_has_a_name() -> None:
    for kind in FloorKind:
        for anchor in Anchor:
            assert name_of(floor(kind, anchor))
            assert in_full(floor(kind, anchor), "EUR")


def test_the_whole_distance_of_a_floor() -> None:
    size = Decimal(100_000)
    share = floor(amount=None, share=Decimal("0.05"))
    of_anchor = floor(amount=None, share=Decimal("0.05"), share_of=ShareOf.ANCHOR)
    assert distance_of(floor(), Decimal(47_500), size) == 2500
    assert distance_of(share, Decimal(95_000), size) == 5000
    assert distance_of(of_anchor, Decimal(104_500), size) == 5500  # 5 % of 110,000
    assert distance_of(floor(amount=None, tiers=TIERS), Decimal(49_000), size) == 2000
    assert distance_of(floor(**HALF), Decimal(49_000), size) is None


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
        (0, "0 s"),
        (119, "119 s"),
        (120, "2 min"),
        (7199, "119 min"),
        (7200, "2 h"),
        (172_800, "2 d"),
    ],
)
def test_ages(seconds: int, words: str) -> None:
    assert ago(NOW - timedelta(seconds=seconds), NOW) == f"{words} ago"
    assert until(NOW + timedelta(seconds=seconds), NOW) == f"in {words}"
    assert ago(None, NOW) == "never"
