"""A decision's page: the sentence, every rule's finding, the floors, what became of it."""

from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse

from enforcement.rules import RULES
from execution.models import Decision, Exit, Leg
from firms.models import Account, PersonalLimits
from tests.admin.world import decide, make_signal
from tests.make import make_account, make_program, make_route, make_source

pytestmark = pytest.mark.django_db


@pytest.fixture
def account() -> Account:
    """850 down on the day: 150 above its daily floor of 49,000."""
    account = make_account(
        "Apex-1", make_program(),
        state={"balance": Decimal(49_150), "day_start_balance": Decimal(50_000), "highest_equity": Decimal(50_600),
               "highest_close": Decimal(50_400)}, paper=True,
    )  # fmt: skip
    make_route(make_source(), account)
    return account


def page_of(client: Client, decision: Decision) -> str:
    return client.get(reverse("admin:execution_decision_change", args=[decision.pk])).content.decode()


def test_a_refusal_is_explained_with_its_numbers(account: Account, admin_client: Client) -> None:
    """2 NQ over 10.25 points and 2 ticks risk 440 with commissions; 150 are left."""
    source = account.routes.get().source
    decide(make_signal(source, "NY AM", kind="entry", entry_contracts=2, contracts=2))
    page = page_of(admin_client, Decision.objects.get())
    assert "Refused" in page
    assert "it risks $440.00 and $150.00 are left" in page
    assert "daily_loss.would_breach" in page
    for rule in RULES:
        assert rule.code.replace("_", " ").capitalize() in page
    assert "$48,710.00" in page  # 49,150 less 440
    assert "$48,100.00" in page  # the trailing floor: 50,600 less 2,500
    assert reverse("admin:firms_termssnapshot_changelist") in page


def test_a_refusal_by_the_owners_own_limit_says_so(account: Account, admin_client: Client) -> None:
    """One MNQ risks 27 with its slippage and commissions; of 860 of his own, 10 are left at 49,150."""
    PersonalLimits.objects.create(account=account, daily_loss=860)
    source = account.routes.get().source
    decide(make_signal(source, "NY AM", kind="entry", entry_contracts=1, symbol="MNQ", family="NQ"))
    decision = Decision.objects.get()
    assert not decision.allowed
    assert "your own limit" in page_of(admin_client, decision)


def test_an_approval_shows_its_order_from_decision_to_fill(account: Account, admin_client: Client) -> None:
    """One MNQ risks a tenth: 22 and its commissions fit into 150."""
    source = account.routes.get().source
    decide(make_signal(source, "NY AM", kind="entry", entry_contracts=1, symbol="MNQ", family="NQ"))
    decision = Decision.objects.get()
    page = page_of(admin_client, decision)
    assert decision.allowed
    assert "Every rule was asked" in page
    for step in ("approved", "submitting", "accepted", "filled"):
        assert f">{step}</span>" in page
    assert reverse("admin:execution_order_change", args=[decision.order.pk]) in page
    order = admin_client.get(
        reverse("admin:execution_order_change", args=[decision.order.pk])
    ).content.decode()
    assert "20,000.25" in order
    signal = admin_client.get(
        reverse("admin:execution_signal_change", args=[decision.signal_id])
    ).content.decode()
    assert "approved" in signal
    assert "filled" in signal


def test_an_exit_shows_the_firms_own_verdict_that_was_capped(account: Account, admin_client: Client) -> None:
    from firms.services import raise_flag

    raise_flag(account, reason="lunch")
    source = account.routes.get().source
    signal = make_signal(source, "NY AM", kind="exit", action="close", contracts=None, size="absent")
    Exit.objects.create(
        account=account, family="NQ", symbol="NQ", covers=signal, opened_at=signal.received_at
    )
    decide(signal)
    page = page_of(admin_client, Decision.objects.get(leg=Leg.EXIT))
    assert "Exit let through" in page
    assert "Firm&#x27;s own verdict" in page or "Firm's own verdict" in page
    assert "The account is paused (lunch)." in page
    exit_page = admin_client.get(reverse("admin:execution_exit_change", args=[Exit.objects.get().pk]))
    assert exit_page.status_code == 200
