"""Pages in tabs: each fieldset is one, with the rows that belong to it (inlines) inside it."""

from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

from django.contrib import admin
from django.contrib.admin.helpers import AdminField, Fieldset, InlineAdminFormSet
from django.http import HttpRequest, HttpResponse
from django.utils.text import slugify


class Tab(NamedTuple):
    name: str
    slug: str
    fieldset: Fieldset
    inlines: list[InlineAdminFormSet]
    errors: int


class TabbedAdmin(admin.ModelAdmin):
    """Unfold has tabs for fieldsets and tabs for inlines; here one row of tabs holds both.

    `inline_tabs` says for an inline's prefix under which fieldset it stands; the first one takes the rest.
    """

    change_form_template = "propguard/tabbed_change_form.html"
    inline_tabs: ClassVar[Mapping[str, str]] = {}

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        tabs = self._tabs(list(context["adminform"]), context["inline_admin_formsets"])
        context["tabs"] = tabs
        context["first_tab"] = next((tab.slug for tab in tabs if tab.errors), tabs[0].slug)
        return super().render_change_form(request, context, *args, **kwargs)

    def _tabs(self, fieldsets: list[Fieldset], inlines: list[InlineAdminFormSet]) -> list[Tab]:
        names = [str(getattr(fieldset, "name", "")) for fieldset in fieldsets]
        first, tabs = names[0], []
        for name, fieldset in zip(names, fieldsets, strict=True):
            own = [i for i in inlines if self.inline_tabs.get(i.formset.prefix, first) == name]
            errors = _errors_in(fieldset) + sum(_errors_in_rows(inline) for inline in own)
            tabs.append(Tab(name, slugify(name), fieldset, own, errors))
        return tabs


def _errors_in(fieldset: Fieldset) -> int:
    fields = [field for line in fieldset for field in line]
    return len([field for field in fields if isinstance(field, AdminField) and field.errors()])


def _errors_in_rows(inline: InlineAdminFormSet) -> int:
    return len([row for row in inline.formset.errors if row]) + len(inline.formset.non_form_errors())
