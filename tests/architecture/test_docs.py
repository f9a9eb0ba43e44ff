"""Pages that are made from the code are what the code makes now."""

import pytest

from tools.rules_doc import PAGE, page

pytestmark = pytest.mark.core


def test_the_rules_page_is_what_the_rules_say() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert text == page(text), "run `make docs`"
