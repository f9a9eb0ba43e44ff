"""The admins that others derive from: evidence nobody changes, and rules whose every change is kept."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import HttpRequest, HttpResponse
from simple_history.admin import SimpleHistoryAdmin
from unfold.admin import ModelAdmin, StackedInline, TabularInline
from unfold.paginator import InfinitePaginator
from unfold.widgets import UnfoldAdminDecimalFieldWidget

from firms.admin.display import NOTHING
from firms.terms_in_force import note_after_commit


class PlainDecimalWidget(UnfoldAdminDecimalFieldWidget):
    """Shows 50000, not 50000.0000: the column's places are not the number's."""

    def format_value(self, value: Any) -> str | None:
        text = super().format_value(value)
        return text.rstrip("0").rstrip(".") if text and "." in text else text


FIELDS: "Mapping[type[models.Field[Any, Any]], Mapping[str, Any]]" = {
    models.DecimalField: {"widget": PlainDecimalWidget},
    models.URLField: {"assume_scheme": "https"},
}


class PlainAdmin(ModelAdmin):
    """What every list and form has in common."""

    formfield_overrides: "ClassVar[Mapping[type[models.Field[Any, Any]], Mapping[str, Any]]]" = FIELDS

    compressed_fields = True
    warn_unsaved_form = True
    list_filter_submit = True
    list_per_page = 50
    list_fullwidth = True
    empty_value_display = NOTHING


class EvidenceAdmin(PlainAdmin):
    """Looked at, never added to, changed or deleted: whoever asks, superusers too."""

    actions = None
    warn_unsaved_form = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        row = self.get_object(request, object_id)
        shown_here = {} if row is None else self.page(row)
        # The log of this admin's own changes is left out: there are none.
        context = {"show_history": False, **shown_here, **(extra_context or {})}
        return super().change_view(request, object_id, form_url, context)

    def page(self, row: Any) -> dict[str, Any]:
        """What a row's page shows besides its fields, for its template."""
        return {}


class StreamAdmin(EvidenceAdmin):
    """Evidence that grows without end: pages without counting the table."""

    paginator = InfinitePaginator
    show_full_result_count = False


class HistoryAdmin(SimpleHistoryAdmin, PlainAdmin):
    """Keeps who changed what and when. Looking back is all it does.

    A revert would bring back a program's columns without its loss limits, past every check of the form,
    and simple_history lets whoever may look do it.
    """

    def revert_disabled(self, request: HttpRequest, obj: Any = None) -> bool:
        return True

    def history_form_view(
        self,
        request: HttpRequest,
        object_id: str,
        version_id: str,
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        if request.method not in ("GET", "HEAD"):
            raise PermissionDenied
        return super().history_form_view(request, object_id, version_id, extra_context)


class RulesAdmin(HistoryAdmin):
    """Whatever makes an account's terms: each save is followed by a look at what is in force now."""

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        note_after_commit()

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        super().delete_model(request, obj)
        note_after_commit()

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        super().delete_queryset(request, queryset)
        note_after_commit()


class PlainInline(TabularInline):
    """Rows edited on another row's page; more are added by a click."""

    formfield_overrides: "ClassVar[Mapping[type[models.Field[Any, Any]], Mapping[str, Any]]]" = FIELDS
    extra = 0
    hide_title = True


class SheetInline(StackedInline):
    """Rows with too many columns for a table: each a sheet of its own, folded under its title."""

    formfield_overrides: "ClassVar[Mapping[type[models.Field[Any, Any]], Mapping[str, Any]]]" = FIELDS
    extra = 0
    collapsible = True


class EvidenceInline(PlainInline):
    """Rows shown on another row's page, only to be read."""

    can_delete = False
    show_change_link = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def shown(
    description: str, ordering: str | None = None
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Name a column that is computed, and say what it sorts by."""

    def name(function: Callable[..., Any]) -> Callable[..., Any]:
        function.short_description = description  # type: ignore[attr-defined]
        if ordering is not None:
            function.admin_order_field = ordering  # type: ignore[attr-defined]
        return function

    return name
