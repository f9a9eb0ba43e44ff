"""An account is opened in one form, and going live leaves a trace."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from execution.connectors import PaperConnector, connector_for
from execution.models import Connection, VenueAccount
from firms.models import Account, AccountState, AuditEntry, PersonalLimits, Program
from tests.admin.forms import fields_of
from tests.make import make_account, make_program, make_trader

pytestmark = pytest.mark.django_db
ADD = "/admin/firms/account/add/"


@pytest.fixture
def program() -> Program:
    return make_program()


def fill_in(client: Client, program: Program, **fields: Any) -> Any:
    form = {
        "trader": make_trader().pk, "program": program.pk, "label": "Apex-1", "mode": "dry_run",
        "opened_on": "2026-03-04", "has_optional_limits": "on", "connection": "", "venue_account_id": "",
        "balance": "", "equity": "", "day_start_balance": "", "highest_equity": "", "highest_close": "",
        **fields,
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


def test_the_dashboards_floor_stands_for_the_peaks(program: Program, admin_client: Client) -> None:
    """The firm shows 48,700: higher than 2,500 under what is known now, so that is where the floor is."""
    fill_in(admin_client, program, balance="50800", floor="48700", day_start_balance="50800")
    account = Account.objects.get()
    assert account.state.reported_floor == 48_700
    page = admin_client.get(reverse("admin:firms_account_change", args=[account.pk])).content.decode()
    assert "$48,700.00" in page
    assert "$2,100.00" in page


def test_the_highest_balance_and_the_last_close_are_kept(program: Program, admin_client: Client) -> None:
    fill_in(admin_client, program, balance="50800", highest_balance="51900", last_close="50700")
    state = Account.objects.get().state
    assert (state.highest_balance, state.last_close) == (51_900, 50_700)


@pytest.mark.parametrize(
    ("rules", "fields", "words"),
    [
        ({"purchased_until": date(2025, 6, 30)}, {"purchased_on": "2025-07-01"}, "accounts bought until 2025-06-30"),
        ({"purchased_from": date(2025, 7, 1)}, {"purchased_on": "2025-06-30"}, "accounts bought from 2025-07-01"),
        ({"effective_until": date(2026, 3, 3)}, {}, "in force until 2026-03-03"),
    ],
    ids=["bought too late", "bought too early", "opened under rules that are over"],
)  # fmt: skip
def test_an_account_of_another_cohort_is_warned_of_and_opened(
    program: Program, admin_client: Client, rules: dict[str, date], fields: dict[str, str], words: str
) -> None:
    Program.objects.update(**rules)
    assert words in follow(admin_client, fill_in(admin_client, program, **fields))
    account = Account.objects.get()
    page = admin_client.get(reverse("admin:firms_account_change", args=[account.pk])).content.decode()
    assert words in page


def test_on_the_last_day_of_its_cohort_an_account_needs_no_warning(
    program: Program, admin_client: Client
) -> None:
    Program.objects.update(purchased_until=date(2025, 6, 30), effective_until=date(2026, 3, 4))
    page = follow(admin_client, fill_in(admin_client, program, purchased_on="2025-06-30"))
    assert "the program's rules" not in page.replace("&#x27;", "'")


def follow(client: Client, response: Any) -> str:
    return client.get(response.headers["Location"]).content.decode()


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
        ({"balance": "52000", "highest_balance": "51000"}, "below the balance"),
        ({"label": ""}, "This field is required"),
        ({"balance": "much"}, "Enter a number"),
    ],
    ids=[
        "live without a connection",
        "a peak below equity",
        "a highest balance below the balance",
        "no label",
        "not a number",
    ],
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
    page = reverse("admin:firms_account_change", args=[account.pk])
    return client.post(page, {**fields_of(client.get(page).content, "account_form"), **fields})


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


def test_an_accounts_own_limits_are_a_tab_of_its_page(
    program: Program, admin_client: Client, admin_user: User
) -> None:
    account = make_account("Apex-1", program)
    assert change(admin_client, account).status_code == 302
    assert not PersonalLimits.objects.exists()  # nothing was filled in
    own = {"personal_limits-0-daily_loss": "400", "personal_limits-0-max_losses_in_a_row": "2"}
    assert change(admin_client, account, **own).status_code == 302
    limits = PersonalLimits.objects.get()
    assert (limits.daily_loss, limits.max_losses_in_a_row) == (400, 2)
    assert limits.history.get().history_user == admin_user
    page = admin_client.get(reverse("admin:firms_account_change", args=[account.pk])).content.decode()
    assert "Own daily loss" in page
    assert "$49,600.00" in page  # 50,000 less 400


def test_the_guard_is_changed_on_its_tab(program: Program, admin_client: Client) -> None:
    account = make_account("Apex-1", program)
    guard = {
        "floor_buffer_share": "0.05", "holds_over_reset": "never", "count_run_up": "", "duplicate_window_seconds": "0",
        "max_entries_per_minute": "3",
    }  # fmt: skip
    page = reverse("admin:firms_account_change", args=[account.pk])
    form = {**fields_of(admin_client.get(page).content, "account_form"), **guard}
    del form["count_run_up"]
    assert admin_client.post(page, form).status_code == 302
    account.refresh_from_db()
    own = account.guard
    assert (own.floor_buffer_share, own.holds_over_reset, own.count_run_up) == (
        Decimal("0.05"),
        "never",
        False,
    )
    assert (own.duplicate_window_seconds, own.max_entries_per_minute) == (0, 3)


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
