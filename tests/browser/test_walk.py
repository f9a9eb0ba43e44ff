"""A person walks through the admin: log in, look at a refusal, pause an account, resume it."""

from typing import Any

import pytest
from django.test import Client

from execution.tasks import route_chunk
from firms.models import Account, AuditEntry, Flag
from propguard import demo
from tests.process.installation import wait_for

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def demo_page(page: Any, live_server: Any) -> Any:
    """The demo with its alert decided, and its user logged in."""
    from execution.models import SignalChunk

    demo.seed()
    body = demo.ALERT.format(secret=demo._secret("demo_secret"))
    assert Client().post("/api/v1/webhooks/demo/", body, content_type="application/json").status_code == 202
    for chunk in SignalChunk.objects.all():
        route_chunk(chunk.pk)
    page.goto(f"{live_server.url}/admin/login/")
    page.fill("input[name=username]", demo.LOGIN)
    page.fill("input[name=password]", demo._secret("demo_password"))
    page.click("button[type=submit]")
    page.wait_for_url(f"{live_server.url}/admin/")
    return page


def test_the_home_page_shows_accounts_and_the_last_decisions(demo_page: Any) -> None:
    text = demo_page.inner_text("body")
    for account in demo.ACCOUNTS:
        assert account.label in text
    assert "would pass" in text


def test_a_refusal_shows_every_rule_with_its_numbers(demo_page: Any, live_server: Any) -> None:
    demo_page.goto(f"{live_server.url}/admin/execution/decision/")
    demo_page.locator("#result_list tr", has_text="Apex-1").locator("th a").first.click()
    demo_page.wait_for_selector("text=What every rule found")
    text = demo_page.inner_text("body")
    assert "the drawdown floor is $51,000.00" in text
    assert "1 would pass" in text
    for column in ("Rule", "Observed", "Limit", "Room"):
        assert column.lower() in text.lower()


def test_pausing_asks_for_a_reason_and_resuming_ends_it(demo_page: Any, live_server: Any) -> None:
    account = Account.objects.get(label="Topstep-1")
    url = f"{live_server.url}/admin/firms/account/{account.pk}/change/"
    for action, reason, done in (("Pause", "News at two", "paused"), ("Resume", "News is over", "running")):
        demo_page.goto(url)
        demo_page.locator("a:visible, button:visible").filter(has_text=action).first.click()
        demo_page.fill("[name=reason]", reason)
        demo_page.locator("form:has([name=reason]) button[type=submit]").last.click()
        wait_for(action, AuditEntry.objects.filter(reason=reason).exists)
        demo_page.wait_for_selector(f"text={done}")
    flag = Flag.objects.get(account=account)
    assert (flag.reason, flag.end_reason) == ("News at two", "News is over")
    assert flag.raised_by is not None


def test_it_fits_a_phone(demo_page: Any, live_server: Any) -> None:
    demo_page.set_viewport_size({"width": 390, "height": 844})
    for path in ("/admin/", "/admin/firms/account/", "/admin/execution/decision/"):
        demo_page.goto(live_server.url + path)
        wide = demo_page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert wide <= 0, path
