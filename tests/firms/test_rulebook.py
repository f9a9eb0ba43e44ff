"""The rules are read once for each change of them, whoever makes it and however."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from enforcement.floors import FloorKind
from enforcement.program import ProgramTerms
from firms.models import (
    Account,
    LossLimit,
    MarketClosure,
    NewsRule,
    PersonalLimits,
    ProductLimit,
    Program,
    RulebookVersion,
    Tier,
    TradingSession,
)
from firms.terms import account_terms
from tests.make import make_account, make_program

pytestmark = pytest.mark.django_db


@pytest.fixture
def account() -> Account:
    return make_account(program=make_program())


def terms(account: Account) -> ProgramTerms:
    return account_terms([Account.objects.get(pk=account.pk)])[account.pk][1]


def test_the_second_look_asks_for_the_version_only(account: Account) -> None:
    first = account_terms([account])
    with CaptureQueriesContext(
        connection,
    ) as queries:
        second = account_terms([account])
    assert len(queries) == 1
    assert second[account.pk][1] is first[account.pk][1]


CHANGES: dict[str, Callable[[Account], Any]] = {
    "a column by the ORM's save": lambda a: _saved(a.program, max_contracts=7),
    "a column past the ORM's save": lambda a: Program.objects.filter(pk=a.program_id).update(max_contracts=7),
    "a loss limit changed": lambda a: LossLimit.objects.filter(program=a.program_id).update(amount=1234),
    "a loss limit gone": lambda a: LossLimit.objects.filter(program=a.program_id, kind="drawdown").delete(),
    "a tier added": lambda a: Tier.objects.create(program=a.program, from_profit=0, value=2),
    "a product's cap added": lambda a: ProductLimit.objects.create(
        program=a.program, product="SI", max_contracts=0
    ),
    "a news rule added": lambda a: NewsRule.objects.create(
        program=a.program, before_seconds=120, after_seconds=120
    ),
    "a session allowed": lambda a: a.program.allowed_sessions.add(TradingSession.objects.get(name="LONDON")),
    "a session's hours": lambda a: (
        a.program.allowed_sessions.add(TradingSession.objects.get(name="ASIA")),
        terms(a),
        TradingSession.objects.filter(name="ASIA").update(opens="19:00"),
    ),
    "a personal limit set": lambda a: PersonalLimits.objects.create(account=a, daily_loss=300),
    "a holiday": lambda a: MarketClosure.objects.create(
        day="2027-03-26", name="Good Friday", source_url="https://example.com", read_on="2026-11-24"
    ),
    "the firm switched off": lambda a: _saved(a.program.firm, is_active=False),
}


def _saved(row: Any, **values: Any) -> None:
    for name, value in values.items():
        setattr(row, name, value)
    row.save()


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_every_change_is_seen_by_the_next_look(account: Account, change: Callable[[Account], Any]) -> None:
    before = terms(account)
    change(account)
    assert terms(account) != before


def test_a_change_that_is_taken_back_leaves_nothing_behind(account: Account) -> None:
    before = terms(account)
    with transaction.atomic():
        Program.objects.filter(pk=account.program_id).update(max_contracts=99)
        assert terms(account).max_contracts == 99
        transaction.set_rollback(True)
    assert terms(account) == before
    Program.objects.filter(pk=account.program_id).update(max_contracts=3)
    assert terms(account).max_contracts == 3


def test_a_pauses_stamp_is_no_change_of_a_rule(account: Account) -> None:
    terms(account)
    before = RulebookVersion.objects.values_list("version", flat=True).first()
    Program.objects.filter(pk=account.program_id).update(last_update="2026-11-24T10:00:00Z")
    assert RulebookVersion.objects.values_list("version", flat=True).first() == before


def test_without_a_version_everything_is_read_each_time(account: Account) -> None:
    terms(account)
    RulebookVersion.objects.all().delete()
    with CaptureQueriesContext(connection) as queries:
        account_terms([account])
    assert len(queries) > 5


def test_an_optional_limit_holds_unless_the_account_is_known_to_be_without_it(account: Account) -> None:
    LossLimit.objects.create(
        program=account.program, kind="daily_loss", anchor="day_start_balance", amount=400, is_optional=True,
        consequence="soft",
    )  # fmt: skip
    amounts = [f.amount for f in terms(account).floors if f.kind is FloorKind.DAILY_LOSS]
    assert Decimal(400) in amounts
    Account.objects.filter(pk=account.pk).update(has_optional_limits=False)
    amounts = [f.amount for f in terms(account).floors if f.kind is FloorKind.DAILY_LOSS]
    assert Decimal(400) not in amounts


def test_personal_limits_only_tighten(account: Account) -> None:
    own = PersonalLimits.objects.create(
        account=account, max_contracts=99, daily_loss=300, max_risk_share=Decimal("0.01"), profit_lock=500,
        max_trades_per_day=4, max_losses_in_a_row=2, cool_off_minutes=15,
    )  # fmt: skip
    found = terms(account)
    assert found.max_contracts == account.program.max_contracts
    assert [f.amount for f in found.floors if f.personal] == [Decimal(300)]
    assert found.max_equity_risk_share == Decimal("0.01")
    assert (found.profit_lock, found.max_trades_per_day) == (Decimal(500), 4)
    assert (found.max_losses_in_a_row, found.cool_off_minutes) == (2, 15)
    own.max_contracts = 1
    own.save()
    assert terms(account).max_contracts == 1
    other = make_account("other", account.program)
    assert not any(f.personal for f in terms(other).floors), "another account of the program is not concerned"
