"""`make screenshots`: the pictures of the README, taken from a real installation with the demo data."""

import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from tests.browser.conftest import ARGUMENTS, HINT, chromium
from tests.process.installation import ROOT, Installation, wait_for

IMAGES = ROOT / "docs" / "images"
WIDE = {"width": 1440, "height": 900}


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        installation = Installation(Path(folder))
        try:
            installation.start("up", "--demo")
            installation.wait_until_served()
            _, answer = installation.send()
            wait_for("the decisions", lambda: installation.decided(answer))
            _shoot(installation)
        finally:
            installation.end()


def _shoot(installation: Installation) -> None:
    executable = chromium()
    if executable is None:
        raise SystemExit(HINT)
    IMAGES.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=ARGUMENTS, timeout=120_000)
        page = browser.new_page(viewport=WIDE)  # type: ignore[arg-type]
        _log_in(page, installation)
        ids = dict(installation.rows(_REFUSED))
        pages = {
            "home": "/admin/",
            "accounts": "/admin/firms/account/",
            "decision": f"/admin/execution/decision/{ids['Apex-1']}/change/",
            "program": f"/admin/firms/program/{installation.rows(_PROGRAM)[0][0]}/change/",
        }
        for name, path in pages.items():
            page.goto(installation.url + path)
            page.wait_for_load_state("networkidle")
            # As tall as the page: what sticks to the window's bottom would else stand in its middle.
            height = page.evaluate("document.documentElement.scrollHeight")
            page.set_viewport_size({"width": WIDE["width"], "height": max(height, WIDE["height"])})
            page.screenshot(path=IMAGES / f"{name}.png")
            page.set_viewport_size(WIDE)  # type: ignore[arg-type]
        browser.close()


_REFUSED = """
SELECT a.label, d.id FROM execution_decision d JOIN firms_account a ON a.id = d.account_id
"""
_PROGRAM = "SELECT p.id FROM firms_program p JOIN firms_firm f ON f.id = p.firm_id WHERE f.code = 'APEX' ORDER BY number DESC"


def _log_in(page: Any, installation: Installation) -> None:
    page.goto(f"{installation.url}/admin/login/")
    page.fill("input[name=username]", "demo")
    page.fill("input[name=password]", (installation.folder / "var" / "demo_password").read_text().strip())
    page.click("button[type=submit]")
    page.wait_for_url(f"{installation.url}/admin/")


if __name__ == "__main__":
    main()
