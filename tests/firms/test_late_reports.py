"""Reports that arrive late, twice or in another order, as the database keeps them."""

import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest
from django.db import transaction

from enforcement.account import CashFlow, StateReport, StateSource
from firms.models import Account, AccountDay, AccountState, DayFigures
from firms.services import (
    OpeningState,
    open_flags_on,
    record_cash_flow,
    record_report,
    restate,
    roll,
)
from tests.make import NOON, make_account, make_program

pytestmark = pytest.mark.django_db

RESET = datetime(2026, 3, 4, 23, 0, tzinfo=UTC)  # Wednesday 17:00 in Chicago
NEXT_RESET = RESET + timedelta(days=1)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@pytest.fixture
def account() -> Account:
    """Floors at 49,000 (daily, soft) and 47,500 (trailing, hard); opened at noon in New York."""
    return make_account(program=make_program(), now=NOON)


def report(equity: int, at: datetime, balance: int | None = None, **told: Any) -> StateReport:
    amounts = {name: Decimal(value) for name, value in told.items()}
    return StateReport(
        balance=Decimal(equity if balance is None else balance), equity=Decimal(equity), as_of=at,
        source=StateSource.VENUE, **amounts,
    )  # fmt: skip


def book(account: Account, *reports: StateReport) -> AccountState:
    for one in reports:
        record_report(account, one, settled=False)
    return AccountState.objects.get(account=account)


def everything(account: Account) -> Any:
    """The state, what is known of its days, and the days people read."""
    state = AccountState.objects.filter(account=account).values().get()
    columns = [field.name for field in AccountDay._meta.concrete_fields if field.name != "id"]
    days = list(AccountDay.objects.filter(account=account).order_by("day").values(*columns))
    names = [field.name for field in DayFigures._meta.concrete_fields if field.name != "id"]
    return state, days, list(DayFigures.objects.filter(account=account).order_by("day").values(*names))


def day(account: Account, on: int) -> AccountDay:
    return AccountDay.objects.get(account=account, day=datetime(2026, 3, on, tzinfo=UTC).date())


REPORTS = [
    report(50_200, NOON + HOUR),
    report(50_900, RESET - MINUTE, 50_500),
    report(50_300, RESET + HOUR, day_start_equity=50_910),
    report(51_200, RESET + 20 * HOUR),
    report(50_800, NEXT_RESET - MINUTE),
    report(50_700, NEXT_RESET + HOUR),
]


def test_whatever_the_order_of_arrival_the_account_is_the_same(account: Account) -> None:
    """Forty of the 720 orders, each with two reports repeated; the core's tests take them all."""

    def ends(arriving: list[StateReport]) -> Any:
        with transaction.atomic():
            book(account, *arriving)
            found = everything(account)
            transaction.set_rollback(True)
        return found

    expected = ends(REPORTS)
    state, days, _ = expected
    assert (state["day_start_balance"], state["last_close"], state["highest_close"]) == (
        50_800,
        50_800,
        50_800,
    )
    assert [(row["opening_balance"], row["closing_balance"], row["high_equity"]) for row in days] == [
        (50_000, 50_500, 50_900), (50_500, 50_800, 51_200), (50_800, 50_700, 50_700),
    ]  # fmt: skip
    chosen = random.Random(1)
    for arriving in chosen.sample(list(permutations(REPORTS)), 40):
        assert ends([*arriving, *chosen.sample(REPORTS, 2)]) == expected


def test_asleep_over_the_reset_its_anchors_are_unknown_until_a_late_report_tells_them(
    account: Account,
) -> None:
    state = book(account, report(50_400, RESET + HOUR))
    assert (state.day_start_balance, state.last_close, state.close_missed) == (None, None, True)
    state = book(account, report(50_300, RESET - 3 * MINUTE))
    assert state.day_start_balance is None, "too long before the reset to be its balance"
    state = book(account, report(50_600, RESET - MINUTE))
    assert (state.day_start_balance, state.last_close, state.close_missed) == (50_600, 50_600, False)
    assert (state.balance, state.highest_equity) == (50_400, 50_600)
    assert day(account, 5).opening_balance == 50_600


def test_a_late_report_widens_its_own_day_and_closes_it_only_if_nothing_newer_did(account: Account) -> None:
    book(account, report(50_100, NOON + 2 * HOUR), report(50_000, RESET + HOUR))
    book(account, report(50_900, NOON + HOUR), report(49_500, NOON + HOUR / 2))
    assert (day(account, 4).closing_balance, day(account, 4).high_equity, day(account, 4).low_equity) == (
        50_100, 50_900, 49_500,
    )  # fmt: skip
    book(account, report(50_300, NOON + 3 * HOUR))
    assert day(account, 4).closing_balance == 50_300
    assert (day(account, 5).high_equity, day(account, 5).low_equity) == (50_000, 50_000)


def test_a_day_that_was_only_seen_late_has_a_row_of_its_own(account: Account) -> None:
    book(account, report(50_000, NEXT_RESET + HOUR), report(50_400, RESET + HOUR, day_start_balance=50_200))
    assert (day(account, 5).opening_balance, day(account, 5).closing_balance) == (50_200, 50_400)


def test_a_late_report_from_before_a_payout_does_not_bring_the_money_back(account: Account) -> None:
    book(account, report(52_000, RESET - MINUTE), report(52_000, RESET + HOUR))
    record_cash_flow(account, CashFlow.PAYOUT_PAID, Decimal(1_500), now=RESET + 2 * HOUR)
    paid = everything(account)[0]
    assert (paid["balance"], paid["day_start_balance"], paid["since"]) == (50_500, 50_500, RESET + 2 * HOUR)
    book(account, report(53_000, RESET - timedelta(seconds=1)), report(52_100, RESET + HOUR + MINUTE))
    assert everything(account)[0] == paid
    assert day(account, 4).high_equity == 53_000
    assert (day(account, 5).high_equity, day(account, 5).closing_balance) == (52_100, 50_500)
    state = book(account, report(50_600, RESET + 3 * HOUR))
    assert (state.balance, state.day_start_balance) == (50_600, 50_500)


def test_a_payout_stays_no_loss_of_the_day_when_the_next_report_comes(account: Account) -> None:
    book(account, report(52_000, NOON + MINUTE))
    record_cash_flow(account, CashFlow.PAYOUT_PAID, Decimal(1_500), now=NOON + 2 * MINUTE)
    book(account, report(50_600, NOON + 3 * MINUTE))
    assert (day(account, 4).profit, day(account, 4).opening_balance) == (2_100, 50_000)


def test_a_late_report_from_before_a_restatement_does_not_undo_it(account: Account) -> None:
    book(account, report(51_000, RESET + HOUR))
    opening = OpeningState(balance=Decimal(49_800), day_start_balance=Decimal(49_700))
    restate(account, opening, now=RESET + 2 * HOUR, source=StateSource.DECLARED)
    restated = everything(account)
    book(account, report(52_000, RESET - MINUTE))
    assert everything(account)[0] == restated[0]
    assert everything(account)[2] == restated[2], "what was known before is forgotten"
    assert day(account, 4).high_equity == 52_000


def test_a_state_stored_before_days_were_kept_keeps_its_anchors(account: Account) -> None:
    book(account, report(50_400, NOON + HOUR))
    DayFigures.objects.all().delete()
    AccountState.objects.update(since=None)
    state = book(account, report(50_200, NOON + 2 * HOUR, day_start_equity=50_100))
    assert (state.day_start_balance, state.day_start_equity) == (50_000, 50_100)
    assert (state.last_close, state.highest_close) == (50_000, 50_000)


def test_the_turn_of_the_day_without_a_report_keeps_what_a_settled_account_had(account: Account) -> None:
    book(account, report(50_400, NOON + HOUR))
    roll(account, NEXT_RESET + HOUR, settled=True)
    state = book(account, report(50_200, NEXT_RESET + 2 * HOUR))
    assert (state.day_start_balance, state.last_close, state.highest_close) == (50_400, 50_400, 50_400)


BREACHES: list[Any] = [
    pytest.param(report(48_900, NOON + HOUR), NOON + 2 * HOUR, {("day_lock", "daily_loss")}, id="the day's floor, the same day"),
    pytest.param(report(49_001, NOON + HOUR), NOON + 2 * HOUR, set(), id="above it"),
    pytest.param(report(48_900, NOON + HOUR), RESET + HOUR, set(), id="yesterday's: that day is over"),
    pytest.param(report(47_400, NOON + HOUR), RESET + HOUR, set(), id="where a trailing floor stood then is not known"),
]  # fmt: skip


@pytest.mark.parametrize(("late", "known_at", "raised"), BREACHES)
def test_what_broke_a_floor_is_a_breach_however_late_it_is_known(
    account: Account, late: StateReport, known_at: datetime, raised: set[tuple[str, str]]
) -> None:
    book(account, report(50_000, known_at), late)
    assert {(flag.key, flag.cause) for flag in open_flags_on(account, known_at)} == raised


def test_a_static_floor_broken_yesterday_fails_the_account_today() -> None:
    from firms.models import LossLimit

    program = make_program(daily_loss=None, drawdown=None)
    LossLimit.objects.create(program=program, kind="drawdown", anchor="initial", amount=2500)
    account = make_account(program=program, now=NOON)
    book(account, report(50_000, RESET + HOUR), report(47_400, NOON + HOUR))
    assert {(flag.key, flag.cause) for flag in open_flags_on(account, RESET + HOUR)} == {
        ("failed", "drawdown")
    }


def test_the_anchors_that_come_late_are_held_against_the_equity_known(account: Account) -> None:
    book(account, report(49_500, RESET + HOUR), report(49_600, RESET - MINUTE, 50_600))
    assert {flag.key for flag in open_flags_on(account, RESET + HOUR)} == {"day_lock"}
