"""What a report, a trade and a payout make of an account: its floors, its flags, its days."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from enforcement.account import CashFlow, StateReport, StateSource
from firms.models import Account, AccountDay, AccountState, AuditEntry, Flag, LossLimit
from firms.models import CashFlow as CashFlowRow
from firms.services import (
    OpeningState,
    end_flag,
    open_account,
    open_flags_on,
    record_cash_flow,
    record_report,
    record_trade,
    roll,
)
from firms.terms import account_terms
from tests.make import NOON, make_account, make_program, make_trader

pytestmark = pytest.mark.django_db

RESET = datetime(2026, 3, 4, 23, 0, tzinfo=UTC)  # Wednesday 17:00 in Chicago


@pytest.fixture
def account() -> Account:
    """Floors at 49,000 (daily, soft) and 47,500 (trailing, hard)."""
    return make_account(program=make_program(), now=NOON)


def report(
    account: Account, equity: Any, *, at: datetime, balance: Any = None, **fields: Any
) -> AccountState:
    balance = equity if balance is None else balance
    told = StateReport(
        balance=Decimal(balance), equity=Decimal(equity), as_of=at, source=StateSource.VENUE, **fields
    )
    return record_report(account, told, settled=False)


def flags(account: Account, at: datetime) -> list[tuple[str, str]]:
    return sorted((flag.key, flag.cause) for flag in open_flags_on(account, at))


def test_a_report_above_every_floor_raises_nothing(account: Account) -> None:
    report(account, "49000.01", at=NOON + timedelta(minutes=1))
    assert flags(account, NOON + timedelta(minutes=1)) == []


def test_touching_the_daily_floor_locks_the_day_until_its_reset_whatever_equity_does(
    account: Account,
) -> None:
    report(account, 49_000, at=NOON + timedelta(minutes=1))
    report(account, 49_900, at=NOON + timedelta(minutes=2))
    assert flags(account, NOON + timedelta(minutes=3)) == [("day_lock", "daily_loss")]
    assert flags(account, RESET - timedelta(seconds=1)) == [("day_lock", "daily_loss")]
    assert flags(account, RESET) == [], "the reset itself belongs to the new day"
    [flag] = Flag.objects.all()
    assert flag.until == RESET
    assert "49,000.00" in flag.reason


def test_fridays_lock_lasts_to_sundays_open(account: Account) -> None:
    friday = datetime(2026, 3, 6, 16, 0, tzinfo=UTC)
    report(account, 50_000, at=friday - timedelta(hours=1), day_start_balance=Decimal(50_000))
    report(account, 48_900, at=friday)
    [flag] = Flag.objects.all()
    assert flag.until == datetime(2026, 3, 8, 22, 0, tzinfo=UTC), "17:00 in Chicago, an hour earlier in UTC"


def test_the_next_days_lock_is_a_lock_of_its_own(account: Account) -> None:
    report(account, 49_000, at=NOON)
    report(account, 49_500, at=RESET - timedelta(minutes=1))
    report(account, 48_400, at=RESET + timedelta(hours=2))
    assert flags(account, RESET + timedelta(hours=3)) == [("day_lock", "daily_loss")]
    assert Flag.objects.filter(ended_at=RESET).count() == 1, "the first ended when its time was over"


def test_breaking_the_drawdown_fails_the_account_for_good(account: Account) -> None:
    report(account, 47_500, at=NOON + timedelta(minutes=1))
    assert ("failed", "drawdown") in flags(account, NOON + timedelta(days=30))


def test_a_person_may_end_a_failure_that_was_none(account: Account) -> None:
    report(account, 5_000, at=NOON + timedelta(minutes=1))
    assert end_flag(account, "failed", cause="drawdown", reason="typed a digit too few", now=NOON)
    assert ("failed", "drawdown") not in flags(account, NOON + timedelta(minutes=2))


def test_the_reset_alone_can_lock_an_account_with_an_open_loss(account: Account) -> None:
    """Closed +1,500, open -2,000: yesterday's floor was 49,000, today's is 50,500 and equity 49,500."""
    report(account, 49_500, balance=51_500, at=RESET - timedelta(minutes=1))
    assert flags(account, RESET - timedelta(seconds=1)) == []
    roll(account, RESET + timedelta(minutes=1), settled=False)
    assert flags(account, RESET + timedelta(minutes=1)) == [("day_lock", "daily_loss")]


def test_a_floor_read_off_the_dashboard_opens_a_used_trailing_account() -> None:
    program = make_program(daily_loss=None)
    used = Account(trader=make_trader(), program=program, label="used")
    open_account(used, OpeningState(balance=Decimal(51_000), floor=Decimal(50_200)), now=NOON)
    state, terms = used.state.to_core(), account_terms([used])[used.pk][1]
    from enforcement.floors import levels_of

    [at] = levels_of(terms.floors, state, terms.starting_balance, terms.size)
    assert at.level == 50_200
    report(used, 53_000, at=NOON + timedelta(minutes=1))
    [at] = levels_of(
        terms.floors, AccountState.objects.get(account=used).to_core(), terms.starting_balance, terms.size
    )
    assert at.level == 50_500, "a new peak raises it beyond what was read off"


def test_a_payout_is_no_loss_of_the_day(account: Account) -> None:
    report(account, 52_000, at=NOON + timedelta(minutes=1))
    row = record_cash_flow(
        account, CashFlow.PAYOUT_PAID, Decimal(1_500), now=NOON + timedelta(minutes=2), reason="first payout"
    )
    assert (row.balance, row.equity, row.day_start_balance) == (50_500, 50_500, 48_500)
    assert row.highest_equity == 52_000, "peaks stay: the trailing floor does not fall"
    assert row.payouts_paid == 1
    assert AccountDay.objects.get().profit == 2_000
    assert CashFlowRow.objects.get().amount == 1_500
    assert AuditEntry.objects.filter(action="account.payout_paid", reason="first payout").exists()


@pytest.mark.parametrize("amount", [0, -1])
def test_a_payout_has_an_amount(account: Account, amount: int) -> None:
    with pytest.raises(ValueError, match="above zero"):
        record_cash_flow(account, CashFlow.PAYOUT_PAID, Decimal(amount), now=NOON)


def test_a_program_may_start_its_peaks_anew_with_a_payout() -> None:
    program = make_program(daily_loss=None, drawdown=None)
    LossLimit.objects.create(
        program=program, kind="drawdown", anchor="highest_close", amount=5000, payout_effect="reset"
    )
    account = make_account(program=program, now=NOON, state={"balance": 54_000, "highest_close": 54_000})
    row = record_cash_flow(account, CashFlow.PAYOUT_PAID, Decimal(4_000), now=NOON)
    assert (row.highest_close, row.balance) == (50_000, 50_000)


def test_trades_and_losses_in_a_row_are_counted_and_the_day_starts_anew(account: Account) -> None:
    later = NOON + timedelta(minutes=1)
    record_trade(account, opened=True, result=None, at=NOON)
    record_trade(account, opened=False, result=Decimal(-100), at=later)
    record_trade(account, opened=True, result=Decimal(-50), at=later)
    state = AccountState.objects.get()
    assert (state.trades_today, state.losses_in_a_row, state.last_loss_at) == (2, 2, later)
    assert AccountDay.objects.get().trades == 2
    record_trade(account, opened=False, result=Decimal(1), at=later)
    assert AccountState.objects.get().losses_in_a_row == 0
    roll(account, RESET + timedelta(minutes=1), settled=True)
    assert AccountState.objects.get().trades_today == 0
