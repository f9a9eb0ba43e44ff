"""What a browser would send back of a page's form, untouched."""

from html.parser import HTMLParser
from typing import Any


def fields_of(page: bytes, form_id: str) -> dict[str, list[str]]:
    """The values of a form's controls by name: ticked boxes, chosen options, text. Templates for rows that
    are not there yet (`__prefix__`) are left out."""
    reader = _Reader(form_id)
    reader.feed(page.decode())
    return {name: values for name, values in reader.values.items() if "__prefix__" not in name}


class _Reader(HTMLParser):
    def __init__(self, form_id: str) -> None:
        super().__init__()
        self.form_id = form_id
        self.values: dict[str, list[str]] = {}
        self._inside = False
        self._select = self._textarea = ""

    def handle_starttag(self, tag: str, given: list[tuple[str, str | None]]) -> None:
        attributes: dict[str, Any] = dict(given)
        if tag == "form":
            self._inside = attributes.get("id") == self.form_id
        if not self._inside:
            return
        name = attributes.get("name") or ""
        if tag == "input" and name and attributes.get("type") not in ("submit", "button", "file"):
            is_box = attributes.get("type") in ("checkbox", "radio")
            if not is_box or "checked" in attributes:
                self._add(name, attributes.get("value") or ("on" if is_box else ""))
        elif tag == "textarea" and name:
            self._textarea = name
            self._add(name, "")
        elif tag == "select" and name:
            self._select = name
        elif tag == "option" and self._select and "selected" in attributes:
            self._add(self._select, attributes.get("value") or "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._inside = False
        elif tag == "select":
            self._select = ""
        elif tag == "textarea":
            self._textarea = ""

    def handle_data(self, data: str) -> None:
        if self._textarea:
            self.values[self._textarea][-1] += data.removeprefix("\r\n").removeprefix("\n")

    def _add(self, name: str, value: str) -> None:
        self.values.setdefault(name, []).append(value)
