"""A program's page: its tabs and rows, what is disputed, what a save changes."""

from datetime import date
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from firms.admin.program import summary_of
from firms.models import Instrument, LossLimit, NewsRule, ProductLimit, Program, TermSource, Tier
from tests.admin.forms import fields_of
from tests.make import make_program

pytestmark = pytest.mark.django_db
LIST = "/admin/firms/program/"


@pytest.fixture
def program() -> Program:
    return make_program()


def page_of(program: Program) -> str:
    return reverse("admin:firms_program_change", args=[program.pk])


def save(client: Client, program: Program, **fields: Any) -> Any:
    page = page_of(program)
    return client.post(page, {**fields_of(client.get(page).content, "program_form"), **fields})


def make_source(program: Program, **fields: Any) -> TermSource:
    defaults = {"url": "https://apex.example/rules", "read_on": "2026-01-02", "evidence": "disputed"}
    return TermSource.objects.create(program=program, **{**defaults, **fields})


# --- the form -------------------------------------------------------------------------------------------


def test_saving_the_page_untouched_changes_nothing(program: Program, admin_client: Client) -> None:
    Tier.objects.create(program=program, of="contracts", from_profit=0, value=3)
    ProductLimit.objects.create(program=program, product="SIL", max_contracts=1)
    NewsRule.objects.create(program=program, events="high", before_seconds=120, after_seconds=120)
    make_source(program)
    before = Program.objects.values().get()
    limits = list(LossLimit.objects.order_by("pk").values())
    assert save(admin_client, program).status_code == 302
    assert Program.objects.values().get() == before
    assert list(LossLimit.objects.order_by("pk").values()) == limits


def test_what_is_changed_is_kept_with_who(program: Program, admin_client: Client, admin_user: User) -> None:
    daily = program.loss_limits.get(kind="daily_loss")
    row = list(program.loss_limits.order_by("pk")).index(daily)
    nq = Instrument.objects.get(symbol="NQ")
    response = save(
        admin_client, program,
        **{
            "name": "50K new", "max_contracts": "5", "max_micros": "50", "flat_by": "15:10",
            "flat_by_zone": "America/Chicago", "overnight": "false", "consistency_share": "0.5",
            "profit_target": "3000", "purchased_until": "2025-06-30", "allowed_instruments": [nq.pk],
            f"loss_limits-{row}-amount": "900", f"loss_limits-{row}-tested_on": "lower",
        },
    )  # fmt: skip
    assert response.status_code == 302
    program.refresh_from_db()
    daily.refresh_from_db()
    assert (program.name, program.max_contracts, program.max_micros, program.number) == ("50K new", 5, 50, 1)
    assert (program.overnight, program.purchased_until) == (False, date(2025, 6, 30))
    assert list(program.allowed_instruments.all()) == [nq]
    assert (daily.amount, daily.tested_on) == (900, "lower")
    assert program.history.first().history_user == admin_user
    assert daily.history.first().history_user == admin_user
    history = admin_client.get(reverse("admin:firms_program_history", args=[program.pk])).content.decode()
    assert "amount: 1000 → 900" in history


def test_rows_are_added_on_the_page(program: Program, admin_client: Client) -> None:
    response = save(
        admin_client, program,
        **{
            "tiers-TOTAL_FORMS": "1", "tiers-0-of": "contracts", "tiers-0-from_profit": "0", "tiers-0-value": "2",
            "product_limits-TOTAL_FORMS": "1", "product_limits-0-product": "energy", "product_limits-0-max_contracts": "0",
            "news_rules-TOTAL_FORMS": "1", "news_rules-0-before_seconds": "120", "news_rules-0-after_seconds": "60",
            "news_rules-0-severity": "violation", "news_rules-0-events": "CPI",
            "sources-TOTAL_FORMS": "1", "sources-0-term": "flat_by", "sources-0-url": "https://apex.example/",
            "sources-0-read_on": "2026-01-02", "sources-0-evidence": "disputed", "sources-0-other_reading": "15:59",
        },
    )  # fmt: skip
    assert response.status_code == 302
    assert (program.tiers.get().from_profit, program.tiers.get().value) == (0, 2)
    assert program.product_limits.get().max_contracts == 0
    assert str(program.news_rules.get()) == "CPI: 120 s before to 60 s after"
    assert program.sources.get().other_reading == "15:59"


@pytest.mark.parametrize(
    ("fields", "tab"),
    [
        ({"day_zone": "Chicago"}, "trading-day"),
        ({"max_risk_share": "much"}, "risk"),
        ({"loss_limits-0-amount": "", "loss_limits-0-share": ""}, "loss-limits"),
        ({"loss_limits-0-amount": "5", "loss_limits-0-share": "0.1"}, "loss-limits"),
    ],
    ids=["a zone nobody knows", "no number", "a drawdown without distance", "both amount and share"],
)
def test_an_error_opens_its_own_tab(
    program: Program, admin_client: Client, fields: dict[str, str], tab: str
) -> None:
    LossLimit.objects.filter(kind="daily_loss").delete()
    response = save(admin_client, program, **fields)
    assert response.status_code == 200
    assert response.context["first_tab"] == tab
    assert "Please correct the error" in response.content.decode()


def test_a_hundred_instruments_are_no_wall_of_boxes(program: Program, admin_client: Client) -> None:
    fields = admin_client.get(page_of(program)).context["adminform"].form
    assert str(fields["allowed_instruments"]).count("<option") == 0
    assert "admin-autocomplete" in str(fields["allowed_instruments"])


def test_the_catalogs_key_is_only_shown(program: Program, admin_client: Client) -> None:
    Program.objects.update(catalog_key="apex/50k")
    assert "apex/50k" in admin_client.get(page_of(program)).content.decode()
    save(admin_client, program, catalog_key="other")
    assert Program.objects.get().catalog_key == "apex/50k"


# --- the summary ----------------------------------------------------------------------------------------


def test_a_disputed_rule_shows_both_readings(program: Program, admin_client: Client) -> None:
    Program.objects.update(max_contracts=10)
    make_source(program, term="max_contracts", other_reading="14 after the first payout")
    make_source(program, term="all", evidence="confirmed", url="https://apex.example/sure")
    content = admin_client.get(page_of(program)).content.decode()
    note = content[content.index("Sources disagree") : content.index("pg-tabs")]
    assert "14 after the first payout" in note
    assert ">10<" in note.replace(" ", "").replace("\n", "")
    assert "https://apex.example/rules" in note
    assert "https://apex.example/sure" not in note


@pytest.mark.parametrize(
    ("term", "held"),
    [
        ("drawdown.boundary", "below"),
        ("daily_loss.amount", "1000"),
        ("boundary", "at, below"),
        ("tier.value", "3"),
        ("news_rule", "CPI: 120 s before to 120 s after"),
        ("day_zone", "America/Chicago"),
        ("phase", "evaluation"),
        ("what nobody has heard of", ""),
        ("drawdown.nothing", "drawdown 2,500.00 from highest equity"),
        ("history", ""),
    ],
)
def test_what_is_held_of_a_disputed_term(program: Program, term: str, held: str) -> None:
    program.loss_limits.filter(kind="drawdown").update(boundary="below")
    Tier.objects.create(program=program, of="contracts", from_profit=0, value=3)
    NewsRule.objects.create(program=program, events="CPI", before_seconds=120, after_seconds=120)
    make_source(program, term=term, other_reading="something else")
    [dispute] = summary_of(Program.objects.get())["disputes"]
    assert dispute["held"].lower() == held.lower()


def test_a_program_nobody_disputes_has_no_such_note(program: Program, admin_client: Client) -> None:
    make_source(program, evidence="confirmed")
    assert "Sources disagree" not in admin_client.get(page_of(program)).content.decode()


def test_limits_stand_in_words_above_the_form(program: Program, admin_client: Client) -> None:
    LossLimit.objects.filter(kind="daily_loss").update(amount=None, is_optional=True)
    for profit, loss in ((0, 1000), (3000, 2000)):
        Tier.objects.create(program=program, of="daily_loss", from_profit=profit, value=loss)
    Program.objects.update(purchased_from=date(2025, 7, 1))
    content = admin_client.get(page_of(program)).content.decode()
    assert "Daily loss $1,000 / $2,000 from $3,000 of profit, optional" in content
    assert "$2,500 under the highest equity" in content
    assert "For accounts bought from 2025-07-01" in content


# --- the list -------------------------------------------------------------------------------------------


def test_the_list_finds_by_name_firm_and_evidence(admin_client: Client) -> None:
    quiet = make_program("APEX", 1, name="Quiet 50K")
    loud = make_program("TOPSTEP", 1, name="Loud 50K")
    make_source(loud, term="a")
    make_source(loud, term="b")
    make_source(quiet, evidence="confirmed")

    def found(**query: Any) -> set[str]:
        page = admin_client.get(LIST, query)
        return {program.name for program in page.context["cl"].result_list}

    assert found(q="loud") == {"Loud 50K"}
    assert found(q="apex") == {"Quiet 50K"}
    assert found(evidence="disputed") == {"Loud 50K"}
    assert found(firm__id__exact=quiet.firm_id) == {"Quiet 50K"}
    assert admin_client.get(LIST, {"evidence": "disputed"}).context["cl"].result_count == 1


def test_the_list_asks_as_often_for_a_full_page_as_for_a_few(admin_client: Client) -> None:
    def grow(start: int, end: int) -> int:
        for n in range(start, end):
            program = make_program("APEX", n, name=f"P{n}")
            Tier.objects.create(program=program, of="daily_loss", from_profit=0, value=500)
            make_source(program)
        with CaptureQueriesContext(connection) as queries:
            assert admin_client.get(LIST).status_code == 200
        return len(queries)

    grow(1, 3)
    few = grow(3, 5)
    assert grow(5, 70) == few
    assert few < 25
    assert len(admin_client.get(LIST).context["cl"].result_list) == 50


def test_a_percent_number_is_refused_in_words(program: Program, admin_client: Client) -> None:
    content = save(admin_client, program, max_risk_share="1").content.decode()
    assert "The risk share is a fraction up to 0.1" in content
    assert Program.objects.get().max_risk_share is None
