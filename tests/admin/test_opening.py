"""An account is opened in one form, and going live leaves a trace."""

from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from execution.connectors import PaperConnector, connector_for
from execution.models import Connection, VenueAccount
from firms.models import Account, AccountState, AuditEntry, Program
from tests.make import make_account, make_program, make_trader

pytestmark = pytest.mark.django_db
ADD = "/admin/firms/account/add/"


@pytest.fixture
def program() -> Program:
    return make_program()


def fill_in(client: Client, program: Program, **fields: Any) -> Any:
    form = {
        "trader": make_trader().pk, "program": program.pk, "label": "Apex-1", "mode": "dry_run",
        "opened_on": "2026-03-04", "connection": "", "venue_account_id": "", "balance": "", "equity": "",
        "day_start_balance": "", "highest_equity": "", "highest_close": "", **fields,
    }  # fmt: skip
    return client.post(ADD, form)


def money_of(account: Account) -> dict[str, Decimal | None]:
    state = AccountState.objects.get(account=account)
    names = ("balance", "equity", "day_start_balance", "highest_equity", "highest_close")
    return {name: getattr(state, name) for name in names}


def test_a_fresh_account_starts_at_the_programs_balance(
    program: Program, admin_client: Client, admin_user: User
) -> None:
    assert fill_in(admin_client, program).status_code == 302
    account = Account.objects.get()
    assert account.mode == "dry_run"
    assert set(money_of(account).values()) == {Decimal(50_000)}
    assert account.state.source == "declared"
    assert not VenueAccount.objects.exists()
    assert AuditEntry.objects.get(action="account.opened").actor == admin_user
    assert account.history.get().history_user == admin_user


def test_a_used_account_keeps_what_is_not_known_unknown(program: Program, admin_client: Client) -> None:
    fill_in(admin_client, program, balance="51200", equity="51350.50", highest_equity="53480")
    assert money_of(Account.objects.get()) == {
        "balance": Decimal(51_200),
        "equity": Decimal("51350.50"),
        "day_start_balance": None,
        "highest_equity": Decimal(53_480),
        "highest_close": None,
    }


def test_a_paper_account_is_connected_in_the_same_form(program: Program, admin_client: Client) -> None:
    paper = Connection.objects.create(name="Paper", venue="paper")
    fill_in(admin_client, program, mode="live", connection=paper.pk, venue_account_id="P-1")
    account = Account.objects.get()
    assert account.state.source == "paper"
    assert account.venue_account.venue_account_id == "P-1"
    assert isinstance(connector_for(account), PaperConnector)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"mode": "live"}, "A live account needs a connection"),
        ({"equity": "52000", "highest_equity": "51000"}, "below the equity"),
        ({"label": ""}, "This field is required"),
        ({"balance": "much"}, "Enter a number"),
    ],
    ids=["live without a connection", "a peak below equity", "no label", "not a number"],
)
def test_what_can_not_be_is_refused_whole(
    program: Program, admin_client: Client, fields: dict[str, str], words: str
) -> None:
    response = fill_in(admin_client, program, **fields)
    assert response.status_code == 200
    assert words in response.content.decode()
    assert not Account.objects.exists()
    assert not AuditEntry.objects.exists()


def test_a_label_is_used_once_per_trader(program: Program, admin_client: Client) -> None:
    make_account("Apex-1", program)
    assert "already exists" in fill_in(admin_client, program).content.decode()


def change(client: Client, account: Account, **fields: Any) -> Any:
    """Save the account's page with some fields changed."""
    form = {
        "label": account.label, "mode": account.mode, "is_active": "on", "opened_on": "2026-03-04",
        "slippage_ticks": "2", "commission_per_side": "2.5", "floor_buffer": "0", "no_stop_ticks": "",
        "block_at_floor": "on", "max_state_age_seconds": "900", "max_signal_age_seconds": "300",
        **{f"{prefix}-{part}_FORMS": "0" for prefix in ("routes", "venue_account", "days")
           for part in ("TOTAL", "INITIAL")},
        **fields,
    }  # fmt: skip
    return client.post(reverse("admin:firms_account_change", args=[account.pk]), form)


def test_going_live_and_back_is_in_the_audit_with_who(
    program: Program, admin_client: Client, admin_user: User
) -> None:
    account = make_account("Apex-1", program)
    assert change(admin_client, account, mode="live").status_code == 302
    account.refresh_from_db()
    entry = AuditEntry.objects.get(action="account.mode_changed")
    assert (account.mode, entry.actor, entry.before, entry.after) == ("live", admin_user, "dry_run", "live")
    assert account.history.first().history_user == admin_user

    change(admin_client, account, mode="dry_run")
    assert AuditEntry.objects.filter(action="account.mode_changed").count() == 2
    account.refresh_from_db()
    change(admin_client, account, label="Other")
    assert AuditEntry.objects.filter(action="account.mode_changed").count() == 2


def test_trader_and_program_stay_what_they_were(program: Program, admin_client: Client) -> None:
    account = make_account("Apex-1", program)
    other = make_program(number=2)
    change(admin_client, account, program=other.pk, trader=make_trader("Eve").pk)
    account.refresh_from_db()
    assert (account.program, account.trader.name) == (program, "Ada")


def test_an_account_is_not_deleted(program: Program, admin_client: Client) -> None:
    account = make_account("Apex-1", program)
    page = reverse("admin:firms_account_delete", args=[account.pk])
    assert admin_client.post(page, {"post": "yes"}).status_code == 403


def test_the_page_shows_every_floor_with_its_room(program: Program, admin_client: Client) -> None:
    account = make_account(
        "Apex-1", program,
        state={"balance": Decimal(49_150), "day_start_balance": Decimal(50_000), "highest_equity": Decimal(50_600),
               "highest_close": Decimal(50_400)},
    )  # fmt: skip
    page = admin_client.get(reverse("admin:firms_account_change", args=[account.pk])).content.decode()
    assert "$49,000.00" in page  # 50,000 less 1,000
    assert "$150.00" in page
    assert "$48,100.00" in page  # 50,600 less 2,500
    assert "$1,050.00" in page
    assert page.index("$150.00") < page.index("$1,050.00")


def test_a_program_changes_by_its_form_and_the_history_says_who(
    program: Program, admin_client: Client, admin_user: User
) -> None:
    daily, drawdown = program.loss_limits.order_by("pk")
    form = {
        "name": "50K new", "phase": "funded", "market": "futures", "size": "50000", "currency": "USD",
        "starting_balance": "50000", "day_zone": "America/Chicago", "day_reset": "17:00", "max_contracts": "5",
        "max_risk_share": "0.01", "automation": "auto", "automation_note": "",
        "loss_limits-TOTAL_FORMS": "2", "loss_limits-INITIAL_FORMS": "2", "sources-TOTAL_FORMS": "0",
        "sources-INITIAL_FORMS": "0",
    }  # fmt: skip
    for i, (limit, amount) in enumerate(((daily, "900"), (drawdown, "2500"))):
        form |= {
            f"loss_limits-{i}-id": str(limit.pk), f"loss_limits-{i}-program": str(program.pk),
            f"loss_limits-{i}-kind": limit.kind, f"loss_limits-{i}-anchor": limit.anchor,
            f"loss_limits-{i}-amount": amount, f"loss_limits-{i}-share": "",
            f"loss_limits-{i}-share_of": "initial", f"loss_limits-{i}-lock_at": "",
            f"loss_limits-{i}-boundary": "at", f"loss_limits-{i}-consequence": limit.consequence,
        }  # fmt: skip
    response = admin_client.post(reverse("admin:firms_program_change", args=[program.pk]), form)
    assert response.status_code == 302
    program.refresh_from_db()
    daily.refresh_from_db()
    assert (program.name, program.max_contracts, program.number, daily.amount) == ("50K new", 5, 1, 900)
    assert program.history.first().history_user == admin_user
    assert daily.history.first().history_user == admin_user
