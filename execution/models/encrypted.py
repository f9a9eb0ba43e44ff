"""A text column that is encrypted at rest, and never shown again by a form."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.db import models
from django.utils.text import capfirst

from execution.vault import Sealed

if TYPE_CHECKING:
    _Text = models.TextField[Sealed, Sealed]
else:
    _Text = models.TextField


class EncryptedTextField(_Text):
    """Holds a `Sealed`. Whoever dumps the table, or a row as a fixture, has only the encrypted text."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{"default": Sealed, "editable": True, **options})

    def from_db_value(self, value: str | None, *_: Any) -> Sealed:
        return Sealed(value or "")

    def to_python(self, value: Any) -> Sealed:
        return value if isinstance(value, Sealed) else Sealed(value or "")

    def get_prep_value(self, value: Any) -> str:
        if not isinstance(value, Sealed):
            raise TypeError(f"{self.name} takes Sealed.of(text): plain text is not stored")
        return value.token

    def value_to_string(self, obj: models.Model) -> str:
        return self.get_prep_value(self.value_from_object(obj))

    def formfield(self, **options: Any) -> Any:
        """Always optional in a form: what is left empty stays as it is stored."""
        lines = {"rows": 3} if "\n" in str(self.help_text) else {}
        return SealedFormField(
            label=options.get("label", capfirst(self.verbose_name)),
            help_text=self.help_text,
            required=False,
            attrs=lines,
        )

    def deconstruct(self) -> Any:
        name, path, args, options = super().deconstruct()
        options.pop("default", None)
        return name, path, args, options


class WriteOnlyInput(forms.PasswordInput):
    """Never renders what is stored; says that something is."""

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        from unfold.widgets import INPUT_CLASSES  # the admin's own look; its module needs the apps

        shown = {"class": " ".join(INPUT_CLASSES), "autocomplete": "new-password", "spellcheck": "false"}
        super().__init__({**shown, **(attrs or {})}, render_value=False)

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        if isinstance(value, Sealed) and value:
            attrs = {**(attrs or {}), "placeholder": "stored; type to replace"}
        return super().get_context(name, None, attrs)

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        return not data.get(name)  # so that a model form leaves what is stored


class SealedFormField(forms.CharField):
    """What is typed comes out sealed; the plain text goes no further than this."""

    def __init__(self, *, attrs: dict[str, Any] | None = None, **options: Any) -> None:
        super().__init__(widget=WriteOnlyInput(attrs), strip=True, **options)

    def to_python(self, value: Any) -> Any:
        return Sealed.of(super().to_python(value) or "")

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(data)
