"""Two people on one page: the second save is refused, for it would take back what the first one changed."""

import json
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Model
from django.forms.models import _get_foreign_key
from django.http import HttpRequest, HttpResponse

from firms.admin.base import EvidenceInline

_FIELD = "edit_version"
_NO_EDIT = {"last_update"}  # a pause's stamp


class OneEditorAdmin(admin.ModelAdmin):
    """Saves a page only where its row, and what is edited along with it, are as the page showed them."""

    change_form_before_template = "propguard/edit_version.html"

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form: Any = super().get_form(request, obj, change, **kwargs)
        if obj is None:
            return form
        changed = self._changed_since

        class OneEditorForm(form):
            def clean(self) -> Any:
                cleaned = super().clean()
                who = changed(obj, str(self.data.get(_FIELD, "")))
                if who is not None:
                    raise forms.ValidationError(
                        f"This page is out of date: {who} has changed it since you opened it, so nothing was "
                        "saved. Load it anew and make your change again."
                    )
                return cleaned

        return OneEditorForm

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        row = self.get_object(request, object_id)
        shown = None if row is None else request.POST.get(_FIELD) or self._version(row)
        return super().change_view(request, object_id, form_url, {_FIELD: shown, **(extra_context or {})})

    def _changed_since(self, row: Model, version: str) -> str | None:
        """Who has changed the row since it had this version, in words; None where nobody has. Holds the row
        until the save's commit."""
        now = type(row)._default_manager.select_for_update(no_key=True).get(pk=row.pk)
        return None if self._version(now) == version else self._editor(now)

    def _version(self, row: Model) -> str:
        texts = [_text_of(row), *(_text_of(child) for _, child in self._children(row))]
        return sha256("\n".join(texts).encode()).hexdigest()

    def _editor(self, row: Model) -> str:
        """Whoever saved last, as far as the history knows."""
        histories = [getattr(row, "history", None)]
        histories += [
            model.history.filter(**{f"{name}_id": row.pk})
            for model, name in self._edited_models()
            if hasattr(model, "history")
        ]
        records = [h.order_by("-history_date").first() for h in histories if h is not None]
        newest = max((r for r in records if r is not None), key=lambda r: r.history_date, default=None)
        if newest is None:
            return "somebody"
        return f"{newest.history_user or 'a program'} (last at {newest.history_date:%H:%M:%S} UTC)"

    def _children(self, row: Model) -> Iterator[tuple[type[Model], Model]]:
        for model, name in self._edited_models():
            for child in model._default_manager.filter(**{name: row.pk}).order_by("pk"):
                yield model, child

    def _edited_models(self) -> Iterator[tuple[Any, str]]:
        for inline in self.inlines:
            if not issubclass(inline, EvidenceInline):
                yield inline.model, _get_foreign_key(self.model, inline.model).name


def _text_of(row: Model) -> str:
    meta = row._meta
    columns = {f.attname: f.value_to_string(row) for f in meta.concrete_fields if f.name not in _NO_EDIT}
    links = {f.name: sorted(str(one.pk) for one in getattr(row, f.name).all()) for f in meta.many_to_many}
    return json.dumps([meta.label, columns, links])
