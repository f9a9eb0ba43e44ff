"""The panel on an account's page: when it may trade, what holds it, how far it is."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from enforcement.account import CashFlow
from enforcement.decision import FIRM, GUARD, OWNER, Finding, Outcome
from enforcement.program import ProgramTerms
from execution.admin.findings import finding_rows
from execution.admin.overview import next_opening, overviews, trading_now
from execution.admin.progress import progress_box
from firms import services
from firms.models import Account, AccountDay, MarketClosure, PersonalLimits, TradingSession
from firms.terms import account_terms
from tests.make import make_account, make_program

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 3, 4, 18, 0, tzinfo=UTC)  # a Wednesday, 12:00 in Chicago
HOURS = {"hours_open": time(17), "hours_close": time(15, 10), "hours_zone": "America/Chicago"}


def trading(account: Account, now: datetime) -> str:
    figure, about = trading_now(overviews([account], now)[account.pk], now)
    return f"{figure} {about}"


def terms_of(account: Account) -> ProgramTerms:
    return account_terms([account])[account.pk][1]


def box(account: Account, now: datetime = NOON) -> dict[str, Any]:
    found = progress_box(overviews([account], now)[account.pk], now)
    assert found is not None
    return found


def rows_of(account: Account) -> dict[str, tuple[str, str, str]]:
    return {
        str(row["title"]): (plain(row["reached"]), plain(row["missing"]), str(row["about"]))
        for row in box(account)["rows"]
    }


def plain(cell: object) -> str:
    return str(cell).replace("</span>", "").rpartition(">")[2]


def add_days(account: Account, *profits: int) -> None:
    """Days with these results, the last one yesterday."""
    AccountDay.objects.filter(account=account).delete()
    balance = Decimal(50_000)
    for n, profit in enumerate(profits):
        AccountDay.objects.create(
            account=account, day=NOON.date() - timedelta(days=len(profits) - n), opening_balance=balance,
            closing_balance=balance + profit, high_equity=balance, low_equity=balance, trades=1,
        )  # fmt: skip
        balance += profit


# --- when it may trade ------------------------------------------------------------------------------------


def test_within_its_hours_it_says_until_when() -> None:
    account = make_account(
        program=make_program(flat_by=time(15, 10), flat_by_lead_minutes=5, **HOURS), now=NOON
    )
    words = trading(account, NOON)
    assert ">open<" in words
    assert "until Wed 04 Mar 21:05 UTC, flat by Wed 04 Mar 21:10 UTC" in words


def test_after_its_hours_it_says_when_they_open() -> None:
    account = make_account(program=make_program(**HOURS), now=NOON)
    words = trading(account, datetime(2026, 3, 4, 22, 0, tzinfo=UTC))
    assert ">closed<" in words
    assert "opens Wed 04 Mar 23:00 UTC" in words


def test_on_a_friday_evening_the_next_opening_is_sundays() -> None:
    account = make_account(program=make_program(**HOURS), now=NOON)
    opening = next_opening(terms_of(account), datetime(2026, 3, 6, 22, 0, tzinfo=UTC))
    assert opening is not None
    assert opening.opens == datetime(2026, 3, 8, 22, 0, tzinfo=UTC)  # summer time began that morning


def test_a_holiday_is_passed_over() -> None:
    MarketClosure.objects.create(
        day=date(2026, 3, 5), name="Holiday", source_url="https://a.example/", read_on=date(2026, 1, 2)
    )
    account = make_account(program=make_program(**HOURS), now=NOON)
    words = trading(account, datetime(2026, 3, 4, 23, 30, tzinfo=UTC))
    assert "closed" in words
    assert "opens Thu 05 Mar 23:00 UTC" in words


def test_a_group_that_closes_early_is_named() -> None:
    MarketClosure.objects.create(
        day=date(2026, 3, 4), group="energy", closes=time(13), name="Early close", source_url="https://a.example/",
        read_on=date(2026, 1, 2),
    )  # fmt: skip
    account = make_account(program=make_program(**HOURS), now=NOON)
    assert "; energy until Wed 04 Mar 19:00 UTC (Early close)" in trading(account, NOON)


def test_without_hours_it_is_open_and_its_sessions_decide() -> None:
    program = make_program()
    account = make_account(program=program, now=NOON)
    assert "at any hour" in trading(account, NOON)
    program.allowed_sessions.set(TradingSession.objects.filter(name="LONDON"))
    words = trading(account, NOON)
    assert ">closed<" in words
    assert "sessions: LONDON" in words


def test_a_day_lock_says_until_when(admin_client: Client) -> None:
    account = make_account(program=make_program())
    until = datetime.now(UTC) + timedelta(hours=3)
    services.raise_flag(account, "day_lock", cause="daily_loss", reason="touched", until=until)
    page = admin_client.get(reverse("admin:firms_account_change", args=[account.pk])).content.decode()
    assert "locked" in page
    assert f"for the day, until {until:%a %d %b %H:%M} UTC" in page
    assert f"{until:%H:%M:%S} UTC" in page


def test_counts_of_today_stand_beside_their_limits(admin_client: Client) -> None:
    account = make_account(program=make_program(max_trades_per_day=5), now=datetime.now(UTC))
    PersonalLimits.objects.create(account=account, max_losses_in_a_row=3)
    services.record_trade(account, opened=True, result=None, at=datetime.now(UTC))
    services.record_trade(account, opened=False, result=Decimal(-20), at=datetime.now(UTC))
    page = admin_client.get(reverse("admin:firms_account_change", args=[account.pk])).content.decode()
    for words in ("1 of 5", "1 of 3"):
        assert words in page


# --- progress -----------------------------------------------------------------------------------------------


def test_a_program_that_asks_for_nothing_has_no_box() -> None:
    account = make_account(program=make_program(), now=NOON)
    assert progress_box(overviews([account], NOON)[account.pk], NOON) is None


def test_the_box_shows_what_is_reached_and_missing() -> None:
    """300, -100, 900 and 400: 1,500 of 3,000 on four days; the best one, 900, is 60 % of the profit."""
    program = make_program(
        profit_target=3000, min_trading_days=5, min_day_profit=200, days_limit=30, inactivity=7,
        consistency_share=Decimal("0.5"), safety_net=52_100,
    )  # fmt: skip
    state = {"balance": Decimal(51_500), "day_start_balance": Decimal(51_500), "floor": Decimal(49_000)}
    account = make_account(program=program, now=NOON, opened_on=date(2026, 2, 20), state=state)
    add_days(account, 300, -100, 900, 400)
    rows = rows_of(account)
    assert rows["Profit target $3,000.00"][:2] == ("+$1,500.00", "$1,500.00")
    assert rows["5 trading days"] == ("3", "2", "A day counts from a profit of $200.00 on.")
    assert rows["Best day at most 50 % of the profit"] == (
        "60 %", "$300.00",
        "The best day won $900.00, all together $1,500.00; even from a profit of $1,800.00.",
    )  # fmt: skip
    assert rows["Within 30 days"][0] == "18 days left"
    assert rows["A trade within 7 days"][0] == "1 days ago"
    assert rows["Safety net $52,100.00"][:2] == ("$51,500.00", "$600.00")
    assert "not yet" in str(box(account)["state"])


def test_an_account_that_has_it_all_is_ready() -> None:
    program = make_program(profit_target=3000, min_trading_days=2)
    state = {"balance": Decimal(53_000), "day_start_balance": Decimal(53_000), "floor": Decimal(50_500)}
    account = make_account(program=program, now=NOON, state=state)
    add_days(account, 1500, 1500)
    assert ">ready<" in str(box(account)["state"])
    assert rows_of(account)["Profit target $3,000.00"][1] == "nothing"
    assert box(account)["about"] == "from 2 days since 2026-03-02"


def test_a_target_raised_by_the_best_day_says_so() -> None:
    """Topstep: a best day of 1,800 raises a target of 3,000 to 3,600 at 50 %."""
    program = make_program(
        profit_target=3000, consistency_share=Decimal("0.5"), consistency_measure="profit_target"
    )
    account = make_account(program=program, now=NOON)
    add_days(account, 1800)
    assert rows_of(account)["Profit target $3,000.00"] == (
        "+$1,800.00", "$1,800.00", "The best day raises the target to $3,600.00.",
    )  # fmt: skip


def test_what_was_won_on_days_nobody_saw_is_told_apart() -> None:
    state = {"balance": Decimal(52_000), "day_start_balance": Decimal(52_000), "floor": Decimal(49_500)}
    account = make_account(program=make_program(profit_target=3000), now=NOON, state=state)
    add_days(account, 500)
    AccountDay.objects.create(
        account=account, day=date(2026, 2, 2), opening_balance=None, closing_balance=50_000, high_equity=50_000,
        low_equity=50_000,
    )  # fmt: skip
    about = box(account)["about"]
    assert "1 without a known opening balance are left out" in about
    assert "+$1,500.00 from other days is not counted" in about


def test_a_payout_is_no_loss_of_the_progress() -> None:
    account = make_account(
        program=make_program(profit_target=3000), now=NOON,
        state={"balance": Decimal(53_000), "day_start_balance": Decimal(52_000), "floor": Decimal(50_500)},
    )  # fmt: skip
    services.record_cash_flow(account, CashFlow.PAYOUT_PAID, Decimal(1000), now=NOON)
    assert rows_of(account)["Profit target $3,000.00"][0] == "+$1,000.00"


def test_a_program_that_contradicts_itself_says_so_and_the_page_opens(
    admin_client: Client, admin_user: User
) -> None:
    program = make_program(consistency_share=Decimal("0.5"), consistency_measure="profit_target")
    account = make_account(program=program)
    page = admin_client.get(reverse("admin:firms_account_change", args=[account.pk]))
    assert page.status_code == 200
    assert "needs a profit target" in page.content.decode()


# --- whose word it is ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("by", "words"),
    [(FIRM, "the firm&#x27;s rule"), (GUARD, "your guard"), (OWNER, "your own limit"), ("moon", "moon")],
)
def test_a_refusal_says_whose_word_it_is(by: str, words: str) -> None:
    finding = Finding("loss_floors", "daily_loss.would_breach", Outcome.DENY, "daily_loss", by=by)
    assert words in str(finding_rows([finding], "USD")[0]["whose"])


def test_a_rule_that_passed_needs_nobodys_name() -> None:
    assert finding_rows([Finding("news_window", "x", Outcome.PASS, "news")], "USD")[0]["whose"] == ""
